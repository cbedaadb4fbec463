//! Books that grow for days: what left the memory is still there, can be checked by anyone, and can be carried over.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use softpos_scenarios::{Shop, cny, sale};
use softpos_terminal::{
    Columns, Copy, HistoryQuery, LedgerCheck, Paper, PaymentRequest, SecureHardware, SoftwareHardware, State,
    back_up, check_backup, check_folder, os_entropy, read_history, restore,
};
use softpos_types::{Batch, Code, Language, Method, OrderId, SecretBytes};

const PAPER: Paper = Paper {
    language: None,
    columns: Columns::Narrow,
    reprint: false,
};

fn words() -> SecretBytes {
    SecretBytes::copy_of(b"a dozen letters")
}

/// Two closed days and an open one; the first sale of the first day had an order number.
fn three_days() -> Shop {
    let mut shop = Shop::open();
    let request = PaymentRequest {
        order: Some(OrderId::new("table 5").unwrap()),
        ..sale(1_100, Method::Cash)
    };
    shop.sell(request).unwrap();
    shop.tap(1_200, "visa-approved");
    shop.come_to_rest();
    shop.settle();
    shop.cash(2_100);
    shop.tap(2_200, "visa-declined");
    shop.come_to_rest();
    shop.settle();
    shop.cash(3_100);
    shop.come_to_rest();
    shop
}

fn history(shop: &Shop) -> Vec<softpos_terminal::PaymentSummary> {
    shop.till().history(&HistoryQuery::default()).unwrap()
}

fn check(shop: &Shop) -> LedgerCheck {
    check_folder(shop.place.dir(), &**shop.place.hardware(), Language::En).unwrap()
}

#[test]
fn closed_days_are_read_back_from_the_journal() {
    let mut shop = three_days();
    let all = history(&shop);
    let amounts = |of: &[softpos_terminal::PaymentSummary]| -> Vec<i64> {
        of.iter().map(|payment| payment.amount.amount_minor()).collect()
    };
    assert_eq!(amounts(&all), [3_100, 2_200, 2_100, 1_200, 1_100]);
    shop.reopen_till();
    assert_eq!(history(&shop), all);
    let some = |limit, state| HistoryQuery {
        limit,
        state,
        text: None,
    };
    let picked = shop.till().history(&some(2, Some(State::Approved))).unwrap();
    assert_eq!(amounts(&picked), [3_100, 2_100]);
    // Whoever only looks needs neither the lock nor the till's end.
    let beside = read_history(shop.place.dir(), &**shop.place.hardware()).unwrap();
    assert_eq!(amounts(&beside), amounts(&all));
    let card = all[3].clone();
    assert_eq!(shop.payment(card.key).state, State::Approved);
    let slip = shop.till().receipt(card.key, Copy::Cardholder, PAPER).unwrap();
    assert!(slip.contains("12.00"), "{slip}");
    let again = Paper {
        reprint: true,
        ..PAPER
    };
    shop.till().receipt(card.key, Copy::Cardholder, again).unwrap();
    shop.reopen_till();
    assert_eq!(shop.payment(card.key).reprints, 1);
    let found = shop.till().history(&HistoryQuery::default()).unwrap();
    assert_eq!(
        found
            .iter()
            .find(|payment| payment.key == card.key)
            .unwrap()
            .reprints,
        1
    );
}

#[test]
fn a_sale_of_a_closed_day_is_given_back_once_and_its_order_stays_taken() {
    let mut shop = three_days();
    shop.reopen_till();
    let first = history(&shop).pop().unwrap();
    let again = PaymentRequest {
        order: first.order.clone(),
        ..sale(500, Method::Cash)
    };
    assert_eq!(
        shop.till().start(again.clone()).unwrap_err().code(),
        Code::OrderInUse
    );
    assert_eq!(
        shop.till().refuse_approval(first.key).unwrap_err().code(),
        Code::NotRefundable
    );
    assert_eq!(shop.refund(first.key, 1_000).state, State::Approved);
    shop.come_to_rest();
    shop.settle();
    shop.reopen_till();
    // The refund has left the memory as well, and is not forgotten.
    let over = shop.try_refund(first.key, 101).unwrap_err();
    assert_eq!(over.code(), Code::RefundOverSale);
    assert_eq!(shop.payment(first.key).refunded, cny(1_000));
    assert_eq!(shop.refund(first.key, 100).state, State::Approved);
    // The index is gone: the journal itself is asked.
    shop.close_till();
    fs::remove_dir_all(shop.place.dir().join("index")).unwrap();
    shop.resume_till();
    assert_eq!(shop.till().start(again).unwrap_err().code(), Code::OrderInUse);
    assert_eq!(
        shop.try_refund(first.key, 1).unwrap_err().code(),
        Code::RefundOverSale
    );
    shop.come_to_rest();
    shop.assert_reconciled();
}

#[test]
fn the_check_counts_and_finds_what_the_device_signed() {
    let shop = three_days();
    let sound = check(&shop);
    assert!(sound.is_sound(), "{:?}", sound.faults);
    assert_eq!((sound.payments, sound.batches, sound.signed_heads), (5, 2, 2));
    assert_eq!(shop.till().check_ledger().unwrap(), sound);
    assert_eq!(sound.first_wrong, None);
}

/// The segments of a folder, in their order.
fn segments(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(dir.join("journal")).unwrap();
    let mut segments: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    segments.sort();
    segments
}

