//! Processing restrictions: version, dates, and what the issuer allows the card for.

use super::tvr::{self, Bit};
use crate::oda::with_century;

/// What they are decided from. Dates are YYMMDD in BCD.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// 9F08.
    pub(super) card_version: Option<[u8; 2]>,
    /// 9F09.
    pub(super) reader_version: Option<[u8; 2]>,
    pub(super) today: [u8; 3],
    /// 5F24.
    pub(super) last_day: [u8; 3],
    /// 5F25.
    pub(super) first_day: Option<[u8; 3]>,
    /// 9F07.
    pub(super) usage: Option<[u8; 2]>,
    /// 5F28.
    pub(super) issuer_country: Option<[u8; 2]>,
    /// 9F1A.
    pub(super) terminal_country: Option<[u8; 2]>,
    /// 9C.
    pub(super) transaction_type: u8,
    /// 9F03, whether there is something to pay out.
    pub(super) cashback: bool,
    /// A machine that pays out cash, unattended, of a bank.
    pub(super) cash_machine: bool,
}

// Rule C2-RESTRICT-1: versions, first and last day; the last day counts.
// [source: peer, danhu;
// test: kernel::c2::restrictions::tests::versions, kernel::c2::restrictions::tests::the_first_and_the_last_day_count;
// evidence: own]
/// The bits to set.
pub(super) fn breaches(facts: &Facts) -> impl Iterator<Item = Bit> {
    let versions_differ = facts.card_version.is_some() && facts.card_version != facts.reader_version;
    let today = with_century(facts.today);
    let not_yet = facts.first_day.is_some_and(|first| today < with_century(first));
    let expired = today > with_century(facts.last_day);
    [
        (versions_differ, tvr::VERSIONS_DIFFER),
        (not_yet, tvr::NOT_YET_VALID),
        (expired, tvr::EXPIRED),
        (!usage_allowed(facts), tvr::SERVICE_NOT_ALLOWED),
    ]
    .into_iter()
    .filter_map(|(breached, bit)| breached.then_some(bit))
}

// Rule C2-RESTRICT-2: cashback is an amount, not the presence of 9F03.
// [source: peer, danhu refused it;
// test: kernel::c2::restrictions::tests::cashback_is_an_amount_not_a_tag;
// evidence: own]
/// 9F07 against place, country and kind of the payment; without it everything is allowed.
fn usage_allowed(facts: &Facts) -> bool {
    let Some([first, second]) = facts.usage else {
        return true;
    };
    let place = if facts.cash_machine { 0x02 } else { 0x01 };
    if first & place == 0 {
        return false;
    }
    let Some(issuer_country) = facts.issuer_country else {
        return true;
    };
    let domestic = facts.terminal_country == Some(issuer_country);
    let either = |home: u8, abroad: u8| if domestic { home } else { abroad };
    let kind_allowed = match facts.transaction_type {
        0x01 | 0x17 => first & either(0x80, 0x40) != 0,
        // Goods or services.
        0x00 | 0x09 => first & (either(0x20, 0x10) | either(0x08, 0x04)) != 0,
        _ => true,
    };
    // The amount decides, not whether 9F03 is there: it always is.
    let cashback_allowed = !facts.cashback || second & either(0x80, 0x40) != 0;
    kind_allowed && cashback_allowed
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const ALLOWED: Facts = Facts {
        card_version: Some([0, 2]),
        reader_version: Some([0, 2]),
        today: [0x19, 0x08, 0x19],
        last_day: [0x20, 0x12, 0x31],
        first_day: Some([0x06, 0x01, 0x01]),
        usage: Some([0xFF, 0xC0]),
        issuer_country: Some([0x02, 0x50]),
        terminal_country: Some([0x02, 0x50]),
        transaction_type: 0,
        cashback: false,
        cash_machine: false,
    };

    fn set(facts: Facts) -> Vec<Bit> {
        breaches(&facts).collect()
    }

    #[test]
    fn versions() {
        assert_eq!(set(ALLOWED), []);
        let other = Facts {
            card_version: Some([0, 3]),
            ..ALLOWED
        };
        assert_eq!(set(other), [tvr::VERSIONS_DIFFER]);
        let none = Facts {
            card_version: None,
            ..ALLOWED
        };
        assert_eq!(set(none), []);
        let reader_without = Facts {
            reader_version: None,
            ..ALLOWED
        };
        assert_eq!(set(reader_without), [tvr::VERSIONS_DIFFER]);
    }

    #[test]
    fn the_first_and_the_last_day_count() {
        let on = |today| {
            set(Facts {
                today,
                first_day: Some([0x19, 1, 1]),
                last_day: [0x19, 0x12, 0x31],
                ..ALLOWED
            })
        };
        assert_eq!(on([0x18, 0x12, 0x31]), [tvr::NOT_YET_VALID]);
        assert_eq!(on([0x19, 1, 1]), []);
        assert_eq!(on([0x19, 0x12, 0x31]), []);
        assert_eq!(on([0x20, 1, 1]), [tvr::EXPIRED]);
        let old = Facts {
            first_day: Some([0x99, 1, 1]),
            ..ALLOWED
        };
        assert_eq!(set(old), [], "1999");
    }

    #[test]
    fn place_and_kind() {
        let with = |usage, transaction_type| {
            set(Facts {
                usage: Some(usage),
                transaction_type,
                ..ALLOWED
            })
        };
        assert_eq!(with([0xFE, 0], 0), [tvr::SERVICE_NOT_ALLOWED], "not at terminals");
        assert_eq!(with([0x21, 0], 0), [], "goods at home");
        assert_eq!(with([0x09, 0], 0), [], "services at home");
        assert_eq!(with([0x15, 0], 0), [tvr::SERVICE_NOT_ALLOWED], "abroad only");
        assert_eq!(with([0x81, 0], 0x01), []);
        assert_eq!(with([0x41, 0], 0x17), [tvr::SERVICE_NOT_ALLOWED]);
        assert_eq!(with([0x01, 0], 0x20), [], "nothing is asked of a refund");
        let abroad = Facts {
            usage: Some([0x11, 0]),
            issuer_country: Some([0x08, 0x40]),
            ..ALLOWED
        };
        assert_eq!(set(abroad), []);
        let machine = Facts {
            usage: Some([0xFD, 0]),
            cash_machine: true,
            ..ALLOWED
        };
        assert_eq!(set(machine), [tvr::SERVICE_NOT_ALLOWED]);
        assert_eq!(
            set(Facts {
                usage: Some([0x01, 0]),
                issuer_country: None,
                ..ALLOWED
            }),
            []
        );
    }

    /// A peer refuses every payment that only carries 9F03.
    #[test]
    fn cashback_is_an_amount_not_a_tag() {
        let no_cashback = Facts {
            usage: Some([0xFF, 0x00]),
            ..ALLOWED
        };
        assert_eq!(set(no_cashback), []);
        assert_eq!(
            set(Facts {
                cashback: true,
                ..no_cashback
            }),
            [tvr::SERVICE_NOT_ALLOWED]
        );
        assert_eq!(
            set(Facts {
                cashback: true,
                usage: Some([0xFF, 0x80]),
                ..ALLOWED
            }),
            []
        );
        let abroad = Facts {
            cashback: true,
            usage: Some([0xFF, 0x80]),
            issuer_country: Some([0x08, 0x40]),
            ..ALLOWED
        };
        assert_eq!(set(abroad), [tvr::SERVICE_NOT_ALLOWED]);
    }
}
