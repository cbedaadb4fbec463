//! RSA private operations with the sandbox's fixed test keys: nothing else in softpos has one.

use std::sync::OnceLock;

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, ConcatenatingMul, NonZero, Odd, Resize};

use crate::scheme::CardScheme;

const KEYS: &str = include_str!("../testdata/rsa-test-keys.txt");

/// Whose key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Signs issuers.
    Authority,
    /// Signs cards.
    Issuer,
    /// Signs payments.
    Card,
}

/// A key pair. All bytes are public.
pub(crate) struct RsaKey {
    scheme: CardScheme,
    role: Role,
    /// Public exponent: one byte, or three.
    pub(crate) exponent: Vec<u8>,
    /// Modulus.
    pub(crate) modulus: Vec<u8>,
    p: Prime,
    q: Prime,
    q_inverse: BoxedUint,
}

/// A prime with the exponent that belongs to it.
struct Prime {
    params: BoxedMontyParams,
    modulus: NonZero<BoxedUint>,
    exponent: BoxedUint,
}

impl RsaKey {
    /// The key of a scheme in a role.
    #[expect(clippy::expect_used, reason = "a test asks for every one of them")]
    pub(crate) fn of(scheme: CardScheme, role: Role) -> &'static Self {
        static TABLE: OnceLock<Vec<RsaKey>> = OnceLock::new();
        TABLE
            .get_or_init(|| KEYS.lines().filter_map(parse).collect())
            .iter()
            .find(|key| key.scheme == scheme && key.role == role)
            .expect("a key of the table")
    }

    /// Raises a block, as long as the modulus and smaller than it, to the private exponent.
    pub(crate) fn sign(&self, block: &[u8]) -> Vec<u8> {
        let block = BoxedUint::from_be_slice_vartime(block);
        let (at_p, at_q) = (self.p.power(&block), self.q.power(&block));
        // Garner: s = q·(q⁻¹·(at_p - at_q) mod p) + at_q.
        let reduced = (&at_q)
            .resize_unchecked(self.p.bits())
            .rem_vartime(&self.p.modulus);
        let lifted = at_p
            .sub_mod(&reduced, &self.p.modulus)
            .mul_mod(&self.q_inverse, &self.p.modulus);
        let sum = lifted
            .concatenating_mul(self.q.modulus.as_ref() as &BoxedUint)
            .wrapping_add(&at_q);
        let bytes = sum.to_be_bytes();
        let (_, signature) = bytes.split_at(bytes.len().saturating_sub(self.modulus.len()));
        signature.to_vec()
    }
}

impl Prime {
    fn new(prime: &str, exponent: &str) -> Option<Self> {
        let modulus = number(prime)?;
        let bits = modulus.bits_precision();
        let odd = Odd::new(modulus).into_option()?;
        Some(Self {
            modulus: odd.as_nz_ref().clone(),
            params: BoxedMontyParams::new_vartime(odd),
            exponent: number(exponent)?.resize(bits),
        })
    }

    fn bits(&self) -> u32 {
        self.modulus.bits_precision()
    }

    fn power(&self, block: &BoxedUint) -> BoxedUint {
        let reduced = block.rem_vartime(&self.modulus);
        BoxedMontyForm::new(reduced.resize_unchecked(self.bits()), &self.params)
            .pow(&self.exponent)
            .retrieve()
    }
}

fn parse(line: &str) -> Option<RsaKey> {
    let mut words = line.split(' ');
    let mut word = || words.next();
    let scheme = word()?;
    let scheme = CardScheme::ALL.into_iter().find(|known| known.name() == scheme)?;
    let role = match word()? {
        "ca" => Role::Authority,
        "issuer" => Role::Issuer,
        "card" => Role::Card,
        _ => return None,
    };
    let (exponent, modulus) = (bytes(word()?)?, bytes(word()?)?);
    let (p, q, dp, dq, q_inverse) = (word()?, word()?, word()?, word()?, word()?);
    let p = Prime::new(p, dp)?;
    Some(RsaKey {
        scheme,
        role,
        exponent,
        modulus,
        q_inverse: number(q_inverse)?.resize(p.bits()),
        p,
        q: Prime::new(q, dq)?,
    })
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| u8::try_from(digit.to_digit(16)?).ok())
        .collect();
    let digits = digits?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty()
        .then(|| pairs.iter().map(|[high, low]| (high << 4) | low).collect())
}

fn number(text: &str) -> Option<BoxedUint> {
    Some(BoxedUint::from_be_slice_vartime(&bytes(text)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_signs_what_its_public_half_opens() {
        for scheme in CardScheme::ALL {
            for role in [Role::Authority, Role::Issuer, Role::Card] {
                let key = RsaKey::of(scheme, role);
                let mut block = vec![0x5A; key.modulus.len()];
                block[0] = 0x6A;
                let signature = key.sign(&block);
                assert_eq!(signature.len(), key.modulus.len());
                let modulus = Odd::new(BoxedUint::from_be_slice_vartime(&key.modulus)).unwrap();
                let bits = modulus.bits_precision();
                let params = BoxedMontyParams::new_vartime(modulus);
                let opened =
                    BoxedMontyForm::new(BoxedUint::from_be_slice_vartime(&signature).resize(bits), &params)
                        .pow(&BoxedUint::from_be_slice_vartime(&key.exponent))
                        .retrieve();
                assert_eq!(
                    opened,
                    BoxedUint::from_be_slice_vartime(&block).resize(bits),
                    "{scheme:?} {role:?}"
                );
            }
        }
    }
}
