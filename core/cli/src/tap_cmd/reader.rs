//! A real card at a reader of this machine, over PC/SC.
//!
//! A contactless reader shows every card as one that speaks T=1, whatever goes through the air (PC/SC part 3), so that
//! commands and answers are the same as of a phone's radio. A card that speaks T=0 alone lies with its contacts in a
//! slot, and is refused.

use std::ffi::{CStr, CString};
use std::slice;
use std::time::{Duration, Instant};

use pcsc::{
    Card, Context, Disposition, Error, MAX_BUFFER_SIZE_EXTENDED, Protocols, ReaderState, Scope, ShareMode,
    State,
};
use softpos_cards::Presence;
use zeroize::Zeroizing;

use super::held::{Answer, Held};
use crate::clock;
use crate::failure::Failure;
use crate::out::{HEAD, Out};
use crate::till::progress::Progress;

/// How long a card is waited for.
const WAIT: Duration = Duration::from_secs(30);
/// How often the time that is left is shown.
const LOOK: Duration = Duration::from_secs(1);
/// Before a card that is only halfway in the field is tried again.
const SETTLE: Duration = Duration::from_millis(100);

/// The card is not, or no longer, where it can be spoken to. A reader that loses it in the middle of a command says
/// no more than that the exchange failed.
const LEFT: [Error; 8] = [
    Error::RemovedCard,
    Error::NoSmartcard,
    Error::ResetCard,
    Error::UnpoweredCard,
    Error::UnresponsiveCard,
    Error::UnsupportedCard,
    Error::NotTransacted,
    Error::CommError,
];

/// What else goes wrong at readers, and what is said about it.
const TOLD: [(Error, &str); 11] = [
    (Error::NoService, "till-reader-no-service"),
    (Error::ServiceStopped, "till-reader-no-service"),
    // While no card is spoken to: the service ended in the middle.
    (Error::CommError, "till-reader-no-service"),
    (Error::NoReadersAvailable, "till-reader-none"),
    (Error::UnknownReader, "till-reader-gone"),
    (Error::ReaderUnavailable, "till-reader-gone"),
    (Error::SharingViolation, "till-reader-in-use"),
    (Error::SecurityViolation, "till-reader-not-allowed"),
    (Error::NoAccess, "till-reader-not-allowed"),
    (Error::ProtoMismatch, "till-reader-contacts"),
    (Error::CardUnsupported, "till-reader-contacts"),
];

/// One reader, and the card that is at it.
pub(super) struct Reader {
    context: Context,
    name: CString,
    card: Option<Card>,
    /// A card was at it before, and has to leave before the next one counts.
    is_again: bool,
    out: Out,
}

impl Reader {
    /// The reader that has this in its name; the only one, if nothing is typed.
    pub(super) fn open(typed: &str, out: Out) -> Result<Self, Failure> {
        let context = Context::establish(Scope::User).map_err(failed)?;
        let readers = context.list_readers_owned().map_err(failed)?;
        let name = choose(&readers, typed)?.to_owned();
        Ok(Self {
            context,
            name,
            card: None,
            is_again: false,
            out,
        })
    }

    /// Waits until the reader is in that state, and says once what for.
    fn wait(&self, wanted: State, key: &str, until: Instant) -> Result<(), Failure> {
        let mut progress = Progress::default();
        let waited = self.look(wanted, key, until, &mut progress);
        progress.clear();
        waited
    }

    fn look(&self, wanted: State, key: &str, until: Instant, progress: &mut Progress) -> Result<(), Failure> {
        let reader = shown(&self.name);
        let mut state = ReaderState::new(self.name.clone(), State::UNAWARE);
        let mut is_told = false;
        loop {
            match self.context.get_status_change(LOOK, slice::from_mut(&mut state)) {
                Ok(()) | Err(Error::Timeout) => {}
                Err(error) => return Err(failed(error)),
            }
            let now = state.event_state();
            if now.intersects(State::UNKNOWN | State::UNAVAILABLE) {
                return Err(failed(Error::ReaderUnavailable));
            }
            // A thing that is there and does not answer may be a card that is not close enough yet.
            if now.contains(wanted) && !now.contains(State::MUTE) {
                return Ok(());
            }
            state.sync_current_state();
            let left = until.saturating_duration_since(clock::now());
            if left.is_zero() {
                return Err(said("till-reader-no-card", reader));
            }
            let seconds = left.as_secs_f64().ceil().to_string();
            let about = [("reader", reader.as_str()), ("seconds", seconds.as_str())];
            if !is_told {
                self.out.say(HEAD, key, &about);
                is_told = true;
            }
            let gone = WAIT.saturating_sub(left).as_secs();
            progress.show(&self.out.texts().with(key, &about), gone, WAIT.as_secs());
        }
    }
}

