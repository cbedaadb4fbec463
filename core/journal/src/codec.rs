//! How the words of softpos-types are written in CBOR.

macro_rules! codec {
    ($module:ident, $type:ty, $encode:expr, $decode:expr) => {
        pub(crate) mod $module {
            #[allow(unused_imports)]
            use super::*;

            pub(crate) fn encode<C, W: minicbor::encode::Write>(
                value: &$type,
                e: &mut Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                let encode: fn(&$type, &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> =
                    $encode;
                encode(value, e)
            }

            pub(crate) fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<$type, Error> {
                let decode: fn(&mut Decoder<'_>) -> Result<Option<$type>, Error> = $decode;
                decode(d)?.ok_or_else(|| Error::message(concat!("not a ", stringify!($module))))
            }

            #[allow(dead_code, reason = "not every word appears as an option too")]
            #[allow(
                clippy::ref_option,
                reason = "the signatures are those that minicbor's derive calls"
            )]
            pub(crate) mod option {
                use super::*;

                pub(crate) fn encode<C, W: minicbor::encode::Write>(
                    value: &Option<$type>,
                    e: &mut Encoder<W>,
                    c: &mut C,
                ) -> Result<(), minicbor::encode::Error<W::Error>> {
                    match value {
                        Some(value) => super::encode(value, e, c),
                        None => e.null().map(drop),
                    }
                }

                pub(crate) fn decode<C>(d: &mut Decoder<'_>, c: &mut C) -> Result<Option<$type>, Error> {
                    if d.datatype()? == minicbor::data::Type::Null {
                        d.skip()?;
                        return Ok(None);
                    }
                    super::decode(d, c).map(Some)
                }

                pub(crate) fn nil() -> Option<Option<$type>> {
                    Some(None)
                }

                pub(crate) fn is_nil(value: &Option<$type>) -> bool {
                    value.is_none()
                }
            }
        }
    };
}

use minicbor::decode::Error;
use minicbor::{Decoder, Encoder};
use softpos_types::{
    AuthCode, Batch, Currency, Language, MerchantId, Method, Money, Operation, OrderId, PaymentKey,
    ReversalReason, Rrn, Stan, TerminalId,
};

codec!(key, PaymentKey, |k, e| e.bytes(k.as_bytes()).map(drop), |d| Ok(
    PaymentKey::from_bytes(d.bytes()?).ok()
));
codec!(terminal, TerminalId, |t, e| e.str(t.as_str()).map(drop), |d| Ok(
    TerminalId::new(d.str()?).ok()
));
codec!(merchant, MerchantId, |m, e| e.str(m.as_str()).map(drop), |d| Ok(
    MerchantId::new(d.str()?).ok()
));
codec!(order, OrderId, |o, e| e.str(o.as_str()).map(drop), |d| Ok(
    OrderId::new(d.str()?).ok()
));
codec!(auth_code, AuthCode, |a, e| e.str(a.as_str()).map(drop), |d| Ok(
    AuthCode::new(d.str()?).ok()
));
codec!(rrn, Rrn, |r, e| e.str(r.as_str()).map(drop), |d| Ok(Rrn::new(
    d.str()?
)
.ok()));
codec!(stan, Stan, |s, e| e.u32(s.value()).map(drop), |d| Ok(Stan::new(
    d.u32()?
)
.ok()));
codec!(batch, Batch, |b, e| e.u32(b.value()).map(drop), |d| Ok(
    Batch::new(d.u32()?).ok()
));
codec!(money, Money, encode_money, decode_money);
codec!(language, Language, |l, e| e.str(l.code()).map(drop), |d| Ok(
    Language::from_locale(d.str()?)
));
codec!(method, Method, |m, e| e.u8(method_number(*m)).map(drop), |d| {
    let number = d.u8()?;
    Ok(Method::ALL.into_iter().find(|m| method_number(*m) == number))
});
codec!(
    operation,
    Operation,
    |o, e| e.u8(u8::from(*o == Operation::Refund)).map(drop),
    |d| Ok(match d.u8()? {
        0 => Some(Operation::Sale),
        1 => Some(Operation::Refund),
        _ => None,
    })
);
codec!(reason, ReversalReason, |r, e| e.str(r.de39()).map(drop), |d| Ok(
    match d.str()? {
        "98" => Some(ReversalReason::NoAnswer),
        "A0" => Some(ReversalReason::BadSignature),
        "06" => Some(ReversalReason::Other),
        _ => None,
    }
));

const fn method_number(method: Method) -> u8 {
    match method {
        Method::Card => 0,
        Method::Code => 1,
        Method::Cash => 2,
    }
}

fn encode_money<W: minicbor::encode::Write>(
    money: &Money,
    e: &mut Encoder<W>,
) -> Result<(), minicbor::encode::Error<W::Error>> {
    e.array(2)?
        .i64(money.amount_minor())?
        .u16(Currency::numeric(money.currency()))
        .map(drop)
}

fn decode_money(d: &mut Decoder<'_>) -> Result<Option<Money>, Error> {
    if d.array()? != Some(2) {
        return Ok(None);
    }
    let amount_minor = d.i64()?;
    Ok(Currency::from_numeric(d.u16()?).map(|currency| Money::new(amount_minor, currency)))
}
