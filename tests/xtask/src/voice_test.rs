//! The sentences of the till through Debian's espeak-ng.

use std::process::Command;

use crate::process::{cargo, need, succeed};
use crate::{Failure, takes_none};

const CHORE: &str = "voice-test";

/// Turns every sentence into sound and checks that there is some. Installs espeak-ng where it can.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    takes_none(arguments)?;
    let how = "install espeak-ng, or run this as root on Debian";
    if need(CHORE, "espeak-ng", "--version", how).is_err() {
        let user = need(CHORE, "id", "-u", how)?;
        need(CHORE, "apt-get", "--version", how)?;
        if user.trim() != "0" {
            return Err(Failure::Failed(format!("{CHORE}: espeak-ng is missing: {how}")));
        }
        println!("{CHORE}: installing espeak-ng");
        for words in [
            &["update", "-qq"][..],
            &["install", "-y", "-qq", "--no-install-recommends", "espeak-ng"],
        ] {
            let mut apt = Command::new("apt-get");
            succeed(apt.args(words).env("DEBIAN_FRONTEND", "noninteractive"))?;
        }
    }
    succeed(&mut cargo([
        "test",
        "--locked",
        "-p",
        "softpos-text",
        "voice",
        "--",
        "--ignored",
    ]))
}
