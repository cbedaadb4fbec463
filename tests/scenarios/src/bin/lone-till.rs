//! A till alone in its process: cards, PIN pad and host are elsewhere, so that whatever is found in its memory is its
//! own. `lone-till FOLDER ACTIVATION`, driven over standard input and output by `memory.rs` of the stories.
//!
//! Out: one byte what, two bytes length, bytes. `A` activated, `P` a card may come, `C` a command for it, `N` a PIN is
//! asked for, `F` a sale has ended (its state). In: two bytes length, bytes: a sale's amount as decimal text, the
//! answer to a command (none: the card is gone), the PIN one digit a frame, an empty frame behind it.

#![forbid(unsafe_code)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness of tests: a step that goes wrong ends the process, with its reason"
)]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use softpos_terminal::{
    ActivationUri, CardStep, Ending, LogLine, LogSink, PaymentRequest, PortError, Screen, SoftwareHardware,
    Step, Terminal, TerminalConfig, os_entropy,
};
use softpos_types::{Currency, Language, Method, Money};
use zeroize::Zeroizing;

/// More than any pause of a sandbox till.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest answer of a card.
const LONGEST: usize = 258;

/// The other process. Neither side is buffered: a buffer would keep card data that the till does not have.
struct Outside {
    input: File,
    output: File,
}

impl Outside {
    fn tell(&mut self, what: u8, bytes: &[u8]) {
        let length = u16::try_from(bytes.len()).expect("a short frame");
        let [high, low] = length.to_be_bytes();
        let frame = Zeroizing::new([&[what, high, low], bytes].concat());
        self.output.write_all(&frame).expect("a parent that listens");
    }

    /// What the parent says; nothing when it has hung up.
    fn hear(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        let mut length = [0; 2];
        self.input.read_exact(&mut length).ok()?;
        let length = usize::from(u16::from_be_bytes(length));
        assert!(length <= LONGEST, "a frame of {length} bytes");
        let mut bytes = Zeroizing::new(vec![0; length]);
        self.input.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }
}

struct NoLog;

impl LogSink for NoLog {
    fn write(&self, _: LogLine) -> Result<(), PortError> {
        Ok(())
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (folder, activation) = arguments.next().zip(arguments.next()).expect("FOLDER ACTIVATION");
    let mut outside = Outside {
        input: File::open("/dev/stdin").expect("standard input"),
        output: File::create("/dev/stdout").expect("standard output"),
    };
    let till = open(Path::new(&folder));
    let activation = ActivationUri::parse(&activation).expect("an activation text");
    till.activate(&activation).expect("an activation that begins");
    drive(&till, &mut outside);
    assert!(till.wait_idle(PATIENCE), "the till does not come to rest");
    outside.tell(b'A', &[]);
    while let Some(amount) = outside.hear() {
        let amount = std::str::from_utf8(&amount)
            .ok()
            .and_then(|text| text.parse().ok());
        let request = PaymentRequest {
            amount: Money::new(amount.expect("an amount"), Currency::CNY),
            method: Method::Card,
            order: None,
            category: None,
            language: Language::En,
        };
        till.start(request).expect("a sale that begins");
        let ending = drive(&till, &mut outside);
        assert!(till.wait_idle(PATIENCE), "the till does not come to rest");
        let Ending::Payment { key, .. } = ending else {
            panic!("no payment was recorded: {ending:?}");
        };
        let state = till.payment(key).expect("the payment").state;
        outside.tell(b'F', format!("{state:?}").as_bytes());
    }
}

fn open(folder: &Path) -> Terminal {
    let mut entropy = os_entropy().expect("randomness");
    let hardware = SoftwareHardware::open(&folder.join("device"), &mut entropy).expect("device keys");
    let config = TerminalConfig {
        dir: folder.join("till"),
        language: Language::En,
        app_version: "1.0".into(),
        host_url: None,
        anchors: None,
    };
    Terminal::open(config, Arc::new(hardware), Arc::new(NoLog)).expect("a till on a new folder")
}

/// Until what was begun has ended.
fn drive(till: &Terminal, outside: &mut Outside) -> Ending {
    loop {
        match till.next_step_within(PATIENCE).expect("a till that goes on") {
            Step::Show { view, .. } => {
                if matches!(view.screen, Screen::Card { .. }) {
                    tap(till, outside);
                }
            }
            Step::AskPin { .. } => type_pin(till, outside),
            Step::Finished { ending, .. } => return ending,
            Step::Say { .. } | Step::Notice { .. } => {}
            Step::Closed => panic!("the session ended"),
        }
    }
}

fn tap(till: &Terminal, outside: &mut Outside) {
    outside.tell(b'P', &[]);
    let mut next = till.card_present().expect("an open session");
    while let CardStep::Transmit { capdu } = next {
        outside.tell(b'C', &capdu);
        let rapdu = outside.hear().expect("a parent with a card");
        next = if rapdu.is_empty() {
            till.card_lost()
        } else {
            till.card_replied(&rapdu, 4_000)
        }
        .expect("an open session");
    }
}

fn type_pin(till: &Terminal, outside: &mut Outside) {
    outside.tell(b'N', &[]);
    let entry = till.pin_entry().expect("an open PIN pad");
    loop {
        let digit = outside.hear().expect("a parent with a PIN");
        let Some(digit) = digit.first() else { break };
        entry.push_digit(*digit).expect("a digit");
    }
    entry.submit().expect("a PIN");
}
