//! The kernels: one module each, one trait for all, one enum so that matches stay exhaustive.

mod authentic;
mod c2;
mod c3;
mod c4;
mod c5;
mod c6;
mod c7;
mod c8;
mod configured;
mod endings;
mod intake;
#[cfg(test)]
pub(crate) mod scripted;
#[cfg(test)]
mod test_pki;
#[cfg(test)]
pub(crate) mod tests;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use softpos_crypto::p256_key::SoftwareKey;
use softpos_types::Tick;

use crate::config::{KernelId, TerminalData};
use crate::entry::Activation;
use crate::exceptions::ExceptionFile;
use crate::issuer_answer::Returning;
use crate::oda::AuthorityKeys;
use crate::outcome::{KernelOutcome, OutcomeKind, Reason};
use crate::torn::TornLog;

/// What a kernel works with besides the card.
#[derive(Debug)]
pub struct KernelInput {
    /// The Entry Point's part.
    pub activation: Activation,
    /// The reader's own data objects: terminal, kernel configuration, transaction, unpredictable number.
    pub data: TerminalData,
    /// More unpredictable numbers, for kernels that need a new one within one activation.
    pub spare_unpredictable: [[u8; 4]; 2],
    /// The kernel's half of the channel to the card, made for this activation alone; without it kernel 8 does not run.
    pub channel_key: Option<SoftwareKey>,
    /// Taps that were cut; the kernel gives the log back with [`Kernel::take_torn_log`].
    pub torn: TornLog,
    /// Keys for offline data authentication, and what is revoked.
    pub keys: Arc<AuthorityKeys>,
    /// Cards that are not to be taken.
    pub exceptions: Arc<ExceptionFile>,
    /// Whether the caller brings the issuer's answer back to a card that wants it.
    pub issuer_updates: bool,
    /// The answer that is brought back: nothing is paid anew in such an activation.
    pub returning: Option<Box<Returning>>,
}

impl KernelInput {
    /// Without spare numbers, channel key, earlier taps and authority keys.
    pub fn new(activation: Activation, data: TerminalData) -> Self {
        Self {
            activation,
            data,
            spare_unpredictable: [[0; 4]; 2],
            channel_key: None,
            torn: TornLog::default(),
            keys: Arc::default(),
            exceptions: Arc::default(),
            issuer_updates: false,
            returning: None,
        }
    }
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

    /// Taps that were cut, this one included, once the kernel has ended. Most kernels keep none.
    fn take_torn_log(&mut self) -> TornLog {
        TornLog::default()
    }
}

/// A line for each kernel: its machine, its identifier and whether foreign vectors prove it.
///
/// The machine has `fn start(KernelInput) -> Result<Self, KernelOutcome>` and is a [`Kernel`]. One that is
/// `unverified` reads no card until the integrator names it in `ReaderConfig::unverified_kernels`.
macro_rules! kernels {
    ($($(#[$doc:meta])* $name:ident($machine:ty), $id:expr, $proof:ident;)*) => {
        /// Every kernel of this reader.
        #[derive(Debug)]
        pub enum AnyKernel { $($(#[$doc])* $name(Box<$machine>),)* }

        impl AnyKernel {
            /// Starts the kernel that the Entry Point asks for.
            ///
            /// # Errors
            /// The outcome of a kernel that ends at once, or SELECT NEXT if this reader does not have it.
            pub fn start(input: KernelInput) -> Result<Self, KernelOutcome> {
                $(if input.activation.kernel == $id {
                    return <$machine>::start(input).map(|kernel| Self::$name(Box::new(kernel)));
                })*
                Err(KernelOutcome {
                    reason: Some(Reason::NoKernel),
                    ..KernelOutcome::new(OutcomeKind::SelectNext)
                })
            }

            /// Which one it is.
            pub const fn id(&self) -> KernelId {
                match self { $(Self::$name(_) => $id,)* }
            }

            /// Whether foreign vectors prove the kernel; kernels that this reader does not have need no proof.
            pub(crate) fn is_verified(kernel: KernelId) -> bool {
                $(if kernel == $id { return kernels!(@$proof); })*
                true
            }
        }

        impl Kernel for AnyKernel {
            fn on_rapdu(&mut self, rapdu: &[u8], elapsed_us: u32, now: Tick) -> Progress<KernelOutcome> {
                match self { $(Self::$name(kernel) => kernel.on_rapdu(rapdu, elapsed_us, now),)* }
            }

            fn poll_capdu(&mut self) -> Option<Vec<u8>> {
                match self { $(Self::$name(kernel) => kernel.poll_capdu(),)* }
            }

            fn on_card_lost(&mut self) -> KernelOutcome {
                match self { $(Self::$name(kernel) => kernel.on_card_lost(),)* }
            }

            fn take_torn_log(&mut self) -> TornLog {
                match self { $(Self::$name(kernel) => kernel.take_torn_log(),)* }
            }
        }
    };
    (@verified) => { true };
    (@unverified) => { false };
}

kernels! {
    /// Kernel 2, Mastercard.
    C2(c2::C2), KernelId::C2, verified;
    /// Kernel 3, Visa.
    C3(c3::C3), KernelId::C3, verified;
    /// Kernel 4, American Express.
    C4(c4::C4), KernelId::C4, unverified;
    /// Kernel 5, JCB.
    C5(c5::C5), KernelId::C5, unverified;
    /// Kernel 6, Discover.
    C6(c6::C6), KernelId::C6, unverified;
    /// Kernel 7, `UnionPay`.
    C7(c7::C7), KernelId::C7, unverified;
    /// Kernel 8, the common kernel of all schemes.
    C8(c8::C8), KernelId::C8, unverified;
}
