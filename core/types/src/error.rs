//! The one error that leaves the core.

use alloc::string::String;
use core::fmt;

use crate::MoneyError;

/// Whether money has moved, as far as the terminal knows: what a merchant asks first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MoneyState {
    /// Nothing was charged.
    NotMoved,
    /// The charge or refund stands.
    Moved,
    /// Not known yet: do not charge again.
    Unknown,
}

impl MoneyState {
    /// The stable name: `not_moved`, `moved`, `unknown`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotMoved => "not_moved",
            Self::Moved => "moved",
            Self::Unknown => "unknown",
        }
    }
}

macro_rules! names {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// Every value, for tables and tests.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable name, used in texts, JSON and logs.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

names! {
    /// What the person should do next.
    Action {
        /// Correct what was entered.
        CorrectInput = "correct_input",
        /// Do it again; nothing happened.
        TryAgain = "try_again",
        /// Wait: the till is finding out by itself.
        Wait = "wait",
        /// Look at the payment in the history before doing anything else.
        CheckHistory = "check_history",
        /// Check the network or the host's address.
        CheckNetwork = "check_network",
        /// Activate the till (again).
        Activate = "activate",
        /// Ask the acquirer for a new activation code.
        NewActivationCode = "new_activation_code",
        /// Use another card or another way to pay.
        UseAnotherCard = "use_another_card",
        /// Close the other copy of the program.
        CloseOtherCopy = "close_other_copy",
        /// Update the program.
        UpdateApp = "update_app",
        /// Let the stored and unfinished payments go through first.
        ForceSync = "force_sync",
        /// Free space or mend the permissions of the data folder.
        CheckStorage = "check_storage",
        /// Set the clock of the device.
        SetClock = "set_clock",
        /// Call the acquirer's support and name the code.
        ContactSupport = "contact_support",
    }
}

names! {
    /// What exactly went wrong. Names are stable: support staff and tests know them.
    Code {
        /// The text is not a decimal number.
        AmountNotANumber = "amount_not_a_number",
        /// The amount is zero.
        AmountZero = "amount_zero",
        /// The amount is below zero.
        AmountNegative = "amount_negative",
        /// More decimals than the currency has.
        AmountTooManyDecimals = "amount_too_many_decimals",
        /// Above the limit of a payment (12 digits, or the merchant's limit).
        AmountOverLimit = "amount_over_limit",
        /// Not the merchant's currency.
        CurrencyNotAllowed = "currency_not_allowed",
        /// The method is not allowed by the parameters.
        MethodNotAllowed = "method_not_allowed",
        /// The order id is malformed.
        OrderInvalid = "order_invalid",
        /// The order is tied to another payment already.
        OrderInUse = "order_in_use",
        /// What was scanned is no payer's payment code.
        NotAPaymentCode = "not_a_payment_code",
        /// The payer's code was charged before.
        CodeUsed = "code_used",
        /// The charge of the payer's code before has no end yet.
        CodeOrderOpen = "code_order_open",
        /// There is no payment with this key.
        PaymentNotFound = "payment_not_found",
        /// The payment is in no state to be refunded.
        NotRefundable = "not_refundable",
        /// More than what is left of the sale.
        RefundOverSale = "refund_over_sale",
        /// The PIN has fewer than 4 or more than 12 digits.
        PinLength = "pin_length",
        /// An answer came for something that nobody asked.
        NotExpected = "not_expected",
        /// The activation code is malformed.
        ActivationMalformed = "activation_malformed",
        /// The host does not know the activation code.
        ActivationUnknown = "activation_unknown",
        /// The activation code was used by another device.
        ActivationUsed = "activation_used",
        /// The activation code has expired.
        ActivationExpired = "activation_expired",
        /// The till is not activated yet.
        NotActivated = "not_activated",
        /// The attestation verdict is missing or too old.
        AttestationExpired = "attestation_expired",
        /// The host refused the device's attestation.
        AttestationRefused = "attestation_refused",
        /// The signed parameters are missing, expired or not for this till.
        ParametersInvalid = "parameters_invalid",
        /// The payment keys are used up or missing.
        KeysExhausted = "keys_exhausted",
        /// A reversal is pending; card sales wait for it.
        ReversalPending = "reversal_pending",
        /// Another payment is open.
        PaymentOpen = "payment_open",
        /// A day close waits for the host's answer.
        SettlementPending = "settlement_pending",
        /// Payments with an unknown result or stored ones are still open.
        PaymentsUnsettled = "payments_unsettled",
        /// Offline acceptance is off or its limits are reached.
        OfflineNotAllowed = "offline_not_allowed",
        /// Another copy of the program has the folder open.
        StoreInUse = "store_in_use",
        /// The folder cannot be read or written.
        StoreUnreadable = "store_unreadable",
        /// The folder was written by a newer version.
        StoreNewer = "store_newer",
        /// The folder's content is damaged.
        StoreDamaged = "store_damaged",
        /// The storage key does not fit the folder.
        StoreLocked = "store_locked",
        /// The disk is nearly full: nothing new is stored for later.
        StorageLow = "storage_low",
        /// The host does not find the journal to go on from the one it anchored before.
        JournalDisputed = "journal_disputed",
        /// Stored payments wait longer than the acquirer allows.
        QueueOverdue = "queue_overdue",
        /// The file is no backup, is damaged, or has another passphrase.
        BackupUnreadable = "backup_unreadable",
        /// The passphrase of a backup is too short.
        PassphraseShort = "passphrase_short",
        /// A backup is restored into an empty folder only.
        FolderNotEmpty = "folder_not_empty",
        /// No connection: nothing was sent.
        HostNotReached = "host_not_reached",
        /// The host's certificate is not the pinned one.
        HostNotTrusted = "host_not_trusted",
        /// The host answered something that is no answer of the protocol.
        HostGarbled = "host_garbled",
        /// The host's signature is wrong.
        HostSignature = "host_signature",
        /// The host refused the request.
        HostRefused = "host_refused",
        /// The key was used with another body.
        KeyReuse = "key_reuse",
        /// The clocks of device and host are too far apart.
        ClockSkew = "clock_skew",
        /// Sent, and no valid answer came.
        ResultUnknown = "result_unknown",
        /// The session is closed.
        SessionClosed = "session_closed",
        /// A fault inside the program; reopen the session.
        SessionPoisoned = "session_poisoned",
        /// The device's secure hardware refused.
        SecureHardware = "secure_hardware",
        /// The program was built without the font that pictures and PDF need.
        NoFont = "no_font",
    }
}

/// What an error says: the exact code, whether money moved, what to do, and a technical remark without card
/// data for support.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What exactly.
    pub code: Code,
    /// Whether money moved.
    pub money: MoneyState,
    /// What to do next.
    pub action: Action,
    /// A remark for support: never card data, keys or PINs.
    pub detail: Option<String>,
}

