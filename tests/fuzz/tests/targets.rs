//! Every target under a few thousand inputs; long runs are the program's.

#![allow(missing_docs, clippy::panic)]

use std::sync::atomic::AtomicU64;

use softpos_fuzz::{TARGETS, input_after, run};

#[test]
fn no_target_breaks_its_promise() {
    for target in TARGETS {
        // Pictures and taps take a thousand times as long as texts.
        let runs = match target.name {
            "qr.picture" | "qr.frame" => 200,
            name if name.starts_with("kernel.") => 300,
            _ => 3_000,
        };
        let report = run(target, 7, runs, &AtomicU64::new(0));
        if let Some(said) = report.broken {
            let input = input_after(target, 7, report.runs);
            panic!("{}: {said}\n{input:02x?}", target.name);
        }
        assert_eq!(report.runs, runs);
    }
}
