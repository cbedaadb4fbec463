//! Sales, codes, refunds, reversals and queries.

use softpos_cards::{Account, IssuerAnswer};
use softpos_crypto::dukpt::Ksn;
use softpos_crypto::seal::{SealedPayload, open_payload};
use softpos_host::{
    CardPayload, CodePayload, CodeReply, CodeState, Envelope, ReversalReply, ReversalRequest, SealedData,
    StatusReply, TransactionReply, TransactionRequest, TransactionState,
};
use softpos_types::{AuthCode, Method, Money, Operation, OrderId, Pan, PaymentKey, SecretBytes};

use super::{Host, Refusal, Said, json, read};

/// 9F27 of a card that has approved by itself.
const APPROVED_BY_CARD: [u8; 4] = [0x9F, 0x27, 0x01, 0x40];

/// A payment as the host has it.
pub(super) struct Held {
    body: Vec<u8>,
    pub(super) envelope: Envelope,
    pub(super) state: TransactionState,
    pub(super) amount_minor: i64,
    de39: &'static str,
    host_utc_ms: u64,
    code: Option<CodeOrder>,
    /// A payer's code was charged: when they pay, if they do.
    charge: Option<Payer>,
}

/// What a payer does whose code is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayerMood {
    /// Pays at once.
    Pays,
    /// Is asked, and confirms after a second and so many milliseconds.
    Confirms(u64),
    /// Is asked, and does nothing.
    Ignores,
    /// Has no money.
    NoMoney,
    /// Pays, and the wallet says that it does not know.
    PaysUnheard,
}

/// When the money of a charge moves.
#[derive(Clone, Copy)]
enum Payer {
    Nothing,
    PaysAt(u64),
}

/// An order that a customer may pay.
struct CodeOrder {
    pays_utc_ms: Option<u64>,
    expires_utc_ms: u64,
}

/// Money that moved.
pub(crate) struct Booked<'a> {
    pub(crate) key: PaymentKey,
    pub(crate) operation: Operation,
    pub(crate) amount_minor: i64,
    pub(crate) original: Option<PaymentKey>,
    pub(crate) order: Option<&'a OrderId>,
}

impl Held {
    /// What became of a shown code by now.
    fn catch_up(&mut self, utc_ms: u64) {
        if let (TransactionState::AwaitingPayer | TransactionState::InProgress, Some(Payer::PaysAt(pays))) =
            (self.state, self.charge)
            && pays <= utc_ms
        {
            (self.state, self.de39) = (TransactionState::Approved, "00");
        }
        if let (TransactionState::AwaitingPayer, Some(code)) = (self.state, &self.code) {
            if code.pays_utc_ms.is_some_and(|pays| pays <= utc_ms) {
                (self.state, self.de39) = (TransactionState::Approved, "00");
            } else if code.expires_utc_ms <= utc_ms {
                self.state = TransactionState::Expired;
            }
        }
    }

    fn reply(&self) -> TransactionReply {
        let envelope = &self.envelope;
        TransactionReply {
            key: envelope.key,
            terminal: envelope.terminal.clone(),
            batch: envelope.batch,
            stan: envelope.stan,
            amount_minor: self.amount_minor,
            currency: envelope.currency,
            state: self.state,
            de39: self.de39.into(),
            auth_code: AuthCode::new(&envelope.stan.to_string()).ok(),
            rrn: None,
            host_utc_ms: self.host_utc_ms,
            de55: None,
            channel: (self.code.is_some() || self.charge.is_some()).then(|| "wallet".into()),
            channel_transaction: None,
        }
    }

    fn status(&self) -> StatusReply {
        let open = match self.state {
            TransactionState::InProgress => true,
            TransactionState::AwaitingPayer => self.charge.is_some(),
            TransactionState::Approved
            | TransactionState::Declined
            | TransactionState::Expired
            | TransactionState::Reversed
            | TransactionState::NotFound => false,
        };
        StatusReply {
            key: self.envelope.key,
            state: self.state,
            reply: (!open).then(|| self.reply()),
        }
    }

    fn answer(&self) -> Vec<u8> {
        if self.charge.is_some() {
            return json(&self.status());
        }
        match &self.code {
            None => json(&self.reply()),
            Some(code) => json(&CodeReply {
                key: self.envelope.key,
                state: if self.state == TransactionState::AwaitingPayer {
                    CodeState::Open
                } else {
                    CodeState::Closed
                },
                guid: "A000000677010112".into(),
                account: "SIM0001".into(),
                reference: format!("SIM{}", self.envelope.stan),
                expires_utc_ms: code.expires_utc_ms,
            }),
        }
    }
}

