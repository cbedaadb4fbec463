//! Running other programs, Cargo above all.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
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
    // What the Cargo that runs this chore says about it: build scripts that look at these would be run anew, and with
    // them half of the packages, whenever a chore takes turns with a Cargo of the shell.
    let of_chore = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(of_chore) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs to the end; anything but success is a failure.
pub(crate) fn succeed(command: &mut Command) -> Result<(), Failure> {
    let name = shown(command);
    succeed_as(command, &name)
}

/// As [`succeed`], for a command that says less than its purpose does.
pub(crate) fn succeed_as(command: &mut Command, name: &str) -> Result<(), Failure> {
    let status = command.status().map_err(|error| cannot_run(command, &error))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::Failed(format!("{name} ended with {status}")))
    }
}

/// Builds the program of that name and says where it is.
pub(crate) fn build(arguments: &[&str], program: &str) -> Result<PathBuf, Failure> {
    made(arguments, program, |messages, name| {
        executable(messages, name, "bin")
    })
}

/// Builds the example of that name and says where it is.
pub(crate) fn example(arguments: &[&str], name: &str) -> Result<PathBuf, Failure> {
    made(arguments, name, |messages, name| {
        executable(messages, name, "example")
    })
}

/// Builds the dynamic library of that name and says where it is.
pub(crate) fn library(arguments: &[&str], name: &str) -> Result<PathBuf, Failure> {
    made(arguments, name, dynamic_library)
}

fn made(arguments: &[&str], name: &str, find: fn(&str, &str) -> Option<PathBuf>) -> Result<PathBuf, Failure> {
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
    find(&String::from_utf8_lossy(&output.stdout), name)
        .ok_or_else(|| Failure::Failed(format!("{} made nothing called {name}", shown(&command))))
}

/// Whether a program is there; gives what it says of itself, or says what to do about it.
pub(crate) fn need(chore: &str, program: &str, version: &str, how: &str) -> Result<String, Failure> {
    let output = Command::new(program)
        .arg(version)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::Failed(format!("{chore}: {program} is missing ({error}): {how}")))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
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

fn executable(messages: &str, program: &str, kind: &str) -> Option<PathBuf> {
    targets(messages, program, kind).find_map(|made| Some(PathBuf::from(made.get("executable")?.as_str()?)))
}

fn dynamic_library(messages: &str, name: &str) -> Option<PathBuf> {
    let file = format!("{DLL_PREFIX}{name}{DLL_SUFFIX}");
    targets(messages, name, "cdylib").find_map(|made| {
        let files = made.get("filenames")?.as_array()?;
        let mut paths = files.iter().filter_map(|path| path.as_str()).map(PathBuf::from);
        paths.find(|path| path.file_name().is_some_and(|name| name == file.as_str()))
    })
}

/// Cargo writes one JSON object a line, one of them for each thing it made.
fn targets(messages: &str, name: &str, kind: &str) -> impl Iterator<Item = serde_json::Value> {
    messages.lines().filter_map(move |line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let target = message.get("target")?;
        let is_wanted = target.get("name")?.as_str()? == name
            && target.get("kind")?.as_array()?.iter().any(|one| one == kind);
        is_wanted.then_some(message)
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
        assert_eq!(
            executable(messages, "softpos", "bin"),
            Some(PathBuf::from("/t/softpos"))
        );
        assert_eq!(executable(messages, "missing", "bin"), None);
        assert_eq!(executable(messages, "other", "example"), None);
    }

    #[test]
    fn the_library_is_found_among_its_files() {
        let file = format!("{DLL_PREFIX}softpos{DLL_SUFFIX}");
        let messages = serde_json::json!({
            "reason": "compiler-artifact",
            "target": { "name": "softpos", "kind": ["lib", "cdylib", "staticlib"] },
            "filenames": ["/t/libsoftpos.rlib", format!("/t/{file}"), "/t/libsoftpos.a"],
        });
        let found = dynamic_library(&messages.to_string(), "softpos");
        assert_eq!(found, Some(Path::new("/t").join(file)));
        assert_eq!(dynamic_library(&messages.to_string(), "other"), None);
    }

    #[test]
    fn a_command_is_shown_as_typed() {
        let mut command = Command::new("/usr/bin/cargo");
        command.args(["fmt", "--check"]);
        assert_eq!(shown(&command), "cargo fmt --check");
    }

    #[test]
    fn a_missing_program_says_what_to_do() {
        let Err(Failure::Failed(why)) = need("chore", "no-such-program", "--version", "install it") else {
            panic!("found");
        };
        assert!(
            why.contains("no-such-program is missing") && why.contains("install it"),
            "{why}"
        );
    }
}
