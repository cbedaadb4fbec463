//! Inputs made of sound ones: cut, glued, altered.

/// Longest input.
const MAX_BYTES: usize = 16_384;
/// Bytes that mean something in many formats: ends of ranges, separators, parts of characters.
const TELLING: [u8; 20] = [
    0x00, 0x01, 0x7F, 0x80, 0x81, 0x82, 0x84, 0xFF, b'0', b'1', b'9', b' ', b'.', b':', b'/', b'=', b'\n',
    0xC3, 0xA9, 0xE6,
];

/// Alters an input in one place.
pub type Alter = fn(&mut Mutator, &mut Vec<u8>);

/// Makes inputs, the same ones for the same seed.
#[derive(Clone, Debug)]
pub struct Mutator {
    state: u64,
    corpus: Vec<Vec<u8>>,
    alter: Alter,
    given: usize,
}

impl Mutator {
    /// Starts from sound inputs, and alters them so.
    pub const fn new(seed: u64, corpus: Vec<Vec<u8>>, alter: Alter) -> Self {
        Self {
            state: seed ^ 0x9E37_79B9_7F4A_7C15,
            corpus,
            alter,
            given: 0,
        }
    }

    /// The next input: the sound ones as they are, then altered ones without end.
    pub fn next_input(&mut self) -> Vec<u8> {
        if let Some(sound) = self.corpus.get(self.given) {
            self.given = self.given.saturating_add(1);
            return sound.clone();
        }
        let mut input = self.pick();
        for _ in 0..=self.below(4) {
            (self.alter)(self, &mut input);
        }
        input.truncate(MAX_BYTES);
        input
    }

    /// Cuts, glues or alters bytes, whatever they mean.
    pub(crate) fn alter(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len().saturating_add(1));
        match self.below(8) {
            0 => input.truncate(at),
            1 => self.set(input, at, |mutator, _| mutator.byte()),
            2 => self.set(input, at, |mutator, byte| byte ^ (1_u8 << (mutator.below(8) & 7))),
            3 => {
                let byte = self.byte();
                input.insert(at, byte);
            }
            4 if !input.is_empty() => drop(input.remove(at.min(input.len().saturating_sub(1)))),
            5 => {
                // A part of itself once more: a second object, a deeper template.
                let length = self.below(64);
                let part: Vec<u8> = input.iter().skip(at).take(length).copied().collect();
                let to = self.below(input.len().saturating_add(1));
                input.splice(to..to, part);
            }
            6 => {
                let other = self.pick();
                let from = self.below(other.len().saturating_add(1));
                input.truncate(at);
                input.extend(other.into_iter().skip(from));
            }
            _ => {
                let length = self.below(32);
                let noise: Vec<u8> = (0..length).map(|_| self.byte()).collect();
                input.splice(at..at, noise);
            }
        }
    }

    fn set(&mut self, input: &mut [u8], at: usize, change: impl FnOnce(&mut Self, u8) -> u8) {
        if let Some(byte) = input.get(at).copied() {
            let changed = change(self, byte);
            if let Some(place) = input.get_mut(at) {
                *place = changed;
            }
        }
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let at = self.below(TELLING.len().saturating_mul(2));
        let random = self.draw().to_le_bytes();
        TELLING.get(at).copied().unwrap_or(random[3])
    }

    /// One of the sound inputs.
    pub(crate) fn pick(&mut self) -> Vec<u8> {
        let at = self.below(self.corpus.len());
        self.corpus.get(at).cloned().unwrap_or_default()
    }

    /// Below the bound; 0 for none.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let drawn = usize::try_from(self.draw() >> 33).unwrap_or_default();
        drawn.checked_rem(bound).unwrap_or_default()
    }

    const fn draw(&mut self) -> u64 {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sound_ones_come_first_and_a_seed_makes_the_same_inputs() {
        let corpus = vec![b"one".to_vec(), b"two".to_vec()];
        let inputs = |seed| {
            let mut mutator = Mutator::new(seed, corpus.clone(), Mutator::alter);
            (0..200).map(|_| mutator.next_input()).collect::<Vec<_>>()
        };
        let first = inputs(1);
        assert_eq!(first[..2], corpus[..]);
        assert_eq!(first, inputs(1));
        assert_ne!(first, inputs(2));
        let new = first.iter().filter(|input| !corpus.contains(input)).count();
        assert!(new > 150, "{new}");
    }
}
