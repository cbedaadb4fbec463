//! What comes after the records: the request, the answer, and how it ends.

use super::*;

#[test]
fn what_the_card_may_answer() {
    let answer = |tap: Tap, answer: &'static str| Tap { answer, ..tap }.run();
    let online = || tap().set(tags::TAC_ONLINE, "8000000000");
    let arqc = "77149F2701809F360200419F26084573436B1E4B95DD";
    let tc = "77149F2701409F360200419F26084573436B1E4B95DD";
    let aac = "77149F2701009F360200419F26084573436B1E4B95DD";
    assert!(matches!(
        answer(online(), arqc),
        ReaderStep::Finished(CardOutcome::Online(_))
    ));
    assert!(matches!(
        answer(tap(), arqc),
        ReaderStep::Finished(CardOutcome::Online(_))
    ));
    assert_eq!(
        reason(answer(online(), tc)),
        Reason::DataConflict,
        "more than was asked for"
    );
    assert_eq!(reason(answer(online(), aac)), Reason::CardDeclined);
    assert_eq!(
        reason(answer(tap(), "77149F2701C09F360200419F26084573436B1E4B95DD")),
        Reason::DataConflict
    );
    assert_eq!(
        reason(answer(tap(), "77099F2701409F36020041")),
        Reason::DataMissing(tag::CRYPTOGRAM)
    );
    assert_eq!(
        reason(answer(tap(), "770F9F2701409F26084573436B1E4B95DD")),
        Reason::DataMissing(tag::ATC)
    );
    let format_1 = answer(tap(), "800B4000414573436B1E4B95DD");
    assert_eq!(approved(format_1).receipt.as_ref().unwrap().arqc[0], 0x45);
    assert_eq!(reason(answer(tap(), "7000")), Reason::Malformed);
}

#[test]
fn refused_generate_ac() {
    let tap = tap();
    let mut reader = tap.reader();
    tap.to_cryptogram(&mut reader);
    assert_eq!(
        reason(reader.card_replied(&bytes("6985"), 0, NOW)),
        Reason::CommandRefused(0x6985)
    );
}

/// A peer sends a second GENERATE AC after the issuer's answer.
#[test]
fn there_is_no_second_generate_ac() {
    let tap = tap().set(tags::TAC_ONLINE, "8000000000");
    let tap = Tap {
        answer: "77149F2701809F360200419F26084573436B1E4B95DD",
        ..tap
    };
    let mut reader = tap.reader();
    tap.to_cryptogram(&mut reader);
    let online = reader.card_replied(&ok(&bytes(tap.answer)), 0, NOW);
    assert!(matches!(online, ReaderStep::Finished(CardOutcome::Online(_))));
    assert!(matches!(
        reader.card_replied(&ok(&bytes(tap.answer)), 0, NOW),
        ReaderStep::Ignored
    ));
}

/// A peer asks for the PIN below the limit because its capabilities know no limit.
#[test]
fn no_pin_below_the_verification_limit() {
    let pin_first = |amount_minor| {
        let tap = Tap {
            amount_minor,
            ..tap()
        }
        .card(tags::CVM_LIST, Some("000000000000000042031F03"));
        let tap = tap.set(tags::TAC_ONLINE, "0000000000");
        approved(tap.run()).cvm
    };
    assert_eq!(pin_first(3_000), Cvm::None);
    assert_eq!(pin_first(3_001), Cvm::OnlinePin);
}

#[test]
fn declines_switch_to_a_slot_only_where_there_is_one() {
    let aac = "77149F2701009F360200419F26084573436B1E4B95DD";
    let declined = |tap: Tap| {
        let (kind, stopped) = stopped(Tap { answer: aac, ..tap }.run());
        (kind, stopped.ui.message)
    };
    assert_eq!(declined(tap()), (OutcomeKind::Declined, Message::NotAuthorised));
    let slot = || tap().set(tags::INPUT_CAPABILITY, "20");
    assert_eq!(
        declined(slot()),
        (OutcomeKind::TryAnotherInterface, Message::InsertCard)
    );
    let device = |kind| slot().card(tags::THIRD_PARTY_DATA, Some(kind));
    assert_eq!(
        declined(device("084000013031")),
        (OutcomeKind::Declined, Message::NotAuthorised)
    );
    assert_eq!(
        declined(device("084000013030")).0,
        OutcomeKind::TryAnotherInterface
    );
    assert_eq!(
        declined(device("084080013031")).0,
        OutcomeKind::TryAnotherInterface,
        "no kind is given"
    );
    let refund = Tap {
        transaction_type: 0x20,
        ..tap()
    };
    assert_eq!(declined(refund), (OutcomeKind::EndApplication, Message::Clear));
}

