//! The runtime of the till: network, clock, storage and the public Rust API.

#![forbid(unsafe_code)]

mod activation_uri;
mod clock;
mod hardware;
mod host_address;
mod key_file;
mod link;
mod log;
mod os_entropy;
mod pinning;
mod root;
mod software_hardware;

pub use activation_uri::ActivationUri;
pub use clock::Clock;
pub use hardware::{Evidence, PortError, SecureHardware};
pub use link::{Answer, Cause, HostLink, LinkFailure};
pub use log::{Log, LogField, LogLevel, LogLine, LogSink, LogValue};
pub use os_entropy::os_entropy;
pub use root::open_storage_root;
pub use software_hardware::SoftwareHardware;
