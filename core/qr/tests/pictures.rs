//! Codes drawn and read again: on paper, on screens, in cameras, in the dark, and pictures that are nobody's friend.

#![cfg(all(feature = "render", feature = "scan"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use std::time::Instant;

use softpos_qr::PixelsError;
use softpos_qr::render::{Dress, Purpose, QUIET_ZONE, Symbol};
use softpos_qr::scan::{LumaFrame, ScanError, read_luma, read_picture};

/// 150 bytes, mostly runs of digits.
const PAYLOAD: &str = "00020101021226490009SG.PAYNOW010120210201403121W0301004082030123151270007SG.SGQR01121803075103175204581253037025406123.005802SG5904CAFE6009SINGAPORE63";
const CHINESE: &str = "00020101021102164000123456789012520458125303156540512.305802CN5904CAFE6008SHANGHAI64170002ZH0107测试商户!6304ABCD";

/// A small picture for the middle of a code: a dark disc.
fn logo() -> Vec<u8> {
    let side = 64_u32;
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, side, side);
    encoder.set_color(png::ColorType::Rgb);
    let mut pixels = Vec::new();
    for y in 0..side {
        for x in 0..side {
            let inside = x.abs_diff(32).pow(2) + y.abs_diff(32).pow(2) < 900;
            pixels.extend(if inside { [200, 30, 30] } else { [255; 3] });
        }
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    out
}

#[test]
fn the_smallest_version_holds_the_text() {
    assert_eq!(PAYLOAD.len(), 150);
    let versions = [Purpose::Screen, Purpose::Print, Purpose::Logo]
        .map(|purpose| Symbol::new(PAYLOAD, purpose).unwrap().version());
    assert_eq!(versions, [6, 8, 9]);
    assert_eq!(Symbol::new("", Purpose::Screen).unwrap().version(), 1);
    assert!(Symbol::new(&"x".repeat(4_000), Purpose::Screen).is_err());
}

#[test]
fn what_is_drawn_is_read_again_for_every_use() {
    let logo = logo();
    for text in [
        PAYLOAD,
        CHINESE,
        "134567890123456789",
        "HELLO WORLD",
        "é",
        "BCD\n002\n1\nSCT",
    ] {
        for purpose in [Purpose::Screen, Purpose::Print, Purpose::Logo] {
            let symbol = Symbol::new(text, purpose).unwrap();
            let dress = Dress {
                logo: (purpose == Purpose::Logo).then_some(&logo),
                ..Dress::default()
            };
            let png = symbol.png(&dress).unwrap();
            assert_eq!(read_picture(&png).as_deref(), Ok(text), "{purpose:?}");
        }
    }
}

#[test]
fn a_code_is_read_in_the_dark_and_by_a_camera_with_padded_rows() {
    let symbol = Symbol::new(PAYLOAD, Purpose::Screen).unwrap();
    let side = (symbol.side() + 2 * QUIET_ZONE) * 4;
    let luma = symbol.luma(4);
    let frame = |bytes, stride| LumaFrame {
        bytes,
        width: side,
        height: side,
        stride,
    };
    assert_eq!(read_luma(&frame(&luma, side)).as_deref(), Ok(PAYLOAD));
    let inverted: Vec<u8> = luma.iter().map(|grey| 255 - grey).collect();
    assert_eq!(read_luma(&frame(&inverted, side)).as_deref(), Ok(PAYLOAD));
    let padded: Vec<u8> = luma
        .chunks(side)
        .flat_map(|row| [row, &[7; 13]].concat())
        .collect();
    assert_eq!(read_luma(&frame(&padded, side + 13)).as_deref(), Ok(PAYLOAD));
    // The last row needs no padding.
    assert_eq!(
        read_luma(&frame(&padded[..padded.len() - 13], side + 13)).as_deref(),
        Ok(PAYLOAD)
    );
}

