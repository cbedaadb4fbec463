//! Every sentence a person reads or hears, in Chinese and English.
//!
//! The sentences are in the Fluent files `locales/zh.ftl` and `locales/en.ftl`, built into the program. Typed words
//! ([`Sentence`], [`Label`], errors, response codes) cover what the core says; [`Texts::get`] and [`Texts::with`] serve
//! the programs that bring keys of their own.

#![forbid(unsafe_code)]
#![deny(clippy::arithmetic_side_effects)]

mod bundle;
mod label;
mod sentence;
pub mod words;

use softpos_types::{Action, Code, Fault, Language, Money, MoneyState, SoftPosError};

pub use label::Label;
pub use sentence::Sentence;

/// The sentences of one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Texts {
    language: Language,
}

/// What an error tells a person, in three short sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorText {
    /// What happened.
    pub what: String,
    /// Whether money moved.
    pub money: String,
    /// What to do next.
    pub action: String,
}

/// What a response code tells the people at the till.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseText {
    /// What the operator reads.
    pub display: String,
    /// What the customer sees and hears of a decline: without the reason on a code that asks to keep the card.
    pub customer: String,
    /// The reason alone, for paper that says "declined" in large letters; none where the customer is not told.
    pub reason: Option<String>,
    /// What the operator does.
    pub action: String,
    /// What the code means among banks, for support; never for the customer.
    pub meaning: String,
}

impl Texts {
    /// The sentences of a language. Costs nothing: the files are parsed once, at the first sentence.
    pub const fn new(language: Language) -> Self {
        Self { language }
    }

    /// Which language this is.
    pub const fn language(self) -> Language {
        self.language
    }

    /// A sentence for the screen: amounts in digits.
    pub fn say(self, sentence: &Sentence<'_>) -> String {
        self.sentence(*sentence, None, words::display)
    }

    /// A sentence for the voice: amounts in words.
    pub fn speak(self, sentence: &Sentence<'_>) -> String {
        self.sentence(*sentence, Some("spoken"), |amount| self.spoken_amount(amount))
    }

    /// A caption.
    pub fn label(self, label: Label) -> String {
        self.get(label.key())
    }

    /// What an error tells: what happened, whether money moved, what to do next.
    pub fn error(self, error: &SoftPosError) -> ErrorText {
        let fault = error.fault();
        ErrorText {
            what: self.code(fault.code),
            money: self.money(fault.money),
            action: self.action(fault.action),
        }
    }

    /// The same in one text.
    pub fn fault(self, fault: &Fault) -> String {
        let sentences = [
            self.code(fault.code),
            self.money(fault.money),
            self.action(fault.action),
        ];
        match self.language {
            Language::Zh => sentences.concat(),
            Language::En => sentences.join(" "),
        }
    }

    /// What happened, as one sentence.
    pub fn code(self, code: Code) -> String {
        self.get(&key("error-", code.name()))
    }

    /// Whether money moved, as one sentence.
    pub fn money(self, money: MoneyState) -> String {
        self.get(&key("money-", money.name()))
    }

    /// What to do next, as one sentence.
    pub fn action(self, action: Action) -> String {
        self.get(&key("action-", action.name()))
    }

    /// What a response code (DE39 or tag 8A) tells. A code that is not in the table is a decline that names it.
    pub fn response_code(self, code: &str) -> ResponseText {
        let known = code.len() == 2 && code.bytes().all(|b| b.is_ascii_alphanumeric());
        let known_key = Some(format!("rc-{code}")).filter(|key| known && self.find(key, None, &[]).is_some());
        let shown: String = code.chars().take(2).map(printable).collect();
        let args = [("code", shown.as_str())];
        let key = known_key.as_deref().unwrap_or("rc-unknown");
        let display = self.with(key, &args);
        let plain = self.find(key, Some("customer"), &args);
        let reason = self.find(key, Some("reason"), &args).filter(|_| plain.is_none());
        let customer = match (plain, &reason) {
            (Some(plain), _) => plain,
            (None, Some(reason)) => self.with("say-declined", &[("reason", reason)]),
            (None, None) => display.clone(),
        };
        ResponseText {
            customer,
            reason,
            action: self.find(key, Some("action"), &args).unwrap_or_default(),
            meaning: self.find(key, Some("meaning"), &args).unwrap_or_default(),
            display,
        }
    }

    /// The name of a wallet: `wechat`, `alipay`, `unionpay`; another name is used as it is.
    pub fn channel(self, channel: &str) -> String {
        let known = channel.bytes().all(|b| b.is_ascii_lowercase());
        Some(channel)
            .filter(|_| known)
            .and_then(|channel| self.find(&format!("channel-{channel}"), None, &[]))
            .unwrap_or_else(|| channel.to_owned())
    }

    /// An amount as it is spoken: `十点一元`, `ten yuan and ten fen`, `twelve point five euros`.
    pub fn spoken_amount(self, amount: Money) -> String {
        let unit_key = format!("currency-{}", amount.currency().alpha());
        match self.language {
            Language::Zh => words::zh_point(amount) + &self.get(&unit_key),
            Language::En => words::en_yuan(amount).unwrap_or_else(|| {
                let (number, is_one) = words::en_point(amount);
                let singular = self.find(&unit_key, Some("one"), &[]).filter(|_| is_one);
                let unit = singular.unwrap_or_else(|| self.get(&unit_key));
                format!("{number} {unit}")
            }),
        }
    }

    /// The sentence of a key, without parameters. A key that does not exist shows itself.
    pub fn get(self, key: &str) -> String {
        self.with(key, &[])
    }

    /// The sentence of a key with its parameters. A key that does not exist shows itself.
    pub fn with(self, key: &str, args: &[(&str, &str)]) -> String {
        self.find(key, None, args).unwrap_or_else(|| key.to_owned())
    }

    /// The sentence of a key that need not exist.
    pub fn optional(self, key: &str) -> Option<String> {
        self.find(key, None, &[])
    }

    fn find(self, key: &str, attribute: Option<&str>, args: &[(&str, &str)]) -> Option<String> {
        bundle::format(self.language, key, attribute, args)
    }

    fn sentence(
        self,
        sentence: Sentence<'_>,
        attribute: Option<&str>,
        amount_text: impl Fn(Money) -> String,
    ) -> String {
        if let Sentence::Declined { code } = sentence {
            return self.response_code(code).customer;
        }
        let amount = sentence.amount().map(amount_text).unwrap_or_default();
        let channel = sentence
            .channel()
            .map(|channel| self.channel(channel))
            .unwrap_or_default();
        let args = [("amount", amount.as_str()), ("channel", channel.as_str())];
        let special = attribute.and_then(|name| self.find(sentence.key(), Some(name), &args));
        special.unwrap_or_else(|| self.with(sentence.key(), &args))
    }
}

fn key(prefix: &str, name: &str) -> String {
    format!("{prefix}{}", name.replace('_', "-"))
}

const fn printable(character: char) -> char {
    if character.is_ascii_alphanumeric() {
        character
    } else {
        '?'
    }
}

#[cfg(test)]
mod tests;
