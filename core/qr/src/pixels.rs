//! Pictures as pixels, from bytes that anybody may have made: what is too large is refused before it is unpacked.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use std::io::Cursor;

/// The longest side of a picture, and the most pixels.
const MAX_SIDE: usize = 8_192;
const MAX_PIXELS: usize = 16_777_216;
/// The longest file.
const MAX_BYTES: usize = 24 * 1_024 * 1_024;

/// Why a picture cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelsError {
    /// Neither PNG nor JPEG.
    NotAPicture,
    /// More than 16 million pixels, a side over 8,192, or a file over 24 MiB.
    TooLarge,
    /// Cut or altered.
    Damaged,
}

/// Three bytes a pixel, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rgb {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) bytes: Vec<u8>,
}

impl Rgb {
    /// The pixel that lies at a place of a square of `side` pixels into which the picture is drawn.
    #[cfg(feature = "render")]
    pub(crate) fn scaled(&self, x: usize, y: usize, side: usize) -> [u8; 3] {
        let scale = |at: usize, from: usize| at.saturating_mul(from).checked_div(side).unwrap_or_default();
        let (x, y) = (scale(x, self.width), scale(y, self.height));
        let at = y.saturating_mul(self.width).saturating_add(x).saturating_mul(3);
        let pixel = self.bytes.get(at..).and_then(|rest| rest.first_chunk::<3>());
        pixel.copied().unwrap_or([255; 3])
    }

    /// One byte a pixel (ITU-R BT.601).
    #[cfg(feature = "scan")]
    pub(crate) fn luma(&self) -> Vec<u8> {
        let grey = |pixel: &[u8; 3]| {
            let [red, green, blue] = pixel.map(u32::from);
            let sum = red
                .saturating_mul(299)
                .saturating_add(green.saturating_mul(587))
                .saturating_add(blue.saturating_mul(114));
            u8::try_from(sum / 1_000).unwrap_or(u8::MAX)
        };
        self.bytes.as_chunks::<3>().0.iter().map(grey).collect()
    }
}

/// Whether a picture of this size may be unpacked.
pub(crate) fn check_size(width: usize, height: usize) -> Result<(), PixelsError> {
    let fits = (1..=MAX_SIDE).contains(&width)
        && (1..=MAX_SIDE).contains(&height)
        && width.saturating_mul(height) <= MAX_PIXELS;
    if fits { Ok(()) } else { Err(PixelsError::TooLarge) }
}

pub(crate) fn check_file(bytes: &[u8]) -> Result<(), PixelsError> {
    if bytes.len() <= MAX_BYTES {
        Ok(())
    } else {
        Err(PixelsError::TooLarge)
    }
}

/// Unpacks a PNG; what is transparent lies on white.
pub(crate) fn decode_png(bytes: &[u8]) -> Result<Rgb, PixelsError> {
    check_file(bytes)?;
    if !bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Err(PixelsError::NotAPicture);
    }
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let size = decoder
        .read_header_info()
        .map_err(|_| PixelsError::Damaged)?
        .size();
    let side = |side: u32| usize::try_from(side).map_err(|_| PixelsError::TooLarge);
    let (width, height) = (side(size.0)?, side(size.1)?);
    check_size(width, height)?;
    let mut reader = decoder.read_info().map_err(|_| PixelsError::Damaged)?;
    let length = reader.output_buffer_size().ok_or(PixelsError::TooLarge)?;
    let mut packed = vec![0; length];
    let frame = reader.next_frame(&mut packed).map_err(|_| PixelsError::Damaged)?;
    packed.truncate(frame.buffer_size());
    let bytes = match frame.color_type {
        png::ColorType::Rgb => packed,
        png::ColorType::Rgba => over_white(
            packed
                .as_chunks::<4>()
                .0
                .iter()
                .map(|[r, g, b, a]| ([*r, *g, *b], *a)),
        ),
        png::ColorType::Grayscale => packed.iter().flat_map(|grey| [*grey; 3]).collect(),
        png::ColorType::GrayscaleAlpha => {
            over_white(packed.as_chunks::<2>().0.iter().map(|[grey, a]| ([*grey; 3], *a)))
        }
        png::ColorType::Indexed => return Err(PixelsError::Damaged),
    };
    Ok(Rgb { width, height, bytes })
}

fn over_white(pixels: impl Iterator<Item = ([u8; 3], u8)>) -> Vec<u8> {
    pixels
        .flat_map(|(colours, alpha)| {
            colours.map(|colour| {
                let (colour, alpha) = (u32::from(colour), u32::from(alpha));
                let dark = 255_u32.saturating_sub(colour).saturating_mul(alpha) / 255;
                u8::try_from(255_u32.saturating_sub(dark)).unwrap_or(u8::MAX)
            })
        })
        .collect()
}

impl fmt::Display for PixelsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAPicture => "neither PNG nor JPEG",
            Self::TooLarge => "larger than 16 million pixels, 8,192 pixels a side or 24 MiB",
            Self::Damaged => "cut or altered",
        })
    }
}

impl core::error::Error for PixelsError {}