#[test]
fn a_small_code_in_a_large_picture_is_found_at_the_second_look() {
    let symbol = Symbol::new("281234567890123450", Purpose::Screen).unwrap();
    let (side, width, height) = ((symbol.side() + 2 * QUIET_ZONE) * 3, 2_400, 1_600);
    let mut luma = vec![200_u8; width * height];
    for (y, row) in symbol.luma(3).chunks(side).enumerate() {
        let at = (700 + y) * width + 1_100;
        luma[at..at + side].copy_from_slice(row);
    }
    let frame = LumaFrame {
        bytes: &luma,
        width,
        height,
        stride: width,
    };
    assert_eq!(read_luma(&frame).as_deref(), Ok("281234567890123450"));
}

/// A generator of noise that is the same every time.
fn noise(mut seed: u64) -> impl FnMut() -> u8 {
    move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_le_bytes()[3]
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the time of a look is what is tested")]
fn noise_is_refused_in_bounded_time() {
    let (width, height) = (1_600, 1_200);
    let mut next = noise(7);
    let blank = vec![128; width * height];
    let grey: Vec<u8> = (0..width * height).map(|_| next()).collect();
    let chequered: Vec<u8> = (0..width * height)
        .map(|at| {
            if (at / width / 8 + at % width / 8) % 2 == 0 {
                0
            } else {
                255
            }
        })
        .collect();
    for luma in [blank, grey, chequered] {
        let begun = Instant::now();
        let frame = LumaFrame {
            bytes: &luma,
            width,
            height,
            stride: width,
        };
        assert_eq!(read_luma(&frame), Err(ScanError::NoCode));
        assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    }
}

#[test]
fn frames_that_are_no_frames_are_refused() {
    let frame = |bytes, width, height, stride| {
        read_luma(&LumaFrame {
            bytes,
            width,
            height,
            stride,
        })
    };
    assert_eq!(frame(&[0; 99], 10, 10, 10), Err(ScanError::Frame));
    assert_eq!(frame(&[0; 100], 10, 10, 9), Err(ScanError::Frame));
    assert_eq!(frame(&[], 0, 0, 0), Err(PixelsError::TooLarge.into()));
    assert_eq!(
        frame(&[0; 4], usize::MAX, usize::MAX, usize::MAX),
        Err(PixelsError::TooLarge.into())
    );
    assert_eq!(frame(&[], 8_192, 8_192, 8_192), Err(PixelsError::TooLarge.into()));
}

#[test]
fn pictures_that_are_cut_altered_or_huge_are_refused() {
    let png = Symbol::new(PAYLOAD, Purpose::Screen)
        .unwrap()
        .png(&Dress::default())
        .unwrap();
    for end in (0..png.len()).step_by(37) {
        match read_picture(&png[..end]) {
            Err(ScanError::Picture(_)) => {}
            // All pixels are there, only what follows them is cut.
            Ok(text) => assert!(text == PAYLOAD && end + 40 > png.len(), "{end}"),
            Err(error @ (ScanError::Frame | ScanError::NoCode)) => panic!("{end}: {error}"),
        }
    }
    let mut next = noise(3);
    for _ in 0..300 {
        let mut altered = png.clone();
        let at = usize::from(next()) * 256 + usize::from(next());
        let length = altered.len();
        altered[at % length] ^= next() | 1;
        // Read, refused: never more.
        drop(read_picture(&altered));
    }
    // 60,000 pixels a side in a header of a few bytes.
    let mut huge = png.clone();
    huge[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
    let crc = crc32fast::hash(&huge[12..29]).to_be_bytes();
    huge[29..33].copy_from_slice(&crc);
    assert_eq!(read_picture(&huge), Err(PixelsError::TooLarge.into()));
    for bytes in [
        &b""[..],
        b"GIF89a",
        b"\xFF\xD8\xFF\xE0\0\x10JFIF\0",
        &[0xFF; 4_096],
        b"\x89PNG\r\n\x1a\n",
    ] {
        assert!(
            matches!(read_picture(bytes), Err(ScanError::Picture(_))),
            "{bytes:?}"
        );
    }
}

#[test]
fn a_photograph_in_jpeg_is_read() {
    // Drawn by another program from the text below, at 75 % quality.
    let jpeg = include_bytes!("data/code.jpg");
    assert_eq!(read_picture(jpeg).as_deref(), Ok("00020101021153039865802CN"));
    for end in (0..jpeg.len()).step_by(101) {
        drop(read_picture(&jpeg[..end]));
    }
}
