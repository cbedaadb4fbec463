//! The sentences of the till through Debian's espeak-ng.

use crate::debian::need_or_install;
use crate::process::{cargo, succeed};
use crate::{Failure, takes_none};

const CHORE: &str = "voice-test";

/// Turns every sentence into sound and checks that there is some. Installs espeak-ng where it can.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    takes_none(arguments)?;
    let how = "install espeak-ng, or run this as root on Debian";
    need_or_install(CHORE, ("espeak-ng", "--version"), &["espeak-ng"], how)?;
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
