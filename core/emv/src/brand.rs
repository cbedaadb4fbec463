//! Whose card it is, and whether what the card says about that fits together.
//!
//! The application identifier is not authenticated: a wedge between card and reader can make one brand look like
//! another. So the provider, the kernel and the range of the card number must agree.

use softpos_types::Pan;

use crate::config::{Aid, KernelId};

/// The scheme of an application, by its registered provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Visa.
    Visa,
    /// Mastercard.
    Mastercard,
    /// `UnionPay`.
    UnionPay,
    /// American Express.
    AmericanExpress,
    /// JCB.
    Jcb,
    /// Discover.
    Discover,
    /// A domestic or private scheme.
    Other,
}

impl Scheme {
    /// The scheme of an application identifier.
    pub const fn of(aid: &Aid) -> Self {
        match aid.rid() {
            [0xA0, 0, 0, 0, 0x03] => Self::Visa,
            [0xA0, 0, 0, 0, 0x04] => Self::Mastercard,
            [0xA0, 0, 0, 0, 0x25] => Self::AmericanExpress,
            [0xA0, 0, 0, 0, 0x65] => Self::Jcb,
            [0xA0, 0, 0, 0x01, 0x52] | [0xA0, 0, 0, 0x03, 0x24] => Self::Discover,
            [0xA0, 0, 0, 0x03, 0x33] => Self::UnionPay,
            _ => Self::Other,
        }
    }

    /// The stable name, as `visa`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Visa => "visa",
            Self::Mastercard => "mastercard",
            Self::UnionPay => "unionpay",
            Self::AmericanExpress => "american_express",
            Self::Jcb => "jcb",
            Self::Discover => "discover",
            Self::Other => "other",
        }
    }

    /// Whether the provider may be read by this kernel; domestic schemes use any, the common kernel reads all.
    const fn allows_kernel(self, kernel: KernelId) -> bool {
        if kernel.number() == KernelId::C8.number() {
            return true;
        }
        let own = match self {
            Self::Visa => KernelId::C3,
            Self::Mastercard => KernelId::C2,
            Self::AmericanExpress => KernelId::C4,
            Self::Jcb => KernelId::C5,
            Self::Discover => KernelId::C6,
            Self::UnionPay => KernelId::C7,
            Self::Other => return true,
        };
        own.number() == kernel.number()
    }

    /// Whether the first digits of the number belong to the scheme (ranges: general knowledge).
    ///
    /// `UnionPay` issues on ranges of many others, but not on those of American Express; Discover also carries
    /// Diners, JCB and `UnionPay` numbers, but none of Visa, Mastercard and American Express.
    fn allows_number(self, pan: &Pan) -> bool {
        match (self, pan.expose_digits()) {
            (Self::Visa, digits) => digits.starts_with(b"4"),
            (Self::Mastercard, digits) => matches!(digits, [b'2' | b'5' | b'6', ..]),
            (Self::AmericanExpress, digits) => digits.starts_with(b"34") || digits.starts_with(b"37"),
            (Self::Jcb, digits) => digits.starts_with(b"35"),
            (Self::UnionPay, digits) => !matches!(digits, [b'3', b'4' | b'7', ..]),
            (Self::Discover, digits) => !matches!(
                digits,
                [b'2' | b'4', ..] | [b'3', b'4' | b'7', ..] | [b'5', b'1'..=b'5', ..]
            ),
            (Self::Other, _) => true,
        }
    }
}

// Rule K-BRAND: provider of the AID, kernel and range of the number must agree, or the card is not believed.
// [source: peer, EMVrace; test: brand::tests::provider_kernel_and_number_must_agree,
// brand::tests::numbers_of_other_schemes_under_unionpay_discover_and_jcb,
// softpos-cards::attacks::a_card_of_one_brand_cannot_pay_as_another,
// softpos-cards::attacks::a_number_of_another_brand_is_refused; evidence: own]
/// Whether provider, kernel and number agree.
pub(crate) fn agrees(aid: &Aid, kernel: KernelId, pan: &Pan) -> bool {
    let scheme = Scheme::of(aid);
    scheme.allows_kernel(kernel) && scheme.allows_number(pan)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_other_schemes_under_unionpay_discover_and_jcb() {
        let fits = |rid: [u8; 5], kernel, digits: &[u8]| {
            agrees(
                &Aid::new(&rid).unwrap(),
                kernel,
                &Pan::from_digits(digits).unwrap(),
            )
        };
        let unionpay = [0xA0, 0, 0, 0x03, 0x33];
        let discover = [0xA0, 0, 0, 0x01, 0x52];
        let zip = [0xA0, 0, 0, 0x03, 0x24];
        let jcb = [0xA0, 0, 0, 0, 0x65];
        assert!(fits(unionpay, KernelId::C7, b"6212345678901232"));
        assert!(!fits(unionpay, KernelId::C7, b"374245001741007"));
        assert!(!fits(unionpay, KernelId::C6, b"6212345678901232"));
        for rid in [discover, zip] {
            for digits in [&b"6011000990139424"[..], b"36070500010201", b"3566002020360505"] {
                assert!(fits(rid, KernelId::C6, digits));
            }
            for digits in [
                &b"4761739001010010"[..],
                b"5413330089600044",
                b"374245001741007",
                b"2223000048400011",
            ] {
                assert!(!fits(rid, KernelId::C6, digits));
            }
        }
        assert!(fits(jcb, KernelId::C5, b"3566002020360505"));
        assert!(!fits(jcb, KernelId::C5, b"36070500010201"));
    }

    #[test]
    fn provider_kernel_and_number_must_agree() {
        let aid = |rid: [u8; 5]| Aid::new(&rid).unwrap();
        let pan = |digits: &[u8]| Pan::from_digits(digits).unwrap();
        let visa = aid([0xA0, 0, 0, 0, 0x03]);
        let mastercard = aid([0xA0, 0, 0, 0, 0x04]);
        let cartes_bancaires = aid([0xA0, 0, 0, 0, 0x42]);
        assert!(agrees(&visa, KernelId::C3, &pan(b"4761739001010010")));
        assert!(!agrees(&visa, KernelId::C3, &pan(b"5413330089600044")));
        assert!(!agrees(&mastercard, KernelId::C3, &pan(b"5413330089600044")));
        assert!(!agrees(&mastercard, KernelId::C2, &pan(b"4761739001010010")));
        assert!(agrees(&mastercard, KernelId::C8, &pan(b"5413330089600044")));
        assert!(!agrees(&mastercard, KernelId::C8, &pan(b"4761739001010010")));
        assert!(agrees(&cartes_bancaires, KernelId::C3, &pan(b"5413330089600044")));
        assert!(!agrees(
            &aid([0xA0, 0, 0, 0, 0x25]),
            KernelId::C4,
            &pan(b"4761739001010010")
        ));
    }
}
