//! Payment codes: reading texts, drawing symbols, reading camera frames.

use std::hint::black_box;
use std::path::Path;

use softpos_bench::{Line, Quantiles, nanoseconds};
use softpos_qr::mpm;
use softpos_qr::render::{Dress, Purpose, Symbol};
use softpos_qr::scan::{LumaFrame, read_luma};

use crate::camera::{FRAMES, HEIGHT, WIDTH, frame};
use crate::computing::{SPECIFICATION, ns_per_call};
use crate::now;

/// A dynamic PIX code. ASCII, since two of the peers panic on anything else.
const PIX: &str = "00020101021226740014br.gov.bcb.pix2552payload.psp.com/3ec9d2f9-5f03-4e0e-820d-63a81e769e875204581253039865406123.005802BR5913Cafe Sao Joao6008Brasilia61051011062070503***630441E3";
/// A KHQR code, ASCII too.
const KHQR: &str = "00020101021229120008sok@nbcq5204581253031165406123.005802KH5913Cafe Sao Joao6008Brasilia6105101109934001317900000000000113179000060000063048895";
/// 150 bytes, mostly runs of digits as payment codes have them.
const PAYLOAD: &str = "00020101021226490009SG.PAYNOW010120210201403121W0301004082030123151270007SG.SGQR01121803075103175204581253037025406123.005802SG5904CAFE6009SINGAPORE63";

/// 150 bytes of which none are cheap.
const MIXED: &str = "https://pay.example.com/q/3ec9d2f9-5f03-4e0e-820d-63a81e769e87?amount=12.50&currency=CNY&shop=Best%20Transport&terminal=SP000001&ref=Aa0Bb1Cc2Dd3Ee4Ff";

pub(crate) fn run(_: &Path) {
    decoding();
    drawing();
    reading();
}

fn decoding() {
    for (name, text) in [
        ("specification's sample", SPECIFICATION),
        ("PIX", PIX),
        ("KHQR", KHQR),
    ] {
        let ours = ns_per_call(|| {
            black_box(&mpm::decode(black_box(text)).expect("a sound code"));
        });
        println!(
            "{}",
            Line::at_most(format!("MPM decode and CRC, {name}"), ours, 1_500.0)
        );
        #[cfg(feature = "peers")]
        peers::decoding(name, text, ours);
    }
}

fn drawing() {
    for (name, text) in [("a payment code", PAYLOAD), ("mixed letters", MIXED)] {
        let symbol = Symbol::new(text, Purpose::Screen).expect("a text that fits");
        println!(
            "{}",
            Line::figure(
                format!("symbol of 150 bytes at M, {name}"),
                format!("version {}", symbol.version())
            )
        );
        #[cfg(feature = "peers")]
        peers::drawing(text);
    }
    let ours = ns_per_call(|| {
        black_box(&Symbol::new(black_box(PAYLOAD), Purpose::Screen).expect("a text that fits"));
    });
    println!(
        "{}",
        Line::figure("finding the smallest symbol", nanoseconds(ours))
    );
    let png = ns_per_call(|| {
        let symbol = Symbol::new(black_box(PAYLOAD), Purpose::Screen).expect("a text that fits");
        black_box(&symbol.png(&Dress::default()).expect("a picture"));
    });
    println!(
        "{}",
        Line::at_most("PNG of 150 bytes at 8 pixels a module", png, 2_000_000.0)
    );
}

/// All frames must be read; the time is that of each.
fn reading() {
    let symbol = Symbol::new(PAYLOAD, Purpose::Screen).expect("a text that fits");
    let frames: Vec<Vec<u8>> = (0..FRAMES).map(|seed| frame(&symbol, seed)).collect();
    let mut read = 0_usize;
    let times: Vec<_> = frames
        .iter()
        .map(|bytes| {
            let begun = now();
            let text = read_luma(&LumaFrame {
                bytes,
                width: WIDTH,
                height: HEIGHT,
                stride: WIDTH,
            });
            let elapsed = begun.elapsed();
            read += usize::from(text.as_deref() == Ok(PAYLOAD));
            elapsed
        })
        .collect();
    let times = Quantiles::of(times).expect("some frames");
    println!(
        "{}",
        Line::figure(
            "camera frames read (turned, tilted, blurred, noisy)",
            format!(
                "{read} of {FRAMES}, median {:.1} ms",
                times.p50().as_secs_f64() * 1e3
            )
        )
    );
}

#[cfg(feature = "peers")]
mod peers {
    use std::panic::{catch_unwind, set_hook, take_hook};

    use fast_qr::ECL;
    use fast_qr::qr::QRBuilder;
    use qrcodegen::{QrCode, QrCodeEcc};

    use super::*;

    pub(super) fn decoding(name: &str, text: &str, ours: f64) {
        let readers: [(&str, fn(&str) -> bool); 3] = [
            ("khqr-core", |text| khqr_core::decode(text).is_ok()),
            ("promptparse", |text| {
                promptparse::parse(text, true, true).is_some()
            }),
            ("pix-brcode-parser", |text| {
                pix_brcode_parser::parse_brcode(text).is_ok()
            }),
        ];
        for (peer, read) in readers {
            let what = format!("  {peer}, {name}");
            // A peer's panic is a figure here, no fault of the run.
            let hook = take_hook();
            set_hook(Box::new(|_| {}));
            let first = catch_unwind(|| read(text));
            set_hook(hook);
            let told = match first {
                Ok(true) => {
                    let theirs = ns_per_call(|| {
                        black_box(read(black_box(text)));
                    });
                    format!("{}, {:.1} times ours", nanoseconds(theirs), theirs / ours)
                }
                Ok(false) => "refuses it".into(),
                Err(_) => "panics".into(),
            };
            println!("{}", Line::figure(what, told));
        }
    }

    pub(super) fn drawing(text: &str) {
        let fast = || {
            QRBuilder::new(text)
                .ecl(ECL::M)
                .build()
                .expect("a text that fits")
        };
        let generated = || QrCode::encode_text(text, QrCodeEcc::Medium).expect("a text that fits");
        let side = |side: usize| format!("version {}", side.saturating_sub(17) / 4);
        for (name, version, ns) in [
            (
                "fast_qr",
                side(fast().size),
                ns_per_call(|| drop(black_box(fast()))),
            ),
            (
                "qrcodegen",
                side(usize::try_from(generated().size()).expect("a small number")),
                ns_per_call(|| drop(black_box(generated()))),
            ),
        ] {
            let told = format!("{version}, {}", nanoseconds(ns));
            println!("{}", Line::figure(format!("  {name}, symbol alone"), told));
        }
    }
}
