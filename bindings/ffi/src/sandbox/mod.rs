//! Software cards, software keys and the reference host, so that a shell can demo and test itself. Never shipped.

mod cards;
mod host;

use std::path::Path;
use std::sync::Arc;

use softpos_terminal as terminal;
use softpos_terminal::{SecureHardware as _, SoftwareHardware};

pub use cards::{CardGoneError, SandboxCard, SandboxWallet};
pub use host::SandboxHost;

use crate::error::SoftPosError;
use crate::guard;
use crate::ports::{Evidence, PortError, SecureHardware, hand_on};
use crate::terminal::Terminal;

/// Not secure hardware: its keys lie readable in files of this folder, and its attestation says so.
#[uniffi::export]
pub fn sandbox_hardware(dir: &str) -> Result<Arc<dyn SecureHardware>, SoftPosError> {
    guard::call(|| {
        let mut entropy = terminal::os_entropy()?;
        let hardware = SoftwareHardware::open(Path::new(dir), &mut entropy)?;
        let hardware: Arc<dyn SecureHardware> = Arc::new(Software(hardware));
        Ok(hardware)
    })
}

/// A defect inside the till, so that a shell can test how it goes on after one: the session is poisoned and ends.
#[uniffi::export]
#[expect(clippy::panic, reason = "a defect is what is asked for")]
pub fn sandbox_break(till: &Terminal) -> Result<(), SoftPosError> {
    till.call(|_| panic!("a text that never leaves the library"))
}

struct Software(SoftwareHardware);

hand_on!(SecureHardware, PortError, Software);
