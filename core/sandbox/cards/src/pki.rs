//! The sandbox's certificates and signatures over them (EMV Book 2: RSA, SHA-1).
//!
//! Each scheme has a certification authority of its own, one issuer and one card key. The layouts are those that
//! readers recover: header 6A, format, fields, the left part of a key, hash, trailer BC.

use std::sync::OnceLock;

use ring::digest;

use crate::account::Account;
use crate::rsa::{Role, RsaKey};
use crate::scheme::CardScheme;

/// 8F: the index of every authority key of the sandbox.
const AUTHORITY_INDEX: u8 = 0xE1;
/// Month and year of the last day of every certificate, BCD MMYY.
const EXPIRES_MMYY: [u8; 2] = [0x12, 0x49];
const HEADER: u8 = 0x6A;
const TRAILER: u8 = 0xBC;
const SHA_1: u8 = 0x01;
const RSA: u8 = 0x01;

/// A certification authority's public key, for a terminal's parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityKey {
    /// Registered provider.
    pub rid: [u8; 5],
    /// 8F, certification authority public key index.
    pub index: u8,
    /// Modulus.
    pub modulus: Vec<u8>,
    /// Public exponent: 03 or 010001.
    pub exponent: Vec<u8>,
    /// SHA-1 over provider, index, modulus and exponent.
    pub checksum: [u8; 20],
}

/// The public keys of the sandbox's certification authorities, one a scheme.
pub fn authority_keys() -> Vec<AuthorityKey> {
    CardScheme::ALL
        .into_iter()
        .map(|scheme| {
            let key = RsaKey::of(scheme, Role::Authority);
            let rid = scheme.rid();
            AuthorityKey {
                rid,
                index: AUTHORITY_INDEX,
                modulus: key.modulus.clone(),
                exponent: key.exponent.clone(),
                checksum: sha1(&[&rid, &[AUTHORITY_INDEX], &key.modulus, &key.exponent]),
            }
        })
        .collect()
}

/// A certificate and the part of its key that did not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    pub(crate) bytes: Vec<u8>,
    /// Absent when the whole key is inside.
    pub(crate) remainder: Option<Vec<u8>>,
}

/// What a card holds of keys: the issuer's certificate and its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CardCertificates {
    pub(crate) authority_index: u8,
    pub(crate) issuer: Certificate,
    pub(crate) issuer_exponent: Vec<u8>,
    pub(crate) card: Certificate,
    pub(crate) card_exponent: Vec<u8>,
}

/// Signs a card's key together with the static data that the reader will see.
pub(crate) fn certify(account: &Account, static_data: &[u8]) -> CardCertificates {
    let scheme = account.scheme;
    let (issuer, card) = (RsaKey::of(scheme, Role::Issuer), RsaKey::of(scheme, Role::Card));
    let subject: Vec<u8> = [&padded_digits(account.pan_digits, 10)[..], &EXPIRES_MMYY].concat();
    CardCertificates {
        authority_index: AUTHORITY_INDEX,
        issuer: issuer_certificate(scheme).clone(),
        issuer_exponent: issuer.exponent.clone(),
        card: certificate(issuer, 0x04, &subject, card, static_data),
        card_exponent: card.exponent.clone(),
    }
}

/// Signed dynamic application data (9F4B): the card's dynamic data inside, the reader's under the hash.
pub(crate) fn sign_dynamic(scheme: CardScheme, dynamic: &[u8], reader: &[&[u8]]) -> Vec<u8> {
    let key = RsaKey::of(scheme, Role::Card);
    let length = u8::try_from(dynamic.len()).unwrap_or_default();
    let mut inside = vec![0x05, SHA_1, length];
    inside.extend_from_slice(dynamic);
    // Header, hash and trailer take 22 bytes.
    inside.resize(key.modulus.len().saturating_sub(22), 0xBB);
    let hash = sha1(&[&[&inside[..]], reader].concat());
    key.sign(&framed(&inside, hash))
}

/// The issuer's certificate is the same for all its cards.
fn issuer_certificate(scheme: CardScheme) -> &'static Certificate {
    static MADE: OnceLock<Vec<(CardScheme, Certificate)>> = OnceLock::new();
    static NONE: Certificate = Certificate {
        bytes: Vec::new(),
        remainder: None,
    };
    MADE.get_or_init(|| {
        CardScheme::ALL
            .map(|scheme| (scheme, certify_issuer(scheme)))
            .into()
    })
    .iter()
    .find_map(|(of, made)| (*of == scheme).then_some(made))
    .unwrap_or(&NONE)
}

fn certify_issuer(scheme: CardScheme) -> Certificate {
    let authority = RsaKey::of(scheme, Role::Authority);
    let issuer = RsaKey::of(scheme, Role::Issuer);
    let prefix = padded_digits(scheme.issuer_prefix(), 4);
    let subject: Vec<u8> = [&prefix[..], &EXPIRES_MMYY].concat();
    certificate(authority, 0x02, &subject, issuer, &[])
}

/// Layout: format, subject and expiry, serial number, algorithms, lengths, key with padding; hash over that, the
/// rest of the key, its exponent and the static data.
fn certificate(signer: &RsaKey, format: u8, subject: &[u8], key: &RsaKey, static_data: &[u8]) -> Certificate {
    let serial = [0x00, 0x00, key.exponent.len().to_le_bytes()[0]];
    let lengths = [key.modulus.len(), key.exponent.len()].map(|length| length.to_le_bytes()[0]);
    let mut inside = vec![format];
    inside.extend_from_slice(subject);
    inside.extend_from_slice(&serial);
    inside.extend([SHA_1, RSA]);
    inside.extend(lengths);
    let room = signer
        .modulus
        .len()
        .saturating_sub(22)
        .saturating_sub(inside.len());
    let (left, rest) = key.modulus.split_at(room.min(key.modulus.len()));
    inside.extend_from_slice(left);
    inside.resize(signer.modulus.len().saturating_sub(22), 0xBB);
    let hash = sha1(&[&inside, rest, &key.exponent, static_data]);
    Certificate {
        bytes: signer.sign(&framed(&inside, hash)),
        remainder: (!rest.is_empty()).then(|| rest.to_vec()),
    }
}

fn framed(inside: &[u8], hash: [u8; 20]) -> Vec<u8> {
    [&[HEADER][..], inside, &hash, &[TRAILER]].concat()
}

/// Digits two a byte, filled up with F on the right.
pub(crate) fn padded_digits(digits: &str, length: usize) -> Vec<u8> {
    let nibbles = digits.bytes().map(|digit| digit.wrapping_sub(b'0') & 0x0F);
    let mut nibbles: Vec<u8> = nibbles.collect();
    nibbles.resize(length.saturating_mul(2), 0x0F);
    let pairs = nibbles.as_chunks::<2>().0;
    pairs.iter().map(|[high, low]| (high << 4) | low).collect()
}

pub(crate) fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    for part in parts {
        context.update(part);
    }
    context.finish().as_ref().try_into().unwrap_or_default()
}
