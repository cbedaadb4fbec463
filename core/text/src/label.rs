//! Short names of things: the captions of receipts, lists and totals.

macro_rules! labels {
    ($($(#[$doc:meta])* $variant:ident = $key:literal,)*) => {
        /// A caption, said by [`crate::Texts::label`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Label { $($(#[$doc])* $variant,)* }

        impl Label {
            /// Every caption, for tests.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The key of the message in the Fluent files.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => concat!("label-", $key),)* }
            }
        }
    };
}

labels! {
    /// Title of a slip for a `UnionPay` card.
    TitleUnionpay = "title-unionpay",
    /// Title of a slip for another card.
    TitleCard = "title-card",
    /// Title of a slip for a payment code.
    TitleCode = "title-code",
    /// Title of a cash slip.
    TitleCash = "title-cash",
    /// Title of the slip of a batch that the host has not settled.
    TitleDayClose = "title-day-close",
    /// Title of the settlement slip.
    TitleSettlement = "title-settlement",
    /// Merchant name.
    MerchantName = "merchant-name",
    /// Merchant number.
    MerchantNumber = "merchant-number",
    /// Terminal number.
    TerminalNumber = "terminal-number",
    /// Operator.
    Operator = "operator",
    /// Issuer.
    Issuer = "issuer",
    /// Acquirer.
    Acquirer = "acquirer",
    /// Card number.
    CardNumber = "card-number",
    /// Type.
    Type = "type",
    /// A sale.
    TypeSale = "type-sale",
    /// A void.
    TypeVoid = "type-void",
    /// A refund.
    TypeRefund = "type-refund",
    /// Batch.
    Batch = "batch",
    /// Voucher number (STAN).
    Voucher = "voucher",
    /// Auth code.
    AuthCode = "auth-code",
    /// Reference number (DE37).
    Reference = "reference",
    /// Date.
    Date = "date",
    /// Amount.
    Amount = "amount",
    /// Voucher number of a refund's or void's original.
    OriginalVoucher = "original-voucher",
    /// Reference number of a refund's or void's original.
    OriginalReference = "original-reference",
    /// Wallet or scheme of a code payment.
    Channel = "channel",
    /// The wallet's own transaction number.
    ChannelTransaction = "channel-transaction",
    /// Payer.
    Payer = "payer",
    /// Order.
    Order = "order",
    /// Number of the payment for all its life (key).
    PaymentKey = "payment-key",
    /// Name of the card application.
    Application = "application",
    /// Note.
    Note = "note",
    /// Signature.
    Signature = "signature",
    /// Sentence under a signature.
    Acknowledgement = "acknowledgement",
    /// The PIN was entered.
    PinVerified = "pin-verified",
    /// The cardholder was verified on their own device.
    DeviceVerified = "device-verified",
    /// Mark of a payment stored offline.
    StoredOffline = "stored-offline",
    /// Mark of a decline.
    Declined = "declined",
    /// Mark of an offline decline.
    DeclinedOffline = "declined-offline",
    /// Mark of a reversed payment.
    Reversed = "reversed",
    /// The copy the merchant keeps.
    CopyMerchant = "copy-merchant",
    /// The copy the cardholder gets.
    CopyCardholder = "copy-cardholder",
    /// Mark of a reprint.
    Duplicate = "duplicate",
    /// Method card.
    MethodCard = "method-card",
    /// Method code.
    MethodCode = "method-code",
    /// Method cash.
    MethodCash = "method-cash",
    /// Settled, totals agree.
    SettledBalanced = "settled-balanced",
    /// Settled, totals differ.
    SettledDiffers = "settled-differs",
    /// Not settled yet.
    SettledPending = "settled-pending",
    /// Heading of the payments without a final result.
    Unresolved = "unresolved",
    /// State approved.
    StateApproved = "state-approved",
    /// State declined.
    StateDeclined = "state-declined",
    /// State stored.
    StateStored = "state-stored",
    /// State reversing.
    StateReversing = "state-reversing",
    /// State reversed.
    StateReversed = "state-reversed",
    /// State unknown.
    StateUnknown = "state-unknown",
}
