//! Which machine the figures are of.

use std::fmt;
use std::fs;
use std::path::Path;
use std::thread::available_parallelism;

/// What a reader must know of a machine to compare figures with their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    cpu: String,
    cores: usize,
    kernel: String,
    disk: String,
}

impl Machine {
    /// This machine, with the file system that holds `dir`. What the system does not tell is called unknown.
    pub fn with_disk_of(dir: &Path) -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let unknown = || "unknown".to_owned();
        let release = read("/proc/sys/kernel/osrelease");
        Self {
            cpu: cpu_model(&read("/proc/cpuinfo")).unwrap_or_else(unknown),
            cores: available_parallelism().map_or(1, usize::from),
            kernel: format!("{} {}", std::env::consts::OS, release.trim()),
            disk: disk_of(&read("/proc/self/mounts"), dir).unwrap_or_else(unknown),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "machine: {}, {} cores, {}, data on {}",
            self.cpu, self.cores, self.kernel, self.disk
        )
    }
}

/// This process's memory in RAM now and at most so far, in KiB; none where the system does not tell.
pub fn resident_kib() -> Option<(u64, u64)> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    Some((kib(&status, "VmRSS")?, kib(&status, "VmHWM")?))
}

fn kib(status: &str, name: &str) -> Option<u64> {
    field(status, name)?.strip_suffix(" kB")?.trim().parse().ok()
}

/// The first processor's name: x86 has `model name`, 32-bit Arm `Hardware`; 64-bit Arm has numbers only.
fn cpu_model(cpuinfo: &str) -> Option<String> {
    ["model name", "Hardware", "CPU part"]
        .into_iter()
        .find_map(|name| field(cpuinfo, name))
        .map(str::to_owned)
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then_some(value.trim())
    })
}

/// File system and device of the mount point nearest above `dir`; of several on one place the last is the visible one.
fn disk_of(mounts: &str, dir: &Path) -> Option<String> {
    mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let (device, place, kind) = (words.next()?, words.next()?, words.next()?);
            dir.starts_with(place)
                .then(|| (place.len(), format!("{kind} ({device})")))
        })
        .max_by_key(|(length, _)| *length)
        .map(|(_, disk)| disk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_counts() {
        let mounts = "/dev/vda / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/vdb /tm xfs rw 0 0\n\
            /dev/vdc /tmp/x ext4 rw 0 0\n/dev/vdd /tmp/x btrfs rw 0 0\n";
        let disk = |dir| disk_of(mounts, Path::new(dir));
        assert_eq!(disk("/home/me").as_deref(), Some("ext4 (/dev/vda)"));
        assert_eq!(disk("/tmp/y").as_deref(), Some("tmpfs (tmpfs)"));
        assert_eq!(disk("/tmp/x/y").as_deref(), Some("btrfs (/dev/vdd)"));
        assert_eq!(disk_of("", Path::new("/")), None);
    }

    #[test]
    fn fields_of_the_kernel() {
        let cpu = "processor\t: 0\nmodel name\t: A CPU @ 2 GHz\n\nprocessor\t: 1\n";
        assert_eq!(cpu_model(cpu).as_deref(), Some("A CPU @ 2 GHz"));
        assert_eq!(cpu_model("processor : 0\n"), None);
        let status = "Name:\tx\nVmHWM:\t   5120 kB\nVmRSS:\t    4096 kB\n";
        assert_eq!(
            (kib(status, "VmRSS"), kib(status, "VmHWM")),
            (Some(4096), Some(5120))
        );
        assert_eq!(kib("VmRSS:\t none\n", "VmRSS"), None);
    }
}
