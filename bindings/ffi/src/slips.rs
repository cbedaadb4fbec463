//! Slips in every form, and what the till says of a payment.

pub use softpos_terminal::{Format as SlipFormat, Rendered as SlipFile};

use crate::error::SoftPosError;
use crate::requests::{Paper, batch_number, payment_key};
use crate::terminal::Terminal;
use crate::words::SlipCopy;

/// A form of a slip.
#[uniffi::remote(Enum)]
pub enum SlipFormat {
    /// Plain text in UTF-8.
    Text,
    /// A PNG of 384 or 576 dots.
    Png,
    /// The bytes for a printer of Chinese receipts: ESC/POS, texts in GB18030.
    EscPos,
    /// The bytes for a printer that is told to read UTF-8.
    EscPosUtf8,
    /// A page of its own for a screen, without scripts.
    Html,
    /// One page with text that can be selected.
    Pdf,
}

/// A slip in one form.
#[uniffi::remote(Record)]
pub struct SlipFile {
    /// The file, or what goes to the printer.
    pub bytes: Vec<u8>,
    /// Characters that the form cannot show, each once; a box or a question mark stands for them.
    pub missing: String,
}

#[uniffi::export]
impl Terminal {
    /// A payment's slip in a form. NotReady with `no_font` for a picture or PDF in a library without pictures.
    pub fn receipt_file(
        &self,
        key: &str,
        copy: SlipCopy,
        paper: Paper,
        format: SlipFormat,
    ) -> Result<SlipFile, SoftPosError> {
        self.call(|till| till.receipt_file(payment_key(key)?, copy, paper, format))
    }

    /// The slip of a batch in a form.
    pub fn day_close_file(
        &self,
        batch: u32,
        paper: Paper,
        format: SlipFormat,
    ) -> Result<SlipFile, SoftPosError> {
        self.call(|till| till.day_close_file(batch_number(batch)?, paper, format))
    }

    /// What the till says about a payment as it stands, in the payment's language; none while it is on its way. Steps
    /// say it by themselves, once.
    pub fn outcome_sentence(&self, key: &str) -> Result<Option<String>, SoftPosError> {
        self.call(|till| till.outcome_sentence(payment_key(key)?))
    }
}
