//! From an activation code to a till that may sell, and keeping it so: redeem, attest, load keys, fetch parameters.
//!
//! Each step ends in a journal record (the keys' step in the register file and a record), so a kill resumes at the
//! first step that is missing. Attestation and parameters are renewed in the same way before they run out.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde::Serialize;
use softpos_host::{
    AnswerKeys, AttestRequest, ErrorDetail, HostAnswer, HostOutcome, HostRequest, HttpMethod, KeyEntry,
    ParamsReply, ParamsRequest, RedeemReply, RedeemRequest, Sent, Timers, Verdict, paths, read_answer,
};
use softpos_journal::{Activation, Attested, ParametersTaken};
use softpos_types::{Code, Fault, Now, Tick};

use crate::effect::{ActivationStage, Effect, EffectId, Ending, Notice, Screen};
use crate::exchange::{Ask, Exchange};
use crate::flow::Flow;
use crate::key_load::KeyStage;
use crate::profile::{Profile, answer_keys, trusted_key};
use crate::sale::Front;
use crate::waiting::{AfterRecord, ForSignature, Waiting};

/// How many steps the operator sees.
const STEPS: u8 = 4;

/// An activation code with the host it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redemption {
    /// The code.
    pub code: String,
    /// The host's address, `https://name:port`.
    pub host_url: String,
    /// TLS pins, base64url of SHA-256 over the host's public key.
    pub pins: Vec<String>,
}

/// A set-up or a renewal under way.
#[derive(Debug)]
pub(crate) struct Setup {
    redemption: Option<Redemption>,
    /// A renewal in the background.
    silent: bool,
    stage: ActivationStage,
    pub(crate) keys: KeyStage,
    in_flight: bool,
}

/// Timers of a till that has no parameters yet.
pub(crate) fn first_timers() -> Timers {
    Timers {
        t1_ms: 30_000,
        connect_ms: 10_000,
        query_ms: alloc::vec![0, 2_000, 5_000, 10_000, 20_000],
        reversal_ms: alloc::vec![1_000, 2_000, 5_000, 60_000],
        forward_ms: alloc::vec![1_000, 5_000, 60_000],
        code_query_ms: 3_000,
        card_ms: 60_000,
        pin_ms: 60_000,
    }
}

impl Flow {
    /// Starts the activation, or goes on where it stopped. One that is under way is joined, and a till that is active at
    /// this host already says so: the code is not used then.
    ///
    /// # Errors
    /// `NotReady` when a payment is open, `InvalidInput` when the till is active at another host.
    pub fn activate(&mut self, redemption: Redemption, now: Now) -> Result<(), softpos_types::SoftPosError> {
        use softpos_types::SoftPosError;
        if !matches!(self.front, Front::Idle) {
            return Err(SoftPosError::of(Code::PaymentOpen));
        }
        match &self.ledger.activation {
            Some(activation) if activation.pins != redemption.pins => {
                return Err(SoftPosError::of(Code::NotExpected).with_detail("active at another host"));
            }
            Some(_) if self.is_active() && self.setup.is_none() => {
                self.effect(Effect::Finish(Ending::Activated));
                return Ok(());
            }
            Some(_) | None => {}
        }
        // A code that was redeemed already only has its remaining steps to go.
        let redemption = self.ledger.activation.is_none().then_some(redemption);
        self.begin_setup(redemption, now);
        Ok(())
    }

    /// Goes on with an activation that a kill interrupted, if there is one.
    pub fn resume_activation(&mut self, now: Now) -> bool {
        let interrupted = self.ledger.activation.is_some() && !self.is_active() && self.is_idle();
        if interrupted {
            self.begin_setup(None, now);
        }
        interrupted
    }

    /// A renewal that is under way already is what was asked for; a second one beside it would spoil both.
    fn begin_setup(&mut self, redemption: Option<Redemption>, now: Now) {
        match &mut self.setup {
            Some(renewal) => renewal.silent = false,
            None => self.setup = Some(Setup::new(redemption, false)),
        }
        self.advance_setup(now);
    }

