//! The host as a library: start it, ask it for activation codes, change its faults, read its books.

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use ring::rand::{SecureRandom as _, SystemRandom};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use softpos_crypto::entropy::Entropy;
use softpos_types::SecretArray;
use tokio::task::JoinHandle;

use crate::activation::issue_code;
use crate::activation_code::ActivationCode;
use crate::call::DeviceKeys;
use crate::connections::{Connections, Gate};
use crate::database::{Database, open_to_read};
use crate::faults::{FaultPlan, FaultSpec};
use crate::keys::HostKeys;
use crate::ledger::{LedgerRow, rows};
use crate::postings::imbalance_minor;
use crate::server::{PATIENCE, Shared, router};
use crate::wallets::hasty_calls;
use crate::{HostConfig, HostError};

/// A running host. Dropping it stops the server at once; [`Host::shutdown`] also closes the books in order.
pub struct Host {
    shared: Arc<Shared>,
    address: SocketAddr,
    handle: Handle<SocketAddr>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Host {
    /// Opens or makes the folder and serves in a task of its own.
    ///
    /// # Errors
    /// [`HostError`] when the folder is in use, damaged or of a newer version, or the address is taken.
    pub async fn start(config: HostConfig) -> Result<Self, HostError> {
        let lock = Database::lock(&config.dir)?;
        let mut entropy = Entropy::from_seed(seed()?);
        let keys = HostKeys::open(
            &config.dir.join("keys"),
            !Database::exists(&config.dir),
            &mut entropy,
        )?;
        let tls = server_tls(&keys)?;
        let database = Database::open(&config.dir, lock).await?;
        let faults = Arc::new(FaultPlan::default());
        faults.set(config.faults);
        let connections = Connections::default();
        let gate = Gate {
            connections: connections.clone(),
            faults: Arc::clone(&faults),
        };
        let shared = Arc::new(Shared {
            device_keys: DeviceKeys::default(),
            keys,
            database,
            faults,
            connections,
            timers: config.timers,
            lifetimes: config.lifetimes,
            entropy: Mutex::new(entropy),
            log: config.log,
        });
        let listener = TcpListener::bind(config.listen)?;
        let address = listener.local_addr()?;
        let handle = Handle::new();
        let mut server = axum_server::from_tcp(listener)?
            .acceptor(RustlsAcceptor::new(tls).acceptor(gate))
            .handle(handle.clone())
            .first_request_timeout(PATIENCE);
        server.http_builder().http1().header_read_timeout(PATIENCE);
        let service = router(Arc::clone(&shared)).into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(server.serve(service));
        Ok(Self {
            shared,
            address,
            handle,
            server,
        })
    }

    /// Where it answers: `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The TLS pin: base64url of the SHA-256 of the certificate's `SubjectPublicKeyInfo`.
    pub fn pin(&self) -> String {
        self.shared.keys.pin.clone()
    }

    /// A new terminal number and the code to activate it: one use, for as long as [`crate::Lifetimes`] says.
    ///
    /// # Errors
    /// [`HostError::Database`] when it cannot be written down.
    pub async fn issue_activation_code(&self) -> Result<ActivationCode, HostError> {
        let code = self.shared.with_entropy(ActivationCode::draw);
        issue_code(&self.shared, &code).await?;
        Ok(code)
    }

    /// What an activation QR code says: `softpos:activate?v=1&host=..&pin=..&code=..`.
    pub fn activation_uri(&self, code: &ActivationCode) -> String {
        let host = percent_encoded(&self.url());
        format!(
            "softpos:activate?v=1&host={host}&pin={}&code={code}",
            self.shared.keys.pin
        )
    }

    /// Replaces all faults. Open connections are closed if new ones are to be refused.
    pub fn set_faults(&self, spec: FaultSpec) {
        set_faults(&self.shared, spec);
    }

    /// Every transaction in the books, oldest first.
    ///
    /// # Errors
    /// [`HostError::Database`] when they cannot be read.
    pub async fn ledger(&self) -> Result<Vec<LedgerRow>, HostError> {
        let mut work = self.shared.database.begin().await?;
        rows(&mut work).await
    }

    /// How often a wallet was asked, or told to take back, before its time: zero, if the tills know its rules.
    ///
    /// # Errors
    /// [`HostError::Database`] when the books cannot be read.
    pub async fn hasty_wallet_calls(&self) -> Result<i64, HostError> {
        let mut work = self.shared.database.begin().await?;
        Ok(hasty_calls(&mut work).await?)
    }

    /// How far the lines of the entries are from adding up to zero, entry by entry: zero, or the books are wrong.
    ///
    /// # Errors
    /// [`HostError::Database`] when they cannot be read.
    pub async fn imbalance_minor(&self) -> Result<i64, HostError> {
        let mut work = self.shared.database.begin().await?;
        imbalance_minor(&mut work).await
    }

    /// Stops: open connections are closed, then the books.
    pub async fn shutdown(self) {
        self.handle.shutdown();
        self.shared.connections.cut_all();
        self.shared.database.close().await;
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.handle.shutdown();
        self.shared.connections.cut_all();
        self.server.abort();
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// The books of the host in this folder, whether it runs or not.
///
/// # Errors
/// [`HostError`] when there are none or they cannot be read.
pub async fn read_ledger(dir: &Path) -> Result<Vec<LedgerRow>, HostError> {
    let pool = open_to_read(dir).await?;
    let mut work = pool.begin().await?;
    let rows = rows(&mut work).await;
    drop(work);
    pool.close().await;
    rows
}

pub(crate) fn set_faults(shared: &Shared, spec: FaultSpec) {
    let refuses = spec.refuses();
    shared.log(&format!("faults: {spec}"));
    shared.faults.set(spec);
    if refuses {
        shared.connections.cut_all();
    }
}

/// TLS 1.3 only, on ring.
fn server_tls(keys: &HostKeys) -> Result<RustlsConfig, HostError> {
    let wrong = |_| HostError::Damaged("keys/tls.key or keys/tls.crt");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = vec![CertificateDer::from(keys.tls_certificate.clone())];
    let key = PrivatePkcs8KeyDer::from(keys.tls_key.clone());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(wrong)?
        .with_no_client_auth()
        .with_single_cert(chain, key.into())
        .map_err(wrong)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(config)))
}

fn seed() -> Result<SecretArray<32>, HostError> {
    let mut drawn = Ok(());
    let seed = SecretArray::build(|seed| drawn = SystemRandom::new().fill(seed));
    drawn
        .map(|()| seed)
        .map_err(|_| std::io::Error::other("the system gives no randomness").into())
}

/// Percent-encoding of everything but the unreserved characters (RFC 3986, 2.3).
fn percent_encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes()
        .map(|byte| {
            if plain(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
