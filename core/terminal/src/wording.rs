//! The sentences that go with the flow's states, in the language of the payment.

use softpos_flow::{ActivationStage, Announcement, CardPrompt, Ending, NotStarted, Notice, Screen, View};
use softpos_journal::{Payment, State};
use softpos_text::{Sentence, Texts};
use softpos_types::{Code, Method, Money, Operation};

/// The sentence on the screen.
pub(crate) fn view(texts: Texts, view: &View) -> String {
    match &view.screen {
        Screen::Activating { step, steps, stage } => texts.with(
            "step-activating",
            &[
                ("step", &step.to_string()),
                ("steps", &steps.to_string()),
                ("stage", &stage_name(texts, *stage)),
            ],
        ),
        Screen::Card { asks, .. } => texts.say(&card_sentence(*asks)),
        Screen::EnterPin => texts.say(&Sentence::EnterPin),
        Screen::Authorising => texts.say(&Sentence::Processing),
        Screen::ShowCode { .. } => match view.amount {
            Some(amount) => texts.say(&Sentence::ShowCode { amount }),
            None => texts.say(&Sentence::Processing),
        },
        Screen::AskPayer => texts.say(&Sentence::AskCustomer),
        Screen::ResultUnknown { queries: 0 } => texts.say(&Sentence::Unknown),
        Screen::ResultUnknown { queries } => texts.with("step-asked", &[("count", &queries.to_string())]),
        Screen::Settling { batch } => texts.with("step-settling", &[("batch", &batch.to_string())]),
        Screen::Result { state, de39 } => state_name(texts, *state, de39.as_deref()),
    }
}

/// The spoken sentence.
pub(crate) fn announcement(texts: Texts, announcement: &Announcement) -> String {
    match announcement {
        Announcement::PresentCard => texts.speak(&Sentence::PresentCard),
        Announcement::RemoveCard => texts.speak(&Sentence::RemoveCard),
        Announcement::SeePhone => texts.speak(&Sentence::SeePhone),
        Announcement::AskPayer => texts.speak(&Sentence::AskCustomer),
        Announcement::Approved {
            method,
            amount,
            channel,
        } => texts.speak(&approved(*method, *amount, channel.as_deref())),
        Announcement::Declined { de39: Some(code) } => texts.speak(&Sentence::Declined { code }),
        Announcement::Declined { de39: None } => texts.speak(&Sentence::Declined { code: "Z1" }),
        Announcement::NotSent => texts.speak(&Sentence::NotSent),
        Announcement::NotStarted { reason } => not_started(texts, *reason),
        Announcement::Unknown => texts.speak(&Sentence::Unknown),
        Announcement::Reversing => texts.speak(&Sentence::Reversing),
        Announcement::Reversed => texts.speak(&Sentence::Reversed),
        Announcement::Refunded { amount } => texts.speak(&Sentence::Refunded { amount: *amount }),
        Announcement::Stored { amount } => texts.speak(&Sentence::OfflineStored { amount: *amount }),
        Announcement::CodeExpired => texts.get("step-code-expired"),
    }
}

/// The spoken sentence for how a payment stands, the same as was said when it came there; nothing while it is on its
/// way. An approval says what was received, never that it was credited: only a payout could say so.
pub(crate) fn outcome(texts: Texts, payment: &Payment) -> Option<String> {
    let amount = payment.amount;
    let reply = payment.reply.as_ref();
    Some(match (payment.state, payment.operation) {
        (State::Approved, Operation::Sale) => {
            let channel = reply.and_then(|reply| reply.channel.as_deref());
            texts.speak(&approved(payment.method, amount, channel))
        }
        (State::Approved, Operation::Refund) => texts.speak(&Sentence::Refunded { amount }),
        (State::Declined, _) => {
            let code = reply.map_or("Z1", |reply| reply.de39.as_str());
            texts.speak(&Sentence::Declined { code })
        }
        (State::Stored, _) => texts.speak(&Sentence::OfflineStored { amount }),
        (State::Unknown, _) => texts.speak(&Sentence::Unknown),
        (State::Reversing, _) => texts.speak(&Sentence::Reversing),
        (State::Reversed, _) => texts.speak(&Sentence::Reversed),
        (State::Failed, _) => texts.speak(&Sentence::NotSent),
        (State::Expired, _) => texts.get("step-code-expired"),
        (State::Armed | State::AwaitingPayer, _) => return None,
    })
}