    /// Whether the activation is complete.
    pub fn is_active(&self) -> bool {
        self.ledger.activation.is_some()
            && self.ledger.attested.is_some()
            && self.registers.is_some()
            && self.profile.is_some()
    }

    /// Whether the last verdict holds: until its expiry, and for the offline hours while the host is away.
    pub(crate) fn attested(&self, now: Now) -> bool {
        self.ledger.attested.as_ref().is_some_and(|verdict| {
            let offline_ms = u64::from(verdict.offline_hours).saturating_mul(3_600_000);
            let offline_until = verdict.issued_utc_ms.saturating_add(offline_ms);
            now.utc_ms < verdict.expires_utc_ms || (!self.online && now.utc_ms < offline_until)
        })
    }

    /// Takes the next step of a set-up, or begins a renewal whose time has come.
    pub(crate) fn advance_setup(&mut self, now: Now) {
        if self.setup.is_none() && self.renewal_due(now) {
            self.setup = Some(Setup::new(None, true));
        } else if self.setup.is_none() && self.missing_stage(true, now).is_none() {
            // A clock that was set right can make a renewal needless after it failed.
            self.refresh_retry = crate::background::Retry::default();
        }
        let Some(setup) = &self.setup else { return };
        if setup.in_flight {
            return;
        }
        let renew = setup.silent;
        let Some(stage) = self.missing_stage(renew, now) else {
            return self.setup_complete();
        };
        if !self.online {
            return self.setup_failed(Code::HostNotReached, None, now);
        }
        self.begin_stage(stage, now);
    }

    fn missing_stage(&self, renew: bool, now: Now) -> Option<ActivationStage> {
        let verdict_due = if renew {
            self.verdict_ages(now)
        } else {
            !self.attested(now)
        };
        let parameters = self.parameters();
        let parameters_due = parameters.is_none_or(|parameters| {
            let lifetime = parameters
                .expires_utc_ms
                .saturating_sub(parameters.not_before_utc_ms);
            let renew_from = parameters.expires_utc_ms.saturating_sub(lifetime / 4);
            !parameters.valid_at(now.utc_ms) || (renew && now.utc_ms >= renew_from)
        });
        if self.ledger.activation.is_none() {
            Some(ActivationStage::Redeem)
        } else if verdict_due {
            Some(ActivationStage::Attest)
        } else if self.registers.is_none() {
            Some(ActivationStage::LoadKeys)
        } else {
            parameters_due.then_some(ActivationStage::Parameters)
        }
    }

    /// A verdict is renewed when two thirds of its life are over.
    fn verdict_ages(&self, now: Now) -> bool {
        self.ledger.attested.as_ref().is_none_or(|verdict| {
            let lifetime = verdict.expires_utc_ms.saturating_sub(verdict.issued_utc_ms);
            now.utc_ms >= verdict.expires_utc_ms.saturating_sub(lifetime / 3)
        })
    }

    fn renewal_due(&self, now: Now) -> bool {
        self.online
            && self.is_renewable()
            && self.refresh_retry.due <= now.tick
            && self.missing_stage(true, now).is_some()
    }

    /// Active, or it was and has lost its keys: nobody has to ask for the rest.
    fn is_renewable(&self) -> bool {
        self.is_active()
            || self.ledger.activation.is_some() && self.registers.is_none() && self.profile.is_some()
    }

    /// When the next renewal should be looked at. Renewals follow wall time, which ticks with every payment and
    /// at least every minute.
    pub(crate) fn refresh_due(&self) -> Option<Tick> {
        (self.is_renewable() && self.setup.is_none() && self.refresh_retry.tries > 0)
            .then_some(self.refresh_retry.due)
    }

