//! The till in a simulated world: real flow, real cards, real signatures, a virtual clock.
//!
//! A seed drives card, network, host, power and operator through faults. Beside the world a reference model
//! counts only money, and after every step both sides must be able to agree. The same seed tells the same story.

#![forbid(unsafe_code)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness of tests: what cannot be ends the story, with its reason"
)]

mod books;
mod chance;
mod directed;
mod faults;
mod host;
mod hostile;
mod operator;
mod till;
mod world;

pub use directed::{Road, Shop};
pub use faults::Faults;
pub use host::PayerMood;
pub use world::{Story, World};

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Plays a story to its end: so many steps under faults, then calm until both sides have settled.
///
/// A panic inside is a story that went wrong like any other.
pub fn play(seed: u64, steps: u32, faults: &Faults) -> Story {
    let mut world = World::new(seed, faults);
    let played = catch_unwind(AssertUnwindSafe(|| {
        world.open_shop();
        for _ in 0..steps {
            world.step();
        }
        world.settle_down();
    }));
    let mut story = world.tell();
    if let Err(panic) = played {
        let said = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("a panic");
        story.broken.get_or_insert_with(|| format!("panic: {said}"));
    }
    story
}

/// The command that plays a story again.
pub fn replay(seed: u64, steps: u32, hostile: bool) -> String {
    let hostile = if hostile { " --hostile" } else { "" };
    format!("cargo run -p softpos-sim -- --seed {seed} --steps {steps}{hostile}")
}
