use softpos_types::{Currency, LocalTime, Money};

use super::*;
use crate::config::{CombinationSettings, ReaderConfig};
use crate::reader::{Reader, ReaderError};

pub(crate) fn combination(aid: &str, kernel: u32) -> Combination {
    Combination {
        aid: Aid::new(&hex::decode(aid).unwrap()).unwrap(),
        kernel: KernelId::new(kernel),
        transaction_type: 0,
        settings: CombinationSettings::default(),
    }
}

pub(crate) fn transaction(amount_minor: i64) -> Transaction {
    Transaction {
        amount: Money::new(amount_minor, Currency::CNY),
        other_minor: 0,
        transaction_type: 0,
        local: LocalTime::from_utc(1_763_785_496_000, 480),
        unpredictable: [[1; 4], [2; 4], [3; 4], [4; 4]].map(|number| [number; 3]),
    }
}

const PPSE_COMMAND: &str = "00A404000E325041592E5359532E444446303100";
/// Two applications: debit with priority 2, credit with priority 1.
const PPSE_TWO: &str = "6F33840E325041592E5359532E4444463031A521BF0C1E610D4F08A000000003101001870102610D4F08A000000003101002870101";
const FCI_WITH_QUALIFIERS: &str = "6F128408A000000003101002A5069F38039F6604";

fn ok(body: &str) -> Vec<u8> {
    let mut bytes = hex::decode(body).unwrap();
    bytes.extend([0x90, 0]);
    bytes
}

fn transmitted(step: Option<EntryStep>) -> alloc::string::String {
    match step {
        Some(EntryStep::Transmit(command)) => hex::encode_upper(command),
        other => panic!("no command: {other:?}"),
    }
}

fn activated(step: Option<EntryStep>) -> Activation {
    match step {
        Some(EntryStep::Activate(activation)) => activation,
        other => panic!("no activation: {other:?}"),
    }
}

fn finished(step: Option<EntryStep>) -> KernelOutcome {
    match step {
        Some(EntryStep::Finish(outcome)) => outcome,
        other => panic!("no outcome: {other:?}"),
    }
}

fn visa() -> EntryPoint {
    EntryPoint::start_a(&[combination("A0000000031010", 3)], transaction(100)).unwrap()
}

fn at_selection(entry: &mut EntryPoint) {
    assert_eq!(transmitted(entry.card_present()), PPSE_COMMAND);
    assert_eq!(
        transmitted(entry.card_replied(&ok(PPSE_TWO))),
        "00A4040008A00000000310100200"
    );
}

#[test]
fn the_best_candidate_is_activated() {
    let mut entry = visa();
    at_selection(&mut entry);
    let activation = activated(entry.card_replied(&ok(FCI_WITH_QUALIFIERS)));
    assert_eq!(
        activation.adf_name.as_bytes(),
        hex::decode("A000000003101002").unwrap()
    );
    assert_eq!((activation.start, activation.restarted), (Start::A, false));
    assert_eq!(hex::encode_upper(activation.fci.expose()), FCI_WITH_QUALIFIERS);
}

#[test]
fn a_refused_selection_falls_through_until_the_list_is_empty() {
    let mut entry = visa();
    at_selection(&mut entry);
    assert_eq!(
        transmitted(entry.card_replied(&[0x69, 0x85])),
        "00A4040008A00000000310100100"
    );
    let outcome = finished(entry.card_replied(&[0x62, 0x85]));
    assert_eq!(outcome.kind, OutcomeKind::EndApplication);
    assert_eq!(outcome.reason, Some(Reason::NoApplication));
    let failed_on = outcome.report.expect("why the last one was passed over").error;
    assert_eq!((failed_on.l2, failed_on.sw), (3, 0x6285));
    assert_eq!(
        outcome.ui_on_outcome,
        Some(UiRequest::new(Message::TryAnotherCard, Status::ReadyToRead))
    );
    assert!(entry.card_replied(&[0x90, 0]).is_none(), "ended");
}

