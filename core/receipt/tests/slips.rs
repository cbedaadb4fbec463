//! The rules of slips: what they show, what they never show, and how copies and reprints differ.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

#[allow(dead_code, unreachable_pub, reason = "each test file takes what it needs")]
mod samples;

use samples::{card, cny, code_sale, day, original, sale};
use softpos_receipt::{
    CardData, Columns, Copy, Cryptogram, Cvm, Kind, Line, NoSlip, Original, Receipt, ReceiptData, Scheme,
    Settled, Source, State, Total, Unresolved, UnresolvedState,
};
use softpos_types::{Batch, Currency, Language, Method, Money, Operation, Stan};
use unicode_width::UnicodeWidthStr;

fn text(data: &ReceiptData, language: Language, copy: Copy) -> String {
    Receipt::of_payment(data, language, copy, 0)
        .unwrap()
        .to_text(Columns::Narrow)
}

fn zh(data: &ReceiptData) -> String {
    text(data, Language::Zh, Copy::Merchant)
}

#[test]
fn a_card_sale_in_chinese() {
    let expected = "         银联POS签购单
商户名称: 测试商户
商户编号: 898110000000001
终端编号: 12345678  操作员: 01
卡号: 622202*********0000 C
交易类型: 消费 SALE
批次号: 000001  凭证号: 000123
授权码: 654321
参考号: 112233445566
日期: 2025/11/22 12:34:56
金额: RMB 12.34
AID: A000000333010101
应用: PBOC DEBIT
ARQC: 0123456789ABCDEF
TVR: 0000000000  ATC: 0349
CSN: 01  UNPR NO: DEADBEEF
AIP: 7C00  TermCap: E060C8
IAD: 070103
交易金额未超过 1000.00 元，
免密免签
     商户存根 MERCHANT COPY
";
    assert_eq!(zh(&sale()), expected);
}

#[test]
fn the_same_input_gives_the_same_bytes_and_another_width_the_same_fields() {
    let receipt = Receipt::of_payment(&sale(), Language::En, Copy::Cardholder, 0).unwrap();
    assert_eq!(
        receipt,
        Receipt::of_payment(&sale(), Language::En, Copy::Cardholder, 0).unwrap()
    );
    let squeeze = |columns| {
        let text = receipt.to_text(columns);
        text.split_whitespace().collect::<String>().replace('-', "")
    };
    assert_eq!(squeeze(Columns::Narrow), squeeze(Columns::Wide));
}

#[test]
fn numbers_on_paper_are_those_of_the_payment() {
    let mut data = sale();
    data.amount = cny(9_876_543_210);
    data.batch = Batch::new(999_999).unwrap();
    data.stan = Stan::new(42).unwrap();
    for language in Language::ALL {
        let slip = text(&data, language, Copy::Cardholder);
        for number in [
            "RMB 98765432.10",
            "999999",
            "000042",
            "112233445566",
            "654321",
            "2025/11/22 12:34:56",
        ] {
            assert!(slip.contains(number), "{number} in {slip}");
        }
    }
    data.amount = Money::new(500, Currency::from_alpha("JPY").unwrap());
    assert!(zh(&data).contains("金额: JPY 500\n"));
}

#[test]
fn copies_differ_in_name_and_signature_lines_only() {
    for cvm in [
        Cvm::None,
        Cvm::Pin,
        Cvm::OnDevice,
        Cvm::NoPinNoSignature { limit: cny(100_000) },
    ] {
        let mut data = sale();
        data.source = Source::Card(card(cvm));
        let merchant = zh(&data);
        let cardholder = text(&data, Language::Zh, Copy::Cardholder);
        assert!(merchant.contains("商户存根 MERCHANT COPY") && !merchant.contains("CARDHOLDER"));
        assert!(cardholder.contains("持卡人存根 CARDHOLDER COPY") && !cardholder.contains("MERCHANT COPY"));
        let body = |slip: &str| {
            slip.lines()
                .filter(|line| !line.contains("COPY"))
                .collect::<String>()
        };
        assert_eq!(body(&merchant), body(&cardholder), "{cvm:?}");
        assert!(!merchant.contains("签名"), "{cvm:?}");
    }
}

