//! Codes: scanned texts and camera frames that are charged, symbols for a shell's own drawing.

use softpos_terminal as terminal;
pub use softpos_terminal::{CodeSymbol, FrameSize, Purpose as CodePurpose};
use softpos_types::SecretBytes;

use crate::error::SoftPosError;
use crate::guard;
use crate::requests::{PaymentRequest, payment_key};
use crate::terminal::Terminal;

/// A symbol to draw: dark modules on a light ground, with four light modules around them, whatever the theme.
#[uniffi::remote(Record)]
pub struct CodeSymbol {
    /// Its version, 1 to 40.
    pub version: u8,
    /// Modules of a side.
    pub side: u32,
    /// Row by row, 1 for dark.
    pub modules: Vec<u8>,
}

/// Where a symbol will be seen.
#[uniffi::remote(Enum)]
pub enum CodePurpose {
    /// On a screen.
    Screen,
    /// On paper, that smears and folds.
    Print,
    /// With a logo in its middle, at most a fifth of its side.
    Logo,
}

/// The size of a camera's brightness plane.
#[uniffi::remote(Record)]
pub struct FrameSize {
    /// Pixels of a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes from one row to the next.
    pub stride: u32,
}

/// The smallest symbol for a text; none if it does not fit into any.
#[uniffi::export]
pub fn code_symbol(text: &str, purpose: CodePurpose) -> Result<Option<CodeSymbol>, SoftPosError> {
    guard::call(|| Ok(terminal::code_symbol(text, purpose)))
}

#[uniffi::export]
impl Terminal {
    /// Charges the code that a payer shows, the text as it was scanned or typed, and gives the payment's key. It is
    /// never kept for later; the caller wipes its own bytes.
    pub fn charge_code(&self, request: PaymentRequest, scanned: &[u8]) -> Result<String, SoftPosError> {
        let scanned = SecretBytes::copy_of(scanned);
        self.call(|till| Ok(till.charge_code(request.try_into()?, &scanned)?.to_string()))
    }

    /// Charges the code in a camera's frame, one byte a pixel; none if there is no code in it: the next frame is
    /// tried. The code never leaves the core. Looks for some milliseconds: not for the main thread.
    pub fn charge_frame(
        &self,
        request: PaymentRequest,
        luma: &[u8],
        size: FrameSize,
    ) -> Result<Option<String>, SoftPosError> {
        self.call(|till| {
            let key = till.charge_frame(request.try_into()?, &size.of(luma))?;
            Ok(key.map(|key| key.to_string()))
        })
    }

    /// Activates with the code in a camera's frame; says whether there was one.
    pub fn activate_frame(&self, luma: &[u8], size: FrameSize) -> Result<bool, SoftPosError> {
        self.call(|till| till.activate_frame(&size.of(luma)))
    }

    /// A payment was said to be paid, by a push message for example. Nothing of it is believed: the host is asked now.
    /// ResultUnknown with the code `late_payment` for one that had ended uncharged and is beyond the till's reach.
    pub fn payment_notice(&self, key: &str) -> Result<(), SoftPosError> {
        self.call(|till| till.payment_notice(payment_key(key)?))
    }
}
