//! The host for a program without a runtime of its own.

use tokio::runtime::Runtime;

use crate::{FaultSpec, Host, HostConfig, HostError, LedgerRow};

/// A running host that brings its own runtime: every call waits. Not for use inside another runtime.
pub struct LocalHost {
    host: Host,
    // Behind the host: a server's tasks end before their runtime does.
    runtime: Runtime,
}

impl LocalHost {
    /// As [`Host::start`].
    ///
    /// # Errors
    /// As [`Host::start`].
    pub fn start(config: HostConfig) -> Result<Self, HostError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("sandbox-host")
            .enable_io()
            .enable_time()
            .build()?;
        let host = runtime.block_on(Host::start(config))?;
        Ok(Self { host, runtime })
    }

    /// Where it answers: `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.host.url()
    }

    /// A new terminal number, as the text of an activation code.
    ///
    /// # Errors
    /// As [`Host::issue_activation_code`].
    pub fn activation_uri(&self) -> Result<String, HostError> {
        let code = self.runtime.block_on(self.host.issue_activation_code())?;
        Ok(self.host.activation_uri(&code))
    }

    /// As [`Host::set_faults`].
    pub fn set_faults(&self, spec: FaultSpec) {
        self.host.set_faults(spec);
    }

    /// As [`Host::ledger`].
    ///
    /// # Errors
    /// As [`Host::ledger`].
    pub fn ledger(&self) -> Result<Vec<LedgerRow>, HostError> {
        self.runtime.block_on(self.host.ledger())
    }

    /// What all payments did to the merchant's account, in minor units.
    ///
    /// # Errors
    /// As [`Host::ledger`].
    pub fn booked_minor(&self) -> Result<i64, HostError> {
        let rows = self.ledger()?;
        Ok(rows
            .iter()
            .fold(0, |sum, row| i64::saturating_add(sum, row.booked_minor)))
    }

    /// How often a payment is in the books: 0 or 1, or the books are wrong.
    ///
    /// # Errors
    /// As [`Host::ledger`].
    pub fn times_booked(&self, key: &str) -> Result<u32, HostError> {
        let rows = self.ledger()?;
        let booked = rows
            .iter()
            .filter(|row| row.key.to_string() == key && row.booked_minor != 0);
        Ok(u32::try_from(booked.count()).unwrap_or(u32::MAX))
    }

    /// As [`Host::shutdown`].
    pub fn shutdown(self) {
        self.runtime.block_on(self.host.shutdown());
    }
}