/// The error of every public call. Few variants, to be told apart by shells; the [`Fault`] inside says the rest.
///
/// A decline is no error but an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SoftPosError {
    /// What was entered cannot be used; nothing was recorded.
    InvalidInput(Fault),
    /// The till cannot do this yet or now.
    NotReady(Fault),
    /// Another copy of the program uses the data folder.
    StoreInUse(Fault),
    /// The data folder is unreadable, damaged, locked or of a newer version.
    StoreDamaged(Fault),
    /// The host could not be reached, or it is not the pinned one; nothing was sent.
    HostUnreachable(Fault),
    /// The host answered with a refusal of the request.
    HostRefused(Fault),
    /// Something was sent and its result is not known.
    ResultUnknown(Fault),
    /// The session has ended.
    Closed(Fault),
}

impl Fault {
    /// What a code says: money and action follow from it.
    pub fn of(code: Code) -> Self {
        let (_, money, action) = classify(code);
        Self {
            code,
            money,
            action,
            detail: None,
        }
    }
}

impl SoftPosError {
    /// The error for a code: variant, money and action follow from it.
    pub fn of(code: Code) -> Self {
        Fault::of(code).into()
    }

    /// Adds a remark for support.
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.fault_mut().detail = Some(detail.into());
        self
    }

    /// What the error says.
    pub const fn fault(&self) -> &Fault {
        match self {
            Self::InvalidInput(fault)
            | Self::NotReady(fault)
            | Self::StoreInUse(fault)
            | Self::StoreDamaged(fault)
            | Self::HostUnreachable(fault)
            | Self::HostRefused(fault)
            | Self::ResultUnknown(fault)
            | Self::Closed(fault) => fault,
        }
    }

    /// The code inside.
    pub const fn code(&self) -> Code {
        self.fault().code
    }

    const fn fault_mut(&mut self) -> &mut Fault {
        match self {
            Self::InvalidInput(fault)
            | Self::NotReady(fault)
            | Self::StoreInUse(fault)
            | Self::StoreDamaged(fault)
            | Self::HostUnreachable(fault)
            | Self::HostRefused(fault)
            | Self::ResultUnknown(fault)
            | Self::Closed(fault) => fault,
        }
    }
}

type Variant = fn(Fault) -> SoftPosError;

