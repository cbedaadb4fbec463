//! Between till and host: what is lost, late, doubled or spoilt.

use softpos_flow::{EffectId, Event};
use softpos_host::{HostAnswer, HostRequest, HttpMethod, Sent, paths};

use super::{Item, World};
use crate::directed::Road;
use crate::host::Answer;

impl World {
    pub(super) fn send(&mut self, id: EffectId, request: HostRequest, timeout_ms: u64) {
        let (written, body) = (self.till.acknowledged, request.body.as_slice());
        let covered = match (request.key, request.method) {
            (Some(key), _) => self.till.disk.holds(written, key, body),
            (None, HttpMethod::Post) if request.path.ends_with("/settle") => {
                self.till.disk.holds_settlement(written, body)
            }
            // Questions and steps of the set-up promise nothing.
            (None, _) => !matches!(
                request.path.as_str(),
                paths::TRANSACTIONS | paths::REFUNDS | paths::CODES | paths::CODE_PAYMENTS | paths::REVERSALS
            ),
        };
        self.line(|_| format!("send {id:?} {} {}", request.method.name(), request.path));
        if !covered {
            return self.break_with(format!("{} left before it was written down", request.path));
        }
        self.sent.push(request.clone());
        let road = self.road(&request);
        let trip = 20 + self.chance.below(80);
        if !self.linked || road == Some(Road::Refused) || self.chance.permille(self.faults.refused) {
            let sent = Sent::No;
            return self.plan(trip, Item::NoAnswer { id, sent });
        }
        let boot = self.boot;
        if self.chance.permille(self.faults.request_doubled) {
            let later = trip + self.chance.below(180_000);
            let request = request.clone();
            let (id, again) = (None, false);
            self.plan(
                later,
                Item::ToHost {
                    boot,
                    id,
                    request,
                    again,
                },
            );
        }
        if self.chance.permille(self.faults.request_lost) {
            if self.chance.permille(500) {
                let sent = Sent::Maybe;
                self.plan(timeout_ms, Item::NoAnswer { id, sent });
            }
            return;
        }
        let late = match road {
            Some(Road::RequestLost) => return,
            Some(Road::RequestLate(ms)) => ms,
            Some(Road::Refused | Road::AnswerLost | Road::AnswerLate(_)) | None => 0,
        };
        let trip = trip + self.delay() + late;
        let (id, again) = (Some(id), false);
        self.plan(
            trip,
            Item::ToHost {
                boot,
                id,
                request,
                again,
            },
        );
    }

    fn delay(&mut self) -> u64 {
        if self.chance.permille(self.faults.delayed) {
            self.chance.below(120_000)
        } else {
            0
        }
    }

    pub(super) fn send_back(&mut self, id: EffectId, mut answer: Answer, road: Option<Road>) {
        let late = match road {
            Some(Road::AnswerLost) => return,
            Some(Road::AnswerLate(ms)) => ms,
            Some(Road::Refused | Road::RequestLost | Road::RequestLate(_)) | None => 0,
        };
        if !self.linked || self.chance.permille(self.faults.answer_lost) {
            return;
        }
        if self.chance.permille(self.faults.bad_gateway) {
            answer = Answer {
                status: 502,
                jws: String::new(),
                body: b"bad gateway".to_vec(),
            };
        } else if self.chance.permille(self.faults.answer_spoilt) {
            if self.chance.permille(500) {
                answer.body.push(b' ');
            } else {
                answer.jws.pop();
                answer.jws.push('A');
            }
        }
        let trip = 20 + self.chance.below(80) + self.delay() + late;
        if self.chance.permille(self.faults.answer_doubled) {
            let later = trip + 1 + self.chance.below(90_000);
            let answer = answer.clone();
            self.plan(
                later,
                Item::ToTill {
                    id,
                    answer,
                    copy: true,
                },
            );
        }
        self.plan(
            trip,
            Item::ToTill {
                id,
                answer,
                copy: false,
            },
        );
    }

    /// An answer that nobody waits for any more is counted and changes nothing.
    pub(super) fn deliver(&mut self, id: EffectId, answer: &Answer, copy: bool) {
        self.line(|_| {
            format!(
                "answer {id:?} {}{}",
                answer.status,
                if copy { " again" } else { "" }
            )
        });
        let (stale, before) = (
            self.till.flow.stale(),
            copy.then(|| self.till.flow.ledger().clone()),
        );
        let event = Event::HostReplied {
            id,
            answer: HostAnswer {
                status: answer.status,
                jws: &answer.jws,
                body: &answer.body,
            },
        };
        self.till.flow.handle(event, self.now());
        if let Some(before) = before {
            let same = before.payments().eq(self.till.flow.ledger().payments());
            if self.till.flow.stale() != stale + 1 || !same {
                self.break_with(format!("a second answer to {id:?} was taken"));
            }
        }
    }

    /// What the road does with requests like this.
    pub(super) fn road(&self, request: &HostRequest) -> Option<Road> {
        let leads =
            |path: &str| request.path == path || (path.ends_with('/') && request.path.starts_with(path));
        let mut roads = self.roads.iter();
        roads.find(|(path, _)| leads(path)).map(|(_, road)| *road)
    }
}
