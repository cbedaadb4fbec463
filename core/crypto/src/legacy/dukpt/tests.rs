use alloc::format;

use super::*;
use crate::legacy::TdesKey;
use crate::tdes::{Padding, retail_mac};

fn key(text: &str) -> SecretArray<16> {
    SecretArray::build(|key| hex::decode_to_slice(text, key).unwrap())
}

fn ksn(text: &str) -> Ksn {
    Ksn::from_bytes(hex::decode(text).unwrap().try_into().unwrap())
}

const BDK: &str = "0123456789ABCDEFFEDCBA9876543210";
const KSN: &str = "FFFF9876543210E00000";

/// ANSI X9.24-1:2009 A.4: transaction keys of the counters 1 to 8 and 15h.
const TRANSACTION_KEYS: [(u32, &str); 9] = [
    (1, "042666B49184CFA368DE9628D0397BC9"),
    (2, "C46551CEF9FD24B0AA9AD834130D3BC7"),
    (3, "0DF3D9422ACA56E547676D07AD6BADFA"),
    (4, "279C0F6AEED0BE652B2C733E1383AE91"),
    (5, "5F8DC6D2C845C125508DDC048093B83F"),
    (6, "5E415CB0BAF9F03CD0C14B63FB62FF43"),
    (7, "0C8F780B7C8B49D0AE84A9EB2A6CE660"),
    (8, "27F66D5244FF62E1AA6F6120EDEB4280"),
    (0x15, "E161D1956A61F6D2F37AFD7F9CC3699A"),
];

#[test]
fn host_side_known_answers() {
    // The counter in the KSN does not matter for the initial key: a peer's does, and is wrong.
    for any in [KSN, "FFFF9876543210E00015", "FFFF9876543210FFFFFF"] {
        assert!(initial_key(&key(BDK), ksn(any)).ct_eq(&key("6AC292FAA1315B4D858AB3A3D7D5933A")));
    }
    let initial = initial_key(&key(BDK), ksn(KSN));
    for (counter, expected) in TRANSACTION_KEYS {
        let derived = transaction_key(&initial, ksn(KSN).with_counter(counter));
        assert!(derived.ct_eq(&key(expected)), "{counter:X}");
    }
}

/// ANSI X9.24-1:2009 A.4, counter 1: each working key, and a MAC under one.
#[test]
fn working_keys() {
    let transaction = key("042666B49184CFA368DE9628D0397BC9");
    for (usage, expected) in [
        (Usage::Pin, "042666B49184CF5C68DE9628D0397B36"),
        (Usage::MacRequest, "042666B4918430A368DE9628D03984C9"),
        (Usage::MacResponse, "042666B46E84CFA368DE96282F397BC9"),
        (Usage::DataRequest, "448D3F076D8304036A55A3D7E0055A78"),
        (Usage::DataResponse, "AD7BFC8B06AD3A08A560B4105CF8D9E5"),
    ] {
        assert!(
            working_key(&transaction, usage).ct_eq(&key(expected)),
            "{usage:?}"
        );
    }
    let mac_key = working_key(&transaction, Usage::MacRequest);
    let mac = retail_mac(&mac_key, b"4012345678909D987", Padding::Zeros);
    assert_eq!(hex::encode_upper(mac), "9CCC78173FC4FB64");
    let data_key = working_key(&transaction, Usage::DataRequest);
    let mut data = *b"4012345678909D987\0\0\0\0\0\0\0";
    let cipher = TdesKey::from_bytes(data_key.expose()).unwrap();
    cipher.encrypt_cbc([0; 8], &mut data).unwrap();
    assert_eq!(
        hex::encode_upper(data),
        "FC0D53B7EA1FDA9EE68AAF2E70D9B9506229BE2AA993F04F"
    );
}

#[test]
fn terminal_draws_what_the_host_derives_and_forgets_it() {
    let initial = initial_key(&key(BDK), ksn(KSN));
    let mut registers = Registers::load(initial_key(&key(BDK), ksn(KSN)), ksn(KSN));
    let mut before = 0;
    for _ in 0..3000 {
        let (drawn_ksn, drawn) = registers.draw().unwrap();
        assert!(drawn_ksn.counter() > before && drawn_ksn.counter().count_ones() <= MAX_BITS_SET);
        before = drawn_ksn.counter();
        assert!(drawn.ct_eq(&transaction_key(&initial, drawn_ksn)), "{before:X}");
        let kept = registers.keys.0.iter().any(|register| register == drawn.expose());
        assert!(!kept, "{before:X}");
    }
    // 2,047 has eleven bits set and was left out.
    assert_eq!(before, 3001);
    assert_eq!(format!("{registers:?}").matches("A1315B").count(), 0);
}

#[test]
fn the_last_counter_is_the_last() {
    let mut registers = Registers::load(initial_key(&key(BDK), ksn(KSN)), ksn(KSN));
    let last = 0x1F_F800;
    registers.next = ksn(KSN).with_counter(last);
    assert_eq!(registers.draw().unwrap().0.counter(), last);
    assert_eq!(registers.draw().unwrap_err(), CounterError);
    assert_eq!(registers.draw().unwrap_err(), CounterError);
}
