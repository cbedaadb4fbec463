//! `money.words`: amounts in fen as people read and hear them.

use serde_json::{Value, json};
use softpos_text::{Texts, words};
use softpos_types::{Currency, Language, Money};

use crate::fields::Fields;
use crate::{Answer, Failure};

pub(super) fn run(input: Fields<'_>, _expect: &Value) -> Result<Answer, Failure> {
    let fen = i64::try_from(input.number::<u64>("fen")?).map_err(|_| "fen is out of range")?;
    let money = Money::new(fen, Currency::CNY);
    let spoken = |language| Texts::new(language).spoken_amount(money);
    Ok(Answer::Computed(json!({
        "display": words::display(money),
        "zh_point": spoken(Language::Zh),
        "zh_yjf": words::yuan_jiao_fen(money),
        "zh_capital": words::capital(money),
        "en": spoken(Language::En),
    })))
}
