//! A till with its customers and its host.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use softpos::{
    CardStep, Ending, Language, LogLine, LogSink, Method, PaymentRequest, PaymentState, PortError,
    SandboxCard, SandboxHost, SandboxWallet, Screen, SecureHardware, SoftPosError, Step, Terminal,
    TerminalConfig, amount_from_text, sandbox_hardware,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

#[derive(Default)]
struct Lines(Mutex<Vec<LogLine>>);

impl LogSink for Lines {
    fn write(&self, line: LogLine) -> Result<(), PortError> {
        self.0.lock().unwrap().push(line);
        Ok(())
    }
}

pub(crate) struct Shop {
    pub(crate) till: Arc<Terminal>,
    pub(crate) host: Arc<SandboxHost>,
    pub(crate) wallet: Arc<SandboxWallet>,
    runtime: Runtime,
    pub(crate) dir: TempDir,
}

impl Shop {
    pub(crate) fn open() -> Self {
        let dir = TempDir::new().unwrap();
        let host = SandboxHost::start(dir.path().join("host").to_str().unwrap(), 0).unwrap();
        let shop = Self {
            till: open_till(&dir, hardware(&dir)).unwrap(),
            host,
            wallet: SandboxWallet::new(),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .unwrap(),
            dir,
        };
        shop.till.activate(&shop.host.activation_text().unwrap()).unwrap();
        assert_eq!(shop.finish(|_| {}), Ending::Activated);
        shop
    }

    pub(crate) fn step(&self) -> Step {
        let wait = async { tokio::time::timeout(Duration::from_secs(20), self.till.next_step()).await };
        self.runtime.block_on(wait).expect("a step in time").unwrap()
    }

    /// Serves the steps until something has ended.
    pub(crate) fn finish(&self, mut serve: impl FnMut(&Step)) -> Ending {
        loop {
            let step = self.step();
            serve(&step);
            match step {
                Step::Finished { ending, .. } => return ending,
                Step::Closed => panic!("the session ended"),
                _ => {}
            }
        }
    }

    pub(crate) fn step_to_the_end(&self) -> Step {
        loop {
            if self.step() == Step::Closed {
                return self.step();
            }
        }
    }

    /// Waits until the till has nothing left to do behind the counter.
    pub(crate) fn rest(&self) {
        while self.till.status().unwrap().open_payments > 0 {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn start(&self, text: &str, method: Method) -> String {
        self.till.start(Self::request(text, method)).unwrap()
    }

    pub(crate) fn request(text: &str, method: Method) -> PaymentRequest {
        PaymentRequest {
            amount: amount_from_text(text, "CNY").unwrap(),
            method,
            language: Language::En,
            order: None,
            category: None,
        }
    }

    pub(crate) fn pay(&self, text: &str, card: &str) -> (String, Ending) {
        let card = self.wallet.card(card).unwrap();
        let key = self.start(text, Method::Card);
        let ending = self.finish(|step| match step {
            Step::Show { view, .. } if matches!(view.screen, Screen::Card { .. }) => tap(&self.till, &card),
            Step::AskPin { .. } => type_pin(&self.till),
            _ => {}
        });
        (key, ending)
    }
}

pub(crate) fn open_till(
    dir: &TempDir,
    hardware: Arc<dyn SecureHardware>,
) -> Result<Arc<Terminal>, SoftPosError> {
    open_till_in(&dir.path().join("till"), hardware)
}

pub(crate) fn open_till_in(
    dir: &Path,
    hardware: Arc<dyn SecureHardware>,
) -> Result<Arc<Terminal>, SoftPosError> {
    let config = TerminalConfig {
        dir: dir.to_owned(),
        language: Language::En,
        app_version: String::from("test"),
        host_url: None,
        anchors: None,
    };
    Terminal::open(config, hardware, Arc::new(Lines::default()))
}

pub(crate) fn hardware(dir: &TempDir) -> Arc<dyn SecureHardware> {
    sandbox_hardware(dir.path().join("keys").to_str().unwrap()).unwrap()
}

fn tap(till: &Terminal, card: &SandboxCard) {
    let mut next = if card.present() {
        till.card_present()
    } else {
        till.card_collision()
    };
    while let CardStep::Transmit { capdu } = next.unwrap() {
        next = match card.transmit(&capdu) {
            Ok(rapdu) => till.card_replied(&rapdu, 4_000),
            Err(_) => till.card_lost(),
        };
    }
    card.remove();
}

fn type_pin(till: &Terminal) {
    let pin = till.pin_entry().unwrap();
    for digit in [1, 2, 3, 9] {
        pin.push_digit(digit).unwrap();
    }
    assert_eq!(pin.push_digit(10).unwrap_err().fault().code, "pin_length");
    pin.backspace().unwrap();
    assert_eq!(pin.submit().unwrap_err().fault().code, "pin_length");
    pin.push_digit(4).unwrap();
    assert_eq!(pin.length(), Ok(4));
    pin.submit().unwrap();
}

pub(crate) fn payment(ending: Ending) -> PaymentState {
    match ending {
        Ending::Payment { state, .. } => state,
        other => panic!("no payment: {other:?}"),
    }
}
