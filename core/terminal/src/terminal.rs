//! The till as shells and programs use it: the calls that the bindings wrap unchanged.

use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use softpos_flow::{Event, Flow, PaymentRequest, Redemption, RefundRequest};
use softpos_host::{Anchors, Limits, MerchantProfile};
use softpos_types::{
    Batch, Code, Currency, Fault, Language, Method, Money, Now, PaymentKey, SecretBytes, SoftPosError,
    TerminalId,
};

use crate::activation_uri::ActivationUri;
use crate::background_check;
use crate::bounded_hardware::BoundedHardware;
use crate::clock::Clock;
use crate::hardware::SecureHardware;
use crate::link::HostLink;
use crate::log::{Log, LogLevel, LogSink, LogValue};
use crate::opening::open_folder;
use crate::pin_entry::PinEntry;
use crate::session::{Capdu, Parts, Session};
use crate::steps::Step;
use crate::summary::PaymentSummary;
use crate::worker;

/// How long a shutdown waits for the disk: longer than anybody waits for secure hardware.
const SHUTDOWN: Duration = Duration::from_secs(10);
/// Connecting before the parameters say how long.
const FIRST_CONNECT_MS: u64 = 10_000;

/// Where a till lives and how it speaks.
#[derive(Clone, Debug)]
pub struct TerminalConfig {
    /// The data folder; made at first use.
    pub dir: PathBuf,
    /// The till's language; a payment may have another.
    pub language: Language,
    /// Version of the program.
    pub app_version: String,
    /// The host's address, if it has moved since the activation. Its pins stay.
    pub host_url: Option<String>,
    /// Trust anchors that a release build compiles in; without them those that come with the activation count.
    pub anchors: Option<Anchors>,
}

/// A running till. Clones share it; the last one gone, or [`Terminal::shutdown`], ends it.
#[derive(Clone)]
pub struct Terminal {
    shared: Arc<Shared>,
}

struct Shared {
    session: Arc<Session>,
    runtime: Option<tokio::runtime::Runtime>,
    found: Arc<Mutex<Vec<String>>>,
    dir: PathBuf,
    host_url: Option<String>,
}

/// What the card loop does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CardStep {
    /// Send this command to the card and bring the answer.
    Transmit {
        /// The command APDU.
        capdu: Vec<u8>,
    },
    /// Wait for a card; what to show came as a step.
    WaitForCard,
    /// The card is no longer needed.
    Done,
}

/// What the till can do now, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Whether the activation is complete.
    pub activated: bool,
    /// Why a card sale would be refused now, if it would.
    pub obstacle: Option<Fault>,
    /// Who sells.
    pub merchant: Option<MerchantProfile>,
    /// Terminal number.
    pub terminal: Option<TerminalId>,
    /// The till's currency.
    pub currency: Option<Currency>,
    /// Goods categories to choose from.
    pub categories: Vec<String>,
    /// Ways to pay that are on.
    pub methods: Vec<Method>,
    /// Amount limits.
    pub limits: Option<Limits>,
    /// The batch that is open.
    pub batch: Batch,
    /// Whether the network is there, as far as the shell said.
    pub online: bool,
    /// Payments that something still has to happen to.
    pub open_payments: u32,
    /// What waits to be forwarded.
    pub queue: QueueView,
    /// What opening the folder found, a sentence each.
    pub found: Vec<String>,
}

/// What waits to be forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueView {
    /// How many payments.
    pub count: u32,
    /// Their sum.
    pub sum: Money,
    /// When the oldest was accepted.
    pub oldest_utc_ms: Option<u64>,
    /// Whether the acquirer allows card payments to be stored.
    pub offline_enabled: bool,
}

