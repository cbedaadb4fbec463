//! How types of the terminal become types of the other side: one to one, so that whatever is new below does not compile
//! here until it has its place.

use softpos_types::{
    AuthCode, Batch, Code, Currency, MerchantId, OrderId, PaymentKey, Rrn, Stan, TerminalId,
};

use crate::error::Fault;

/// A value on its way to the other side.
pub(crate) trait Cross<T> {
    fn cross(self) -> T;
}

/// An enum for the other side that holds the variants of one below.
macro_rules! mirror {
    ($(#[$meta:meta])* $name:ident = $core:path { $($(#[$doc:meta])* $variant:ident,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, uniffi::Enum)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl From<$core> for $name {
            fn from(word: $core) -> Self {
                match word { $(<$core>::$variant => Self::$variant,)* }
            }
        }

        impl From<$name> for $core {
            fn from(word: $name) -> Self {
                match word { $($name::$variant => Self::$variant,)* }
            }
        }

        impl $crate::mirror::Cross<$name> for $core {
            fn cross(self) -> $name {
                self.into()
            }
        }
    };
}

/// A record for the other side with the fields of one below, or some of them.
macro_rules! record {
    ($(#[$meta:meta])* $name:ident = $core:path { $($(#[$doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
        pub struct $name { $($(#[$doc])* pub $field: $type,)* }

        impl $crate::mirror::Cross<$name> for $core {
            fn cross(self) -> $name {
                $name { $($field: $crate::mirror::Cross::cross(self.$field),)* }
            }
        }
    };
}

pub(crate) use {mirror, record};

macro_rules! cross {
    ($($from:ty => $to:ty: $by:expr;)*) => {
        $(impl Cross<$to> for $from {
            fn cross(self) -> $to {
                let by: fn(Self) -> $to = $by;
                by(self)
            }
        })*
    };
}

cross! {
    bool => bool: |value| value;
    u8 => u8: |value| value;
    u32 => u32: |value| value;
    u64 => u64: |value| value;
    i16 => i16: |value| value;
    i64 => i64: |value| value;
    String => String: |value| value;
    Vec<u8> => Vec<u8>: |value| value;
    PaymentKey => String: |key| key.to_string();
    Stan => u32: Stan::value;
    Batch => u32: Batch::value;
    Currency => String: |currency| currency.alpha().to_owned();
    OrderId => String: |text| text.as_str().to_owned();
    AuthCode => String: |text| text.as_str().to_owned();
    Rrn => String: |text| text.as_str().to_owned();
    TerminalId => String: |text| text.as_str().to_owned();
    MerchantId => String: |text| text.as_str().to_owned();
    Code => Fault: Fault::from;
}

impl<A: Cross<B>, B> Cross<Option<B>> for Option<A> {
    fn cross(self) -> Option<B> {
        self.map(A::cross)
    }
}

/// A list of anything but bytes.
macro_rules! lists {
    ($($from:ty => $to:ty,)*) => {
        $(impl Cross<Vec<$to>> for Vec<$from> {
            fn cross(self) -> Vec<$to> {
                self.into_iter().map(Cross::cross).collect()
            }
        })*
    };
}

lists! {
    String => String,
    softpos_types::Method => crate::words::Method,
    softpos_terminal::PaymentSummary => crate::payment::PaymentSummary,
    softpos_terminal::SettlementLine => crate::step::SettlementLine,
    softpos_terminal::Difference => crate::step::Difference,
    softpos_terminal::LogField => crate::ports::LogField,
}
