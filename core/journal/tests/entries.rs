//! What records look like in bytes: every kind round-trips, the format stands still, other programs' records
//! do no harm.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use common::{every_entry, key, moved, started};
use softpos_journal::{Entry, EntryError, State};
use softpos_types::{Method, Operation};

#[test]
fn every_kind_round_trips_under_its_own_number() {
    let entries = every_entry();
    let kinds: Vec<u8> = entries.iter().map(Entry::kind).collect();
    assert_eq!(kinds, [1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    for entry in entries {
        let read = Entry::from_bytes(entry.kind(), &entry.to_bytes());
        assert_eq!(read, Ok(Some(entry)));
    }
}

#[test]
fn a_kind_of_a_later_program_is_skipped_and_not_an_error() {
    for kind in [0, 13, 77, 255] {
        assert_eq!(Entry::from_bytes(kind, &[0xA0]), Ok(None));
        assert_eq!(Entry::from_bytes(kind, b"anything"), Ok(None));
    }
}

/// A later program adds members: an older one reads what it knows.
#[test]
fn unknown_members_are_skipped() {
    for entry in every_entry() {
        let mut bytes = entry.to_bytes();
        let head = bytes.first_mut().unwrap();
        // The tests' maps are short enough for the length to stand in the head byte; long ones follow it.
        match *head {
            0xA0..=0xB6 => *head += 1,
            0xB7 => {
                bytes.splice(0..1, [0xB8, 24]);
            }
            other => panic!("not a short map: {other:02X}"),
        }
        // Member 200: an array of a text and a map.
        bytes.extend([0x18, 200, 0x82, 0x62, b'h', b'i', 0xA1, 0x01, 0x02]);
        assert_eq!(Entry::from_bytes(entry.kind(), &bytes), Ok(Some(entry)));
    }
}

#[test]
fn what_is_not_the_kind_s_map_is_an_error() {
    for entry in every_entry() {
        let bytes = entry.to_bytes();
        for cut in 0..bytes.len() {
            let part = bytes.get(..cut).unwrap();
            assert_eq!(Entry::from_bytes(entry.kind(), part), Err(EntryError), "{cut}");
        }
    }
    let member = |number: u8, value: &[u8]| {
        // The last of two members of the same number counts, so the wrong value stands behind.
        let mut bytes = Entry::from(started(key(1))).to_bytes();
        *bytes.first_mut().unwrap() += 1;
        bytes.push(number);
        bytes.extend(value);
        Entry::from_bytes(1, &bytes)
    };
    let version_4 = [&[0x50][..], &[0x40; 16]].concat();
    for (what, number, value) in [
        ("a key that is no UUIDv7", 0, version_4.as_slice()),
        ("an operation of the future", 1, &[0x02]),
        ("a method of the future", 2, &[0x03]),
        ("an amount without currency", 3, &[0x81, 0x01]),
        ("an unknown currency", 3, &[0x82, 0x01, 0x01]),
        ("trace number zero", 4, &[0x00]),
        ("batch above 999999", 5, &[0x1A, 0x00, 0x0F, 0x42, 0x40]),
        ("a state that is none", 6, &[0x00]),
        ("a state of the future", 6, &[0x0B]),
        ("an unspoken language", 9, &[0x62, b'x', b'x']),
        ("an order with a blank in front", 10, &[0x62, b' ', b'1']),
    ] {
        assert_eq!(member(number, value), Err(EntryError), "{what}");
    }
}

/// Records on disks out there: these bytes never change.
#[test]
fn golden_bytes_of_a_started_payment() {
    let entry = Entry::from(started(key(1)));
    assert_eq!(
        hex::encode(entry.to_bytes()),
        concat!(
            "ac", // a map of 12 members
            "00",
            "50",
            "018f8c2b000171018101010101010101", // 0 key
            "01",
            "00", // 1 operation: sale
            "02",
            "00", // 2 method: card
            "03",
            "82",
            "1904d2",
            "189c", // 3 amount: 1234 minor units of 156
            "04",
            "07", // 4 STAN
            "05",
            "01", // 5 batch
            "06",
            "01", // 6 state: armed
            "07",
            "1b0000018f8c2b0001", // 7 when
            "08",
            "1901e0", // 8 480 minutes east
            "09",
            "627a68", // 9 language: zh
            "0e",
            "a3",
            "00",
            "60",
            "01",
            "42",
            "7b7d",
            "02",
            "60", // 14 request
            "0f",
            "a3",
            "00",
            "60",
            "01",
            "42",
            "7b7d",
            "02",
            "60", // 15 reversal
        )
    );
}

#[test]
fn golden_bytes_of_a_step() {
    let entry = Entry::from(moved(key(1), State::Reversing));
    assert_eq!(
        hex::encode(entry.to_bytes()),
        concat!(
            "a3",
            "00",
            "50",
            "018f8c2b000171018101010101010101",
            "01",
            "05",
            "02",
            "01"
        )
    );
}

#[test]
fn numbers_of_states_and_methods_stand_still() {
    let numbers: Vec<(u8, &str)> = State::ALL.iter().map(|s| (s.number(), s.name())).collect();
    assert_eq!(
        numbers,
        [
            (1, "armed"),
            (2, "awaiting_payer"),
            (3, "unknown"),
            (4, "stored"),
            (5, "reversing"),
            (6, "approved"),
            (7, "declined"),
            (8, "failed"),
            (9, "reversed"),
            (10, "expired"),
        ]
    );
    for state in State::ALL {
        let mut bytes = Vec::new();
        minicbor::encode(state, &mut bytes).unwrap();
        assert_eq!(bytes, [state.number()]);
    }
    for (operation, method, expected) in [
        (Operation::Sale, Method::Code, [0x01, 0x00, 0x02, 0x01]),
        (Operation::Refund, Method::Cash, [0x01, 0x01, 0x02, 0x02]),
    ] {
        let mut payment = started(key(1));
        (payment.operation, payment.method) = (operation, method);
        let bytes = Entry::from(payment).to_bytes();
        assert_eq!(bytes.get(19..23).unwrap(), expected);
    }
}
