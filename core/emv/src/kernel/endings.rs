//! How kernels 4 to 8 end, and what they leave for the acquirer's log.

use alloc::boxed::Box;

use softpos_types::SecretBytes;
use softpos_wire::tlv::TlvWriter;
use softpos_wire::{Tag, tag};

use crate::entry::Start;
use crate::outcome::{ErrorIndication, Interface, KernelOutcome, KernelReport, OutcomeKind, Reason};
use crate::read::CardRead;
use crate::ui::{Message, Status, UiRequest};

/// DF8115: which layer failed.
const ERROR_INDICATION: Tag = Tag::new(0xDF_8115);

/// This card cannot pay here.
pub(super) fn end_application(reason: Reason) -> KernelOutcome {
    stopped(
        OutcomeKind::EndApplication,
        reason,
        UiRequest::new(Message::TryAnotherCard, Status::ReadyToRead),
    )
}

/// The next application shall be tried; nothing is shown.
pub(super) fn select_next(reason: Reason) -> KernelOutcome {
    KernelOutcome {
        reason: Some(reason),
        report: Some(Box::new(report(reason, None))),
        ..KernelOutcome::new(OutcomeKind::SelectNext)
    }
}

/// The card must be read in another way.
pub(super) fn other_interface(reason: Reason) -> KernelOutcome {
    KernelOutcome {
        interface: Some(Interface::Contact),
        ..stopped(
            OutcomeKind::TryAnotherInterface,
            reason,
            UiRequest::new(Message::InsertOrSwipe, Status::ReadyToRead),
        )
    }
}

/// Restart with the same amount once the customer has looked at the phone, or simply holds it there again.
pub(super) fn restart(reason: Reason, message: Message, pause_ms: u32) -> KernelOutcome {
    KernelOutcome {
        start: Some(Start::B),
        ui_on_restart: Some(UiRequest::new(Message::PresentAgain, Status::ReadyToRead)),
        field_off_ms: pause_ms,
        ..stopped(
            OutcomeKind::TryAgain,
            reason,
            UiRequest::held(message, Status::ProcessingError, pause_ms),
        )
    }
}

/// The card left before anything was decided: it is presented again.
pub(super) fn lost() -> KernelOutcome {
    restart(Reason::CardLost, Message::PresentAgain, 0)
}

/// The card left when it may have approved already: nothing starts again by itself.
pub(super) fn torn() -> KernelOutcome {
    stopped(
        OutcomeKind::EndApplication,
        Reason::Torn,
        UiRequest::new(Message::ProcessingError, Status::ProcessingError),
    )
}

/// Declined, with what was read.
pub(super) fn declined(reason: Reason, read: Option<CardRead>) -> KernelOutcome {
    with_read(
        stopped(
            OutcomeKind::Declined,
            reason,
            UiRequest::new(Message::NotAuthorised, Status::CardReadOk),
        ),
        read,
    )
}

/// The issuer decides.
pub(super) fn online(read: CardRead) -> KernelOutcome {
    let outcome = KernelOutcome {
        ui_on_outcome: Some(UiRequest::new(Message::CardReadOk, Status::CardReadOk)),
        ..KernelOutcome::new(OutcomeKind::OnlineRequest)
    };
    with_read(outcome, Some(read))
}

/// Approved by the card.
pub(super) fn approved(read: CardRead) -> KernelOutcome {
    let message = if read.cvm == crate::outcome::Cvm::Signature {
        Message::ApprovedSign
    } else {
        Message::Approved
    };
    let outcome = KernelOutcome {
        ui_on_outcome: Some(UiRequest::new(message, Status::CardReadOk)),
        receipt: true,
        ..KernelOutcome::new(OutcomeKind::Approved)
    };
    with_read(outcome, Some(read))
}

/// Adds what was read, and the card's language to what is shown.
pub(super) fn with_read(mut outcome: KernelOutcome, read: Option<CardRead>) -> KernelOutcome {
    if let (Some(ui), Some(read)) = (&mut outcome.ui_on_outcome, &read) {
        ui.speak(read.card_object(tag::LANGUAGE_PREFERENCE));
    }
    outcome.read = read.map(Box::new);
    outcome
}

fn stopped(kind: OutcomeKind, reason: Reason, ui: UiRequest) -> KernelOutcome {
    KernelOutcome {
        reason: Some(reason),
        report: Some(Box::new(report(reason, Some(ui.message)))),
        ui_on_outcome: Some(ui),
        ..KernelOutcome::new(kind)
    }
}

/// Adds the error indication to an ending that has a reason and none yet.
pub(super) fn reported(mut outcome: KernelOutcome) -> KernelOutcome {
    if let (Some(reason), None) = (outcome.reason, &outcome.report) {
        let message = outcome.ui_on_outcome.as_ref().map(|ui| ui.message);
        outcome.report = Some(Box::new(report(reason, message)));
    }
    outcome
}

fn report(reason: Reason, message: Option<Message>) -> KernelReport {
    let error = ErrorIndication::of(reason, message);
    let mut discretionary = TlvWriter::new();
    discretionary.put(ERROR_INDICATION, &error.to_bytes());
    KernelReport {
        error,
        discretionary: SecretBytes::new(discretionary.into_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_says_which_step_failed() {
        for (reason, bytes) in [
            (Reason::CardLost, [2, 0, 0, 0, 0, 0x1C]),
            (Reason::DataMissing(tag::TRACK_2), [0, 1, 0, 0, 0, 0x1C]),
            (Reason::NotAuthenticated, [0, 2, 0, 0, 0, 0x1C]),
            (Reason::RecordRefused(0x6A83), [0, 3, 0, 0x6A, 0x83, 0x1C]),
            (Reason::Malformed, [0, 4, 0, 0, 0, 0x1C]),
            (Reason::LimitExceeded, [0, 5, 0, 0, 0, 0x1C]),
            (Reason::DataTwice(tag::PAN), [0, 6, 0, 0, 0, 0x1C]),
            (Reason::TerminalDataMissing(tag::TVR), [0, 0x0F, 0, 0, 0, 0x1C]),
            (Reason::ChannelBroken, [0, 0x10, 0, 0, 0, 0x1C]),
            (Reason::MacDiffers, [0, 0x13, 0, 0, 0, 0x1C]),
            (Reason::CardDeclined, [0, 0, 0, 0, 0, 0x1C]),
            (Reason::NoApplication, [0, 0x0A, 0, 0, 0, 0x1C]),
        ] {
            let report = report(reason, Some(Message::TryAnotherCard));
            assert_eq!(report.error.to_bytes(), bytes, "{reason:?}");
            assert_eq!(report.discretionary.expose()[..4], [0xDF, 0x81, 0x15, 6]);
        }
    }

    #[test]
    fn a_torn_tap_never_starts_again_by_itself() {
        let outcome = torn();
        assert_eq!((outcome.kind, outcome.start), (OutcomeKind::EndApplication, None));
        assert_eq!(lost().kind, OutcomeKind::TryAgain);
    }

    #[test]
    fn a_restart_keeps_message_and_field_in_step() {
        let outcome = restart(Reason::SeePhone, Message::SeePhone, 1_300);
        assert_eq!(
            outcome.parameter_set(),
            [0x70, 0x10, 0xF0, 0xF0, 0xD0, 0xF0, 13, 0]
        );
        assert_eq!(outcome.ui_on_outcome.unwrap().hold_ms, 1_300);
        assert_eq!(outcome.ui_on_restart.unwrap().message, Message::PresentAgain);
    }
}
