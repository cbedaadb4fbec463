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
    /// Title of a sale's slip for a `UnionPay` card.
    TitleUnionpay = "title-unionpay",
    /// Of a refund's.
    TitleUnionpayRefund = "title-unionpay-refund",
    /// Of a void's.
    TitleUnionpayVoid = "title-unionpay-void",
    /// Title of a sale's slip for another card.
    TitleCard = "title-card",
    /// Of a refund's.
    TitleCardRefund = "title-card-refund",
    /// Of a void's.
    TitleCardVoid = "title-card-void",
    /// Title of a sale's slip for a payment code.
    TitleCode = "title-code",
    /// Of a refund's.
    TitleCodeRefund = "title-code-refund",
    /// Of a void's.
    TitleCodeVoid = "title-code-void",
    /// Title of a sale's cash slip.
    TitleCash = "title-cash",
    /// Of a refund's.
    TitleCashRefund = "title-cash-refund",
    /// Of a void's.
    TitleCashVoid = "title-cash-void",
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
    /// Never sent, no money moved.
    NotSent = "not-sent",
    /// Not paid in time, no money moved.
    Expired = "expired",
    /// Mark of a decline.
    Declined = "declined",
    /// Mark of an offline decline.
    DeclinedOffline = "declined-offline",
    /// Why it was declined.
    Reason = "reason",
    /// Mark of a reversed payment.
    Reversed = "reversed",
    /// The copy the merchant keeps.
    CopyMerchant = "copy-merchant",
    /// The copy the cardholder gets.
    CopyCardholder = "copy-cardholder",
    /// Name of the customer copy of a slip without a card.
    CopyCustomer = "copy-customer",
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
