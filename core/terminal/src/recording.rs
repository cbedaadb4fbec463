//! A tap that can be told again: recorded without card data, replayed to the same steps.
//!
//! Answers are masked by type when they come, so a recording never holds a card number, a track, a name or a
//! signature. The steps in it are those of the masked answers: a replay on any machine must take exactly these. Where
//! the card's own data led elsewhere, as where a signature decided, the original outcome stands beside them.

use serde::{Deserialize, Serialize};
use softpos_emv::{
    CardOutcome, KernelId, Prompt, Reader, ReaderConfig, ReaderError, ReaderStep, StoppedRead, TapMask,
    Transaction,
};
use softpos_flow::reader_config;
use softpos_host::ReaderParameters;
use softpos_types::{Code, Currency, LocalTime, Money, SecretArray, SoftPosError, Tick};
use softpos_wire::apdu::Rapdu;
use softpos_wire::{dictionary, tlv};

use crate::clock::Clock;
use crate::os_entropy::os_entropy;

/// Format of the file.
const VERSION: u8 = 1;
/// Events of one tap that are kept: more than any card needs.
const MAX_EVENTS: usize = 512;

/// Unpredictable numbers of one transaction.
const NUMBERS: usize = 12;

/// What a tap begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapSetup {
    /// What the terminal accepts, as in the signed parameters.
    pub reader: ReaderParameters,
    /// Amount in minor units.
    pub amount_minor: i64,
    /// Its currency, as `CNY`.
    pub currency: String,
    /// When, milliseconds since 1970 UTC.
    pub utc_ms: u64,
    /// Minutes east of UTC.
    pub utc_offset_min: i16,
    /// The reader's unpredictable numbers (9F37), twelve of four bytes each.
    pub unpredictable: Vec<[u8; 4]>,
}

impl TapSetup {
    /// A tap for this amount here and now.
    ///
    /// # Errors
    /// `SecureHardware` if the system has no randomness.
    pub fn now(reader: ReaderParameters, amount: Money, utc_offset_min: i16) -> Result<Self, SoftPosError> {
        let mut entropy = os_entropy()?;
        Ok(Self {
            reader,
            amount_minor: amount.amount_minor(),
            currency: amount.currency().alpha().to_owned(),
            utc_ms: Clock::start().now().utc_ms,
            utc_offset_min,
            unpredictable: (0..NUMBERS).map(|_| entropy.array()).collect(),
        })
    }
}

/// Something the card did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum TapEvent {
    /// It came into the field.
    Present,
    /// With another one.
    Collision,
    /// It left.
    Lost,
    /// It answered.
    Replied {
        /// Masked, hexadecimal.
        answer: String,
        /// Microseconds from command to answer.
        elapsed_us: u32,
    },
}

/// What the reader did after an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum TapStep {
    /// It sent a command.
    Command {
        /// Hexadecimal.
        command: String,
    },
    /// It asked for the card.
    Wait {
        /// Number of the message, hexadecimal; empty if nothing new is shown.
        message: String,
    },
    /// It ended.
    End {
        /// As `online online_pin` or `declined CardDeclined 000000000007`.
        outcome: String,
    },
    /// The event did not belong there.
    Ignored,
}

/// A recorded tap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapRecording {
    /// Format.
    pub version: u8,
    /// What it began with.
    pub setup: TapSetup,
    /// What the card did, masked.
    pub events: Vec<TapEvent>,
    /// What the reader does with that.
    pub steps: Vec<TapStep>,
    /// How the tap ended with the card's own data.
    pub outcome: String,
}

/// One data object of an answer, as the kernel that asked calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapObject {
    /// How deep in templates it lies, from 0.
    pub depth: usize,
    /// Its tag, hexadecimal.
    pub tag: String,
    /// Its name, the field's own term; empty for one that this kernel does not know.
    pub name: &'static str,
    /// How its value is coded: `n`, `cn`, `ans`, `b`, `template`; empty for one that is not known.
    pub coding: &'static str,
    /// Its value, masked, hexadecimal; empty for a template, whose objects follow.
    pub value: String,
}

/// A running tap: a reader without a payment around it.
#[derive(Debug)]
pub struct Tap {
    setup: TapSetup,
    reader: Reader,
    events: Vec<TapEvent>,
    mask: TapMask,
    /// What the last answer held.
    objects: Vec<TapObject>,
    outcome: String,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TapNext {
    /// Send this to the card.
    Transmit(Vec<u8>),
    /// Hold the card out again; the number of the message to show, hexadecimal.
    Wait(String),
    /// It has ended like this.
    Ended(String),
}

impl Tap {
    /// Starts a reader.
    ///
    /// # Errors
    /// `ParametersInvalid` for a reader set or numbers that cannot be used, `AmountOverLimit` if no card is allowed
    /// for the amount, `SecureHardware` if the system has no randomness.
    pub fn start(setup: TapSetup) -> Result<Self, SoftPosError> {
        Ok(Self {
            reader: reader(&setup, os_entropy()?.secret())?,
            setup,
            events: Vec::new(),
            mask: TapMask::default(),
            objects: Vec::new(),
            outcome: String::new(),
        })
    }

