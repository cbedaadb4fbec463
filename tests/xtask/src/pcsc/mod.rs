//! The program at a card reader: Debian's PC/SC service with a virtual reader, and software cards in it.
//!
//! All of it is what a desktop runs but the reader itself: the program with the feature `pcsc`, the library, the
//! service and its driver. The cards are processes that the driver reaches over TCP.

mod packages;
mod service;
mod visit;

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use self::packages::Packages;
use self::service::Service;
use self::visit::{Program, leak};
use crate::process::{Stopwatch, build, cargo, example, succeed};
use crate::{Failure, takes_none};

const CHORE: &str = "pcsc-test";

/// The slot where the cards are, and the one where none ever is.
const SLOT: &str = "00 00";
const EMPTY_SLOT: &str = "00 01";

/// Longer than the program needs to ask for a card.
const ASKED: Duration = Duration::from_secs(2);

/// Cards that do as they are expected to: which, and how the tap ends.
const CARDS: &[(&str, &str)] = &[
    ("visa-offline", "Outcome: approved none"),
    ("visa-pin", "Outcome: online online_pin"),
    ("mastercard-approved", "Outcome: online none"),
    ("unionpay-offline", "Outcome: approved none"),
    ("amex-offline", "Outcome: approved none"),
    ("jcb-offline", "Outcome: approved none"),
    ("discover-offline", "Outcome: approved none"),
    ("kernel8-approved", "Outcome: online none"),
];

/// Builds, fetches, taps.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    takes_none(arguments)?;
    let watch = Stopwatch::start();
    let packages = Packages::ready()?;
    let program = built(&packages)?;
    without_a_reader(&program, &packages)?;
    let mut service = Service::start(&packages, true)?;
    let log = service.log();
    let done = choices(&program, &service)
        .and_then(|()| cards(&program, &service))
        .and_then(|()| waits(&program, &mut service));
    if let Err(Failure::Failed(why) | Failure::Usage(why)) = done {
        let said = fs::read_to_string(log).unwrap_or_default();
        return Err(Failure::Failed(format!("{why}\nthe service said:\n{said}")));
    }
    println!("{CHORE}: passed in {:.0} s", watch.elapsed().as_secs_f64());
    Ok(())
}

/// The program that reads cards, whose own tests about it are run as well, and the cards.
fn built(packages: &Packages) -> Result<Program, Failure> {
    println!("{CHORE}: building the program with the feature pcsc");
    let link = format!("env.PCSC_LIB_DIR={:?}", packages.library.display().to_string());
    let with_readers = ["-p", "softpos-cli", "--features", "pcsc", "--config", &link];
    let own = ["test", "--locked", "--quiet", "--bin", "softpos"];
    let mut tests = cargo(own.into_iter().chain(with_readers).chain(["tap_cmd"]));
    succeed(tests.env("LD_LIBRARY_PATH", &packages.library))?;
    Ok(Program {
        softpos: build(&with_readers, "softpos")?,
        card: example(&["-p", "softpos-cards", "--example", "vpcd"], "vpcd")?,
        library: packages.library.clone(),
    })
}

/// Neither a service, nor a reader at one.
fn without_a_reader(program: &Program, packages: &Packages) -> Result<(), Failure> {
    let tap = ["tap", "--reader", "--json"];
    let nowhere = Path::new("/nonexistent/pcscd");
    let no_service = r#""code":"reader_no_service""#;
    program.start(nowhere, &tap)?.ends(1, &[no_service])?;
    let service = Service::start(packages, false)?;
    let no_reader = r#""code":"reader_none""#;
    program
        .start(&service.socket(), &tap)?
        .ends(1, &[no_reader])
        .map(drop)
}

/// Two slots are two readers: one has to be named.
fn choices(program: &Program, service: &Service) -> Result<(), Failure> {
    let tap = |arguments: &[&str], says: &[&str]| {
        let visit = program.start(&service.socket(), &[&["tap", "--reader"], arguments].concat())?;
        visit.ends(2, says).map(drop)
    };
    let names = [SLOT, EMPTY_SLOT];
    tap(
        &["--json"],
        &[&names[..], &[r#""code":"reader_several""#]].concat(),
    )?;
    tap(
        &["elsewhere", "--json"],
        &[&names[..], &[r#""code":"reader_no_such""#]].concat(),
    )?;
    tap(&["elsewhere", "--lang", "zh"], &["没有名称包含此内容的读卡器"])
}

/// Cards of every scheme, recorded and replayed; one that is pulled away and comes back; one with contacts.
fn cards(program: &Program, service: &Service) -> Result<(), Failure> {
    let socket = service.socket();
    let folder = tempfile::tempdir().map_err(|error| Failure::Failed(format!("{CHORE}: {error}")))?;
    let file = folder.path().join("tap.json").display().to_string();
    for (id, outcome) in CARDS {
        let _card = program.card(service.port, &[id])?;
        let tap = ["tap", "--reader", SLOT, "--lang", "en", "--record", &file];
        program.start(&socket, &tap)?.ends(0, &[outcome, "test keys"])?;
        let recorded =
            fs::read_to_string(&file).map_err(|error| Failure::Failed(format!("{file}: {error}")))?;
        if let Some(wrong) = leak(&recorded) {
            return Err(Failure::Failed(format!("{CHORE}: the recording of {id} {wrong}")));
        }
        program
            .start(&socket, &["replay", &file, "--lang", "en"])?
            .ends(0, &["The replay went"])?;
    }
    let tap = ["tap", "--reader", SLOT, "--lang", "en"];
    {
        let _card = program.card(service.port, &["visa-pulled"])?;
        let again = [
            "The card is asked for again",
            "Hold a card to",
            "Outcome: online none",
        ];
        program.start(&socket, &tap)?.ends(0, &again)?;
    }
    let _card = program.card(service.port, &["visa-offline", "3B00"])?;
    let contacts = r#""code":"reader_contacts""#;
    program
        .start(&socket, &["tap", "--reader", SLOT, "--json"])?
        .ends(1, &[contacts])
        .map(drop)
}

/// A card that comes late, none at all, one that stays, Ctrl-C, and a service that ends.
fn waits(program: &Program, service: &mut Service) -> Result<(), Failure> {
    let socket = service.socket();
    let start = |slot: &str| program.start(&socket, &["tap", "--reader", slot, "--lang", "en"]);
    let none = start(EMPTY_SLOT)?;
    let late = start(SLOT)?;
    sleep(ASKED);
    {
        let _card = program.card(service.port, &["visa-offline"])?;
        late.ends(0, &["Hold a card to", "Outcome: approved none"])?;
    }
    {
        let _card = program.card(service.port, &["visa-see-phone"])?;
        let stays = start(SLOT)?;
        stays.ends(1, &["Take the card away", "No card came"])?;
    }
    none.ends(1, &["Hold a card to", "No card came"])?;
    let stopped = start(SLOT)?;
    sleep(ASKED);
    stopped.interrupt()?;
    stopped.ends(130, &["Stopped"])?;
    let orphan = program.start(&socket, &["tap", "--reader", SLOT, "--json"])?;
    sleep(ASKED);
    service.stop();
    orphan.ends(1, &[r#""code":"reader_no_service""#]).map(drop)
}
