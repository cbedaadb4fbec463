//! Instructions a DUKPT key takes, counted by valgrind's callgrind: they do not drift with the machine.
//!
//! This program runs itself under it, deriving many keys and more of them; the difference is theirs alone.

use std::hint::black_box;
use std::path::Path;
use std::process::Command;

use softpos_bench::Line;
use softpos_crypto::dukpt::{Ksn, next_counter, transaction_key};
use softpos_crypto::{AesKey, AesLength};

use crate::computing::{IKID, WORST_COUNTER};

/// Says that this process only derives keys: which ones, and how many.
const CHILD: &str = "--derive-keys";
const SEQUENTIAL: &str = "sequential";
const WORST: &str = "worst";
const FEW: u32 = 1_000;
/// As many counters as the budget was set with.
const MANY: u32 = 21_000;

pub(crate) fn run(_: &Path) {
    for (which, limit) in [(SEQUENTIAL, 2_500.0), (WORST, 5_100.0)] {
        let counts = instructions(which, FEW).zip(instructions(which, MANY));
        let what = format!("AES-128 DUKPT transaction key, {which} counter");
        match counts {
            Some((few, many)) => {
                let a_key = (many - few) / f64::from(MANY - FEW);
                println!("{}", Line::number_at_most(what, a_key, limit, "instructions"));
            }
            None => println!("{}", Line::figure(what, "no valgrind here")),
        }
    }
}

/// Whether this process was started to derive keys; it has done so then.
pub(crate) fn is_child(arguments: &[String]) -> bool {
    let [word, which, count] = arguments else {
        return false;
    };
    if word != CHILD {
        return false;
    }
    let count: u32 = count.parse().expect("how many keys");
    let ik = AesKey::build(AesLength::Aes128, |key| key.fill(0x5A));
    let mut counter = 0;
    for _ in 0..count {
        counter = match which.as_str() {
            WORST => WORST_COUNTER,
            _ => next_counter(counter).expect("far from the last counter"),
        };
        let ksn = Ksn::new(IKID, counter).expect("a counter of DUKPT");
        black_box(transaction_key(black_box(&ik), ksn));
    }
    true
}

/// All of a process that derives so many keys; `None` if nobody counts them here.
fn instructions(which: &str, count: u32) -> Option<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().expect("this program"))
        .args([CHILD, which, &count.to_string()])
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let collected = said.lines().find_map(|line| line.split_once("Collected : "))?;
    collected.1.trim().parse().ok()
}