impl Terminal {
    /// Opens the folder, folds its journal and goes on where it ends: open payments are cleared up in the background.
    ///
    /// # Errors
    /// [`Code::StoreInUse`], [`Code::StoreUnreadable`], [`Code::StoreNewer`], [`Code::StoreLocked`],
    /// [`Code::StoreDamaged`], [`Code::SecureHardware`]: nothing is changed then.
    pub fn open(
        config: TerminalConfig,
        hardware: Arc<dyn SecureHardware>,
        log: Arc<dyn LogSink>,
    ) -> Result<Self, SoftPosError> {
        let hardware: Arc<dyn SecureHardware> = Arc::new(BoundedHardware::new(hardware)?);
        let folder = open_folder(&config.dir, &*hardware, config.language)?;
        let found = Arc::new(Mutex::new(folder.findings.clone()));
        let unread = folder.unread()?;
        let clock = Clock::start();
        let (opening, store) =
            folder.into_opening(&hardware, config.app_version, config.anchors, clock.now())?;
        let runtime = runtime()?;
        let link = match &opening.ledger.activation {
            Some(activation) => {
                let url = config.host_url.as_ref().unwrap_or(&activation.host_url);
                Some(HostLink::new(url, &activation.pins, FIRST_CONNECT_MS)?)
            }
            None => None,
        };
        let flow = Flow::new(opening);
        let (sender, receiver) = channel();
        let parts = Parts {
            flow,
            work: sender,
            link,
            clock,
            hardware,
            log: Log::start(log)?,
            runtime: runtime.handle().clone(),
            language: config.language,
        };
        let session = Arc::new(Session::new(parts));
        let worker_session = Arc::clone(&session);
        std::thread::Builder::new()
            .name("softpos-journal".into())
            .spawn(move || worker::run(&worker_session, store, &receiver))
            .map_err(|error| SoftPosError::of(Code::SessionPoisoned).with_detail(error.to_string()))?;
        runtime.spawn(Arc::clone(&session).keep_time());
        let (session, runtime) = (session, Some(runtime));
        let terminal = Self {
            shared: Arc::new(Shared {
                session,
                runtime,
                found,
                dir: config.dir,
                host_url: config.host_url,
            }),
        };
        for finding in 0..terminal.found().len() {
            let number = LogValue::Number(u64::try_from(finding).unwrap_or(u64::MAX));
            terminal
                .session()
                .log
                .line(LogLevel::Warning, "folder_finding", &[("number", number)]);
        }
        // What the journal left open is taken up now.
        terminal.session().with(|flow, now| {
            if !flow.resume_activation(now) {
                flow.force_sync(now);
            }
        })?;
        terminal.session().warm();
        if let Some((reader, before)) = unread {
            background_check::start(reader, before, terminal.session(), &terminal.shared.found)?;
        }
        Ok(terminal)
    }

    /// What the till can do now.
    ///
    /// # Errors
    /// [`Code::SessionClosed`], [`Code::SessionPoisoned`], as for every call.
    pub fn status(&self) -> Result<Status, SoftPosError> {
        self.session().look(|flow, now| {
            let ledger = flow.ledger();
            let parameters = flow.parameters();
            Status {
                activated: flow.is_active(),
                obstacle: flow.card_sale_obstacle(now).map(Fault::of),
                merchant: parameters.map(|parameters| parameters.merchant.clone()),
                terminal: ledger
                    .activation
                    .as_ref()
                    .map(|activation| activation.terminal.clone()),
                currency: parameters.map(|parameters| parameters.currency),
                categories: parameters.map(|p| p.categories.clone()).unwrap_or_default(),
                methods: parameters.map(|p| p.methods.clone()).unwrap_or_default(),
                limits: parameters.map(|parameters| parameters.limits.clone()),
                batch: ledger.batch,
                online: flow.online(),
                open_payments: u32::try_from(ledger.open().count()).unwrap_or(u32::MAX),
                queue: queue_view(flow),
                found: self.found(),
            }
        })
    }

    /// Activates the till with a code, or goes on with an activation that stopped. Progress and end come as steps.
    ///
    /// # Errors
    /// `InvalidInput` for a malformed address or pin or on an active till, `NotReady` while something is open.
    pub fn activate(&self, activation: &ActivationUri) -> Result<(), SoftPosError> {
        let pins = activation.pins().to_vec();
        let url = self
            .shared
            .host_url
            .as_deref()
            .unwrap_or_else(|| activation.host())
            .to_owned();
        let link = HostLink::new(&url, &pins, FIRST_CONNECT_MS)?;
        let redemption = Redemption {
            code: activation.code().to_owned(),
            host_url: activation.host().to_owned(),
            pins,
        };
        if self
            .session()
            .look(|flow, _| flow.ledger().activation.is_none())?
        {
            *self
                .session()
                .link
                .write()
                .unwrap_or_else(PoisonError::into_inner) = Some(link);
        }
        self.session().with(|flow, now| flow.activate(redemption, now))?.0
    }

    /// Starts a payment. The input is checked first; on an error nothing is recorded.
    ///
    /// # Errors
    /// `InvalidInput`, `NotReady`, `HostUnreachable`, each with what to do.
    pub fn start(&self, request: PaymentRequest) -> Result<PaymentKey, SoftPosError> {
        let language = request.language;
        self.recall_order(request.order.as_ref())?;
        self.attend(language, |flow, now| flow.start(request, now))
    }

