//! P-256: public keys as points and SPKI, verification, and a key held in software.

use alloc::string::String;
use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::SecretKey;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::ecdsa::{Signature, SigningKey};
use ring::digest::{SHA256, digest};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use softpos_types::SecretArray;

use crate::entropy::Entropy;
use crate::scrub::scrubbed;

/// The DER of a `SubjectPublicKeyInfo` with id-ecPublicKey and the named curve P-256, up to the point (RFC 5480).
const SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86,
    0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A point of P-256 that is on the curve and not at infinity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    point: [u8; 65],
}

/// The bytes are no public key on P-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKeyError;

/// The bytes are no signature, or it is not the message's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureError;

impl PublicKey {
    /// Reads a SEC 1 point, plain (65 bytes) or compressed (33).
    ///
    /// # Errors
    /// [`PublicKeyError`] if it is neither, off the curve, or at infinity.
    pub fn from_point(point: &[u8]) -> Result<Self, PublicKeyError> {
        if !matches!((point.first(), point.len()), (Some(4), 65) | (Some(2 | 3), 33)) {
            return Err(PublicKeyError);
        }
        p256::PublicKey::from_sec1_bytes(point)
            .map(|key| Self::of(&key))
            .map_err(|_| PublicKeyError)
    }

    /// The point with this x coordinate and the lower of its two y coordinates: how certificates of EMV cards name
    /// a key (Contactless Book E, as Digrol/Denom has it).
    ///
    /// # Errors
    /// [`PublicKeyError`] if no point has this x coordinate.
    pub fn from_x(x: &[u8; 32]) -> Result<Self, PublicKeyError> {
        let at = |parity: u8| {
            let mut compressed = [parity; 33];
            let (_, coordinate) = compressed.split_at_mut(1);
            coordinate.copy_from_slice(x);
            Self::from_point(&compressed)
        };
        let (even, odd) = (at(2)?, at(3)?);
        Ok(if even.y() < odd.y() { even } else { odd })
    }

    /// Reads a `SubjectPublicKeyInfo` in DER: named curve, plain point, 91 bytes. There is no other spelling.
    ///
    /// # Errors
    /// [`PublicKeyError`] for anything else.
    pub fn from_spki(der: &[u8]) -> Result<Self, PublicKeyError> {
        let point = der.strip_prefix(SPKI_PREFIX.as_slice()).ok_or(PublicKeyError)?;
        if point.len() == 65 {
            Self::from_point(point)
        } else {
            Err(PublicKeyError)
        }
    }

    /// The plain SEC 1 point.
    pub const fn point(&self) -> &[u8; 65] {
        &self.point
    }

    /// The x coordinate.
    pub fn x(&self) -> [u8; 32] {
        self.coordinate(1)
    }

    /// The y coordinate.
    pub fn y(&self) -> [u8; 32] {
        self.coordinate(33)
    }

    fn coordinate(&self, from: usize) -> [u8; 32] {
        let mut coordinate = [0; 32];
        let bytes = self.point.iter().skip(from);
        coordinate
            .iter_mut()
            .zip(bytes)
            .for_each(|(to, byte)| *to = *byte);
        coordinate
    }

    /// The `SubjectPublicKeyInfo` in DER.
    pub fn spki(&self) -> [u8; 91] {
        let mut der = [0; 91];
        let (prefix, point) = der.split_at_mut(SPKI_PREFIX.len());
        prefix.copy_from_slice(&SPKI_PREFIX);
        point.copy_from_slice(&self.point);
        der
    }

    /// SHA-256 of the `SubjectPublicKeyInfo`: what pins and key ids are made of.
    pub fn spki_sha256(&self) -> [u8; 32] {
        sha256(&self.spki())
    }

    /// The key id: the SPKI hash in base64url, 43 characters.
    pub fn kid(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.spki_sha256())
    }

    /// Checks an ECDSA signature (r, s) over the SHA-256 of a message.
    ///
    /// # Errors
    /// [`SignatureError`] if it is not this key's.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), SignatureError> {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.point)
            .verify(message, signature)
            .map_err(|_| SignatureError)
    }

    fn of(key: &p256::PublicKey) -> Self {
        let mut point = [0; 65];
        point.copy_from_slice(&key.to_sec1_bytes());
        Self { point }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.kid())
    }
}

