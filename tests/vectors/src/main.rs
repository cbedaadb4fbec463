//! `softpos-vectors FILE...`: runs files of test vectors against the product's own functions.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use softpos_vectors::run_files;

fn main() -> ExitCode {
    let files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let (mut out, mut err) = (io::stdout().lock(), io::stderr());
    if files.is_empty() {
        let _ = writeln!(err, "usage: softpos-vectors FILE...");
        return ExitCode::from(2);
    }
    // A panic is a failure with a line of its own; its usual text would only be noise.
    std::panic::set_hook(Box::new(|_| {}));
    match run_files(&files, &mut out, &mut err) {
        Ok(tally) if tally.failed == 0 => ExitCode::SUCCESS,
        Ok(_) | Err(_) => ExitCode::FAILURE,
    }
}
