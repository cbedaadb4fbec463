//! The reference host in this process: started, stopped, disturbed, asked for its books.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use softpos_acquirer::{
    ActivationCode, FaultKind, FaultRoute, FaultRule, FaultSpec, FaultWhen, Host, HostConfig, HostError,
    LedgerRow,
};
use softpos_terminal::ActivationUri;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// So soon the till sees that its connection is gone; what it sends before that may have arrived, for all it knows.
const CUT_IS_SEEN: Duration = Duration::from_millis(150);
/// A stopped host's address is free again after this long at the latest.
const REBIND_TRIES: u32 = 100;
const REBIND_PAUSE: Duration = Duration::from_millis(20);

/// A host with a folder and an address that outlive its restarts.
pub struct HostPlace {
    host: Option<Host>,
    config: HostConfig,
    faults: RefCell<FaultSpec>,
    // Behind the host: a server's tasks end before their runtime does.
    runtime: Runtime,
    // Goes with it.
    _dir: TempDir,
}

impl HostPlace {
    /// A new host on a free port.
    pub fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// A new host on a free port, with other settings.
    pub fn start_with(adjust: impl FnOnce(&mut HostConfig)) -> Self {
        let dir = TempDir::new().expect("a folder for the host");
        let mut config = HostConfig::new(dir.path().join("host"));
        adjust(&mut config);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime for the host");
        let mut place = Self {
            host: None,
            faults: RefCell::new(config.faults.clone()),
            config,
            runtime,
            _dir: dir,
        };
        place.resume();
        place
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("https://{}", self.config.listen)
    }

    /// The port it answers at.
    pub const fn port(&self) -> u16 {
        self.config.listen.port()
    }

    /// Its certificate's pin.
    pub fn pin(&self) -> String {
        self.running().pin()
    }

    /// A fresh code, as the merchant types it.
    pub fn code(&self) -> ActivationCode {
        self.runtime
            .block_on(self.running().issue_activation_code())
            .expect("an activation code")
    }

    /// The text of an activation QR code.
    pub fn activation_text(&self) -> String {
        self.running().activation_uri(&self.code())
    }

    /// What an activation QR code says.
    pub fn activation(&self) -> ActivationUri {
        ActivationUri::parse(&self.activation_text()).expect("the host's own activation text")
    }

    /// The host's folder: its books and its keys.
    pub fn dir(&self) -> &Path {
        &self.config.dir
    }

    /// Switches faults, in the host's grammar; `off` ends them.
    pub fn fault(&self, spec: &str) {
        let spec: FaultSpec = spec.parse().expect("a fault");
        let refuses = spec.0.iter().any(|rule| rule.kind == FaultKind::Refuse);
        self.faults.replace(spec.clone());
        self.running().set_faults(spec);
        if refuses {
            std::thread::sleep(CUT_IS_SEEN);
        }
    }

    /// Cuts everybody off and lets nobody in while something is done, then goes on as before.
    pub(crate) fn out_of_reach<T>(&self, during: impl FnOnce() -> T) -> T {
        let refuse = FaultRule {
            kind: FaultKind::Refuse,
            route: FaultRoute::Any,
            when: FaultWhen::Always,
        };
        if let Some(host) = &self.host {
            host.set_faults(FaultSpec(vec![refuse]));
        }
        let value = during();
        if let Some(host) = &self.host {
            host.set_faults(self.faults.borrow().clone());
        }
        value
    }

    /// Stops it: nobody listens at its address any more.
    pub fn stop(&mut self) {
        let host = self.host.take().expect("a running host");
        self.runtime.block_on(host.shutdown());
        std::thread::sleep(CUT_IS_SEEN);
    }

    /// Starts it again: same folder, same address.
    pub fn resume(&mut self) {
        assert!(self.host.is_none(), "the host runs already");
        let host = self.listen();
        let address = host.url();
        let address = address.strip_prefix("https://").expect("an https address");
        let address: SocketAddr = address.parse().expect("an address with a port");
        self.config.listen = address;
        self.faults.replace(self.config.faults.clone());
        self.host = Some(host);
    }

    /// Another host, with keys of its own, takes this one's address.
    pub fn impostor(&self) -> Self {
        assert!(self.host.is_none(), "the address is taken");
        let listen = self.config.listen;
        Self::start_with(|config| config.listen = listen)
    }

    /// Its books.
    pub fn ledger(&self) -> Vec<LedgerRow> {
        self.runtime
            .block_on(self.running().ledger())
            .expect("the host's books")
    }

    /// How often its wallets were asked before their time.
    pub fn hasty_wallet_calls(&self) -> i64 {
        self.runtime
            .block_on(self.running().hasty_wallet_calls())
            .expect("the host's books")
    }

    /// How far its double entry is from adding up to zero.
    pub fn imbalance_minor(&self) -> i64 {
        self.runtime
            .block_on(self.running().imbalance_minor())
            .expect("the host's books")
    }

    fn running(&self) -> &Host {
        self.host.as_ref().expect("a running host")
    }

    fn listen(&self) -> Host {
        for _ in 0..REBIND_TRIES {
            match self.runtime.block_on(Host::start(self.config.clone())) {
                Ok(host) => return host,
                // The last one's socket or lock is just being given back.
                Err(HostError::Io(_) | HostError::InUse(_)) => std::thread::sleep(REBIND_PAUSE),
                Err(error) => panic!("the host does not start: {error}"),
            }
        }
        panic!("the host does not start at {}", self.config.listen);
    }
}
