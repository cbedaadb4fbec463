//! The sandbox host's own routes, for demos and training: customers who pay codes, faults of the network.

use std::sync::PoisonError;

use softpos_types::{Code, SoftPosError};

use crate::terminal::Terminal;

/// Long enough for a host on the same machine.
const TIMEOUT_MS: u64 = 10_000;

/// What the sandbox host answered; unsigned, for people to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxAnswer {
    /// HTTP status.
    pub status: u16,
    /// JSON.
    pub body: String,
}

impl SandboxAnswer {
    /// What the host says if it did what was asked.
    ///
    /// # Errors
    /// [`Code::HostRefused`], with what it says.
    pub fn accepted(self) -> Result<String, SoftPosError> {
        if self.status == 200 {
            Ok(self.body)
        } else {
            Err(SoftPosError::of(Code::HostRefused).with_detail(self.body))
        }
    }
}

impl Terminal {
    /// A simulated customer scans a shown code and pays it with this wallet.
    ///
    /// # Errors
    /// `HostUnreachable` or `ResultUnknown` when the sandbox host does not answer.
    pub fn sandbox_pay_code(&self, payload: &str, wallet: &str) -> Result<SandboxAnswer, SoftPosError> {
        self.sandbox_post(
            "/sandbox/v1/wallet/pay",
            &serde_json::json!({ "payload": payload, "wallet": wallet }),
        )
    }

    /// Switches the sandbox host's faults; its answer says what is wrong with a specification.
    ///
    /// # Errors
    /// As [`Terminal::sandbox_pay_code`].
    pub fn sandbox_faults(&self, spec: &str) -> Result<SandboxAnswer, SoftPosError> {
        self.sandbox_post("/sandbox/v1/faults", &serde_json::json!({ "spec": spec }))
    }

    fn sandbox_post(&self, path: &str, body: &serde_json::Value) -> Result<SandboxAnswer, SoftPosError> {
        let session = self.session();
        let link = session
            .link
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let link = link.ok_or_else(|| SoftPosError::of(Code::NotActivated))?;
        let answer = session
            .runtime
            .block_on(link.post_unsigned(path, body.to_string().into_bytes(), TIMEOUT_MS))
            .map_err(SoftPosError::from)?;
        Ok(SandboxAnswer {
            status: answer.status,
            body: String::from_utf8_lossy(&answer.body).into_owned(),
        })
    }
}
