//! What needs no disk and no network.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use softpos_bench::{Line, Quantiles, nanoseconds};
use softpos_crypto::dukpt::{Ksn, Registers, next_counter, transaction_key};
use softpos_crypto::seal::{Epoch, Purpose, purpose_key};
use softpos_crypto::{AesKey, AesLength};
use softpos_journal::{RecordHash, RecordOpener, seal_record};
use softpos_types::SecretArray;
use softpos_wire::tlv::{TlvWriter, walk};
use softpos_wire::{Tag, tag};

use crate::now;

/// `EMVCo` MPM specification v1.1, Annex B.
pub(crate) const SPECIFICATION: &str = "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN\
    5914BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME\
    91320016A0112233449988770708123456786304A13A";

const RECORD_BYTES: usize = 180;
/// About what the record of a card sale takes.
const RECORD_PAYLOAD_BYTES: usize = 2_500;
/// The counter of 16 bits, behind which a key is furthest from the initial key.
pub(crate) const WORST_COUNTER: u32 = 0xFFFF_0000;
pub(crate) const IKID: [u8; 8] = [0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56];

const BATCHES: usize = 21;
const BATCH: Duration = Duration::from_millis(20);

pub(crate) fn run(_: &Path) {
    let record = record();
    let mut seen = 0_usize;
    let tlv_ns = ns_per_call(|| {
        walk(black_box(&record), &mut |depth, tlv| {
            seen = seen.wrapping_add(depth).wrapping_add(tlv.value.len());
        })
        .expect("a sound record");
    });
    black_box(seen);
    println!(
        "{}",
        Line::at_most("TLV walk of a record of 180 bytes", tlv_ns, 100.0)
    );
    #[cfg(feature = "peers")]
    println!(
        "{}",
        Line::number_at_most(
            "the same, of the crate emv's",
            tlv_ns / crate::cards::peer::tlv_ns(&record),
            1.0,
            "x"
        )
    );

    for (name, length) in [("AES-128", AesLength::Aes128), ("AES-256", AesLength::Aes256)] {
        dukpt(name, length);
    }
    records();
}

/// What of a durable record is computing: sealing, chaining and checking it.
fn records() {
    let root = SecretArray::build(|root| root.fill(1));
    let key = Arc::new(purpose_key(&root, [2; 16], Purpose::Journal));
    let epoch = Epoch::new(&key, [3; 16]);
    let payload = vec![0x5A; RECORD_PAYLOAD_BYTES];
    let seal = || seal_record(&epoch, 1, 1, RecordHash::NONE, black_box(&payload)).expect("a short record");
    let figure = |what: &str, ns: f64| {
        let what = format!("{what} a record of {RECORD_PAYLOAD_BYTES} bytes");
        println!("{}", Line::figure(what, nanoseconds(ns)));
    };
    figure("sealing", ns_per_call(|| drop(black_box(seal()))));
    let sealed = seal().bytes;
    let mut opener = RecordOpener::new(Arc::clone(&key));
    let open_ns = ns_per_call(|| {
        drop(black_box(
            opener.open(black_box(&sealed)).expect("a sound record"),
        ));
    });
    figure("opening", open_ns);
}

/// The budget of DUKPT is in instructions a key, which no clock counts (`instructions`): these are to compare runs by.
fn dukpt(name: &str, length: AesLength) {
    let ik = AesKey::build(length, |key| key.fill(0x5A));
    let figure = |what: &str, ns: f64| {
        println!(
            "{}",
            Line::figure(
                format!("{name} DUKPT, {what}"),
                format!("{} {:.0}/s", nanoseconds(ns), 1e9 / ns)
            )
        );
    };
    let mut counter = 0;
    let sequential_ns = ns_per_call(|| {
        counter = next_counter(counter).expect("far from the last counter");
        let ksn = Ksn::new(IKID, counter).expect("a counter of DUKPT");
        black_box(transaction_key(black_box(&ik), ksn));
    });
    figure("host's transaction key, counters in sequence", sequential_ns);
    let worst = Ksn::new(IKID, WORST_COUNTER).expect("the last counter");
    let worst_ns = ns_per_call(|| {
        black_box(transaction_key(black_box(&ik), black_box(worst)));
    });
    figure("host's transaction key, worst counter", worst_ns);
    let mut registers = Registers::load(AesKey::build(length, |key| key.fill(0x5A)), IKID);
    let draw_ns = ns_per_call(|| {
        black_box(registers.draw().expect("far from the last counter"));
    });
    figure("terminal's next key, stack wiped", draw_ns);
}

/// A signed record as cards have them: dates, lists, a certificate's tail; exactly as long as its name says.
fn record() -> Vec<u8> {
    const HEAD_BYTES: usize = 3;
    let mut inner = TlvWriter::new();
    inner
        .put(tag::EXPIRY_DATE, &[0x35, 0x12, 0x31])
        .put(tag::PAN_SEQUENCE, &[0x01])
        .put(tag::ISSUER_COUNTRY, &[0x01, 0x56])
        .put(tag::CARDHOLDER_NAME, b"SANDBOX/CARD")
        .put(Tag::new(0x9F07), &[0xFF, 0x00])
        .put(Tag::new(0x9F4A), &[0x82])
        .put(Tag::new(0x8E), &[0; 14])
        .put(Tag::new(0x9F0D), &[0xF0, 0x40, 0x00, 0x88, 0x00])
        .put(Tag::new(0x9F0E), &[0; 5])
        .put(Tag::new(0x9F0F), &[0xF0, 0x40, 0x00, 0x98, 0x00]);
    let inner = inner.into_vec();
    // The certificate's own tag and length take three bytes too.
    let certificate = vec![0xA5; RECORD_BYTES - HEAD_BYTES - inner.len() - 3];
    let mut tail = TlvWriter::new();
    tail.put(Tag::new(0x9F46), &certificate);
    let content = [inner, tail.into_vec()].concat();
    let length = u8::try_from(content.len()).expect("a short record");
    let record = [&[0x70, 0x81, length], content.as_slice()].concat();
    assert_eq!(record.len(), RECORD_BYTES);
    record
}

/// Of the fastest of several batches, each long enough for the clock: whatever else the machine does only adds.
pub(crate) fn ns_per_call(mut call: impl FnMut()) -> f64 {
    let mut timed = |calls: u32| {
        let started = now();
        for _ in 0..calls {
            call();
        }
        started.elapsed()
    };
    let mut calls = 1_u32;
    while timed(calls) < BATCH {
        calls = calls.saturating_mul(2);
    }
    let batches = Quantiles::of((0..BATCHES).map(|_| timed(calls))).expect("some batches");
    batches.least().as_secs_f64() * 1e9 / f64::from(calls)
}
