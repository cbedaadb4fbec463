//! The sandbox's certificates over P-256 keys (EMV Contactless Book E, as Digrol/Denom has their fields), for cards of
//! kernel 8: one authority, one issuer and one card key.

use std::sync::OnceLock;

use softpos_crypto::ec_sdsa::{Curve, sign};
use softpos_crypto::p256_key::{SoftwareKey, sha256};
use softpos_types::SecretArray;

use crate::account::Account;
use crate::pki::padded_digits;
use crate::scheme::CardScheme;

const KEYS: &str = include_str!("../testdata/p256-test-keys.txt");

/// 8F: the index of the authority's key.
const AUTHORITY_INDEX: u8 = 0xE8;
/// Last day of every certificate, BCD YYYYMMDD, and the last minute of a card's.
const EXPIRES: [u8; 4] = [0x20, 0x49, 0x12, 0x31];
const LAST_MINUTE: [u8; 2] = [0x23, 0x59];
/// EC-SDSA over P-256 with SHA-256.
const SUITE: u8 = 0x10;

/// A certification authority's public key on P-256, for a terminal's parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurveAuthorityKey {
    /// Registered provider.
    pub rid: [u8; 5],
    /// 8F, certification authority public key index.
    pub index: u8,
    /// The point's x coordinate.
    pub x: [u8; 32],
    /// The key's own signature over provider, index and coordinate.
    pub signature: Vec<u8>,
}

/// The public keys of the sandbox's certification authorities for kernel 8.
pub fn curve_authority_keys() -> Vec<CurveAuthorityKey> {
    let scheme = CardScheme::Mastercard;
    let (authority, rid) = (key(Role::Authority), scheme.rid());
    let x = authority.public().x();
    let about_itself = [&[0x20, 0x00][..], &rid, &[AUTHORITY_INDEX, SUITE], &x].concat();
    vec![CurveAuthorityKey {
        rid,
        index: AUTHORITY_INDEX,
        x,
        signature: signature(authority, &about_itself),
    }]
}

/// What a card holds of keys: the issuer's certificate (90) and its own (9F46).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CurveCertificates {
    pub(crate) authority_index: u8,
    pub(crate) issuer: Vec<u8>,
    pub(crate) card: Vec<u8>,
}

/// Signs a card's key together with the static data that the reader will see.
pub(crate) fn certify(account: &Account, static_data: &[u8]) -> CurveCertificates {
    let scheme = account.scheme;
    let mut issuer = vec![0x12, 0x00];
    issuer.extend(padded_digits(scheme.issuer_prefix(), 5));
    issuer.push(SUITE);
    issuer.extend(EXPIRES);
    issuer.extend([0x00, 0x00, 0x01]);
    issuer.extend(scheme.rid());
    issuer.push(AUTHORITY_INDEX);
    issuer.extend(key(Role::Issuer).public().x());
    let mut card = vec![0x14, 0x00, 0x00];
    card.extend(EXPIRES);
    card.extend(LAST_MINUTE);
    card.extend([0x00, 0x00, 0x00, 0x00, 0x00, 0x01]);
    card.extend([0x01, 0x02]);
    card.extend(sha256(static_data));
    card.extend(card_key().public().x());
    CurveCertificates {
        authority_index: AUTHORITY_INDEX,
        issuer: with_signature(key(Role::Authority), issuer),
        card: with_signature(key(Role::Issuer), card),
    }
}

/// The key of every card for kernel 8.
pub(crate) fn card_key() -> &'static SoftwareKey {
    key(Role::Card)
}

fn with_signature(signer: &SoftwareKey, mut certificate: Vec<u8>) -> Vec<u8> {
    let signature = signature(signer, &certificate);
    certificate.extend(signature);
    certificate
}

/// The number used once is drawn from key and message: the same message gets the same signature.
#[expect(
    clippy::expect_used,
    reason = "a hash is a number in range but for one in 2^32"
)]
fn signature(signer: &SoftwareKey, message: &[u8]) -> Vec<u8> {
    let private = signer.expose_scalar().expose();
    let nonce = sha256(&[&private[..], message].concat());
    sign(Curve::P256, private, &nonce, message).expect("a key of the table and a number in range")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Authority,
    Issuer,
    Card,
}

#[expect(clippy::expect_used, reason = "a test asks for every one of them")]
fn key(role: Role) -> &'static SoftwareKey {
    static TABLE: OnceLock<Vec<(Role, SoftwareKey)>> = OnceLock::new();
    TABLE
        .get_or_init(|| KEYS.lines().filter_map(parse).collect())
        .iter()
        .find_map(|(of, key)| (*of == role).then_some(key))
        .expect("a key of the table")
}

fn parse(line: &str) -> Option<(Role, SoftwareKey)> {
    let mut words = line.split(' ').skip(1);
    let role = match words.next()? {
        "ca" => Role::Authority,
        "issuer" => Role::Issuer,
        "card" => Role::Card,
        _ => return None,
    };
    let mut digits = words.next()?.bytes().map(|digit| char::from(digit).to_digit(16));
    let scalar = SecretArray::build(|scalar| {
        for byte in scalar {
            let mut digit = || digits.next().flatten().unwrap_or_default().to_le_bytes()[0];
            *byte = digit() << 4 | digit();
        }
    });
    Some((role, SoftwareKey::from_scalar(scalar).ok()?))
}

#[cfg(test)]
mod tests {
    use softpos_crypto::p256_key::PublicKey;

    use super::*;

    #[test]
    fn every_key_is_named_by_its_x_coordinate() {
        for role in [Role::Authority, Role::Issuer, Role::Card] {
            let public = key(role).public();
            assert_eq!(PublicKey::from_x(&public.x()).as_ref(), Ok(public));
        }
    }
}
