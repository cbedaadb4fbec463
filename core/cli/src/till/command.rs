//! The commands of the till: what they are called, and what a line asks for.

use std::path::PathBuf;

use clap::ValueEnum;
use softpos_types::Language;
use zeroize::Zeroizing;

use super::nearest::nearest;
use super::words::Words;
use crate::slip::{Copy, SlipFormat, Wish};

/// A command as `help` lists it; its sentence is the text `till-help-NAME`.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) usage: &'static str,
    pub(crate) examples: &'static [&'static str],
    options: &'static [&'static str],
    most_words: usize,
}

const fn entry(
    name: &'static str,
    usage: &'static str,
    examples: &'static [&'static str],
    options: &'static [&'static str],
    most_words: usize,
) -> Entry {
    Entry {
        name,
        usage,
        examples,
        options,
        most_words,
    }
}

/// Every command, in the order of a day.
pub(crate) const COMMANDS: &[Entry] = &[
    entry(
        "sale",
        "sale AMOUNT [--category NAME] [--order TEXT] [--card CARD]",
        &[
            "sale 12.50 --card visa-approved",
            "sale 1500 --card visa-pin --order \"table 5\"",
        ],
        &["category", "order", "card"],
        1,
    ),
    entry("tap", "tap CARD", &["tap visa-approved"], &[], 1),
    entry("pin", "pin DIGITS", &["pin 1234"], &[], 1),
    entry(
        "code",
        "code AMOUNT [--category NAME] [--order TEXT]",
        &["code 8.80"],
        &["category", "order"],
        1,
    ),
    entry(
        "scan",
        "scan AMOUNT [--code TEXT|wechat|alipay|unionpay] [--image FILE] [--category NAME] [--order TEXT]",
        &[
            "scan 8.80 --code wechat",
            "scan 8.80 --code 281234567890123450",
            "scan 8.80 --image code.png",
        ],
        &["code", "image", "category", "order"],
        1,
    ),
    entry("pay", "pay [wechat|alipay|unionpay]", &["pay alipay"], &[], 1),
    entry(
        "cash",
        "cash AMOUNT [--category NAME] [--order TEXT]",
        &["cash 5"],
        &["category", "order"],
        1,
    ),
    entry("cancel", "cancel", &["cancel"], &[], 0),
    entry(
        "receipt",
        "receipt [KEY|last] [merchant|customer] [zh|en] [--format text|png|escpos|escpos-utf8|html|pdf] [--out FILE]",
        &[
            "receipt",
            "receipt last merchant zh",
            "receipt 000012 --format pdf --out slip.pdf",
        ],
        &["format", "out"],
        3,
    ),
    entry(
        "history",
        "history [N] [--state STATE]",
        &["history", "history 5 --state approved"],
        &["state"],
        1,
    ),
    entry("show", "show KEY|last", &["show last", "show 000012"], &[], 1),
    entry(
        "refund",
        "refund KEY|last [AMOUNT]",
        &["refund last", "refund 000012 2.50"],
        &[],
        2,
    ),
    entry("network", "network off|on", &["network off"], &[], 1),
    entry("queue", "queue", &["queue"], &[], 0),
    entry("sync", "sync", &["sync"], &[], 0),
    entry("close", "close", &["close"], &[], 0),
    entry("cards", "cards", &["cards"], &[], 0),
    entry(
        "fault",
        "fault SPEC|off",
        &[
            "fault drop-after",
            "fault drop-before@transactions:2",
            "fault off",
        ],
        &[],
        1,
    ),
    entry("status", "status", &["status"], &[], 0),
    entry("lang", "lang zh|en", &["lang zh"], &[], 1),
    entry("help", "help [COMMAND]", &["help sale"], &[], 1),
    entry("quit", "quit", &["quit"], &[], 0),
];

/// The wallets of the simulated customers.
pub(crate) const WALLETS: [&str; 3] = ["wechat", "alipay", "unionpay"];

/// What every sale may carry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Goods {
    pub(crate) amount: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) order: Option<String>,
}

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// A bare number: a sale whose missing parts are asked for.
    Amount(String),
    Sale {
        goods: Goods,
        card: Option<String>,
    },
    Tap {
        card: Option<String>,
    },
    Pin(Option<Zeroizing<String>>),
    Code(Goods),
    Scan {
        goods: Goods,
        code: Option<Zeroizing<String>>,
        image: Option<String>,
    },
    Pay {
        wallet: Option<&'static str>,
    },
    Cash(Goods),
    Cancel,
    Receipt {
        which: String,
        wish: Wish,
    },
    History {
        limit: u32,
        state: Option<String>,
    },
    Show {
        which: String,
    },
    Refund {
        which: String,
        amount: Option<String>,
    },
    Network {
        online: bool,
    },
    Queue,
    Sync,
    Close,
    Cards,
    Fault {
        spec: String,
    },
    Status,
    Lang(Language),
    Help {
        topic: Option<String>,
    },
    Quit,
}

