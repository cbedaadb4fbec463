//! Misbehaviour on demand.

/// What happens instead of the card's proper answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Nothing but this status word.
    StatusWord(u16),
    /// The card leaves the field before it answers.
    Pulled,
    /// The proper answer without the last byte of its data, still with its status word.
    CutShort,
    /// These bytes, whatever they are.
    Answer(&'static [u8]),
    /// The proper answer, but its last signature or certificate has one wrong bit.
    WrongSignature,
    /// The answer that this card gave to the same command of its last tap.
    Replayed,
    /// From now on every answer says that there is more to come, and never gives it.
    Endless,
    /// The proper answer, this much later; see [`SoftCard::delay_us`](crate::SoftCard::delay_us).
    Slow {
        /// Microseconds.
        delay_us: u32,
    },
}

/// One fault: fires once, at the given command of a tap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which command since the card came into the field, from 1: directory, selection, options, first record.
    pub at: u8,
    /// What happens.
    pub kind: FaultKind,
}
