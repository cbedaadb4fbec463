//! Trust in the host's certificate: a pinned key instead of the world's authorities.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, PeerIncompatible, RootCertStore,
    SignatureScheme,
};
use softpos_crypto::p256_key::sha256;
use softpos_types::SoftPosError;

use crate::host_address::malformed;

/// Longer chains are refused before anything of them is hashed or verified.
const MAX_CHAIN: usize = 8;

/// SHA-256 of a certificate's `SubjectPublicKeyInfo`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pin([u8; 32]);

impl Pin {
    /// Reads base64url without padding, 43 characters.
    ///
    /// # Errors
    /// [`Code::ActivationMalformed`](softpos_types::Code::ActivationMalformed) for anything else.
    pub(crate) fn parse(text: &str) -> Result<Self, SoftPosError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| malformed("a pin is the base64url of a SHA-256: 43 characters"))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pin({})", URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// TLS 1.3 to a host that holds one of the pinned keys; HTTP/2 before HTTP/1.1.
///
/// # Errors
/// [`Error`] only if the provider did not offer TLS 1.3.
pub(crate) fn client_config(pins: Vec<Pin>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Pinned {
        pins,
        provider: Arc::clone(&provider),
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Whether the handshake failed because no presented certificate holds a pinned key.
pub(crate) fn is_pin_mismatch(error: &Error) -> bool {
    *error == PIN_MISMATCH
}

/// Webpki never gives this error, so it can stand for our own check.
const PIN_MISMATCH: Error = Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure);

/// The presented certificates with a pinned key become the only trust anchors; then webpki checks chain, name and
/// dates against them, and that the leaf is no authority.
///
/// Pin and chain are both needed: the pin alone would take any name, and an old certificate of the key.
#[derive(Debug)]
struct Pinned {
    pins: Vec<Pin>,
    provider: Arc<CryptoProvider>,
}

impl Pinned {
    fn anchors(&self, chain: &[&CertificateDer<'_>]) -> Result<RootCertStore, Error> {
        let mut anchors = RootCertStore::empty();
        for certificate in chain {
            if self.holds_pinned_key(certificate)? {
                anchors.add((*certificate).clone().into_owned())?;
            }
        }
        if anchors.is_empty() {
            Err(PIN_MISMATCH)
        } else {
            Ok(anchors)
        }
    }

    fn holds_pinned_key(&self, certificate: &CertificateDer<'_>) -> Result<bool, Error> {
        let spki = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
        Ok(self.pins.contains(&Pin(sha256(&spki))))
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if intermediates.len() >= MAX_CHAIN {
            return Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
        }
        let chain: Vec<_> = std::iter::once(end_entity).chain(intermediates).collect();
        let anchors = Arc::new(self.anchors(&chain)?);
        WebPkiServerVerifier::builder_with_provider(anchors, Arc::clone(&self.provider))
            .build()
            .map_err(|error| Error::General(error.to_string()))?
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    /// Never reached: only TLS 1.3 is offered.
    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::ServerDoesNotSupportTls12Or13.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests;
