//! Relay resistance: does the card answer as fast as it promises? Every time is in units of 100 us.

use alloc::vec::Vec;

use softpos_wire::apdu;
use softpos_wire::{tag, tlv};

use super::tags;
use crate::data::CardData;

/// How often the exchange is done before a slow card counts as relayed.
pub(in crate::kernel) const MAX_EXCHANGES: u8 = 3;

/// What the reader grants and expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kernel) struct Timing {
    /// DF8132: how much faster than promised.
    pub(in crate::kernel) min_grace: u32,
    /// DF8133: how much slower.
    pub(in crate::kernel) max_grace: u32,
    /// DF8134: transmission time of the command.
    pub(in crate::kernel) command: u32,
    /// DF8135: transmission time of the answer.
    pub(in crate::kernel) answer: u32,
    /// DF8136: how far above the minimum the measured time may lie.
    pub(in crate::kernel) accuracy: u32,
    /// DF8137: how alike the two estimates of the answer's transmission must be.
    pub(in crate::kernel) mismatch_percent: u32,
}

/// What the card answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kernel) struct Promise {
    pub(in crate::kernel) entropy: [u8; 4],
    pub(in crate::kernel) min: u16,
    pub(in crate::kernel) max: u16,
    /// The card's estimate of its answer's transmission time.
    pub(in crate::kernel) estimate: u16,
}

/// A finished exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kernel) struct Exchange {
    /// The reader's number.
    pub(in crate::kernel) number: [u8; 4],
    pub(in crate::kernel) promise: Promise,
    pub(in crate::kernel) measured: u32,
    /// How many there were, this one included.
    pub(in crate::kernel) count: u8,
}

/// What the measured time says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kernel) enum Verdict {
    /// Faster than the card can be: somebody answers in its place.
    TooFast,
    /// Slower than the card promises.
    TooSlow,
    /// Within the promise.
    InTime,
}

/// EXCHANGE RELAY RESISTANCE DATA with the reader's number.
pub(in crate::kernel) fn command([a, b, c, d]: [u8; 4]) -> Vec<u8> {
    alloc::vec![0x80, 0xEA, 0x00, 0x00, 0x04, a, b, c, d, 0x00]
}

impl Promise {
    /// Template 80 with entropy 4, minimum 2, maximum 2, estimate 2.
    pub(in crate::kernel) fn parse(answer: apdu::Rapdu<'_>) -> Option<Self> {
        let value = tlv::only(answer.body, tag::RESPONSE_FORMAT_1)?;
        let &[e1, e2, e3, e4, min1, min2, max1, max2, est1, est2] = value else {
            return None;
        };
        Some(Self {
            entropy: [e1, e2, e3, e4],
            min: u16::from_be_bytes([min1, min2]),
            max: u16::from_be_bytes([max1, max2]),
            estimate: u16::from_be_bytes([est1, est2]),
        })
    }
}

impl Timing {
    // Rule C2-RRP-1: the measured time is what passed, in units of 100 us, less both transmissions, never below zero.
    // [source: foreign vector, an example computed in public material;
    // test: kernel::c2::relay::tests::the_example_of_13_ms_passes, kernel::c2::relay::tests::microseconds_become_hundreds_not_thousandths;
    // evidence: own]
    /// The card's own time: what passed, less the transmission of command and answer. Of the two estimates of the
    /// answer the smaller counts, so that a card gains nothing by claiming a long one.
    pub(in crate::kernel) fn measured(self, elapsed_us: u32, promise: Promise) -> u32 {
        elapsed_us
            .div_euclid(100)
            .saturating_sub(self.command)
            .saturating_sub(u32::from(promise.estimate).min(self.answer))
    }

