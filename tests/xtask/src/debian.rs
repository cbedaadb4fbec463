//! A Debian of a newer suite beside the one of this machine, for tools that this machine does not package.
//!
//! It is made once, in the user's cache, and entered with mounts and processes of its own: when the chore ends, also
//! by a kill, the kernel takes both back. What a killed run left half made carries no stamp and is made anew.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Failure;
use crate::process::{need, succeed, succeed_as};

/// What is in it.
pub(crate) struct Recipe {
    /// The chore that needs it, for its messages.
    pub(crate) chore: &'static str,
    /// Debian's name of the release.
    pub(crate) suite: &'static str,
    /// What is installed beside the base.
    pub(crate) packages: &'static [&'static str],
    /// Shell commands that run in it at the end.
    pub(crate) finish: &'static str,
}

/// An environment that is ready. While it exists, no other run uses the same folder.
pub(crate) struct Debian {
    root: PathBuf,
    _lock: File,
}

/// A private view of the mounts and processes, which ends with the chore.
const APART: &[&str] = &[
    "--pdeathsig",
    "KILL",
    "unshare",
    "--mount",
    "--propagation",
    "private",
    "--pid",
    "--fork",
    "--kill-child",
];

/// ROOT FOLDER [OUTSIDE INSIDE]... -- COMMAND...: runs the command in that folder of the environment, with nothing of
/// this machine's environment variables but what reaches the network.
const ENTER: &str = r#"
root=$1 folder=$2
shift 2
mount -t proc proc "$root/proc"
while [ "$1" != -- ]; do
    mkdir -p "$root$2"
    mount --bind "$1" "$root$2"
    shift 2
done
shift
exec env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} \
    chroot "$root" /bin/sh -euc 'cd "$1"; shift; exec "$@"' sh "$folder" "$@"
"#;

