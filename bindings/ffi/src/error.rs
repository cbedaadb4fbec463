//! The one error of every call.

use std::fmt;

use softpos_terminal::Texts;
use softpos_types as types;
use softpos_types::Language;

use crate::words::MoneyState;

/// What an error says: the exact code, whether money moved, what to do next, and sentences for people.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Fault {
    /// The stable name of what exactly went wrong, as `store_in_use`.
    pub code: String,
    /// Whether money moved.
    pub money: MoneyState,
    /// The stable name of what to do next, as `check_network`.
    pub action: String,
    /// What happened, whether money moved and what to do, in Chinese.
    pub text_zh: String,
    /// The same in English.
    pub text_en: String,
    /// A technical remark for support: never card data, keys or PINs.
    pub detail: Option<String>,
}

impl From<types::Fault> for Fault {
    fn from(fault: types::Fault) -> Self {
        Self {
            code: fault.code.name().to_owned(),
            money: fault.money,
            action: fault.action.name().to_owned(),
            text_zh: Texts::new(Language::Zh).fault(&fault),
            text_en: Texts::new(Language::En).fault(&fault),
            detail: fault.detail,
        }
    }
}

/// The error with its variants, each around a fault, as the core has it.
macro_rules! errors {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, uniffi::Error)]
        #[uniffi::export(Display)]
        pub enum $name {
            $($(#[$doc])* $variant {
                /// What it says.
                fault: Fault,
            },)*
        }

        impl $name {
            /// What the error says.
            pub const fn fault(&self) -> &Fault {
                match self { $(Self::$variant { fault })|* => fault }
            }
        }

        impl From<types::$name> for $name {
            fn from(error: types::$name) -> Self {
                match error {
                    $(types::$name::$variant(fault) => Self::$variant { fault: fault.into() },)*
                }
            }
        }
    };
}

errors! {
    /// The error of every call. Few variants, for a program to branch on; the fault inside is for people.
    /// A decline is no error but an outcome.
    SoftPosError {
        /// What was entered cannot be used; nothing was recorded.
        InvalidInput,
        /// The till cannot do this yet or now.
        NotReady,
        /// Another copy of the program uses the data folder.
        StoreInUse,
        /// The data folder is unreadable, damaged, locked or of a newer version.
        StoreDamaged,
        /// The host could not be reached, or it is not the pinned one; nothing was sent.
        HostUnreachable,
        /// The host answered with a refusal of the request.
        HostRefused,
        /// Something was sent and its result is not known.
        ResultUnknown,
        /// The session has ended. With the code `session_poisoned` something inside failed: open the folder again.
        Closed,
    }
}

/// The code, for logs.
impl fmt::Display for SoftPosError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = self.fault();
        f.write_str(&fault.code)?;
        fault.detail.iter().try_for_each(|detail| write!(f, ": {detail}"))
    }
}

impl std::error::Error for SoftPosError {}
