use alloc::vec::Vec;

use super::*;

fn key(text: &str) -> AesKey {
    AesKey::from_bytes(&hex::decode(text).unwrap()).unwrap()
}

fn id(text: &str) -> [u8; 8] {
    hex::decode(text).unwrap().try_into().unwrap()
}

fn text(key: &[u8]) -> alloc::string::String {
    hex::encode_upper(key)
}

// ANSI X9.24-3-2017, test vector supplement of 2018-01-29.
const BDK: &str = "FEDCBA9876543210F1F1F1F1F1F1F1F1";
const IK: &str = "1273671EA26AC29AFA4D1084127652A1";
const IKID: &str = "1234567890123456";
const FIRST_KEYS: [&str; 8] = [
    "4F21B565BAD9835E112B6465635EAE44",
    "2F34D68DE10F68D38091A73B9E7C437C",
    "031504E530365CF81264238540518318",
    "0EEFC7ADA628BA68878DA9165A8A1887",
    "C2A7AC328A5DA2D6002D62465BFC028B",
    "D30F7D9351DA58448A2F5E92B4EE3B7D",
    "A8253CEED9AC042C54F75D35C8352278",
    "718EE6CF0B27E53D5F7AF99C4D8146A2",
];

// Computed for this project, agreed with openemv's dukpt-tool: AES-256 across the limit of 16 bits.
const BDK_256: &str = "E77A743A8A669AAB8A45DDF140D8D3C37F0071B8F239D4BEB9A283DC4FA8618C";
const IKID_256: &str = "2B80D750FD292295";

#[test]
fn initial_and_transaction_keys_of_the_standard() {
    let ik = initial_key(&key(BDK), id(IKID));
    assert!(ik.ct_eq(&key(IK)));
    let mut registers = Registers::load(key(IK), id(IKID));
    for (counter, expected) in (1..).zip(FIRST_KEYS) {
        let drawn = registers.draw().unwrap();
        assert_eq!(drawn.ksn(), Ksn::new(id(IKID), counter).unwrap());
        assert!(drawn.key().ct_eq(&key(expected)), "counter {counter}");
        assert!(
            transaction_key(&ik, drawn.ksn()).ct_eq(&key(expected)),
            "counter {counter}"
        );
    }
}

#[test]
fn working_keys_of_the_standard() {
    let ksn: Ksn = "123456789012345600000001".parse().unwrap();
    let from = transaction_key(&key(IK), ksn);
    let aes128 = KeyType::Aes(AesLength::Aes128);
    for (usage, kind, expected) in [
        (Usage::Pin, aes128, "AF8CB133A78F8DC2D1359F18527593FB"),
        (Usage::MacGenerate, aes128, "A2DC23DE6FDE0824A2BC321E08E4B8B7"),
        (Usage::MacVerify, aes128, "DBB463945B286C07CD3AD82EE96FD9C9"),
        (Usage::DataEncrypt, aes128, "A35C412EFD41FDB98B69797C02DCD08F"),
        (Usage::DataDecrypt, aes128, "16292C6EA8F64C5420A0584BFBC577BE"),
        (Usage::MacBoth, aes128, "85675439D18D7F1158BD8E3EAA3D502B"),
        (Usage::DataBoth, aes128, "A308E080DD15A1B741F1721BF67DE11C"),
        (Usage::KeyEncryption, aes128, "36A724B7BEFA5A25F5E7B5782A4554A2"),
        (Usage::Pin, KeyType::Tdes2, "630C706D9546E47D4449313F61C4D4AB"),
        (
            Usage::Pin,
            KeyType::Tdes3,
            "EA8B3F37EB9B15831167EF2977FD8762D9B5913F35766F6A",
        ),
    ] {
        let derived = working_key(&from, ksn, usage, kind).unwrap();
        assert_eq!(text(derived.expose()), expected, "{usage:?} {kind:?}");
    }
    assert_eq!(
        text(aes_working_key(&from, ksn, Usage::Pin).expose()),
        "AF8CB133A78F8DC2D1359F18527593FB"
    );
    for strong in [KeyType::Aes(AesLength::Aes192), KeyType::Hmac(AesLength::Aes256)] {
        assert_eq!(
            working_key(&from, ksn, Usage::Pin, strong).unwrap_err(),
            DukptError::KeyTooStrong
        );
    }
}

#[test]
fn update_keys() {
    let ik = key("058D5019E552D20763FD21376E227FB0");
    let update = update_key(&ik, id("D91028D4EED94C47"), KeyType::Aes(AesLength::Aes128)).unwrap();
    assert_eq!(text(update.expose()), "AB0FF476078A90EF80FCC057599F36B2");
}

#[test]
fn counters() {
    for (counter, next) in [
        (0, 1),
        (1, 2),
        (0xFFFF, 0x1_0000),
        (0x1_FFFE, 0x2_0000),
        (0x0084_5FED, 0x0084_5FEE),
        (0x1_FFFF, 0x2_0000),
    ] {
        assert_eq!(next_counter(counter), Ok(next), "{counter:X}");
    }
    for counter in [0xFFFF_0000, 0xFFFF_0001, u32::MAX] {
        assert_eq!(next_counter(counter), Err(DukptError::Exhausted));
    }
    assert_eq!(next_counter(0xFFFE_8000), Ok(0xFFFF_0000));
}