    /// The card is in the field, alone or with another one.
    pub fn present(&mut self, alone: bool) -> TapNext {
        self.happened(if alone {
            TapEvent::Present
        } else {
            TapEvent::Collision
        });
        let step = if alone {
            self.reader.card_present(Tick(0))
        } else {
            self.reader.collision(Tick(0))
        };
        self.next(step)
    }

    /// The card answered, or has left the field.
    pub fn replied(&mut self, answer: Option<&[u8]>, elapsed_us: u32) -> TapNext {
        let masked = answer.map(|answer| self.mask.answer(answer));
        self.objects = masked
            .as_deref()
            .map(|masked| objects(&self.reader, masked))
            .unwrap_or_default();
        self.happened(match masked {
            Some(masked) => TapEvent::Replied {
                answer: hex::encode_upper(masked),
                elapsed_us,
            },
            None => TapEvent::Lost,
        });
        let step = match answer {
            Some(answer) => self.reader.card_replied(answer, elapsed_us, Tick(0)),
            None => self.reader.card_lost(Tick(0)),
        };
        self.next(step)
    }

    /// A command as it may be shown, hexadecimal: without what the card wants to have back.
    pub fn shown_command(&self, command: &[u8]) -> String {
        hex::encode_upper(self.mask.command(command))
    }

    /// What the card answered last, masked, hexadecimal.
    pub fn last_answer(&self) -> Option<&str> {
        match self.events.last() {
            Some(TapEvent::Replied { answer, .. }) => Some(answer),
            Some(TapEvent::Present | TapEvent::Collision | TapEvent::Lost) | None => None,
        }
    }

    /// What the card answered last, object by object, as the kernel calls them.
    pub fn last_objects(&self) -> &[TapObject] {
        &self.objects
    }

    /// The recording.
    ///
    /// # Errors
    /// As [`Tap::start`].
    pub fn into_recording(self) -> Result<TapRecording, SoftPosError> {
        Ok(TapRecording {
            version: VERSION,
            steps: steps(&self.setup, &self.events)?,
            setup: self.setup,
            events: self.events,
            outcome: self.outcome,
        })
    }

    fn happened(&mut self, event: TapEvent) {
        if self.events.len() < MAX_EVENTS {
            self.events.push(event);
        }
    }

    fn next(&mut self, step: ReaderStep) -> TapNext {
        match step {
            ReaderStep::Transmit(command) => TapNext::Transmit(command),
            ReaderStep::WaitForCard(prompt) => TapNext::Wait(message(&prompt)),
            ReaderStep::Finished(outcome) => {
                self.outcome = named(&outcome);
                TapNext::Ended(self.outcome.clone())
            }
            ReaderStep::Ignored => TapNext::Ended(self.outcome.clone()),
        }
    }
}

impl TapRecording {
    /// Reads a recording.
    ///
    /// # Errors
    /// `ParametersInvalid` for anything that is none.
    pub fn from_json(bytes: &[u8]) -> Result<Self, SoftPosError> {
        let recording: Self = serde_json::from_slice(bytes).map_err(|error| invalid(&error.to_string()))?;
        if recording.version != VERSION || recording.events.len() > MAX_EVENTS {
            return Err(invalid("of another version, or too long"));
        }
        Ok(recording)
    }

    /// Runs the tap again. The first step that differs from the recording, from 1; none if all are alike.
    ///
    /// # Errors
    /// As [`Tap::start`].
    pub fn replay(&self) -> Result<Option<usize>, SoftPosError> {
        let steps = steps(&self.setup, &self.events)?;
        let longer = steps.len().max(self.steps.len());
        Ok((0..longer)
            .find(|at| steps.get(*at) != self.steps.get(*at))
            .map(|at| at.saturating_add(1)))
    }

    /// What the card answered, answer by answer and object by object, as the kernel at work calls them.
    ///
    /// # Errors
    /// As [`Tap::start`].
    pub fn objects(&self) -> Result<Vec<Vec<TapObject>>, SoftPosError> {
        let mut reader = replaying(&self.setup)?;
        let mut answers = Vec::new();
        for event in &self.events {
            if let TapEvent::Replied { answer, .. } = event {
                let answer = hex::decode(answer).map_err(|_| invalid("an answer"))?;
                answers.push(objects(&reader, &answer));
            }
            step(&mut reader, event)?;
        }
        Ok(answers)
    }

