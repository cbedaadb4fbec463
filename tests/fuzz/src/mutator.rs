//! Makes unsound inputs of sound ones.

/// xorshift64*: small and the same on every machine.
pub(crate) struct Random(u64);

/// Bytes that mean something in TLV.
const TELLING: [u8; 12] = [
    0x00, 0x01, 0x1F, 0x5A, 0x70, 0x77, 0x7F, 0x80, 0x81, 0x82, 0x9F, 0xFF,
];

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        // Zero would stay zero.
        Self((seed ^ 0x5EED_0000_0000_0061) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33
    }

    /// Zero to below `bound`; zero for zero.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        self.next()
            .checked_rem(bound)
            .and_then(|value| usize::try_from(value).ok())
            .unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        let [low, ..] = self.next().to_le_bytes();
        low
    }
}

/// One to six changes: a bit, a telling byte, a cut, an insertion, a repetition, a removal, a swap.
pub(crate) fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(6) {
        let at = random.below(bytes.len());
        let length = 1 + random.below(12);
        let end = at.saturating_add(length).min(bytes.len());
        match random.below(8) {
            0 | 1 => {
                let bit = 1 << random.below(8);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= bit;
                }
            }
            2 => {
                let telling = TELLING.get(random.below(TELLING.len())).copied();
                if let Some((byte, telling)) = bytes.get_mut(at).zip(telling) {
                    *byte = telling;
                }
            }
            3 => bytes.truncate(at),
            4 => bytes.insert(at, random.byte()),
            5 => {
                let part = bytes.get(at..end).unwrap_or_default().to_vec();
                bytes.splice(at..at, part);
            }
            6 => {
                bytes.drain(at..end);
            }
            _ => {
                let other = random.below(bytes.len());
                if !bytes.is_empty() {
                    bytes.swap(at, other);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_inputs() {
        let run = |seed| {
            let mut random = Random::new(seed);
            let mut bytes = vec![7; 40];
            mutate(&mut bytes, &mut random);
            bytes
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn nothing_is_mutated_without_panic() {
        let mut random = Random::new(0);
        for _ in 0..1_000 {
            mutate(&mut Vec::new(), &mut random);
        }
    }
}
