//! Relay resistance: times, tries, numbers.

use super::*;

/// Up to the relay resistance command.
fn relay() -> (Tap, Reader, String) {
    let tap = Tap { aip: "1081", ..tap() };
    let mut reader = tap.reader();
    tap.select(&mut reader);
    let sent = command(&reader.card_replied(&tap.options(), 0, NOW));
    (tap, reader, sent)
}

const PROMISE: &str = "800A0102030400320064001E9000";

#[test]
fn relay_resistance_in_time() {
    let (tap, mut reader, sent) = relay();
    assert_eq!(sent, "80EA0000041010101000");
    let record = reader.card_replied(&bytes(PROMISE), 13_000, NOW);
    assert_eq!(command(&record), "00B2011400");
    let generate = command(&reader.card_replied(&tap.record(), 0, NOW));
    assert!(generate.ends_with("800000000200"), "{generate}");
}

#[test]
fn a_new_number_for_each_try_and_the_watch_starts_anew() {
    let (tap, mut reader, _) = relay();
    let second = command(&reader.card_replied(&bytes(PROMISE), 52_000, NOW));
    assert_eq!(second, "80EA0000041111111100");
    let third = command(&reader.card_replied(&bytes(PROMISE), 52_000, NOW));
    assert_eq!(third, "80EA0000041212121200");
    assert_eq!(
        command(&reader.card_replied(&bytes(PROMISE), 52_000, NOW)),
        "00B2011400"
    );
    let generate = command(&reader.card_replied(&tap.record(), 0, NOW));
    assert!(
        generate.contains("12121212800000000E"),
        "both bits after three tries: {generate}"
    );
}

#[test]
fn a_slow_try_may_be_followed_by_a_fast_one() {
    let (tap, mut reader, _) = relay();
    reader.card_replied(&bytes(PROMISE), 52_000, NOW);
    assert_eq!(
        command(&reader.card_replied(&bytes(PROMISE), 13_000, NOW)),
        "00B2011400"
    );
    let generate = command(&reader.card_replied(&tap.record(), 0, NOW));
    assert!(generate.contains("111111118000000002"), "{generate}");
}

#[test]
fn the_default_denial_codes_decline_a_slow_card() {
    let tap = Tap { aip: "1081", ..tap() }.set(tags::TAC_DENIAL, "000000000C");
    let mut reader = tap.reader();
    tap.select(&mut reader);
    reader.card_replied(&tap.options(), 0, NOW);
    for _ in 0..3 {
        reader.card_replied(&bytes(PROMISE), 52_000, NOW);
    }
    assert!(command(&reader.card_replied(&tap.record(), 0, NOW)).starts_with("80AE00"));
}

#[test]
fn an_answer_that_is_too_fast_or_no_answer_ends_it() {
    let (_, mut reader, _) = relay();
    assert_eq!(
        reason(reader.card_replied(&bytes(PROMISE), 100, NOW)),
        Reason::RelaySuspected
    );
    let (_, mut reader, _) = relay();
    assert_eq!(
        reason(reader.card_replied(&bytes("6D00"), 13_000, NOW)),
        Reason::CommandRefused(0x6D00)
    );
    let (_, mut reader, _) = relay();
    assert_eq!(
        reason(reader.card_replied(&bytes("8001019000"), 13_000, NOW)),
        Reason::Malformed
    );
}

#[test]
fn relay_resistance_needs_both_sides() {
    let tap = Tap { aip: "1081", ..tap() }.set(tags::CONFIGURATION, "A0");
    let data = tap.generated().1;
    assert!(data.ends_with("8000000001"), "{data}");
}
