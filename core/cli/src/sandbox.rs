//! The reference host inside this program, for the till that needs nothing else.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use softpos_acquirer::{FaultSpec, Host, HostConfig, HostError, LedgerRow};
use tokio::runtime::Runtime;

use crate::data_dir::unreadable;
use crate::failure::Failure;

/// A running host. Its port is kept beside its books, so that its address stays the same if it can.
pub(crate) struct SandboxHost<'r> {
    runtime: &'r Runtime,
    host: Host,
}

impl<'r> SandboxHost<'r> {
    /// Starts the host of a folder on its port; at the first start on a free one.
    pub(crate) fn start(runtime: &'r Runtime, dir: &Path) -> Result<Self, Failure> {
        let port_file = dir.join("port");
        let port = read_port(&port_file);
        let listen = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let start = |port| {
            runtime.block_on(Host::start(HostConfig {
                listen: listen(port),
                ..HostConfig::new(dir)
            }))
        };
        let host = match start(port.unwrap_or(0)) {
            // Somebody else has the port; the till is told where its host is now.
            Err(HostError::Io(error)) if error.kind() == ErrorKind::AddrInUse => start(0)?,
            started => started?,
        };
        let started = Self { runtime, host };
        if port.is_none() {
            write_port(&port_file, &started.host.url())?;
        }
        Ok(started)
    }

    /// A fresh activation code, as the text of its QR code.
    pub(crate) fn activation_uri(&self) -> Result<String, Failure> {
        let code = self.runtime.block_on(self.host.issue_activation_code())?;
        Ok(self.host.activation_uri(&code))
    }

    pub(crate) fn url(&self) -> String {
        self.host.url()
    }

    pub(crate) fn set_faults(&self, spec: FaultSpec) {
        self.host.set_faults(spec);
    }

    pub(crate) fn ledger(&self) -> Result<Vec<LedgerRow>, Failure> {
        Ok(self.runtime.block_on(self.host.ledger())?)
    }

    pub(crate) fn shutdown(self) {
        self.runtime.block_on(self.host.shutdown());
    }
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
