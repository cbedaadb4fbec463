//! Whole taps through the reader with a scripted card that is not authenticated (CDA: `tests/mastercard.rs`).

mod conclusion;
mod relay;
mod torn;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

use softpos_types::{Currency, LocalTime, Money};
use softpos_wire::tlv::TlvWriter;

use super::*;
use crate::config::{Aid, Combination, CombinationSettings, KernelId, ReaderConfig, Transaction};
use crate::outcome::OutcomeKind;
use crate::read::CardRead;
use crate::reader::{CardOutcome, Reader, ReaderStep, StoppedRead};
use crate::ui::Message;

const NOW: Tick = Tick(1_000);
const AID: [u8; 7] = [0xA0, 0, 0, 0, 0x04, 0x10, 0x10];
const PAN: &str = "5413330089600010";

/// One tap: what the reader is configured to, and what the card says.
struct Tap {
    amount_minor: i64,
    other_minor: i64,
    transaction_type: u8,
    data: Vec<(Tag, Vec<u8>)>,
    fci: Vec<(Tag, Vec<u8>)>,
    aip: &'static str,
    record: Vec<(Tag, Vec<u8>)>,
    answer: &'static str,
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

fn tap() -> Tap {
    let objects = |list: &[(Tag, &str)]| list.iter().map(|(tag, value)| (*tag, bytes(value))).collect();
    Tap {
        amount_minor: 1_000,
        other_minor: 0,
        transaction_type: 0,
        data: objects(&[
            (tag::TERMINAL_TYPE, "22"),
            (tag::TERMINAL_COUNTRY, "0840"),
            (tag::TERMINAL_APPLICATION_VERSION, "0002"),
            (tags::CONFIGURATION, "B0"),
            (tags::INPUT_CAPABILITY, "00"),
            (tags::SECURITY_CAPABILITY, "08"),
            (tags::CVM_CAPABILITY_ABOVE, "60"),
            (tags::CVM_CAPABILITY_BELOW, "08"),
            (tags::FLOOR_LIMIT, "000000005000"),
            (tags::LIMIT_WITHOUT_DEVICE, "000000050000"),
            (tags::LIMIT_WITH_DEVICE, "000000080000"),
            (tags::CVM_LIMIT, "000000003000"),
            (tags::TAC_DEFAULT, "0000000000"),
            (tags::TAC_DENIAL, "0000000000"),
            (tags::TAC_ONLINE, "0000800000"),
        ]),
        fci: objects(&[(tag::PDOL, "9F3501")]),
        aip: "1080",
        record: objects(&[
            (tag::TRACK_2, "5413330089600010D301220101234091"),
            (tag::PAN, PAN),
            (tag::EXPIRY_DATE, "301231"),
            (tag::PAN_SEQUENCE, "01"),
            (tags::CDOL1, "9F02069F37049505"),
            (tags::CVM_LIST, "000000000000000042035E031F03"),
            (tags::IAC_DEFAULT, "0000000000"),
            (tags::IAC_DENIAL, "0000000000"),
            (tags::IAC_ONLINE, "0000000000"),
        ]),
        answer: "771E9F2701409F360200419F26084573436B1E4B95DD9F1007060105A0000000",
    }
}

impl Tap {
    fn set(mut self, tag: Tag, value: &str) -> Self {
        self.data.retain(|(own, _)| *own != tag);
        self.data.push((tag, bytes(value)));
        self
    }

    fn card(mut self, tag: Tag, value: Option<&str>) -> Self {
        self.record.retain(|(own, _)| *own != tag);
        self.record.extend(value.map(|value| (tag, bytes(value))));
        self
    }

    fn fci(mut self, tag: Tag, value: &str) -> Self {
        self.fci.push((tag, bytes(value)));
        self
    }

    fn reader(&self) -> Reader {
        let mut terminal = TerminalData::new();
        for (tag, value) in &self.data {
            terminal.set(*tag, value);
        }
        let config = ReaderConfig {
            combinations: [Combination {
                aid: Aid::new(&AID).unwrap(),
                kernel: KernelId::C2,
                transaction_type: self.transaction_type,
                settings: CombinationSettings::default(),
            }]
            .into(),
            terminal,
            ..ReaderConfig::default()
        };
        let transaction = Transaction {
            amount: Money::new(self.amount_minor, Currency::from_alpha("USD").unwrap()),
            other_minor: self.other_minor,
            transaction_type: self.transaction_type,
            local: LocalTime {
                year: 2026,
                month: 8,
                day: 19,
                hour: 0,
                minute: 0,
                second: 0,
            },
            unpredictable: [0x10, 0x20, 0x30, 0x40].map(|first| [0, 1, 2].map(|next| [first | next; 4])),
        };
        Reader::new(&config, transaction).unwrap()
    }

