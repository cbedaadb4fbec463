//! The shop: where its till and its host live, and how they are opened, killed and opened again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use softpos_cards::Wallet;
use softpos_terminal::{ActivationUri, Ending, SoftwareHardware, Step, Terminal, TerminalConfig, os_entropy};
use softpos_types::{Language, PaymentKey, SoftPosError};
use tempfile::TempDir;

use crate::acquirer::HostPlace;
use crate::driver::Customer;
use crate::journal_log::LogLines;

/// A till's folder and secure hardware: what survives the program.
pub struct TillPlace {
    dir: PathBuf,
    hardware: Arc<SoftwareHardware>,
    copies: u32,
    root: TempDir,
}

/// A till, its host and a customer with a pocket full of cards.
pub struct Shop {
    till: Option<Terminal>,
    /// Everything the till has asked of its shell since [`Shop::forget_steps`].
    pub(crate) steps: Vec<Step>,
    /// Who stands before the till.
    pub customer: Customer,
    /// The cards, whose counters live as long as the issuer's.
    pub wallet: Wallet,
    /// What the till has logged.
    pub log: LogLines,
    /// Where the till lives.
    pub place: TillPlace,
    /// The acquirer.
    pub host: HostPlace,
}

impl TillPlace {
    /// A new folder and new keys of a device.
    pub fn new() -> Self {
        Self::on(&std::env::temp_dir())
    }

    /// The same in a folder of this disk.
    pub fn on(disk: &Path) -> Self {
        let root = TempDir::new_in(disk).expect("a folder for the till");
        let mut entropy = os_entropy().expect("randomness");
        let hardware =
            SoftwareHardware::open(&root.path().join("device"), &mut entropy).expect("device keys");
        Self {
            dir: root.path().join("till"),
            hardware: Arc::new(hardware),
            copies: 0,
            root,
        }
    }

    /// The till's data folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The device's keys.
    pub const fn hardware(&self) -> &Arc<SoftwareHardware> {
        &self.hardware
    }

    /// Opens a till on the folder.
    ///
    /// # Errors
    /// The till's own.
    pub fn open(&self, log: &LogLines) -> Result<Terminal, SoftPosError> {
        let config = TerminalConfig {
            dir: self.dir.clone(),
            language: Language::En,
            app_version: "1.0".into(),
            host_url: None,
            anchors: None,
        };
        Terminal::open(config, self.hardware.clone(), Arc::new(log.clone()))
    }

    /// Leaves the folder to its till and goes on with a copy: what a kill at this moment leaves on the disk.
    fn move_to_copy(&mut self) {
        self.copies = self.copies.saturating_add(1);
        let copy = self.root.path().join(format!("till-{}", self.copies));
        copy_folder(&self.dir, &copy).expect("a copy of the till's folder");
        self.dir = copy;
    }
}

impl Default for TillPlace {
    fn default() -> Self {
        Self::new()
    }
}

impl Shop {
    /// A new till at a new host, activated and ready to sell.
    pub fn open() -> Self {
        let mut shop = Self::unopened(HostPlace::start());
        shop.activate();
        shop
    }

    /// A new till that belongs to nobody yet, and a host.
    pub fn unopened(host: HostPlace) -> Self {
        Self::unopened_at(TillPlace::new(), host)
    }

    /// A new till at a place of its own that belongs to nobody yet, and a host.
    pub fn unopened_at(place: TillPlace, host: HostPlace) -> Self {
        let log = LogLines::default();
        let till = place.open(&log).expect("a till on a new folder");
        Self {
            till: Some(till),
            steps: Vec::new(),
            customer: Customer::default(),
            wallet: Wallet::new(),
            log,
            place,
            host,
        }
    }

    /// Activates the till with a fresh code.
    pub fn activate(&mut self) {
        let activation = self.host.activation();
        let ending = self.try_activate(&activation).expect("an activation that begins");
        assert_eq!(ending, Ending::Activated);
    }

    /// Activates the till and says how that ended.
    ///
    /// # Errors
    /// The till's own, when it does not even begin.
    pub fn try_activate(&mut self, activation: &ActivationUri) -> Result<Ending, SoftPosError> {
        self.till().activate(activation)?;
        Ok(self.finish())
    }

    /// The till.
    pub const fn till(&self) -> &Terminal {
        self.till.as_ref().expect("an open till")
    }

    /// Ends the program and starts it again on the same folder; what it was at is not waited for.
    pub fn reopen_till(&mut self) {
        self.close_till();
        self.resume_till();
    }

    /// Ends the program.
    pub fn close_till(&mut self) {
        drop(self.till.take().expect("an open till"));
    }

    /// Starts the program again.
    pub fn resume_till(&mut self) {
        assert!(self.till.is_none(), "the till is open already");
        self.till = Some(self.place.open(&self.log).expect("a till on its old folder"));
    }

    /// Kills the program: the next one finds the folder as it is at this moment, nothing is put in order first.
    ///
    /// The old one cannot be stopped between two instructions. It is cut off from the host instead, so that what it
    /// still does after the copy has no effect on the world.
    pub fn kill_till(&mut self) {
        let (host, place, till) = (&self.host, &mut self.place, &mut self.till);
        host.out_of_reach(|| {
            place.move_to_copy();
            drop(till.take());
        });
        self.resume_till();
    }

    /// Ends the host's program and starts it again.
    pub fn restart_host(&mut self) {
        self.host.stop();
        self.host.resume();
    }

    /// The network comes or goes.
    pub fn network(&self, online: bool) {
        self.till().set_link(online).expect("an open session");
    }

    /// Forgets what the till has shown and said so far.
    pub fn forget_steps(&mut self) {
        self.steps.clear();
    }

    /// A payment as the till has it.
    pub fn payment(&self, key: PaymentKey) -> softpos_terminal::PaymentSummary {
        self.till().payment(key).expect("a payment of this till")
    }
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