#[test]
fn no_directory_or_nothing_in_it() {
    let nothing_shared = ok("6F22840E325041592E5359532E4444463031A510BF0C0D610B4F09A00000099901020304");
    for (answer, failed_on) in [
        (&[0x6A, 0x82][..], Some((8, 0x6A82))),
        (&ok("6F00"), Some((9, 0))),
        (&ok("6F02A500"), Some((9, 0))),
        (&[0x90, 0], Some((9, 0))),
        (&nothing_shared, None),
    ] {
        let mut entry = visa();
        entry.card_present().unwrap();
        let outcome = finished(entry.card_replied(answer));
        assert_eq!(outcome.kind, OutcomeKind::EndApplication);
        assert_eq!(outcome.reason, Some(Reason::NoApplication));
        // Without a report it is the reason's own: no application in common.
        let report = outcome.report.map(|report| (report.error.l2, report.error.sw));
        assert_eq!(report, failed_on, "{answer:02X?}");
    }
}

#[test]
fn select_next_goes_on_and_try_again_starts_over() {
    let mut entry = visa();
    at_selection(&mut entry);
    activated(entry.card_replied(&ok(FCI_WITH_QUALIFIERS)));
    let next = entry.kernel_done(KernelOutcome::new(OutcomeKind::SelectNext));
    assert_eq!(transmitted(next), "00A4040008A00000000310100100");
    let activation = activated(entry.card_replied(&ok(FCI_WITH_QUALIFIERS)));
    assert_eq!(activation.start, Start::C);

    let again = entry.kernel_done(KernelOutcome {
        ui_on_outcome: Some(UiRequest::held(Message::SeePhone, Status::ProcessingError, 1_300)),
        field_off_ms: 1_300,
        ..KernelOutcome::new(OutcomeKind::TryAgain)
    });
    assert!(
        matches!(again, Some(EntryStep::WaitForCard(prompt)) if prompt.field_off_ms == 1_300 && prompt.ready.is_none())
    );
    at_selection(&mut entry);
    let activation = activated(entry.card_replied(&ok(FCI_WITH_QUALIFIERS)));
    assert_eq!((activation.start, activation.restarted), (Start::B, true));
}

#[test]
fn visa_without_qualifiers_is_kernel_1_or_dropped() {
    let without = ok("6F0C8408A000000003101002A500");
    let mut entry = visa();
    at_selection(&mut entry);
    assert_eq!(
        transmitted(entry.card_replied(&without)),
        "00A4040008A00000000310100100"
    );
    let both = [combination("A0000000031010", 3), combination("A0000000031010", 1)];
    let mut entry = EntryPoint::start_a(&both, transaction(100)).unwrap();
    at_selection(&mut entry);
    assert_eq!(activated(entry.card_replied(&without)).kernel, KernelId::C1);
}

#[test]
fn extended_selection_only_where_allowed() {
    let ppse = ok("6F24840E325041592E5359532E4444463031A512BF0C0F610D4F07A00000000410109F290104");
    for (allowed, command) in [
        (false, "00A4040007A000000004101000"),
        (true, "00A4040008A00000000410100400"),
    ] {
        let mut mastercard = combination("A0000000041010", 2);
        mastercard.settings.extended_selection = allowed;
        let mut entry = EntryPoint::start_a(&[mastercard], transaction(100)).unwrap();
        entry.card_present().unwrap();
        assert_eq!(transmitted(entry.card_replied(&ppse)), command);
    }
}

#[test]
fn a_name_extended_beyond_16_bytes_is_dropped() {
    let ppse = ok(
        "6F34840E325041592E5359532E4444463031A522BF0C1F611D4F10A00000000410100000000000000000009F2901048701019F2A0102",
    );
    let mut mastercard = combination("A0000000041010", 2);
    mastercard.settings.extended_selection = true;
    let mut entry = EntryPoint::start_a(&[mastercard], transaction(100)).unwrap();
    entry.card_present().unwrap();
    assert_eq!(
        finished(entry.card_replied(&ppse)).reason,
        Some(Reason::NoApplication)
    );
    let mut plain = EntryPoint::start_a(&[combination("A0000000041010", 2)], transaction(100)).unwrap();
    plain.card_present().unwrap();
    assert_eq!(
        transmitted(plain.card_replied(&ppse)),
        "00A4040010A000000004101000000000000000000000"
    );
}

