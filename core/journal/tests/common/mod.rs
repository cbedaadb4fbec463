//! Records for the tests of entries and fold.

#![allow(clippy::unwrap_used, dead_code)]

use softpos_journal::{
    Activation, Archived, Attested, CardFacts, CardVerification, Checkpoint, CodeFacts, Entry, Image,
    KeysLoaded, Ledger, MethodTotals, Moved, ParametersTaken, Reply, Reprinted, Restored, Settled, Settling,
    Started, State, Totals, TrustedKey,
};
use softpos_types::{
    AuthCode, Batch, Currency, Language, MerchantId, Method, Money, Operation, OrderId, PaymentKey,
    ReversalReason, Rrn, Stan, TerminalId,
};

/// The time of the first key.
pub(crate) const UTC_MS: u64 = 0x018F_8C2B_0000;

/// A key of its own for every number.
pub(crate) fn key(number: u8) -> PaymentKey {
    PaymentKey::new(UTC_MS + u64::from(number), &[number; 10])
}

pub(crate) fn image() -> Image {
    Image {
        path: String::new(),
        body: b"{}".to_vec(),
        jws: String::new(),
    }
}

/// A card sale of 12.34, ready to be sent.
pub(crate) fn started(key: PaymentKey) -> Started {
    Started {
        key,
        operation: Operation::Sale,
        method: Method::Card,
        amount: Money::new(1_234, Currency::CNY),
        stan: Stan::new(7).unwrap(),
        batch: Batch::FIRST,
        state: State::Armed,
        utc_ms: UTC_MS + 1,
        utc_offset_min: 480,
        language: Language::Zh,
        order: None,
        category: None,
        original_key: None,
        card: None,
        request: Some(image()),
        reversal: Some(image()),
        data_counter: None,
        pin_counter: None,
        wallet: None,
    }
}

/// A bare step.
pub(crate) fn moved(key: PaymentKey, to: State) -> Moved {
    Moved::new(key, to, 1)
}

/// A record of every kind; payments and steps once bare and once with every member.
pub(crate) fn every_entry() -> Vec<Entry> {
    let mut all = of_payments();
    all.extend(of_the_terminal());
    all.extend([
        full_checkpoint().into(),
        archived().into(),
        Restored {
            payment: full_checkpoint().payments.remove(0),
            utc_ms: 7,
        }
        .into(),
    ]);
    all
}

fn of_payments() -> Vec<Entry> {
    vec![
        started(key(1)).into(),
        full_started().into(),
        moved(key(1), State::Unknown).into(),
        full_moved().into(),
        Reprinted {
            key: key(1),
            utc_ms: 9,
        }
        .into(),
        Settling {
            batch: Batch::FIRST,
            request: image(),
            utc_ms: 9,
            journal_sequence: 12,
        }
        .into(),
        Settled {
            batch: Batch::FIRST,
            balanced: true,
            next_batch: Batch::FIRST.next(),
            host_utc_ms: 9,
            totals: vec![totals()],
            disputed: true,
        }
        .into(),
    ]
}

fn of_the_terminal() -> Vec<Entry> {
    let (terminal, merchant) = (
        TerminalId::new("12345678").unwrap(),
        MerchantId::new("898290058120001").unwrap(),
    );
    let trusted = || {
        vec![TrustedKey {
            kid: "k".into(),
            key: vec![1, 2],
        }]
    };
    vec![
        Activation {
            activation_id: "a-1".into(),
            host_url: "https://host:1".into(),
            pins: vec!["pin".into(), "next".into()],
            terminal,
            merchant,
            configuration_keys: trusted(),
            load_keys: trusted(),
            answer_keys: Vec::new(),
            attest_challenge: vec![7; 32],
            utc_ms: 9,
        }
        .into(),
        ParametersTaken {
            bytes: b"{}".to_vec(),
            kid: "c".into(),
            sig: vec![3; 64],
            version: u64::MAX,
        }
        .into(),
        Attested {
            level: "software".into(),
            issued_utc_ms: 1,
            expires_utc_ms: 2,
            offline_hours: 3,
            next_challenge: vec![4],
        }
        .into(),
        KeysLoaded {
            key_set: "ks-1".into(),
            ikid: vec![5; 8],
            utc_ms: 6,
        }
        .into(),
    ]
}

const fn totals() -> MethodTotals {
    MethodTotals {
        method: Method::Code,
        totals: Totals {
            sale_count: 1,
            sale_minor: i64::MAX,
            refund_count: 2,
            refund_minor: 3,
        },
    }
}

fn archived() -> Archived {
    Archived {
        sequence: 8,
        hash: [1; 32],
        peaks: vec![2; 32],
        payments: 3,
        totals: vec![totals()],
        utc_ms: 4,
    }
}

/// A checkpoint behind a payment with every member, a refund in a closed batch and a slip printed late.
pub(crate) fn full_checkpoint() -> Checkpoint {
    let mut ledger = Ledger::default();
    let refund = Started {
        original_key: Some(key(2)),
        ..started(key(3))
    };
    let settled = Settled {
        batch: Batch::FIRST,
        balanced: false,
        next_batch: Batch::FIRST.next(),
        host_utc_ms: 1,
        totals: Vec::new(),
        disputed: false,
    };
    let reprinted = Reprinted {
        key: key(3),
        utc_ms: 1,
    };
    let open = Moved {
        to: State::Reversing,
        ..full_moved()
    };
    let entries: [Entry; 7] = [
        full_started().into(),
        open.into(),
        refund.into(),
        moved(key(3), State::Approved).into(),
        settled.into(),
        reprinted.into(),
        archived().into(),
    ];
    for (sequence, entry) in (1..).zip(entries) {
        ledger.apply(sequence, entry);
    }
    ledger.checkpoint()
}

fn full_started() -> Started {
    Started {
        operation: Operation::Refund,
        method: Method::Code,
        state: State::Stored,
        utc_offset_min: -720,
        language: Language::En,
        order: Some(OrderId::new("桌 5").unwrap()),
        category: Some("food".into()),
        original_key: Some(key(2)),
        card: Some(CardFacts {
            masked_pan: "476173******0013".into(),
            aid: vec![0xA0],
            label: "VISA".into(),
            cvm: CardVerification::OnlinePin,
            cryptogram: vec![1; 8],
            tvr: vec![2; 5],
            atc: vec![0, 1],
            psn: Some(1),
            unpredictable_number: vec![3; 4],
            aip: vec![0, 0],
            iad: vec![6],
            terminal_capabilities: vec![0, 0x48, 0xC8],
            scheme: "visa".into(),
            approved_offline: Some(true),
        }),
        data_counter: Some(1),
        pin_counter: Some(u32::MAX),
        wallet: Some("wechat".into()),
        ..started(key(1))
    }
}

fn full_moved() -> Moved {
    Moved {
        reply: Some(Reply {
            de39: "00".into(),
            auth_code: Some(AuthCode::new("123456").unwrap()),
            rrn: Some(Rrn::new("123456789012").unwrap()),
            host_utc_ms: 5,
            channel: Some("alipay".into()),
            channel_transaction: Some("9".into()),
        }),
        reason: Some(ReversalReason::BadSignature),
        request: Some(image()),
        reversal: Some(image()),
        forwarded: Some(true),
        code: Some(CodeFacts {
            payload: "0002".into(),
            expires_utc_ms: 4,
        }),
        data_counter: Some(3),
        ..moved(key(1), State::Approved)
    }
}