    fn begin_stage(&mut self, stage: ActivationStage, now: Now) {
        let Some(setup) = &mut self.setup else { return };
        setup.stage = stage;
        setup.in_flight = true;
        if !setup.silent {
            let step = stage.number();
            self.show(
                None,
                None,
                Screen::Activating {
                    step,
                    steps: STEPS,
                    stage,
                },
            );
        }
        match stage {
            ActivationStage::Redeem => self.begin_redeem(now),
            ActivationStage::Attest => self.begin_attest(now),
            ActivationStage::LoadKeys => self.begin_key_load(now),
            ActivationStage::Parameters => self.begin_parameters(now),
        }
    }

    fn begin_redeem(&mut self, now: Now) {
        let redemption = self.setup.as_ref().and_then(|setup| setup.redemption.clone());
        let Some(redemption) = redemption else {
            return self.setup_failed(Code::NotActivated, None, now);
        };
        let request = RedeemRequest {
            code: redemption.code,
            device_spki: self.device.spki.clone(),
            device_model: self.device.model.clone(),
            app_version: self.device.app_version.clone(),
        };
        self.post_setup(paths::REDEEM, &request, now);
    }

    fn begin_attest(&mut self, now: Now) {
        let challenge = self.ledger.attested.as_ref().map_or_else(
            || {
                self.ledger
                    .activation
                    .as_ref()
                    .map(|activation| activation.attest_challenge.clone())
            },
            |attested| Some(attested.next_challenge.clone()),
        );
        let Some(challenge) = challenge else {
            return self.setup_failed(Code::NotActivated, None, now);
        };
        let id = self.next_id();
        self.waiting.insert(id, Waiting::Evidence);
        self.effect(Effect::Attest { id, challenge });
    }

    pub(crate) fn on_evidence(&mut self, id: EffectId, kind: String, evidence: Vec<u8>, now: Now) {
        if self.take(id, |w| matches!(w, Waiting::Evidence)).is_none() {
            return;
        }
        let Some(activation) = &self.ledger.activation else {
            return;
        };
        let challenge = self
            .ledger
            .attested
            .as_ref()
            .map_or(&activation.attest_challenge, |attested| &attested.next_challenge)
            .clone();
        let request = AttestRequest {
            terminal: activation.terminal.clone(),
            challenge,
            kind,
            evidence,
        };
        self.post_setup(paths::ATTEST, &request, now);
    }

    fn begin_parameters(&mut self, now: Now) {
        let Some(activation) = &self.ledger.activation else {
            return;
        };
        let have_version = self
            .ledger
            .parameters
            .as_ref()
            .map_or(0, |parameters| parameters.version);
        let request = ParamsRequest {
            terminal: activation.terminal.clone(),
            have_version,
        };
        self.post_setup(paths::PARAMS, &request, now);
    }

    /// Signs a step's request and sends it.
    pub(crate) fn post_setup(&mut self, path: &str, request: &impl Serialize, now: Now) {
        let Ok(body) = serde_json::to_vec(request) else {
            return self.setup_failed(Code::SessionPoisoned, None, now);
        };
        let unsent = self.unsent(HttpMethod::Post, path.into(), body, now);
        let digest = unsent.digest();
        self.sign(alloc::vec![digest], ForSignature::Setup(unsent));
    }

    pub(crate) fn send_setup(&mut self, request: HostRequest, now: Now) {
        let t1_ms = self.timers().t1_ms;
        let exchange = Exchange {
            ask: Ask::Setup,
            jws: request.jws.clone(),
            deadline: now.tick.after_ms(t1_ms),
        };
        self.send(request, exchange, t1_ms, 1);
    }

    pub(crate) fn on_setup_answer(&mut self, jws: &str, answer: HostAnswer<'_>, now: Now) {
        let Some(stage) = self.setup.as_ref().map(|setup| setup.stage) else {
            return;
        };
        match stage {
            ActivationStage::Redeem => self.on_redeemed(jws, answer, now),
            ActivationStage::Attest => {
                if let Some(verdict) = self.setup_reply::<Verdict>(jws, answer, now) {
                    let attested = Attested {
                        level: verdict.level,
                        issued_utc_ms: verdict.issued_utc_ms,
                        expires_utc_ms: verdict.expires_utc_ms,
                        offline_hours: verdict.offline_hours,
                        next_challenge: verdict.next_challenge,
                    };
                    self.record(attested.into(), AfterRecord::Setup);
                }
            }
            ActivationStage::LoadKeys => self.on_key_load_answer(jws, answer, now),
            ActivationStage::Parameters => self.on_parameters(jws, answer, now),
        }
    }

