//! A backup and a restore that are really killed, at every write and sync, and then gone on with.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use softpos_journal::{Moved, Started, State};
use softpos_store::{unwatch, watch};
use softpos_types::{Currency, Language, Method, Money, Operation, PaymentKey};

use super::*;
use crate::SoftwareHardware;
use crate::ledger_check::{check_backup, check_folder};

const PLACE: &str = "SOFTPOS_KILLED_PLACE";
const FOLDER: &str = "SOFTPOS_KILLED_FOLDER";
const WORK: &str = "SOFTPOS_KILLED_WORK";
/// Restored with more than one sync.
const PAYMENTS: u32 = 70;
/// Sales are big enough for the backup to have several chunks.
const NOTE_BYTES: usize = 6_000;

fn words() -> SecretBytes {
    SecretBytes::copy_of(b"a dozen letters")
}

fn hardware(folder: &Path, name: &str) -> SoftwareHardware {
    SoftwareHardware::open(&folder.join(name), &mut os_entropy().unwrap()).unwrap()
}

/// A till's folder with sales in it, some of which have no end.
fn fill(folder: &Path) {
    let (dir, mut entropy) = (folder.join("till"), os_entropy().unwrap());
    let root = open_storage_root(&dir, &hardware(folder, "device"), &mut entropy).unwrap();
    let config = StoreConfig::new(dir);
    let opened = Store::open(&config, &root, &mut entropy, &mut |_| Ok(()));
    let mut store = opened.unwrap().store;
    let mut ledger = Ledger::default();
    for number in 1..=PAYMENTS {
        let started = sale(number, &ledger);
        let mut entries = vec![Entry::from(started.clone())];
        if !number.is_multiple_of(9) {
            entries.push(Moved::new(started.key, State::Approved, started.utc_ms).into());
        }
        let records: Vec<_> = entries
            .iter()
            .map(|entry| (entry.kind(), entry.to_bytes()))
            .collect();
        store.append_all(&records).unwrap();
        for entry in entries {
            ledger.apply(u64::from(number), entry);
        }
    }
    store.sync_background().unwrap();
}

fn sale(number: u32, ledger: &Ledger) -> Started {
    let utc_ms = 1_700_000_000_000 + u64::from(number);
    Started {
        key: PaymentKey::new(utc_ms, &[7; 10]),
        operation: Operation::Sale,
        method: Method::Cash,
        amount: Money::new(i64::from(number), Currency::CNY),
        stan: ledger.next_stan,
        batch: ledger.batch,
        state: State::Armed,
        utc_ms,
        utc_offset_min: 480,
        language: Language::Zh,
        order: None,
        category: Some("x".repeat(NOTE_BYTES)),
        wallet: None,
        original_key: None,
        card: None,
        request: None,
        reversal: None,
        data_counter: None,
        pin_counter: None,
    }
}

/// The process to be killed; does nothing as a test of its own.
#[test]
fn works_until_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let place: usize = std::env::var(PLACE).unwrap().parse().unwrap();
    let mut acts = 0;
    watch(move |_| {
        acts += 1;
        if acts > place {
            println!("\nat {place}");
            std::io::stdout().flush().unwrap();
            // Whoever kills holds the other end.
            std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        }
        Ok(())
    });
    let file = folder.join("books.backup");
    if std::env::var(WORK).unwrap() == "back up" {
        let hardware = hardware(folder, "device");
        back_up(&folder.join("till"), &hardware, &file, &words(), &mut |_, _| true).unwrap();
    } else {
        let hardware = hardware(folder, "new device");
        restore(
            &folder.join("new"),
            Arc::new(hardware),
            &file,
            &words(),
            &mut |_, _| true,
        )
        .unwrap();
    }
    unwatch();
    println!("\ndone");
}

/// Kills the work at its act with this number; `false` if it has come to its end before.
fn kill_at(place: usize, work: &str, folder: &Path) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "backup::killed::works_until_killed", "--nocapture"])
        .env(FOLDER, folder)
        .env(PLACE, place.to_string())
        .env(WORK, work)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let at = wait_for_line(&mut child);
    child.kill().unwrap();
    let status = child.wait().unwrap();
    match at.as_deref() {
        Some("done") => false,
        Some(_) => {
            assert_eq!(status.code(), None, "it ended before it could be killed");
            true
        }
        None => panic!("{work}, act {place}: the process failed"),
    }
}

fn wait_for_line(child: &mut Child) -> Option<String> {
    let output = BufReader::new(child.stdout.take().unwrap());
    let mut lines = output.lines().map_while(Result::ok);
    lines.find(|line| line == "done" || line.starts_with("at "))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_backup_killed_at_any_write_is_gone_on_with_and_leaves_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let (till, device) = (folder.path().join("till"), hardware(folder.path(), "device"));
    let file = folder.path().join("books.backup");
    let records = check_folder(&till, &device, Language::En).unwrap().records;
    let mut place = 0;
    while kill_at(place, "back up", folder.path()) {
        let is_whole = check_backup(&file, &words(), Language::En).is_ok();
        // A name that is a backup's is a backup: it gets it last.
        assert_eq!(file.exists(), is_whole, "act {place}");
        // What it reads back before it ends is the whole journal.
        let made = back_up(&till, &device, &file, &words(), &mut |_, _| true).unwrap();
        assert_eq!(made.records, records, "act {place}");
        assert_eq!(
            names(folder.path()),
            ["books.backup", "device", "till"],
            "act {place}"
        );
        fs::remove_file(&file).unwrap();
        place += 1;
    }
    assert!(place > 8, "only {place} acts");
}

#[test]
fn a_restore_killed_over_and_over_ends_with_every_payment_once() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path());
    let file = folder.path().join("books.backup");
    let device = hardware(folder.path(), "device");
    let till = folder.path().join("till");
    back_up(&till, &device, &file, &words(), &mut |_, _| true).unwrap();
    // While it is unpacked, the folder begun, the first payments written and synced, the others.
    let mut kills = 0;
    for place in [0, 1, 2, 4, 6, 9, 12, 40, 70, 75] {
        kills += u32::from(kill_at(place, "restore", folder.path()));
    }
    assert!(kills > 7, "only {kills} kills");
    let (new, device) = (
        folder.path().join("new"),
        Arc::new(hardware(folder.path(), "new device")),
    );
    let restored = restore(&new, device.clone(), &file, &words(), &mut |_, _| true).unwrap();
    assert_eq!(
        (restored.payments, restored.without_end),
        (PAYMENTS, PAYMENTS / 9)
    );
    let check = check_folder(&new, &*device, Language::En).unwrap();
    assert!(check.is_sound() && check.payments == PAYMENTS, "{check:?}");
    // One record a payment: none was taken over twice.
    assert_eq!(check.records, u64::from(PAYMENTS));
    assert_eq!(
        names(folder.path()),
        ["books.backup", "device", "new", "new device", "till"]
    );
}
