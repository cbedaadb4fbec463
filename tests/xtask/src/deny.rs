//! cargo-deny over `.deny.toml`, installed once into the user's cache.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::process::{cache, cannot_run, cargo, root, succeed};
use crate::{Failure, takes_none};

const VERSION: &str = "0.20.2";

/// Licences, bans and sources always; advisories when their list can be had.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    takes_none(arguments)?;
    let deny = installed()?;
    // An owner that does not use its crate at the moment still owns it.
    succeed(program(&deny).args([
        "check",
        "--allow",
        "unused-wrapper",
        "bans",
        "licenses",
        "sources",
    ]))?;
    let mut fetch = program(&deny);
    fetch
        .args(["fetch", "db"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if fetch
        .status()
        .map_err(|error| cannot_run(&fetch, &error))?
        .success()
    {
        succeed(program(&deny).args(["check", "advisories"]))
    } else {
        println!("advisories not run: their list cannot be fetched from here");
        Ok(())
    }
}

fn program(deny: &PathBuf) -> Command {
    let mut command = Command::new(deny);
    command.current_dir(root()).stdin(Stdio::null());
    command
}

fn installed() -> Result<PathBuf, Failure> {
    let tools = cache()?.join(format!("cargo-deny-{VERSION}"));
    let deny = tools
        .join("bin")
        .join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
    if !deny.is_file() {
        println!(
            "installing cargo-deny {VERSION} into {} (once, some minutes)",
            tools.display()
        );
        let mut install = cargo([
            "install",
            "--quiet",
            "--locked",
            "--version",
            VERSION,
            "cargo-deny",
            "--root",
        ]);
        // Its build is no part of ours: Cargo throws the folder away that it makes for it.
        succeed(install.arg(&tools).env_remove("CARGO_TARGET_DIR"))?;
    }
    Ok(deny)
}
