//! The core as code for phones, made on a machine without NDK or Xcode.
//!
//! A Debian that packages Rust with the sources of its standard library compiles both for the phone. What comes out
//! proves that all of it compiles, how large it is, and what it exports and asks for. It is not for shipping: it is
//! linked against stand-ins of the system's libraries, or not at all.

pub(crate) mod aar;
pub(crate) mod android;
mod elf;
pub(crate) mod ios;
mod macho;

use std::fs;
use std::path::{Path, PathBuf};

use crate::Failure;
use crate::debian::{Debian, Recipe};
use crate::process::{cache, root, succeed_as};

/// The Android that the library is linked for: 13, the oldest on which card readers are certified.
const ANDROID_API: &str = "33";

/// The first Debian whose Rust is new enough and whose package of sources builds a standard library. Beside the tools
/// it gets a linker, whose name tells rustc whose arguments it takes, and empty stand-ins of Android's libraries:
/// what is the system's is shared, what an NDK links in is not.
const FINISH: &str = r#"
mkdir -p /opt/android
cd /opt/android
cat > aarch64-android-clang <<'END'
#!/bin/sh
exec clang --target=aarch64-linux-android33 -fuse-ld=lld -nostdlib -L/opt/android "$@"
END
chmod +x aarch64-android-clang
: > empty.c
for library in c m dl log; do
    ./aarch64-android-clang -shared -Wl,-soname,lib$library.so -o lib$library.so empty.c
done
clang --target=aarch64-linux-android33 -c empty.c
llvm-ar crs libunwind.a empty.o
llvm-ar crs libgcc.a empty.o
rustc --version
clang --version
"#;

const PACKAGES: &[&str] = &[
    "cargo",
    "rustc",
    "rust-src",
    "clang",
    "lld",
    "llvm",
    "make",
    "pkg-config",
    "libc6-dev-arm64-cross",
];

/// An environment that compiles for phones.
struct Phones {
    environment: Debian,
    chore: &'static str,
    /// Where the chore keeps what it made.
    made: PathBuf,
}

/// What is compiled, for what.
struct Build<'a> {
    triple: &'a str,
    crate_type: &'a str,
    /// `--features` or `--no-default-features`, as Cargo has them.
    features: &'a [&'a str],
    /// Settings of the C compiler and the linker.
    settings: &'a [String],
    /// A folder of this machine, as the environment sees it.
    bind: Option<(&'a Path, &'a str)>,
}

impl Phones {
    fn ready(chore: &'static str) -> Result<Self, Failure> {
        let folder = cache()?.join("phones");
        let recipe = Recipe {
            chore,
            suite: "forky",
            packages: PACKAGES,
            finish: FINISH,
        };
        let made = folder.join(chore);
        fs::create_dir_all(&made).map_err(|error| Failure::Failed(format!("{}: {error}", made.display())))?;
        Ok(Self {
            environment: Debian::ready(&recipe, &folder)?,
            chore,
            made,
        })
    }

    /// Compiles the bindings' library and says in which folder it lies.
    fn build(&self, build: &Build<'_>) -> Result<PathBuf, Failure> {
        let target = self.made.join("target");
        fs::create_dir_all(&target)
            .map_err(|error| Failure::Failed(format!("{}: {error}", target.display())))?;
        let mut binds = vec![(root(), "/softpos"), (target.as_path(), "/build")];
        binds.extend(build.bind);
        let always = [
            "RUSTC_BOOTSTRAP=1",
            "CARGO_TARGET_DIR=/build",
            "CARGO_HTTP_CAINFO=/etc/ssl/certs/ca-certificates.crt",
        ];
        let cargo = [
            "cargo",
            "rustc",
            "--locked",
            "--profile=phone",
            "--package=softpos-ffi",
            "--lib",
            "--crate-type",
            build.crate_type,
            "--target",
            build.triple,
            "-Zbuild-std=std,panic_unwind",
        ];
        let settings = build.settings.iter().map(String::as_str);
        let arguments = std::iter::once("env").chain(always).chain(settings).chain(cargo);
        let arguments = arguments.chain(build.features.iter().copied());
        let mut command = self.environment.command(&binds, "/softpos", arguments);
        succeed_as(&mut command, &format!("{}: cargo rustc", self.chore))?;
        Ok(target.join(build.triple).join("phone"))
    }
}

/// Bytes as people compare them.
fn megabytes(bytes: usize) -> String {
    let hundredths = bytes / 10_000;
    format!("{}.{:02} MB", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_in_megabytes() {
        assert_eq!(megabytes(3_149_999), "3.14 MB");
        assert_eq!(megabytes(56_000), "0.05 MB");
    }

    #[test]
    fn the_linker_is_for_the_android_that_is_named() {
        assert!(FINISH.contains(&format!("aarch64-linux-android{ANDROID_API} ")));
    }
}