/// PACKAGES: installs them; no service is started, and no list is kept. A mirror may be behind a suite that changes
/// daily: its list is taken up to 90 days old, with its signature checked as ever.
const INSTALL: &str = r"
export DEBIAN_FRONTEND=noninteractive
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
apt-get -o Acquire::Min-ValidTime=7776000 update -q
apt-get install -y -q --no-install-recommends $1
apt-get clean
rm -rf /var/lib/apt/lists/*
";

/// The mirror of a machine that has none of its own.
const MIRROR: &str = "http://deb.debian.org/debian";

/// Where debootstrap has its scripts, one a suite.
const SCRIPTS: &str = "/usr/share/debootstrap/scripts";

/// Files of this machine by which the network is reached from inside.
const NETWORK: &[&str] = &[
    "etc/ssl/certs/ca-certificates.crt",
    "etc/resolv.conf",
    "etc/hosts",
];

impl Debian {
    /// The environment in `folder`: the one that is there, or a new one.
    pub(crate) fn ready(recipe: &Recipe, folder: &Path) -> Result<Self, Failure> {
        let environment = Self {
            root: folder.join("root"),
            _lock: locked(recipe.chore, folder)?,
        };
        let stamp = folder.join("ready");
        if fs::read_to_string(&stamp).is_ok_and(|made| made == recipe.stamp()) && environment.root.is_dir() {
            return Ok(environment);
        }
        println!(
            "{}: making a Debian {} in {} (once: some minutes, some gigabytes)",
            recipe.chore,
            recipe.suite,
            folder.display()
        );
        environment.make(recipe, folder)?;
        written(&stamp, &recipe.stamp())?;
        Ok(environment)
    }

    /// A command that runs in it, in `folder`, with folders of this machine under other names.
    pub(crate) fn command<'a>(
        &self,
        binds: &[(&Path, &str)],
        folder: &str,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Command {
        let mut command = apart();
        command
            .args(["sh", "-euc", ENTER, "sh"])
            .arg(&self.root)
            .arg(folder);
        for (outside, inside) in binds {
            command.arg(outside).arg(inside);
        }
        command.arg("--").args(arguments);
        command
    }

    fn make(&self, recipe: &Recipe, folder: &Path) -> Result<(), Failure> {
        let Recipe {
            chore,
            suite,
            packages,
            finish,
        } = recipe;
        possible(recipe)?;
        remove(&folder.join("ready"))?;
        succeed(
            Command::new("rm")
                .args(["-rf", "--one-file-system"])
                .arg(&self.root),
        )?;
        println!("{chore}: the base of Debian {suite}");
        let mut base = apart();
        base.args(["debootstrap", "--variant=minbase", "--include=ca-certificates"])
            .arg(suite)
            .arg(&self.root)
            .arg(mirror().as_deref().unwrap_or(MIRROR))
            .args(script(suite, Path::new(SCRIPTS)));
        logged(&mut base, "debootstrap", &folder.join("debootstrap.log"))?;
        self.reach_the_network()?;
        println!("{chore}: installing {}", packages.join(", "));
        let list = packages.join(" ");
        let mut install = self.command(&[], "/", ["sh", "-euc", INSTALL, "sh", &list]);
        logged(&mut install, "apt-get install", &folder.join("apt.log"))?;
        // The packages may have written their own list of authorities over this machine's.
        self.reach_the_network()?;
        println!("{chore}: setting it up");
        let mut finish = self.command(&[], "/", ["sh", "-euc", finish]);
        logged(&mut finish, "the last step", &folder.join("finish.log"))
    }

    fn reach_the_network(&self) -> Result<(), Failure> {
        for file in NETWORK {
            let ours = Path::new("/").join(file);
            if ours.exists() {
                fs::copy(&ours, self.root.join(file)).map_err(|error| failed(&ours, &error))?;
            }
        }
        Ok(())
    }
}

impl Recipe {
    /// What the environment was made of, in the file that says that it is complete.
    fn stamp(&self) -> String {
        format!("{} {}\n{}\n", self.suite, self.packages.join(" "), self.finish)
    }
}

/// Whether one can be made here; installs debootstrap where it is missing.
fn possible(recipe: &Recipe) -> Result<(), Failure> {
    let chore = recipe.chore;
    let how = "an environment can be made as root on Debian or Ubuntu";
    need(chore, "apt-get", "--version", how)?;
    let user = need(chore, "id", "-u", how)?;
    if user.trim() != "0" {
        return Err(Failure::Failed(format!(
            "{chore}: {how}, and this is user {}",
            user.trim()
        )));
    }
    if !apart().arg("true").status().is_ok_and(|status| status.success()) {
        return Err(Failure::Failed(format!(
            "{chore}: {how}, where mounts of one's own are allowed (in a container: with CAP_SYS_ADMIN)"
        )));
    }
    let packages = ["debootstrap", "debian-archive-keyring"];
    need_or_install(chore, ("debootstrap", "--version"), &packages, how).map(drop)
}

/// As [`need`], but where this is root on Debian or Ubuntu a missing program is installed from these packages.
pub(crate) fn need_or_install(
    chore: &str,
    (program, version): (&str, &str),
    packages: &[&str],
    how: &str,
) -> Result<String, Failure> {
    let missing = match need(chore, program, version, how) {
        Err(missing) if is_root_with_apt(chore) => missing,
        found_or_hopeless => return found_or_hopeless,
    };
    println!("{chore}: installing {}", packages.join(", "));
    succeed(apt().args(["update", "-qq"]))?;
    let install = ["install", "-y", "-qq", "--no-install-recommends"];
    succeed(apt().args(install).args(packages))?;
    need(chore, program, version, how).map_err(|_| missing)
}

fn is_root_with_apt(chore: &str) -> bool {
    let is_root = need(chore, "id", "-u", "").is_ok_and(|user| user.trim() == "0");
    is_root && need(chore, "apt-get", "--version", "").is_ok()
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

fn apart() -> Command {
    let mut command = Command::new("setpriv");
    command.args(APART).stdin(Stdio::null());
    command
}

/// debootstrap's script for a suite that is newer than debootstrap itself: the one of unstable, of which every suite is
/// made. None where it has its own.
fn script(suite: &str, scripts: &Path) -> Option<PathBuf> {
    (!scripts.join(suite).exists()).then(|| scripts.join("sid"))
}

/// The mirror that this machine uses, if it is a Debian.
fn mirror() -> Option<String> {
    let release = fs::read_to_string("/etc/os-release").ok()?;
    if !release.lines().any(|line| line == "ID=debian") {
        return None;
    }
    let targets = Command::new("apt-get")
        .args(["indextargets", "--format", "$(REPO_URI)"])
        .output()
        .ok()?;
    let first = String::from_utf8_lossy(&targets.stdout)
        .lines()
        .next()?
        .to_owned();
    Some(first)
}

/// Keeps every other run out of the folder, and waits for one that is in it.
pub(crate) fn locked(chore: &str, folder: &Path) -> Result<File, Failure> {
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    let path = folder.join("lock");
    let lock = File::create(&path).map_err(|error| failed(&path, &error))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            println!("{chore}: another run uses {}: waiting for it", folder.display());
            lock.lock().map_err(|error| failed(&path, &error))?;
            Ok(lock)
        }
        Err(TryLockError::Error(error)) => Err(failed(&path, &error)),
    }
}

/// Runs quietly; on a failure the end of what it said is shown.
pub(crate) fn logged(command: &mut Command, name: &str, log: &Path) -> Result<(), Failure> {
    let file = File::create(log).map_err(|error| failed(log, &error))?;
    let both = file.try_clone().map_err(|error| failed(log, &error))?;
    succeed_as(command.stdout(file).stderr(both), name).map_err(|failure| {
        let said = fs::read(log).unwrap_or_default();
        let said = String::from_utf8_lossy(&said).into_owned();
        let lines: Vec<&str> = said.lines().collect();
        let last = lines.get(lines.len().saturating_sub(20)..).unwrap_or_default();
        let why = match failure {
            Failure::Failed(why) | Failure::Usage(why) => why,
        };
        Failure::Failed(format!(
            "{}\n{why}\nall of it: {}",
            last.join("\n"),
            log.display()
        ))
    })
}

/// A file that is there whole or not at all.
pub(crate) fn written(path: &Path, text: &str) -> Result<(), Failure> {
    let new = path.with_extension("new");
    fs::write(&new, text)
        .and_then(|()| fs::rename(&new, path))
        .map_err(|error| failed(path, &error))
}

fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(path, &error)),
        _ => Ok(()),
    }
}

pub(crate) fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECIPE: Recipe = Recipe {
        chore: "test",
        suite: "trixie",
        packages: &["a", "b"],
        finish: "true",
    };

    #[test]
    fn what_is_complete_is_taken_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("root")).unwrap();
        written(&folder.path().join("ready"), &RECIPE.stamp()).unwrap();
        let environment = Debian::ready(&RECIPE, folder.path()).unwrap_or_else(|_| panic!("not ready"));
        assert_eq!(environment.root, folder.path().join("root"));
    }

    #[test]
    fn a_suite_that_debootstrap_does_not_know_is_made_like_unstable() {
        let scripts = tempfile::tempdir().unwrap();
        fs::write(scripts.path().join("trixie"), "").unwrap();
        assert_eq!(script("trixie", scripts.path()), None);
        assert_eq!(script("forky", scripts.path()), Some(scripts.path().join("sid")));
    }

    #[test]
    fn the_stamp_changes_with_the_recipe() {
        let other = Recipe {
            packages: &["a"],
            ..RECIPE
        };
        assert_ne!(RECIPE.stamp(), other.stamp());
    }

    #[test]
    fn a_failure_shows_the_end_of_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let script = "seq 1 40; echo wrong >&2; exit 3";
        let Err(Failure::Failed(why)) = logged(Command::new("sh").args(["-c", script]), "a script", &log)
        else {
            panic!("passed");
        };
        assert!(
            why.contains("40\nwrong\na script ended with") && !why.contains("\n5\n"),
            "{why}"
        );
    }

    #[test]
    fn two_runs_do_not_share_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = locked("test", folder.path()).unwrap();
        let second = File::create(folder.path().join("lock")).unwrap();
        assert!(matches!(second.try_lock(), Err(TryLockError::WouldBlock)));
        drop(first);
        second.try_lock().unwrap();
    }
}