    // Rule C2-RRP-2: faster than the minimum less its grace ends it, slower than the maximum and its grace is tried again.
    // [source: peer, DCEMV takes the minimum grace for both ends;
    // test: kernel::c2::relay::tests::each_grace_at_its_own_end, kernel::c2::tests::relay::an_answer_that_is_too_fast_or_no_answer_ends_it;
    // evidence: own]
    pub(in crate::kernel) fn verdict(self, measured: u32, promise: Promise) -> Verdict {
        if measured < u32::from(promise.min).saturating_sub(self.min_grace) {
            Verdict::TooFast
        } else if measured > u32::from(promise.max).saturating_add(self.max_grace) {
            Verdict::TooSlow
        } else {
            Verdict::InTime
        }
    }

    // Rule C2-RRP-3: estimates are compared in percent, multiplied first; a zero is never divided by.
    // [source: peer, DCEMV divides first and Denom divides by zero;
    // test: kernel::c2::relay::tests::percent_is_multiplied_before_it_is_divided, kernel::c2::relay::tests::a_zero_estimate_is_never_divided_by;
    // evidence: own]
    /// Whether the two estimates differ too much, or the time lies too far above the minimum.
    pub(in crate::kernel) fn beyond_threshold(self, measured: u32, promise: Promise) -> bool {
        let (card, reader) = (u64::from(promise.estimate), u64::from(self.answer));
        // Multiplied first: a quotient of whole numbers would lose the percent. A zero is no estimate.
        let percent = |part: u64, whole: u64| part.saturating_mul(100).checked_div(whole);
        let limit = u64::from(self.mismatch_percent);
        let unlike = card != 0
            && reader != 0
            && [percent(card, reader), percent(reader, card)]
                .into_iter()
                .flatten()
                .any(|percent| percent < limit);
        unlike || measured.saturating_sub(u32::from(promise.min)) > self.accuracy
    }
}

impl Exchange {
    /// The exchange of a cut tap.
    pub(in crate::kernel) fn restored(objects: &CardData) -> Option<Self> {
        let number = |tag| objects.array(tag).map(u16::from_be_bytes);
        let [count] = objects.array(tags::EXCHANGES)?;
        Some(Self {
            number: objects.array(tags::READER_ENTROPY)?,
            promise: Promise {
                entropy: objects.array(tags::CARD_ENTROPY)?,
                min: number(tags::MIN_TIME)?,
                max: number(tags::MAX_TIME)?,
                estimate: number(tags::ANSWER_ESTIMATE)?,
            },
            measured: number(tags::MEASURED_TIME)?.into(),
            count,
        })
    }

