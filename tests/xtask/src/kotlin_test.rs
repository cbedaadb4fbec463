//! The Kotlin driver on a JVM, against the library of this machine and the reference host in it.
//!
//! Rust builds library and generator, the generator writes the Kotlin sources, Maven compiles and tests. Nothing that
//! is made lies in the tree: the folder is in the project's cache, Maven's packages are in Maven's own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::bindings::Bindings;
use crate::debian::need_or_install;
use crate::process::{Stopwatch, cache, root, succeed};
use crate::{Failure, takes_none};

const CHORE: &str = "kotlin-test";

/// The Java that the sources are compiled for.
const JAVA: u32 = 17;

/// Generates, compiles, tests; ends with the runner's summary.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    takes_none(arguments)?;
    let watch = Stopwatch::start();
    need_tools(CHORE)?;
    println!("kotlin-test: building library and generator");
    let bindings = Bindings::build(&["sandbox"])?;
    let made = cache()?.join("kotlin");
    let sources = made.join("generated");
    println!("kotlin-test: generating into {}", sources.display());
    bindings.generate("kotlin", &sources)?;
    println!("kotlin-test: compiling and testing; the first run fetches Maven's packages");
    let mut test = maven(&made.join("build"), &sources);
    test.arg("test")
        .arg(format!("-Dlibrary.dir={}", bindings.folder().display()));
    succeed(&mut test)?;
    println!("kotlin-test: passed in {:.0} s", watch.elapsed().as_secs_f64());
    Ok(())
}

/// The folder of the Maven module.
pub(crate) fn driver() -> PathBuf {
    root().join("android/driver")
}

/// Maven, about to work in a folder outside the tree on the module and what was generated.
pub(crate) fn maven(build: &Path, sources: &Path) -> Command {
    let mut command = Command::new("mvn");
    command
        .args(["--batch-mode", "--no-transfer-progress"])
        .arg(format!("-Dbuild.dir={}", build.display()))
        .arg(format!("-Dgenerated.dir={}", sources.display()))
        .current_dir(driver())
        .stdin(Stdio::null());
    command
}

/// A JDK and Maven; installs them where it can.
pub(crate) fn need_tools(chore: &str) -> Result<(), Failure> {
    let jdk = format!(
        "a JDK of version {JAVA} or later is needed: adoptium.net, or run this as root on Debian or Ubuntu"
    );
    let said = need_or_install(chore, ("javac", "-version"), &["default-jdk-headless"], &jdk)?;
    if major(&said).is_none_or(|version| version < JAVA) {
        return Err(Failure::Failed(format!("{chore}: {}: {jdk}", said.trim())));
    }
    let maven = "maven.apache.org has it, or run this as root on Debian or Ubuntu; macOS: brew install maven";
    need_or_install(chore, ("mvn", "--version"), &["maven"], maven).map(drop)
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
