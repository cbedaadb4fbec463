//! The Swift driver against the library of this machine and the reference host in it.
//!
//! Rust builds library and generator, the generator writes the Swift sources into a folder of the package that Git
//! does not see, Swift compiles and tests. Where this machine has no Swift, a Debian that packages one is made in the
//! project's cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::bindings::Bindings;
use crate::debian::{Debian, Recipe};
use crate::process::{Stopwatch, cache, need, root, succeed_as};
use crate::{Failure, takes_none};

/// The Swift that the package is written in.
const SWIFT: u32 = 6;

/// Debian 13 is the first that packages Swift 6. Its loader does not look where the package puts the runtime.
const RECIPE: Recipe = Recipe {
    chore: "swift-test",
    suite: "trixie",
    packages: &["swiftlang", "libstdc++-14-dev", "libc6-dev", "gcc", "git"],
    finish: "echo /usr/libexec/swift/lib/swift/linux > /etc/ld.so.conf.d/swift.conf; ldconfig; swift --version",
};

/// What the generator writes and where the package has it; Swift looks for a module map under this name only.
const GENERATED: &[(&str, &str)] = &[
    ("SoftPosCore.swift", "SoftPosCore/SoftPosCore.swift"),
    ("softposFFI.h", "softposFFI/softposFFI.h"),
    ("softposFFI.modulemap", "softposFFI/module.modulemap"),
];

/// The names of the folders in the environment: always the same, so that a build in one clone serves another.
const INSIDE: [&str; 3] = ["/softpos", "/library", "/build"];

/// Generates, compiles, tests; ends with the runner's summary.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    takes_none(arguments)?;
    let watch = Stopwatch::start();
    let made = cache()?.join("swift");
    let swift = Swift::find(&made)?;
    println!("swift-test: building library and generator");
    let bindings = Bindings::build(&["sandbox"])?;
    let sources = made.join("generated");
    println!(
        "swift-test: generating into {}",
        package().join("Generated").display()
    );
    bindings.generate("swift", &sources)?;
    for (from, to) in GENERATED {
        place(&sources.join(from), &package().join("Generated").join(to))?;
    }
    println!("swift-test: compiling and testing");
    succeed_as(
        &mut swift.test(bindings.folder(), &made)?,
        "swift-test: swift test",
    )?;
    println!("swift-test: passed in {:.0} s", watch.elapsed().as_secs_f64());
    Ok(())
}

/// Which Swift compiles.
enum Swift {
    Native,
    Packaged(Debian),
}

impl Swift {
    fn find(made: &Path) -> Result<Self, Failure> {
        let native = need("swift-test", "swift", "--version", "").unwrap_or_default();
        if major(&native).is_some_and(|version| version >= SWIFT) {
            return Ok(Self::Native);
        }
        let here = match major(&native) {
            Some(version) => format!("Swift {version} is older than {SWIFT}"),
            None => format!("no Swift {SWIFT} here"),
        };
        match Debian::ready(&RECIPE, made) {
            Ok(environment) => Ok(Self::Packaged(environment)),
            Err(Failure::Failed(why) | Failure::Usage(why)) => Err(Failure::Failed(format!(
                "{why}\nswift-test: {here}; it comes with Xcode 16 on macOS, from swift.org for Linux"
            ))),
        }
    }

    fn test(&self, library: &Path, made: &Path) -> Result<Command, Failure> {
        let build = made.join("build");
        fs::create_dir_all(&build)
            .map_err(|error| Failure::Failed(format!("{}: {error}", build.display())))?;
        Ok(match self {
            Self::Native => {
                let mut swift = Command::new("swift");
                swift
                    .args(["test", "--disable-xctest", "--scratch-path"])
                    .arg(build)
                    .current_dir(package())
                    .env("SOFTPOS_HOST_LIBRARY", library)
                    .stdin(Stdio::null());
                swift
            }
            Self::Packaged(environment) => {
                let [ours, theirs, scratch] = INSIDE;
                let binds = [(root(), ours), (library, theirs), (&build, scratch)];
                let variable = format!("SOFTPOS_HOST_LIBRARY={theirs}");
                let script = "rm -rf /tmp/softpos-*; exec env \"$1\" swift test --disable-xctest --scratch-path \"$2\"";
                let arguments = ["sh", "-euc", script, "sh", &variable, scratch];
                environment.command(&binds, &format!("{ours}/ios"), arguments)
            }
        })
    }
}

fn package() -> PathBuf {
    root().join("ios")
}

/// Copies what changed; what stays keeps its time, so that nothing is compiled again for it.
fn place(from: &Path, to: &Path) -> Result<(), Failure> {
    let copy = || {
        let new = fs::read(from)?;
        if fs::read(to).is_ok_and(|old| old == new) {
            return Ok(());
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(to, new)
    };
    copy().map_err(|error| Failure::Failed(format!("{}: {error}", to.display())))
}

/// `Swift version 6.0.3 (swift-6.0.3-RELEASE)`: 6.
fn major(said: &str) -> Option<u32> {
    let (_, version) = said.split_once("Swift version ")?;
    version.split(['.', '-', ' ']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_swift() {
        assert_eq!(major("Swift version 6.0.3 (swift-6.0.3-RELEASE)\n"), Some(6));
        assert_eq!(
            major("swift-driver version: 1.115 Apple Swift version 6.1 (swiftlang-6.1.0)"),
            Some(6)
        );
        assert_eq!(major("Swift version 5.10-dev"), Some(5));
        assert_eq!(major("swift: not found"), None);
    }

    #[test]
    fn only_what_changed_is_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a"), folder.path().join("deep/b"));
        fs::write(&from, "1").unwrap();
        place(&from, &to).unwrap();
        let first = fs::metadata(&to).unwrap().modified().unwrap();
        place(&from, &to).unwrap();
        assert_eq!(fs::metadata(&to).unwrap().modified().unwrap(), first);
        fs::write(&from, "2").unwrap();
        place(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "2");
    }
}
