//! How a kernel ends (Book A outcomes) and why.

use alloc::boxed::Box;

use softpos_wire::Tag;

use crate::entry::Start;
use crate::read::CardRead;
use crate::ui::UiRequest;

/// The outcome of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutcomeKind {
    /// Approved offline.
    Approved,
    /// Declined.
    Declined,
    /// The issuer decides.
    OnlineRequest,
    /// The card shall be presented again.
    TryAgain,
    /// The next application shall be tried.
    SelectNext,
    /// The card shall be read another way.
    TryAnotherInterface,
    /// The payment with this card ends.
    EndApplication,
}

/// How the cardholder is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cvm {
    /// Not at all.
    None,
    /// By signature.
    Signature,
    /// By PIN, checked by the issuer.
    OnlinePin,
    /// On the customer's own device, before the tap.
    OnDevice,
}

impl Cvm {
    /// 9F34, cardholder verification method results.
    pub const fn results(self) -> [u8; 3] {
        match self {
            Self::None => [0x1F, 0x03, 0x02],
            Self::Signature => [0x1E, 0x03, 0x00],
            Self::OnlinePin => [0x02, 0x03, 0x00],
            Self::OnDevice => [0x01, 0x00, 0x02],
        }
    }

    /// The stable name, as `online_pin`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Signature => "signature",
            Self::OnlinePin => "online_pin",
            Self::OnDevice => "on_device",
        }
    }
}

/// Which step ended the reading of a card. Holds no card data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The configuration allows no card for this amount.
    NothingAllowed,
    /// The card has no directory, or nothing in it is accepted or selectable.
    NoApplication,
    /// The card refused GET PROCESSING OPTIONS with this status word.
    ProcessingOptionsRefused(u16),
    /// The card asks for more or less than a command can carry, or its answer is no well-formed data.
    Malformed,
    /// A record could not be read.
    RecordRefused(u16),
    /// A data object is missing or has a wrong length.
    DataMissing(Tag),
    /// A data object came twice.
    DataTwice(Tag),
    /// Data objects contradict each other.
    DataConflict,
    /// Provider, kernel and card number do not belong together.
    BrandConflict,
    /// The card declined.
    CardDeclined,
    /// The card expired and does not want to go online.
    Expired,
    /// The card offers an offline approval that cannot be authenticated.
    NotAuthenticated,
    /// Verification is needed and nothing that both sides can do is left.
    NoVerification,
    /// The card's claim to have verified its holder does not hold.
    VerificationNotProven,
    /// The card says: look at the device first.
    SeePhone,
    /// The card left the field.
    CardLost,
    /// The card was presented too often.
    TooManyTries,
    /// The application names a kernel that this reader does not have.
    NoKernel,
    /// The kernel gave no other reason.
    Kernel,
}

/// What a kernel hands to the Entry Point.
#[derive(Debug)]
pub struct KernelOutcome {
    /// Which outcome.
    pub kind: OutcomeKind,
    /// Why, unless it is a success.
    pub reason: Option<Reason>,
    /// Where the Entry Point starts again, if it does.
    pub start: Option<Start>,
    /// Shown at once.
    pub ui_on_outcome: Option<UiRequest>,
    /// Shown when the reader is ready for the card again.
    pub ui_on_restart: Option<UiRequest>,
    /// How long the field stays off before that.
    pub field_off_ms: u32,
    /// What was read, for outcomes that need it.
    pub read: Option<Box<CardRead>>,
}

impl KernelOutcome {
    /// An outcome without data, restart or user interface.
    pub const fn new(kind: OutcomeKind) -> Self {
        Self {
            kind,
            reason: None,
            start: None,
            ui_on_outcome: None,
            ui_on_restart: None,
            field_off_ms: 0,
            read: None,
        }
    }
}
