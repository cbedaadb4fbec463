//! How a kernel ends (Book A outcomes) and why.

use alloc::boxed::Box;
use alloc::vec::Vec;

use softpos_types::SecretBytes;
use softpos_wire::Tag;

use crate::entry::Start;
use crate::read::CardRead;
use crate::ui::{Message, UiRequest};

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

/// How the card proved that it is the issuer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Authentication {
    /// By signed static data: whoever copied them proves as much.
    Static,
    /// By a signature of its own over a number of the reader.
    Dynamic,
    /// The same, given with the processing options.
    FastDynamic,
    /// By a signature of its own over the cryptogram and what it was told.
    Combined,
    /// By a certified key behind the channel in which it spoke.
    Local,
}

impl Authentication {
    /// The stable name, as `cda`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Static => "sda",
            Self::Dynamic => "dda",
            Self::FastDynamic => "fdda",
            Self::Combined => "cda",
            Self::Local => "local",
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
    /// The exception file names the card.
    OnExceptionFile,
    /// The application's usage control forbids cash or cashback here.
    UsageForbidden,
    /// The issuer must decide and the reader is offline only.
    OnlineUnable,
    /// The card offers an offline approval and its authentication failed.
    NotAuthenticated,
    /// Verification is needed and nothing that both sides can do is left.
    NoVerification,
    /// The card's claim to have verified its holder does not hold.
    VerificationNotProven,
    /// The card says: look at the device first.
    SeePhone,
    /// The card left the field.
    CardLost,
    /// The card left when it may have approved already: what it did is not known.
    Torn,
    /// The card was presented too often.
    TooManyTries,
    /// The application names a kernel that this reader does not have.
    NoKernel,
    /// A value the terminal must have is missing or has a wrong length.
    TerminalDataMissing(Tag),
    /// Above the limit that the kernel itself checks.
    LimitExceeded,
    /// GENERATE AC or another command of the kernel was refused with this status word.
    CommandRefused(u16),
    /// The card's answers came later or earlier than it promised.
    RelaySuspected,
    /// The channel to the card cannot be opened, or its answers have used it up.
    ChannelBroken,
    /// The card's code over cryptogram and payment is not that of the channel.
    MacDiffers,
    /// The kernel gave no other reason.
    Kernel,
}

/// Which layer failed, for the acquirer's log (DF8115): bytes as C-2 codes them. Holds no card data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ErrorIndication {
    /// Radio: 1 timeout, 2 transmission, 3 protocol.
    pub l1: u8,
    /// Card: 1 data missing, 2 authentication, 3 status word, 4 parsing, 5 limit, 6 card data, 7 stripe mode, 8 no
    /// directory, 9 a faulty one, 0A no application in common, 0F terminal data, 10 its channel, 13 its code over the
    /// payment.
    pub l2: u8,
    /// Terminal: 1 timeout, 2 stop, 3 amount.
    pub l3: u8,
    /// The status word that ended it, or zero.
    pub sw: u16,
    /// The message on the error, FF for none.
    pub message: u8,
}

impl ErrorIndication {
    /// Nothing failed.
    pub const NONE: Self = Self {
        l1: 0,
        l2: 0,
        l3: 0,
        sw: 0,
        message: 0xFF,
    };

    // Rule K-ERROR: the error indication says which step failed, in numbers and status words, without card data.
    // [source: inference; test: kernel::endings::tests::every_reason_says_which_step_failed,
    // kernel::tests::every_kernel_says_which_step_failed; evidence: own]
    /// What a reason and the message that is shown mean to the acquirer.
    pub(crate) fn of(reason: Reason, message: Option<Message>) -> Self {
        let (l1, l2, sw) = match reason {
            Reason::CardLost | Reason::Torn => (2, 0, 0),
            Reason::DataMissing(_) => (0, 0x01, 0),
            Reason::NotAuthenticated => (0, 0x02, 0),
            Reason::ProcessingOptionsRefused(sw) | Reason::RecordRefused(sw) | Reason::CommandRefused(sw) => {
                (0, 0x03, sw)
            }
            Reason::SeePhone => (0, 0x03, 0x6986),
            Reason::Malformed => (0, 0x04, 0),
            Reason::LimitExceeded => (0, 0x05, 0),
            Reason::DataTwice(_)
            | Reason::DataConflict
            | Reason::BrandConflict
            | Reason::RelaySuspected
            | Reason::VerificationNotProven => (0, 0x06, 0),
            Reason::NoApplication => (0, 0x0A, 0),
            Reason::TerminalDataMissing(_) => (0, 0x0F, 0),
            Reason::ChannelBroken => (0, 0x10, 0),
            Reason::MacDiffers => (0, 0x13, 0),
            Reason::NothingAllowed
            | Reason::CardDeclined
            | Reason::Expired
            | Reason::OnExceptionFile
            | Reason::UsageForbidden
            | Reason::OnlineUnable
            | Reason::NoVerification
            | Reason::TooManyTries
            | Reason::NoKernel
            | Reason::Kernel => (0, 0, 0),
        };
        Self {
            l1,
            l2,
            sw,
            message: message.map_or(Self::NONE.message, Message::code),
            ..Self::NONE
        }
    }

    /// The card gave no directory, or one that cannot be read.
    pub(crate) const fn directory(given: bool, sw: u16) -> Self {
        let (l2, sw) = if given { (0x09, 0) } else { (0x08, sw) };
        Self { l2, sw, ..Self::NONE }
    }