#[test]
fn a_signature_is_asked_on_the_merchant_copy() {
    let mut data = sale();
    data.source = Source::Card(card(Cvm::Signature));
    let lines = |copy| {
        Receipt::of_payment(&data, Language::Zh, copy, 0)
            .unwrap()
            .lines()
            .to_vec()
    };
    let (merchant, cardholder) = (lines(Copy::Merchant), lines(Copy::Cardholder));
    let is_common = |line: &&Line| match line {
        Line::SignatureSpace | Line::Rule | Line::CopyName(_) | Line::Code(_) => false,
        Line::Text(text) => !text.contains("本人确认以上交易，同意将其记入本卡账户"),
        Line::Fields(fields) => fields.iter().all(|field| field.label != "持卡人签名"),
        Line::Title(_) | Line::Mark(_) | Line::Amount(_) => true,
    };
    let common: Vec<_> = merchant.iter().filter(is_common).collect();
    assert_eq!(common, cardholder.iter().filter(is_common).collect::<Vec<_>>());
    assert_eq!(merchant.len(), common.len() + 5);
    assert_eq!(cardholder.len(), common.len() + 1);
    let slip = zh(&data).replace(['\n', ' '], "");
    assert!(slip.contains("IACKNOWLEDGESATISFACTORYRECEIPTOFRELATIVEGOODS/SERVICES"));
}

#[test]
fn a_reprint_is_the_first_print_plus_mark_and_count() {
    for language in Language::ALL {
        let print = |reprint| {
            let receipt = Receipt::of_payment(&sale(), language, Copy::Merchant, reprint).unwrap();
            receipt.to_text(Columns::Narrow)
        };
        let (first, third) = (print(0), print(3));
        let marks: Vec<_> = third
            .lines()
            .filter(|line| line.contains("DUPLICATED 3"))
            .collect();
        assert_eq!(marks.len(), 1);
        assert_eq!(third.replace(&format!("{}\n", marks[0]), ""), first);
        assert!(!first.contains("DUPLICATED") && !first.contains("重打印"));
    }
}

#[test]
fn an_unknown_result_prints_no_slip() {
    let mut data = sale();
    data.state = State::Unknown;
    for copy in [Copy::Merchant, Copy::Cardholder] {
        assert_eq!(Receipt::of_payment(&data, Language::Zh, copy, 1), Err(NoSlip));
    }
}

#[test]
fn a_decline_says_why_and_asks_for_no_signature() {
    let mut data = sale();
    data.source = Source::Card(card(Cvm::Signature));
    data.auth_code = None;
    data.state = State::Declined {
        code: "51".to_owned(),
    };
    let slip = zh(&data);
    assert!(slip.contains("DECLINED") && slip.contains("可用余额不足"));
    assert!(!slip.contains("签名") && !slip.contains("授权码"));
    let english = text(&data, Language::En, Copy::Cardholder).replace('\n', " ");
    assert!(english.contains("DECLINED Reason: insufficient funds"));
    data.state = State::Declined {
        code: "Z1".to_owned(),
    };
    assert!(zh(&data).contains("脱机交易拒绝 / DECLINED OFFLINE"));
    data.state = State::Declined {
        code: "41".to_owned(),
    };
    assert!(!zh(&data).contains("挂失") && !zh(&data).contains("原因") && zh(&data).contains("交易失败"));
    data.state = State::Declined {
        code: "7Z".to_owned(),
    };
    assert!(zh(&data).contains("7Z"));
}