#[test]
fn ksn_spelling() {
    let ksn = Ksn::new(id(IKID), 0xAB).unwrap();
    assert_eq!(ksn.to_string(), "1234567890123456000000AB");
    assert_eq!("1234567890123456000000AB".parse(), Ok(ksn));
    assert_eq!(Ksn::from_bytes(&ksn.to_bytes()), Ok(ksn));
    for bad in [
        "",
        "1234567890123456000000ab",
        "1234567890123456000000A",
        "01234567890123456000000AB",
        "+234567890123456000000AB",
        "123456789012345600000000",
        "12345678901234560001FFFF",
        "1234567890123456000000A\u{e9}",
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
    ] {
        assert_eq!(bad.parse::<Ksn>(), Err(DukptError::BadKsn), "{bad}");
    }
    assert_eq!(Ksn::from_bytes(&[1; 11]), Err(DukptError::BadKsn));
    assert_eq!(Ksn::from_bytes(&[1; 13]), Err(DukptError::BadKsn));
}

#[test]
fn registers_agree_with_the_host_across_the_bit_limit() {
    let ik = initial_key(&key(BDK_256), id(IKID_256));
    let mut registers = Registers::load(initial_key(&key(BDK_256), id(IKID_256)), id(IKID_256));
    registers.advance_to(131_069);
    for (counter, expected) in [
        (
            131_069,
            "7FF24671071EADE4040D4F2C0CA54A8E067EB437C4BED6497C848C6E941AF49E",
        ),
        (
            131_070,
            "CA747AC6F7ACF3AAE34E5E763BD41C92FA625099923906832D3E86696B5E50D3",
        ),
        (
            131_072,
            "DCA274CC1ED3061E4BDE928B608A1B236EA785C5A4D90FF76BD59AF25F37AC58",
        ),
        (
            131_073,
            "5C525208FCA2D6F109AD4274C9434647B00F538E3A1FFA4E697C7163630260C8",
        ),
        (
            131_074,
            "107F160BF32FD714CAE4E62320F09517D054EDAE605CD7BB30F8D876EF6AC8EC",
        ),
    ] {
        let drawn = registers.draw().unwrap();
        assert_eq!(drawn.ksn().counter(), counter);
        assert_eq!(text(drawn.key().expose()), expected);
        assert!(transaction_key(&ik, drawn.ksn()).ct_eq(drawn.key()));
    }
}

#[test]
fn every_length_and_every_way_forward_gives_the_hosts_key() {
    for length in [16, 24, 32] {
        let ik = || AesKey::from_bytes(&[0x5A; 32][..length]).unwrap();
        let mut drawn_through = Registers::load(ik(), id(IKID));
        for _ in 0..600 {
            let drawn = drawn_through.draw().unwrap();
            assert!(transaction_key(&ik(), drawn.ksn()).ct_eq(drawn.key()));
        }
        // Small steps and leaps, aligned and not, up to the very end.
        let mut jumped = Registers::load(ik(), id(IKID));
        for target in [
            2,
            3,
            600,
            601,
            0xFFFF,
            0x1_0000,
            0x1_FFFF,
            0x0084_5FED,
            0x8000_0000,
            0xFFFE_7FFF,
            0xFFFF_0000,
        ] {
            jumped.advance_to(target);
            let drawn = jumped.draw().unwrap();
            let expected = if target.count_ones() > 16 {
                next_counter(target).unwrap()
            } else {
                target
            };
            assert_eq!(drawn.ksn().counter(), expected);
            assert!(
                transaction_key(&ik(), drawn.ksn()).ct_eq(drawn.key()),
                "{target:X}"
            );
        }
        assert_eq!(jumped.next_counter(), None);
        assert_eq!(jumped.draw().unwrap_err(), DukptError::Exhausted);
    }
}

#[test]
fn registers_never_go_back_and_forget() {
    let mut registers = Registers::load(key(IK), id(IKID));
    registers.advance_to(1000);
    registers.advance_to(5);
    assert_eq!(registers.next_counter(), Some(1000));
    let drawn = registers.draw().unwrap();
    let kept = registers.to_checkpoint();
    assert!(
        !kept
            .expose()
            .windows(16)
            .any(|window| window == drawn.key().expose())
    );
    registers.advance_to(u32::MAX);
    assert_eq!(registers.draw().unwrap_err(), DukptError::Exhausted);
    assert!(
        registers.to_checkpoint().expose()[14..]
            .iter()
            .all(|byte| *byte == 0)
    );
}

#[test]
fn checkpoint_round_trip_and_damage() {
    let mut registers = Registers::load(key(IK), id(IKID));
    registers.advance_to(300);
    let saved = registers.to_checkpoint();
    let mut restored = Registers::from_checkpoint(saved.expose()).unwrap();
    for _ in 0..20 {
        let (a, b) = (registers.draw().unwrap(), restored.draw().unwrap());
        assert!(a.ksn() == b.ksn() && a.key().ct_eq(b.key()));
    }
    let mut exhausted = Registers::load(key(IK), id(IKID));
    exhausted.advance_to(u32::MAX);
    let exhausted = Registers::from_checkpoint(exhausted.to_checkpoint().expose()).unwrap();
    assert_eq!(exhausted.next_counter(), None);

    let changed = |at: usize, value: u8| {
        let mut bytes = saved.expose().to_vec();
        bytes[at] = value;
        bytes
    };
    let many_bits: Vec<u8> = [&saved.expose()[..10], &[0xFF; 4], &saved.expose()[14..]].concat();
    for bad in [
        changed(0, 2),
        changed(1, 32),
        changed(1, 17),
        many_bits,
        saved.expose()[1..].to_vec(),
        Vec::new(),
    ] {
        assert_eq!(
            Registers::from_checkpoint(&bad).unwrap_err(),
            DukptError::BadCheckpoint
        );
    }
}
