//! A symbol as PNG.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use super::{Dress, Symbol};
use crate::pixels::{PixelsError, Rgb, decode_png};

/// Pixels of a module that a picture has if it is not told.
const MODULE_PX: u8 = 8;

/// Why there is no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureError {
    /// The logo is no PNG, or too large a one.
    Logo(PixelsError),
    /// The picture could not be written.
    Encode,
}

impl Symbol {
    /// A grey PNG; with a logo one in colours.
    ///
    /// # Errors
    /// [`PictureError`].
    pub fn png(&self, dress: &Dress<'_>) -> Result<Vec<u8>, PictureError> {
        let module = usize::from(if dress.module_px == 0 {
            MODULE_PX
        } else {
            dress.module_px
        });
        let side = self.drawn_side().saturating_mul(module);
        let luma = self.luma(module);
        match dress.logo {
            None => encode(side, png::ColorType::Grayscale, &luma),
            Some(logo) => {
                let logo = decode_png(logo).map_err(PictureError::Logo)?;
                let mut rgb: Vec<u8> = luma.iter().flat_map(|grey| [*grey; 3]).collect();
                self.stamp(&mut rgb, module, &logo);
                encode(side, png::ColorType::Rgb, &rgb)
            }
        }
    }

    /// The drawing as one byte a pixel, 0 for dark, row by row; its side is `(side + 8) * module_px`.
    pub fn luma(&self, module_px: usize) -> Vec<u8> {
        let side = self.drawn_side();
        let mut luma = Vec::with_capacity(
            side.saturating_mul(side)
                .saturating_mul(module_px.saturating_mul(module_px)),
        );
        for y in 0..side {
            let mut row = Vec::with_capacity(side.saturating_mul(module_px));
            for x in 0..side {
                let grey = if self.is_dark_drawn(x, y) { 0 } else { 255 };
                row.extend(core::iter::repeat_n(grey, module_px));
            }
            for _ in 0..module_px {
                luma.extend_from_slice(&row);
            }
        }
        luma
    }

    /// Draws the logo over the middle, on a light square one module wider on each side.
    fn stamp(&self, rgb: &mut [u8], module: usize, logo: &Rgb) {
        let side_px = self.drawn_side().saturating_mul(module);
        let square = self.logo_side().saturating_mul(module);
        let at = side_px.saturating_sub(square) / 2;
        let inner = square.saturating_sub(module.saturating_mul(2));
        for y in 0..square {
            for x in 0..square {
                let within = |v: usize| v.checked_sub(module).filter(|v| *v < inner);
                let pixel = match (within(x), within(y)) {
                    (Some(x), Some(y)) => logo.scaled(x, y, inner),
                    _ => [255; 3],
                };
                let to = at
                    .saturating_add(y)
                    .saturating_mul(side_px)
                    .saturating_add(at.saturating_add(x))
                    .saturating_mul(3);
                if let Some(target) = rgb.get_mut(to..to.saturating_add(3)) {
                    target.copy_from_slice(&pixel);
                }
            }
        }
    }
}

fn encode(side: usize, color: png::ColorType, pixels: &[u8]) -> Result<Vec<u8>, PictureError> {
    let side = u32::try_from(side).map_err(|_| PictureError::Encode)?;
    let mut out = vec![];
    let mut encoder = png::Encoder::new(&mut out, side, side);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(|_| PictureError::Encode)?;
    writer
        .write_image_data(pixels)
        .map_err(|_| PictureError::Encode)?;
    writer.finish().map_err(|_| PictureError::Encode)?;
    Ok(out)
}

impl fmt::Display for PictureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Logo(error) => write!(f, "the logo: {error}"),
            Self::Encode => f.write_str("the picture could not be written"),
        }
    }
}

impl core::error::Error for PictureError {}
