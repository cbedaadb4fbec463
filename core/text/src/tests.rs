//! Both languages hold the same keys and variables, and every typed word has its sentence.

use std::collections::{BTreeMap, BTreeSet};

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};
use softpos_types::Currency;

use super::*;
use crate::bundle::{EN, ZH};

mod voice;

const SENTENCES: &[Sentence<'static>] = &{
    let amount = Money::new(12_345, Currency::CNY);
    [
        Sentence::PresentCard,
        Sentence::RemoveCard,
        Sentence::SeePhone,
        Sentence::OneCardOnly,
        Sentence::TryAgain,
        Sentence::UseAnotherCard,
        Sentence::EnterPin,
        Sentence::Processing,
        Sentence::AskCustomer,
        Sentence::ShowCode { amount },
        Sentence::ScanCode { amount },
        Sentence::ApprovedCard { amount },
        Sentence::ApprovedCode {
            channel: "wechat",
            amount,
        },
        Sentence::ApprovedCash { amount },
        Sentence::Credited {
            channel: "alipay",
            amount,
        },
        Sentence::Declined { code: "51" },
        Sentence::Unknown,
        Sentence::Reversing,
        Sentence::Reversed,
        Sentence::Refunded { amount },
        Sentence::Voided { amount },
        Sentence::OfflineStored { amount },
        Sentence::NotSent,
        Sentence::Cancelled,
    ]
};

/// Message keys with their variables, attributes as `key.attribute`.
fn messages(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    let resource = fluent_syntax::parser::parse(source).expect("the file parses without faults");
    let mut found = BTreeMap::new();
    for entry in resource.body {
        let Entry::Message(message) = entry else { continue };
        let value = message.value.as_ref().expect("every message has a value");
        let twice = found.insert(message.id.name.to_owned(), variables(value));
        assert_eq!(twice, None, "{} stands twice", message.id.name);
        for attribute in &message.attributes {
            let name = format!("{}.{}", message.id.name, attribute.id.name);
            found.insert(name, variables(&attribute.value));
        }
    }
    found
}

fn variables(pattern: &Pattern<&str>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for element in &pattern.elements {
        if let PatternElement::Placeable { expression } = element {
            match expression {
                Expression::Inline(InlineExpression::VariableReference { id }) => {
                    found.insert(id.name.to_owned());
                }
                Expression::Inline(InlineExpression::MessageReference { id, .. }) => {
                    found.insert(format!("message {}", id.name));
                }
                Expression::Inline(_) | Expression::Select { .. } => {
                    panic!("only variables and messages are used: {expression:?}")
                }
            }
        }
    }
    found
}

#[test]
fn both_files_have_the_same_keys_and_variables() {
    let (zh, en) = (messages(bundle::ZH), messages(bundle::EN));
    // A spoken form and a singular exist only where the language needs them.
    let optional = |key: &str| matches!(key.split_once('.'), Some((_, "spoken" | "one")));
    for (one, other) in [(&zh, &en), (&en, &zh)] {
        for (key, variables) in one.iter().filter(|(key, _)| !optional(key)) {
            assert_eq!(Some(variables), other.get(key), "{key}");
        }
    }
}

#[test]
fn references_lead_somewhere() {
    for source in [bundle::ZH, bundle::EN] {
        let all = messages(source);
        for name in all.values().flatten().filter_map(|v| v.strip_prefix("message ")) {
            assert!(all.contains_key(name), "{name}");
        }
    }
}

