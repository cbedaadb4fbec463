//! Codes for shells: camera frames that are read in here, so that a payer's code never leaves the core, and symbols
//! for a shell's own drawing.

use softpos_flow::PaymentRequest;
use softpos_qr::render::{Purpose, Symbol};
use softpos_qr::scan::{LumaFrame, ScanError, read_luma};
use softpos_types::{Code, PaymentKey, SecretBytes, SoftPosError};
use zeroize::Zeroizing;

use crate::activation_uri::ActivationUri;
use crate::terminal::Terminal;

/// A symbol for a shell to draw: dark modules on a light ground, with four light modules around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeSymbol {
    /// Its version, 1 to 40.
    pub version: u8,
    /// Modules of a side.
    pub side: u32,
    /// Row by row, 1 for dark.
    pub modules: Vec<u8>,
}

/// The size of a camera's brightness plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameSize {
    /// Pixels of a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes from one row to the next.
    pub stride: u32,
}

impl FrameSize {
    /// The frame of this size. A size that no machine can address is one that does not fit the bytes.
    pub fn of(self, luma: &[u8]) -> LumaFrame<'_> {
        let pixels = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        LumaFrame {
            bytes: luma,
            width: pixels(self.width),
            height: pixels(self.height),
            stride: pixels(self.stride),
        }
    }
}

/// The smallest symbol for a text; none if it does not fit into any.
pub fn code_symbol(text: &str, purpose: Purpose) -> Option<CodeSymbol> {
    let symbol = Symbol::new(text, purpose).ok()?;
    Some(CodeSymbol {
        version: symbol.version(),
        side: u32::try_from(symbol.side()).ok()?,
        modules: symbol.modules().iter().map(|dark| u8::from(*dark)).collect(),
    })
}

impl Terminal {
    /// Charges the code in a camera's frame; nothing if there is none in it: the next frame is tried. The code's text
    /// never leaves the core.
    ///
    /// # Errors
    /// As [`Terminal::charge_code`]; [`Code::NotAPaymentCode`] also for a frame that is none.
    pub fn charge_frame(
        &self,
        request: PaymentRequest,
        frame: &LumaFrame<'_>,
    ) -> Result<Option<PaymentKey>, SoftPosError> {
        let Some(text) = read(frame)? else {
            return Ok(None);
        };
        self.charge_code(request, &SecretBytes::copy_of(text.as_bytes()))
            .map(Some)
    }

    /// Activates with the code in a camera's frame; says whether there was one.
    ///
    /// # Errors
    /// As [`Terminal::activate`]; `InvalidInput` for any other code.
    pub fn activate_frame(&self, frame: &LumaFrame<'_>) -> Result<bool, SoftPosError> {
        let Some(text) = read(frame)? else {
            return Ok(false);
        };
        self.activate(&ActivationUri::parse(&text)?).map(|()| true)
    }
}

fn read(frame: &LumaFrame<'_>) -> Result<Option<Zeroizing<String>>, SoftPosError> {
    match read_luma(frame) {
        Ok(text) => Ok(Some(Zeroizing::new(text))),
        Err(ScanError::NoCode) => Ok(None),
        Err(error @ (ScanError::Picture(_) | ScanError::Frame)) => {
            Err(SoftPosError::of(Code::NotAPaymentCode).with_detail(error.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_has_its_finder_patterns_and_its_size() {
        let symbol = code_symbol("softpos", Purpose::Screen).unwrap();
        assert_eq!((symbol.version, symbol.side, symbol.modules.len()), (1, 21, 441));
        assert_eq!(symbol.modules[..8], [1, 1, 1, 1, 1, 1, 1, 0]);
        assert_eq!(code_symbol(&"x".repeat(4_000), Purpose::Screen), None);
    }
}
