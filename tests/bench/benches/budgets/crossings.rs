//! What the core's own calls and steps cost that a shell makes for a payment; what its language adds, the drivers'
//! tests print.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use softpos_bench::{Line, nanoseconds};
use softpos_terminal::{Step, Terminal};

use crate::now;
use crate::shop::Shop;

const CALLS: u32 = 200_000;
const STEPS: u32 = 2_000;
/// For all crossings of a payment on a JVM: the core's part lies far below.
const LIMIT_NS: f64 = 3e6;

pub(crate) fn run(folder: &Path) {
    let mut shop = Shop::open(folder);
    let (calls, steps) = shop.crossings();
    let call = a_call(&shop.till);
    let step = a_step(&shop.till);
    println!(
        "{}",
        Line::figure("a synchronous call that changes nothing", nanoseconds(call))
    );
    println!("{}", Line::figure("a step that is ready", nanoseconds(step)));
    println!(
        "{}",
        Line::figure("calls and steps of a card sale", format!("{calls} and {steps}"))
    );
    let whole = call * f64::from(calls) + step * f64::from(steps);
    println!(
        "{}",
        Line::at_most("their crossings, in the core alone", whole, LIMIT_NS)
    );
    shop.close();
}

/// No card is awaited: what is left is the way in and out.
fn a_call(till: &Terminal) -> f64 {
    let started = now();
    for _ in 0..CALLS {
        black_box(till.card_lost().expect("an open session"));
    }
    started.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
}

fn a_step(till: &Terminal) -> f64 {
    for number in 0..STEPS {
        till.set_link(number % 2 == 1).expect("an open session");
    }
    let started = now();
    for _ in 0..STEPS {
        let step = till
            .next_step_within(Duration::ZERO)
            .expect("a step that is ready");
        assert!(matches!(step, Step::Notice { .. }), "{step:?}");
    }
    started.elapsed().as_secs_f64() * 1e9 / f64::from(STEPS)
}