/// The words for something that happened in the background.
pub(crate) fn notice(texts: Texts, notice: &Notice) -> String {
    match notice {
        Notice::PaymentChanged {
            operation,
            amount,
            state,
            de39,
            ..
        } => {
            let what = match operation {
                Operation::Sale => texts.get("notice-sale"),
                Operation::Refund => texts.get("notice-refund"),
            };
            let amount = softpos_text::words::display(*amount);
            let state = state_name(texts, *state, de39.as_deref());
            texts.with(
                "notice-payment",
                &[("what", &what), ("amount", &amount), ("state", &state)],
            )
        }
        Notice::LatePayment { amount, .. } => {
            let amount = softpos_text::words::display(*amount);
            texts.with("notice-late-payment", &[("amount", &amount)])
        }
        Notice::Forwarding { done, total } => texts.with(
            "notice-forwarding",
            &[("done", &done.to_string()), ("total", &total.to_string())],
        ),
        Notice::Link { online: true } => texts.get("notice-online"),
        Notice::Link { online: false } => texts.get("notice-offline"),
        Notice::Trouble { fault } => texts.code(fault.code),
    }
}

/// The words for how something ended.
pub(crate) fn ending(texts: Texts, ending: &Ending) -> String {
    match ending {
        Ending::Payment { state, .. } => state_name(texts, *state, None),
        Ending::NotStarted { reason, .. } => not_started(texts, *reason),
        Ending::Activated => texts.get("ending-activated"),
        Ending::ActivationFailed { fault } | Ending::SettleFailed { fault } => {
            format!("{} {}", texts.code(fault.code), texts.action(fault.action))
        }
        Ending::Settled { view } => {
            let key = if view.balanced {
                "ending-balanced"
            } else {
                "ending-not-balanced"
            };
            texts.with(key, &[("batch", &view.batch.to_string())])
        }
    }
}

/// A payment's state in words; a decline says its reason.
pub(crate) fn state_name(texts: Texts, state: State, de39: Option<&str>) -> String {
    match (state, de39) {
        (State::Declined, Some(code)) => texts.say(&Sentence::Declined { code }),
        (state, _) => texts.get(match state {
            State::Armed => "state-armed",
            State::AwaitingPayer => "state-awaiting-payer",
            State::Unknown => "state-unknown",
            State::Stored => "state-stored",
            State::Reversing => "state-reversing",
            State::Approved => "state-approved",
            State::Declined => "state-declined",
            State::Failed => "state-failed",
            State::Reversed => "state-reversed",
            State::Expired => "state-expired",
        }),
    }
}

fn approved(method: Method, amount: Money, channel: Option<&str>) -> Sentence<'_> {
    match method {
        Method::Card => Sentence::ApprovedCard { amount },
        Method::Code => Sentence::ApprovedCode {
            channel: channel.unwrap_or("code"),
            amount,
        },
        Method::Cash => Sentence::ApprovedCash { amount },
    }
}

fn not_started(texts: Texts, reason: NotStarted) -> String {
    match reason {
        NotStarted::Cancelled => texts.say(&Sentence::Cancelled),
        NotStarted::TimedOut => texts.get("ending-timed-out"),
        NotStarted::CardNotAccepted => texts.say(&Sentence::UseAnotherCard),
        NotStarted::CardDeclined => texts.say(&Sentence::Declined { code: "Z1" }),
        NotStarted::NotRecorded => texts.code(Code::StoreUnreadable),
        NotStarted::SecureHardware => texts.code(Code::SecureHardware),
    }
}

const fn card_sentence(asks: CardPrompt) -> Sentence<'static> {
    match asks {
        CardPrompt::Present => Sentence::PresentCard,
        CardPrompt::PresentAgain => Sentence::TryAgain,
        CardPrompt::SeePhone => Sentence::SeePhone,
        CardPrompt::OneCardOnly => Sentence::OneCardOnly,
        CardPrompt::AnotherCard => Sentence::UseAnotherCard,
        CardPrompt::Remove => Sentence::RemoveCard,
        CardPrompt::Processing => Sentence::Processing,
    }
}

fn stage_name(texts: Texts, stage: ActivationStage) -> String {
    texts.get(match stage {
        ActivationStage::Redeem => "stage-redeem",
        ActivationStage::Attest => "stage-attest",
        ActivationStage::LoadKeys => "stage-keys",
        ActivationStage::Parameters => "stage-parameters",
    })
}

#[cfg(test)]
mod tests {
    use softpos_types::{Language, PaymentKey};

    use super::*;

    /// Only a payment that could not be sent blames the network.
    #[test]
    fn why_nothing_was_begun_is_said_as_it_is_shown() {
        for texts in Language::ALL.map(Texts::new) {
            let not_sent = announcement(texts, &Announcement::NotSent);
            for reason in [
                NotStarted::TimedOut,
                NotStarted::CardNotAccepted,
                NotStarted::NotRecorded,
                NotStarted::SecureHardware,
            ] {
                let said = announcement(texts, &Announcement::NotStarted { reason });
                let key = PaymentKey::new(1, &[0; 10]);
                assert_eq!(said, ending(texts, &Ending::NotStarted { key, reason }));
                assert_ne!(said, not_sent);
            }
        }
    }
}
