//! The till in the terminal.

pub(crate) mod actions;
mod card_loop;
pub(crate) mod cards;
pub(crate) mod command;
pub(crate) mod customer;
pub(crate) mod driver;
mod help;
pub(crate) mod listing;
mod nearest;
pub(crate) mod pocket;
pub(crate) mod progress;
mod prompter;
mod questions;
pub(crate) mod render;
mod reporter;
mod session;
mod voice;
pub(crate) mod which;
mod words;

use std::io::{BufReader, IsTerminal, stdin, stdout};
use std::sync::Arc;

use softpos_acquirer::LocalHost;
use softpos_terminal::{
    ActivationUri, LogLine, LogSink, PortError, SecureHardware, SoftwareHardware, Terminal, TerminalConfig,
    os_entropy,
};
use softpos_types::{Code, Language, SoftPosError};
use tokio::runtime::Runtime;

use crate::args::TillArguments;
use crate::data_dir::DataDir;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupts;
use crate::out::{DIM, HEAD, Out, PLAIN, WARN, object};
use crate::sandbox::start_host;
use driver::Driver;
use pocket::Pocket;
use prompter::Prompter;
use reporter::Reporter;
use session::Session;

/// The till and its sandbox host in one.
pub(crate) fn alone(data: &DataDir, out: Out, voice: bool, runtime: &Runtime) -> Result<Exit, Failure> {
    let interrupts = Interrupts::watch(runtime, || {});
    data.create()?;
    let host = start_host(&data.host())?;
    out.say(DIM, "till-host-runs", &[("url", &host.url())]);
    let mut session = open(data, out, interrupts, Some(&host))?;
    session.reporter.speak(voice);
    let exit = activate_alone(&mut session, &host).and_then(|()| serve(&mut session));
    session.driver.shut_down();
    drop(session);
    host.shutdown();
    exit
}

/// A till against any host.
pub(crate) fn against(
    arguments: &TillArguments,
    data: &DataDir,
    out: Out,
    voice: bool,
    runtime: &Runtime,
) -> Result<Exit, Failure> {
    let interrupts = Interrupts::watch(runtime, || {});
    let uri = match (&arguments.host, &arguments.pin, &arguments.activate) {
        (Some(host), Some(pin), Some(code)) => Some(ActivationUri::from_parts(host, pin, code)?),
        _ => None,
    };
    data.create()?;
    let mut session = open(data, out, interrupts, None)?;
    session.reporter.speak(voice);
    let exit = activate_with(&mut session, uri).and_then(|()| serve(&mut session));
    session.driver.shut_down();
    exit
}

/// Opens the terminal of a folder; a host inside this program may have moved since the last time.
pub(crate) fn open_terminal(
    data: &DataDir,
    language: Language,
    host: Option<&LocalHost>,
) -> Result<Terminal, SoftPosError> {
    let config = TerminalConfig {
        dir: data.till(),
        language,
        app_version: env!("CARGO_PKG_VERSION").to_owned(),
        host_url: host.map(LocalHost::url),
        anchors: None,
    };
    Terminal::open(config, hardware(data)?, Arc::new(NoLog))
}

/// The software hardware of a folder.
pub(crate) fn hardware(data: &DataDir) -> Result<Arc<dyn SecureHardware>, SoftPosError> {
    let mut entropy = os_entropy()?;
    Ok(Arc::new(SoftwareHardware::open(&data.hardware(), &mut entropy)?))
}

/// The program says everything on its screen.
struct NoLog;

impl LogSink for NoLog {
    fn write(&self, _: LogLine) -> Result<(), PortError> {
        Ok(())
    }
}

fn open<'h>(
    data: &DataDir,
    out: Out,
    interrupts: Interrupts,
    host: Option<&'h LocalHost>,
) -> Result<Session<'h>, Failure> {
    let terminal = open_terminal(data, out.texts().language(), host)?;
    let pocket = Pocket::open(data.cards())?;
    let is_person = stdin().is_terminal() && stdout().is_terminal() && !out.is_json();
    let prompter = if is_person {
        Prompter::open(data.line_history())
    } else {
        None
    };
    let reporter = Reporter::new(out, prompter.is_some());
    Ok(Session::new(
        Driver::new(terminal, pocket, interrupts),
        reporter,
        prompter,
        host,
    ))
}

fn activate_alone(session: &mut Session<'_>, host: &LocalHost) -> Result<(), Failure> {
    if session.driver.terminal.status()?.activated {
        return Ok(());
    }
    let uri = host.activation_uri()?;
    session.out().say(HEAD, "till-first-start", &[]);
    session.reporter.code(&uri);
    activate(session, &ActivationUri::parse(&uri)?)
}

fn activate_with(session: &mut Session<'_>, uri: Option<ActivationUri>) -> Result<(), Failure> {
    match (session.driver.terminal.status()?.activated, uri) {
        (true, None) => Ok(()),
        (true, Some(_)) => {
            session.out().say(DIM, "till-active-already", &[]);
            Ok(())
        }
        (false, Some(uri)) => activate(session, &uri),
        (false, None) => Err(Failure::Core(SoftPosError::of(Code::NotActivated))),
    }
}

fn activate(session: &mut Session<'_>, uri: &ActivationUri) -> Result<(), Failure> {
    session.driver.terminal.activate(uri)?;
    session.drive()?;
    session.reporter.flush("activate");
    Ok(())
}

/// Says what opening found, then serves whoever is there.
fn serve(session: &mut Session<'_>) -> Result<Exit, Failure> {
    let out = session.out();
    let status = session.driver.terminal.status()?;
    for finding in &status.found {
        out.line(WARN, finding);
    }
    if status.open_payments > 0 {
        let count = status.open_payments.to_string();
        out.say(WARN, "till-resolving", &[("count", &count)]);
    }
    // A day close that a kill interrupted goes on by itself as well.
    session.settle_down()?;
    let merchant = status
        .merchant
        .as_ref()
        .map(|merchant| merchant.name.clone())
        .unwrap_or_default();
    let terminal = status
        .terminal
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    out.say(
        HEAD,
        "till-open",
        &[("merchant", &merchant), ("terminal", &terminal)],
    );
    if session.prompter.is_some() {
        out.say(DIM, "till-welcome", &[]);
        return Ok(session.run_person());
    }
    let (any, exit) = session.run_script(&mut BufReader::new(stdin()));
    if !any {
        out.say(PLAIN, "till-try-demo", &[]);
        if out.is_json() {
            object(&serde_json::json!({ "text": out.texts().get("till-try-demo") }));
        }
    }
    Ok(exit)
}
