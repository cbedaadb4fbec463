//! What a payment does, how it is paid, why it is undone: the same words in journal, protocol and receipts.

/// What a transaction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
pub enum Operation {
    /// Takes money for goods.
    Sale,
    /// Gives money of an earlier sale back.
    Refund,
}

/// How the customer pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
pub enum Method {
    /// A contactless card or phone.
    Card,
    /// A payment code that the till shows.
    Code,
    /// Notes and coins: told to the host for the books.
    Cash,
}

/// Why a transaction is reversed (DE39 of a 0400).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ReversalReason {
    /// No answer came in time.
    #[cfg_attr(feature = "serde", serde(rename = "98"))]
    NoAnswer,
    /// The answer's signature was wrong.
    #[cfg_attr(feature = "serde", serde(rename = "A0"))]
    BadSignature,
    /// Anything else: the operator gave up, the card declined, the amount differed.
    #[cfg_attr(feature = "serde", serde(rename = "06"))]
    Other,
}

impl Operation {
    /// The stable name: `sale`, `refund`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Refund => "refund",
        }
    }
}

impl Method {
    /// All of them, in the order of a day close.
    pub const ALL: [Self; 3] = [Self::Card, Self::Code, Self::Cash];

    /// The stable name: `card`, `code`, `cash`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Code => "code",
            Self::Cash => "cash",
        }
    }
}

impl ReversalReason {
    /// The two characters of DE39.
    pub const fn de39(self) -> &'static str {
        match self {
            Self::NoAnswer => "98",
            Self::BadSignature => "A0",
            Self::Other => "06",
        }
    }
}