#[test]
fn collision_and_radio_errors_go_back_to_polling() {
    let mut entry = visa();
    let Some(EntryStep::WaitForCard(prompt)) = entry.collision() else {
        panic!("no prompt");
    };
    assert_eq!(
        prompt.now,
        Some(UiRequest::new(Message::OneCardOnly, Status::ProcessingError))
    );
    assert_eq!(
        prompt.ready,
        Some(UiRequest::new(Message::OneCardOnly, Status::ReadyToRead))
    );
    at_selection(&mut entry);
    assert!(
        entry.collision().is_none() && entry.card_present().is_none(),
        "only while polling"
    );
    assert!(matches!(
        entry.radio_error(),
        Some(EntryStep::WaitForCard(prompt)) if prompt == Prompt::default()
    ));
    at_selection(&mut entry);
    assert!(
        matches!(entry.card_replied(&[0x90]), Some(EntryStep::WaitForCard(_))),
        "no status word"
    );
}

fn issuer_data() -> Vec<u8> {
    [0x91, 1, 7].into()
}

#[test]
fn restarts_after_a_final_outcome() {
    let ended = || {
        let mut entry = visa();
        at_selection(&mut entry);
        activated(entry.card_replied(&ok(FCI_WITH_QUALIFIERS)));
        let outcome = finished(entry.kernel_done(KernelOutcome::new(OutcomeKind::OnlineRequest)));
        assert_eq!(outcome.kind, OutcomeKind::OnlineRequest);
        entry
    };
    let activation = activated(ended().restart(Start::D, Prompt::default(), Some(issuer_data())));
    assert_eq!((activation.start, activation.restarted), (Start::D, true));
    assert_eq!(activation.issuer_data, Some(issuer_data()));

    let mut same_card = ended();
    assert!(matches!(
        same_card.restart(Start::B, Prompt::default(), Some(issuer_data())),
        Some(EntryStep::WaitForCard(_))
    ));
    assert_eq!(
        transmitted(same_card.card_present()),
        "00A4040008A00000000310100200",
        "no directory"
    );
    assert_eq!(
        finished(same_card.card_replied(&[0x6A, 0x82])).kind,
        OutcomeKind::EndApplication
    );

    let again = ended().restart(Start::C, Prompt::default(), None);
    assert_eq!(transmitted(again), "00A4040008A00000000310100200");

    let mut from_a = ended();
    assert!(from_a.restart(Start::A, Prompt::default(), None).is_some());
    at_selection(&mut from_a);
    assert!(
        from_a.restart(Start::A, Prompt::default(), None).is_none(),
        "not ended"
    );
}

#[test]
fn nothing_allowed_asks_for_another_interface() {
    let mut limited = combination("A0000000031010", 3);
    limited.settings.transaction_limit_minor = Some(100);
    let config = ReaderConfig {
        combinations: [limited].into(),
        ..ReaderConfig::default()
    };
    let Err(ReaderError::NothingAllowed(ui)) = Reader::new(&config, transaction(100)) else {
        panic!("at the limit");
    };
    assert_eq!(
        (ui.message, ui.status),
        (Message::InsertOrSwipe, Status::ProcessingError)
    );
    assert!(Reader::new(&config, transaction(99)).is_ok());
}

#[test]
fn nothing_allowed_and_start_without_amount() {
    let mut limited = combination("A0000000031010", 3);
    limited.settings.transaction_limit_minor = Some(100);
    limited.settings.ttq = Some([0x28, 0xC0, 0, 0]);
    assert!(EntryPoint::start_a(&[limited.clone()], transaction(100)).is_none());
    let mut autorun = EntryPoint::start_b(&[limited], transaction(100));
    at_selection(&mut autorun);
    let activation = activated(autorun.card_replied(&ok(FCI_WITH_QUALIFIERS)));
    assert_eq!(
        activation.ttq,
        Some([0x28, 0xC0, 0, 0]),
        "qualifiers as configured"
    );
    assert_eq!(activation.start, Start::B);
}
