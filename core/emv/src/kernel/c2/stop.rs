//! How kernel 2 ends without a cryptogram.

use alloc::boxed::Box;

use crate::entry::Start;
use crate::outcome::{ErrorIndication, KernelOutcome, KernelReport, OutcomeKind, Reason};
use crate::ui::{Message, Status, UiRequest};

/// Second byte of DF8115.
pub(super) mod l2 {
    pub(in super::super) const DATA_MISSING: u8 = 0x01;
    pub(in super::super) const AUTHENTICATION: u8 = 0x02;
    pub(in super::super) const STATUS: u8 = 0x03;
    pub(in super::super) const PARSING: u8 = 0x04;
    pub(in super::super) const LIMIT: u8 = 0x05;
    pub(in super::super) const CARD_DATA: u8 = 0x06;
    pub(in super::super) const STRIPE: u8 = 0x07;
    pub(in super::super) const TERMINAL_DATA: u8 = 0x0F;
}

/// Third byte of DF8115: the amount is missing.
const L3_AMOUNT: u8 = 0x03;

/// First byte of DF8115: the radio failed.
const L1_TRANSMISSION: u8 = 0x02;

/// Why and how the kernel ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stop {
    pub(super) kind: OutcomeKind,
    pub(super) reason: Reason,
    pub(super) error: ErrorIndication,
}

impl Stop {
    /// This card cannot pay.
    pub(super) const fn card(l2: u8, reason: Reason) -> Self {
        Self {
            kind: OutcomeKind::EndApplication,
            reason,
            error: ErrorIndication {
                l2,
                message: Message::TryAnotherCard.code(),
                ..ErrorIndication::NONE
            },
        }
    }

    /// The card refused a command.
    pub(super) const fn status(sw: u16, reason: Reason) -> Self {
        let stop = Self::card(l2::STATUS, reason);
        Self {
            error: ErrorIndication { sw, ..stop.error },
            ..stop
        }
    }

    /// Another application of the card may be able to.
    pub(super) const fn next(self) -> Self {
        Self {
            kind: OutcomeKind::SelectNext,
            error: ErrorIndication {
                message: ErrorIndication::NONE.message,
                ..self.error
            },
            ..self
        }
    }

    /// The terminal gave no amount.
    pub(super) const fn amount(reason: Reason) -> Self {
        Self {
            kind: OutcomeKind::EndApplication,
            reason,
            error: ErrorIndication {
                l3: L3_AMOUNT,
                ..ErrorIndication::NONE
            },
        }
    }

    /// Without discretionary data.
    pub(super) fn outcome(self) -> KernelOutcome {
        let ended = self.kind == OutcomeKind::EndApplication;
        KernelOutcome {
            reason: Some(self.reason),
            start: (!ended).then_some(Start::C),
            ui_on_outcome: ended.then(|| UiRequest::new(Message::TryAnotherCard, Status::NotReady)),
            report: Some(Box::new(KernelReport::of(self.error))),
            ..KernelOutcome::new(self.kind)
        }
    }
}

/// The card left the field: it is presented again, with the same amount.
pub(super) fn lost() -> KernelOutcome {
    let error = ErrorIndication {
        l1: L1_TRANSMISSION,
        message: Message::PresentAgain.code(),
        ..ErrorIndication::NONE
    };
    KernelOutcome {
        reason: Some(Reason::CardLost),
        start: Some(Start::B),
        ui_on_outcome: Some(UiRequest::new(Message::PresentAgain, Status::ProcessingError)),
        ui_on_restart: Some(UiRequest::new(Message::PresentAgain, Status::ReadyToRead)),
        report: Some(Box::new(KernelReport::of(error))),
        ..KernelOutcome::new(OutcomeKind::EndApplication)
    }
}

#[cfg(test)]
mod tests {
    use softpos_wire::tag;

    use super::*;

    #[test]
    fn error_indications_byte_for_byte() {
        let bytes = |stop: Stop| hex::encode_upper(stop.error.to_bytes());
        let missing = Reason::TerminalDataMissing(tag::AMOUNT_AUTHORISED);
        assert_eq!(bytes(Stop::amount(missing)), "0000030000FF");
        assert_eq!(Stop::amount(missing).kind, OutcomeKind::EndApplication);
        let card = Stop::card(l2::CARD_DATA, Reason::RelaySuspected);
        assert_eq!(bytes(card), "00060000001C");
        assert_eq!(bytes(card.next()), "0006000000FF", "nothing is shown");
        let refused = Stop::status(0x6A83, Reason::RecordRefused(0x6A83));
        assert_eq!(bytes(refused), "0003006A831C");
        let report = lost().report.unwrap();
        assert_eq!(hex::encode_upper(report.error.to_bytes()), "020000000021");
    }
}