#[test]
fn no_sentence_is_missing_or_keeps_a_placeholder() {
    for language in Language::ALL {
        let texts = Texts::new(language);
        let mut said: Vec<String> = Label::ALL.iter().map(|label| texts.label(*label)).collect();
        for sentence in SENTENCES {
            said.extend([texts.say(sentence), texts.speak(sentence)]);
        }
        for code in Code::ALL {
            let text = texts.error(&SoftPosError::of(*code));
            said.extend([text.what, text.money, text.action]);
        }
        said.extend(Action::ALL.iter().map(|action| texts.action(*action)));
        for money in [MoneyState::NotMoved, MoneyState::Moved, MoneyState::Unknown] {
            said.push(texts.money(money));
        }
        for text in said {
            let is_key = ["label-", "say-", "error-", "money-", "action-"]
                .iter()
                .any(|prefix| text.starts_with(prefix));
            assert!(
                !text.trim().is_empty() && !is_key && !text.contains(['{', '}']),
                "{text:?}"
            );
        }
    }
}

#[test]
fn the_screen_shows_digits_and_the_voice_says_words() {
    let amount = Money::new(12_345, Currency::CNY);
    let (zh, en) = (Texts::new(Language::Zh), Texts::new(Language::En));
    let sale = Sentence::ApprovedCard { amount };
    assert_eq!(zh.say(&sale), "收款成功，¥123.45");
    assert_eq!(zh.speak(&sale), "收款成功，一百二十三点四五元");
    assert_eq!(
        en.speak(&sale),
        "Payment received, one hundred and twenty-three yuan and forty-five fen"
    );
    let code = Sentence::ApprovedCode {
        channel: "wechat",
        amount,
    };
    assert_eq!(zh.speak(&code), "微信收款一百二十三点四五元");
    assert_eq!(en.say(&code), "WeChat payment received, ¥123.45");
    let credited = Sentence::Credited {
        channel: "MyBank",
        amount,
    };
    assert_eq!(zh.say(&credited), "MyBank到账¥123.45");
    assert!(en.speak(&credited).ends_with("fen credited"));
    assert_eq!(
        zh.speak(&Sentence::Unknown),
        "交易结果未知，正在查询，请勿重复收款"
    );
    assert_eq!(
        en.speak(&Sentence::Unknown),
        "Result unknown, checking. Do not charge again"
    );
}

#[test]
fn only_a_payout_is_called_credited() {
    for sentence in SENTENCES {
        let is_payout = matches!(sentence, Sentence::Credited { .. });
        let zh = Texts::new(Language::Zh).speak(sentence);
        let en = Texts::new(Language::En).speak(sentence);
        assert_eq!(
            (zh.contains("到账"), en.contains("credited")),
            (is_payout, is_payout)
        );
    }
}

/// The table of the host's answers has a bank into whose account money goes (资金到账行): that is no payout.
#[test]
fn no_other_sentence_speaks_of_a_payout() {
    for (file, word) in [(ZH, "到账"), (EN, "credited")] {
        let lines = file
            .lines()
            .filter(|line| line.replace("资金到账行", "").contains(word));
        let mut told: Vec<&str> = lines.collect();
        assert!(told[0].starts_with("say-credited ="), "{told:?}");
        told.retain(|line| {
            !line.starts_with("say-credited =") && !line.starts_with("    .spoken = { $amount } ")
        });
        assert!(told.is_empty(), "{told:?}");
    }
}

#[test]
fn other_currencies_are_spoken_with_their_unit() {
    let spoken = |minor, alpha, language| {
        let money = Money::new(minor, Currency::from_alpha(alpha).unwrap());
        Texts::new(language).spoken_amount(money)
    };
    assert_eq!(spoken(1_250, "EUR", Language::En), "twelve point five euros");
    assert_eq!(spoken(100, "USD", Language::En), "one US dollar");
    assert_eq!(spoken(110, "USD", Language::En), "one point one US dollars");
    assert_eq!(spoken(1_001, "JPY", Language::En), "one thousand and one yen");
    assert_eq!(spoken(1_001, "JPY", Language::Zh), "一千零一日元");
    assert_eq!(spoken(1_050, "KWD", Language::Zh), "一点零五科威特第纳尔");
    // Every currency of the table has its unit in both languages.
    for numeric in 0..1_000 {
        let Some(currency) = Currency::from_numeric(numeric) else {
            continue;
        };
        for language in Language::ALL {
            let text = Texts::new(language).spoken_amount(Money::new(200, currency));
            assert!(!text.contains("currency-"), "{text}");
        }
    }
}

