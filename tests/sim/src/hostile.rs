//! Somebody who feeds the till with nonsense: stale and invented ids, garbage bodies, bytes that no card sends.
//!
//! Only what an enemy outside can do: disk, secure hardware and the link's word on what was sent are the till's own.

use softpos_flow::{EffectId, Event};
use softpos_host::{HostAnswer, Sent};

use crate::world::World;

/// Bodies that look as if they meant something.
const BODIES: &[&[u8]] = &[
    b"",
    b"{}",
    b"null",
    b"[[[[[[[[[[[[[[[[",
    b"{\"error\":{\"code\":\"reversed\",\"message\":\"\",\"host_utc_ms\":0}}",
    b"{\"error\":{\"code\":\"malformed\",\"message\":\"\",\"host_utc_ms\":-1}}",
    b"{\"key\":\"x\",\"state\":\"approved\",\"de39\":\"00\"}",
    b"{\"state\":\"not_found\",\"key\":\"018f8c2b-0001-7101-8101-010101010101\"}",
    b"\xFF\xFE\x00",
];
/// Status words and templates that promise more than they hold.
const CARD_BYTES: &[&[u8]] = &[
    b"",
    b"\x90",
    b"\x90\x00",
    b"\x6A\x82",
    b"\x61\xFF",
    b"\x6F\x84\xFF\xFF\xFF\xFF\x90\x00",
    b"\x77\x03\x82\x02\x00\x90\x00",
    b"\x70\x81\x90\x00",
];

impl World {
    /// One event that nobody asked for.
    pub(crate) fn nonsense(&mut self) {
        let now = self.now();
        let id = EffectId(self.chance.below(400));
        let garbage = self.chance.bytes::<24>();
        let text = String::from_utf8_lossy(&garbage).into_owned();
        let body: &[u8] = match self.chance.pick(BODIES) {
            Some(body) if self.chance.permille(700) => body,
            _ => &garbage,
        };
        let rapdu: &[u8] = match self.chance.pick(CARD_BYTES) {
            Some(bytes) if self.chance.permille(700) => bytes,
            _ => &garbage,
        };
        let unknown_id = EffectId(1_000_000 + id.0);
        let event = match self.chance.below(14) {
            0..=4 => Event::HostReplied {
                id,
                answer: HostAnswer {
                    status: *self.chance.pick(&[200, 200, 404, 409, 500, 0]).unwrap_or(&0),
                    jws: if garbage[1] < 128 { &text } else { "" },
                    body,
                },
            },
            5 => Event::HostFailed {
                id,
                sent: Sent::Maybe,
                not_trusted: garbage[0] < 128,
            },
            6 => Event::Signed {
                id,
                signatures: Vec::new(),
            },
            7 => Event::SignFailed { id },
            8 => Event::Persisted {
                id: unknown_id,
                sequence: u64::MAX,
                hash: [0; 32],
            },
            9 => Event::KeysSaved { id: unknown_id },
            10 => Event::EvidenceGiven {
                id: unknown_id,
                kind: text,
                evidence: garbage.to_vec(),
            },
            11 => Event::PersistFailed { id: unknown_id },
            12 => Event::CardReplied {
                rapdu,
                elapsed_us: u32::MAX,
            },
            _ => Event::DeadlinePassed,
        };
        self.till.flow.handle(event, now);
        self.after_event();
    }
}