#[test]
fn stored_and_reversed_payments_say_so() {
    let mut data = sale();
    let squeezed = |data: &ReceiptData, language| {
        let slip = text(data, language, Copy::Cardholder);
        slip.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    data.state = State::StoredOffline;
    assert!(
        squeezed(&data, Language::Zh).contains("已离线受理，尚未批准 / STORED OFFLINE, NOT YET APPROVED")
    );
    assert!(squeezed(&data, Language::En).contains("STORED OFFLINE, NOT YET APPROVED"));
    assert!(squeezed(&data, Language::Zh).contains("免密免签"));
    data.state = State::Reversed;
    assert!(squeezed(&data, Language::Zh).contains("交易已冲正，款项未收取 / REVERSED, NO MONEY TAKEN"));
    assert!(!squeezed(&data, Language::Zh).contains("免密免签"));
    data.state = State::Approved;
    assert!(
        !squeezed(&data, Language::En).contains("REVERSED")
            && !squeezed(&data, Language::En).contains("STORED")
    );
}

#[test]
fn a_refund_names_its_original() {
    let mut data = sale();
    data.kind = Kind::Refund(Some(original()));
    let slip = zh(&data);
    assert!(
        slip.contains("退货 REFUND")
            && slip.contains("原凭证号: 000077")
            && slip.contains("原参考号: 998877665544")
    );
    data.kind = Kind::Void(Some(Original {
        stan: Stan::new(78).unwrap(),
        rrn: None,
    }));
    assert!(zh(&data).contains("撤销 VOID") && zh(&data).contains("原凭证号: 000078"));
    assert!(!zh(&data).contains("原参考号"));
    // The sale is no longer in the journal, and its card with it.
    data.kind = Kind::Refund(None);
    data.source = Source::Card(CardData {
        pan: None,
        scheme: Scheme::Other,
        emv: None,
        ..card(Cvm::None)
    });
    let slip = zh(&data);
    assert!(slip.contains("银行卡退货签购单") && !slip.contains("原凭证号") && !slip.contains("卡号"));
}

#[test]
fn the_title_says_whose_slip_it_is_and_what_was_done() {
    let of_scheme = |scheme| {
        let emv = None;
        Source::Card(CardData {
            scheme,
            emv,
            ..card(Cvm::None)
        })
    };
    for (source, zh_titles, en_titles) in [
        (
            of_scheme(Scheme::UnionPay),
            ["银联POS签购单", "银联POS退货签购单", "银联POS撤销签购单"],
            [
                "UNIONPAY POS SALES SLIP",
                "UNIONPAY POS REFUND SLIP",
                "UNIONPAY POS VOID SLIP",
            ],
        ),
        (
            of_scheme(Scheme::Other),
            ["银行卡签购单", "银行卡退货签购单", "银行卡撤销签购单"],
            ["CARD SALES SLIP", "CARD REFUND SLIP", "CARD VOID SLIP"],
        ),
        (
            code_sale().source,
            ["扫码支付凭证", "扫码退款凭证", "扫码撤销凭证"],
            ["CODE PAYMENT SLIP", "CODE REFUND SLIP", "CODE VOID SLIP"],
        ),
        (
            Source::Cash,
            ["现金收款凭证", "现金退款凭证", "现金撤销凭证"],
            ["CASH SLIP", "CASH REFUND SLIP", "CASH VOID SLIP"],
        ),
    ] {
        let kinds = [
            Kind::Sale,
            Kind::Refund(Some(original())),
            Kind::Void(Some(original())),
        ];
        for (at, kind) in kinds.into_iter().enumerate() {
            let data = ReceiptData {
                kind,
                source: source.clone(),
                ..sale()
            };
            for (language, titles) in [(Language::Zh, zh_titles), (Language::En, en_titles)] {
                let slip = text(&data, language, Copy::Merchant);
                assert_eq!(slip.lines().next().unwrap().trim(), titles[at]);
            }
        }
    }
    for (aid, scheme) in [
        (&b"\xA0\0\0\x03\x33\x01\x01\x01"[..], Scheme::UnionPay),
        (b"\xA0\0\0\0\x03\x10\x10", Scheme::Other),
        (b"\xA0\0\0\x03", Scheme::Other),
        (b"", Scheme::Other),
    ] {
        assert_eq!(Scheme::of_aid(aid), scheme, "{aid:02X?}");
    }
}

#[test]
fn what_was_never_sent_or_paid_moved_no_money() {
    let mut data = code_sale();
    for (state, zh_mark, en_mark) in [
        (
            State::NotSent,
            "未发送，款项未变动 / NOT SENT, NO MONEY MOVED",
            "NOT SENT, NO MONEY MOVED",
        ),
        (
            State::Expired,
            "已过期，款项未变动 / EXPIRED, NO MONEY MOVED",
            "EXPIRED, NO MONEY MOVED",
        ),
    ] {
        data.state = state;
        for (language, mark) in [(Language::Zh, zh_mark), (Language::En, en_mark)] {
            let receipt = Receipt::of_payment(&data, language, Copy::Cardholder, 0).unwrap();
            let marks: Vec<_> = receipt
                .lines()
                .iter()
                .filter(|line| matches!(line, Line::Mark(_)))
                .collect();
            assert_eq!(marks, [&Line::Mark(mark.to_owned())]);
            assert!(!receipt.to_text(Columns::Narrow).contains("DECLINED"));
        }
    }
}

#[test]
fn a_code_sale_shows_channel_and_numbers_in_place_of_the_card() {
    let data = code_sale();
    let slip = zh(&data);
    for part in ["扫码支付凭证", "支付渠道: 微信", "付款方: o***8", "订单号: 桌 5"] {
        assert!(slip.contains(part), "{part} in {slip}");
    }
    // A number that does not fit behind its caption has a row of its own.
    assert!(slip.contains("\n渠道交易号:\n4200001234202511220000000001\n"));
    let joined = slip.replace('\n', "");
    assert!(joined.contains(&data.key.to_string()));
    assert!(!slip.contains("卡号") && !slip.contains("AID"));
}

#[test]
fn a_cash_slip_and_a_foreign_card_have_their_own_titles() {
    let mut data = sale();
    data.source = Source::Cash;
    data.auth_code = None;
    data.rrn = None;
    assert!(zh(&data).starts_with("          现金收款凭证\n"));
    assert!(zh(&data).replace('\n', "").contains(&data.key.to_string()));
    let mut visa = card(Cvm::None);
    visa.scheme = Scheme::Other;
    data.source = Source::Card(visa);
    assert!(zh(&data).contains("银行卡签购单") && !zh(&data).contains("银联"));
}

#[test]
fn an_offline_approval_shows_the_tc() {
    let mut data = sale();
    let mut offline = card(Cvm::None);
    offline.emv.as_mut().unwrap().cryptogram = Cryptogram::Tc([0xAA; 8]);
    data.source = Source::Card(offline);
    assert!(zh(&data).contains("TC: AAAAAAAAAAAAAAAA") && !zh(&data).contains("ARQC"));
}

#[test]
fn no_line_is_wider_than_the_roll_and_hostile_texts_stay_in_their_field() {
    let mut data = sale();
    data.merchant_name = "很长的商户名称".repeat(6);
    data.note = Some("two\nlines\u{1b}@\u{202e} and 特别长的备注".repeat(4));
    data.source = Source::Card(CardData {
        issuer: Some("发卡行\r\n交易类型: 退货".to_owned()),
        ..card(Cvm::Signature)
    });
    for columns in [Columns::Narrow, Columns::Wide] {
        for language in Language::ALL {
            let receipt = Receipt::of_payment(&data, language, Copy::Merchant, 1).unwrap();
            let slip = receipt.to_text(columns);
            assert!(slip.lines().all(|line| line.width() <= columns.count()), "{slip}");
            assert!(!slip.contains(|c: char| c.is_control() && c != '\n'));
            assert!(!slip.contains('\u{202e}') && !slip.lines().any(|line| line == "交易类型: 退货"));
        }
    }
}

#[test]
fn the_settlement_slip_lists_totals_result_and_what_is_open() {
    let mut data = day();
    data.totals = vec![
        Total {
            operation: Operation::Sale,
            method: Method::Card,
            count: 3,
            sum: cny(123_456),
        },
        Total {
            operation: Operation::Refund,
            method: Method::Code,
            count: 1,
            sum: cny(500),
        },
    ];
    data.settled = Settled::Differs;
    data.unresolved = vec![Unresolved {
        stan: Stan::new(12).unwrap(),
        amount: cny(990),
        state: UnresolvedState::Reversing,
    }];
    let expected = "             结算单
*** 重打印凭证 DUPLICATED 1 ***
商户名称: 测试商户
商户编号: 898110000000001
终端编号: 12345678
批次号: 000007
日期: 2025/11/22 12:34:56
--------------------------------
银行卡 消费 SALE: 3笔
金额: RMB 1234.56
扫码 退货 REFUND: 1笔
金额: RMB 5.00
--------------------------------
     对账不平 TOTALS DIFFER
未完成交易 UNRESOLVED
凭证号: 000012 RMB 9.90 冲正中
";
    let slip = Receipt::of_day_close(&data, Language::Zh, 1).to_text(Columns::Narrow);
    assert_eq!(slip, expected);
    data.settled = Settled::Balanced;
    data.unresolved.clear();
    let slip = Receipt::of_day_close(&data, Language::En, 0).to_text(Columns::Narrow);
    assert!(slip.contains("TOTALS AGREE") && !slip.contains("UNRESOLVED") && !slip.contains("DUPLICATED"));
    data.settled = Settled::Pending;
    let slip = Receipt::of_day_close(&data, Language::En, 0).to_text(Columns::Narrow);
    assert!(slip.contains("DAY CLOSE SLIP") && slip.contains("NOT SETTLED") && !slip.contains("SETTLEMENT"));
}
