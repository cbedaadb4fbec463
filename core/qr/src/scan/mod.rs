//! Reading codes from pictures and camera frames.
//!
//! Dark on light and light on dark, turned, tilted and blurred as cameras see them. The work is bounded whatever the
//! picture shows: large ones are read at a quarter of a million to four million pixels, never more.
//!
//! ```
//! use softpos_qr::render::{Purpose, Symbol};
//! use softpos_qr::scan;
//!
//! let png = Symbol::new("134567890123456789", Purpose::Screen)?.png(&Default::default())?;
//! assert_eq!(scan::read_picture(&png)?, "134567890123456789");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod shrink;

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use rxing::{BarcodeFormat, DecodeHints};

use crate::pixels::{PixelsError, Rgb, check_file, check_size, decode_png};

/// First a look at so many pixels, which finds nearly every code and is quick where there is none; then a closer one.
const LOOKS: [usize; 2] = [1_000_000, 4_000_000];

/// A camera's brightness plane.
#[derive(Clone, Copy, Debug)]
pub struct LumaFrame<'a> {
    /// One byte a pixel, row by row.
    pub bytes: &'a [u8],
    /// Pixels of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Bytes from one row to the next; cameras pad their rows.
    pub stride: usize,
}

/// Why nothing was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScanError {
    /// The picture cannot be used.
    Picture(PixelsError),
    /// The frame's bytes are fewer than its size says.
    Frame,
    /// There is no code, or none that can be read.
    NoCode,
}

impl From<PixelsError> for ScanError {
    fn from(error: PixelsError) -> Self {
        Self::Picture(error)
    }
}

/// Reads the code in a PNG or JPEG.
///
/// # Errors
/// [`ScanError`].
pub fn read_picture(bytes: &[u8]) -> Result<String, ScanError> {
    check_file(bytes)?;
    let rgb = match bytes {
        [0x89, b'P', b'N', b'G', ..] => decode_png(bytes)?,
        [0xFF, 0xD8, 0xFF, ..] => decode_jpeg(bytes)?,
        _ => return Err(PixelsError::NotAPicture.into()),
    };
    read_plane(&rgb.luma(), rgb.width, rgb.height)
}

/// Reads the code in a camera's frame.
///
/// # Errors
/// [`ScanError`].
pub fn read_luma(frame: &LumaFrame<'_>) -> Result<String, ScanError> {
    let LumaFrame {
        bytes,
        width,
        height,
        stride,
    } = *frame;
    check_size(width, height)?;
    if stride < width {
        return Err(ScanError::Frame);
    }
    let rows: Vec<&[u8]> = bytes
        .chunks(stride)
        .take(height)
        .filter_map(|row| row.get(..width))
        .collect();
    if rows.len() < height {
        return Err(ScanError::Frame);
    }
    let plane: Cow<'_, [u8]> = match bytes.get(..width.saturating_mul(height)) {
        Some(plane) if stride == width => Cow::Borrowed(plane),
        _ => Cow::Owned(rows.concat()),
    };
    read_plane(&plane, width, height)
}

fn read_plane(luma: &[u8], width: usize, height: usize) -> Result<String, ScanError> {
    let mut last = 0;
    for pixels in LOOKS {
        let (seen, width, height) = shrink::to(luma, width, height, pixels);
        if seen.len() == last {
            break;
        }
        last = seen.len();
        if let Some(text) = look(&seen, width, height) {
            return Ok(text);
        }
    }
    Err(ScanError::NoCode)
}

fn look(luma: &[u8], width: usize, height: usize) -> Option<String> {
    let (width, height) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    let mut hints = DecodeHints {
        AlsoInverted: Some(true),
        // A character for each byte: which encoding they are in is decided here, not guessed there.
        CharacterSet: Some("ISO-8859-1".into()),
        ..DecodeHints::default()
    };
    let format = Some(BarcodeFormat::QR_CODE);
    let found = rxing::helpers::detect_in_luma_slice_with_hints(luma, width, height, format, &mut hints);
    found.ok().map(|found| text_of_characters(found.getText()))
}

/// The text behind characters that stand for bytes: UTF-8 where they are that, ISO 8859-1 otherwise. What a symbol
/// declares to be in another encoding has characters beyond a byte, and is a text already.
fn text_of_characters(characters: &str) -> String {
    let bytes: Option<Vec<u8>> = characters
        .chars()
        .map(|c| u8::try_from(u32::from(c)).ok())
        .collect();
    let utf8 = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    utf8.unwrap_or_else(|| characters.into())
}

fn decode_jpeg(bytes: &[u8]) -> Result<Rgb, ScanError> {
    use zune_jpeg::JpegDecoder;
    use zune_jpeg::zune_core::bytestream::ZCursor;
    use zune_jpeg::zune_core::colorspace::ColorSpace;
    use zune_jpeg::zune_core::options::DecoderOptions;

    let damaged = |_| ScanError::from(PixelsError::Damaged);
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let info = decoder.info().ok_or(PixelsError::Damaged)?;
    let (width, height) = (usize::from(info.width), usize::from(info.height));
    check_size(width, height)?;
    let bytes = decoder.decode().map_err(damaged)?;
    let whole = bytes.len() == width.saturating_mul(height).saturating_mul(3);
    if whole {
        Ok(Rgb { width, height, bytes })
    } else {
        Err(PixelsError::Damaged.into())
    }
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Picture(error) => write!(f, "the picture: {error}"),
            Self::Frame => f.write_str("the frame has fewer bytes than its size says"),
            Self::NoCode => f.write_str("no code can be read in the picture"),
        }
    }
}

impl core::error::Error for ScanError {}