    /// Charges the code that a payer shows: the text that was scanned or typed. The code is sealed for the host and
    /// kept nowhere; it is never stored for later.
    ///
    /// # Errors
    /// As [`Terminal::start`]; `InvalidInput` with [`Code::NotAPaymentCode`] or [`Code::CodeUsed`], `NotReady` with
    /// [`Code::CodeOrderOpen`] while the charge before has no end.
    pub fn charge_code(
        &self,
        request: PaymentRequest,
        scanned: &SecretBytes,
    ) -> Result<PaymentKey, SoftPosError> {
        let language = request.language;
        self.recall_order(request.order.as_ref())?;
        self.attend(language, |flow, now| flow.charge_code(request, scanned, now))
    }

    /// A payment was said to be paid, by a push message for example. Nothing of it is believed: the host is asked now.
    ///
    /// # Errors
    /// [`Code::PaymentNotFound`]; [`Code::LatePayment`] for one that had ended without a charge and can no longer be
    /// undone from here: ask the acquirer.
    pub fn payment_notice(&self, key: PaymentKey) -> Result<(), SoftPosError> {
        self.recall(key)?;
        self.session().with(|flow, now| flow.payment_notice(key, now))?.0
    }

    /// Starts a refund of an approved sale, whole or in part.
    ///
    /// # Errors
    /// As [`Terminal::start`].
    pub fn refund(&self, request: &RefundRequest) -> Result<PaymentKey, SoftPosError> {
        self.recall(request.original_key)?;
        self.attend(request.language, |flow, now| flow.refund(request, now))
    }

    /// A card came into the field. The card loop is synchronous: one call in, one command out.
    ///
    /// # Errors
    /// [`Code::SessionClosed`], [`Code::SessionPoisoned`].
    pub fn card_present(&self) -> Result<CardStep, SoftPosError> {
        self.card(Event::CardPresent)
    }

    /// More than one card is in the field.
    ///
    /// # Errors
    /// As [`Terminal::card_present`].
    pub fn card_collision(&self) -> Result<CardStep, SoftPosError> {
        self.card(Event::CardCollision)
    }

    /// The card answered; `elapsed_us` is the time from the command's first to the answer's last byte.
    ///
    /// # Errors
    /// As [`Terminal::card_present`].
    pub fn card_replied(&self, rapdu: &[u8], elapsed_us: u32) -> Result<CardStep, SoftPosError> {
        self.card(Event::CardReplied { rapdu, elapsed_us })
    }

    /// The card left the field.
    ///
    /// # Errors
    /// As [`Terminal::card_present`].
    pub fn card_lost(&self) -> Result<CardStep, SoftPosError> {
        self.card(Event::CardLost)
    }

    /// The PIN pad's end in the core, after [`Step::AskPin`].
    ///
    /// # Errors
    /// [`Code::NotExpected`] when no PIN is asked for.
    pub fn pin_entry(&self) -> Result<PinEntry, SoftPosError> {
        if self.session().look(|flow, _| flow.awaits_pin())? {
            Ok(PinEntry::new(Arc::clone(self.session())))
        } else {
            Err(SoftPosError::of(Code::NotExpected))
        }
    }

    /// The operator gives up. What was sent already is undone in the background.
    ///
    /// # Errors
    /// [`Code::SessionClosed`], [`Code::SessionPoisoned`].
    pub fn cancel(&self) -> Result<(), SoftPosError> {
        self.session()
            .with(|flow, now| flow.handle(Event::Cancelled, now))
            .map(drop)
    }

    /// The operator refuses an approved sale of the open batch (wrong code or amount): it is undone.
    ///
    /// # Errors
    /// [`Code::PaymentNotFound`], [`Code::NotRefundable`].
    pub fn refuse_approval(&self, key: PaymentKey) -> Result<(), SoftPosError> {
        self.recall(key)?;
        self.session().with(|flow, now| flow.refuse_approval(key, now))?.0
    }

    /// What to do next; waits until there is something. One driver loop calls this.
    pub async fn next_step(&self) -> Step {
        self.session().steps.next().await
    }

    /// As [`Terminal::next_step`] for a caller without a runtime of its own, for at most so long.
    pub fn next_step_within(&self, limit: Duration) -> Option<Step> {
        match &self.shared.runtime {
            Some(runtime) => runtime.block_on(self.session().steps.next_within(limit)),
            None => Some(Step::Closed),
        }
    }

    /// One payment.
    ///
    /// # Errors
    /// [`Code::PaymentNotFound`].
    pub fn payment(&self, key: PaymentKey) -> Result<PaymentSummary, SoftPosError> {
        self.recall(key)?;
        self.session().look(|flow, _| {
            let payment = flow
                .ledger()
                .payment(key)
                .ok_or_else(|| SoftPosError::of(Code::PaymentNotFound))?;
            Ok(PaymentSummary::of(flow.ledger(), payment))
        })?
    }