    /// How the replay ends.
    pub fn replayed_outcome(&self) -> &str {
        self.steps
            .iter()
            .rev()
            .find_map(|step| match step {
                TapStep::End { outcome } => Some(outcome.as_str()),
                TapStep::Command { .. } | TapStep::Wait { .. } | TapStep::Ignored => None,
            })
            .unwrap_or_default()
    }
}

/// What a reader does with these events; it stops at its end.
fn steps(setup: &TapSetup, events: &[TapEvent]) -> Result<Vec<TapStep>, SoftPosError> {
    let mut reader = replaying(setup)?;
    let mut steps = Vec::with_capacity(events.len());
    for event in events {
        let step = match step(&mut reader, event)? {
            ReaderStep::Transmit(command) => TapStep::Command {
                command: hex::encode_upper(command),
            },
            ReaderStep::WaitForCard(prompt) => TapStep::Wait {
                message: message(&prompt),
            },
            ReaderStep::Finished(outcome) => TapStep::End {
                outcome: named(&outcome),
            },
            ReaderStep::Ignored => TapStep::Ignored,
        };
        let ended = matches!(step, TapStep::End { .. });
        steps.push(step);
        if ended {
            break;
        }
    }
    Ok(steps)
}

fn step(reader: &mut Reader, event: &TapEvent) -> Result<ReaderStep, SoftPosError> {
    Ok(match event {
        TapEvent::Present => reader.card_present(Tick(0)),
        TapEvent::Collision => reader.collision(Tick(0)),
        TapEvent::Lost => reader.card_lost(Tick(0)),
        TapEvent::Replied { answer, elapsed_us } => {
            let answer = hex::decode(answer).map_err(|_| invalid("an answer"))?;
            reader.card_replied(&answer, *elapsed_us, Tick(0))
        }
    })
}

/// The objects of a masked answer; none if it is no list of objects.
fn objects(reader: &Reader, masked: &[u8]) -> Vec<TapObject> {
    let kernel = reader.kernel().map_or(0, KernelId::number);
    let mut objects = Vec::new();
    let Ok(answer) = Rapdu::parse(masked) else {
        return objects;
    };
    let told = tlv::walk(answer.body, &mut |depth, object| {
        let known = dictionary::object(object.tag, kernel);
        objects.push(TapObject {
            depth,
            tag: object.tag.to_string(),
            name: known.map_or("", |known| known.name),
            coding: known.map_or("", |known| known.coding.name()),
            value: if object.tag.is_constructed() {
                String::new()
            } else {
                hex::encode_upper(object.value)
            },
        });
    });
    if told.is_err() {
        objects.clear();
    }
    objects
}

/// A reader whose channels to cards are the same each time: masked answers fit none.
fn replaying(setup: &TapSetup) -> Result<Reader, SoftPosError> {
    reader(setup, SecretArray::build(|_| ()))
}

fn reader(setup: &TapSetup, channel_seed: SecretArray<32>) -> Result<Reader, SoftPosError> {
    let config: ReaderConfig = reader_config(&setup.reader).ok_or_else(|| invalid("the reader set"))?;
    let currency = Currency::from_alpha(&setup.currency).ok_or_else(|| invalid("the currency"))?;
    let (numbers, rest) = setup.unpredictable.as_chunks::<3>();
    let (Ok(unpredictable), []) = (numbers.try_into(), rest) else {
        return Err(invalid("the unpredictable numbers"));
    };
    let transaction = Transaction {
        amount: Money::new(setup.amount_minor, currency),
        other_minor: 0,
        transaction_type: 0,
        local: LocalTime::from_utc(setup.utc_ms, setup.utc_offset_min),
        unpredictable,
    };
    let reader = Reader::new(&config, transaction).map_err(|error| match error {
        ReaderError::NothingAllowed(_) => SoftPosError::of(Code::AmountOverLimit),
        ReaderError::Amount => SoftPosError::of(Code::AmountNotANumber),
    })?;
    Ok(reader.with_channels(channel_seed))
}

/// The message of a prompt, as two hexadecimal digits.
fn message(prompt: &Prompt) -> String {
    let request = prompt.now.as_ref().or(prompt.ready.as_ref());
    request.map_or_else(String::new, |request| format!("{:02X}", request.message.code()))
}

/// The outcome by name, with the verification, or with the reason and the error indication (DF8115); neither holds card
/// data.
fn named(outcome: &CardOutcome) -> String {
    match outcome {
        CardOutcome::Online(read) => format!("online {}", read.cvm.name()),
        CardOutcome::Approved(read) => format!("approved {}", read.cvm.name()),
        CardOutcome::Declined(stopped) => why("declined", stopped),
        CardOutcome::TryAnotherInterface(stopped) => why("another_interface", stopped),
        CardOutcome::EndApplication(stopped) => why("ended", stopped),
    }
}

fn why(outcome: &str, stopped: &StoppedRead) -> String {
    let error = hex::encode_upper(stopped.error.to_bytes());
    format!("{outcome} {:?} {error}", stopped.reason)
}

fn invalid(detail: &str) -> SoftPosError {
    SoftPosError::of(Code::ParametersInvalid).with_detail(detail)
}
