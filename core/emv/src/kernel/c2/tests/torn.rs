//! Taps that were cut, and their recovery.

use super::*;

/// A reader that keeps cut taps, and a card that can hand its cryptogram over again.
fn torn() -> Tap {
    tap()
        .set(tags::TORN_CAPACITY, "01")
        .card(tags::DRDOL, Some("9F3704"))
}

#[test]
fn a_cut_tap_is_recovered_with_the_values_of_then() {
    let tap = torn();
    let mut reader = tap.reader();
    tap.to_cryptogram(&mut reader);
    reader.card_lost(NOW);
    assert_eq!(command(&tap.to_cryptogram(&mut reader)), "80D00000041010101000");
    let read = approved(reader.card_replied(&ok(&bytes(tap.answer)), 0, NOW));
    assert_eq!(
        read.receipt.as_ref().unwrap().un,
        [0x10; 4],
        "the number that the cryptogram was made over"
    );
}

#[test]
fn a_card_without_the_old_cryptogram_makes_a_new_one() {
    let tap = torn();
    let mut reader = tap.reader();
    tap.to_cryptogram(&mut reader);
    reader.card_lost(NOW);
    tap.to_cryptogram(&mut reader);
    let generate = command(&reader.card_replied(&bytes("6985"), 0, NOW));
    assert!(
        generate.starts_with("80AE") && generate.contains("20202020"),
        "{generate}"
    );
    let read = approved(reader.card_replied(&ok(&bytes(tap.answer)), 0, NOW));
    assert_eq!(read.receipt.as_ref().unwrap().un, [0x20; 4]);
}

#[test]
fn a_card_lost_again_while_recovering_is_still_remembered() {
    let tap = torn();
    let mut reader = tap.reader();
    tap.to_cryptogram(&mut reader);
    reader.card_lost(NOW);
    tap.to_cryptogram(&mut reader);
    reader.card_lost(NOW);
    assert_eq!(command(&tap.to_cryptogram(&mut reader)), "80D00000041010101000");
}

#[test]
fn a_cut_tap_grows_old_and_belongs_to_one_card() {
    let tap = torn();
    let mut reader = tap.reader();
    tap.to_cryptogram(&mut reader);
    reader.card_lost(NOW);
    tap.select(&mut reader);
    reader.card_replied(&tap.options(), 0, NOW);
    let late = reader.card_replied(&tap.record(), 0, Tick(NOW.0 + 300_001));
    assert!(command(&late).starts_with("80AE"));

    let mut reader = tap.reader();
    tap.to_cryptogram(&mut reader);
    reader.card_lost(NOW);
    let other = torn().card(tag::PAN_SEQUENCE, Some("02"));
    assert!(command(&other.to_cryptogram(&mut reader)).starts_with("80AE"));
}
