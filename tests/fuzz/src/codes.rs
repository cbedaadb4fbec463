//! Payment codes: texts as scanners give them, pictures, camera frames.

use softpos_qr::cpm::{CpmCode, tags};
use softpos_qr::render::{Dress, Purpose, Symbol};
use softpos_qr::scan::{LumaFrame, ScanError, read_luma, read_picture};
use softpos_qr::{mpm, profile, text_of};
use softpos_types::SecretBytes;

/// `EMVCo` MPM specification v1.1, Annex B, and codes of several countries, of our own making.
const MERCHANTS: [&str; 6] = [
    "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN\
     5914BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME\
     91320016A0112233449988770708123456786304A13A",
    "00020101021226740014br.gov.bcb.pix2552payload.psp.com/3ec9d2f9-5f03-4e0e-820d-63a81e769e875204581253039865406123.005802BR5913Cafe Sao Joao6008Brasilia61051011062070503***64350002PT0113Café São João0208Brasília63048240",
    "00020101021229370016A000000677010111011300668011111115204581253037645406123.005802TH5913Cafe Sao Joao6008Brasilia61051011064350002PT0113Café São João0208Brasília6304FB8B",
    "00020101021226490009SG.PAYNOW010120210201403121W0301004082030123151270007SG.SGQR01121803075103175204581253037025406123.005802SG5913Cafe Sao Joao6008Brasilia61051011064350002PT0113Café São João0208Brasília63041ED9",
    "00020101021229120008sok@nbcq5204581253031165406123.005802KH5913Cafe Sao Joao6008Brasilia61051011064350002PT0113Café São João0208Brasília993400131790000000000011317900006000006304B60E",
    "00020101021238530010A0000007270123000697041601091234567890208QRIBFTTA5204581253037045405123005802VN5913Cafe Sao Joao6008Brasilia61051011064350002PT0113Café São João0208Brasília630496C8",
];

/// Other texts that mean something.
const OTHERS: [&str; 7] = [
    "134567890123456789",
    "2812345678901234",
    "6258123456789012345",
    "BCD\n002\n1\nSCT\n\nFrançois D'Alsace S.A.\nFR1420041010050500013M02606\nEUR12.3\n\n\nClient:Marie Louise La Lune",
    "upi://pay?pa=shop%40bank&pn=Shop&am=12.50&cu=INR&tr=1",
    "softpos:activate?v=1&host=https%3A%2F%2F127.0.0.1%3A8443&pin=x&code=01234-56789",
    "https://qr.95516.com/00010000/0123456789",
];

pub(crate) fn merchants() -> Vec<Vec<u8>> {
    MERCHANTS.iter().map(|text| text.as_bytes().to_vec()).collect()
}

pub(crate) fn payers() -> Vec<Vec<u8>> {
    let object = |tag, value: &[u8]| (tag, SecretBytes::copy_of(value));
    let application = || {
        vec![
            object(tags::AID, &[0xA0, 0, 0, 3, 0x33, 1, 1, 1]),
            object(tags::PAN, &[0x62, 0x58, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12]),
            object(tags::LAST_FOUR, &[0x34, 0x56]),
            object(tags::APPLICATION_OPAQUE, &[0x9F, 0x26, 2, 1, 2]),
        ]
    };
    let codes = [
        CpmCode {
            applications: vec![application()],
            common: Vec::new(),
        },
        CpmCode {
            applications: vec![application(), application()],
            common: vec![object(tags::ISSUER_URL, b"tel:0123456789")],
        },
    ];
    let sample = b"hQVDUFYwMWEaTwegAAAAVVVVVw8SNFZ4kBI0WNGRIgESNF8=".to_vec();
    let ours = codes
        .iter()
        .map(|code| code.encode().expect("a sound code").as_bytes().to_vec());
    ours.chain([sample]).collect()
}

pub(crate) fn texts() -> Vec<Vec<u8>> {
    let others = OTHERS.iter().map(|text| text.as_bytes().to_vec());
    merchants().into_iter().chain(payers()).chain(others).collect()
}

