//! A complete tap that others recorded: a public simulated Mastercard card that approves offline with CDA
//! (`MohamedHassanNasr/emv`, mock-msc-offline, BSD style). Every command must come out byte for byte.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;

use softpos_crypto::emv_rsa::key_checksum;
use softpos_types::{Currency, LocalTime, Money};

use super::*;
use crate::config::{Aid, Combination, CombinationSettings, KernelId, ReaderConfig, Transaction};
use crate::oda::{AuthorityKey, AuthorityKeys};
use crate::reader::{CardOutcome, Reader, ReaderStep};

/// Tag and value of the terminal.
const TERMINAL: &[(u32, &str)] = &[
    (0x9F1A, "0056"),
    (0x9F09, "0002"),
    (0x9F15, "1111"),
    (0x9F1E, "3030303030303031"),
    (0x9F53, "32"),
    (0x9F40, "6000F00001"),
    (0x9F6D, "0001"),
    (0xDF_8117, "00"),
    (0xDF_8118, "60"),
    (0xDF_8119, "08"),
    (0xDF_811B, "20"),
    (0xDF_811E, "10"),
    (0xDF_812C, "00"),
    (0xDF_811F, "08"),
    (0x9F1D, "6CFF000000000000"),
    (0xDF_811C, "0000"),
    (0xDF_811D, "00"),
    (0x9F35, "26"),
    (0xDF_8120, "0400800000"),
    (0xDF_8121, "DC50000000"),
    (0xDF_8122, "0000000000"),
    (0xDF_8123, "000000900000"),
    (0xDF_8124, "000000900000"),
    (0xDF_8125, "000000900000"),
    (0xDF_8126, "000000900000"),
];

/// Authority key A000000004/F3 of the test card.
const AUTHORITY: &str = "98F0C770F23864C2E766DF02D1E833DFF4FFE92D696E1642F0A88C5694C6479D16DB1537BFE29E4FDC6E6E8AFD1B0EB7EA0124723C333179BF19E93F10658B2F776E829E87DAEDA9C94A8B3382199A350C077977C97AFF08FD11310AC950A72C3CA5002EF513FCCC286E646E3C5387535D509514B3B326E1234F9CB48C36DDD44B416D23654034A66F403BA511C5EFA3";

