//! Randomness from the operating system.

use ring::rand::{SecureRandom, SystemRandom};
use softpos_crypto::entropy::Entropy;
use softpos_types::{Code, SecretArray, SoftPosError};

/// A generator seeded by the operating system.
///
/// # Errors
/// [`Code::SecureHardware`] if the system gives no random bytes: nothing may be signed or sealed then.
pub fn os_entropy() -> Result<Entropy, SoftPosError> {
    let mut filled = Ok(());
    let seed = SecretArray::build(|seed| filled = SystemRandom::new().fill(seed));
    filled.map_err(|_| SoftPosError::of(Code::SecureHardware).with_detail("no random bytes"))?;
    Ok(Entropy::from_seed(seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_generators_differ() {
        let draw = || os_entropy().unwrap().array::<16>();
        assert_ne!(draw(), draw());
    }
}
