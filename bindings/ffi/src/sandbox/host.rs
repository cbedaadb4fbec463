//! The reference host in this process.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use softpos_acquirer::{HostConfig, LocalHost};
use softpos_types as types;
use softpos_types::Code;

use crate::error::SoftPosError;
use crate::guard;
use crate::terminal::Terminal;

/// The reference host, on a free local port, with its books in a folder. It runs until stop or its last reference.
#[derive(uniffi::Object)]
pub struct SandboxHost {
    host: Mutex<Option<LocalHost>>,
    url: String,
}

#[uniffi::export]
impl SandboxHost {
    /// Opens or makes the folder and serves. A port of 0 takes a free one.
    #[uniffi::constructor]
    pub fn start(dir: &str, port: u16) -> Result<Arc<Self>, SoftPosError> {
        guard::call(|| {
            let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let host = LocalHost::start(HostConfig {
                listen,
                ..HostConfig::new(dir)
            })?;
            Ok(Arc::new(Self {
                url: host.url(),
                host: Mutex::new(Some(host)),
            }))
        })
    }

    /// Where it answers: `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// A new terminal number, as the text of an activation code.
    pub fn activation_text(&self) -> Result<String, SoftPosError> {
        self.with(|host| Ok(host.activation_uri()?))
    }

    /// Switches faults, in the host's grammar, as `drop-after@transactions:next`; `off` ends them.
    pub fn set_faults(&self, spec: &str) -> Result<(), SoftPosError> {
        self.with(|host| {
            host.set_faults(spec.parse()?);
            Ok(())
        })
    }

    /// A simulated customer scans a shown code and pays it with this wallet, as `wechat`; the host's answer as JSON.
    pub fn pay_code(&self, till: &Terminal, payload: &str, wallet: &str) -> Result<String, SoftPosError> {
        self.with(|_| till.inner().sandbox_pay_code(payload, wallet)?.accepted())
    }

    /// What all payments did to the merchant's account, in minor units.
    pub fn booked_minor(&self) -> Result<i64, SoftPosError> {
        self.with(|host| Ok(host.booked_minor()?))
    }

    /// How often a payment is in the books: 0 or 1, or the books are wrong.
    pub fn times_booked(&self, key: &str) -> Result<u32, SoftPosError> {
        self.with(|host| Ok(host.times_booked(key)?))
    }

    /// Stops it and closes its books; once stopped it refuses every call.
    pub fn stop(&self) -> Result<(), SoftPosError> {
        guard::run(|| {
            let host = self.host.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(host) = host {
                host.shutdown();
            }
        })
    }
}

impl SandboxHost {
    fn with<T>(
        &self,
        action: impl FnOnce(&LocalHost) -> Result<T, types::SoftPosError>,
    ) -> Result<T, SoftPosError> {
        guard::call(|| {
            let host = self.host.lock().unwrap_or_else(PoisonError::into_inner);
            let host = host.as_ref();
            action(host.ok_or_else(|| types::SoftPosError::of(Code::SessionClosed))?)
        })
    }
}