/// Commands and answers.
pub(super) const TAP: [(&str, &str); 9] = [
    (
        "00A404000E325041592E5359532E444446303100",
        "6F23840E325041592E5359532E4444463031A511BF0C0E610C4F07A00000000410108701019000",
    ),
    (
        "00A4040007A000000004101000",
        "6F3A8407A0000000041010A52F500A4D6173746572436172649F38069F5C089F4005BF0C179F5E095413339000001513019F5D030101009F4D020B0A9000",
    ),
    (
        "80A800000F830D00000000000000006000F0000100",
        "7716820259809410080101001001010118010200200102009000",
    ),
    (
        "00B2011400",
        "7081BC57125413339000001513D20122010000000000005A0854133390000015135F24032012315F25030601015F280202505F3401018C279F02069F03069F1A0295055F2A029A039C019F37049F35019F45029F4C089F34039F21039F7C148D12910A8A0295059F37049F4C089F02069F03068E0A00000000000000001F039F0702FF009F080200029F0D05F8406420009F0E0500108800009F0F05F86064F8009F420209789F51039F37049F5B0CDF6008DF6108DF6201DF63A09F4A01829000",
    ),
    (
        "00B2011C00",
        "7081C08F01F39F3201039224EFF4A554A084A829B0D6D5ACCC34B84C262B32436ABDAC9899308D51E57C83DF6908C38990819021EC0FC6E1810DFEEA26545127494B40F5F12FA8670877C4B47516BBCD67EDF5F0652B437B4D3E4E83999E7B8245E2A18A7968E7C3E1C16B5609036E65E0F4AF2C4383AF19F1679DD59726C5D315B21967F5A3E526E645724B61F4C8ABCE98BEB8DF1FD64237DBE356B1F96C73EBA3206AAA4C818518E58E17F0E4265A0A5D7E2196E983C6DA78FC5C73F64E6F3AFF5A9000",
    ),
    (
        "00B2021C00",
        "70819393819071E2614A46A3A653425C29A168FF718379C8B3F82DACDA4F781A07D57E239AF9713892F17DA70EF9DCD31051D9EB4E352EF0ACE7D820DFA75A4D0FB0237D01F361FC290EBAFF1DF1696899FAB7D9E478B7AC58212D04328E2E8876D1723D250E6186CAFC8338F8FDBA8E19ADF72A84E549892967A1549DD4ACB133ACB2A791A68E1A2ABFF20FCB278F9314C03FE60CD59000",
    ),
    (
        "00B2012400",
        "70219F4701039F481AD529BCACA7F9ECEADE85990F1E04FEAE9FA033DF691268F9F2D59000",
    ),
    (
        "00B2022400",
        "7081949F4681904D05000EBF47E8F9F2A66D769CC1D3AA7E2A888A697ABBBB611053557FDC98597AB433CFD325942F1269892B4F1009547AE0A5BDB85442CA10D2167FFDA67995F357770F370DB60035F32F3F01F353EC26DC83C36F32B18848363C64EAECDDE93E2770E66CBC14E530FDD7A036B88270366383E9C95EF44C9B640C93B6181F6DB4756B140BE65BE084E7C379F0060DFD9000",
    ),
    (
        "80AE5000420000000000010000000000000056000000000109781908190033BCA47D26000000000000000000001F0302000000000000000000000000000000000000000000000000",
        "7781AA9F2701409F360202E09F4B81804D0605626698777BCC72E20DBE5C631C1372FB8B3EAB4DC8B06EFB7FE253A527000B8D7887C300232BC4849ED7DEAF3C6B260464190EF085B9663A0437C1FEA159F7F7C03F80D8A5CE5A52C8AE0BD702A94E84FE5D06B2DFAF3DA0750F3D5E5B0FAEC66A83DBEEDF22BAAD53FFD220F314A8C12A646C4BFDB296D71A0065B28F9F101A2210904203A400000000000000024355FFFF00000000000000FF9000",
    ),
];

const NOW: Tick = Tick(1_000);

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

fn config(with_key: bool) -> ReaderConfig {
    let rid = [0xA0, 0, 0, 0, 4];
    let modulus = bytes(AUTHORITY);
    let checksum = key_checksum((rid, 0xF3), &modulus, &[3]);
    let key = AuthorityKey::new((rid, 0xF3), &modulus, &[3], checksum).unwrap();
    let keys = if with_key { [key].into() } else { Vec::new() };
    let mut terminal = TerminalData::new();
    for (tag, value) in TERMINAL {
        terminal.set(Tag::new(*tag), &bytes(value));
    }
    ReaderConfig {
        combinations: [Combination {
            aid: Aid::new(&bytes("A0000000041010")).unwrap(),
            kernel: KernelId::C2,
            transaction_type: 0,
            settings: CombinationSettings::default(),
        }]
        .into(),
        terminal,
        authority_keys: Arc::new(AuthorityKeys::new(keys, Vec::new()).unwrap()),
        ..ReaderConfig::default()
    }
}

fn reader(amount_minor: i64, with_key: bool) -> Reader {
    let transaction = Transaction {
        amount: Money::new(amount_minor, Currency::from_alpha("EUR").unwrap()),
        other_minor: 0,
        transaction_type: 0,
        local: LocalTime {
            year: 2019,
            month: 8,
            day: 19,
            hour: 0,
            minute: 0,
            second: 0,
        },
        unpredictable: [[[0x33, 0xBC, 0xA4, 0x7D]; 3]; 4],
    };
    Reader::new(&config(with_key), transaction).unwrap()
}