#[test]
fn the_customer_never_learns_that_a_card_is_to_be_kept() {
    let (zh, en) = (Texts::new(Language::Zh), Texts::new(Language::En));
    for code in ["04", "34", "41", "43"] {
        for text in [
            zh.speak(&Sentence::Declined { code }),
            zh.say(&Sentence::Declined { code }),
        ] {
            assert_eq!(text, "交易失败", "{code}");
        }
        assert_eq!(
            en.speak(&Sentence::Declined { code }),
            "Payment declined",
            "{code}"
        );
    }
    assert_eq!(zh.response_code("41").display, "挂失卡");
}

#[test]
fn declines_name_their_reason_once() {
    let (zh, en) = (Texts::new(Language::Zh), Texts::new(Language::En));
    for (code, in_zh, in_en) in [
        (
            "51",
            "交易失败，可用余额不足",
            "Payment declined, insufficient funds",
        ),
        (
            "01",
            "交易失败，请联系发卡行",
            "Payment declined, call the card's bank",
        ),
        (
            "Z1",
            "交易失败，卡片脱机拒绝",
            "Payment declined, offline by the card",
        ),
        ("7Z", "交易失败，代码7Z", "Payment declined, code 7Z"),
    ] {
        assert_eq!(zh.response_code(code).customer, in_zh);
        assert_eq!(en.response_code(code).customer, in_en);
    }
    assert_eq!(zh.response_code("7Z").display, "交易失败（7Z）");
    assert_eq!(en.response_code("00").customer, "Approved");
    assert_eq!(en.response_code("00").action, "Nothing to do.");
}

#[test]
fn a_hostile_code_is_neither_a_key_nor_printed() {
    let texts = Texts::new(Language::En);
    for (code, shown) in [
        ("unknown", "Declined (un)"),
        ("action-decline", "Declined (ac)"),
        ("  ", "Declined (??)"),
        ("\u{1b}[", "Declined (??)"),
        ("é", "Declined (?)"),
        ("", "Declined ()"),
    ] {
        assert_eq!(texts.response_code(code).display, shown);
    }
    assert_eq!(texts.channel("wechat\n"), "wechat\n");
    assert_eq!(texts.get("no-such-key"), "no-such-key");
}