pub(crate) fn pictures() -> Vec<Vec<u8>> {
    let symbol = Symbol::new(MERCHANTS[0], Purpose::Screen).expect("a text that fits");
    let small = Symbol::new("1345", Purpose::Print).expect("a text that fits");
    let dress = Dress {
        module_px: 2,
        ..Dress::default()
    };
    let png = |symbol: &Symbol| symbol.png(&dress).expect("a picture");
    let jpeg = include_bytes!("../../../core/qr/tests/data/code.jpg").to_vec();
    vec![png(&small), png(&symbol), jpeg]
}

/// Width, stride and then the pixels.
pub(crate) fn frames() -> Vec<Vec<u8>> {
    let symbol = Symbol::new("1345", Purpose::Screen).expect("a text that fits");
    let side = u8::try_from(symbol.side().saturating_add(8).saturating_mul(2)).expect("a small symbol");
    vec![[vec![side, 0], symbol.luma(2)].concat()]
}

/// A merchant's code: what is read has a reason for every breach, and is read the same again.
pub(crate) fn mpm(bytes: &[u8]) {
    let Ok(text) = text_of(bytes) else { return };
    // The mutations rarely keep the checksum: the rules behind it are reached with a right one.
    for text in [text.to_string(), sealed(&text)] {
        match mpm::decode(&text) {
            Ok(decoded) => {
                let again = mpm::decode(&text).expect("the same text");
                assert_eq!(decoded.objects(), again.objects());
                assert!(
                    decoded
                        .breaches()
                        .iter()
                        .all(|breach| !breach.to_string().is_empty())
                );
                for reading in profile::read(&decoded) {
                    assert!(!reading.profile.name().is_empty());
                }
            }
            Err(refused) => assert!(!refused.to_string().is_empty()),
        }
    }
}

/// The text with its last object replaced by a right checksum.
fn sealed(text: &str) -> String {
    let end = text.char_indices().rev().nth(7).map_or(text.len(), |(at, _)| at);
    let covered = format!("{}6304", text.get(..end).unwrap_or_default());
    let crc = covered.bytes().fold(0xFFFF_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 {
                shifted
            } else {
                shifted ^ 0x1021
            }
        })
    });
    format!("{covered}{crc:04X}")
}

/// A payer's code: as text, and with its bytes altered below the base64.
pub(crate) fn cpm(bytes: &[u8]) {
    let Ok(text) = text_of(bytes) else { return };
    match softpos_qr::cpm::decode(&text) {
        Ok(decoded) => {
            for data in decoded.payment_data() {
                // What goes to the host has every byte of its parts and needs no knowledge of them.
                std::hint::black_box((data.for_host(), data.pan(), data.track2(), data.receipt_address()));
                std::hint::black_box(data.languages().count());
            }
        }
        Err(refused) => assert!(!refused.to_string().is_empty()),
    }
}

/// Any text: it has a name, or a reason.
pub(crate) fn recognise(bytes: &[u8]) {
    let Ok(text) = text_of(bytes) else { return };
    if let Err(reason) = softpos_qr::recognise(&text) {
        assert!(!reason.to_string().is_empty());
    }
}

/// A file that says it is a picture.
pub(crate) fn picture(bytes: &[u8]) {
    if let Err(reason) = read_picture(bytes) {
        assert!(!reason.to_string().is_empty());
    }
}

/// A frame whose size may not be that of its pixels.
pub(crate) fn frame(bytes: &[u8]) {
    let [width, padding, pixels @ ..] = bytes else {
        return;
    };
    let width = usize::from(*width);
    let stride = width.saturating_add(usize::from(*padding));
    let height = pixels.len().checked_div(stride.max(1)).unwrap_or_default();
    let frame = LumaFrame {
        bytes: pixels,
        width,
        height: height.saturating_add(usize::from(*padding & 1)),
        stride,
    };
    assert_ne!(
        read_luma(&frame).err(),
        Some(ScanError::Picture(softpos_qr::PixelsError::NotAPicture))
    );
}
