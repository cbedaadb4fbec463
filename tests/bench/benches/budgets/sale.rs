//! A warm card sale against the host on this machine, and where its time goes.

use std::path::Path;
use std::time::Duration;

use softpos_bench::{Line, Quantiles};
use softpos_types::Method;

use crate::probes::DiskWatch;
use crate::shop::Shop;

const WARM_UP: usize = 40;
const SALES: usize = 400;
const CORE_LIMIT_NS: f64 = 5e6;

/// One sale, taken apart. What none of the instruments saw is the core's.
struct Parts {
    total: Duration,
    card: Duration,
    disk: Duration,
    host: Duration,
    signing: Duration,
    appends: usize,
    round_trips: u32,
}

impl Parts {
    fn core(&self) -> Duration {
        self.total.saturating_sub(self.card + self.disk + self.host)
    }
}

pub(crate) fn run(folder: &Path) {
    let mut shop = Shop::open(folder);
    let mut disk = DiskWatch::start(shop.dir(), &folder.join("marker"));
    for _ in 0..WARM_UP {
        measured(&mut shop, &mut disk);
    }
    let sales: Vec<Parts> = (0..SALES).map(|_| measured(&mut shop, &mut disk)).collect();
    shop.close();
    print(&sales);
}

/// Between two sales the till comes to rest, so that a sale pays only for itself.
fn measured(shop: &mut Shop, disk: &mut DiskWatch) -> Parts {
    shop.relay.take();
    shop.hardware.take();
    disk.take();
    let (total, card) = shop.sell(Method::Card);
    shop.come_to_rest();
    let exchange = shop.relay.take();
    let appends = disk.take();
    Parts {
        total,
        card,
        disk: appends.iter().sum(),
        host: exchange.host(),
        signing: shop.hardware.take(),
        appends: appends.len(),
        round_trips: exchange.round_trips,
    }
}

fn print(sales: &[Parts]) {
    println!(
        "  {SALES} sales after {WARM_UP} to warm up, one yuan each, software card, no PIN, connection open."
    );
    println!(
        "  card: in the card's own code. host: from the request's first to the answer's last byte at a relay,"
    );
    println!(
        "  TLS and SQLite of the host included. disk: from an append's write to the end of its sync. core: the"
    );
    println!(
        "  rest, the shell's loop and the relay's two hops included. Each column is a quantile of its own."
    );
    if !cfg!(target_os = "linux") {
        println!("  The disk's share is seen on Linux only; here it is in the core's.");
    }
    let of = |part: fn(&Parts) -> Duration| Quantiles::of(sales.iter().map(part)).expect("some sales");
    let rows = [
        ("total", of(|sale| sale.total)),
        ("card", of(|sale| sale.card)),
        ("core", of(Parts::core)),
        (
            "  of which signing, a phone's secure hardware's part",
            of(|sale| sale.signing),
        ),
        ("disk", of(|sale| sale.disk)),
        ("host", of(|sale| sale.host)),
    ];
    println!("  {:<54}{:>12}{:>12}", "", "p50", "p99");
    for (name, times) in &rows {
        let ms = |time: Duration| format!("{:.3} ms", time.as_secs_f64() * 1e3);
        println!("  {name:<54}{:>12}{:>12}", ms(times.p50()), ms(times.p99()));
    }
    let range = |of: fn(&Parts) -> usize| {
        let (least, most) = (sales.iter().map(of).min(), sales.iter().map(of).max());
        format!("{} to {}", least.unwrap_or(0), most.unwrap_or(0))
    };
    println!(
        "{}",
        Line::figure("records written durably in a sale", range(|sale| sale.appends))
    );
    println!(
        "{}",
        Line::figure(
            "round trips to the host in a sale",
            range(|sale| usize::try_from(sale.round_trips).unwrap_or(usize::MAX))
        )
    );
    let core = of(Parts::core).p99().as_secs_f64() * 1e9;
    println!("{}", Line::at_most("core's own share, p99", core, CORE_LIMIT_NS));
}
