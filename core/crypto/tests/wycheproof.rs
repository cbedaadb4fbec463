//! Project Wycheproof's sets through the wrappers that the product calls: what must hold holds, what must fail fails.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use softpos_crypto::p256_key::{PublicKey, SoftwareKey, signature_from_der};
use softpos_crypto::{AesKey, gcm, hkdf_sha256, mac};
use softpos_types::SecretArray;
use wycheproof::TestResult::{self, Acceptable, Invalid, Valid};
use wycheproof::{aead, ecdh, ecdsa, hkdf, mac as macs};

/// How many were judged: a set that shrinks to nothing must not pass.
#[derive(Default)]
struct Tally {
    valid: usize,
    invalid: usize,
}

impl Tally {
    /// `Acceptable` is free: both verdicts are right.
    fn judge(&mut self, expected: TestResult, accepted: bool, what: impl FnOnce() -> String) {
        match (expected, accepted) {
            (Valid, true) => self.valid += 1,
            (Invalid, false) => self.invalid += 1,
            (Acceptable, _) => {}
            (Valid, false) => panic!("{} was refused", what()),
            (Invalid, true) => panic!("{} was accepted", what()),
        }
    }

    fn at_least(&self, valid: usize, invalid: usize) {
        assert!(
            self.valid >= valid && self.invalid >= invalid,
            "{} valid, {} invalid",
            self.valid,
            self.invalid
        );
    }
}

#[test]
fn aes_gcm() {
    let mut tally = Tally::default();
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    for group in set.test_groups {
        for test in group.tests {
            // Another nonce than 12 bytes, or a shorter tag, cannot be said to the wrapper.
            let Ok(nonce) = <[u8; 12]>::try_from(test.nonce.as_slice()) else {
                continue;
            };
            let key = AesKey::from_bytes(&test.key).unwrap();
            let sealed = [test.ct.as_slice(), test.tag.as_slice()].concat();
            let opened = gcm::open(&key, nonce, &test.aad, &sealed);
            let accepted = opened.is_ok_and(|plain| plain.ct_eq(&test.pt));
            tally.judge(test.result, accepted, || format!("aes-gcm {}", test.tc_id));
            if test.result == Valid {
                assert_eq!(
                    gcm::seal(&key, nonce, &test.aad, &test.pt),
                    sealed,
                    "{}",
                    test.tc_id
                );
            }
        }
    }
    tally.at_least(100, 50);
}

#[test]
fn hmac_sha256() {
    let mut tally = Tally::default();
    let set = macs::TestSet::load(macs::TestName::HmacSha256).unwrap();
    for group in set.test_groups {
        for test in group.tests {
            // Truncated tags are compared as far as they go: the wrapper always gives the whole.
            let tag = mac::hmac_sha256(&test.key, &test.msg);
            let accepted = tag.get(..test.tag.len()) == Some(test.tag.as_slice());
            tally.judge(test.result, accepted, || format!("hmac {}", test.tc_id));
        }
    }
    tally.at_least(60, 60);
}

#[test]
fn aes_cmac() {
    let mut tally = Tally::default();
    let set = macs::TestSet::load(macs::TestName::AesCmac).unwrap();
    for group in set.test_groups {
        for test in group.tests {
            let accepted = AesKey::from_bytes(&test.key)
                .is_ok_and(|key| mac::verify_cmac(&key, &test.msg, &test.tag).is_ok());
            // Only whole tags can be verified.
            if test.tag.len() == 16 {
                tally.judge(test.result, accepted, || format!("cmac {}", test.tc_id));
            } else {
                assert!(!accepted);
            }
        }
    }
    tally.at_least(60, 60);
}

#[test]
fn hkdf() {
    let mut tally = Tally::default();
    let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap();
    for group in set.test_groups {
        for test in group.tests {
            let mut okm = vec![0; test.size];
            let derived = hkdf_sha256(&test.salt, &test.ikm, &test.info, &mut okm);
            let accepted = derived.is_ok() && okm == *test.okm;
            tally.judge(test.result, accepted, || format!("hkdf {}", test.tc_id));
        }
    }
    tally.at_least(60, 3);
}

/// A private key of any length as 32 bytes, if it fits.
fn scalar(private: &[u8]) -> SecretArray<32> {
    let significant = private
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(private.len());
    let digits = private.get(significant..).unwrap();
    SecretArray::build(|bytes| {
        let from = bytes.len().checked_sub(digits.len()).unwrap();
        bytes.get_mut(from..).unwrap().copy_from_slice(digits);
    })
}

fn agrees(test: &ecdh::Test, public: Option<PublicKey>) -> bool {
    let Some(public) = public else { return false };
    let key = SoftwareKey::from_scalar(scalar(&test.private_key)).unwrap();
    key.agree(&public)
        .is_ok_and(|shared| shared.expose()[..] == test.shared_secret[..])
}

#[test]
fn ecdh_p256_points() {
    let mut tally = Tally::default();
    let set = ecdh::TestSet::load(ecdh::TestName::EcdhSecp256r1Ecpoint).unwrap();
    for group in set.test_groups {
        for test in group.tests {
            let accepted = agrees(&test, PublicKey::from_point(&test.public_key).ok());
            tally.judge(test.result, accepted, || format!("ecdh point {}", test.tc_id));
        }
    }
    tally.at_least(200, 3);
}

#[test]
fn ecdh_p256_spki() {
    let mut tally = Tally::default();
    let set = ecdh::TestSet::load(ecdh::TestName::EcdhSecp256r1).unwrap();
    for group in set.test_groups {
        for test in group.tests {
            let accepted = agrees(&test, PublicKey::from_spki(&test.public_key).ok());
            tally.judge(test.result, accepted, || format!("ecdh spki {}", test.tc_id));
        }
    }
    tally.at_least(200, 20);
}

/// Signatures as phones' hardware gives them (DER), and as bodies carry them (r, s).
#[test]
fn ecdsa_p256() {
    for (name, der) in [
        (ecdsa::TestName::EcdsaSecp256r1Sha256, true),
        (ecdsa::TestName::EcdsaSecp256r1Sha256P1363, false),
    ] {
        let mut tally = Tally::default();
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            let key = PublicKey::from_spki(&group.der).unwrap();
            for test in group.tests {
                let signature = if der {
                    signature_from_der(&test.sig).ok()
                } else {
                    <[u8; 64]>::try_from(test.sig.as_slice()).ok()
                };
                let accepted = signature.is_some_and(|signature| key.verify(&test.msg, &signature).is_ok());
                tally.judge(test.result, accepted, || format!("ecdsa {name:?} {}", test.tc_id));
            }
        }
        tally.at_least(100, 50);
    }
}
