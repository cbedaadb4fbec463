//! The program `softpos`: a till in the terminal, and the front door of the sandbox.

#![forbid(unsafe_code)]

mod args;
mod backup_cmd;
mod clock;
mod columns;
mod data_dir;
mod demo;
mod exit;
mod failure;
mod history_cmd;
mod host_cmd;
mod interrupt;
mod json;
mod keyboard;
mod ledger_cmd;
mod out;
mod picture;
mod qr_cmd;
mod receipt_cmd;
mod sandbox;
mod slip;
mod tap_cmd;
mod till;
mod usage;

use std::process::ExitCode;

use tokio::runtime::{Builder, Runtime};

use args::{Arguments, Command, HostCommand};
use data_dir::DataDir;
use exit::Exit;
use failure::Failure;
use out::Out;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let (arguments, out) = match usage::read(&words) {
        Ok(read) => read,
        Err(told) => return told,
    };
    let exit = run(&arguments, out).unwrap_or_else(|failure| {
        out.failure(&failure);
        failure.exit()
    });
    exit.into()
}

fn run(arguments: &Arguments, out: Out) -> Result<Exit, Failure> {
    let given = arguments.common.data.as_deref();
    let data = || DataDir::choose(given);
    let voice = arguments.common.voice;
    match &arguments.command {
        None => till::alone(&data()?, out, voice, &runtime()?),
        Some(Command::Till(till)) => till::against(till, &data()?, out, voice, &runtime()?),
        Some(Command::Host(host)) => match host.command {
            Some(HostCommand::Ledger) => host_cmd::ledger(&data()?, out, &runtime()?),
            None => host_cmd::serve(host, &data()?, out, &runtime()?),
        },
        Some(Command::Demo(demo)) => demo::run(demo.seed, given, out, &runtime()?),
        Some(Command::Tap(tap)) => tap_cmd::tap(tap, out),
        Some(Command::Replay(replay)) => tap_cmd::replay(replay, out),
        Some(Command::Qr(qr)) => qr_cmd::run(&qr.command, out),
        Some(Command::Receipt(receipt)) => receipt_cmd::run(receipt, arguments.common.lang, &data()?, out),
        Some(Command::History) => history_cmd::run(&data()?, out),
        Some(Command::Ledger { command }) => ledger_cmd::run(command, given, out),
        Some(Command::Backup { file }) => backup_cmd::back_up_to(file, &data()?, out),
        Some(Command::Restore { file }) => backup_cmd::restore_from(file, &data()?, out),
    }
}

fn runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::Said {
            key: "till-no-runtime",
            about: error.to_string(),
        })
}