impl Command {
    /// The word it begins with; a bare amount is a sale.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Amount(_) | Self::Sale { .. } => "sale",
            Self::Tap { .. } => "tap",
            Self::Pin(_) => "pin",
            Self::Code(_) => "code",
            Self::Scan { .. } => "scan",
            Self::Pay { .. } => "pay",
            Self::Cash(_) => "cash",
            Self::Cancel => "cancel",
            Self::Receipt { .. } => "receipt",
            Self::History { .. } => "history",
            Self::Show { .. } => "show",
            Self::Refund { .. } => "refund",
            Self::Network { .. } => "network",
            Self::Queue => "queue",
            Self::Sync => "sync",
            Self::Close => "close",
            Self::Cards => "cards",
            Self::Fault { .. } => "fault",
            Self::Status => "status",
            Self::Lang(_) => "lang",
            Self::Help { .. } => "help",
            Self::Quit => "quit",
        }
    }
}

/// Why a line cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Misread {
    /// There is no such command.
    Command {
        typed: String,
        nearest: Option<&'static str>,
    },
    /// The command has no such option.
    Option {
        command: &'static str,
        typed: String,
        nearest: Option<&'static str>,
    },
    /// A word that does not belong there.
    Word {
        command: &'static str,
        typed: String,
        nearest: Option<&'static str>,
    },
    /// Something is missing.
    Missing { command: &'static str },
    /// A quotation mark is not closed.
    Quote,
}

/// The command of a name.
pub(crate) fn find(name: &str) -> Option<&'static Entry> {
    COMMANDS.iter().find(|entry| entry.name == name)
}

/// Reads a line; nothing for an empty one or a comment.
pub(crate) fn parse(line: &str) -> Result<Option<Command>, Misread> {
    if let Some(command) = pin(line) {
        return Ok(Some(command));
    }
    let words = Words::split(line).map_err(|_| Misread::Quote)?;
    let mut plain = words.plain.into_iter();
    let Some(name) = plain.next() else {
        return match words.options.into_iter().next() {
            Some((typed, _)) => Err(unknown(&format!("--{typed}"))),
            None => Ok(None),
        };
    };
    if name
        .trim_start_matches('-')
        .starts_with(|c: char| c.is_ascii_digit())
    {
        return match plain.next() {
            None => Ok(Some(Command::Amount(name))),
            Some(typed) => Err(Misread::Word {
                command: "sale",
                typed,
                nearest: None,
            }),
        };
    }
    let entry = find(&name.to_ascii_lowercase()).ok_or_else(|| unknown(&name))?;
    let mut line = Line {
        entry,
        words: plain.collect(),
        options: words.options,
    };
    line.check()?;
    line.command().map(Some)
}

/// The command `pin`: its line is not split into words, so that no copies of the digits stay behind.
fn pin(line: &str) -> Option<Command> {
    let (name, rest) = line.trim().split_at_checked("pin".len())?;
    let digits = rest.trim_start();
    let is_word = rest.is_empty() || digits.len() < rest.len();
    (is_word && name.eq_ignore_ascii_case("pin")).then(|| {
        let digits = Some(digits).filter(|digits| !digits.is_empty());
        Command::Pin(digits.map(|digits| Zeroizing::new(digits.to_owned())))
    })
}

fn unknown(typed: &str) -> Misread {
    let names = COMMANDS.iter().map(|entry| entry.name);
    Misread::Command {
        typed: typed.to_owned(),
        nearest: nearest(typed, names),
    }
}

struct Line {
    entry: &'static Entry,
    words: Vec<String>,
    options: Vec<(String, Option<String>)>,
}