    // Rule C2-RRP-5: number, entropy and the three times end the ICC dynamic data of CDA.
    // [source: peer, danhu and DCEMV;
    // test: kernel::c2::relay::tests::command_and_answer_byte_for_byte,
    // softpos-cards::relay::numbers_and_times_of_the_exchange_are_those_the_card_signed,
    // softpos-cards::relay::the_last_exchange_is_the_signed_one;
    // evidence: own]
    /// The 14 bytes that end the ICC dynamic data of CDA.
    pub(in crate::kernel) fn signed_form(self) -> [u8; 14] {
        let Promise {
            entropy,
            min,
            max,
            estimate,
        } = self.promise;
        let parts = [
            &self.number[..],
            &entropy,
            &min.to_be_bytes(),
            &max.to_be_bytes(),
            &estimate.to_be_bytes(),
        ];
        let mut form = [0; 14];
        for (to, from) in form.iter_mut().zip(parts.into_iter().flatten()) {
            *to = *from;
        }
        form
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMING: Timing = Timing {
        min_grace: 20,
        max_grace: 50,
        command: 18,
        answer: 24,
        accuracy: 300,
        mismatch_percent: 50,
    };

    const fn promise(min: u16, max: u16, estimate: u16) -> Promise {
        Promise {
            entropy: [1, 2, 3, 4],
            min,
            max,
            estimate,
        }
    }

    const GENUINE: Promise = promise(50, 100, 30);

    #[test]
    fn the_example_of_13_ms_passes() {
        let measured = TIMING.measured(13_000, GENUINE);
        assert_eq!(measured, 88);
        assert_eq!(TIMING.verdict(measured, GENUINE), Verdict::InTime);
        assert!(!TIMING.beyond_threshold(measured, GENUINE));
    }

    #[test]
    fn the_example_of_52_ms_is_too_slow_and_beyond_the_threshold() {
        let measured = TIMING.measured(52_000, GENUINE);
        assert_eq!(measured, 478);
        assert_eq!(TIMING.verdict(measured, GENUINE), Verdict::TooSlow);
        assert!(TIMING.beyond_threshold(measured, GENUINE));
    }

    #[test]
    fn microseconds_become_hundreds_not_thousandths() {
        assert_eq!(TIMING.measured(4_299, promise(0, 0, 99)), 0);
        assert_eq!(TIMING.measured(4_300, promise(0, 0, 99)), 1);
        assert_eq!(TIMING.measured(0, GENUINE), 0);
        assert_eq!(TIMING.measured(u32::MAX, promise(0, 0, 0)), 42_949_654);
    }

    #[test]
    fn the_smaller_estimate_counts() {
        assert_eq!(TIMING.measured(10_000, promise(0, 0, 10)), 72);
        assert_eq!(TIMING.measured(10_000, promise(0, 0, 24)), 58);
        assert_eq!(TIMING.measured(10_000, promise(0, 0, 60_000)), 58);
    }

    #[test]
    fn each_grace_at_its_own_end() {
        assert_eq!(TIMING.verdict(29, GENUINE), Verdict::TooFast);
        assert_eq!(TIMING.verdict(30, GENUINE), Verdict::InTime);
        assert_eq!(TIMING.verdict(150, GENUINE), Verdict::InTime);
        assert_eq!(TIMING.verdict(151, GENUINE), Verdict::TooSlow);
        assert_eq!(
            TIMING.verdict(0, promise(19, 100, 24)),
            Verdict::InTime,
            "never below zero"
        );
    }

    #[test]
    fn percent_is_multiplied_before_it_is_divided() {
        // 12 of 24 is exactly half: allowed. 11 is less.
        assert!(!TIMING.beyond_threshold(0, promise(0, 0, 12)));
        assert!(TIMING.beyond_threshold(0, promise(0, 0, 11)));
        assert!(!TIMING.beyond_threshold(0, promise(0, 0, 48)));
        assert!(TIMING.beyond_threshold(0, promise(0, 0, 49)));
    }

    #[test]
    fn a_zero_estimate_is_never_divided_by() {
        assert!(!TIMING.beyond_threshold(0, promise(0, 0, 0)));
        let silent = Timing { answer: 0, ..TIMING };
        assert!(!silent.beyond_threshold(0, promise(0, 0, 30)));
    }

    #[test]
    fn accuracy_is_above_only() {
        assert!(!TIMING.beyond_threshold(350, promise(50, 0, 24)));
        assert!(TIMING.beyond_threshold(351, promise(50, 0, 24)));
    }

    #[test]
    fn command_and_answer_byte_for_byte() {
        assert_eq!(command([1, 2, 3, 4]), [0x80, 0xEA, 0, 0, 4, 1, 2, 3, 4, 0]);
        let parse = |text: &str| {
            let bytes = hex::decode(text).unwrap();
            Promise::parse(apdu::Rapdu::parse(&bytes).unwrap())
        };
        assert_eq!(parse("800A0102030400320064001E9000"), Some(GENUINE));
        for wrong in [
            "80090102030400320064009000",
            "770A0102030400320064001E9000",
            "9000",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        let exchange = Exchange {
            number: [9, 9, 9, 9],
            promise: GENUINE,
            measured: 0,
            count: 1,
        };
        assert_eq!(
            exchange.signed_form(),
            [9, 9, 9, 9, 1, 2, 3, 4, 0, 50, 0, 100, 0, 30]
        );
    }
}
