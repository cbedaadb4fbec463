//! The words without content that both sides share.

use softpos_terminal as terminal;
use softpos_types as types;

use crate::mirror::mirror;

mirror! {
    /// A language that softpos speaks.
    Language = types::Language {
        /// Chinese, simplified.
        Zh,
        /// English.
        En,
    }
}

mirror! {
    /// How the customer pays.
    Method = types::Method {
        /// A contactless card or phone.
        Card,
        /// A payment code that the till shows.
        Code,
        /// Notes and coins.
        Cash,
    }
}

mirror! {
    /// What a payment does.
    Operation = types::Operation {
        /// Takes money for goods.
        Sale,
        /// Gives money of an earlier sale back.
        Refund,
    }
}

mirror! {
    /// Where a payment stands.
    PaymentState = terminal::State {
        /// Written down; it may have been sent.
        Armed,
        /// A code is shown and waits for its payer.
        AwaitingPayer,
        /// Sent, and no valid answer came: do not charge again, the till is finding out.
        Unknown,
        /// Accepted while offline, to be forwarded.
        Stored,
        /// Being undone at the host.
        Reversing,
        /// Money moved.
        Approved,
        /// Refused by host, issuer or card.
        Declined,
        /// Nothing was sent.
        Failed,
        /// Undone.
        Reversed,
        /// Nobody paid the code in time, or a stored payment grew too old.
        Expired,
    }
}

mirror! {
    /// Whether money has moved, as far as the till knows.
    MoneyState = types::MoneyState {
        /// Nothing was charged.
        NotMoved,
        /// The charge or refund stands.
        Moved,
        /// Not known yet: do not charge again.
        Unknown,
    }
}

mirror! {
    /// Why a card payment ended before anything was recorded.
    NotStarted = terminal::NotStarted {
        /// The operator gave up.
        Cancelled,
        /// No card came in time.
        TimedOut,
        /// The card cannot be used here: another card or way to pay.
        CardNotAccepted,
        /// The card refused.
        CardDeclined,
        /// The journal could not be written.
        NotRecorded,
        /// The device's secure hardware refused.
        SecureHardware,
    }
}

mirror! {
    /// A step of the activation.
    ActivationStage = terminal::ActivationStage {
        /// The code is redeemed.
        Redeem,
        /// The device is attested.
        Attest,
        /// The keys are loaded.
        LoadKeys,
        /// The parameters are fetched.
        Parameters,
    }
}

mirror! {
    /// How the two sides of a day close differ on a payment.
    DifferenceKind = terminal::DifferenceKind {
        /// The host has it, the till has not.
        HostOnly,
        /// The till has it, the host has not.
        TerminalOnly,
        /// The amounts differ.
        Amount,
        /// The states differ.
        State,
    }
}

mirror! {
    /// Whose copy of a slip.
    SlipCopy = terminal::Copy {
        /// Stays with the merchant; carries the signature.
        Merchant,
        /// Goes with the customer.
        Cardholder,
    }
}

mirror! {
    /// The width of the paper.
    Columns = terminal::Columns {
        /// 32 columns: a roll of 58 mm.
        Narrow,
        /// 48 columns: a roll of 80 mm.
        Wide,
    }
}

mirror! {
    /// How much a log line matters.
    LogLevel = terminal::LogLevel {
        /// The course of things.
        Info,
        /// Something failed and the till copes.
        Warning,
        /// Someone has to act.
        Error,
    }
}
