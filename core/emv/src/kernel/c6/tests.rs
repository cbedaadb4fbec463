//! Scripted taps of kernel 6.

use super::super::scripted::{Objects, answer, bytes, changed, input, listing, run};
use super::super::test_pki;
use super::*;
use crate::config::KernelId;
use crate::outcome::OutcomeKind;

const AID: &str = "A0000001523010";
const PDOL: &str = "9F66049F02065F2A029F3704";
const PLAIN: [u8; 4] = [0x20, 0x00, 0x40, 0x00];

const ASKS: Objects<'_> = &[
    (0x82, "0000"),
    (0x9F36, "0015"),
    (0x9F10, "0105000000000000000000"),
    (0x9F27, "80"),
    (0x9F71, "0000"),
    (0x9F26, "20261203C3227D26"),
    (0x57, "6011000990139424D30122011234"),
    (0x5F34, "01"),
    (0x9F07, "FFC0"),
    (0x5F25, "200101"),
    (0x9F08, "0001"),
];

/// The order counts: the card signs it.
const APPROVES: Objects<'_> = &[
    (0x82, "0100"),
    (0x94, "08010100"),
    (0x9F36, "0015"),
    (0x9F10, "0105000000000000000000"),
    (0x9F27, "40"),
    (0x9F71, "0000"),
    (0x9F4B, test_pki::COMBINED_C6),
];

fn start(ttq: [u8; 4], reader: Objects<'_>) -> Result<C6, KernelOutcome> {
    let mut input = input(KernelId::C6, AID, &[(0x9F38, PDOL)], Some(ttq), reader);
    input.keys = test_pki::keys([0xA0, 0, 0, 0x01, 0x52]);
    C6::start(input)
}

fn gpo(objects: Objects<'_>) -> Vec<u8> {
    answer(tag::RESPONSE_FORMAT_2, objects)
}

fn asks(change: Objects<'_>) -> KernelOutcome {
    run(start(PLAIN, &[]), &[gpo(&changed(ASKS, change))]).1
}

fn approves(ttq: [u8; 4], options: Objects<'_>, card: Objects<'_>) -> KernelOutcome {
    let mut objects = test_pki::CHAIN_C6.to_vec();
    objects.push((0x57, "6011000990139424D30122011234"));
    let record = answer(tag::RECORD_TEMPLATE, &changed(&objects, card));
    run(start(ttq, &[]), &[gpo(&changed(APPROVES, options)), record]).1
}

#[test]
fn a_card_that_asks_the_issuer() {
    let (commands, outcome) = run(start(PLAIN, &[]), &[gpo(ASKS)]);
    assert_eq!(commands, ["80A80000128310200040000000000002000156ABABABAB00"]);
    assert_eq!(outcome.kind, OutcomeKind::OnlineRequest);
    let read = outcome.read.unwrap();
    assert_eq!(read.pan.masked(), "601100******9424");
    assert_eq!(read.receipt.as_ref().unwrap().tvr, [0; 5]);
}

#[test]
fn the_data_record_and_field_55() {
    let read = asks(&[(0x9F53, "0000000000000000"), (0x9F71, "000F")])
        .read
        .unwrap();
    let record = hex::encode_upper(read.data_record().expose());
    assert!(
        record.starts_with("9F02060000000002009F03060000000000009F260820261203C3227D26"),
        "{record}"
    );
    assert!(record.contains("570E6011000990139424D30122011234"), "{record}");
    let de55 = hex::encode_upper(&read.de55);
    assert!(de55.contains("9F34033F0000"), "{de55}");
    assert!(
        de55.ends_with("9F6604200040009F7102000F9F53080000000000000000"),
        "{de55}"
    );
    assert!(!de55.contains("6011000990139424"));
}

