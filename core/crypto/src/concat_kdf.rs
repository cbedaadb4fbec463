//! The key derivation of JWE's direct key agreement: Concat KDF with SHA-256 (RFC 7518, section 4.6.2).
//!
//! For partners whose messages are JWE with `ECDH-ES`; the shared secret comes from
//! [`p256_key`](crate::p256_key).

use ring::digest;
use softpos_types::SecretBytes;

use crate::scrub::scrubbed;

/// What both sides know of the agreement. Lengths go in as 32 bits in front of each member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement<'a> {
    /// The name of the content encryption (`enc`), as `A256GCM`.
    pub algorithm: &'a str,
    /// Who produced it (`apu`, decoded), possibly nothing.
    pub producer: &'a [u8],
    /// Who receives it (`apv`, decoded), possibly nothing.
    pub recipient: &'a [u8],
}

/// More than 255 blocks of SHA-256, no whole bytes, or a member longer than 32 bits can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgreementError;

/// A key of so many bits from the shared secret: SHA-256 over counter (4), secret, algorithm, producer, recipient,
/// bits (4), once for every 256 bits.
///
/// # Errors
/// [`AgreementError`], see there.
pub fn concat_kdf(secret: &[u8], agreed: Agreement<'_>, bits: u32) -> Result<SecretBytes, AgreementError> {
    let length = usize::try_from(bits / 8).map_err(|_| AgreementError)?;
    if bits == 0 || !bits.is_multiple_of(8) || length > 255 * 32 {
        return Err(AgreementError);
    }
    let members = [agreed.algorithm.as_bytes(), agreed.producer, agreed.recipient];
    let lengths = members.map(|member| u32::try_from(member.len()));
    scrubbed(|| {
        let mut key = alloc::vec::Vec::with_capacity(length.next_multiple_of(32));
        for counter in (1_u32..).take(length.div_ceil(32)) {
            let mut hash = digest::Context::new(&digest::SHA256);
            hash.update(&counter.to_be_bytes());
            hash.update(secret);
            for (member, length) in members.iter().zip(lengths) {
                hash.update(&length.map_err(|_| AgreementError)?.to_be_bytes());
                hash.update(member);
            }
            hash.update(&bits.to_be_bytes());
            key.extend_from_slice(hash.finish().as_ref());
        }
        // Shorter within the same buffer: no copy, and the tail is wiped with it.
        key.truncate(length);
        Ok(SecretBytes::new(key))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7518, Appendix C.
    #[test]
    fn known_answer() {
        let secret = hex::decode("9E56D91D817135D372834283BF84269CFB316EA3DA806A48F6DAA7798CFE90C4").unwrap();
        let agreed = Agreement {
            algorithm: "A128GCM",
            producer: b"Alice",
            recipient: b"Bob",
        };
        let key = concat_kdf(&secret, agreed, 128).unwrap();
        assert!(key.ct_eq(&hex::decode("56AA8DEAF8236D205C2228CD71A7101A").unwrap()));
        // The length is part of what is hashed: a longer key does not begin with a shorter one.
        let longer = concat_kdf(&secret, agreed, 512).unwrap();
        assert_eq!(longer.len(), 64);
        assert_ne!(&longer.expose()[..16], key.expose());
        for bits in [0, 7, 129, 255 * 256 + 8] {
            assert_eq!(concat_kdf(&secret, agreed, bits).unwrap_err(), AgreementError);
        }
    }
}