impl Line {
    fn check(&self) -> Result<(), Misread> {
        let command = self.entry.name;
        if let Some(typed) = self.words.get(self.entry.most_words) {
            return Err(self.wrong(typed, None));
        }
        for (position, (name, value)) in self.options.iter().enumerate() {
            let known = self.entry.options.contains(&name.as_str());
            let again = self.options.iter().take(position).any(|(other, _)| other == name);
            if !known || again {
                let nearest = nearest(name, self.entry.options.iter().copied()).filter(|_| !again);
                return Err(Misread::Option {
                    command,
                    typed: format!("--{name}"),
                    nearest,
                });
            }
            if value.is_none() {
                return Err(Misread::Missing { command });
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Result<Command, Misread> {
        Ok(match self.entry.name {
            "sale" => Command::Sale {
                goods: self.goods(),
                card: self.option("card"),
            },
            "tap" => Command::Tap { card: self.word(0) },
            "code" => Command::Code(self.goods()),
            "scan" => Command::Scan {
                goods: self.goods(),
                code: self.option("code").map(Zeroizing::new),
                image: self.option("image"),
            },
            "pay" => Command::Pay {
                wallet: self.choice(0, &WALLETS)?,
            },
            "cash" => Command::Cash(self.goods()),
            "cancel" => Command::Cancel,
            "receipt" => self.receipt()?,
            "history" => self.history()?,
            "show" => Command::Show {
                which: self.needed(0)?,
            },
            "refund" => Command::Refund {
                which: self.needed(0)?,
                amount: self.word(1),
            },
            "network" => match self.choice(0, &["on", "off"])? {
                Some(word) => Command::Network { online: word == "on" },
                None => return Err(self.missing()),
            },
            "queue" => Command::Queue,
            "sync" => Command::Sync,
            "close" => Command::Close,
            "cards" => Command::Cards,
            "fault" => Command::Fault {
                spec: self.needed(0)?,
            },
            "status" => Command::Status,
            "lang" => match self.choice(0, &["zh", "en"])?.and_then(Language::from_locale) {
                Some(language) => Command::Lang(language),
                None => return Err(self.missing()),
            },
            "help" => Command::Help { topic: self.topic()? },
            _ => Command::Quit,
        })
    }

    fn goods(&mut self) -> Goods {
        Goods {
            amount: self.word(0),
            category: self.option("category"),
            order: self.option("order"),
        }
    }

    fn receipt(&mut self) -> Result<Command, Misread> {
        let (mut which, mut copy, mut language) = (None, None, None);
        for word in &self.words {
            match word.as_str() {
                "merchant" if copy.is_none() => copy = Some(Copy::Merchant),
                "customer" if copy.is_none() => copy = Some(Copy::Customer),
                "zh" | "en" if language.is_none() => language = Language::from_locale(word),
                _ if which.is_none() && copy.is_none() && language.is_none() => which = Some(word.clone()),
                _ => return Err(self.wrong(word, nearest(word, ["merchant", "customer", "zh", "en"]))),
            }
        }
        let format = match self.option("format") {
            Some(typed) => {
                let known = ["text", "png", "escpos", "escpos-utf8", "html", "pdf"];
                SlipFormat::from_str(&typed, false).map_err(|_| self.wrong(&typed, nearest(&typed, known)))?
            }
            None => SlipFormat::Text,
        };
        Ok(Command::Receipt {
            which: which.unwrap_or_else(|| String::from("last")),
            wish: Wish {
                language,
                format,
                file: self.option("out").map(PathBuf::from),
                ..Wish::text(copy.unwrap_or(Copy::Customer))
            },
        })
    }

    fn history(&mut self) -> Result<Command, Misread> {
        let limit = match self.word(0) {
            Some(word) => match word.parse() {
                Ok(limit) if limit > 0 => limit,
                Ok(_) | Err(_) => return Err(self.wrong(&word, None)),
            },
            None => 10,
        };
        let state = self.option("state");
        if let Some(typed) = &state {
            let names = || {
                softpos_terminal::State::ALL
                    .into_iter()
                    .map(softpos_terminal::State::name)
            };
            if !names().any(|name| name == typed) {
                return Err(self.wrong(typed, nearest(typed, names())));
            }
        }
        Ok(Command::History { limit, state })
    }

    fn topic(&self) -> Result<Option<String>, Misread> {
        match self.word(0) {
            Some(word) if find(&word).is_none() => Err(unknown(&word)),
            topic => Ok(topic),
        }
    }

    fn word(&self, position: usize) -> Option<String> {
        self.words.get(position).cloned()
    }

    fn needed(&self, position: usize) -> Result<String, Misread> {
        self.word(position).ok_or_else(|| self.missing())
    }

    fn choice(&self, position: usize, choices: &[&'static str]) -> Result<Option<&'static str>, Misread> {
        let Some(word) = self.words.get(position) else {
            return Ok(None);
        };
        match choices.iter().find(|choice| *choice == word) {
            Some(choice) => Ok(Some(choice)),
            None => Err(self.wrong(word, nearest(word, choices.iter().copied()))),
        }
    }

    fn option(&mut self, name: &str) -> Option<String> {
        let position = self.options.iter().position(|(option, _)| option == name)?;
        self.options.swap_remove(position).1
    }

    fn wrong(&self, typed: &str, nearest: Option<&'static str>) -> Misread {
        Misread::Word {
            command: self.entry.name,
            typed: typed.to_owned(),
            nearest,
        }
    }

    const fn missing(&self) -> Misread {
        Misread::Missing {
            command: self.entry.name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Command {
        parse(line).unwrap().unwrap()
    }

    #[test]
    fn every_example_is_a_command_of_its_name() {
        for entry in COMMANDS {
            assert!(entry.usage.starts_with(entry.name));
            for example in entry.examples {
                assert!(example.starts_with(entry.name), "{example}");
                assert!(matches!(parse(example), Ok(Some(_))), "{example}");
            }
        }
    }

    #[test]
    fn sales_with_their_parts() {
        let goods = Goods {
            amount: Some("12.50".into()),
            category: Some("food".into()),
            order: Some("A-17".into()),
        };
        let line = "sale 12.50 --category food --order A-17 --card visa-approved";
        assert_eq!(
            read(line),
            Command::Sale {
                goods: goods.clone(),
                card: Some("visa-approved".into())
            }
        );
        assert_eq!(
            read("cash --order A-17 12.50 --category food"),
            Command::Cash(goods)
        );
        assert_eq!(read("code"), Command::Code(Goods::default()));
        assert_eq!(read("12.50"), Command::Amount("12.50".into()));
        assert_eq!(read("-3"), Command::Amount("-3".into()));
        assert_eq!(read("SALE 5"), read("sale 5"));
    }

    #[test]
    fn the_receipt_takes_its_words_in_any_order_behind_the_key() {
        let receipt = |which: &str, copy, language| Command::Receipt {
            which: which.into(),
            wish: Wish {
                language,
                ..Wish::text(copy)
            },
        };
        assert_eq!(read("receipt"), receipt("last", Copy::Customer, None));
        assert_eq!(
            read("receipt zh merchant"),
            receipt("last", Copy::Merchant, Some(Language::Zh))
        );
        assert_eq!(
            read("receipt 000003 en"),
            receipt("000003", Copy::Customer, Some(Language::En))
        );
        let in_file = Wish {
            format: SlipFormat::EscposUtf8,
            file: Some("x y".into()),
            ..Wish::text(Copy::Customer)
        };
        assert_eq!(
            read("receipt --out \"x y\" --format escpos-utf8"),
            Command::Receipt {
                which: "last".into(),
                wish: in_file
            }
        );
        assert!(matches!(
            parse("receipt --format pfd"),
            Err(Misread::Word {
                nearest: Some("pdf"),
                ..
            })
        ));
        assert!(matches!(
            parse("receipt last merchnt"),
            Err(Misread::Word {
                nearest: Some("merchant"),
                ..
            })
        ));
    }

    #[test]
    fn the_nearest_is_named() {
        let command = |line: &str| match parse(line) {
            Err(
                Misread::Command { nearest, .. }
                | Misread::Option { nearest, .. }
                | Misread::Word { nearest, .. },
            ) => nearest,
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(command("slae 5"), Some("sale"));
        assert_eq!(command("sale 5 --crad x"), Some("card"));
        assert_eq!(command("network of"), Some("off"));
        assert_eq!(command("pay wechta"), Some("wechat"));
        assert_eq!(command("history --state aproved"), Some("approved"));
        assert_eq!(command("help refnd"), Some("refund"));
        assert_eq!(command("frobnicate"), None);
        assert_eq!(command("queue 7"), None);
        assert_eq!(command("history 0"), None);
        assert_eq!(command("sale 5 --card a --card b"), None);
        assert_eq!(command("12 13"), None);
    }

    #[test]
    fn what_is_missing_is_said() {
        for line in ["show", "refund", "network", "fault", "lang", "sale 5 --card"] {
            assert!(matches!(parse(line), Err(Misread::Missing { .. })), "{line}");
        }
        assert_eq!(parse("sale 5 --order \"x"), Err(Misread::Quote));
        assert_eq!(parse("   "), Ok(None));
        assert_eq!(parse("# a comment"), Ok(None));
        assert_eq!(
            read("  pin 1234 "),
            Command::Pin(Some(Zeroizing::new("1234".into())))
        );
        assert_eq!(read("pin"), Command::Pin(None));
        assert_eq!(read("PIN 12"), Command::Pin(Some(Zeroizing::new("12".into()))));
        assert!(matches!(
            parse("pinn 1234"),
            Err(Misread::Command {
                nearest: Some("pin"),
                ..
            })
        ));
    }
}
