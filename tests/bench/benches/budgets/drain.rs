//! Payments that waited for the network, on their way to the host on this machine.

use std::path::Path;
use std::time::Duration;

use softpos_bench::{Line, resident_kib};
use softpos_types::Method;

use crate::now;
use crate::shop::Shop;

/// Cash: the only payments that an acquirer lets wait in any number.
const PAYMENTS: u32 = 10_000;
const PATIENCE: Duration = Duration::from_secs(120);
const LIMIT_PER_S: f64 = 500.0;

pub(crate) fn run(folder: &Path) {
    let mut shop = Shop::open(folder);
    shop.reopen_directly();
    shop.till.set_link(false).expect("an open session");
    for _ in 0..PAYMENTS {
        shop.sell(Method::Cash);
    }
    let waiting = shop.till.queue().expect("an open session").len();
    assert_eq!(u32::try_from(waiting), Ok(PAYMENTS));
    let before = resident_kib();

    let started = now();
    shop.till.set_link(true).expect("an open session");
    assert!(shop.till.wait_idle(PATIENCE), "the queue does not empty");
    let took = started.elapsed();

    assert!(shop.till.queue().expect("an open session").is_empty());
    let per_s = f64::from(PAYMENTS) / took.as_secs_f64();
    let what = format!("{PAYMENTS} queued payments to the host");
    println!("{}", Line::number_at_least(what, per_s, LIMIT_PER_S, "a second"));
    if let (Some((before, _)), Some((after, _))) = (before, resident_kib()) {
        let grown = after.saturating_sub(before);
        println!(
            "{}",
            Line::figure("memory of till and host together grew by", format!("{grown} KiB"))
        );
    }
    shop.close();
}
