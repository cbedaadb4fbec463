//! Amounts as people read and hear them, with integers only.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "nothing but quotients and remainders by the non-zero constants of the tables below"
)]

use softpos_types::{Currency, Money};

const DIGITS: [char; 10] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
const CAPITAL_DIGITS: [char; 10] = ['零', '壹', '贰', '叁', '肆', '伍', '陆', '柒', '捌', '玖'];
const SPOKEN: Numerals = Numerals {
    digits: DIGITS,
    places: [(1_000, "千"), (100, "百"), (10, "十"), (1, "")],
};
const CAPITAL: Numerals = Numerals {
    digits: CAPITAL_DIGITS,
    places: [(1_000, "仟"), (100, "佰"), (10, "拾"), (1, "")],
};

/// The amount on a screen: sign of the currency, thousands separated, all decimals: `¥1,234.56`.
pub fn display(money: Money) -> String {
    let plain = money.to_string();
    let (sign, plain) = plain
        .strip_prefix('-')
        .map_or(("", plain.as_str()), |rest| ("-", rest));
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let mut text = format!("{sign}{}", money.currency().symbol());
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && whole.len().saturating_sub(i) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

/// The spoken Chinese number with 点, trailing zeros dropped, digits after the point read singly: `一百二十三点四五`.
///
/// The unit (元) follows it; [`crate::Texts::spoken_amount`] adds it.
pub fn zh_point(money: Money) -> String {
    let (whole, fraction) = parts(money);
    let mut text = String::from(if money.amount_minor() < 0 { "负" } else { "" });
    text.push_str(&zh_whole(whole, &SPOKEN));
    let digits = fraction_digits(money, fraction);
    if !digits.is_empty() {
        text.push('点');
        text.extend(digits.iter().filter_map(|digit| DIGITS.get(*digit)));
    }
    text
}

/// The English number: British "and", hyphens, no commas: `one hundred and twenty-three`; decimals of currencies
/// other than the yuan are read singly: `twelve point three four`.
///
/// Returns the number and whether it is exactly one, which asks for the singular of the unit.
pub(crate) fn en_point(money: Money) -> (String, bool) {
    let (whole, fraction) = parts(money);
    let mut text = String::from(if money.amount_minor() < 0 { "minus " } else { "" });
    text.push_str(&en_number(whole));
    let digits = fraction_digits(money, fraction);
    if !digits.is_empty() {
        text.push_str(" point");
        for digit in &digits {
            text.push(' ');
            text.push_str(EN_SMALL.get(*digit).unwrap_or(&""));
        }
    }
    (text, whole == 1 && digits.is_empty())
}

/// The reading in 元, 角 and 分: `一百二十三元四角五分`. Only the yuan has one.
pub fn yuan_jiao_fen(money: Money) -> Option<String> {
    yuan_units(money, &SPOKEN, "")
}

/// The formal capitals of an invoice (大写): `壹佰贰拾叁元肆角伍分`. Only the yuan has them.
pub fn capital(money: Money) -> Option<String> {
    yuan_units(money, &CAPITAL, "整")
}

/// The English reading of a yuan amount: `one yuan and ten fen`. The yuan is spoken even when it is zero.
pub fn en_yuan(money: Money) -> Option<String> {
    if money.currency() != Currency::CNY {
        return None;
    }
    let (yuan, fen) = parts(money);
    let sign = if money.amount_minor() < 0 { "minus " } else { "" };
    let yuan = en_number(yuan);
    Some(match fen {
        0 => format!("{sign}{yuan} yuan"),
        _ => format!("{sign}{yuan} yuan and {} fen", en_number(fen)),
    })
}

struct Numerals {
    digits: [char; 10],
    places: [(u64, &'static str); 4],
}

/// Whole major units and the minor rest, without sign.
fn parts(money: Money) -> (u64, u64) {
    let minor = money.amount_minor().unsigned_abs();
    let per_major = money.currency().minor_per_major().unsigned_abs().max(1);
    (minor / per_major, minor % per_major)
}

/// The decimals as digits, trailing zeros dropped.
fn fraction_digits(money: Money, mut fraction: u64) -> Vec<usize> {
    let mut digits = Vec::new();
    for _ in 0..money.currency().exponent() {
        digits.push(usize::try_from(fraction % 10).unwrap_or(0));
        fraction /= 10;
    }
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    digits.drain(..zeros);
    digits.reverse();
    digits
}

fn yuan_units(money: Money, numerals: &Numerals, whole_mark: &str) -> Option<String> {
    if money.currency() != Currency::CNY {
        return None;
    }
    let (yuan, rest) = parts(money);
    let (jiao, fen) = (rest / 10, rest % 10);
    let mut text = String::from(if money.amount_minor() < 0 { "负" } else { "" });
    if yuan > 0 || rest == 0 {
        text.push_str(&zh_whole(yuan, numerals));
        text.push('元');
    }
    if jiao > 0 {
        text.push(digit(jiao, numerals));
        text.push('角');
    } else if fen > 0 && yuan > 0 {
        text.push(digit(0, numerals));
    }
    if fen > 0 {
        text.push(digit(fen, numerals));
        text.push('分');
    } else {
        text.push_str(whole_mark);
    }
    Some(text)
}

fn digit(value: u64, numerals: &Numerals) -> char {
    let index = usize::try_from(value % 10).unwrap_or(0);
    numerals.digits.get(index).copied().unwrap_or('零')
}

/// A whole number by groups of four digits; a spoken leading 一十 becomes 十, a capital 壹拾 stays.
fn zh_whole(number: u64, numerals: &Numerals) -> String {
    let text = zh_number(number, numerals);
    match text.strip_prefix("一十") {
        Some(rest) => format!("十{rest}"),
        None => text,
    }
}

fn zh_number(number: u64, numerals: &Numerals) -> String {
    for (base, unit) in [(100_000_000, "亿"), (10_000, "万")] {
        if number >= base {
            let low = number % base;
            let mut text = zh_number(number / base, numerals);
            text.push_str(unit);
            if low > 0 {
                if low < base / 10 {
                    text.push(digit(0, numerals));
                }
                text.push_str(&zh_number(low, numerals));
            }
            return text;
        }
    }
    zh_group(number, numerals)
}

/// Four digits: zeros between two others give one 零, trailing zeros none.
fn zh_group(number: u64, numerals: &Numerals) -> String {
    if number == 0 {
        return digit(0, numerals).to_string();
    }
    let mut text = String::new();
    let mut zero_due = false;
    for (place, unit) in numerals.places {
        let value = number / place % 10;
        if value == 0 {
            zero_due = !text.is_empty();
            continue;
        }
        if zero_due {
            text.push(digit(0, numerals));
            zero_due = false;
        }
        text.push(digit(value, numerals));
        text.push_str(unit);
    }
    text
}

const EN_SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const EN_TENS: [&str; 10] = [
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];
const EN_SCALES: [(u64, &str); 6] = [
    (1_000_000_000_000_000_000, "quintillion"),
    (1_000_000_000_000_000, "quadrillion"),
    (1_000_000_000_000, "trillion"),
    (1_000_000_000, "billion"),
    (1_000_000, "million"),
    (1_000, "thousand"),
];

fn en_number(number: u64) -> String {
    let mut words: Vec<String> = EN_SCALES
        .iter()
        .filter(|(scale, _)| number >= *scale)
        .map(|(scale, name)| (number / scale % 1_000, name))
        .filter(|(group, _)| *group > 0)
        .map(|(group, name)| format!("{} {name}", en_hundreds(group)))
        .collect();
    let last = number % 1_000;
    if last > 0 || words.is_empty() {
        if !words.is_empty() && last < 100 {
            words.push("and".to_owned());
        }
        words.push(en_hundreds(last));
    }
    words.join(" ")
}

fn en_hundreds(number: u64) -> String {
    let (hundreds, rest) = (number / 100, number % 100);
    match (hundreds, rest) {
        (0, _) => en_tens(rest),
        (_, 0) => format!("{} hundred", en_tens(hundreds)),
        _ => format!("{} hundred and {}", en_tens(hundreds), en_tens(rest)),
    }
}

fn en_tens(number: u64) -> String {
    let index = |value: u64| usize::try_from(value).unwrap_or(0);
    if let Some(small) = EN_SMALL.get(index(number)) {
        return (*small).to_owned();
    }
    let tens = EN_TENS.get(index(number / 10)).copied().unwrap_or_default();
    match number % 10 {
        0 => tens.to_owned(),
        units => format!("{tens}-{}", EN_SMALL.get(index(units)).unwrap_or(&"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fen, display, 点, 元角分, capital, English: the project's facts (`money-words.json`) and the table of readings
    /// that cn2an and num2words agree with.
    const READINGS: &[(i64, [&str; 5])] = &[
        (0, ["¥0.00", "零元", "零元", "零元整", "zero yuan"]),
        (
            5,
            ["¥0.05", "零点零五元", "五分", "伍分", "zero yuan and five fen"],
        ),
        (
            11,
            [
                "¥0.11",
                "零点一一元",
                "一角一分",
                "壹角壹分",
                "zero yuan and eleven fen",
            ],
        ),
        (100, ["¥1.00", "一元", "一元", "壹元整", "one yuan"]),
        (
            110,
            [
                "¥1.10",
                "一点一元",
                "一元一角",
                "壹元壹角整",
                "one yuan and ten fen",
            ],
        ),
        (
            1_010,
            [
                "¥10.10",
                "十点一元",
                "十元一角",
                "壹拾元壹角整",
                "ten yuan and ten fen",
            ],
        ),
        (
            1_999,
            [
                "¥19.99",
                "十九点九九元",
                "十九元九角九分",
                "壹拾玖元玖角玖分",
                "nineteen yuan and ninety-nine fen",
            ],
        ),
        (
            10_000,
            ["¥100.00", "一百元", "一百元", "壹佰元整", "one hundred yuan"],
        ),
        (
            10_500,
            [
                "¥105.00",
                "一百零五元",
                "一百零五元",
                "壹佰零伍元整",
                "one hundred and five yuan",
            ],
        ),
        (
            12_345,
            [
                "¥123.45",
                "一百二十三点四五元",
                "一百二十三元四角五分",
                "壹佰贰拾叁元肆角伍分",
                "one hundred and twenty-three yuan and forty-five fen",
            ],
        ),
        (
            100_100,
            [
                "¥1,001.00",
                "一千零一元",
                "一千零一元",
                "壹仟零壹元整",
                "one thousand and one yuan",
            ],
        ),
        (
            123_456,
            [
                "¥1,234.56",
                "一千二百三十四点五六元",
                "一千二百三十四元五角六分",
                "壹仟贰佰叁拾肆元伍角陆分",
                "one thousand two hundred and thirty-four yuan and fifty-six fen",
            ],
        ),
        (
            1_000_500,
            [
                "¥10,005.00",
                "一万零五元",
                "一万零五元",
                "壹万零伍元整",
                "ten thousand and five yuan",
            ],
        ),
        (
            1_234_567,
            [
                "¥12,345.67",
                "一万二千三百四十五点六七元",
                "一万二千三百四十五元六角七分",
                "壹万贰仟叁佰肆拾伍元陆角柒分",
                "twelve thousand three hundred and forty-five yuan and sixty-seven fen",
            ],
        ),
        (
            10_010_000,
            [
                "¥100,100.00",
                "十万零一百元",
                "十万零一百元",
                "壹拾万零壹佰元整",
                "one hundred thousand one hundred yuan",
            ],
        ),
        (
            12_345_678,
            [
                "¥123,456.78",
                "十二万三千四百五十六点七八元",
                "十二万三千四百五十六元七角八分",
                "壹拾贰万叁仟肆佰伍拾陆元柒角捌分",
                "one hundred and twenty-three thousand four hundred and fifty-six yuan and seventy-eight fen",
            ],
        ),
        (
            100_000_100,
            [
                "¥1,000,001.00",
                "一百万零一元",
                "一百万零一元",
                "壹佰万零壹元整",
                "one million and one yuan",
            ],
        ),
        (
            123_456_789,
            [
                "¥1,234,567.89",
                "一百二十三万四千五百六十七点八九元",
                "一百二十三万四千五百六十七元八角九分",
                "壹佰贰拾叁万肆仟伍佰陆拾柒元捌角玖分",
                "one million two hundred and thirty-four thousand five hundred and sixty-seven yuan and eighty-nine fen",
            ],
        ),
        (
            9_999_999_999,
            [
                "¥99,999,999.99",
                "九千九百九十九万九千九百九十九点九九元",
                "九千九百九十九万九千九百九十九元九角九分",
                "玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分",
                "ninety-nine million nine hundred and ninety-nine thousand nine hundred and ninety-nine yuan and ninety-nine fen",
            ],
        ),
        (
            1,
            ["¥0.01", "零点零一元", "一分", "壹分", "zero yuan and one fen"],
        ),
        (
            10,
            ["¥0.10", "零点一元", "一角", "壹角整", "zero yuan and ten fen"],
        ),
        (
            101,
            [
                "¥1.01",
                "一点零一元",
                "一元零一分",
                "壹元零壹分",
                "one yuan and one fen",
            ],
        ),
        (
            11_000,
            [
                "¥110.00",
                "一百一十元",
                "一百一十元",
                "壹佰壹拾元整",
                "one hundred and ten yuan",
            ],
        ),
        (
            1_001_000,
            [
                "¥10,010.00",
                "一万零一十元",
                "一万零一十元",
                "壹万零壹拾元整",
                "ten thousand and ten yuan",
            ],
        ),
        (
            1_000_000_000,
            [
                "¥10,000,000.00",
                "一千万元",
                "一千万元",
                "壹仟万元整",
                "ten million yuan",
            ],
        ),
    ];

    #[test]
    fn readings() {
        for (fen, [shown, point, yjf, formal, english]) in READINGS {
            let money = Money::new(*fen, Currency::CNY);
            assert_eq!(display(money), *shown);
            assert_eq!(format!("{}元", zh_point(money)), *point, "{fen}");
            assert_eq!(yuan_jiao_fen(money).as_deref(), Some(*yjf), "{fen}");
            assert_eq!(capital(money).as_deref(), Some(*formal), "{fen}");
            assert_eq!(en_yuan(money).as_deref(), Some(*english), "{fen}");
        }
    }

    #[test]
    fn large_and_negative_amounts() {
        let yuan = |fen| Money::new(fen, Currency::CNY);
        assert_eq!(zh_point(yuan(1_000_000_010_000)), "一百亿零一百");
        assert_eq!(zh_point(yuan(1_000_100_000_000)), "一百亿零一百万");
        assert_eq!(zh_point(yuan(100_010_100_000)), "十亿零一十万一千");
        assert_eq!(zh_point(yuan(-1_050)), "负十点五");
        assert_eq!(en_yuan(yuan(-100)).as_deref(), Some("minus one yuan"));
        assert_eq!(
            en_yuan(yuan(100_200_000_300)).as_deref(),
            Some("one billion two million and three yuan")
        );
        assert_eq!(display(yuan(-123_456_789)), "-¥1,234,567.89");
        // The ends of the range read without overflow.
        for (extreme, ending) in [(i64::MIN, "点零八"), (i64::MAX, "点零七")] {
            assert!(
                zh_point(yuan(extreme)).ends_with(ending),
                "{}",
                zh_point(yuan(extreme))
            );
            assert!(en_yuan(yuan(extreme)).is_some_and(|text| text.contains("quadrillion")));
        }
    }

    #[test]
    fn other_currencies_have_their_own_decimals_and_no_capitals() {
        let money = |minor, alpha| Money::new(minor, Currency::from_alpha(alpha).unwrap());
        assert_eq!(display(money(123_456, "JPY")), "JP¥123,456");
        assert_eq!(zh_point(money(1_000, "JPY")), "一千");
        assert_eq!(zh_point(money(1_050, "KWD")), "一点零五");
        assert_eq!(
            en_point(money(1_234, "EUR")),
            ("twelve point three four".to_owned(), false)
        );
        assert_eq!(en_point(money(1_000, "KWD")), ("one".to_owned(), true));
        assert_eq!(capital(money(100, "EUR")), None);
        assert_eq!(yuan_jiao_fen(money(100, "EUR")), None);
        assert_eq!(en_yuan(money(100, "EUR")), None);
    }
}
