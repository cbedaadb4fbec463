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

/// A slow network, each direction.
const FAR: Duration = Duration::from_millis(50);
const FAR_PAYMENTS: u32 = 200;
/// Four are on their way at once; the first goes alone.
const LIMIT_TIMES: f64 = 3.0;

pub(crate) fn run(folder: &Path) {
    near(&folder.join("near"));
    far(&folder.join("far"));
}

fn near(folder: &Path) {
    let mut shop = Shop::open(folder);
    shop.reopen_directly();
    fill(&mut shop, PAYMENTS);
    let before = resident_kib();
    let took = emptied(&shop);
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

/// Over a long way the host is not the limit, but how often somebody waits for it.
fn far(folder: &Path) {
    let mut shop = Shop::open_far(folder, FAR);
    fill(&mut shop, FAR_PAYMENTS);
    let took = emptied(&shop);
    let one_by_one = (FAR * 2 * FAR_PAYMENTS).as_secs_f64();
    let what = format!("{FAR_PAYMENTS} over a way of {FAR:?}, against one after the other");
    let times = one_by_one / took.as_secs_f64();
    println!(
        "{}",
        Line::number_at_least(what, times, LIMIT_TIMES, "times as fast")
    );
    shop.close();
}

/// Cash that waits for the network.
fn fill(shop: &mut Shop, payments: u32) {
    shop.till.set_link(false).expect("an open session");
    for _ in 0..payments {
        shop.sell(Method::Cash);
    }
    let waiting = shop.till.queue().expect("an open session").len();
    assert_eq!(u32::try_from(waiting), Ok(payments));
}

/// How long the queue takes.
fn emptied(shop: &Shop) -> Duration {
    let started = now();
    shop.till.set_link(true).expect("an open session");
    assert!(shop.till.wait_idle(PATIENCE), "the queue does not empty");
    let took = started.elapsed();
    assert!(shop.till.queue().expect("an open session").is_empty());
    took
}
