//! The core's library for this machine and the sources generated from it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::process::{build, library, root, succeed};

/// Library and generator, of the same version.
pub(crate) struct Bindings {
    /// The library.
    pub(crate) library: PathBuf,
    generator: PathBuf,
}

impl Bindings {
    /// Builds both, the library with these features. What is generated from one does not fit another.
    pub(crate) fn build(features: &[&str]) -> Result<Self, Failure> {
        let features = features.join(",");
        Ok(Self {
            library: library(&["-p", "softpos-ffi", "--features", &features], "softpos")?,
            generator: build(&["-p", "softpos-bindgen"], "softpos-bindgen")?,
        })
    }

    /// The folder of the library.
    pub(crate) fn folder(&self) -> &Path {
        self.library.parent().unwrap_or(&self.library)
    }

    /// Writes the sources for a language anew: what was generated from an older library is gone.
    pub(crate) fn generate(&self, language: &str, sources: &Path) -> Result<(), Failure> {
        match fs::remove_dir_all(sources) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Failure::Failed(format!("{}: {error}", sources.display())));
            }
            _ => {}
        }
        let mut generate = Command::new(&self.generator);
        generate.args(["generate", "--no-format", "--language", language]);
        succeed(
            generate
                .arg("--out-dir")
                .arg(sources)
                .arg(&self.library)
                .current_dir(root()),
        )
    }
}