fn classify(code: Code) -> (Variant, MoneyState, Action) {
    use Code as C;
    use MoneyState::{NotMoved, Unknown};
    use SoftPosError as E;
    match code {
        C::AmountNotANumber
        | C::AmountZero
        | C::AmountNegative
        | C::AmountTooManyDecimals
        | C::AmountOverLimit
        | C::CurrencyNotAllowed
        | C::MethodNotAllowed
        | C::OrderInvalid
        | C::RefundOverSale
        | C::PinLength
        | C::BackupUnreadable
        | C::PassphraseShort
        | C::FolderNotEmpty
        | C::NotAPaymentCode
        | C::CodeUsed
        | C::NotExpected
        | C::ActivationMalformed => (E::InvalidInput, NotMoved, Action::CorrectInput),
        C::OrderInUse | C::PaymentNotFound | C::NotRefundable => {
            (E::InvalidInput, NotMoved, Action::CheckHistory)
        }
        C::NotActivated => (E::NotReady, NotMoved, Action::Activate),
        C::AttestationExpired | C::OfflineNotAllowed | C::QueueOverdue => {
            (E::NotReady, NotMoved, Action::CheckNetwork)
        }
        C::ParametersInvalid
        | C::KeysExhausted
        | C::ReversalPending
        | C::SettlementPending
        | C::PaymentsUnsettled => (E::NotReady, NotMoved, Action::ForceSync),
        C::PaymentOpen | C::CodeOrderOpen => (E::NotReady, NotMoved, Action::Wait),
        C::SecureHardware => (E::NotReady, NotMoved, Action::ContactSupport),
        C::StoreInUse => (E::StoreInUse, NotMoved, Action::CloseOtherCopy),
        C::StorageLow => (E::NotReady, NotMoved, Action::CheckStorage),
        C::StoreUnreadable => (E::StoreDamaged, NotMoved, Action::CheckStorage),
        C::NoFont => (E::NotReady, NotMoved, Action::UpdateApp),
        C::StoreNewer => (E::StoreDamaged, NotMoved, Action::UpdateApp),
        C::StoreDamaged | C::StoreLocked | C::JournalDisputed => {
            (E::StoreDamaged, NotMoved, Action::ContactSupport)
        }
        C::HostNotReached => (E::HostUnreachable, NotMoved, Action::CheckNetwork),
        C::HostNotTrusted => (E::HostUnreachable, NotMoved, Action::UpdateApp),
        C::ActivationUnknown | C::ActivationUsed | C::ActivationExpired => {
            (E::HostRefused, NotMoved, Action::NewActivationCode)
        }
        C::AttestationRefused | C::HostRefused | C::KeyReuse => {
            (E::HostRefused, NotMoved, Action::ContactSupport)
        }
        C::ClockSkew => (E::HostRefused, NotMoved, Action::SetClock),
        C::HostGarbled | C::HostSignature | C::ResultUnknown => (E::ResultUnknown, Unknown, Action::Wait),
        C::SessionClosed | C::SessionPoisoned => (E::Closed, Unknown, Action::CheckHistory),
    }
}

impl From<MoneyError> for Code {
    fn from(error: MoneyError) -> Self {
        match error {
            MoneyError::NotANumber => Self::AmountNotANumber,
            MoneyError::Zero => Self::AmountZero,
            MoneyError::Negative => Self::AmountNegative,
            MoneyError::TooManyDecimals => Self::AmountTooManyDecimals,
            MoneyError::TooLarge => Self::AmountOverLimit,
            MoneyError::CurrencyMismatch => Self::CurrencyNotAllowed,
        }
    }
}

/// The variant follows from the code.
impl From<Fault> for SoftPosError {
    fn from(fault: Fault) -> Self {
        let (variant, ..) = classify(fault.code);
        variant(fault)
    }
}

/// The variant and the code, for logs. Sentences for people are in softpos-text.
impl fmt::Display for SoftPosError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = self.fault();
        write!(
            f,
            "{} (money {}, {})",
            fault.code.name(),
            fault.money.name(),
            fault.action.name()
        )?;
        fault.detail.iter().try_for_each(|detail| write!(f, ": {detail}"))
    }
}

impl core::error::Error for SoftPosError {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn every_code_has_one_name_and_a_class() {
        for (i, code) in Code::ALL.iter().enumerate() {
            assert_eq!(SoftPosError::of(*code).code(), *code);
            assert!(Code::ALL[i + 1..].iter().all(|other| other.name() != code.name()));
        }
    }

    #[test]
    fn a_time_out_never_says_that_nothing_moved() {
        let error = SoftPosError::of(Code::ResultUnknown).with_detail("T1");
        assert_eq!(error.fault().money, MoneyState::Unknown);
        assert_eq!(error.to_string(), "result_unknown (money unknown, wait): T1");
    }
}
