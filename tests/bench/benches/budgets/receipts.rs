//! A receipt in every form: time and size.

use std::hint::black_box;
use std::path::Path;

use softpos_bench::{Line, nanoseconds};
use softpos_receipt::{
    CardData, Columns, Copy, Cryptogram, Cvm, EmvBlock, Entry, Format, Kind, MaskedPan, Receipt, ReceiptData,
    Scheme, Source, State,
};
use softpos_types::{
    AuthCode, Batch, Currency, Language, LocalTime, MerchantId, Money, PaymentKey, Rrn, Stan, TerminalId,
};

use crate::computing::ns_per_call;

pub(crate) fn run(_: &Path) {
    let data = card_sale();
    let receipt = slip(&data);
    let layout = ns_per_call(|| {
        black_box(&slip(black_box(&data)));
    });
    println!("{}", Line::figure("card slip, its lines", nanoseconds(layout)));
    for (name, format) in [
        ("text", Format::Text),
        ("ESC/POS in GB18030", Format::EscPos),
        ("page", Format::Html),
        ("PNG of 384 dots", Format::Png),
        ("PDF", Format::Pdf),
    ] {
        let render = || {
            let rendered = black_box(&receipt).render(format, Columns::Narrow);
            rendered.expect("the font is built in").bytes
        };
        let ns = ns_per_call(|| {
            black_box(&render());
        });
        let size = render().len();
        println!(
            "{}",
            Line::figure(format!("card slip as {name}, {size} bytes"), nanoseconds(ns))
        );
    }
}

fn slip(data: &ReceiptData) -> Receipt {
    Receipt::of_payment(data, Language::Zh, Copy::Merchant, 0).expect("a result that is known")
}

fn card_sale() -> ReceiptData {
    let sum = |minor| Money::new(minor, Currency::CNY);
    let emv = EmvBlock {
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
    };
    let card = CardData {
        pan: MaskedPan::new("622202*********0000").ok(),
        scheme: Scheme::UnionPay,
        entry: Entry::Contactless,
        issuer: None,
        acquirer: None,
        cvm: Cvm::NoPinNoSignature { limit: sum(100_000) },
        emv: Some(emv),
    };
    ReceiptData {
        merchant_name: "测试商户".to_owned(),
        merchant: MerchantId::new("898110000000001").expect("a merchant number"),
        terminal: TerminalId::new("12345678").expect("a terminal number"),
        operator: Some("01".to_owned()),
        kind: Kind::Sale,
        source: Source::Card(card),
        state: State::Approved,
        amount: sum(1_234),
        batch: Batch::new(1).expect("a batch"),
        stan: Stan::new(123).expect("a voucher number"),
        auth_code: AuthCode::new("654321").ok(),
        rrn: Rrn::new("112233445566").ok(),
        local_time: LocalTime::from_utc(1_763_786_096_000, 480),
        key: PaymentKey::new(1_763_786_096_000, &[7; 10]),
        order: None,
        note: None,
    }
}
