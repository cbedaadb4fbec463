//! Debian's PC/SC service and virtual reader, unpacked into the project's cache: nothing is installed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::CHORE;
use crate::Failure;
use crate::debian::{failed, locked, logged, written};
use crate::process::{cache, need};

/// The library that programs link, its development link, the service, and the driver of a reader without hardware.
const NAMES: [&str; 4] = ["libpcsclite1", "libpcsclite-dev", "pcscd", "vsmartcard-vpcd"];

const NO_POLKIT: &str = "--disable-polkit";

const HOW: &str = "this needs Debian or Ubuntu, for their packages pcscd and vsmartcard-vpcd";

/// What was unpacked. While it exists, no other run uses the same folder.
pub(super) struct Packages {
    pub(super) service: PathBuf,
    /// What the service is told besides.
    pub(super) service_arguments: &'static [&'static str],
    pub(super) driver: PathBuf,
    /// The folder of the library.
    pub(super) library: PathBuf,
    _lock: File,
}

impl Packages {
    /// Those that are there, or new ones.
    pub(super) fn ready() -> Result<Self, Failure> {
        let folder = cache()?.join("pcsc");
        let lock = locked(CHORE, &folder)?;
        let (root, stamp) = (folder.join("root"), folder.join("ready"));
        let names = NAMES.join(" ");
        if !fs::read_to_string(&stamp).is_ok_and(|made| made == names) {
            fetch(&folder, &root)?;
            written(&stamp, &names)?;
        }
        let service = root.join("usr/sbin/pcscd");
        let help = Command::new(&service).arg("--help").output();
        let Some(help) = help.ok().filter(|said| said.status.success()) else {
            return Err(Failure::Failed(format!(
                "{CHORE}: {} does not run here; apt install pcscd brings the libraries it needs",
                service.display()
            )));
        };
        // Since Debian 13 it asks polkit who may read cards, which it cannot reach in a world of its own.
        let asks_polkit = String::from_utf8_lossy(&help.stdout).contains(NO_POLKIT);
        Ok(Self {
            service,
            service_arguments: if asks_polkit { &[NO_POLKIT] } else { &[] },
            driver: root.join("usr/lib/pcsc/drivers/serial/libifdvpcd.so"),
            library: library(&root)?,
            _lock: lock,
        })
    }
}

fn fetch(folder: &Path, root: &Path) -> Result<(), Failure> {
    need(CHORE, "apt-get", "--version", HOW)?;
    need(CHORE, "dpkg-deb", "--version", HOW)?;
    println!("{CHORE}: fetching {}", NAMES.join(", "));
    let fetched = folder.join("fetched");
    for made in [root, &fetched] {
        if made.exists() {
            fs::remove_dir_all(made).map_err(|error| failed(made, &error))?;
        }
        fs::create_dir_all(made).map_err(|error| failed(made, &error))?;
    }
    let mut download = Command::new("apt-get");
    download
        .args(["-q", "download"])
        .args(NAMES)
        .current_dir(&fetched);
    logged(&mut download, "apt-get download", &folder.join("apt.log")).map_err(|failure| match failure {
        Failure::Failed(why) | Failure::Usage(why) => Failure::Failed(format!(
            "{why}\n{CHORE}: if apt does not know the packages, `apt-get update` as root fetches its lists; {HOW}"
        )),
    })?;
    let files = fs::read_dir(&fetched).map_err(|error| failed(&fetched, &error))?;
    for file in files {
        let file = file.map_err(|error| failed(&fetched, &error))?.path();
        let mut unpack = Command::new("dpkg-deb");
        unpack.arg("--extract").arg(&file).arg(root);
        logged(&mut unpack, "dpkg-deb", &folder.join("unpack.log"))?;
    }
    fs::remove_dir_all(&fetched).map_err(|error| failed(&fetched, &error))
}

/// Where this architecture has it: `usr/lib/x86_64-linux-gnu`.
fn library(root: &Path) -> Result<PathBuf, Failure> {
    let above = root.join("usr/lib");
    let folders = fs::read_dir(&above).map_err(|error| failed(&above, &error))?;
    folders
        .filter_map(|folder| Some(folder.ok()?.path()))
        .find(|folder| folder.join("libpcsclite.so").exists())
        .ok_or_else(|| {
            Failure::Failed(format!(
                "{CHORE}: libpcsclite.so is not below {}",
                above.display()
            ))
        })
}
