//! How the words of softpos-types are written in JSON: as the text a person would read.

macro_rules! as_text {
    ($module:ident, $type:ty, $to:expr, $from:expr) => {
        pub(crate) mod $module {
            #![allow(dead_code, reason = "not every word appears as an option too")]
            #![allow(
                clippy::ref_option,
                reason = "the signatures are those that serde's derive calls"
            )]
            use alloc::string::String;

            use super::*;

            use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

            fn parse<E: serde::de::Error>(text: &str) -> Result<$type, E> {
                let from: fn(&str) -> Option<$type> = $from;
                from(text).ok_or_else(|| E::custom(concat!("not a ", stringify!($module))))
            }

            pub(crate) fn serialize<S: Serializer>(value: &$type, serializer: S) -> Result<S::Ok, S::Error> {
                let to: fn(&$type) -> String = $to;
                serializer.serialize_str(&to(value))
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                let text = String::deserialize(deserializer).map_err(D::Error::custom)?;
                parse(&text)
            }

            pub(crate) mod option {
                use super::*;

                pub(crate) fn serialize<S: Serializer>(
                    value: &Option<$type>,
                    serializer: S,
                ) -> Result<S::Ok, S::Error> {
                    match value {
                        Some(value) => super::serialize(value, serializer),
                        None => serializer.serialize_none(),
                    }
                }

                pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
                    deserializer: D,
                ) -> Result<Option<$type>, D::Error> {
                    let text = Option::<String>::deserialize(deserializer).map_err(D::Error::custom)?;
                    text.map(|text| parse(&text)).transpose()
                }
            }
        }
    };
}

use alloc::string::ToString as _;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use softpos_types::{AuthCode, Batch, Currency, MerchantId, OrderId, PaymentKey, Rrn, Stan, TerminalId};

as_text!(key, PaymentKey, |k| k.to_string(), |t| t.parse().ok());
as_text!(terminal, TerminalId, |t| t.to_string(), |t| TerminalId::new(t)
    .ok());
as_text!(merchant, MerchantId, |m| m.to_string(), |t| MerchantId::new(t)
    .ok());
as_text!(order, OrderId, |o| o.to_string(), |t| OrderId::new(t).ok());
as_text!(auth_code, AuthCode, |a| a.to_string(), |t| AuthCode::new(t).ok());
as_text!(rrn, Rrn, |r| r.to_string(), |t| Rrn::new(t).ok());
as_text!(currency, Currency, |c| c.alpha().into(), Currency::from_alpha);
as_text!(stan, Stan, |s| s.to_string(), |t| six_digits(t)
    .and_then(|n| Stan::new(n).ok()));
as_text!(batch, Batch, |b| b.to_string(), |t| six_digits(t)
    .and_then(|n| Batch::new(n).ok()));
as_text!(bytes, Vec<u8>, |b| URL_SAFE_NO_PAD.encode(b), |t| URL_SAFE_NO_PAD
    .decode(t)
    .ok());

fn six_digits(text: &str) -> Option<u32> {
    let valid = text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit());
    if valid { text.parse().ok() } else { None }
}
