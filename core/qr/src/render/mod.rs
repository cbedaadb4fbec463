//! Drawing codes: the smallest symbol that holds a text, as modules for a shell's own drawing, as SVG, as PNG and as
//! blocks for a terminal.
//!
//! Whatever is drawn is dark on light with its quiet zone in it, so that a dark theme cannot spoil it. A symbol's
//! size decides whether it is read: texts are cut into digits, capitals and bytes so that the version is the smallest.
//!
//! ```
//! use softpos_qr::render::{Purpose, Symbol};
//!
//! let symbol = Symbol::new("00020101021153039865802CN", Purpose::Screen).unwrap();
//! assert_eq!((symbol.version(), symbol.side()), (1, 21));
//! assert!(symbol.is_dark(0, 0));
//! assert!(symbol.svg(&Default::default()).starts_with("<svg"));
//! ```

mod blocks;
mod picture;
mod segments;
mod svg;

use alloc::vec::Vec;
use core::fmt;

use qrcode::{Color, EcLevel, QrCode};

pub use blocks::Ink;
pub use picture::PictureError;

/// Light modules around a symbol, that readers need (ISO/IEC 18004).
pub const QUIET_ZONE: usize = 4;
/// A logo covers this much of a symbol's width and height, in percent: 5 % of its modules.
const LOGO_PERCENT: usize = 22;

/// Where a symbol will be seen, which decides how much of it may be unreadable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// On a screen: level M, 15 %.
    Screen,
    /// On paper, that smears and folds: level Q, 25 %.
    Print,
    /// With a logo in its middle: level H, 30 %.
    Logo,
}

/// The text does not fit into any symbol of that purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// A symbol: the smallest one for its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    dark: Vec<bool>,
    side: usize,
    version: u8,
}

/// How a symbol is drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dress<'a> {
    /// Pixels of a module's side in a picture; 0 stands for 8.
    pub module_px: u8,
    /// A PNG that is drawn over the middle, for [`Purpose::Logo`].
    pub logo: Option<&'a [u8]>,
    /// What is written under the symbol, as the amount and the merchant. Pictures have no letters: SVG only.
    pub caption: &'a [&'a str],
}

impl Symbol {
    /// Finds the smallest symbol. A text beyond ASCII goes in as UTF-8, as payment codes have it.
    ///
    /// # Errors
    /// [`TooLong`].
    pub fn new(text: &str, purpose: Purpose) -> Result<Self, TooLong> {
        let level = match purpose {
            Purpose::Screen => EcLevel::M,
            Purpose::Print => EcLevel::Q,
            Purpose::Logo => EcLevel::H,
        };
        let bits = segments::smallest(text.as_bytes(), level).ok_or(TooLong)?;
        let code = QrCode::with_bits(bits, level).map_err(|_| TooLong)?;
        let side = code.width();
        let version = side.saturating_sub(17).checked_div(4).unwrap_or_default();
        Ok(Self {
            version: u8::try_from(version).map_err(|_| TooLong)?,
            side,
            dark: code
                .into_colors()
                .into_iter()
                .map(|color| color == Color::Dark)
                .collect(),
        })
    }

    /// Its version, 1 to 40.
    pub const fn version(&self) -> u8 {
        self.version
    }

    /// Modules of a side, without the quiet zone.
    pub const fn side(&self) -> usize {
        self.side
    }

    /// Whether a module is dark; all outside is light.
    pub fn is_dark(&self, x: usize, y: usize) -> bool {
        let inside = x < self.side && y < self.side;
        let at = y.saturating_mul(self.side).saturating_add(x);
        inside && self.dark.get(at).copied().unwrap_or(false)
    }

    /// The modules row by row, true for dark, without the quiet zone: for a shell that draws by itself. It draws
    /// [`QUIET_ZONE`] light modules around them.
    pub fn modules(&self) -> &[bool] {
        &self.dark
    }

    /// Whether a module of the drawing is dark, counted from the corner of the quiet zone.
    fn is_dark_drawn(&self, x: usize, y: usize) -> bool {
        match (x.checked_sub(QUIET_ZONE), y.checked_sub(QUIET_ZONE)) {
            (Some(x), Some(y)) => self.is_dark(x, y),
            _ => false,
        }
    }

    const fn drawn_side(&self) -> usize {
        self.side.saturating_add(2 * QUIET_ZONE)
    }

    /// Side of a logo in modules, odd like the symbol's own, so that it lies in the middle.
    const fn logo_side(&self) -> usize {
        (self.side.saturating_mul(LOGO_PERCENT) / 100) | 1
    }
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text does not fit into a code")
    }
}

impl core::error::Error for TooLong {}
