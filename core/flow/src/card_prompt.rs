//! What the customer does with the card next, from what the reader asks the screen to show.

use softpos_emv::{Message, Prompt};

use crate::effect::Screen;

/// What the customer does with the card next. A phone has no slot: slot messages mean another card or device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CardPrompt {
    /// Hold the card to the phone.
    Present,
    /// Hold it there again.
    PresentAgain,
    /// Look at the own phone, then hold it there again.
    SeePhone,
    /// One card only.
    OneCardOnly,
    /// Another card or device.
    AnotherCard,
    /// Take the card away.
    Remove,
    /// Leave the card where it is: it is being read.
    Processing,
}

impl From<&Prompt> for CardPrompt {
    fn from(prompt: &Prompt) -> Self {
        let request = prompt.now.as_ref().or(prompt.ready.as_ref());
        match request.map(|request| request.message) {
            Some(Message::SeePhone) => Self::SeePhone,
            Some(Message::OneCardOnly) => Self::OneCardOnly,
            Some(Message::PresentAgain | Message::ProcessingError) => Self::PresentAgain,
            Some(Message::InsertOrSwipe | Message::TryAnotherCard | Message::InsertCard) => Self::AnotherCard,
            Some(Message::RemoveCard | Message::CardReadOk) => Self::Remove,
            Some(Message::Processing | Message::Authorising) => Self::Processing,
            Some(
                Message::Approved
                | Message::NotAuthorised
                | Message::EnterPin
                | Message::Welcome
                | Message::PresentCard
                | Message::ApprovedSign
                | Message::Clear,
            )
            | None => Self::Present,
        }
    }
}

impl Screen {
    pub(crate) fn card(prompt: &Prompt) -> Self {
        Self::Card {
            asks: prompt.into(),
            field_off_ms: prompt.field_off_ms,
        }
    }
}
