//! Opening a till's folder after years: every record is read, checked and folded.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use softpos_bench::{Line, Quantiles, nanoseconds, resident_kib};
use softpos_crypto::entropy::Entropy;
use softpos_journal::{CardFacts, Entry, Image, Ledger, Moved, Payment, Reply, Settled, Started, State};
use softpos_store::{IndexRow, Store, StoreConfig};
use softpos_types::{Batch, Currency, Language, Method, Money, Operation, PaymentKey, Stan};
use tempfile::TempDir;

use crate::enqueue::{open_store, seed};
use crate::now;

/// Two records each, as a card sale has; a batch's end is two more.
const PAYMENTS: u32 = 50_000;
/// A day's payments, after which the numbers begin anew.
const BATCH_PAYMENTS: u32 = 500;
const ROUNDS: usize = 7;
const TIME_LIMIT_NS: f64 = 300e6;
const MEMORY_LIMIT_MB: f64 = 50.0;
const UTC_MS: u64 = 1_750_000_000_000;
/// Says that this process only opens the folder that follows.
const CHILD: &str = "--open-folder";

pub(crate) fn run(folder: &Path) {
    let store = folder.join("store");
    // Filled in memory where there is such a folder: 100,000 syncs are no part of this figure.
    let memory = TempDir::new_in("/dev/shm").ok();
    match &memory {
        Some(memory) => {
            fill(&memory.path().join("store"));
            copy_folder(&memory.path().join("store"), &store);
        }
        None => fill(&store),
    }
    let openings: Vec<Opening> = (0..ROUNDS).map(|_| Opening::in_child(&store)).collect();
    let times = Quantiles::of(openings.iter().map(|opening| opening.took)).expect("some openings");
    let records = PAYMENTS * 2 + PAYMENTS / BATCH_PAYMENTS * 2;
    let what = format!("{records} records opened and folded, warm cache, p50");
    let took_ns = times.p50().as_secs_f64() * 1e9;
    println!("{}", Line::at_most(what, took_ns, TIME_LIMIT_NS));
    let slowest = nanoseconds(times.p99().as_secs_f64() * 1e9);
    println!("{}", Line::figure(format!("slowest of {ROUNDS}"), slowest));
    let journal_kib = folder_bytes(&store.join("journal")) / 1_024;
    println!(
        "{}",
        Line::figure("journal on the disk", format!("{journal_kib} KiB"))
    );
    let mb = |kib: u64| f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) * 1_024.0 / 1e6;
    for (what, resident) in [
        (
            "resident once open",
            openings.iter().map(|opening| opening.resident_kib).max(),
        ),
        (
            "resident at most while opening",
            openings.iter().map(|opening| opening.peak_kib).max(),
        ),
    ] {
        if let Some(kib @ 1..) = resident {
            println!("{}", Line::number_at_most(what, mb(kib), MEMORY_LIMIT_MB, "MB"));
        }
    }
}

/// Whether this process was started to open a folder; it has done so then.
pub(crate) fn is_child(arguments: &[String]) -> bool {
    let [word, folder] = arguments else { return false };
    if word != CHILD {
        return false;
    }
    let started = now();
    let (store, ledger) = open(Path::new(folder));
    let took_ns = started.elapsed().as_nanos();
    assert_eq!(
        u32::try_from(ledger.settled.len()).unwrap_or_default(),
        PAYMENTS / BATCH_PAYMENTS
    );
    let (resident, peak) = resident_kib().unwrap_or_default();
    println!("{took_ns} {resident} {peak}");
    drop(store);
    true
}

/// What one process of its own measured, so that its memory is the opening's alone.
struct Opening {
    took: Duration,
    resident_kib: u64,
    peak_kib: u64,
}

impl Opening {
    fn in_child(store: &Path) -> Self {
        let program = std::env::current_exe().expect("this program");
        let output = Command::new(program)
            .arg(CHILD)
            .arg(store)
            .output()
            .expect("a process");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).expect("text");
        let numbers: Result<Vec<u64>, _> = text.split_whitespace().map(str::parse).collect();
        match numbers.as_deref() {
            Ok([took_ns, resident_kib, peak_kib]) => Self {
                took: Duration::from_nanos(*took_ns),
                resident_kib: *resident_kib,
                peak_kib: *peak_kib,
            },
            _ => unreachable!("not an opening's figures: {text}"),
        }
    }
}

