//! A PC/SC service of our own: on a socket of its own, with no reader but the virtual one.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::CHORE;
use super::packages::Packages;
use crate::Failure;
use crate::debian::failed;
use crate::process::{cannot_run, need, shown};

/// As its users see it; the driver has two slots, and the service numbers them.
const READER: &str = "softpos test";

/// SERVICE ARGUMENT...: runs it as systemd would, with the socket that is standard input. The machine's own service,
/// its files and its drivers for readers that are plugged in are out of its sight.
const START: &str = r#"
mount -t tmpfs none /run
[ ! -d /usr/lib/pcsc/drivers ] || mount -t tmpfs none /usr/lib/pcsc/drivers
exec 3<&0 </dev/null
LISTEN_FDS=1 LISTEN_PID=$$ exec setpriv --pdeathsig KILL "$@"
"#;

/// It ends with this value.
pub(super) struct Service {
    child: Child,
    folder: TempDir,
    /// Where the driver waits for the card of the first slot.
    pub(super) port: u16,
}

impl Service {
    /// Starts one, with the virtual reader or with none.
    pub(super) fn start(packages: &Packages, has_reader: bool) -> Result<Self, Failure> {
        let folder = tempfile::tempdir().map_err(|error| failed(&std::env::temp_dir(), &error))?;
        let readers = folder.path().join("readers");
        fs::create_dir(&readers).map_err(|error| failed(&readers, &error))?;
        let port = two_ports().map_err(|error| Failure::Failed(format!("{CHORE}: no port: {error}")))?;
        if has_reader {
            let file = readers.join("virtual");
            fs::write(&file, reader(&packages.driver, port)).map_err(|error| failed(&file, &error))?;
        }
        let path = socket(&folder);
        let listener = UnixListener::bind(&path).map_err(|error| failed(&path, &error))?;
        let log = folder.path().join("log");
        let said = fs::File::create(&log).map_err(|error| failed(&log, &error))?;
        let also = said.try_clone().map_err(|error| failed(&log, &error))?;
        let mut start = apart()?;
        start
            .args(["sh", "-euc", START, "sh"])
            .arg(&packages.service)
            .args(["--foreground", "--config"])
            .arg(&readers)
            .args(packages.service_arguments)
            .stdin(OwnedFd::from(listener))
            .stdout(said)
            .stderr(also);
        let child = start.spawn().map_err(|error| cannot_run(&start, &error))?;
        Ok(Self { child, folder, port })
    }

    /// Where programs find it, by `PCSCLITE_CSOCK_NAME`.
    pub(super) fn socket(&self) -> PathBuf {
        socket(&self.folder)
    }

    /// Ends it while programs use it.
    pub(super) fn stop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// What it says, for as long as it is there.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
    }
}

fn socket(folder: &TempDir) -> PathBuf {
    folder.path().join("socket")
}

/// Mounts of one's own: as root, or as root of a small world of one's own.
fn apart() -> Result<Command, Failure> {
    let is_root = need(CHORE, "id", "-u", "this needs Linux")?.trim() == "0";
    let world: &[&str] = if is_root {
        &["--mount"]
    } else {
        &["--user", "--map-root-user", "--mount"]
    };
    let command = || {
        let mut command = Command::new("unshare");
        command.args(world);
        command
    };
    let mut probe = command();
    probe.args(["mount", "-t", "tmpfs", "none", "/run"]);
    let can = probe.stdin(Stdio::null()).stderr(Stdio::null()).status();
    if !can.is_ok_and(|status| status.success()) {
        return Err(Failure::Failed(format!(
            "{CHORE}: mounts of one's own are not allowed here ({}): run this as root, in a container with CAP_SYS_ADMIN",
            shown(&probe)
        )));
    }
    Ok(command())
}

/// Two free ports in a row: the driver takes the second for its second slot.
fn two_ports() -> io::Result<u16> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..20 {
        let first = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        let port = first.local_addr()?.port();
        match TcpListener::bind((Ipv4Addr::UNSPECIFIED, port.saturating_add(1))) {
            Ok(_) => return Ok(port),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn reader(driver: &Path, port: u16) -> String {
    format!(
        "FRIENDLYNAME \"{READER}\"\nDEVICENAME /dev/null:{port}\nLIBPATH {}\nCHANNELID {port}\n",
        driver.display()
    )
}