impl Host {
    /// The till was started anew: which codes it has charged, it does not know any more.
    pub(crate) fn till_started(&mut self) {
        self.spent_codes.append(&mut self.used_codes);
    }

    /// Everything that was approved and stands.
    pub(crate) fn booked(&self) -> impl Iterator<Item = Booked<'_>> {
        let approved = |held: &&Held| held.state == TransactionState::Approved;
        self.payments.values().filter(approved).map(|held| Booked {
            key: held.envelope.key,
            operation: held.envelope.operation,
            amount_minor: held.amount_minor,
            original: held.envelope.original_key,
            order: held.envelope.order.as_ref(),
        })
    }

    /// What became of this payment.
    pub(crate) fn state(&self, key: PaymentKey) -> Option<TransactionState> {
        self.payments.get(&key).map(|held| held.state)
    }

    /// Whether a reversal came before its payment, which is refused ever after.
    pub(crate) fn is_tombstone(&self, key: PaymentKey) -> bool {
        self.tombstones.contains(&key)
    }

    /// Time passes for customers, too.
    pub(crate) fn catch_up(&mut self, utc_ms: u64) {
        for held in self.payments.values_mut() {
            held.catch_up(utc_ms);
        }
    }

    /// Charges a payer's code; one that comes again is a complaint, for a till uses none twice.
    pub(super) fn charge(&mut self, body: &[u8], utc_ms: u64) -> Said {
        let request: TransactionRequest = read(body)?;
        let envelope = request.envelope().map_err(|_| Refusal(400, "malformed"))?;
        self.check_data_key(&request, body);
        let key = envelope.key;
        if let Some(held) = self.payments.get_mut(&key) {
            held.catch_up(utc_ms);
            return match held.state {
                _ if held.body != body => Err(Refusal(409, "key_reuse")),
                TransactionState::Reversed => Err(Refusal(409, "reversed")),
                TransactionState::Approved
                | TransactionState::Declined
                | TransactionState::InProgress
                | TransactionState::AwaitingPayer
                | TransactionState::Expired
                | TransactionState::NotFound => Ok(Some(held.answer())),
            };
        }
        if self.tombstones.contains(&key) {
            return Err(Refusal(409, "reversed"));
        }
        if envelope.batch != self.batch {
            return Err(Refusal(409, "batch_closed"));
        }
        let sealed = request.sealed.as_ref().ok_or(Refusal(400, "malformed"))?;
        let clear = self.open_data(sealed, request.additional_data());
        let code = clear.and_then(|clear| CodePayload::from_bytes(clear.expose()).ok());
        let code = code.ok_or(Refusal(400, "malformed"))?.code.expose().to_vec();
        // A wallet pays one order with a code. The till sends none twice, as long as it runs.
        let spent = self.spent_codes.contains(&code);
        if !self.used_codes.insert(code) {
            self.complaints
                .push(format!("{key}: a payer's code was charged twice"));
        }
        let soon = utc_ms + 1_000;
        let refused = spent.then_some(PayerMood::NoMoney);
        let mood = refused
            .or(self.payer)
            .unwrap_or_else(|| match self.chance.below(6) {
                0 => PayerMood::NoMoney,
                1 => PayerMood::Ignores,
                2 => PayerMood::Confirms(self.chance.below(40_000)),
                3 => PayerMood::PaysUnheard,
                _ => PayerMood::Pays,
            });
        let (state, de39, payer) = match mood {
            PayerMood::NoMoney => (TransactionState::Declined, "51", Payer::Nothing),
            PayerMood::Ignores => (TransactionState::AwaitingPayer, "", Payer::Nothing),
            PayerMood::Confirms(ms) => (TransactionState::AwaitingPayer, "", Payer::PaysAt(soon + ms)),
            PayerMood::PaysUnheard => (TransactionState::InProgress, "", Payer::PaysAt(soon)),
            PayerMood::Pays => (TransactionState::Approved, "00", Payer::Nothing),
        };
        let held = Held {
            body: body.to_vec(),
            amount_minor: envelope.amount_minor,
            envelope,
            state,
            de39,
            host_utc_ms: utc_ms,
            code: None,
            charge: Some(payer),
        };
        let answer = held.answer();
        self.payments.insert(key, held);
        Ok(Some(answer))
    }

    /// The payer pays a charge that was undone: no wallet does that, and no till may believe it.
    pub(crate) fn pay_late(&mut self, key: PaymentKey) {
        if let Some(held) = self.payments.get_mut(&key) {
            (held.state, held.de39) = (TransactionState::Approved, "00");
        }
    }

    pub(super) fn payment(&mut self, body: &[u8], again: bool, utc_ms: u64) -> Said {
        let request: TransactionRequest = read(body)?;
        let envelope = request.envelope().map_err(|_| Refusal(400, "malformed"))?;
        self.check_data_key(&request, body);
        if let Some(held) = self.payments.get_mut(&envelope.key) {
            if held.body != body {
                return Err(Refusal(409, "key_reuse"));
            }
            held.catch_up(utc_ms);
            return match held.state {
                TransactionState::Reversed => Err(Refusal(409, "reversed")),
                TransactionState::InProgress if again => {
                    self.authorise(&request, &envelope)?;
                    Ok(self.payments.get(&envelope.key).map(Held::answer))
                }
                TransactionState::InProgress => Err(Refusal(409, "busy")),
                TransactionState::Approved
                | TransactionState::Declined
                | TransactionState::AwaitingPayer
                | TransactionState::Expired
                | TransactionState::NotFound => Ok(Some(held.answer())),
            };
        }
        if self.tombstones.contains(&envelope.key) {
            return Err(Refusal(409, "reversed"));
        }
        if envelope.batch != self.batch {
            return Err(Refusal(409, "batch_closed"));
        }
        self.check_refund(&envelope)?;
        let key = envelope.key;
        let held = self.first_state(body, &envelope, utc_ms);
        self.payments.insert(key, held);
        if envelope.method == Method::Card && envelope.operation == Operation::Sale {
            let (slow, _) = self.moods;
            if self.chance.permille(slow) {
                return Ok(None);
            }
            self.authorise(&request, &envelope)?;
        }
        Ok(self.payments.get(&key).map(Held::answer))
    }

    fn first_state(&mut self, body: &[u8], envelope: &Envelope, utc_ms: u64) -> Held {
        let (state, code) = match (envelope.operation, envelope.method) {
            (Operation::Sale, Method::Card) => (TransactionState::InProgress, None),
            (Operation::Sale, Method::Code) => {
                let pays = self
                    .chance
                    .permille(600)
                    .then(|| utc_ms + self.chance.below(60_000));
                let order = CodeOrder {
                    pays_utc_ms: pays,
                    expires_utc_ms: utc_ms + 90_000,
                };
                (TransactionState::AwaitingPayer, Some(order))
            }
            (Operation::Sale, Method::Cash) | (Operation::Refund, _) => (TransactionState::Approved, None),
        };
        Held {
            body: body.to_vec(),
            envelope: envelope.clone(),
            state,
            amount_minor: envelope.amount_minor,
            de39: "00",
            host_utc_ms: utc_ms,
            code,
            charge: None,
        }
    }

    /// The issuer's part: opens the card data and decides by the account.
    fn authorise(&mut self, request: &TransactionRequest, envelope: &Envelope) -> Result<(), Refusal> {
        let sealed = request.sealed.as_ref().ok_or(Refusal(400, "malformed"))?;
        let (account, by_card) = self.open(sealed, request.additional_data()).unzip();
        let by_card = by_card.unwrap_or(false);
        let (_, partial) = self.moods;
        // What a card approved in its issuer's name is honoured in whole.
        let part_only = self.chance.permille(partial) && envelope.amount_minor > 1 && !by_card;
        let held = self
            .payments
            .get_mut(&envelope.key)
            .ok_or(Refusal(404, "not_found"))?;
        let (state, de39) = match account.map(|account| account.answer) {
            Some(IssuerAnswer::Approve) if part_only => {
                held.amount_minor /= 2;
                (TransactionState::Approved, "10")
            }
            Some(IssuerAnswer::Approve) => (TransactionState::Approved, "00"),
            Some(IssuerAnswer::Decline(de39)) => (TransactionState::Declined, de39),
            None => (TransactionState::Declined, "14"),
        };
        (held.state, held.de39) = (state, de39);
        Ok(())
    }

    /// A data key seals one body; that one may come again.
    fn check_data_key(&mut self, request: &TransactionRequest, body: &[u8]) {
        let sealed = request.sealed.as_ref();
        let Some(ksn) = sealed.and_then(|sealed| sealed.ksn.as_slice().try_into().ok()) else {
            return;
        };
        let first = self.used_data_keys.entry(ksn).or_insert_with(|| body.to_vec());
        if first.as_slice() != body {
            self.complaints.push(format!("data key {ksn:?} was used twice"));
        }
    }

    fn open_data(&mut self, sealed: &SealedData, additional_data: &[u8]) -> Option<SecretBytes> {
        let ksn = Ksn::from_bytes(&sealed.ksn).ok()?;
        if !self.is_handed_out(ksn.ikid()) {
            self.complaints
                .push(format!("data key {ksn:?} is of no set in use"));
        }
        let [_, data] = self.initial_keys(ksn.ikid());
        let payload = SealedPayload {
            ksn,
            nonce: sealed.nonce.as_slice().try_into().ok()?,
            ciphertext_and_tag: sealed.data.clone(),
        };
        open_payload(&data, &payload, additional_data).ok()
    }

    /// The account, and whether the card has approved by itself.
    fn open(&mut self, sealed: &SealedData, additional_data: &[u8]) -> Option<(&'static Account, bool)> {
        let clear = self.open_data(sealed, additional_data)?;
        let card = CardPayload::from_bytes(clear.expose()).ok()?;
        if let Some(pin) = &card.pin
            && !self.used_pin_keys.insert(pin.ksn)
        {
            self.complaints
                .push(format!("PIN key {:?} was used twice", pin.ksn));
        }
        let pan = Pan::from_bcd(card.track2.expose().get(..8)?).ok()?;
        let by_card = card.de55.windows(4).any(|object| object == APPROVED_BY_CARD);
        Some((Account::of(&pan)?, by_card))
    }

    /// Row 23: a refund gives back what stands and is left of its sale.
    fn check_refund(&self, envelope: &Envelope) -> Result<(), Refusal> {
        if envelope.operation == Operation::Sale {
            return Ok(());
        }
        let original = envelope.original_key.ok_or(Refusal(400, "malformed"))?;
        let sale = self
            .payments
            .get(&original)
            .filter(|sale| {
                sale.state == TransactionState::Approved && sale.envelope.operation == Operation::Sale
            })
            .ok_or(Refusal(422, "not_refundable"))?;
        let refunded: i64 = self
            .booked()
            .filter(|booked| booked.original == Some(original))
            .map(|booked| booked.amount_minor)
            .sum();
        if refunded + envelope.amount_minor > sale.amount_minor {
            return Err(Refusal(422, "refund_over_sale"));
        }
        Ok(())
    }

    pub(super) fn reversal(&mut self, body: &[u8], utc_ms: u64) -> Said {
        let request: ReversalRequest = read(body)?;
        let key = request.original_key;
        let de39 = match self.payments.get_mut(&key) {
            None => {
                self.tombstones.insert(key);
                "25"
            }
            Some(held) if held.envelope.operation == Operation::Refund => {
                self.complaints.push(format!("{key}: a refund is to be reversed"));
                "12"
            }
            Some(held) => {
                held.catch_up(utc_ms);
                let asked = Money::new(request.amount_minor, request.currency);
                let named = Money::new(held.envelope.amount_minor, held.envelope.currency);
                if (request.stan, asked) != (held.envelope.stan, named) {
                    self.complaints
                        .push(format!("{key}: its reversal names another payment"));
                }
                if matches!(
                    held.state,
                    TransactionState::Approved
                        | TransactionState::AwaitingPayer
                        | TransactionState::InProgress
                ) {
                    held.state = TransactionState::Reversed;
                }
                "00"
            }
        };
        if self.booked().any(|booked| booked.original == Some(key)) {
            self.complaints.push(format!("{key}: reversed after a refund"));
        }
        Ok(Some(json(&ReversalReply {
            original_key: key,
            de39: de39.into(),
            host_utc_ms: utc_ms,
        })))
    }

    pub(super) fn status(&mut self, path: &str, utc_ms: u64) -> Said {
        let key = path.rsplit('/').next().unwrap_or_default();
        let key: PaymentKey = key.parse().map_err(|_| Refusal(404, "not_found"))?;
        let (state, reply) = match self.payments.get_mut(&key) {
            Some(held) => {
                held.catch_up(utc_ms);
                return Ok(Some(json(&held.status())));
            }
            None if self.tombstones.contains(&key) => (TransactionState::Reversed, None),
            None => (TransactionState::NotFound, None),
        };
        Ok(Some(json(&StatusReply { key, state, reply })))
    }
}
