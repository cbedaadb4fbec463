//! The forms of output, all of the same lines.

use core::fmt;

use crate::escpos::{self, Encoding};
use crate::html;
use crate::layout::{Columns, Receipt};

/// A form of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Plain text in UTF-8.
    Text,
    /// A PNG of 384 or 576 dots; needs the feature `font`.
    Png,
    /// The bytes for a printer of Chinese receipts: ESC/POS, texts in GB18030.
    EscPos,
    /// The bytes for a printer that is told to read UTF-8.
    EscPosUtf8,
    /// A page of its own that works without scripts; its width is the screen's.
    Html,
    /// One page with text that can be selected; needs the feature `font`.
    Pdf,
}

/// A receipt in one form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The file, or what goes to the printer.
    pub bytes: Vec<u8>,
    /// Characters that the form cannot show, each once: a box or a `?` stands in their place.
    pub missing: String,
}

/// This build has no font for pictures and pages: the feature `font` is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoFont;

impl Format {
    /// Every form.
    pub const ALL: [Self; 6] = [
        Self::Text,
        Self::Png,
        Self::EscPos,
        Self::EscPosUtf8,
        Self::Html,
        Self::Pdf,
    ];

    /// Whether this build can make it.
    ///
    /// # Errors
    /// [`NoFont`].
    pub const fn check(self) -> Result<(), NoFont> {
        match self {
            Self::Png | Self::Pdf if !cfg!(feature = "font") => Err(NoFont),
            Self::Text | Self::Png | Self::EscPos | Self::EscPosUtf8 | Self::Html | Self::Pdf => Ok(()),
        }
    }
}

impl Receipt {
    /// The receipt in a form. The same receipt gives the same bytes.
    ///
    /// # Errors
    /// [`NoFont`] for [`Format::Png`] and [`Format::Pdf`] without the feature `font`.
    pub fn render(&self, format: Format, columns: Columns) -> Result<Rendered, NoFont> {
        Ok(match format {
            Format::Text => Rendered::whole(self.to_text(columns).into_bytes()),
            Format::EscPos => escpos::bytes(self, columns, Encoding::Gb18030),
            Format::EscPosUtf8 => escpos::bytes(self, columns, Encoding::Utf8),
            Format::Html => Rendered::whole(html::page(self).into_bytes()),
            #[cfg(feature = "font")]
            Format::Png => crate::picture::png(self, columns).ok_or(NoFont)?,
            #[cfg(feature = "font")]
            Format::Pdf => crate::pdf::page(self, columns).ok_or(NoFont)?,
            #[cfg(not(feature = "font"))]
            Format::Png | Format::Pdf => return Err(NoFont),
        })
    }
}

impl Rendered {
    const fn whole(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            missing: String::new(),
        }
    }

    pub(crate) fn note(&mut self, character: char) {
        if !self.missing.contains(character) {
            self.missing.push(character);
        }
    }
}

impl fmt::Display for NoFont {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("built without a font for pictures and pages")
    }
}

impl core::error::Error for NoFont {}
