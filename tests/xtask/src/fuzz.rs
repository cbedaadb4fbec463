//! `cargo xtask fuzz`: everything that parses foreign bytes under mutated inputs, for as long as one likes.

use std::process::{Command, Stdio};

use crate::Failure;
use crate::process::{build, root, succeed_as};

/// The chore: builds the program for release and hands it the arguments; it says what it found.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let program = build(&["--release", "--package", "softpos-fuzz"], "softpos-fuzz")?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root()).stdin(Stdio::null());
    succeed_as(&mut command, "fuzz")
}