    /// Up to the answer to SELECT; gives what comes after it.
    fn select(&self, reader: &mut Reader) -> ReaderStep {
        reader.card_present(NOW);
        let entry = template(tag::DIRECTORY_ENTRY, &[(tag::ADF_NAME, AID.to_vec())]);
        let directory = ok(&nested(
            &[tag::FCI_TEMPLATE, tag::FCI_PROPRIETARY, tag::ISSUER_DISCRETIONARY],
            &entry,
        ));
        reader.card_replied(&directory, 0, NOW);
        let mut fci = vec_of(&[(tag::DF_NAME, AID.to_vec())]);
        fci.extend(template(tag::FCI_PROPRIETARY, &self.fci));
        reader.card_replied(&ok(&nested(&[tag::FCI_TEMPLATE], &fci)), 0, NOW)
    }

    fn options(&self) -> Vec<u8> {
        bytes(&format!("770A8202{}9404100101009000", self.aip))
    }

    fn record(&self) -> Vec<u8> {
        ok(&template(tag::RECORD_TEMPLATE, &self.record))
    }

    /// Up to the record; gives GENERATE AC.
    fn to_cryptogram(&self, reader: &mut Reader) -> ReaderStep {
        self.select(reader);
        reader.card_replied(&self.options(), 0, NOW);
        reader.card_replied(&self.record(), 0, NOW)
    }

    fn run(&self) -> ReaderStep {
        let mut reader = self.reader();
        match self.to_cryptogram(&mut reader) {
            ReaderStep::Transmit(_) => reader.card_replied(&bytes(&format!("{}9000", self.answer)), 0, NOW),
            ended => ended,
        }
    }

