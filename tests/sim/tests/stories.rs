//! Stories that are played in every run: disasters of many seeds, a power cut at every effect, nonsense.

#![allow(clippy::panic, missing_docs)]

use softpos_sim::{Faults, Story, play, replay};

const SEEDS: u64 = 100;
const STEPS: u32 = 150;
/// Stories without a fault, to be cut anywhere.
const CALM_STEPS: u32 = 60;

#[test]
fn terminal_and_host_agree_after_every_disaster() {
    let mut sums = [0_u64; 3];
    for seed in 1..=SEEDS {
        let story = play(seed, STEPS, &Faults::of_seed(seed));
        well(&story, &replay(seed, STEPS, false));
        for (sum, count) in sums.iter_mut().zip([story.payments, story.approved, story.cuts]) {
            *sum += count;
        }
    }
    // The stories are about something: sales that went well, sales that did not, power cuts.
    let [payments, approved, cuts] = sums;
    assert!(
        approved > SEEDS * 2 && payments > approved + SEEDS / 2 && cuts > SEEDS,
        "{sums:?}"
    );
}

#[test]
fn a_power_cut_at_every_effect() {
    // The first two in which something happens.
    let calm = (1..=SEEDS).map(|seed| (seed, play(seed, CALM_STEPS, &Faults::none())));
    let eventful: Vec<_> = calm.filter(|(_, story)| story.approved > 3).take(2).collect();
    assert_eq!(eventful.len(), 2);
    for (seed, whole) in eventful {
        well(&whole, "the story without a cut");
        for effect in 1..=whole.effects {
            let faults = Faults {
                cut_at_effect: Some(effect),
                ..Faults::none()
            };
            let story = play(seed, CALM_STEPS, &faults);
            assert_eq!(story.cuts, 1);
            well(&story, &format!("seed {seed}, power cut at effect {effect}"));
        }
    }
}

#[test]
fn nonsense_from_outside_changes_nothing() {
    for seed in 1..=25 {
        let story = play(seed, STEPS, &Faults::hostile(seed));
        well(&story, &replay(seed, STEPS, true));
    }
}

#[test]
fn a_seed_tells_the_same_story_twice() {
    let faults = Faults::of_seed(5);
    assert_eq!(play(5, STEPS, &faults).lines, play(5, STEPS, &faults).lines);
}

fn well(story: &Story, again: &str) {
    if let Some(broken) = &story.broken {
        let from = story.lines.len().saturating_sub(40);
        let lines = story.lines.get(from..).unwrap_or_default().join("\n");
        panic!("{lines}\n{broken}\nreplay: {again}");
    }
}