    /// The six bytes of DF8115.
    pub const fn to_bytes(self) -> [u8; 6] {
        let [high, low] = self.sw.to_be_bytes();
        [self.l1, self.l2, self.l3, high, low, self.message]
    }
}

impl Default for ErrorIndication {
    fn default() -> Self {
        Self::NONE
    }
}

/// Another way to read the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interface {
    /// The chip in a slot.
    Contact,
    /// The stripe.
    MagStripe,
}

/// What a kernel leaves for the acquirer's log.
#[derive(Debug)]
pub struct KernelReport {
    /// Which layer failed.
    pub error: ErrorIndication,
    /// Discretionary data: data objects, possibly of the card.
    pub discretionary: SecretBytes,
}

impl KernelReport {
    /// What failed, without further data.
    pub const fn of(error: ErrorIndication) -> Self {
        Self {
            error,
            discretionary: SecretBytes::new(Vec::new()),
        }
    }
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
    /// How long the card may stay before it counts as forgotten; 0: not watched.
    pub removal_timeout_ms: u32,
    /// The customer gets a receipt.
    pub receipt: bool,
    /// Which interface to take instead, if the kernel prefers one.
    pub interface: Option<Interface>,
    /// For the acquirer's log.
    pub report: Option<Box<KernelReport>>,
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
            removal_timeout_ms: 0,
            receipt: false,
            interface: None,
            report: None,
            read: None,
        }
    }

    // Rule K-OUTCOME: the outcome parameter set, from F0F0F0F000F0FF00 on: status, start, verification, what comes with
    // it, interface, field off and removal time.
    // [source: peer, danhu; test: outcome::tests::the_parameter_set_byte_for_byte; evidence: own]
    /// The eight bytes of the outcome parameter set as C-2 codes it (DF8129); a half byte F says "not applicable".
    pub fn parameter_set(&self) -> [u8; 8] {
        let status = match self.kind {
            OutcomeKind::Approved => 0x10,
            OutcomeKind::Declined => 0x20,
            OutcomeKind::OnlineRequest => 0x30,
            OutcomeKind::EndApplication => 0x40,
            OutcomeKind::SelectNext => 0x50,
            OutcomeKind::TryAnotherInterface => 0x60,
            OutcomeKind::TryAgain => 0x70,
        };
        let start = match self.start {
            Some(Start::A) => 0x00,
            Some(Start::B) => 0x10,
            Some(Start::C) => 0x20,
            Some(Start::D) => 0x30,
            None => 0xF0,
        };
        let cvm = match self.read.as_ref().map(|read| read.cvm) {
            Some(Cvm::None) => 0x00,
            Some(Cvm::Signature) => 0x10,
            Some(Cvm::OnlinePin) => 0x20,
            Some(Cvm::OnDevice) => 0x30,
            None => 0xF0,
        };
        let flags = [
            (self.ui_on_outcome.is_some(), 0x80),
            (self.ui_on_restart.is_some(), 0x40),
            (self.read.is_some(), 0x20),
            (self.report.is_some(), 0x10),
            (self.receipt, 0x08),
        ]
        .into_iter()
        .fold(0, |byte, (set, bit)| if set { byte | bit } else { byte });
        let interface = match self.interface {
            Some(Interface::Contact) => 0x10,
            Some(Interface::MagStripe) => 0x20,
            None => 0xF0,
        };
        let tenths = |ms: u32| u8::try_from(ms.div_ceil(100)).unwrap_or(0xFE).min(0xFE);
        let field_off = if self.field_off_ms == 0 {
            0xFF
        } else {
            tenths(self.field_off_ms)
        };
        [
            status,
            start,
            0xF0,
            cvm,
            flags,
            interface,
            field_off,
            tenths(self.removal_timeout_ms),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::Status;

    #[test]
    fn the_parameter_set_byte_for_byte() {
        let plain = KernelOutcome::new(OutcomeKind::EndApplication);
        assert_eq!(
            plain.parameter_set(),
            [0x40, 0xF0, 0xF0, 0xF0, 0x00, 0xF0, 0xFF, 0x00]
        );
        let again = KernelOutcome {
            start: Some(Start::B),
            ui_on_outcome: Some(UiRequest::new(Message::SeePhone, Status::NotReady)),
            ui_on_restart: Some(UiRequest::new(Message::SeePhone, Status::ReadyToRead)),
            field_off_ms: 1_300,
            report: Some(Box::new(KernelReport::of(ErrorIndication::NONE))),
            interface: Some(Interface::Contact),
            receipt: true,
            ..KernelOutcome::new(OutcomeKind::EndApplication)
        };
        assert_eq!(
            again.parameter_set(),
            [0x40, 0x10, 0xF0, 0xF0, 0xD8, 0x10, 13, 0x00]
        );
    }

    #[test]
    fn the_error_indication_byte_for_byte() {
        assert_eq!(ErrorIndication::default().to_bytes(), [0, 0, 0, 0, 0, 0xFF]);
        let refused = ErrorIndication {
            l2: 3,
            sw: 0x6985,
            message: 0x1C,
            ..ErrorIndication::NONE
        };
        assert_eq!(refused.to_bytes(), [0, 3, 0, 0x69, 0x85, 0x1C]);
    }
}