#[test]
fn status_words_of_get_processing_options() {
    let kind = |sw| run(start(PLAIN, &[]), &[bytes(sw)]).1;
    assert_eq!(kind("6984").kind, OutcomeKind::TryAnotherInterface);
    let phone = kind("6986");
    assert_eq!((phone.kind, phone.field_off_ms), (OutcomeKind::TryAgain, 1_300));
    assert_eq!(phone.ui_on_outcome.unwrap().message, Message::SeePhone);
    for sw in ["6985", "6A82"] {
        assert_eq!(kind(sw).kind, OutcomeKind::SelectNext, "{sw}");
    }
}

#[test]
fn what_the_answer_must_hold() {
    for tag in [
        tag::ATC,
        tag::ISSUER_APPLICATION_DATA,
        tag::CRYPTOGRAM_INFORMATION,
        tags::PROCESSING_REQUIREMENTS,
    ] {
        let outcome = asks(&[(tag.number(), "")]);
        assert_eq!(
            (outcome.kind, outcome.reason),
            (OutcomeKind::SelectNext, Some(Reason::DataMissing(tag)))
        );
    }
    assert_eq!(asks(&[(0x82, "")]).kind, OutcomeKind::SelectNext);
    let format_1 = run(start(PLAIN, &[]), &[bytes("80060000080101009000")]).1;
    assert_eq!(format_1.kind, OutcomeKind::SelectNext);
}

#[test]
fn what_goes_with_the_type() {
    for missing in [0x9F26, 0x57, 0x5F34, 0x9F07, 0x5F25, 0x9F08] {
        let outcome = asks(&[(missing, "")]);
        assert_eq!(outcome.kind, OutcomeKind::EndApplication, "{missing:X}");
    }
    let both = asks(&[(0x9F4B, "00")]);
    assert_eq!(
        (both.kind, both.reason),
        (OutcomeKind::EndApplication, Some(Reason::DataConflict))
    );
    for change in [(0x9F4B, ""), (0x94, ""), (0x9F26, "20261203C3227D26")] {
        let outcome = run(start(PLAIN, &[]), &[gpo(&changed(APPROVES, &[change]))]).1;
        assert_eq!(outcome.kind, OutcomeKind::EndApplication, "{change:X?}");
    }
}

#[test]
fn an_approval_with_its_signature() {
    let outcome = approves(PLAIN, &[], &[]);
    assert_eq!(outcome.kind, OutcomeKind::Approved, "{:?}", outcome.reason);
    let read = outcome.read.unwrap();
    assert_eq!(
        hex::encode_upper(read.receipt.as_ref().unwrap().arqc),
        "20261203C3227D26",
        "from the signature"
    );
    assert_eq!(read.receipt.as_ref().unwrap().tvr, [0; 5]);
}

#[test]
fn an_approval_that_is_not_signed() {
    let tvr = |outcome: KernelOutcome| {
        assert_eq!(
            (outcome.kind, outcome.reason),
            (OutcomeKind::Declined, Some(Reason::NotAuthenticated))
        );
        outcome.read.unwrap().receipt.as_ref().unwrap().tvr[0]
    };
    assert_eq!(
        tvr(approves(PLAIN, &[(0x9F36, "0016")], &[])),
        0x04,
        "another answer"
    );
    assert_eq!(tvr(approves(PLAIN, &[], &[(0x8F, "")])), 0x24);
    assert_eq!(tvr(approves(PLAIN, &[], &[(0x8F, "07")])), 0x04);
    // 9F71 asks to go online then, but nobody could check the cryptogram that is inside the signature.
    assert_eq!(tvr(approves(PLAIN, &[(0x9F71, "0040")], &[])), 0x04);
    let other = approves([0x30, 0, 0x40, 0], &[(0x9F71, "0020")], &[]);
    assert_eq!(other.kind, OutcomeKind::TryAnotherInterface);
}

#[test]
fn above_the_floor_limit() {
    let tvr = |limit| {
        let outcome = run(start(PLAIN, &[(0x9F1B, limit)]), &[gpo(ASKS)]).1;
        outcome.read.unwrap().receipt.as_ref().unwrap().tvr[3]
    };
    assert_eq!(tvr("000000C8"), 0, "200 is at the limit");
    assert_eq!(tvr("000000C7"), 0x80);
}

