//! Receipts: what the journal knows of a payment, put on paper.

use softpos_host::Parameters;
use softpos_journal::{
    Activation, CardFacts, CardVerification, DECLINED_BY_CARD, Ledger, Payment, State, Totals,
};
use softpos_receipt::{
    CardData, CodeData, Columns, Copy, Cryptogram, Cvm, DayClose, EmvBlock, Entry, Format, Kind, MaskedPan,
    NoFont, Original, Receipt, ReceiptData, Rendered, Scheme, Settled, Source, Total, Unresolved,
    UnresolvedState,
};
use softpos_text::Texts;
use softpos_types::{
    Batch, Code, Currency, Language, LocalTime, Method, Money, Now, Operation, PaymentKey, SoftPosError,
};

use crate::terminal::Terminal;
use crate::wording;

/// How a slip is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paper {
    /// The slip's language; absent: the payment's.
    pub language: Option<Language>,
    /// Width of the roll.
    pub columns: Columns,
    /// A further print carries the mark and is counted.
    pub reprint: bool,
}

impl Terminal {
    /// A payment's slip as text. A further print carries the mark and is counted in the journal.
    ///
    /// # Errors
    /// [`Code::PaymentNotFound`]; [`Code::ResultUnknown`] while there is no result to print.
    pub fn receipt(&self, key: PaymentKey, copy: Copy, paper: Paper) -> Result<String, SoftPosError> {
        Ok(self.slip(key, copy, paper)?.to_text(paper.columns))
    }

    /// A payment's slip in a form: what to show, to send or to hand to a printer. Marked and counted as
    /// [`Terminal::receipt`].
    ///
    /// # Errors
    /// As [`Terminal::receipt`]; [`Code::NoFont`] for a picture or PDF without the feature `pictures`: nothing is
    /// counted then.
    pub fn receipt_file(
        &self,
        key: PaymentKey,
        copy: Copy,
        paper: Paper,
        format: Format,
    ) -> Result<Rendered, SoftPosError> {
        format.check().map_err(no_font)?;
        let slip = self.slip(key, copy, paper)?;
        slip.render(format, paper.columns).map_err(no_font)
    }

    /// The slip of a batch as text, in the till's language if the paper names none: the settlement of a closed one,
    /// or what the till has counted of the open one so far.
    ///
    /// # Errors
    /// [`Code::NotActivated`]; [`Code::NotExpected`] for a batch that this till has not had.
    pub fn day_close_slip(&self, batch: Batch, paper: Paper) -> Result<String, SoftPosError> {
        Ok(self.day_slip(batch, paper)?.to_text(paper.columns))
    }

    /// The same in a form.
    ///
    /// # Errors
    /// As [`Terminal::day_close_slip`]; [`Code::NoFont`] as [`Terminal::receipt_file`].
    pub fn day_close_file(
        &self,
        batch: Batch,
        paper: Paper,
        format: Format,
    ) -> Result<Rendered, SoftPosError> {
        format.check().map_err(no_font)?;
        let slip = self.day_slip(batch, paper)?;
        slip.render(format, paper.columns).map_err(no_font)
    }

    /// What the till says about a payment as it stands, in the payment's language: for a voice that was off, or for
    /// somebody who asks again. Nothing while it is on its way. Steps say it by themselves, once.
    ///
    /// # Errors
    /// [`Code::PaymentNotFound`].
    pub fn outcome_sentence(&self, key: PaymentKey) -> Result<Option<String>, SoftPosError> {
        self.recall(key)?;
        self.session().look(|flow, _| {
            let payment = flow.ledger().payment(key);
            let payment = payment.ok_or_else(|| SoftPosError::of(Code::PaymentNotFound))?;
            Ok(wording::outcome(Texts::new(payment.language), payment))
        })?
    }

    /// The lines, under the lock; they are drawn outside it.
    fn slip(&self, key: PaymentKey, copy: Copy, paper: Paper) -> Result<Receipt, SoftPosError> {
        self.recall(key)?;
        let (slip, _) = self.session().with(|flow, now| {
            let slip = payment_slip(flow.ledger(), flow.parameters(), key, copy, paper)?;
            if paper.reprint {
                flow.reprinted(key, now)?;
            }
            Ok(slip)
        })?;
        slip
    }

    fn day_slip(&self, batch: Batch, paper: Paper) -> Result<Receipt, SoftPosError> {
        let language = paper.language.unwrap_or_else(|| self.session().language());
        self.session().look(|flow, now| {
            let data = day_close_data(flow.ledger(), flow.parameters(), batch, now)?;
            Ok(Receipt::of_day_close(&data, language, 0))
        })?
    }
}

