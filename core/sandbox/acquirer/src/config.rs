//! What the host is started with.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use crate::faults::FaultSpec;

/// Takes one line of the host's log: never card data, keys or codes.
pub type LogSink = Arc<dyn Fn(&str) + Send + Sync>;

/// Settings of a host.
#[derive(Clone)]
pub struct HostConfig {
    /// Its data folder; made if it is missing.
    pub dir: PathBuf,
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Faults from the start.
    pub faults: FaultSpec,
    /// The times it gives its terminals.
    pub timers: TimerProfile,
    /// How long what it gives out holds.
    pub lifetimes: Lifetimes,
    /// Where its log goes.
    pub log: Option<LogSink>,
}

/// The times in the parameters of the host's terminals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimerProfile {
    /// As a real acquirer sets them: a minute for an answer.
    Live,
    /// Fractions of it, for demonstrations and tests.
    #[default]
    Sandbox,
}

/// How long what the host gives out holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// An activation code can be redeemed.
    pub activation_code_ms: u64,
    /// A verdict of the attestation allows card payments while the host can be reached ...
    pub verdict_ms: u64,
    /// ... and so long while it cannot.
    pub verdict_offline_hours: u32,
    /// A shown code can be paid.
    pub shown_code_ms: u64,
}

const MINUTE_MS: u64 = 60_000;

/// A day, a quarter of an hour, a day, two minutes.
impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            activation_code_ms: 24 * 60 * MINUTE_MS,
            verdict_ms: 15 * MINUTE_MS,
            verdict_offline_hours: 24,
            shown_code_ms: 2 * MINUTE_MS,
        }
    }
}

impl HostConfig {
    /// A host in this folder, on a free local port, without faults, with short times.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            faults: FaultSpec::default(),
            timers: TimerProfile::default(),
            lifetimes: Lifetimes::default(),
            log: None,
        }
    }
}

impl fmt::Debug for HostConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostConfig")
            .field("dir", &self.dir)
            .field("listen", &self.listen)
            .field("faults", &self.faults)
            .field("timers", &self.timers)
            .field("lifetimes", &self.lifetimes)
            .finish_non_exhaustive()
    }
}