/// A P-256 private key in memory: the sandbox's own keys, ephemeral keys, and the stand-in for secure hardware.
pub struct SoftwareKey {
    scalar: SecretArray<32>,
    public: PublicKey,
}

/// The bytes are no private key: zero, or not below the group order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrivateKeyError;

impl SoftwareKey {
    /// Draws a new key.
    pub fn generate(entropy: &mut Entropy) -> Self {
        // One draw in 2^32 is not below the group order.
        loop {
            if let Ok(key) = Self::from_scalar(entropy.secret()) {
                return key;
            }
        }
    }

    /// Takes a key that was drawn before.
    ///
    /// # Errors
    /// [`PrivateKeyError`] if the scalar is out of range.
    pub fn from_scalar(scalar: SecretArray<32>) -> Result<Self, PrivateKeyError> {
        let public = scrubbed(|| secret_key(&scalar).map(|key| PublicKey::of(&key.public_key())))?;
        Ok(Self { scalar, public })
    }

    /// Its public half.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The scalar, to be kept sealed.
    pub const fn expose_scalar(&self) -> &SecretArray<32> {
        &self.scalar
    }

    /// Signs a SHA-256 digest: ECDSA (r, s) with the nonce of RFC 6979.
    ///
    /// # Errors
    /// [`SignatureError`] in the case, never seen, that r or s would be zero.
    pub fn sign_digest(&self, digest: &[u8; 32]) -> Result<[u8; 64], SignatureError> {
        scrubbed(|| {
            let key = SigningKey::from_slice(self.scalar.expose()).map_err(|_| SignatureError)?;
            let signature: Signature = key.sign_prehash(digest).map_err(|_| SignatureError)?;
            Ok(signature.to_bytes().into())
        })
    }

    /// The x coordinate of the Diffie-Hellman point with a peer.
    ///
    /// # Errors
    /// [`PublicKeyError`] never comes for a [`PublicKey`]: it was checked when it was made.
    pub fn agree(&self, peer: &PublicKey) -> Result<SecretArray<32>, PublicKeyError> {
        multiplied(&self.scalar, peer)
    }
}

/// The x coordinate of a point multiplied by a secret number.
pub(crate) fn multiplied(
    scalar: &SecretArray<32>,
    point: &PublicKey,
) -> Result<SecretArray<32>, PublicKeyError> {
    scrubbed(|| {
        let point = p256::PublicKey::from_sec1_bytes(&point.point).map_err(|_| PublicKeyError)?;
        let key = secret_key(scalar).map_err(|_| PublicKeyError)?;
        let shared = key.diffie_hellman(&point);
        Ok(SecretArray::build(|x| {
            x.copy_from_slice(shared.raw_secret_bytes());
        }))
    })
}

impl fmt::Debug for SoftwareKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SoftwareKey({})", self.public.kid())
    }
}

/// The 64 bytes r, s of a signature in DER, as phones' hardware gives them.
///
/// # Errors
/// [`SignatureError`] if it is not the strict DER of two numbers in range.
pub fn signature_from_der(der: &[u8]) -> Result<[u8; 64], SignatureError> {
    Signature::from_der(der)
        .map(|signature| signature.to_bytes().into())
        .map_err(|_| SignatureError)
}

/// SHA-256 of a message: what a device key signs.
pub fn sha256(message: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, message).as_ref());
    hash
}

