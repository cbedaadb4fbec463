//! The reference host inside this program, for the till that needs nothing else.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use softpos_acquirer::{HostConfig, HostError, LocalHost};

use crate::data_dir::unreadable;
use crate::failure::Failure;

/// Starts the host of a folder on its port; at the first start on a free one. The port is kept beside the books, so
/// that the address stays the same if it can.
pub(crate) fn start_host(dir: &Path) -> Result<LocalHost, Failure> {
    let port_file = dir.join("port");
    let port = read_port(&port_file);
    let listen = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let start = |port| {
        LocalHost::start(HostConfig {
            listen: listen(port),
            ..HostConfig::new(dir)
        })
    };
    let host = match start(port.unwrap_or(0)) {
        // Somebody else has the port; the till is told where its host is now.
        Err(HostError::Io(error)) if error.kind() == ErrorKind::AddrInUse => start(0)?,
        started => started?,
    };
    if port.is_none() {
        write_port(&port_file, &host.url())?;
    }
    Ok(host)
}

fn read_port(file: &Path) -> Option<u16> {
    fs::read_to_string(file)
        .ok()?
        .trim()
        .parse()
        .ok()
        .filter(|port| *port != 0)
}

fn write_port(file: &Path, url: &str) -> Result<(), Failure> {
    let port = url.rsplit(':').next().unwrap_or_default();
    fs::write(file, port).map_err(|error| Failure::Core(unreadable(file, &error)))
}
