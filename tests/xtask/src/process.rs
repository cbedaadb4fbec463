//! Running other programs, Cargo above all.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Failure;

/// The repository's first folder.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}

/// The project's folder in the user's cache, for what is made once and kept.
pub(crate) fn cache() -> Result<PathBuf, Failure> {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value: &OsString| !value.is_empty())
            .map(PathBuf::from)
    };
    set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("softpos"))
        .ok_or_else(|| Failure::Failed("neither XDG_CACHE_HOME nor HOME is set".to_owned()))
}

/// Cargo, in the repository, with these arguments.
pub(crate) fn cargo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root()).stdin(Stdio::null());
    command
}

/// Runs to the end; anything but success is a failure.
pub(crate) fn succeed(command: &mut Command) -> Result<(), Failure> {
    let status = command.status().map_err(|error| cannot_run(command, &error))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::Failed(format!("{} ended with {status}", shown(command))))
    }
}

/// Builds the program of that name and says where it is.
pub(crate) fn build(arguments: &[&str], program: &str) -> Result<PathBuf, Failure> {
    let always = ["build", "--locked", "--message-format=json-render-diagnostics"];
    let mut command = cargo(always.into_iter().chain(arguments.iter().copied()));
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| cannot_run(&command, &error))?;
    if !output.status.success() {
        return Err(Failure::Failed(format!(
            "{} ended with {}",
            shown(&command),
            output.status
        )));
    }
    executable(&String::from_utf8_lossy(&output.stdout), program)
        .ok_or_else(|| Failure::Failed(format!("{} built no program called {program}", shown(&command))))
}

/// Measures how long something took.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "chores measure real time")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let name = Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program());
    let words = std::iter::once(name).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

pub(crate) fn cannot_run(command: &Command, error: &std::io::Error) -> Failure {
    Failure::Failed(format!("{} cannot be run: {error}", shown(command)))
}

/// Cargo writes one JSON object a line, one of them for each thing it made.
fn executable(messages: &str, program: &str) -> Option<PathBuf> {
    messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let target = message.get("target")?;
        let is_program = target.get("name")?.as_str()? == program
            && target.get("kind")?.as_array()?.iter().any(|kind| kind == "bin");
        let path = message.get("executable")?.as_str()?;
        is_program.then(|| PathBuf::from(path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_among_what_cargo_made() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"softpos","kind":["cdylib"]},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"other","kind":["bin"]},"executable":"/t/other"}"#,
            "\nnot JSON\n",
            r#"{"reason":"compiler-artifact","target":{"name":"softpos","kind":["bin"]},"executable":"/t/softpos"}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        assert_eq!(executable(messages, "softpos"), Some(PathBuf::from("/t/softpos")));
        assert_eq!(executable(messages, "missing"), None);
    }

    #[test]
    fn a_command_is_shown_as_typed() {
        let mut command = Command::new("/usr/bin/cargo");
        command.args(["fmt", "--check"]);
        assert_eq!(shown(&command), "cargo fmt --check");
    }
}