fn secret_key(scalar: &SecretArray<32>) -> Result<SecretKey, PrivateKeyError> {
    SecretKey::from_slice(scalar.expose()).map_err(|_| PrivateKeyError)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        hex::decode(text).unwrap()
    }

    fn software(text: &str) -> SoftwareKey {
        SoftwareKey::from_scalar(SecretArray::build(|s| hex::decode_to_slice(text, s).unwrap())).unwrap()
    }

    /// RFC 6979, A.2.5: P-256, SHA-256, message "sample".
    const PRIVATE: &str = "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721";
    const SIGNATURE: &str = "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716\
                             F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8";

    #[test]
    fn signs_as_rfc_6979_and_verifies() {
        let key = software(PRIVATE);
        let signature = key.sign_digest(&sha256(b"sample")).unwrap();
        assert_eq!(signature.as_slice(), bytes(SIGNATURE));
        assert_eq!(key.public().verify(b"sample", &signature), Ok(()));
        assert_eq!(key.public().verify(b"Sample", &signature), Err(SignatureError));
        assert_eq!(key.public().verify(b"sample", &[0; 64]), Err(SignatureError));
    }

    #[test]
    fn der_signatures() {
        let plain = bytes(SIGNATURE);
        let mut der = bytes("3046022100");
        der.extend(&plain[..32]);
        der.extend(bytes("022100"));
        der.extend(&plain[32..]);
        assert_eq!(signature_from_der(&der).unwrap().as_slice(), plain);
        let mut trailing = der.clone();
        trailing.push(0);
        for bad in [&trailing[..], &der[..70], &[], &bytes("3006020100020101"), &plain] {
            assert_eq!(signature_from_der(bad), Err(SignatureError), "{bad:02X?}");
        }
    }

    /// Wycheproof, `ecdh_secp256r1_test`, tests 1, 337 (off the curve), 389 (compressed, no point), and an SPKI of
    /// another curve.
    #[test]
    fn agreement_and_bad_points() {
        let key = software("0612465C89A023AB17855B0A6BCEBFD3FEBB53AEF84138647B5352E02C10C346");
        let peer = PublicKey::from_point(&bytes(
            "0462D5BD3372AF75FE85A040715D0F502428E07046868B0BFDFA61D731AFE44F26\
             AC333A93A9E70A81CD5A95B5BF8D13990EB741C8C38872B4A07D275A014E30CF",
        ))
        .unwrap();
        let shared = key.agree(&peer).unwrap();
        assert_eq!(
            shared.expose().as_slice(),
            bytes("53020D908B0219328B658B525F26780E3AE12BCD952BB25A93BC0895E1714285")
        );
        let mut off_curve = [0; 65];
        (off_curve[0], off_curve[64]) = (4, 1);
        let mut hybrid = *peer.point();
        hybrid[0] = 6;
        for bad in [&off_curve[..], &[0], &[], &hybrid, &peer.point()[..64], &[2; 32]] {
            assert_eq!(PublicKey::from_point(bad), Err(PublicKeyError));
        }
        for bad in [0x00, 0xFF] {
            let scalar = SecretArray::build(|scalar| scalar.fill(bad));
            assert_eq!(SoftwareKey::from_scalar(scalar).unwrap_err(), PrivateKeyError);
        }
    }

    /// EMV Contactless Book E, worked example 3: the authority's key, given there by both coordinates.
    #[test]
    fn a_key_by_its_x_coordinate_has_the_lower_y() {
        let x: [u8; 32] = bytes("F60DAECD42B48FCCA547D942204D6098F1A353A5CD25CBDF2EC1ABFD0170E0FC")
            .try_into()
            .unwrap();
        let key = PublicKey::from_x(&x).unwrap();
        assert_eq!(key.x(), x);
        assert_eq!(
            key.y().as_slice(),
            bytes("6FD75EAAB356BE98BAA8E99A6FCE303F0C952BC02B4F566F096DD6EFF20C8FE8")
        );
        assert_eq!(
            PublicKey::from_x(&[0xFF; 32]),
            Err(PublicKeyError),
            "beyond the field"
        );
    }

    #[test]
    fn spki_has_one_spelling() {
        let key = *software(PRIVATE).public();
        let der = key.spki();
        assert_eq!(PublicKey::from_spki(&der), Ok(key));
        assert_eq!(key.kid().len(), 43);
        let compressed = [2 | key.point[64] & 1]
            .into_iter()
            .chain(key.point[1..33].iter().copied());
        assert_eq!(PublicKey::from_point(&compressed.collect::<Vec<_>>()), Ok(key));
        let mut other_curve = der;
        other_curve[22] = 0x06;
        let mut longer = der.to_vec();
        longer.push(0);
        for bad in [&other_curve[..], &longer, &der[..90], &der[1..], &[]] {
            assert_eq!(PublicKey::from_spki(bad), Err(PublicKeyError));
        }
    }

    #[test]
    fn generated_keys_differ() {
        let mut entropy = Entropy::from_seed(SecretArray::build(|seed| seed.fill(3)));
        let (a, b) = (
            SoftwareKey::generate(&mut entropy),
            SoftwareKey::generate(&mut entropy),
        );
        assert_ne!(a.public(), b.public());
        assert!(a.agree(b.public()).unwrap().ct_eq(&b.agree(a.public()).unwrap()));
    }
}