fn no_font(error: NoFont) -> SoftPosError {
    SoftPosError::of(Code::NoFont).with_detail(error.to_string())
}

fn payment_slip(
    ledger: &Ledger,
    parameters: Option<&Parameters>,
    key: PaymentKey,
    copy: Copy,
    paper: Paper,
) -> Result<Receipt, SoftPosError> {
    let payment = ledger
        .payment(key)
        .ok_or_else(|| SoftPosError::of(Code::PaymentNotFound))?;
    let (activation, parameters) = activated(ledger, parameters)?;
    let data = receipt_data(ledger, activation, parameters, payment);
    let language = paper.language.unwrap_or(payment.language);
    let reprint = if paper.reprint {
        payment.reprints.saturating_add(1)
    } else {
        0
    };
    Receipt::of_payment(&data, language, copy, reprint)
        .map_err(|error| SoftPosError::of(Code::ResultUnknown).with_detail(error.to_string()))
}

fn activated<'a>(
    ledger: &'a Ledger,
    parameters: Option<&'a Parameters>,
) -> Result<(&'a Activation, &'a Parameters), SoftPosError> {
    let activation = ledger.activation.as_ref();
    activation
        .zip(parameters)
        .ok_or_else(|| SoftPosError::of(Code::NotActivated))
}

fn receipt_data(
    ledger: &Ledger,
    activation: &Activation,
    parameters: &Parameters,
    payment: &Payment,
) -> ReceiptData {
    let reply = payment.reply.as_ref();
    // The host's time is the official one; a payment without an answer has only its own.
    let utc_ms = reply
        .map(|reply| reply.host_utc_ms)
        .filter(|ms| *ms > 0)
        .unwrap_or(payment.utc_ms);
    ReceiptData {
        merchant_name: parameters.merchant.name.clone(),
        merchant: activation.merchant.clone(),
        terminal: activation.terminal.clone(),
        operator: None,
        kind: kind(ledger, payment),
        source: source(ledger, parameters, payment),
        state: state(payment),
        amount: payment.amount,
        batch: payment.batch,
        stan: payment.stan,
        auth_code: reply.and_then(|reply| reply.auth_code.clone()),
        rrn: reply.and_then(|reply| reply.rrn.clone()),
        local_time: LocalTime::from_utc(utc_ms, payment.utc_offset_min),
        key: payment.key,
        order: payment.order.clone(),
        note: payment.category.clone(),
    }
}

fn kind(ledger: &Ledger, payment: &Payment) -> Kind {
    match payment.operation {
        Operation::Sale => Kind::Sale,
        Operation::Refund => {
            let original = payment.original_key.and_then(|key| ledger.payment(key));
            Kind::Refund(original.map(|original| Original {
                stan: original.stan,
                rrn: original.reply.as_ref().and_then(|reply| reply.rrn.clone()),
            }))
        }
    }
}

fn state(payment: &Payment) -> softpos_receipt::State {
    match payment.state {
        State::Approved => softpos_receipt::State::Approved,
        State::Declined if payment.declined_by_card() => softpos_receipt::State::Declined {
            code: DECLINED_BY_CARD.into(),
        },
        State::Declined => softpos_receipt::State::Declined {
            code: payment
                .reply
                .as_ref()
                .map_or_else(String::new, |reply| reply.de39.clone()),
        },
        State::Stored => softpos_receipt::State::StoredOffline,
        State::Reversed => softpos_receipt::State::Reversed,
        State::Failed => softpos_receipt::State::NotSent,
        State::Expired => softpos_receipt::State::Expired,
        State::Armed | State::AwaitingPayer | State::Unknown | State::Reversing => {
            softpos_receipt::State::Unknown
        }
    }
}

fn source(ledger: &Ledger, parameters: &Parameters, payment: &Payment) -> Source {
    // The refund of a card sale reads no card: its slip names the card of the sale, without the sale's chip data.
    let original = payment.original_key.and_then(|key| ledger.payment(key));
    let sold_to = original.and_then(|original| original.card.as_ref());
    match (payment.method, &payment.card) {
        (Method::Cash, _) => Source::Cash,
        (Method::Card, Some(card)) => Source::Card(card_data(parameters, payment, card)),
        (Method::Card, None) => Source::Card(contactless(sold_to)),
        (Method::Code, _) => code_source(payment),
    }
}

fn contactless(card: Option<&CardFacts>) -> CardData {
    CardData {
        pan: card.and_then(|card| MaskedPan::new(&card.masked_pan).ok()),
        scheme: card.map_or(Scheme::Other, |card| Scheme::of_aid(&card.aid)),
        entry: Entry::Contactless,
        issuer: None,
        acquirer: None,
        cvm: Cvm::None,
        emv: None,
    }
}

