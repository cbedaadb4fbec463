//! What a slip is made of.

use core::fmt;

use softpos_types::{
    AuthCode, Batch, LocalTime, MerchantId, Money, OrderId, PaymentKey, Rrn, Stan, TerminalId,
};

use crate::MaskedPan;

/// Application identifiers of `UnionPay` start with this.
const UNIONPAY_RID: &[u8] = &[0xA0, 0x00, 0x00, 0x03, 0x33];

/// One payment, as its slip shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptData {
    /// The merchant's name from the parameters.
    pub merchant_name: String,
    /// Merchant number (DE42).
    pub merchant: MerchantId,
    /// Terminal number (DE41).
    pub terminal: TerminalId,
    /// Number of the operator, if the till has several.
    pub operator: Option<String>,
    /// Sale, refund or void.
    pub kind: Kind,
    /// Card, code or cash.
    pub source: Source,
    /// How it ended.
    pub state: State,
    /// The amount, as approved.
    pub amount: Money,
    /// Batch number.
    pub batch: Batch,
    /// Voucher number.
    pub stan: Stan,
    /// Authorisation code (DE38).
    pub auth_code: Option<AuthCode>,
    /// Reference number (DE37).
    pub rrn: Option<Rrn>,
    /// Date and time of the answer at the merchant's place.
    pub local_time: LocalTime,
    /// The payment's key.
    pub key: PaymentKey,
    /// The merchant's own order number.
    pub order: Option<OrderId>,
    /// A remark of the merchant.
    pub note: Option<String>,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Money taken for goods.
    Sale,
    /// Money of an earlier sale given back; the sale, while the journal still has it.
    Refund(Option<Original>),
    /// A sale taken back as a whole.
    Void(Option<Original>),
}

/// The sale that a refund or void belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// Its voucher number.
    pub stan: Stan,
    /// Its reference number.
    pub rrn: Option<Rrn>,
}

/// What the customer paid with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A card or a phone in its place.
    Card(CardData),
    /// A payment code.
    Code(CodeData),
    /// Notes and coins.
    Cash,
}

/// The card part of a slip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardData {
    /// First 6 and last 4 digits; absent of a refund whose sale the journal no longer has.
    pub pan: Option<MaskedPan>,
    /// Whose card it is: the slip's title says so.
    pub scheme: Scheme,
    /// How the card was read.
    pub entry: Entry,
    /// Name or number of the issuer (DE44).
    pub issuer: Option<String>,
    /// Name or number of the acquirer (DE44).
    pub acquirer: Option<String>,
    /// How the cardholder was verified.
    pub cvm: Cvm,
    /// The chip's data; absent of a card that has none.
    pub emv: Option<EmvBlock>,
}

/// The schemes that have slips with a title of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `UnionPay`.
    UnionPay,
    /// Any other.
    Other,
}

impl Scheme {
    /// The scheme of an application identifier (tag 84): its first 5 bytes are the registered provider.
    pub fn of_aid(aid: &[u8]) -> Self {
        if aid.starts_with(UNIONPAY_RID) {
            Self::UnionPay
        } else {
            Self::Other
        }
    }
}

/// How a card was read; its letter follows the number on the slip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Contactless: C.
    Contactless,
    /// Chip: I.
    Chip,
    /// Magnetic stripe: S.
    Stripe,
}

impl Entry {
    pub(crate) const fn letter(self) -> char {
        match self {
            Self::Contactless => 'C',
            Self::Chip => 'I',
            Self::Stripe => 'S',
        }
    }
}

/// How the cardholder was verified, as far as the slip shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cvm {
    /// Not at all, and nothing to be said about it.
    None,
    /// By signature on the merchant's copy.
    Signature,
    /// By PIN.
    Pin,
    /// On the customer's own device.
    OnDevice,
    /// Not at all, because the amount is not over the limit.
    NoPinNoSignature {
        /// The limit of the parameters.
        limit: Money,
    },
}

/// Chip data in the order of the slip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmvBlock {
    /// Application identifier (84), 5 to 16 bytes.
    pub aid: Vec<u8>,
    /// Application label or preferred name.
    pub label: String,
    /// The cryptogram.
    pub cryptogram: Cryptogram,
    /// Terminal verification results (95).
    pub tvr: [u8; 5],
    /// Transaction status information (9B).
    pub tsi: Option<[u8; 2]>,
    /// Application transaction counter (9F36).
    pub atc: [u8; 2],
    /// Card sequence number (5F34).
    pub csn: Option<u8>,
    /// Unpredictable number (9F37).
    pub unpredictable: [u8; 4],
    /// Application interchange profile (82).
    pub aip: [u8; 2],
    /// Terminal capabilities (9F33).
    pub terminal_capabilities: [u8; 3],
    /// Issuer application data (9F10), up to 32 bytes.
    pub iad: Vec<u8>,
}

/// Cryptogram (9F26) by its kind: ARQC if the payment went online, TC if the card approved it offline, AAC if the card
/// declined it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cryptogram {
    /// Online request.
    Arqc([u8; 8]),
    /// Offline approval.
    Tc([u8; 8]),
    /// Decline.
    Aac([u8; 8]),
}

impl Cryptogram {
    pub(crate) const fn parts(self) -> (&'static str, [u8; 8]) {
        match self {
            Self::Arqc(bytes) => ("ARQC", bytes),
            Self::Tc(bytes) => ("TC", bytes),
            Self::Aac(bytes) => ("AAC", bytes),
        }
    }
}

/// The code part of a slip, in place of card and chip data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeData {
    /// The wallet: `wechat`, `alipay`, `unionpay`, or its own name.
    pub channel: String,
    /// The wallet's transaction number.
    pub transaction: Option<String>,
    /// The payer, masked by the wallet.
    pub payer: Option<String>,
}

/// How the payment ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Approved.
    Approved,
    /// Declined by the host or offline.
    Declined {
        /// DE39 or tag 8A.
        code: String,
    },
    /// Accepted offline, not yet approved.
    StoredOffline,
    /// Never sent: no money moved.
    NotSent,
    /// Nobody paid the code in time: no money moved.
    Expired,
    /// Reversed.
    Reversed,
    /// Not known, or still being reversed: prints no slip.
    Unknown,
}

/// Whose copy a slip is. Both differ only in its name and in the signature lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copy {
    /// Stays with the merchant; carries the signature.
    Merchant,
    /// Goes with the customer.
    Cardholder,
}

/// A payment whose result is not known has no slip: nobody shall take one for a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSlip;

impl fmt::Display for NoSlip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no slip while the result of the payment is unknown")
    }
}

impl core::error::Error for NoSlip {}