    /// Everything that waits to be forwarded, in its order.
    ///
    /// # Errors
    /// [`Code::SessionClosed`], [`Code::SessionPoisoned`].
    pub fn queue(&self) -> Result<Vec<PaymentSummary>, SoftPosError> {
        self.session().look(|flow, _| {
            let ledger = flow.ledger();
            ledger
                .queue()
                .map(|payment| PaymentSummary::of(ledger, payment))
                .collect()
        })
    }

    /// Sends everything that waits now, without its pauses; says how many payments wait to be forwarded. Progress
    /// comes as steps.
    ///
    /// # Errors
    /// [`Code::HostNotReached`] while the shell says that there is no network.
    pub fn force_sync(&self) -> Result<u32, SoftPosError> {
        self.session()
            .with(|flow, now| {
                if flow.online() {
                    Ok(flow.force_sync(now))
                } else {
                    Err(SoftPosError::of(Code::HostNotReached))
                }
            })?
            .0
    }

    /// Waits until nothing is under way, for scripts; says whether that was reached in time.
    pub fn wait_idle(&self, limit: Duration) -> bool {
        #[expect(
            clippy::disallowed_methods,
            reason = "a wait on the caller's thread, no time for the flow"
        )]
        let started = Instant::now();
        while !self.session().is_quiet() {
            if started.elapsed() >= limit {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        true
    }

    /// Closes the day: what is open is told to the host first, reversals before the rest, then both sides' totals are
    /// compared. The result comes as a step: `SettleFailed` with [`Code::PaymentsUnsettled`] if something could not be
    /// told now; it stays in the queue, and the day stays open.
    ///
    /// # Errors
    /// `NotReady` while not activated or something is on the screen, `HostUnreachable` without a network.
    pub fn settle(&self) -> Result<(), SoftPosError> {
        self.session().with(Flow::settle)?.0
    }

    /// The network came or went, as the shell sees it.
    ///
    /// # Errors
    /// [`Code::SessionClosed`], [`Code::SessionPoisoned`].
    pub fn set_link(&self, online: bool) -> Result<(), SoftPosError> {
        self.session()
            .with(|flow, now| flow.handle(Event::LinkChanged { online }, now))?;
        if online {
            self.session().warm();
        }
        Ok(())
    }

    /// Ends the till within 10 seconds: everything is durable, the folder is free, [`Step::Closed`] is the last step.
    /// Only where the secure hardware does not return from a call the folder stays taken until it does.
    pub fn shutdown(&self) {
        self.session().close(SHUTDOWN);
    }

    fn found(&self) -> Vec<String> {
        let found = self.shared.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.clone()
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.shared.dir
    }

    /// For whoever caught a panic of a call: every further one gives [`Code::SessionPoisoned`] and the session ends.
    /// Open the folder again.
    pub fn fail(&self) {
        self.session().fail();
    }

    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.shared.session
    }

    /// Begins something for a customer; only if it begins the till speaks the customer's language.
    fn attend(
        &self,
        language: Language,
        begin: impl FnOnce(&mut Flow, Now) -> Result<PaymentKey, SoftPosError>,
    ) -> Result<PaymentKey, SoftPosError> {
        let session = self.session();
        session
            .with(|flow, now| {
                let key = begin(flow, now)?;
                session.speak(language);
                Ok(key)
            })?
            .0
    }

    fn card(&self, event: Event<'_>) -> Result<CardStep, SoftPosError> {
        let (reading, capdu): (bool, Capdu) = self.session().with(|flow, now| {
            flow.handle(event, now);
            flow.is_reading()
        })?;
        Ok(match capdu {
            Some(capdu) => CardStep::Transmit { capdu },
            None if reading => CardStep::WaitForCard,
            None => CardStep::Done,
        })
    }
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Terminal(..)")
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.session.close(SHUTDOWN);
        // A runtime must not be dropped where one runs; its tasks only wait for answers nobody needs any more.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn queue_view(flow: &Flow) -> QueueView {
    let ledger = flow.ledger();
    let parameters = flow.parameters();
    let currency = parameters.map_or(Currency::CNY, |parameters| parameters.currency);
    let none = Money::new(0, currency);
    let sum = ledger
        .stored()
        .try_fold(none, |sum, payment| sum.checked_add(payment.amount))
        .unwrap_or(none);
    QueueView {
        count: u32::try_from(ledger.queue_len()).unwrap_or(u32::MAX),
        sum,
        oldest_utc_ms: ledger.queue().next().map(|payment| payment.utc_ms),
        offline_enabled: parameters.is_some_and(|parameters| parameters.offline.enabled),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, SoftPosError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("softpos-net")
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error| SoftPosError::of(Code::SessionPoisoned).with_detail(error.to_string()))
}
