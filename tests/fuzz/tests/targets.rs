//! Every target under a few thousand inputs; long runs are the program's.

#![allow(missing_docs, clippy::panic)]

use softpos_fuzz::{TARGETS, run};

#[test]
fn no_target_breaks_its_promise() {
    for target in TARGETS {
        // Pictures take a thousand times as long as texts.
        let runs = if target.name.starts_with("qr.picture") || target.name.starts_with("qr.frame") {
            200
        } else {
            3_000
        };
        let report = run(target, 7, runs);
        if let Some((input, said)) = report.broken {
            panic!("{}: {said}\n{input:02x?}", target.name);
        }
        assert_eq!(report.runs, runs);
    }
}