    fn on_redeemed(&mut self, jws: &str, answer: HostAnswer<'_>, now: Now) {
        // The answer brings the keys that sign it: who answers is proven by the TLS pin of the code.
        let anchors = match (&self.anchors, serde_json::from_slice::<RedeemReply>(answer.body)) {
            (Some(anchors), _) => Some(anchors.clone()),
            (None, Ok(reply)) => Some(reply.anchors),
            (None, Err(_)) => None,
        };
        let outcome = match &anchors {
            Some(anchors) => read_answer::<RedeemReply>(jws, answer, &AnswerKeys(anchors.answer.clone())),
            // A refusal carries no keys.
            None => unsigned_refusal(answer),
        };
        let Some(reply) = self.expect_reply(outcome, now) else {
            return;
        };
        let redemption = self.setup.as_ref().and_then(|setup| setup.redemption.clone());
        let Some((redemption, anchors)) = redemption.zip(anchors) else {
            return;
        };
        let keys = |entries: &[KeyEntry]| entries.iter().map(trusted_key).collect();
        let activation = Activation {
            activation_id: reply.activation_id,
            host_url: redemption.host_url,
            pins: redemption.pins,
            terminal: reply.terminal,
            merchant: reply.merchant,
            configuration_keys: keys(&anchors.configuration),
            load_keys: keys(&anchors.load),
            answer_keys: keys(&anchors.answer),
            attest_challenge: reply.attest_challenge,
            utc_ms: now.utc_ms,
        };
        self.record(activation.into(), AfterRecord::Setup);
    }

    fn on_parameters(&mut self, jws: &str, answer: HostAnswer<'_>, now: Now) {
        let Some(ParamsReply { bundle }) = self.setup_reply(jws, answer, now) else {
            return;
        };
        let Some(activation) = &self.ledger.activation else {
            return;
        };
        let in_use = self
            .ledger
            .parameters
            .as_ref()
            .map_or(0, |parameters| parameters.version);
        let known = self
            .ledger
            .parameters
            .as_ref()
            .is_some_and(|taken| taken.bytes == bundle.bytes);
        match Profile::verify(&bundle, activation, in_use, now.utc_ms) {
            Ok(_) if known => self.nothing_newer(now),
            Ok(parameters) => {
                let version = parameters.version;
                let taken = ParametersTaken {
                    bytes: bundle.bytes,
                    kid: bundle.kid,
                    sig: bundle.sig,
                    version,
                };
                self.record(taken.into(), AfterRecord::Setup);
            }
            Err(error) => {
                let fault = error.fault();
                self.setup_failed(fault.code, fault.detail.clone(), now);
            }
        }
    }

    /// The reply of a step, or the step fails.
    pub(crate) fn setup_reply<T: serde::de::DeserializeOwned>(
        &mut self,
        jws: &str,
        answer: HostAnswer<'_>,
        now: Now,
    ) -> Option<T> {
        let keys = self
            .ledger
            .activation
            .as_ref()
            .map(answer_keys)
            .unwrap_or_default();
        let outcome = read_answer(jws, answer, &keys);
        self.expect_reply(outcome, now)
    }

    fn expect_reply<T>(&mut self, outcome: HostOutcome<T>, now: Now) -> Option<T> {
        match outcome {
            HostOutcome::Reply(reply) => return Some(reply),
            HostOutcome::Refused(error) => self.setup_failed(refusal(&error), Some(error.message), now),
            HostOutcome::NotSent => self.setup_failed(Code::HostNotReached, None, now),
            HostOutcome::Unknown => self.setup_failed(Code::HostGarbled, None, now),
            HostOutcome::BadMac => self.setup_failed(Code::HostSignature, None, now),
        }
        None
    }