#[test]
fn expiry_is_that_of_track_2() {
    let expired = asks(&[
        (0x57, "6011000990139424D26102011234"),
        (0x5F24, "301231"),
        (0x9F71, "0004"),
    ]);
    assert_eq!(
        (expired.kind, expired.reason),
        (OutcomeKind::Declined, Some(Reason::Expired))
    );
    assert_eq!(expired.read.unwrap().receipt.as_ref().unwrap().tvr[1], 0x40);
    let last_month = asks(&[(0x57, "6011000990139424D26112011234"), (0x9F71, "0004")]);
    assert_eq!(last_month.kind, OutcomeKind::OnlineRequest);
}

#[test]
fn restrictions() {
    let abroad = asks(&[(0x9F07, "2000"), (0x5F28, "0840")]);
    assert_eq!(abroad.kind, OutcomeKind::Declined);
    assert_eq!(abroad.read.unwrap().receipt.as_ref().unwrap().tvr[1], 0x10);
    let early = asks(&[(0x5F25, "261123")]);
    assert_eq!(early.kind, OutcomeKind::OnlineRequest);
    assert_eq!(early.read.unwrap().receipt.as_ref().unwrap().tvr[1], 0x20);
}

#[test]
fn results_inside_the_issuer_data() {
    let conflict = asks(&[(0x9F53, "0000000000000001")]);
    assert_eq!(conflict.reason, Some(Reason::DataConflict));
    let above = [0x20, 0x40, 0x40, 0];
    let verified = changed(ASKS, &[(0x9F10, "0105000200000000000000"), (0x9F71, "1000")]);
    let outcome = run(start(above, &[]), &[gpo(&verified)]).1;
    assert_eq!(outcome.read.unwrap().cvm, Cvm::OnDevice);
    let short = changed(ASKS, &[(0x9F10, "0105"), (0x9F71, "1000")]);
    assert_eq!(
        run(start(above, &[]), &[gpo(&short)]).1.kind,
        OutcomeKind::EndApplication
    );
}

#[test]
fn the_card_declines() {
    let outcome = asks(&[(0x9F27, "00")]);
    assert_eq!(
        (outcome.kind, outcome.reason),
        (OutcomeKind::Declined, Some(Reason::CardDeclined))
    );
}

#[test]
fn a_card_that_leaves_or_refuses_a_record() {
    assert_eq!(
        run(start(PLAIN, &[]), &[Vec::new()]).1.kind,
        OutcomeKind::TryAgain
    );
    let refused = run(start(PLAIN, &[]), &[gpo(APPROVES), bytes("6A83")]).1;
    assert_eq!(refused.reason, Some(Reason::RecordRefused(0x6A83)));
}

#[test]
fn numbers_of_other_schemes_are_refused() {
    let visa = asks(&[(0x57, "4761739001010010D30122011234")]);
    assert_eq!(visa.reason, Some(Reason::BrandConflict));
}

#[test]
fn stripe_mode_of_zip_is_not_offered() {
    let zip = [
        (0x82, "0000"),
        (0x57, "6011000990139424D30122011234"),
        (0x9F7E, "00"),
    ];
    assert_eq!(
        run(start(PLAIN, &[]), &[gpo(&zip)]).1.kind,
        OutcomeKind::SelectNext
    );
}

#[test]
fn a_card_on_the_exception_file() {
    let outcome = |listed: &[u8]| {
        let mut input = input(KernelId::C6, AID, &[(0x9F38, PDOL)], Some(PLAIN), &[]);
        input.exceptions = listing(listed);
        run(C6::start(input), &[gpo(ASKS)]).1
    };
    let listed = outcome(b"6011000990139424");
    assert_eq!(
        (listed.kind, listed.reason),
        (OutcomeKind::Declined, Some(Reason::OnExceptionFile))
    );
    assert_eq!(listed.read.unwrap().receipt.unwrap().tvr, [0x10, 0, 0, 0, 0]);
    assert_eq!(outcome(b"6011000990139416").kind, OutcomeKind::OnlineRequest);
}
