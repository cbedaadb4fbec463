//! The schemes whose cards there are.

/// A scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CardScheme {
    /// Visa.
    Visa,
    /// Mastercard.
    Mastercard,
    /// `UnionPay`.
    UnionPay,
    /// American Express.
    AmericanExpress,
    /// JCB.
    Jcb,
    /// Discover.
    Discover,
}

impl CardScheme {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Visa,
        Self::Mastercard,
        Self::UnionPay,
        Self::AmericanExpress,
        Self::Jcb,
        Self::Discover,
    ];

    /// The application that its cards carry; the first five bytes are the registered provider (RID).
    pub const fn aid(self) -> &'static [u8] {
        match self {
            Self::Visa => &[0xA0, 0x00, 0x00, 0x00, 0x03, 0x10, 0x10],
            Self::Mastercard => &[0xA0, 0x00, 0x00, 0x00, 0x04, 0x10, 0x10],
            Self::UnionPay => &[0xA0, 0x00, 0x00, 0x03, 0x33, 0x01, 0x01, 0x02],
            Self::AmericanExpress => &[0xA0, 0x00, 0x00, 0x00, 0x25, 0x01, 0x08, 0x01],
            Self::Jcb => &[0xA0, 0x00, 0x00, 0x00, 0x65, 0x10, 0x10],
            Self::Discover => &[0xA0, 0x00, 0x00, 0x01, 0x52, 0x30, 0x10],
        }
    }

    /// The registered provider.
    pub const fn rid(self) -> [u8; 5] {
        match self.aid().first_chunk() {
            Some(rid) => *rid,
            None => [0; 5],
        }
    }

    /// The kernel that reads it.
    pub const fn kernel(self) -> u8 {
        match self {
            Self::Mastercard => 2,
            Self::Visa => 3,
            Self::AmericanExpress => 4,
            Self::Jcb => 5,
            Self::Discover => 6,
            Self::UnionPay => 7,
        }
    }

    /// The stable name, as `american_express`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Visa => "visa",
            Self::Mastercard => "mastercard",
            Self::UnionPay => "unionpay",
            Self::AmericanExpress => "american_express",
            Self::Jcb => "jcb",
            Self::Discover => "discover",
        }
    }

    /// The first eight digits of the sandbox's card numbers: the issuer that its certificates name.
    pub(crate) const fn issuer_prefix(self) -> &'static str {
        match self {
            Self::Visa => "47617399",
            Self::Mastercard => "54133399",
            Self::UnionPay => "62399999",
            Self::AmericanExpress => "37424599",
            Self::Jcb => "35660099",
            Self::Discover => "60110099",
        }
    }

    /// 50, application label.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Visa => "VISA CREDIT",
            Self::Mastercard => "MASTERCARD",
            Self::UnionPay => "UNIONPAY CREDIT",
            Self::AmericanExpress => "AMERICAN EXPRESS",
            Self::Jcb => "JCB CREDIT",
            Self::Discover => "DISCOVER",
        }
    }
}