/// Code, Chinese and English text: the project's facts (`host-response-code.json`; `UnionPay` POS practice, compared in
/// two public implementations).
const RESPONSE_TEXTS: &[(&str, &str, &str)] = &[
    ("00", "交易成功", "Approved"),
    ("01", "交易失败，请联系发卡行", "Declined - call issuer"),
    ("03", "商户未登记", "Merchant not registered"),
    ("04", "此卡为无效卡", "Declined"),
    ("05", "持卡人认证失败", "Declined"),
    ("06", "交易失败，请联系发卡行", "Declined"),
    ("10", "部分批准，请核对金额", "Partial approval"),
    ("11", "交易成功", "Approved (VIP)"),
    ("12", "无效交易", "Invalid transaction"),
    ("13", "无效金额", "Invalid amount"),
    ("14", "无效卡号", "Invalid card number"),
    ("15", "此卡无对应发卡方", "Unknown issuer"),
    ("16", "交易成功", "Approved"),
    ("21", "该卡未初始化或睡眠卡", "Card not active"),
    (
        "22",
        "操作有误，或超出交易允许天数",
        "Related transaction not allowed",
    ),
    ("25", "没有原始交易，请联系发卡方", "Original not found"),
    ("30", "交易失败，请重试", "Format error"),
    ("34", "作弊卡", "Declined"),
    ("38", "密码错误次数超限，请与发卡方联系", "PIN tries exceeded"),
    ("40", "发卡方不支持的交易", "Not supported by issuer"),
    ("41", "挂失卡", "Declined"),
    ("43", "被窃卡", "Declined"),
    ("45", "请使用芯片", "Use the chip"),
    ("51", "可用余额不足", "Insufficient funds"),
    ("54", "该卡已过期", "Expired card"),
    ("55", "密码错", "Incorrect PIN"),
    ("57", "不允许此卡交易", "Not permitted for this card"),
    (
        "58",
        "发卡方不允许该卡在本终端进行此交易",
        "Not permitted on this terminal",
    ),
    ("59", "卡片校验错", "Card check failed"),
    ("61", "交易金额超限", "Amount over limit"),
    ("62", "受限制的卡", "Restricted card"),
    ("64", "交易金额与原交易不匹配", "Amount differs from original"),
    ("65", "超出消费次数限制", "Too many transactions"),
    ("66", "交易失败，请联系收单行", "Declined"),
    ("68", "交易超时，请重试", "Timed out, try again"),
    ("75", "密码错误次数超限", "PIN tries exceeded"),
    ("77", "请重新签到", "Sign in again"),
    ("90", "系统日切，请稍后重试", "Host cut-off, try later"),
    ("91", "发卡方状态不正常，请稍后重试", "Issuer unavailable"),
    ("92", "发卡方线路异常，请稍后重试", "Issuer line fault"),
    ("94", "拒绝，重复交易，请稍后重试", "Duplicate transaction"),
    ("96", "拒绝，交换中心异常，请稍后重试", "Switch fault"),
    ("97", "终端未登记", "Terminal not registered"),
    ("98", "发卡方超时", "Issuer time-out"),
    ("99", "PIN格式错，请重新签到", "PIN format error - sign in"),
    ("A0", "MAC校验错，请重新签到", "MAC error - sign in"),
    ("A1", "转账货币不一致", "Currency mismatch"),
    (
        "A2",
        "交易成功，请向资金到账行确认",
        "Approved - confirm with bank",
    ),
    (
        "A4",
        "交易成功，请向资金到账行确认",
        "Approved - confirm with bank",
    ),
    (
        "A5",
        "交易成功，请向资金到账行确认",
        "Approved - confirm with bank",
    ),
    (
        "A6",
        "交易成功，请向资金到账行确认",
        "Approved - confirm with bank",
    ),
    ("A3", "资金到账行账号不正确", "Credit account invalid"),
    ("A7", "安全处理失败", "Security failure"),
    ("A8", "未上送转入卡归属地信息", "Missing field"),
    ("B1", "此业务无欠费", "Nothing due"),
    ("C1", "受理方状态非法", "Acquirer offline"),
    ("N1", "未登折账目超限", "Declined"),
    ("P1", "未留存手机号", "No phone on file"),
    ("Y1", "脱机交易成功", "Offline approved"),
    ("Y3", "脱机交易成功", "Offline approved (unable to go online)"),
    ("Z1", "脱机交易拒绝", "Offline declined"),
    ("Z3", "不能联机，交易拒绝", "Declined (unable to go online)"),
    ("T1", "T+1商户不允许做T+0交易", "T+0 not allowed"),
    ("T2", "T+0商户未结算过T+1交易", "T+0 not yet allowed"),
    ("T3", "银行卡片未经T+0卡验证", "Card not verified for T+0"),
    ("TS", "商户结算未设置", "Settlement not configured"),
];

#[test]
fn response_texts_agree_with_the_table_and_say_what_to_do() {
    for (code, in_zh, in_en) in RESPONSE_TEXTS {
        for (language, expected) in [(Language::Zh, in_zh), (Language::En, in_en)] {
            let text = Texts::new(language).response_code(code);
            assert_eq!(text.display, **expected, "{code}");
            assert!(
                !text.action.is_empty() && !text.action.contains("rc-"),
                "{code}: {}",
                text.action
            );
            assert!(
                !text.customer.contains("say-") && !text.meaning.is_empty(),
                "{code}"
            );
        }
    }
}
