//! A key from what a person can remember, for files that leave the phone.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use softpos_types::{SecretArray, SecretBytes};

use crate::scrub::scrubbed;
use crate::seal::PurposeKey;

/// The shortest passphrase, in characters.
pub const MIN_PASSPHRASE_CHARS: usize = 10;
/// The most memory a file may ask for: a hostile one shall not exhaust the phone.
const MOST_MEMORY_KIB: u32 = 256 * 1024;
const MOST_PASSES: u32 = 16;

/// What deriving the key costs whoever tries passphrases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassphraseCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl PassphraseCost {
    /// The second recommended choice of RFC 9106 §4: 64 MiB, three passes.
    pub const STANDARD: Self = Self {
        memory_kib: 64 * 1024,
        passes: 3,
    };
}

/// The passphrase is too short, or the cost is none that this program pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassphraseError;

/// Derives a sealing key with Argon2id (RFC 9106), one lane.
///
/// # Errors
/// [`PassphraseError`] for a passphrase under [`MIN_PASSPHRASE_CHARS`] characters or a cost out of bounds.
pub fn passphrase_key(
    passphrase: &SecretBytes,
    salt: &[u8; 16],
    cost: PassphraseCost,
) -> Result<PurposeKey, PassphraseError> {
    let text = core::str::from_utf8(passphrase.expose()).map_err(|_| PassphraseError)?;
    let affordable = cost.memory_kib <= MOST_MEMORY_KIB && cost.passes <= MOST_PASSES;
    if text.chars().count() < MIN_PASSPHRASE_CHARS || !affordable {
        return Err(PassphraseError);
    }
    let params = Params::new(cost.memory_kib, cost.passes, 1, Some(32)).map_err(|_| PassphraseError)?;
    let mut memory = alloc::vec![Block::default(); params.block_count()];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut done = Ok(());
    let key = SecretArray::build(|key| {
        done = scrubbed(|| argon.hash_password_into_with_memory(text.as_bytes(), salt, key, &mut memory));
    });
    // The memory of the last pass could give the key away.
    memory.fill(Block::default());
    core::hint::black_box(&memory);
    done.map_err(|_| PassphraseError)?;
    Ok(PurposeKey::from_secret(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: PassphraseCost = PassphraseCost {
        memory_kib: 64,
        passes: 2,
    };

    fn key(text: &str, salt: u8, cost: PassphraseCost) -> Result<[u8; 32], PassphraseError> {
        let passphrase = SecretBytes::copy_of(text.as_bytes());
        passphrase_key(&passphrase, &[salt; 16], cost).map(|key| *key.expose())
    }

    #[test]
    fn passphrase_salt_and_cost_all_matter() {
        let one = key("correct horse", 1, SMALL).unwrap();
        assert_eq!(key("correct horse", 1, SMALL), Ok(one));
        assert_ne!(key("correct horsf", 1, SMALL), Ok(one));
        assert_ne!(key("correct horse", 2, SMALL), Ok(one));
        assert_ne!(
            key("correct horse", 1, PassphraseCost { passes: 3, ..SMALL }),
            Ok(one)
        );
    }

    #[test]
    fn what_is_too_short_or_too_dear_is_refused() {
        assert_eq!(key("123456789", 1, SMALL), Err(PassphraseError));
        assert!(key("一二三四五六七八九十", 1, SMALL).is_ok());
        for cost in [
            PassphraseCost {
                memory_kib: MOST_MEMORY_KIB + 1,
                ..SMALL
            },
            PassphraseCost {
                passes: MOST_PASSES + 1,
                ..SMALL
            },
            PassphraseCost {
                memory_kib: 1,
                ..SMALL
            },
            PassphraseCost { passes: 0, ..SMALL },
        ] {
            assert_eq!(key("correct horse", 1, cost), Err(PassphraseError), "{cost:?}");
        }
    }

    /// RFC 9106 §5.3 has secret and associated data, which the wrapper does not take; the crate is run on it here.
    #[test]
    fn the_known_answer_of_the_standard() {
        use argon2::AssociatedData;
        let mut params = argon2::ParamsBuilder::new();
        params
            .m_cost(32)
            .t_cost(3)
            .p_cost(4)
            .data(AssociatedData::new(&[4; 12]).unwrap());
        let argon = Argon2::new_with_secret(
            &[3; 8],
            Algorithm::Argon2id,
            Version::V0x13,
            params.build().unwrap(),
        );
        let mut tag = [0; 32];
        argon
            .unwrap()
            .hash_password_into(&[1; 32], &[2; 16], &mut tag)
            .unwrap();
        assert_eq!(
            hex::encode(tag),
            "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
        );
    }
}
