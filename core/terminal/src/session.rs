//! The running till: one lock around the flow, its effects handed to those who carry them out.
//!
//! Disk and secure hardware are worked on by one thread in the order of the effects, the host by tasks of the
//! session's own runtime, the card by the caller. No lock is held across an await or a foreign call.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use softpos_flow::{Effect, EffectId, Ending, Event, Flow, View};
use softpos_host::HostRequest;
use softpos_store::Store;
use softpos_text::Texts;
use softpos_types::{Code, Language, SoftPosError};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::clock::Clock;
use crate::hardware::SecureHardware;
use crate::link::{Cause, HostLink};
use crate::log::{Log, LogLevel, LogValue};
use crate::steps::{Step, StepQueue};
use crate::wording;
use crate::worker::Work;

/// How long opening a connection ahead of a payment may take.
const WARM_MS: u64 = 10_000;

/// What all threads of a running till share.
pub(crate) struct Session {
    flow: Mutex<Flow>,
    work: Mutex<Option<Sender<Work>>>,
    /// Jobs handed to the worker and not done yet.
    jobs: AtomicU64,
    ended: (Mutex<bool>, Condvar),
    closing: AtomicBool,
    failed: AtomicBool,
    /// The worker did not end in time: nobody waits for it again.
    abandoned: AtomicBool,
    pub(crate) link: RwLock<Option<HostLink>>,
    /// The opening of a connection that is under way.
    warming: Mutex<Option<AbortHandle>>,
    pub(crate) clock: Clock,
    pub(crate) steps: StepQueue,
    pub(crate) timer: Notify,
    pub(crate) hardware: Arc<dyn SecureHardware>,
    pub(crate) log: Log,
    pub(crate) runtime: Handle,
    language: Language,
    /// The language of whoever stands before the till.
    customer_language: Mutex<Language>,
}

/// What a session is made of.
pub(crate) struct Parts {
    pub(crate) flow: Flow,
    pub(crate) work: Sender<Work>,
    pub(crate) link: Option<HostLink>,
    pub(crate) clock: Clock,
    pub(crate) hardware: Arc<dyn SecureHardware>,
    pub(crate) log: Log,
    pub(crate) runtime: Handle,
    pub(crate) language: Language,
}

/// A command for the card, or `None`.
pub(crate) type Capdu = Option<Vec<u8>>;

