//! What can go wrong in a story, and how often.

use crate::chance::Chance;

/// How often things go wrong, in a thousand.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// The connection is refused: nothing was sent.
    pub refused: u64,
    /// The request is lost.
    pub request_lost: u64,
    /// The request arrives a second time, later.
    pub request_doubled: u64,
    /// Request or answer are on their way for up to two minutes.
    pub delayed: u64,
    /// The answer is lost.
    pub answer_lost: u64,
    /// The answer arrives twice.
    pub answer_doubled: u64,
    /// Signature or body of the answer are changed.
    pub answer_spoilt: u64,
    /// A proxy says 502 although the host has done its work.
    pub bad_gateway: u64,
    /// The issuer takes its time.
    pub slow_issuer: u64,
    /// The issuer approves a part only.
    pub partial: u64,
    /// The power fails, at an effect.
    pub power_cut: u64,
    /// The register file is lost with the power.
    pub keys_lost: u64,
    /// A record cannot be written.
    pub disk_full: u64,
    /// The secure hardware refuses.
    pub no_signature: u64,
    /// The wall clock jumps.
    pub clock_jump: u64,
    /// Somebody feeds the till with nonsense.
    pub hostile: u64,
    /// Whether all that happens during the activation already.
    pub from_the_start: bool,
    /// Exactly one power cut: instead of this effect, counted from 1.
    pub cut_at_effect: Option<u64>,
}

impl Faults {
    /// A world in which nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// The disasters of a seed: some of them often, some never.
    pub fn of_seed(seed: u64) -> Self {
        let mut chance = Chance::new(seed ^ 0x000F_A017);
        let mut often = |most: u64| {
            if chance.permille(400) {
                0
            } else {
                chance.below(most)
            }
        };
        Self {
            refused: often(300),
            request_lost: often(300),
            request_doubled: often(300),
            delayed: often(300),
            answer_lost: often(300),
            answer_doubled: often(300),
            answer_spoilt: often(200),
            bad_gateway: often(200),
            slow_issuer: often(500),
            partial: often(400),
            power_cut: often(40),
            keys_lost: often(150),
            disk_full: often(60),
            no_signature: often(60),
            clock_jump: often(60),
            from_the_start: chance.permille(200),
            hostile: 0,
            cut_at_effect: None,
        }
    }

    /// The disasters of a seed, and nonsense on top.
    pub fn hostile(seed: u64) -> Self {
        Self {
            hostile: 500,
            ..Self::of_seed(seed)
        }
    }

    /// What is left in a calm world: the one power cut that was asked for.
    pub(crate) fn last_cut(&self) -> Self {
        Self {
            cut_at_effect: self.cut_at_effect,
            ..Self::none()
        }
    }
}
