//! What the reader asks the screen to show (Book A 9.4 identifiers).

use alloc::vec::Vec;

macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// Message identifiers. The sentences are the shell's; a phone shows slot messages as "another card".
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Message { $($(#[$doc])* $name,)* }

        impl Message {
            /// The identifier's byte.
            pub const fn code(self) -> u8 {
                match self { $(Self::$name => $code,)* }
            }

            /// The message of an identifier.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }
        }
    };
}

messages! {
    /// Approved.
    Approved = 0x03,
    /// Not authorised.
    NotAuthorised = 0x07,
    /// Please enter your PIN.
    EnterPin = 0x09,
    /// Processing error.
    ProcessingError = 0x0F,
    /// Please remove the card.
    RemoveCard = 0x10,
    /// Welcome.
    Welcome = 0x14,
    /// Present the card.
    PresentCard = 0x15,
    /// Processing.
    Processing = 0x16,
    /// Card read OK, it may be taken away.
    CardReadOk = 0x17,
    /// Please insert or swipe the card.
    InsertOrSwipe = 0x18,
    /// Please present one card only.
    OneCardOnly = 0x19,
    /// Approved, please sign.
    ApprovedSign = 0x1A,
    /// Authorising, please wait.
    Authorising = 0x1B,
    /// Insert, swipe or try another card.
    TryAnotherCard = 0x1C,
    /// Please insert the card.
    InsertCard = 0x1D,
    /// Nothing: clear the display.
    Clear = 0x1E,
    /// See the phone for instructions.
    SeePhone = 0x20,
    /// Present the card again.
    PresentAgain = 0x21,
}

/// The state that goes with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Not ready.
    NotReady,
    /// Idle.
    Idle,
    /// Ready to read.
    ReadyToRead,
    /// Processing.
    Processing,
    /// Card read successfully.
    CardReadOk,
    /// Processing error.
    ProcessingError,
}

/// What a value shown to the customer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueQualifier {
    /// The amount of the payment.
    Amount,
    /// What is left on the card.
    Balance,
}

/// A value that goes with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UiValue {
    /// Amount or balance.
    pub qualifier: ValueQualifier,
    /// n12, in minor units.
    pub value: [u8; 6],
    /// Numeric currency code, n3.
    pub currency: [u8; 2],
}

/// A user interface request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UiRequest {
    /// Which message.
    pub message: Message,
    /// Which state.
    pub status: Status,
    /// How long it stays at least.
    pub hold_ms: u32,
    /// The card's language preference (5F2D: two-letter codes), if it gave one.
    pub language_preference: Option<Vec<u8>>,
    /// A value to show.
    pub value: Option<UiValue>,
}

impl UiRequest {
    /// A message without hold time, language or value.
    pub const fn new(message: Message, status: Status) -> Self {
        Self {
            message,
            status,
            hold_ms: 0,
            language_preference: None,
            value: None,
        }
    }

    /// The same with a hold time.
    pub fn held(message: Message, status: Status, hold_ms: u32) -> Self {
        Self {
            hold_ms,
            ..Self::new(message, status)
        }
    }

    // Rule K-LANGUAGE: a language preference has at most four codes of two letters; a card that sends anything else has
    // none, so that nothing of its other data gets into what is shown and logged.
    // [source: general knowledge; test: ui::tests::only_letters_are_a_language,
    // kernel::tests::a_track_in_place_of_a_language_is_not_shown; evidence: own]
    /// Adds the card's language preference.
    pub(crate) fn speak(&mut self, preference: Option<&[u8]>) {
        let is_sound =
            |codes: &&[u8]| matches!(codes.len(), 2 | 4 | 6 | 8) && codes.iter().all(u8::is_ascii_alphabetic);
        self.language_preference = preference.filter(is_sound).map(<[u8]>::to_vec);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_back() {
        for code in 0..=u8::MAX {
            assert!(Message::from_code(code).is_none_or(|message| message.code() == code));
        }
        assert_eq!(Message::from_code(0x20), Some(Message::SeePhone));
        assert_eq!(Message::from_code(0xFF), None);
    }

    #[test]
    fn only_letters_are_a_language() {
        let spoken = |preference: &[u8]| {
            let mut ui = UiRequest::new(Message::Approved, Status::CardReadOk);
            ui.speak(Some(preference));
            ui.language_preference
        };
        for sound in [&b"zh"[..], b"ZHEN", b"zhenfrde"] {
            assert_eq!(spoken(sound), Some(sound.to_vec()));
        }
        for wrong in [
            &b""[..],
            b"z",
            b"zhe",
            b"zhenfrdeit",
            b"47",
            &[0x47, 0x61, 0x73, 0x99],
        ] {
            assert_eq!(spoken(wrong), None);
        }
    }
}
