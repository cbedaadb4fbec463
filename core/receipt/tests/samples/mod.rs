//! Slips of every kind, with invented data.

use softpos_receipt::{
    CardData, CodeData, Copy, Cryptogram, Cvm, DayClose, EmvBlock, Entry, Kind, MaskedPan, Original, Receipt,
    ReceiptData, Scheme, Settled, Source, State, Total, Unresolved, UnresolvedState,
};
use softpos_types::{
    AuthCode, Batch, Currency, Language, LocalTime, MerchantId, Method, Money, Operation, OrderId,
    PaymentKey, Rrn, Stan, TerminalId,
};

pub fn cny(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}

pub fn card(cvm: Cvm) -> CardData {
    CardData {
        pan: Some(MaskedPan::new("622202*********0000").unwrap()),
        scheme: Scheme::UnionPay,
        entry: Entry::Contactless,
        issuer: None,
        acquirer: None,
        cvm,
        emv: Some(EmvBlock {
            aid: vec![0xA0, 0x00, 0x00, 0x03, 0x33, 0x01, 0x01, 0x01],
            label: "PBOC DEBIT".to_owned(),
            cryptogram: Cryptogram::Arqc([0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF]),
            tvr: [0; 5],
            tsi: None,
            atc: [0x03, 0x49],
            csn: Some(1),
            unpredictable: [0xDE, 0xAD, 0xBE, 0xEF],
            aip: [0x7C, 0x00],
            terminal_capabilities: [0xE0, 0x60, 0xC8],
            iad: vec![0x07, 0x01, 0x03],
        }),
    }
}

pub fn sale() -> ReceiptData {
    let limit = cny(100_000);
    ReceiptData {
        merchant_name: "测试商户".to_owned(),
        merchant: MerchantId::new("898110000000001").unwrap(),
        terminal: TerminalId::new("12345678").unwrap(),
        operator: Some("01".to_owned()),
        kind: Kind::Sale,
        source: Source::Card(card(Cvm::NoPinNoSignature { limit })),
        state: State::Approved,
        amount: cny(1_234),
        batch: Batch::new(1).unwrap(),
        stan: Stan::new(123).unwrap(),
        auth_code: Some(AuthCode::new("654321").unwrap()),
        rrn: Some(Rrn::new("112233445566").unwrap()),
        local_time: LocalTime::from_utc(1_763_786_096_000, 480),
        key: PaymentKey::new(1_763_786_096_000, &[7; 10]),
        order: None,
        note: None,
    }
}

/// Without what only a host can say.
pub fn unanswered() -> ReceiptData {
    ReceiptData {
        auth_code: None,
        rrn: None,
        ..sale()
    }
}

pub fn code_sale() -> ReceiptData {
    ReceiptData {
        source: Source::Code(CodeData {
            channel: "wechat".to_owned(),
            transaction: Some("4200001234202511220000000001".to_owned()),
            payer: Some("o***8".to_owned()),
        }),
        order: Some(OrderId::new("桌 5").unwrap()),
        ..unanswered()
    }
}

pub fn original() -> Original {
    Original {
        stan: Stan::new(77).unwrap(),
        rrn: Some(Rrn::new("998877665544").unwrap()),
    }
}

pub fn day() -> DayClose {
    let total = |operation, method, count, minor| Total {
        operation,
        method,
        count,
        sum: cny(minor),
    };
    DayClose {
        merchant_name: "测试商户".to_owned(),
        merchant: MerchantId::new("898110000000001").unwrap(),
        terminal: TerminalId::new("12345678").unwrap(),
        batch: Batch::new(7).unwrap(),
        local_time: LocalTime::from_utc(1_763_786_096_000, 480),
        totals: vec![
            total(Operation::Sale, Method::Card, 3, 123_456),
            total(Operation::Sale, Method::Code, 12, 34_050),
            total(Operation::Refund, Method::Code, 1, 500),
            total(Operation::Sale, Method::Cash, 2, 1_800),
        ],
        settled: Settled::Balanced,
        unresolved: Vec::new(),
    }
}

/// No card is read: the slip names the card of the sale.
fn refund() -> ReceiptData {
    ReceiptData {
        kind: Kind::Refund(Some(original())),
        source: Source::Card(CardData {
            emv: None,
            ..card(Cvm::None)
        }),
        ..sale()
    }
}

fn expired() -> ReceiptData {
    ReceiptData {
        state: State::Expired,
        source: Source::Code(CodeData {
            channel: "wechat".to_owned(),
            transaction: None,
            payer: None,
        }),
        ..code_sale()
    }
}

fn declined() -> ReceiptData {
    let mut data = unanswered();
    data.rrn = sale().rrn;
    data.state = State::Declined {
        code: "51".to_owned(),
    };
    data
}

fn pending() -> DayClose {
    DayClose {
        settled: Settled::Pending,
        unresolved: vec![Unresolved {
            stan: Stan::new(12).unwrap(),
            amount: cny(990),
            state: UnresolvedState::Reversing,
        }],
        ..day()
    }
}

/// Every payment slip by name, with the copy it is shown as and the count of its reprints.
pub fn payments() -> Vec<(&'static str, ReceiptData, Copy, u32)> {
    let (merchant, customer) = (Copy::Merchant, Copy::Cardholder);
    let with = |change: fn(&mut ReceiptData)| {
        let mut data = sale();
        change(&mut data);
        data
    };
    vec![
        ("card-sale", sale(), customer, 0),
        ("card-reprint", sale(), customer, 2),
        (
            "card-signature",
            with(|data| data.source = Source::Card(card(Cvm::Signature))),
            merchant,
            0,
        ),
        ("refund", refund(), customer, 0),
        (
            "void",
            with(|data| data.kind = Kind::Void(Some(original()))),
            customer,
            0,
        ),
        ("code-sale", code_sale(), customer, 0),
        (
            "cash",
            ReceiptData {
                source: Source::Cash,
                note: Some("饮料".to_owned()),
                ..unanswered()
            },
            customer,
            0,
        ),
        (
            "stored",
            ReceiptData {
                state: State::StoredOffline,
                ..unanswered()
            },
            customer,
            0,
        ),
        (
            "code-refund",
            ReceiptData {
                kind: Kind::Refund(Some(original())),
                ..code_sale()
            },
            customer,
            0,
        ),
        ("declined", declined(), customer, 0),
        ("reversed", with(|data| data.state = State::Reversed), customer, 0),
        ("expired", expired(), customer, 0),
    ]
}

/// Every slip by name.
pub fn all(language: Language) -> Vec<(&'static str, Receipt)> {
    let mut slips: Vec<_> = payments()
        .into_iter()
        .map(|(name, data, copy, reprint)| {
            let slip = Receipt::of_payment(&data, language, copy, reprint).unwrap();
            (name, slip)
        })
        .collect();
    slips.push(("day-close", Receipt::of_day_close(&pending(), language, 0)));
    slips.push(("settlement", Receipt::of_day_close(&day(), language, 0)));
    slips
}