impl Held for Reader {
    fn present(&mut self) -> Result<Presence, Failure> {
        let until = clock::now() + WAIT;
        if self.is_again {
            self.wait(State::EMPTY, "till-reader-take-away", until)?;
        }
        self.is_again = true;
        while clock::now() < until {
            self.wait(State::PRESENT, "till-reader-wait", until)?;
            match self.context.connect(&self.name, ShareMode::Shared, Protocols::T1) {
                Ok(card) => {
                    self.card = Some(card);
                    return Ok(Presence::Card);
                }
                Err(error) if LEFT.contains(&error) => std::thread::sleep(SETTLE),
                Err(error) => return Err(failed(error)),
            }
        }
        Err(said("till-reader-no-card", shown(&self.name)))
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Option<Answer>, Failure> {
        let Some(card) = &self.card else {
            return Ok(None);
        };
        let mut room = Zeroizing::new(vec![0; MAX_BUFFER_SIZE_EXTENDED]);
        match Answer::timed(|| card.transmit(command, &mut room).map(<[u8]>::to_vec)) {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if LEFT.contains(&error) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    fn remove(&mut self) {
        if let Some(card) = self.card.take() {
            // A card that has left needs no goodbye.
            drop(card.disconnect(Disposition::UnpowerCard));
        }
    }
}

/// The one that is called so, the one that has it in its name, or the only one.
fn choose<'a>(readers: &'a [CString], typed: &str) -> Result<&'a CStr, Failure> {
    let wanted = typed.to_lowercase();
    let named = |name: &&CString| name.to_string_lossy().to_lowercase().contains(&wanted);
    let exact = readers.iter().find(|name| name.to_string_lossy() == typed);
    let fitting: Vec<&CString> = readers.iter().filter(named).collect();
    match (exact, fitting.as_slice()) {
        (Some(one), _) => Ok(one),
        (None, [one]) => Ok(one),
        (None, []) if readers.is_empty() => Err(failed(Error::NoReadersAvailable)),
        (None, []) => Err(said("till-reader-no-such", list(readers.iter()))),
        (None, several) => Err(said("till-reader-several", list(several.iter().copied()))),
    }
}

fn list<'a>(readers: impl Iterator<Item = &'a CString>) -> String {
    readers.map(|name| shown(name)).collect::<Vec<_>>().join(", ")
}

/// As it may be written on a screen: the name comes out of the device.
fn shown(name: &CStr) -> String {
    let text = name.to_string_lossy();
    let marked = text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c });
    format!("“{}”", marked.collect::<String>())
}

fn failed(error: Error) -> Failure {
    let told = TOLD.iter().find(|(known, _)| *known == error);
    said(
        told.map_or("till-reader-failed", |(_, key)| key),
        error.to_string(),
    )
}

fn said(key: &'static str, about: String) -> Failure {
    Failure::Said { key, about }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn readers(names: &[&str]) -> Vec<CString> {
        names.iter().map(|name| CString::new(*name).unwrap()).collect()
    }

    fn chosen(names: &[&str], typed: &str) -> Result<String, &'static str> {
        match choose(&readers(names), typed) {
            Ok(name) => Ok(name.to_string_lossy().into_owned()),
            Err(Failure::Said { key, .. }) => Err(key),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_reader_is_chosen_by_any_part_of_its_name_that_only_it_has() {
        let two = ["ACS ACR1252 PICC 00 00", "ACS ACR1252 SAM 01 00"];
        assert_eq!(chosen(&two[..1], "").as_deref(), Ok(two[0]));
        assert_eq!(chosen(&two, "picc").as_deref(), Ok(two[0]));
        assert_eq!(chosen(&two, two[1]).as_deref(), Ok(two[1]));
        // The whole name of one may be the beginning of another's.
        assert_eq!(chosen(&["A 0", "A 00"], "A 0").as_deref(), Ok("A 0"));
        assert_eq!(chosen(&two, ""), Err("till-reader-several"));
        assert_eq!(chosen(&two, "ACR"), Err("till-reader-several"));
        assert_eq!(chosen(&two, "Omnikey"), Err("till-reader-no-such"));
        assert_eq!(chosen(&[], ""), Err("till-reader-none"));
        assert_eq!(chosen(&[], "ACR"), Err("till-reader-none"));
    }

    #[test]
    fn a_name_cannot_write_over_the_screen() {
        let name = CString::new("ACR\u{1b}[2J\u{7}122").unwrap();
        assert_eq!(shown(&name), "“ACR\u{FFFD}[2J\u{FFFD}122”");
    }

    #[test]
    fn a_choice_is_wrong_usage_and_a_missing_service_a_failure() {
        for (failure, exit) in [
            (choose(&readers(&["A", "B"]), "").unwrap_err(), Exit::Usage),
            (choose(&readers(&["A"]), "C").unwrap_err(), Exit::Usage),
            (failed(Error::NoService), Exit::Failure),
            (failed(Error::InternalError), Exit::Failure),
        ] {
            assert_eq!(failure.exit(), exit, "{failure:?}");
        }
    }
}