/// Feeds the answers, each changed by `change`; gives the last command and how it ended.
fn run(mut reader: Reader, change: impl Fn(usize, &str) -> String) -> (String, ReaderStep) {
    let mut step = reader.card_present(NOW);
    let mut last = String::new();
    for (position, (_, answer)) in TAP.iter().enumerate() {
        let ReaderStep::Transmit(command) = &step else {
            return (last, step);
        };
        last = hex::encode_upper(command);
        step = reader.card_replied(&bytes(&change(position, answer)), 0, NOW);
    }
    (last, step)
}

fn refused(change: impl Fn(usize, &str) -> String) -> Reason {
    match run(reader(1, true), change).1 {
        ReaderStep::Finished(CardOutcome::EndApplication(stopped)) => stopped.reason,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn the_whole_tap_byte_for_byte() {
    let mut reader = reader(1, true);
    let mut step = reader.card_present(NOW);
    for (sent, answer) in TAP {
        let ReaderStep::Transmit(command) = &step else {
            panic!("no command: {step:?}");
        };
        assert_eq!(hex::encode_upper(command), sent);
        step = reader.card_replied(&bytes(answer), 0, NOW);
    }
    let ReaderStep::Finished(CardOutcome::Approved(read)) = step else {
        panic!("not approved: {step:?}");
    };
    assert_eq!(
        read.receipt.as_ref().unwrap().arqc,
        [0x49, 0xC2, 0x7A, 0x9F, 0x8E, 0x4B, 0xF5, 0x38],
        "out of the signature"
    );
    assert_eq!(read.receipt.as_ref().unwrap().tvr, [0, 0, 0, 0, 1]);
    assert_eq!(read.cvm, Cvm::None);
    assert_eq!(read.authentication, Some(Authentication::Combined));
}

#[test]
fn a_changed_signature_record_or_answer_is_no_approval() {
    let replaced = |at: usize, from: &'static str, to: &'static str| {
        move |position: usize, answer: &str| {
            if position == at {
                assert!(answer.contains(from));
                answer.replace(from, to)
            } else {
                answer.into()
            }
        }
    };
    for (at, from, to) in [
        (8, "4D0605", "4D0606"),
        (8, "9F360202E0", "9F360202E1"),
        (8, "9F270140", "9F270180"),
        (8, "2210904203A4", "2210904203A5"),
        (3, "5F3401018C", "5F3401028C"),
        (4, "21EC0FC6", "21EC0FC7"),
        (7, "4D05000E", "4D05000F"),
        (6, "D529BCAC", "D529BCAD"),
    ] {
        assert_eq!(
            refused(replaced(at, from, to)),
            Reason::NotAuthenticated,
            "{from}"
        );
    }
}

#[test]
fn the_signature_of_another_amount_is_no_approval() {
    let (command, step) = run(reader(2, true), |_, answer| answer.into());
    assert!(command.starts_with("80AE50"));
    match step {
        ReaderStep::Finished(CardOutcome::EndApplication(stopped)) => {
            assert_eq!(stopped.reason, Reason::NotAuthenticated);
        }
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn an_unsigned_cryptogram_where_a_signed_one_was_asked_for() {
    let unsigned = |information: &str| {
        let answer = format!("77149F2701{information}9F360202E09F260849C27A9F8E4BF5389000");
        run(reader(1, true), move |position, recorded| {
            if position == 8 {
                answer.clone()
            } else {
                recorded.into()
            }
        })
        .1
    };
    for information in ["40", "80"] {
        assert!(matches!(
            unsigned(information),
            ReaderStep::Finished(CardOutcome::EndApplication(stopped)) if stopped.reason == Reason::NotAuthenticated
        ));
    }
    assert!(
        matches!(
            unsigned("00"),
            ReaderStep::Finished(CardOutcome::Declined(stopped)) if stopped.reason == Reason::CardDeclined
        ),
        "a decline comes unsigned"
    );
}

#[test]
fn without_the_authoritys_key_the_default_codes_decline() {
    let (command, _) = run(reader(1, false), |_, answer| answer.into());
    assert!(command.starts_with("80AE00"), "{command}");
    assert!(command.contains("0400000001"), "CDA failed: {command}");
}
