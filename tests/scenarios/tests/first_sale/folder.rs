//! The data folder: taken, unreadable, newer, of another device, damaged.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use softpos_scenarios::{LogLines, Shop, TillPlace};
use softpos_terminal::{Ending, State, read_history};
use softpos_types::{Action, Code, MoneyState, SoftPosError};

/// Every file with its content.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn refused(place: &TillPlace, code: Code) -> SoftPosError {
    let error = place.open(&LogLines::default()).map(drop).unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    assert_eq!(error.fault().money, MoneyState::NotMoved);
    error
}

fn segment(shop: &Shop) -> PathBuf {
    let mut segments: Vec<_> = fs::read_dir(shop.place.dir().join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    segments.sort();
    segments.pop().unwrap()
}

#[test]
fn a_second_copy_on_the_same_folder_is_turned_away() {
    let mut shop = Shop::open();
    let error = refused(&shop.place, Code::StoreInUse);
    assert!(matches!(error, SoftPosError::StoreInUse(_)));
    assert_eq!(error.fault().action, Action::CloseOtherCopy);
    assert_eq!(shop.tap(100, "visa-approved").state, State::Approved);
    // The first one gone, the folder is free.
    shop.reopen_till();
    shop.assert_reconciled();
}

#[test]
fn a_folder_that_is_a_file_is_unreadable() {
    let place = TillPlace::new();
    fs::write(place.dir(), b"not a folder").unwrap();
    let error = refused(&place, Code::StoreUnreadable);
    assert_eq!(error.fault().action, Action::CheckStorage);
    assert_eq!(fs::read(place.dir()).unwrap(), b"not a folder");
}

#[test]
fn a_journal_that_is_a_file_is_unreadable() {
    let place = TillPlace::new();
    fs::create_dir(place.dir()).unwrap();
    fs::write(place.dir().join("journal"), b"").unwrap();
    let error = place.open(&LogLines::default()).map(drop).unwrap_err();
    assert!(matches!(error, SoftPosError::StoreDamaged(_)), "{error}");
}

#[test]
fn a_folder_of_a_newer_version_is_left_alone() {
    let mut shop = Shop::open();
    let paid = shop.tap(100, "visa-approved");
    shop.come_to_rest();
    shop.close_till();
    let path = segment(&shop);
    let old = fs::read(&path).unwrap();
    fs::write(&path, of_the_next_format(&old)).unwrap();
    let before = files(shop.place.dir());
    let error = refused(&shop.place, Code::StoreNewer);
    assert_eq!(error.fault().action, Action::UpdateApp);
    assert_eq!(files(shop.place.dir()), before, "nothing was touched");
    fs::write(&path, &old).unwrap();
    shop.resume_till();
    assert_eq!(shop.payment(paid.key).state, State::Approved);
    shop.assert_reconciled();
}

#[test]
fn another_devices_key_opens_nothing() {
    let mut shop = Shop::open();
    let paid = shop.tap(100, "visa-approved");
    shop.come_to_rest();
    shop.close_till();
    let before = files(shop.place.dir());
    let thief = TillPlace::new();
    let error = read_history(shop.place.dir(), &**thief.hardware()).unwrap_err();
    assert_eq!(error.code(), Code::StoreLocked);
    assert_eq!(files(shop.place.dir()), before);
    let history = read_history(shop.place.dir(), &**shop.place.hardware()).unwrap();
    assert_eq!(
        history.iter().map(|payment| payment.key).collect::<Vec<_>>(),
        [paid.key]
    );
}

#[test]
fn without_its_storage_key_the_folder_stays_closed() {
    let mut shop = Shop::open();
    shop.tap(100, "visa-approved");
    shop.come_to_rest();
    shop.close_till();
    let root = shop.place.dir().join("root");
    let key = fs::read(&root).unwrap();
    fs::remove_file(&root).unwrap();
    refused(&shop.place, Code::StoreLocked);
    let mut damaged = key.clone();
    *damaged.last_mut().unwrap() ^= 1;
    for wrong in [damaged, b"SPR1".to_vec(), Vec::new()] {
        fs::write(&root, wrong).unwrap();
        refused(&shop.place, Code::StoreLocked);
    }
    fs::write(&root, key).unwrap();
    shop.resume_till();
    shop.assert_reconciled();
}

#[test]
fn a_torn_last_record_costs_nothing_that_was_said() {
    let mut shop = Shop::open();
    let paid = shop.tap(100, "visa-approved");
    shop.come_to_rest();
    shop.close_till();
    let path = segment(&shop);
    let mut torn = fs::read(&path).unwrap();
    let half = torn[torn.len() - 60..torn.len() - 20].to_vec();
    torn.extend(half);
    fs::write(&path, torn).unwrap();
    shop.resume_till();
    assert_eq!(shop.payment(paid.key).state, State::Approved);
    assert_ne!(
        shop.till().status().unwrap().found,
        Vec::<String>::new(),
        "it is reported"
    );
    assert_eq!(shop.tap(200, "visa-approved").state, State::Approved);
    shop.assert_reconciled();
}

#[test]
fn a_lost_index_is_built_again() {
    let mut shop = Shop::open();
    shop.tap(100, "visa-approved");
    shop.network(false);
    shop.tap(200, "visa-approved");
    let before = shop.history();
    let queue = shop.till().queue().unwrap();
    shop.host.stop();
    shop.close_till();
    fs::remove_dir_all(shop.place.dir().join("index")).unwrap();
    shop.resume_till();
    assert_eq!(shop.history(), before);
    assert_eq!(shop.till().queue().unwrap(), queue);
    shop.host.resume();
    shop.assert_reconciled();
}

#[test]
fn lost_key_registers_cost_a_key_load_and_no_payment() {
    let mut shop = Shop::open();
    let paid = shop.tap(100, "visa-approved");
    shop.come_to_rest();
    shop.close_till();
    fs::remove_file(shop.place.dir().join("keys")).unwrap();
    shop.resume_till();
    shop.come_to_be_ready();
    assert_eq!(shop.payment(paid.key).state, State::Approved);
    assert_eq!(shop.tap(200, "visa-approved").state, State::Approved);
    shop.assert_reconciled();
}

#[test]
fn a_folder_without_a_till_has_no_history() {
    let place = TillPlace::new();
    let error = read_history(place.dir(), &**place.hardware()).unwrap_err();
    assert_eq!(error.code(), Code::StoreUnreadable);
    assert!(!place.dir().exists(), "looking makes no folder");
}

/// A segment whose header, sound in itself, names a format of the future: 16 bits at 4, CRC-32 at 60.
fn of_the_next_format(segment: &[u8]) -> Vec<u8> {
    let mut newer = segment.to_vec();
    newer[4..6].copy_from_slice(&2_u16.to_be_bytes());
    let sum = crc32fast::hash(&newer[..60]);
    newer[60..64].copy_from_slice(&sum.to_be_bytes());
    newer
}

/// The whole folder as it was some sales ago, watermark and all: nothing in it can tell. The host can, by its books
/// and the journal that it has anchored.
#[test]
fn a_folder_that_was_put_back_moves_no_money_and_closes_no_day() {
    let mut shop = Shop::open();
    shop.tap(100, "visa-approved");
    shop.come_to_rest();
    shop.close_till();
    let older = files(shop.place.dir());
    shop.resume_till();
    shop.tap(200, "visa-approved");
    shop.cash(300);
    shop.settle();
    shop.come_to_rest();
    shop.close_till();
    let books = shop.host.ledger();

    fs::remove_dir_all(shop.place.dir()).unwrap();
    for (path, content) in &older {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    shop.resume_till();
    let paid = shop.tap(400, "visa-approved");
    assert_eq!((paid.state, paid.de39.as_deref()), (State::Declined, Some("77")));
    assert_eq!(shop.host.ledger(), books);
    let closed = shop.try_settle().unwrap();
    let Ending::SettleFailed { fault } = closed else {
        panic!("{closed:?}")
    };
    assert_eq!(
        (fault.code, fault.money, fault.action),
        (Code::HostRefused, MoneyState::NotMoved, Action::ContactSupport)
    );
}
