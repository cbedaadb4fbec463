//! A till, the reference host on the same machine, and a customer with a card.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use softpos_acquirer::{Host, HostConfig};
use softpos_cards::{Presence, Wallet};
use softpos_terminal::{
    ActivationUri, CardStep, Ending, LogLine, LogSink, PaymentRequest, PortError, Screen, SoftwareHardware,
    State, Step, Terminal, TerminalConfig, os_entropy,
};
use softpos_types::{Currency, Language, Method, Money};
use tokio::runtime::Runtime;

use crate::now;
use crate::probes::{Relay, TimedHardware};

const CARD: &str = "visa-approved";
/// One yuan: no PIN.
const AMOUNT_MINOR: i64 = 100;
/// Longer than any step of a healthy till on a slow disk.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Shop {
    pub(crate) till: Terminal,
    pub(crate) relay: Relay,
    pub(crate) hardware: Arc<TimedHardware>,
    wallet: Wallet,
    dir: PathBuf,
    host: Host,
    crossed: (u32, u32),
    // Behind the host: a server's tasks end before their runtime does.
    runtime: Runtime,
}

impl Shop {
    /// An activated till whose connection goes through the relay.
    pub(crate) fn open(folder: &Path) -> Self {
        Self::open_far(folder, Duration::ZERO)
    }

    /// As [`Shop::open`], with a way to the host that takes so long in each direction.
    pub(crate) fn open_far(folder: &Path, way: Duration) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            // As many as the host's own program has.
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime for the host");
        let config = HostConfig::new(folder.join("host"));
        let host = runtime.block_on(Host::start(config)).expect("a host");
        let address: SocketAddr = host
            .url()
            .strip_prefix("https://")
            .and_then(|address| address.parse().ok())
            .expect("the host's address");
        let relay = Relay::start(address, way);
        let mut entropy = os_entropy().expect("randomness");
        let keys = SoftwareHardware::open(&folder.join("device"), &mut entropy).expect("device keys");
        let hardware = Arc::new(TimedHardware::new(keys));
        let dir = folder.join("till");
        let till = open_till(&dir, &hardware, Some(relay.url()));
        let code = runtime.block_on(host.issue_activation_code()).expect("a code");
        let activation = ActivationUri::parse(&host.activation_uri(&code)).expect("the host's own text");
        till.activate(&activation).expect("an activation that begins");
        let mut shop = Self {
            till,
            relay,
            hardware,
            wallet: Wallet::new(),
            dir,
            host,
            crossed: (0, 0),
            runtime,
        };
        let (ending, _) = shop.finish();
        assert_eq!(ending, Ending::Activated);
        shop.come_to_rest();
        shop
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Starts the till's program again, now without the relay.
    pub(crate) fn reopen_directly(&mut self) {
        self.till.shutdown();
        self.till = open_till(&self.dir, &self.hardware, None);
        self.come_to_rest();
    }

    /// One approved sale: how long it took, and how much of that the card.
    pub(crate) fn sell(&mut self, method: Method) -> (Duration, Duration) {
        let started = now();
        let request = PaymentRequest {
            amount: Money::new(AMOUNT_MINOR, Currency::CNY),
            method,
            order: None,
            category: None,
            language: Language::En,
        };
        self.till.start(request).expect("a sale that begins");
        let (ending, card) = self.finish();
        let total = started.elapsed();
        assert!(
            matches!(
                ending,
                Ending::Payment {
                    state: State::Approved,
                    ..
                }
            ),
            "{ending:?}"
        );
        (total, card)
    }

    /// How many calls and how many steps an approved card sale takes a shell.
    pub(crate) fn crossings(&mut self) -> (u32, u32) {
        self.crossed = (1, 0);
        self.sell(Method::Card);
        self.crossed
    }

    /// Waits until nothing is under way and forgets the steps that nobody needs.
    pub(crate) fn come_to_rest(&self) {
        assert!(self.till.wait_idle(PATIENCE), "the till finds no rest");
        while self.till.next_step_within(Duration::ZERO).is_some() {}
    }

    pub(crate) fn close(self) {
        self.till.shutdown();
        drop(self.till);
        self.runtime.block_on(self.host.shutdown());
    }

    /// The shell's loop, up to the end of what the operator began; the card is held out when it is asked for.
    fn finish(&mut self) -> (Ending, Duration) {
        let mut card = Duration::ZERO;
        loop {
            let step = self.till.next_step_within(PATIENCE).expect("a step in time");
            self.crossed.1 += 1;
            match step {
                Step::Show { view, .. } if matches!(view.screen, Screen::Card { .. }) => card += self.tap(),
                Step::Finished { ending, .. } => return (ending, card),
                Step::Closed => unreachable!("the session ended"),
                Step::Show { .. } | Step::Say { .. } | Step::AskPin { .. } | Step::Notice { .. } => {}
            }
        }
    }

    /// One card in the field; the time it took for its answers.
    fn tap(&mut self) -> Duration {
        let card = self.wallet.card(CARD).expect("a card of the wallet");
        assert_eq!(card.present(), Presence::Card);
        let mut answering = Duration::ZERO;
        let mut next = self.till.card_present();
        self.crossed.0 += 1;
        while let CardStep::Transmit { capdu } = next.expect("an open session") {
            let sent = now();
            let rapdu = card.transmit(&capdu).expect("a card in the field");
            let elapsed = sent.elapsed();
            answering += elapsed;
            let elapsed_us = u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX);
            next = self.till.card_replied(&rapdu, elapsed_us);
            self.crossed.0 += 1;
        }
        card.remove();
        answering
    }
}

fn open_till(dir: &Path, hardware: &Arc<TimedHardware>, host_url: Option<String>) -> Terminal {
    let config = TerminalConfig {
        dir: dir.to_owned(),
        language: Language::En,
        app_version: "1.0".into(),
        host_url,
        anchors: None,
    };
    Terminal::open(config, hardware.clone(), Arc::new(Quiet)).expect("a till")
}

/// Keeps no log.
struct Quiet;

impl LogSink for Quiet {
    fn write(&self, _: LogLine) -> Result<(), PortError> {
        Ok(())
    }
}