/// As the till opens its folder, but for the secure hardware.
fn open(dir: &Path) -> (Store, Ledger) {
    let mut ledger = Ledger::default();
    let mut entropy = Entropy::from_seed(seed(3));
    let config = StoreConfig::new(dir.to_owned());
    let opened = Store::open(&config, &seed(1), &mut entropy, &mut |record| {
        let entry = Entry::from_bytes(record.kind, record.payload).ok().flatten();
        ledger.apply(record.sequence, entry.expect("a known record"));
        Ok(())
    });
    let opened = opened.expect("a store that opens");
    assert!(opened.report.findings.is_empty(), "{:?}", opened.report);
    let mut store = opened.store;
    let rows: Vec<IndexRow> = ledger.payments().map(row).collect();
    let last = store.last();
    let refilled = store
        .index()
        .catch_up(rows.into_iter(), ledger.left_at, &last, Vec::new);
    assert!(refilled.is_none(), "the index was not kept: {refilled:?}");
    assert!(store.index().is_current());
    (store, ledger)
}

/// A journal of approved card sales, every batch settled, with its index.
fn fill(dir: &Path) {
    let mut store = open_store(dir);
    let mut entropy = Entropy::from_seed(seed(4));
    let mut ledger = Ledger::default();
    for number in 0..PAYMENTS {
        let (started, moved) = sale(number, &mut entropy);
        let key = started.key;
        for entry in [Entry::from(started), Entry::from(moved)] {
            let position = store
                .append(entry.kind(), &entry.to_bytes(), None)
                .expect("an append");
            ledger.apply(position.sequence, entry);
            let payment = ledger.payment(key).expect("the payment just written");
            store.index().apply(&row(payment), &position);
        }
        if (number + 1) % BATCH_PAYMENTS == 0 {
            // The day close, and the checkpoint that a till writes behind it.
            let mut entry = settled(number / BATCH_PAYMENTS + 1);
            for _ in 0..2 {
                let position = store
                    .append(entry.kind(), &entry.to_bytes(), None)
                    .expect("an append");
                ledger.apply(position.sequence, entry);
                entry = ledger.checkpoint().into();
            }
        }
    }
    store
        .sync_background()
        .expect("an index and a watermark on the disk");
}

/// The records of one sale, with texts as long as a till's.
fn sale(number: u32, entropy: &mut Entropy) -> (Started, Moved) {
    let utc_ms = UTC_MS + u64::from(number) * 60_000;
    let key = PaymentKey::new(utc_ms, &entropy.array());
    let image = |path: &str, body_bytes: usize| Image {
        path: path.into(),
        body: vec![b'x'; body_bytes],
        jws: "x".repeat(420),
    };
    let started = Started {
        key,
        operation: Operation::Sale,
        method: Method::Card,
        amount: Money::new(i64::from(number % 100_000) + 1, Currency::CNY),
        stan: Stan::new(number % BATCH_PAYMENTS + 1).expect("a number of a batch"),
        batch: batch(number / BATCH_PAYMENTS + 1),
        state: State::Armed,
        utc_ms,
        utc_offset_min: 480,
        language: Language::Zh,
        order: None,
        category: None,
        original_key: None,
        card: Some(CardFacts {
            masked_pan: "476173******0013".into(),
            aid: vec![0xA0, 0, 0, 0, 3, 0x10, 0x10],
            label: "VISA CREDIT".into(),
            cryptogram: entropy.array::<8>().to_vec(),
            tvr: vec![0; 5],
            atc: vec![0, 1],
            psn: Some(1),
            unpredictable_number: entropy.array::<4>().to_vec(),
            aip: vec![0; 2],
            iad: vec![0; 7],
            terminal_capabilities: vec![0; 3],
            scheme: "visa".into(),
            ..CardFacts::default()
        }),
        request: Some(image("/v1/transactions", 1_050)),
        reversal: Some(image("/v1/reversals", 300)),
        data_counter: Some(number + 1),
        pin_counter: None,
        wallet: None,
    };
    let moved = Moved {
        reply: Some(Reply {
            de39: "00".into(),
            auth_code: None,
            rrn: None,
            host_utc_ms: utc_ms,
            channel: None,
            channel_transaction: None,
        }),
        ..Moved::new(key, State::Approved, utc_ms)
    };
    (started, moved)
}

fn settled(number: u32) -> Entry {
    Entry::from(Settled {
        batch: batch(number),
        balanced: true,
        next_batch: batch(number).next(),
        host_utc_ms: UTC_MS,
        totals: Vec::new(),
        disputed: false,
    })
}

fn batch(number: u32) -> Batch {
    Batch::new(number).expect("a batch number")
}

/// The index's row of a payment, as the till writes it.
fn row(payment: &Payment) -> IndexRow {
    IndexRow {
        key: payment.key,
        sequence: payment.sequence,
        batch: payment.batch.value(),
        stan: payment.stan.value(),
        state: payment.state.number(),
        amount_minor: payment.amount.amount_minor(),
        utc_ms: payment.utc_ms,
        queued_at: payment.queued.then_some(payment.sequence),
        order: None,
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a new folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a kind").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

fn folder_bytes(dir: &Path) -> u64 {
    fs::read_dir(dir)
        .expect("a folder")
        .map(|entry| {
            entry
                .and_then(|entry| entry.metadata())
                .map_or(0, |file| file.len())
        })
        .sum()
}