    /// P1 of GENERATE AC, and the data that follows it.
    fn generated(&self) -> (u8, String) {
        let step = self.to_cryptogram(&mut self.reader());
        let command = command(&step);
        assert!(command.starts_with("80AE"), "{command}");
        let (p1, rest) = command.strip_prefix("80AE").unwrap().split_at(2);
        let data = rest.strip_suffix("00").unwrap().split_at(4).1;
        (u8::from_str_radix(p1, 16).unwrap(), data.into())
    }
}

/// What a tap of [`tap`] asks for: amount, number, then 95.
fn generated_data(amount: &str, tvr: &str) -> String {
    format!("{amount}10101010{tvr}")
}

fn vec_of(objects: &[(Tag, Vec<u8>)]) -> Vec<u8> {
    let mut writer = TlvWriter::new();
    for (tag, value) in objects {
        writer.put(*tag, value);
    }
    writer.into_vec()
}

fn template(tag: Tag, objects: &[(Tag, Vec<u8>)]) -> Vec<u8> {
    nested(&[tag], &vec_of(objects))
}

fn nested(tags: &[Tag], content: &[u8]) -> Vec<u8> {
    tags.iter().rev().fold(content.to_vec(), |inner, tag| {
        let mut writer = TlvWriter::new();
        writer.put(*tag, &inner);
        writer.into_vec()
    })
}

fn ok(body: &[u8]) -> Vec<u8> {
    [body, &[0x90, 0x00]].concat()
}

fn command(step: &ReaderStep) -> String {
    match step {
        ReaderStep::Transmit(command) => hex::encode_upper(command),
        other => panic!("no command: {other:?}"),
    }
}

fn stopped(step: ReaderStep) -> (OutcomeKind, StoppedRead) {
    match step {
        ReaderStep::Finished(CardOutcome::Declined(stopped)) => (OutcomeKind::Declined, stopped),
        ReaderStep::Finished(CardOutcome::EndApplication(stopped)) => (OutcomeKind::EndApplication, stopped),
        ReaderStep::Finished(CardOutcome::TryAnotherInterface(stopped)) => {
            (OutcomeKind::TryAnotherInterface, stopped)
        }
        other => panic!("not stopped: {other:?}"),
    }
}

fn reason(step: ReaderStep) -> Reason {
    stopped(step).1.reason
}

fn approved(step: ReaderStep) -> Box<CardRead> {
    match step {
        ReaderStep::Finished(CardOutcome::Approved(read)) => read,
        other => panic!("not approved: {other:?}"),
    }
}

#[test]
fn approved_offline_without_authentication_where_the_action_codes_allow_it() {
    let read = approved(tap().run());
    assert_eq!(read.pan.masked(), "541333******0010");
    assert_eq!(read.cvm, Cvm::None);
    assert_eq!(read.card_object(tag::ATC), Some(&[0x00, 0x41][..]));
    assert_eq!(read.data_object(tag::CVM_RESULTS), Some(&[0x1F, 0x03, 0x02][..]));
    assert_eq!(read.data_object(tag::TVR), Some(&[0x80, 0, 0, 0, 0x01][..]));
    let record = read.data_record();
    assert!(
        softpos_wire::tlv::child(record.expose(), tag::PAN)
            .unwrap()
            .is_some()
    );
    for sealed in [tag::PAN, tag::TRACK_2, tag::EXPIRY_DATE] {
        assert_eq!(softpos_wire::tlv::find(&read.de55, sealed).unwrap(), None);
    }
}

#[test]
fn commands_byte_for_byte() {
    let tap = tap();
    let mut reader = tap.reader();
    assert_eq!(command(&tap.select(&mut reader)), "80A800000383012200");
    assert_eq!(
        command(&reader.card_replied(&tap.options(), 0, NOW)),
        "00B2011400"
    );
    assert_eq!(
        command(&reader.card_replied(&tap.record(), 0, NOW)),
        format!("80AE40000F{}00", generated_data("000000001000", "8000000001"))
    );
}

#[test]
fn no_pdol_is_legal() {
    let tap = Tap {
        fci: Vec::new(),
        ..tap()
    };
    assert_eq!(command(&tap.select(&mut tap.reader())), "80A8000002830000");
}

/// Kernel 2's own limits are above, where those of Book B are at or above.
#[test]
fn limits_are_exceeded_above_not_at() {
    let at = |amount_minor| Tap {
        amount_minor,
        ..tap()
    };
    assert_eq!(at(5_000).generated().0, 0x40, "at the floor limit");
    assert_eq!(at(5_001).set(tags::TAC_ONLINE, "0000008000").generated().0, 0x80);
    assert_eq!(at(5_000).set(tags::TAC_ONLINE, "0000008000").generated().0, 0x40);
    assert!(matches!(
        at(50_000).run(),
        ReaderStep::Finished(CardOutcome::Approved(_))
    ));
    assert_eq!(
        reason(at(50_001).run()),
        Reason::NoApplication,
        "the only application was dropped"
    );
    let data = at(3_000).generated().1;
    assert!(
        data.ends_with("8000000001"),
        "at the verification limit: none: {data}"
    );
    let above = at(3_001).set(tags::TAC_ONLINE, "0000040000").generated();
    assert_eq!(above, (0x80, generated_data("000000003001", "8000040001")));
}

#[test]
fn the_limit_is_higher_for_devices_that_verify_on_both_sides() {
    let device = |configuration| {
        Tap {
            amount_minor: 60_000,
            aip: "1280",
            ..tap()
        }
        .set(tags::CONFIGURATION, configuration)
    };
    assert_eq!(
        device("B0").generated().0,
        0x00,
        "without authentication a device's word is worth nothing"
    );
    assert_eq!(reason(device("90").run()), Reason::NoApplication);
}

#[test]
fn mandatory_objects() {
    for missing in [tag::PAN, tag::EXPIRY_DATE, tags::CDOL1, tag::TRACK_2] {
        assert_eq!(
            reason(tap().card(missing, None).run()),
            Reason::DataMissing(missing)
        );
    }
    assert_eq!(
        reason(tap().card(tags::CDOL1, Some("")).run()),
        Reason::DataMissing(tags::CDOL1)
    );
}

#[test]
fn number_track_and_brand_must_agree() {
    assert_eq!(
        reason(tap().card(tag::PAN, Some("5413330089600028")).run()),
        Reason::DataConflict
    );
    let visa = tap()
        .card(tag::PAN, Some("4761739001010010"))
        .card(tag::TRACK_2, Some("4761739001010010D301220101234091"));
    assert_eq!(reason(visa.run()), Reason::BrandConflict);
}

#[test]
fn missing_terminal_data_is_named() {
    let tap = tap().set(tags::LIMIT_WITHOUT_DEVICE, "00");
    let step = tap.select(&mut tap.reader());
    assert_eq!(
        reason(step),
        Reason::TerminalDataMissing(tags::LIMIT_WITHOUT_DEVICE)
    );
}

#[test]
fn refused_options_lead_to_the_next_application() {
    for sw in ["6985", "6984", "6A81"] {
        let tap = tap();
        let mut reader = tap.reader();
        tap.select(&mut reader);
        assert_eq!(
            reason(reader.card_replied(&bytes(sw), 0, NOW)),
            Reason::NoApplication
        );
    }
}

#[test]
fn options_in_both_formats_and_without_locator() {
    let options = |text: &str| {
        let tap = tap();
        let mut reader = tap.reader();
        tap.select(&mut reader);
        reader.card_replied(&ok(&bytes(text)), 0, NOW)
    };
    assert_eq!(command(&options("8006108010010100")), "00B2011400");
    assert_eq!(reason(options("770482021080")), Reason::DataMissing(tag::AFL));
    assert_eq!(reason(options("7706940410010100")), Reason::DataMissing(tag::AIP));
    assert_eq!(reason(options("770A820210009404100101")), Reason::Malformed);
    assert_eq!(reason(options("770A82021080940410020100")), Reason::Malformed);
    assert_eq!(reason(options("7706820210809400")), Reason::Malformed);
    assert_eq!(
        reason(options("770A82021000940410010100")),
        Reason::Malformed,
        "stripe mode only"
    );
}

#[test]
fn the_stripe_modes_file_is_skipped_by_readers_that_know_it() {
    let first = |configuration| {
        let tap = tap().set(tags::CONFIGURATION, configuration);
        let mut reader = tap.reader();
        tap.select(&mut reader);
        command(&reader.card_replied(&bytes("770E82021080940808010100100101009000"), 0, NOW))
    };
    assert_eq!(first("20"), "00B2011400");
    assert_eq!(first("A0"), "00B2010C00");
}

#[test]
fn bad_records() {
    let record = |answer: &[u8]| {
        let tap = tap();
        let mut reader = tap.reader();
        tap.select(&mut reader);
        reader.card_replied(&tap.options(), 0, NOW);
        reason(reader.card_replied(answer, 0, NOW))
    };
    assert_eq!(record(&bytes("6A83")), Reason::RecordRefused(0x6A83));
    assert_eq!(record(&bytes("77009000")), Reason::Malformed);
    assert_eq!(record(&bytes("70005A009000")), Reason::Malformed);
    assert_eq!(record(&bytes("70038201109000")), Reason::DataMissing(tag::AIP));
    assert_eq!(record(&bytes("70048202FFFF9000")), Reason::DataTwice(tag::AIP));
}

#[test]
fn a_readers_value_is_never_the_cards() {
    let lying = tap()
        .card(tags::CVM_LIMIT, Some("000000099999"))
        .card(tags::TAC_DENIAL, Some("0000000000"))
        .card(tag::AMOUNT_AUTHORISED, Some("000000000001"));
    let data = lying.generated().1;
    assert!(data.starts_with("000000001000"), "{data}");
}

#[test]
fn missing_authentication_data_and_missing_key_make_cda_fail() {
    let cda = |aip| Tap { aip, ..tap() };
    assert!(cda("1180").generated().1.ends_with("2400000001"), "data missing");
    let with_data = [
        (tag::CA_KEY_INDEX, "F3"),
        (tag::ISSUER_CERTIFICATE, "AA"),
        (tag::ISSUER_KEY_EXPONENT, "03"),
        (tag::ICC_CERTIFICATE, "AA"),
        (tag::ICC_KEY_EXPONENT, "03"),
        (tag::STATIC_DATA_TAG_LIST, "82"),
    ]
    .into_iter()
    .fold(cda("1180"), |tap, (tag, value)| tap.card(tag, Some(value)));
    assert!(with_data.generated().1.ends_with("0400000001"), "no such key");
}

#[test]
fn a_signature_that_nobody_can_check_is_no_approval() {
    let tap = Tap {
        answer: "77109F2701409F360200419F4B0401020304",
        ..tap()
    };
    let mut reader = tap.reader();
    tap.to_cryptogram(&mut reader);
    assert_eq!(
        reason(reader.card_replied(&ok(&bytes(tap.answer)), 0, NOW)),
        Reason::NotAuthenticated
    );
}