#[test]
fn a_device_that_must_be_looked_at_is_presented_again_with_a_new_number() {
    let see = "771A9F2701809F360200419F26084573436B1E4B95DDDF4B03000100";
    let tap = tap();
    let mut reader = tap.reader();
    tap.to_cryptogram(&mut reader);
    let ReaderStep::WaitForCard(prompt) = reader.card_replied(&ok(&bytes(see)), 0, NOW) else {
        panic!("not presented again");
    };
    let now = prompt.now.unwrap();
    assert_eq!((now.message, now.hold_ms), (Message::SeePhone, 1_300));
    assert_eq!(prompt.ready.unwrap().message, Message::SeePhone);
    let again = command(&tap.to_cryptogram(&mut reader));
    assert!(
        again.contains("000000001000") && again.contains("20202020"),
        "{again}"
    );
    approved(reader.card_replied(&ok(&bytes(tap.answer)), 0, NOW));
}

#[test]
fn the_phone_message_table_and_bits_that_ask_for_nothing() {
    let message = |df4b: &str, table: &str| {
        let tap = tap().set(tags::PHONE_MESSAGES, table);
        let mut reader = tap.reader();
        tap.to_cryptogram(&mut reader);
        let answer = format!("771A9F2701409F360200419F26084573436B1E4B95DDDF4B03{df4b}");
        match reader.card_replied(&ok(&bytes(&answer)), 0, NOW) {
            ReaderStep::WaitForCard(prompt) => prompt.now.map(|ui| ui.message),
            _ => None,
        }
    };
    let table = "00010000010021000002000002000700";
    assert_eq!(message("000100", table), Some(Message::PresentAgain));
    assert_eq!(message("000200", table), Some(Message::NotAuthorised));
    assert_eq!(message("000001", table), Some(Message::SeePhone));
    assert_eq!(message("FFFCF0", table), None, "none of the bits that ask");
}

#[test]
fn a_card_that_leaves_is_presented_again_for_the_same_amount() {
    let tap = tap();
    let mut reader = tap.reader();
    tap.to_cryptogram(&mut reader);
    let ReaderStep::WaitForCard(prompt) = reader.card_lost(NOW) else {
        panic!("not presented again");
    };
    assert_eq!(prompt.ready.unwrap().message, Message::PresentAgain);
    assert!(
        command(&tap.to_cryptogram(&mut reader)).starts_with("80AE"),
        "no cut taps are kept"
    );
}

#[test]
fn balances_before_and_after() {
    let tap = || {
        tap()
            .fci(tags::CAPABILITIES, "010200")
            .set(tags::BALANCE_BEFORE, "")
            .set(tags::BALANCE_AFTER, "")
    };
    let balance = bytes("9F50060000000012349000");
    let one = tap();
    let mut reader = one.reader();
    assert_eq!(command(&one.to_cryptogram(&mut reader)), "80CA9F5000");
    assert!(command(&reader.card_replied(&balance, 0, NOW)).starts_with("80AE40"));
    assert_eq!(
        command(&reader.card_replied(&ok(&bytes(one.answer)), 0, NOW)),
        "80CA9F5000"
    );
    approved(reader.card_replied(&balance, 0, NOW));

    let two = tap();
    let mut reader = two.reader();
    two.to_cryptogram(&mut reader);
    assert!(
        command(&reader.card_replied(&bytes("6A88"), 0, NOW)).starts_with("80AE"),
        "no balance, no fault"
    );
    reader.card_replied(&ok(&bytes(two.answer)), 0, NOW);
    approved(reader.card_lost(NOW));

    let unable = tap();
    let unable = Tap {
        fci: Vec::new(),
        ..unable
    };
    assert!(command(&unable.to_cryptogram(&mut unable.reader())).starts_with("80AE"));
}
