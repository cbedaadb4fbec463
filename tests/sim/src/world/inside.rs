//! Inside the till: keys, disk, reader and keyboard do what the flow asks for.

use softpos_crypto::pin_block::PinDigits;
use softpos_flow::{Effect, EffectId, Event, Notice, Screen};

use super::{Item, World};

/// What goes on inside the till, and ends with its power.
pub(crate) enum Local {
    Sign {
        id: EffectId,
        digests: Vec<[u8; 32]>,
    },
    Attest {
        id: EffectId,
        challenge: Vec<u8>,
    },
    Write {
        id: EffectId,
        kind: u8,
        payload: Vec<u8>,
    },
    Anchor {
        id: EffectId,
        since: u64,
    },
    SaveKeys {
        id: EffectId,
        registers: Vec<u8>,
    },
    Written {
        id: EffectId,
        sequence: u64,
        hash: [u8; 32],
    },
    KeysSaved {
        id: EffectId,
    },
    CardAnswer(Option<Vec<u8>>),
    Pin(Option<&'static [u8]>),
}

impl World {
    pub(super) fn perform(&mut self, effect: Effect) {
        self.books.hear(&effect);
        let quick = 1 + self.chance.below(30);
        match effect {
            Effect::Sign { id, digests } => self.plan(quick, Item::Local(Local::Sign { id, digests })),
            Effect::Attest { id, challenge } => {
                self.plan(quick, Item::Local(Local::Attest { id, challenge }));
            }
            Effect::Persist { id, kind, payload } => self.queue_on_disk(Local::Write { id, kind, payload }),
            Effect::Anchor { id, since } => self.queue_on_disk(Local::Anchor { id, since }),
            Effect::SaveKeys { id, registers } => {
                let registers = registers.expose().to_vec();
                self.queue_on_disk(Local::SaveKeys { id, registers });
            }
            Effect::SendHost {
                id,
                request,
                timeout_ms,
                ..
            } => self.send(id, request, timeout_ms),
            Effect::Transceive { capdu } => {
                let card = self.in_field.and_then(|card| self.wallet.card(card));
                let answer = card.and_then(|card| card.transmit(&capdu).ok());
                self.plan(quick, Item::Local(Local::CardAnswer(answer)));
            }
            Effect::AskPin { .. } => {
                let typed: Option<&'static [u8]> = self.chance.permille(800).then_some(b"1234");
                if self.chance.permille(900) {
                    self.plan(2_000, Item::Local(Local::Pin(typed)));
                }
            }
            Effect::Finish(ending) => self.finished(&ending),
            Effect::Notify(notice) => {
                self.line(|_| format!("notice {notice:?}"));
                self.late_notices += u32::from(matches!(notice, Notice::LatePayment { .. }));
                if let Notice::Trouble { fault } = notice {
                    self.troubles.push(fault.code);
                }
            }
            // The reader waits for a card: the last one has been taken away.
            Effect::Show(view) if matches!(view.screen, Screen::Card { .. }) => self.in_field = None,
            Effect::Show(_) | Effect::Say(_) => {}
        }
    }

    pub(super) fn happen_inside(&mut self, local: Local) {
        let now = self.now();
        let flow = &mut self.till.flow;
        match local {
            Local::Sign { id, .. } if self.signatures_refused > 0 => {
                self.signatures_refused -= 1;
                flow.handle(Event::SignFailed { id }, now);
            }
            Local::Sign { id, .. } if self.chance.permille(self.faults.no_signature) => {
                flow.handle(Event::SignFailed { id }, now);
            }
            Local::Sign { id, digests } => {
                let sign = |digest| self.till.device_key.sign_digest(digest).expect("a signature");
                let signatures = digests.iter().map(sign).collect();
                flow.handle(Event::Signed { id, signatures }, now);
            }
            Local::Attest { id, challenge } => {
                let event = Event::EvidenceGiven {
                    id,
                    kind: "software".into(),
                    evidence: challenge,
                };
                flow.handle(event, now);
            }
            Local::Write { id, .. } | Local::SaveKeys { id, .. }
                if self.chance.permille(self.faults.disk_full) =>
            {
                flow.handle(Event::PersistFailed { id }, now);
                self.line(|_| format!("{id:?} cannot be written"));
            }
            Local::Write { id, kind, payload } => {
                let (sequence, hash) = self.till.disk.append(kind, payload);
                self.plan(0, Item::Local(Local::Written { id, sequence, hash }));
            }
            Local::SaveKeys { id, registers } => {
                self.till.disk.keys = Some(registers);
                self.plan(0, Item::Local(Local::KeysSaved { id }));
            }
            Local::Written { id, sequence, hash } => {
                self.till.acknowledged = usize::try_from(sequence).unwrap_or(usize::MAX);
                flow.handle(Event::Persisted { id, sequence, hash }, now);
                if let Some(entry) = self.till.disk.entry(sequence) {
                    self.till.whole.apply(sequence, entry);
                }
            }
            Local::Anchor { id, .. } if self.chance.permille(self.faults.disk_full) => {
                flow.handle(Event::AnchorFailed { id }, now);
            }
            Local::Anchor { id, since } => {
                let anchor = self.till.disk.anchor(since);
                flow.handle(Event::Anchored { id, anchor }, now);
            }
            Local::KeysSaved { id } => flow.handle(Event::KeysSaved { id }, now),
            Local::CardAnswer(Some(rapdu)) => {
                let event = Event::CardReplied {
                    rapdu: &rapdu,
                    elapsed_us: 5_000,
                };
                flow.handle(event, now);
            }
            Local::CardAnswer(None) => {
                self.in_field = None;
                flow.handle(Event::CardLost, now);
            }
            Local::Pin(None) => flow.handle(Event::PinCancelled, now),
            Local::Pin(Some(digits)) => {
                let pin = PinDigits::from_ascii(digits).expect("four digits");
                flow.handle(Event::PinEntered { pin }, now);
            }
        }
    }

    /// One thread writes, in order.
    fn queue_on_disk(&mut self, job: Local) {
        let begins = self.disk_busy_until_ms.max(self.clock_ms);
        self.disk_busy_until_ms = begins + 1 + self.chance.below(20);
        self.plan(self.disk_busy_until_ms - self.clock_ms, Item::Local(job));
    }
}