#[test]
fn the_check_names_the_first_wrong_record_and_the_till_tells_of_it() {
    let mut shop = three_days();
    shop.close_till();
    let first = segments(shop.place.dir()).remove(0);
    let mut bytes = fs::read(&first).unwrap();
    // The body of the first record, in a day that opening does not look at.
    bytes[64 + 80] ^= 1;
    fs::write(&first, &bytes).unwrap();
    let wrong = check(&shop);
    assert!(!wrong.is_sound());
    assert_eq!(wrong.first_wrong, Some(1), "{:?}", wrong.faults);
    shop.resume_till();
    let told = (0..200).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        !shop.till().status().unwrap().found.is_empty()
    });
    assert!(told, "damage in closed days is told in the background");
    assert_eq!(shop.cash(100).state, State::Approved);
}

#[test]
fn a_removed_day_is_missed_by_the_check_and_disputed_by_the_host() {
    let mut shop = three_days();
    shop.close_till();
    fs::remove_file(segments(shop.place.dir()).remove(0)).unwrap();
    let wrong = check(&shop);
    assert_eq!(wrong.first_wrong, Some(1), "{:?}", wrong.faults);
    shop.resume_till();
    shop.forget_steps();
    assert!(shop.settle().balanced);
    shop.come_to_rest();
    let told = shop.told_trouble(Code::JournalDisputed);
    assert!(told, "the host does not find the journal to go on");
}

#[test]
fn a_backup_comes_back_as_history_and_nothing_else() {
    let mut shop = three_days();
    let all = history(&shop);
    shop.network(false);
    let stored = shop.tap(900, "visa-approved");
    assert_eq!(stored.state, State::Stored);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("till.backup");
    let mut heard = 0;
    let made = back_up(
        shop.place.dir(),
        &**shop.place.hardware(),
        &file,
        &words(),
        &mut |done, total| {
            assert!(done <= total);
            heard += 1;
            true
        },
    );
    assert!(made.unwrap().records > 10 && heard > 0);
    let sound = check_backup(&file, &words(), Language::En).unwrap();
    assert!(sound.is_sound(), "{:?}", sound.faults);
    assert_eq!((sound.payments, sound.signed_heads), (6, 3));

    // Another phone, its own hardware, an empty folder.
    let mut other = Shop::unopened(softpos_scenarios::HostPlace::start());
    other.close_till();
    let new_dir = folder.path().join("new/till");
    let device = folder.path().join("new/device");
    let hardware: Arc<dyn SecureHardware> =
        Arc::new(SoftwareHardware::open(&device, &mut os_entropy().unwrap()).unwrap());
    let stopped = restore(&new_dir, Arc::clone(&hardware), &file, &words(), &mut |_, _| {
        false
    });
    assert_eq!(stopped.unwrap_err().code(), Code::Stopped);
    let brought = restore(&new_dir, Arc::clone(&hardware), &file, &words(), &mut |_, _| true).unwrap();
    assert_eq!((brought.payments, brought.without_end), (6, 1));
    let there = read_history(&new_dir, &*hardware).unwrap();
    assert_eq!(there.len(), 6);
    for payment in &all {
        let restored = there.iter().find(|it| it.key == payment.key).unwrap();
        assert_eq!(
            (restored.state, restored.amount, restored.stan),
            (payment.state, payment.amount, payment.stan)
        );
        assert!(!restored.queued);
    }
    refused_restores(&mut shop, &new_dir, &hardware, &file);
    belongs_to_nobody(new_dir, hardware, &other, &all[0]);
}

/// Another passphrase, a folder in use, a folder that a till has used.
fn refused_restores(
    shop: &mut Shop,
    new_dir: &std::path::Path,
    hardware: &Arc<dyn SecureHardware>,
    file: &std::path::Path,
) {
    let wrong = SecretBytes::copy_of(b"another dozen letters");
    let refused = restore(new_dir, Arc::clone(hardware), file, &wrong, &mut |_, _| true);
    assert_eq!(refused.unwrap_err().code(), Code::BackupUnreadable);
    // Not into a folder that a till has used.
    let used = restore(
        shop.place.dir(),
        shop.place.hardware().clone(),
        file,
        &words(),
        &mut |_, _| true,
    );
    assert_eq!(used.unwrap_err().code(), Code::StoreInUse);
    shop.close_till();
    let used = restore(
        shop.place.dir(),
        shop.place.hardware().clone(),
        file,
        &words(),
        &mut |_, _| true,
    );
    assert_eq!(used.unwrap_err().code(), Code::FolderNotEmpty);
    shop.resume_till();
    shop.network(true);
    shop.come_to_rest();
    shop.assert_reconciled();
}

/// A till on it is nobody's yet, has nothing to send and counts from the beginning.
fn belongs_to_nobody(
    new_dir: std::path::PathBuf,
    hardware: Arc<dyn SecureHardware>,
    other: &Shop,
    first: &softpos_terminal::PaymentSummary,
) {
    let config = softpos_terminal::TerminalConfig {
        dir: new_dir,
        language: softpos_types::Language::En,
        app_version: "1.0".into(),
        host_url: None,
        anchors: None,
    };
    let till = softpos_terminal::Terminal::open(config, hardware, std::sync::Arc::new(other.log.clone()));
    let till = till.unwrap();
    let status = till.status().unwrap();
    assert!(!status.activated && status.queue.count == 0 && status.open_payments == 0);
    assert_eq!(status.batch, Batch::FIRST);
    assert_eq!(till.history(&HistoryQuery::default()).unwrap().len(), 6);
    assert_eq!(till.payment(first.key).unwrap().amount, first.amount);
    assert_eq!(till.force_sync().unwrap(), 0);
}
