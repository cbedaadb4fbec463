//! The till's books: backup and restore, the check of the ledger, the rules of the queue.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use softpos::{BackupFile, HistoryQuery, Method, PaymentState, SoftPosError, Terminal, sandbox_hardware};

use crate::shop::{Shop, hardware, open_till, open_till_in, payment};

const WORDS: &[u8] = "十个字以上的一句口令".as_bytes();

fn everything() -> HistoryQuery {
    HistoryQuery {
        limit: 0,
        state: None,
        text: None,
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, SoftPosError>) -> String {
    result.unwrap_err().fault().code.clone()
}

/// A till that took two payments, and its backup.
fn backed_up() -> (Shop, PathBuf) {
    let shop = Shop::open();
    let (_, ending) = shop.pay("4", "visa-approved");
    assert_eq!(payment(ending), PaymentState::Approved);
    shop.start("2.50", Method::Cash);
    assert_eq!(payment(shop.finish(|_| {})), PaymentState::Approved);
    shop.rest();
    let path = shop.dir.path().join("till.backup");
    let to = BackupFile::new(path.clone(), WORDS);
    let made = shop.till.back_up(&to).unwrap();
    assert!(made.records > 5 && made.utc_ms > 0);
    assert_eq!(to.percent(), 100);
    (shop, path)
}

#[test]
fn a_backup_is_read_on_another_phone_and_sells_nothing_there() {
    let (shop, path) = backed_up();
    let new = shop.dir.path().join("new");
    let keys = sandbox_hardware(new.join("keys").to_str().unwrap()).unwrap();
    let wrong = BackupFile::new(path.clone(), b"another dozen letters");
    assert_eq!(
        code(wrong.restore(new.join("till"), Arc::clone(&keys))),
        "backup_unreadable"
    );
    let from = BackupFile::new(path.clone(), WORDS);
    let brought = from.restore(new.join("till"), Arc::clone(&keys)).unwrap();
    assert_eq!((brought.payments, brought.without_end), (2, 0));
    assert_eq!(from.percent(), 100);

    let restored = open_till_in(&new.join("till"), keys).unwrap();
    let (there, here) = (
        restored.history(everything()).unwrap(),
        shop.till.history(everything()).unwrap(),
    );
    let facts = |till: &[softpos::PaymentSummary]| {
        till.iter()
            .map(|it| (it.key, it.amount, it.state))
            .collect::<Vec<_>>()
    };
    assert_eq!(facts(&there), facts(&here));
    let status = restored.status().unwrap();
    assert!(!status.activated && status.queue.count == 0);
    assert_eq!(
        code(restored.start(Shop::request("1", Method::Cash))),
        "not_activated"
    );
    assert_eq!(restored.queue_policy(), Ok(None));

    // The till that was backed up goes on; its own folder takes no backup.
    let (_, ending) = shop.pay("1", "visa-approved");
    assert_eq!(payment(ending), PaymentState::Approved);
    let again = BackupFile::new(path, WORDS);
    let own = shop.dir.path().join("till");
    assert_eq!(
        code(again.restore(own.clone(), hardware(&shop.dir))),
        "store_in_use"
    );
    shop.till.shutdown().unwrap();
    shop.step_to_the_end();
    assert_eq!(code(again.restore(own, hardware(&shop.dir))), "folder_not_empty");
}

#[test]
fn a_backup_that_was_stopped_goes_on_and_a_cut_one_is_none() {
    let (shop, path) = backed_up();
    assert_eq!(
        code(shop.till.back_up(&BackupFile::new(path.clone(), b"short"))),
        "passphrase_short"
    );
    let stopped = BackupFile::new(path.clone(), WORDS);
    stopped.stop();
    assert_eq!(code(shop.till.back_up(&stopped)), "stopped");
    shop.till.back_up(&BackupFile::new(path.clone(), WORDS)).unwrap();

    let new = shop.dir.path().join("new");
    let keys = sandbox_hardware(new.join("keys").to_str().unwrap()).unwrap();
    let whole = fs::read(&path).unwrap();
    for length in [0, 1, 100, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        let cut = BackupFile::new(path.clone(), WORDS);
        assert_eq!(
            code(cut.restore(new.join("till"), Arc::clone(&keys))),
            "backup_unreadable",
            "{length}"
        );
    }
    let nowhere = BackupFile::new(PathBuf::from("/nowhere/at/all"), WORDS);
    assert!(nowhere.restore(new.join("till"), Arc::clone(&keys)).is_err());
    assert!(shop.till.back_up(&nowhere).is_err());
    // What failed left nothing in the way.
    fs::write(&path, &whole).unwrap();
    let stopped = BackupFile::new(path.clone(), WORDS);
    stopped.stop();
    assert_eq!(
        code(stopped.restore(new.join("till"), Arc::clone(&keys))),
        "stopped"
    );
    let brought = BackupFile::new(path, WORDS).restore(new.join("till"), keys);
    assert_eq!(brought.unwrap().payments, 2);
}

#[test]
fn the_check_of_the_ledger_names_the_first_wrong_record() {
    let shop = Shop::open();
    shop.pay("4", "visa-approved");
    let sound = shop.till.check_ledger().unwrap();
    assert!(sound.faults.is_empty() && sound.first_wrong.is_none());
    assert_eq!((sound.payments, sound.root.len()), (1, 32));
    shop.till.shutdown().unwrap();
    shop.step_to_the_end();
    let segment = first_segment(&shop.dir.path().join("till"));
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let till = open_till(&shop.dir, hardware(&shop.dir)).unwrap();
    let wrong = till.check_ledger().unwrap();
    let first = wrong.first_wrong.unwrap();
    assert!(
        (1..=sound.records).contains(&first) && !wrong.faults.is_empty(),
        "{wrong:?}"
    );
}

fn first_segment(dir: &Path) -> PathBuf {
    let files = fs::read_dir(dir.join("journal")).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files.remove(0)
}

#[test]
fn the_rules_of_the_queue_are_shown() {
    let shop = Shop::open();
    let policy = shop.till.queue_policy().unwrap().unwrap();
    assert!(policy.enabled && !policy.overdue && !policy.storage_low);
    assert!(policy.count > 0 && policy.age_ms > 0);
    assert!(policy.payment.amount_minor() <= policy.sum.amount_minor());
    assert_eq!(policy.sum.currency().alpha(), "CNY");
}

#[test]
fn after_the_end_the_books_are_closed() {
    let (shop, path) = backed_up();
    shop.till.shutdown().unwrap();
    shop.step_to_the_end();
    let late: [fn(&Terminal) -> String; 2] =
        [|till| code(till.check_ledger()), |till| code(till.queue_policy())];
    for call in late {
        assert_eq!(call(&shop.till), "session_closed");
    }
    assert_eq!(
        code(shop.till.back_up(&BackupFile::new(path, WORDS))),
        "session_closed"
    );
}
