//! The kernels: one module each, one trait for all, one enum so that matches stay exhaustive.

mod c3;

use alloc::vec::Vec;

use softpos_types::Tick;

use crate::config::{KernelId, TerminalData};
use crate::entry::Activation;
use crate::outcome::{KernelOutcome, OutcomeKind, Reason};

/// What a kernel works with besides the card.
#[derive(Clone, Debug)]
pub struct KernelInput {
    /// The Entry Point's part.
    pub activation: Activation,
    /// The reader's own data objects: terminal, transaction, unpredictable number.
    pub data: TerminalData,
}

/// Whether a machine goes on.
#[derive(Debug)]
pub enum Progress<T> {
    /// Poll for the next command.
    Continue,
    /// Ended with this.
    Done(T),
}

/// A kernel that has been started.
pub trait Kernel {
    /// The card answered the last command; `elapsed_us` is the time from command to answer.
    fn on_rapdu(&mut self, rapdu: &[u8], elapsed_us: u32, now: Tick) -> Progress<KernelOutcome>;

    /// The next command, once.
    fn poll_capdu(&mut self) -> Option<Vec<u8>>;

    /// The card left the field.
    fn on_card_lost(&mut self) -> KernelOutcome;
}

/// Every kernel of this reader.
#[derive(Debug)]
pub enum AnyKernel {
    /// Kernel 3, Visa.
    C3(c3::C3),
}

impl AnyKernel {
    /// Starts the kernel that the Entry Point asks for.
    ///
    /// # Errors
    /// The outcome of a kernel that ends at once, or SELECT NEXT if this reader does not have it.
    pub fn start(input: KernelInput) -> Result<Self, KernelOutcome> {
        if input.activation.kernel == KernelId::C3 {
            c3::C3::start(input).map(Self::C3)
        } else {
            Err(KernelOutcome {
                reason: Some(Reason::NoKernel),
                ..KernelOutcome::new(OutcomeKind::SelectNext)
            })
        }
    }
}

impl Kernel for AnyKernel {
    fn on_rapdu(&mut self, rapdu: &[u8], elapsed_us: u32, now: Tick) -> Progress<KernelOutcome> {
        match self {
            Self::C3(kernel) => kernel.on_rapdu(rapdu, elapsed_us, now),
        }
    }

    fn poll_capdu(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::C3(kernel) => kernel.poll_capdu(),
        }
    }

    fn on_card_lost(&mut self) -> KernelOutcome {
        match self {
            Self::C3(kernel) => kernel.on_card_lost(),
        }
    }
}
