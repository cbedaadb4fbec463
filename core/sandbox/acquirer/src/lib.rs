//! The reference host: an acquirer of `softpos-host/1` with its own database, issuers and wallets.
//!
//! A real server over real TLS. It keeps no state of payments outside its database, decides each request in one
//! SQL transaction, and shows faults on demand. The `README.md` of this folder describes the sandbox's own
//! addresses; the protocol's contract is `openapi.yaml` of softpos-host.

#![forbid(unsafe_code)]
#![deny(clippy::arithmetic_side_effects)]

mod activation;
mod activation_code;
mod anchors;
mod call;
mod clock;
mod code_payments;
mod codes;
mod config;
mod connections;
mod database;
mod error;
mod faults;
mod host;
mod intake;
mod issuer;
mod key_load;
mod keys;
mod ledger;
mod local;
mod parameters;
mod postings;
mod reader_parameters;
mod reversals;
mod routes;
mod sandbox;
mod server;
mod settlement;
mod transactions;
mod wallets;

pub use activation_code::{ActivationCode, ActivationCodeError};
pub use config::{HostConfig, Lifetimes, LogSink, TimerProfile};
pub use error::HostError;
pub use faults::{FAULT_GRAMMAR, FaultKind, FaultRoute, FaultRule, FaultSpec, FaultSpecError, FaultWhen};
pub use host::{Host, read_ledger};
pub use ledger::LedgerRow;
pub use local::LocalHost;
pub use parameters::UTC_OFFSET_MIN;
pub use reader_parameters::reader_parameters;