impl Session {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            flow,
            work,
            link,
            clock,
            hardware,
            log,
            runtime,
            language,
        } = parts;
        Self {
            flow: Mutex::new(flow),
            work: Mutex::new(Some(work)),
            jobs: AtomicU64::new(0),
            ended: (Mutex::new(false), Condvar::new()),
            closing: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
            link: RwLock::new(link),
            warming: Mutex::new(None),
            clock,
            steps: StepQueue::default(),
            timer: Notify::new(),
            hardware,
            log,
            runtime,
            language,
            customer_language: Mutex::new(language),
        }
    }

    /// Tells the flow what happened. An answer to an effect of a closed session is of no use and dropped.
    pub(crate) fn feed(self: &Arc<Self>, event: Event<'_>) {
        // A poisoned flow takes nothing in any more; the journal knows what it has to know.
        let _ = self.with(|flow, now| flow.handle(event, now));
    }

    /// Works with the flow and carries out what it then wants; gives back the command for the card, if there is one.
    ///
    /// # Errors
    /// [`Code::SessionClosed`], or [`Code::SessionPoisoned`] after a fault inside: reopen the session.
    pub(crate) fn with<T>(
        self: &Arc<Self>,
        action: impl FnOnce(&mut Flow, softpos_types::Now) -> T,
    ) -> Result<(T, Capdu), SoftPosError> {
        let mut flow = self.lock()?;
        let value = action(&mut flow, self.clock.now());
        let capdu = self.carry_out(&mut flow);
        if let Some(parameters) = flow.parameters() {
            self.clock.set_utc_offset_min(parameters.utc_offset_min);
            self.connect_within(parameters.timers.connect_ms);
        }
        drop(flow);
        self.timer.notify_one();
        Ok((value, capdu))
    }

    /// From now on the till speaks this language to whoever stands before it.
    pub(crate) fn speak(&self, language: Language) {
        *self
            .customer_language
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = language;
    }

    /// Opens the connection ahead of the next payment. One at a time: over a network that comes and goes the last
    /// attempt counts.
    pub(crate) fn warm(&self) {
        let link = self.link.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(link) = link {
            let task = self.runtime.spawn(async move {
                // Whether it worked shows with the first request.
                let _ = link.warm(WARM_MS).await;
            });
            let mut warming = self.warming.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(before) = warming.replace(task.abort_handle()) {
                before.abort();
            }
        }
    }

    /// Takes over the time for connecting that the parameters set.
    fn connect_within(&self, connect_ms: u64) {
        let changed = match &*self.link.read().unwrap_or_else(PoisonError::into_inner) {
            // A link that cannot be made anew stays as it is.
            Some(link) => link.with_connect_ms(connect_ms).ok().flatten(),
            None => None,
        };
        if let Some(link) = changed {
            *self.link.write().unwrap_or_else(PoisonError::into_inner) = Some(link);
            self.warm();
        }
    }

    /// Looks at the flow.
    ///
    /// # Errors
    /// As [`Session::with`].
    pub(crate) fn look<T>(
        &self,
        look: impl FnOnce(&Flow, softpos_types::Now) -> T,
    ) -> Result<T, SoftPosError> {
        Ok(look(&*self.lock()?, self.clock.now()))
    }

    /// Has the worker do something with the store, in its turn, and waits for it, as long as the disk takes and a call
    /// of secure hardware may. Not to be called with the flow locked.
    ///
    /// # Errors
    /// [`Code::SessionClosed`].
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut Store) -> T + Send + 'static,
    ) -> Result<T, SoftPosError> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        self.job(Work::Ask(Box::new(move |store| {
            // A caller that is gone needs no answer.
            drop(sender.send(ask(store)));
        })));
        receiver.recv().map_err(|_| SoftPosError::of(Code::SessionClosed))
    }

    /// Whether the session is ending.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Sleeps until the flow's next deadline, over and over; a task of the session's runtime.
    pub(crate) async fn keep_time(self: Arc<Self>) {
        while !self.closing.load(Ordering::Acquire) {
            // Renewals follow wall time: look at least every minute.
            let minute = self.clock.now().tick.after_ms(60_000);
            let Ok(deadline) = self.look(|flow, _| flow.deadline()) else {
                return;
            };
            let wake = deadline.map_or(minute, |(due, _)| due.min(minute));
            let pause = Duration::from_millis(wake.ms_since(self.clock.now().tick));
            let changed = tokio::time::timeout(pause, self.timer.notified()).await.is_ok();
            if !changed {
                self.feed(Event::DeadlinePassed);
            }
        }
    }

    /// Whether nothing is under way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.look(softpos_flow::Flow::is_quiet).unwrap_or(true) && self.no_jobs()
    }

    /// Whether nothing waits for the worker.
    pub(crate) fn no_jobs(&self) -> bool {
        self.jobs.load(Ordering::Acquire) == 0
    }

    /// The worker has done a job.
    pub(crate) fn job_done(&self) {
        self.jobs.fetch_sub(1, Ordering::AcqRel);
    }

    /// The worker has ended and the store is closed.
    pub(crate) fn worker_ended(&self) {
        *self.ended.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ended.1.notify_all();
        self.steps.push(Step::Closed);
    }

    /// A fault inside: nothing is begun any more and the session ends, so that whoever waits for a step gets
    /// [`Step::Closed`] and the folder can be opened again. Waits for nothing: this may be the card's thread.
    pub(crate) fn fail(&self) {
        self.failed.store(true, Ordering::Release);
        self.begin_to_close();
    }

    /// Ends the session: what is on the disk stays, what waits goes on at the next opening. A worker that the
    /// disk holds fast keeps the folder until it is let go, but nobody waiting.
    pub(crate) fn close(&self, limit: Duration) {
        self.begin_to_close();
        if self.abandoned.load(Ordering::Acquire) {
            return;
        }
        let ended = self.ended.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.ended.1.wait_timeout_while(ended, limit, |ended| !*ended);
        let has_ended = *waited.unwrap_or_else(PoisonError::into_inner).0;
        if !has_ended && !self.abandoned.swap(true, Ordering::AcqRel) {
            self.log.line(LogLevel::Error, "shutdown_incomplete", &[]);
            self.steps.push(Step::Closed);
        }
    }

    fn begin_to_close(&self) {
        self.closing.store(true, Ordering::Release);
        self.timer.notify_one();
        if let Some(work) = self.work.lock().unwrap_or_else(PoisonError::into_inner).take() {
            self.jobs.fetch_add(1, Ordering::AcqRel);
            // A worker that is gone has ended already.
            let _ = work.send(Work::Stop);
        }
    }

    fn lock(&self) -> Result<MutexGuard<'_, Flow>, SoftPosError> {
        if self.failed.load(Ordering::Acquire) {
            return Err(SoftPosError::of(Code::SessionPoisoned));
        }
        if self.closing.load(Ordering::Acquire) {
            return Err(SoftPosError::of(Code::SessionClosed));
        }
        self.flow.lock().map_err(|_| {
            self.fail();
            SoftPosError::of(Code::SessionPoisoned)
        })
    }

    /// Hands every effect to the one who carries it out. Nothing here waits.
    fn carry_out(self: &Arc<Self>, flow: &mut Flow) -> Capdu {
        let mut command = None;
        while let Some(effect) = flow.poll() {
            match effect {
                Effect::Transceive { capdu } => command = Some(capdu),
                Effect::AskPin { key } => self.steps.push(Step::AskPin { key }),
                Effect::Sign { id, digests } => self.job(Work::Sign { id, digests }),
                Effect::Attest { id, challenge } => self.job(Work::Attest { id, challenge }),
                Effect::Persist { id, kind, payload } => self.job(Work::Persist { id, kind, payload }),
                Effect::Anchor { id, since } => self.job(Work::Anchor { id, since }),
                Effect::SaveKeys { id, registers } => self.job(Work::SaveKeys { id, registers }),
                Effect::SendHost {
                    id,
                    request,
                    attempt,
                    timeout_ms,
                } => {
                    self.send(id, request, attempt, timeout_ms);
                }
                Effect::Show(view) => {
                    let text = wording::view(self.texts_for(flow, &view), &view);
                    self.steps.push(Step::Show { view, text });
                }
                Effect::Say(announcement) => {
                    let text = wording::announcement(self.customer_texts(), &announcement);
                    self.steps.push(Step::Say { announcement, text });
                }
                Effect::Notify(notice) => {
                    let text = wording::notice(self.texts(), &notice);
                    self.steps.push(Step::Notice { notice, text });
                }
                Effect::Finish(ending) => {
                    let texts = match &ending {
                        Ending::Payment { .. } | Ending::NotStarted { .. } => self.customer_texts(),
                        Ending::Activated
                        | Ending::ActivationFailed { .. }
                        | Ending::Settled { .. }
                        | Ending::SettleFailed { .. } => self.texts(),
                    };
                    let text = wording::ending(texts, &ending);
                    self.steps.push(Step::Finished { ending, text });
                }
            }
        }
        command
    }

    fn job(&self, work: Work) {
        if let Some(sender) = &*self.work.lock().unwrap_or_else(PoisonError::into_inner) {
            self.jobs.fetch_add(1, Ordering::AcqRel);
            if sender.send(work).is_err() {
                self.jobs.fetch_sub(1, Ordering::AcqRel);
            }
        }
    }

    fn send(self: &Arc<Self>, id: EffectId, request: HostRequest, attempt: u32, timeout_ms: u64) {
        let session = Arc::clone(self);
        let link = self.link.read().unwrap_or_else(PoisonError::into_inner).clone();
        self.runtime.spawn(async move {
            let Some(link) = link else {
                let sent = softpos_host::Sent::No;
                return session.feed(Event::HostFailed {
                    id,
                    sent,
                    not_trusted: false,
                });
            };
            match link.send(&request, attempt, timeout_ms).await {
                Ok(answer) => {
                    session.feed(Event::HostReplied {
                        id,
                        answer: answer.as_host_answer(),
                    });
                }
                Err(failure) => {
                    let cause = LogValue::Word(failure.cause.name());
                    session
                        .log
                        .line(LogLevel::Warning, "host_no_answer", &[("cause", cause)]);
                    let not_trusted = matches!(failure.cause, Cause::PinMismatch | Cause::NotTrusted);
                    session.feed(Event::HostFailed {
                        id,
                        sent: failure.sent,
                        not_trusted,
                    });
                }
            }
        });
    }

    /// The till's language.
    pub(crate) const fn language(&self) -> Language {
        self.language
    }

    fn texts(&self) -> Texts {
        Texts::new(self.language)
    }

    fn customer_texts(&self) -> Texts {
        let language = self
            .customer_language
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Texts::new(*language)
    }

    /// The texts in the language of the payment on the screen; one whose card is still being read is in no ledger.
    fn texts_for(&self, flow: &Flow, view: &View) -> Texts {
        let Some(key) = view.key else {
            return self.texts();
        };
        match flow.ledger().payment(key) {
            Some(payment) => Texts::new(payment.language),
            None => self.customer_texts(),
        }
    }
}
