//! Generates the Kotlin and Swift sources with UniFFI's own generator, of the version that the library is built with;
//! `surface LIBRARY` prints the text that `bindings/surface.txt` keeps.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints")]
#![allow(clippy::doc_markdown, reason = "names of programs")]

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ["surface", library] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] else {
        uniffi::uniffi_bindgen_main();
        return ExitCode::SUCCESS;
    };
    match softpos_bindgen::surface(Path::new(library)) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
