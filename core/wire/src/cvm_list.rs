//! Cardholder verification method list (8E): two amounts, then rules of two bytes (Book 3 10.5).

/// A well-formed list: a view into the bytes it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CvmList<'a> {
    /// Amount X, in minor units of the application's currency.
    pub x: u32,
    /// Amount Y.
    pub y: u32,
    rules: &'a [[u8; 2]],
}

/// One rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CvmRule {
    /// The first byte as the card gave it.
    pub code: u8,
    /// When the rule holds.
    pub condition: u8,
}

/// Fewer than eight bytes, or half a rule at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CvmListError;

impl<'a> CvmList<'a> {
    /// Reads the value of 8E.
    ///
    /// # Errors
    /// [`CvmListError`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, CvmListError> {
        let (x, rest) = bytes.split_first_chunk().ok_or(CvmListError)?;
        let (y, rest) = rest.split_first_chunk().ok_or(CvmListError)?;
        let (rules, half) = rest.as_chunks();
        if !half.is_empty() {
            return Err(CvmListError);
        }
        Ok(Self {
            x: u32::from_be_bytes(*x),
            y: u32::from_be_bytes(*y),
            rules,
        })
    }

    /// The rules in the card's order.
    pub fn rules(self) -> impl Iterator<Item = CvmRule> + 'a {
        self.rules.iter().map(|[code, condition]| CvmRule {
            code: *code,
            condition: *condition,
        })
    }
}

impl CvmRule {
    /// The method: 02 PIN checked by the issuer, 1E signature, 1F none, 00 fail.
    pub const fn method(self) -> u8 {
        self.code & 0x3F
    }

    /// Whether the next rule is tried if this one does not succeed.
    pub const fn goes_on(self) -> bool {
        self.code & 0x40 != 0
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn amounts_and_rules() {
        let bytes = hex::decode("0000001400000BB842031E031F00").unwrap();
        let list = CvmList::parse(&bytes).unwrap();
        assert_eq!((list.x, list.y), (20, 3_000));
        let rules: Vec<_> = list
            .rules()
            .map(|rule| (rule.method(), rule.condition, rule.goes_on()))
            .collect();
        assert_eq!(rules, [(0x02, 3, true), (0x1E, 3, false), (0x1F, 0, false)]);
        assert_eq!(CvmList::parse(&bytes[..8]).unwrap().rules().count(), 0);
    }

    #[test]
    fn malformed_lists() {
        for length in [0, 7, 9, 13] {
            assert_eq!(CvmList::parse(&[0; 14][..length]), Err(CvmListError), "{length}");
        }
    }
}
