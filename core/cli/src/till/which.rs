//! Which payment somebody means by a few characters.

use softpos_types::{Code, PaymentKey, SoftPosError};

use crate::failure::Failure;

/// The fewest characters of a key that mean one.
const FEWEST: usize = 4;

/// Finds a payment by its key, the beginning or end of it, its voucher number, or `last`. Newest first.
pub(crate) fn which(payments: &[(PaymentKey, u32)], typed: &str) -> Result<PaymentKey, Failure> {
    let missing = || Failure::Core(SoftPosError::of(Code::PaymentNotFound).with_detail(typed));
    if typed == "last" {
        return payments.first().map(|(key, _)| *key).ok_or_else(missing);
    }
    // A voucher number comes again after a million payments: the newest is meant.
    let voucher = Some(typed)
        .filter(|text| text.len() <= 6)
        .and_then(|text| text.parse::<u32>().ok());
    if let Some((key, _)) = payments.iter().find(|(_, stan)| Some(*stan) == voucher) {
        return Ok(*key);
    }
    let typed_key = typed.to_ascii_lowercase();
    let mut found = payments.iter().map(|(key, _)| *key).filter(|key| {
        let text = key.to_string();
        typed_key.len() >= FEWEST && (text.starts_with(&typed_key) || text.ends_with(&typed_key))
    });
    match (found.next(), found.next()) {
        (Some(key), None) => Ok(key),
        (Some(_), Some(_)) => Err(Failure::Said {
            key: "till-ambiguous",
            about: typed.to_owned(),
        }),
        (None, _) => Err(missing()),
    }
}

/// The end of a key, enough to name a payment in a list.
pub(crate) fn short(key: PaymentKey) -> String {
    let text = key.to_string();
    text.rsplit('-')
        .next()
        .map(|end| end.chars().skip(4).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> PaymentKey {
        PaymentKey::new(1_700_000_000_000, &[number; 10])
    }

    #[test]
    fn by_key_ends_voucher_and_last() {
        let payments = [(key(0xAB), 12), (key(0xCD), 11), (key(0xEF), 12)];
        let find = |typed: &str| which(&payments, typed).ok();
        assert_eq!(find("last"), Some(key(0xAB)));
        assert_eq!(find("000011"), Some(key(0xCD)));
        assert_eq!(find("12"), Some(key(0xAB)));
        assert_eq!(find(&key(0xEF).to_string()), Some(key(0xEF)));
        assert_eq!(find("CDCD"), Some(key(0xCD)));
        assert_eq!(find(&short(key(0xEF))), Some(key(0xEF)));
        assert_eq!(short(key(0xEF)).len(), 8);
    }

    #[test]
    fn what_is_not_clear_is_an_error() {
        let payments = [(key(0xAB), 12), (key(0xCD), 11)];
        assert!(matches!(
            which(&payments, "018b"),
            Err(Failure::Said {
                key: "till-ambiguous",
                ..
            })
        ));
        for typed in ["", "cd", "13", "9999999", "zzzz"] {
            assert!(
                matches!(which(&payments, typed), Err(Failure::Core(_))),
                "{typed}"
            );
        }
        assert!(which(&[], "last").is_err());
    }
}