    pub(crate) fn on_setup_failed(&mut self, sent: Sent, not_trusted: bool, now: Now) {
        let detail = (sent == Sent::Maybe).then(|| "no answer".to_string());
        let code = if not_trusted {
            Code::HostNotTrusted
        } else {
            Code::HostNotReached
        };
        self.setup_failed(code, detail, now);
    }

    /// A step's record is on the disk: the next one may begin.
    pub(crate) fn setup_recorded(&mut self, now: Now) {
        let Some(setup) = &mut self.setup else { return };
        setup.in_flight = false;
        let (stage, renew) = (setup.stage, setup.silent);
        if self.missing_stage(renew, now) != Some(stage) {
            return;
        }
        // By this clock what the host has just given runs out already: to ask at once would give the same.
        match stage {
            ActivationStage::Parameters => self.nothing_newer(now),
            ActivationStage::Redeem | ActivationStage::Attest | ActivationStage::LoadKeys => {
                self.setup_failed(Code::ClockSkew, None, now);
            }
        }
    }

    /// The host has no newer parameters. Those in use hold, and they are asked about again after a pause.
    fn nothing_newer(&mut self, now: Now) {
        let pauses = self.timers().forward_ms;
        match &mut self.setup {
            Some(setup) if setup.silent => {
                self.setup = None;
                let jitter = self.jitter();
                self.refresh_retry.bump(&pauses, jitter, now);
            }
            Some(setup) => setup.in_flight = false,
            None => {}
        }
    }

    /// The set-up stops; what was reached stays. A renewal is tried again by itself.
    pub(crate) fn setup_failed(&mut self, code: Code, detail: Option<String>, now: Now) {
        let Some(setup) = self.setup.take() else { return };
        if setup.silent {
            let first = self.refresh_retry.tries == 0;
            let pauses = self.timers().forward_ms;
            let jitter = self.jitter();
            self.refresh_retry.bump(&pauses, jitter, now);
            if first {
                self.effect(Effect::Notify(Notice::trouble(code)));
            }
        } else {
            let fault = Fault {
                detail,
                ..Fault::of(code)
            };
            self.effect(Effect::Finish(Ending::ActivationFailed { fault }));
        }
    }

    fn setup_complete(&mut self) {
        let Some(setup) = self.setup.take() else { return };
        self.refresh_retry = crate::background::Retry::default();
        if !setup.silent {
            self.effect(Effect::Finish(Ending::Activated));
        }
    }
}

impl Setup {
    fn new(redemption: Option<Redemption>, silent: bool) -> Self {
        let stage = ActivationStage::Redeem;
        Self {
            redemption,
            silent,
            stage,
            keys: KeyStage::Idle,
            in_flight: false,
        }
    }

    /// A renewal in the background keeps nobody from selling.
    pub(crate) const fn occupies(&self) -> bool {
        !self.silent
    }
}

impl ActivationStage {
    /// From 1.
    const fn number(self) -> u8 {
        match self {
            Self::Redeem => 1,
            Self::Attest => 2,
            Self::LoadKeys => 3,
            Self::Parameters => 4,
        }
    }
}

/// Reads a refusal that no key of ours can check: believed only as a reason to stop.
fn unsigned_refusal<T>(answer: HostAnswer<'_>) -> HostOutcome<T> {
    match serde_json::from_slice::<softpos_host::ErrorBody>(answer.body) {
        Ok(body) if answer.status >= 400 && answer.status < 500 => HostOutcome::Refused(body.error),
        _ => HostOutcome::Unknown,
    }
}

fn refusal(error: &ErrorDetail) -> Code {
    match error.code.as_str() {
        "activation_unknown" => Code::ActivationUnknown,
        "activation_used" => Code::ActivationUsed,
        "activation_expired" => Code::ActivationExpired,
        "attestation_refused" => Code::AttestationRefused,
        "attestation_expired" => Code::AttestationExpired,
        "clock_skew" => Code::ClockSkew,
        _ => Code::HostRefused,
    }
}
