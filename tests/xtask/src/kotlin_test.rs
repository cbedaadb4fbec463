//! The Kotlin driver on a JVM, against the library of this machine and the reference host in it.
//!
//! Rust builds library and generator, the generator writes the Kotlin sources, Maven compiles and tests. Nothing that
//! is made lies in the tree: the folder is in the project's cache, Maven's packages are in Maven's own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::bindings::Bindings;
use crate::process::{Stopwatch, cache, need, root, succeed};
use crate::{Failure, takes_none};

/// The Java that the sources are compiled for.
const JAVA: u32 = 17;

/// Generates, compiles, tests; ends with the runner's summary.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    takes_none(arguments)?;
    let watch = Stopwatch::start();
    need_java()?;
    need(
        "kotlin-test",
        "mvn",
        "--version",
        "Debian, Ubuntu: apt install maven; macOS: brew install maven",
    )?;
    println!("kotlin-test: building library and generator");
    let bindings = Bindings::build()?;
    let made = cache()?.join("kotlin");
    let sources = made.join("generated");
    println!("kotlin-test: generating into {}", sources.display());
    bindings.generate("kotlin", Some(&driver().join("jvm.toml")), &sources)?;
    println!("kotlin-test: compiling and testing; the first run fetches Maven's packages");
    succeed(&mut maven(&made, &sources, bindings.folder()))?;
    println!("kotlin-test: passed in {:.0} s", watch.elapsed().as_secs_f64());
    Ok(())
}

fn driver() -> PathBuf {
    root().join("android/driver")
}

fn maven(made: &Path, sources: &Path, libraries: &Path) -> Command {
    let folder = |name: &str, path: &Path| format!("-D{name}={}", path.display());
    let mut command = Command::new("mvn");
    command
        .args(["--batch-mode", "--no-transfer-progress", "test"])
        .arg(folder("build.dir", &made.join("build")))
        .arg(folder("generated.dir", sources))
        .arg(folder("library.dir", libraries))
        .arg(format!("-Drevision={}", env!("CARGO_PKG_VERSION")))
        .current_dir(driver())
        .stdin(Stdio::null());
    command
}

fn need_java() -> Result<(), Failure> {
    let how = format!(
        "a JDK of version {JAVA} or later is needed (Debian, Ubuntu: apt install default-jdk-headless)"
    );
    let said = need("kotlin-test", "javac", "-version", &how)?;
    match major(&said) {
        Some(version) if version >= JAVA => Ok(()),
        Some(_) | None => Err(Failure::Failed(format!("{}: {how}", said.trim()))),
    }
}

/// `javac 17.0.15`: 17.
fn major(said: &str) -> Option<u32> {
    let version = said.split_whitespace().nth(1)?;
    version.split(['.', '-', '+']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_java() {
        assert_eq!(major("javac 17.0.15\n"), Some(17));
        assert_eq!(major("javac 26-ea"), Some(26));
        assert_eq!(major("javac 1.8.0_292"), Some(1));
        assert_eq!(major("nonsense"), None);
    }
}