fn code_source(payment: &Payment) -> Source {
    let reply = payment.reply.as_ref();
    Source::Code(CodeData {
        channel: reply
            .and_then(|reply| reply.channel.clone())
            .unwrap_or_else(|| payment.method.name().to_owned()),
        transaction: reply.and_then(|reply| reply.channel_transaction.clone()),
        payer: None,
    })
}

fn card_data(parameters: &Parameters, payment: &Payment, card: &CardFacts) -> CardData {
    let limit = Money::new(parameters.limits.no_cvm_minor, payment.amount.currency());
    CardData {
        cvm: match card.cvm {
            CardVerification::None => Cvm::NoPinNoSignature { limit },
            CardVerification::Signature => Cvm::Signature,
            CardVerification::OnlinePin => Cvm::Pin,
            CardVerification::OnDevice => Cvm::OnDevice,
        },
        emv: emv_block(payment, card),
        ..contactless(Some(card))
    }
}

fn emv_block(payment: &Payment, card: &CardFacts) -> Option<EmvBlock> {
    Some(EmvBlock {
        aid: card.aid.clone(),
        label: card.label.clone(),
        cryptogram: match (card.cryptogram.as_slice().try_into().ok()?, card.approved_offline) {
            (cryptogram, _) if payment.declined_by_card() => Cryptogram::Aac(cryptogram),
            (cryptogram, Some(true)) => Cryptogram::Tc(cryptogram),
            (cryptogram, _) => Cryptogram::Arqc(cryptogram),
        },
        tvr: card.tvr.as_slice().try_into().ok()?,
        tsi: None,
        atc: card.atc.as_slice().try_into().ok()?,
        csn: card.psn,
        unpredictable: card.unpredictable_number.as_slice().try_into().ok()?,
        aip: card.aip.as_slice().try_into().ok()?,
        terminal_capabilities: card
            .terminal_capabilities
            .as_slice()
            .try_into()
            .unwrap_or_default(),
        iad: card.iad.clone(),
    })
}

/// A closed batch as its record has it, for its payments may be out of memory; the open one as it stands.
fn day_close_data(
    ledger: &Ledger,
    parameters: Option<&Parameters>,
    batch: Batch,
    now: Now,
) -> Result<DayClose, SoftPosError> {
    let (activation, parameters) = activated(ledger, parameters)?;
    let closed = ledger.settled.iter().rfind(|settled| settled.batch == batch);
    let (lines, settled, utc_ms) = match closed {
        Some(closed) => {
            let settled = if closed.balanced {
                Settled::Balanced
            } else {
                Settled::Differs
            };
            let lines = closed.totals.iter().map(|line| (line.method, line.totals));
            (lines.collect(), settled, closed.host_utc_ms)
        }
        None if batch == ledger.batch => {
            let lines = ledger
                .totals(batch)
                .map_err(|error| SoftPosError::of(error.into()))?;
            (lines, Settled::Pending, now.utc_ms)
        }
        None => {
            let unknown = SoftPosError::of(Code::NotExpected);
            return Err(unknown.with_detail("this till has not had that batch"));
        }
    };
    let unresolved = ledger
        .open()
        .filter(|payment| payment.batch == batch && settled == Settled::Pending);
    Ok(DayClose {
        merchant_name: parameters.merchant.name.clone(),
        merchant: activation.merchant.clone(),
        terminal: activation.terminal.clone(),
        batch,
        local_time: LocalTime::from_utc(utc_ms, parameters.utc_offset_min),
        totals: totals(&lines, parameters.currency),
        settled,
        unresolved: unresolved.map(unresolved_line).collect(),
    })
}

fn totals(lines: &[(Method, Totals)], currency: Currency) -> Vec<Total> {
    let total = |operation, method, count, sum_minor| Total {
        operation,
        method,
        count,
        sum: Money::new(sum_minor, currency),
    };
    lines
        .iter()
        .flat_map(|(method, totals)| {
            let (sold, given) = (totals.sale_minor, totals.refund_minor);
            [
                total(Operation::Sale, *method, totals.sale_count, sold),
                total(Operation::Refund, *method, totals.refund_count, given),
            ]
        })
        .filter(|total| total.count > 0)
        .collect()
}

fn unresolved_line(payment: &Payment) -> Unresolved {
    Unresolved {
        stan: payment.stan,
        amount: payment.amount,
        state: match payment.state {
            State::Reversing => UnresolvedState::Reversing,
            State::Stored => UnresolvedState::Stored,
            State::Armed
            | State::AwaitingPayer
            | State::Unknown
            | State::Approved
            | State::Declined
            | State::Failed
            | State::Reversed
            | State::Expired => UnresolvedState::Unknown,
        },
    }
}
