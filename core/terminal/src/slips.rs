//! Receipts: what the journal knows of a payment, put on paper.

use softpos_host::Parameters;
use softpos_journal::{Activation, CardFacts, CardVerification, DECLINED_BY_CARD, Ledger, Payment, State};
use softpos_receipt::{
    CardData, CodeData, Columns, Copy, Cryptogram, Cvm, DayClose, EmvBlock, Entry, Kind, MaskedPan, Original,
    Receipt, ReceiptData, Settled, Source, Total,
};
use softpos_types::{Batch, Code, Language, LocalTime, Method, Money, Operation, PaymentKey, SoftPosError};

/// The slip of a payment as text.
pub(crate) fn payment_slip(
    ledger: &Ledger,
    parameters: Option<&Parameters>,
    key: PaymentKey,
    copy: Copy,
    paper: Paper,
) -> Result<String, SoftPosError> {
    let payment = ledger
        .payment(key)
        .ok_or_else(|| SoftPosError::of(Code::PaymentNotFound))?;
    let not_activated = || SoftPosError::of(Code::NotActivated);
    let activation = ledger.activation.as_ref().ok_or_else(not_activated)?;
    let parameters = parameters.ok_or_else(not_activated)?;
    let data = receipt_data(ledger, activation, parameters, payment);
    let language = paper.language.unwrap_or(payment.language);
    let reprint = if paper.reprint {
        payment.reprints.saturating_add(1)
    } else {
        0
    };
    let receipt = Receipt::of_payment(&data, language, copy, reprint).map_err(|_| {
        SoftPosError::of(Code::ResultUnknown).with_detail("no slip before the result is known")
    })?;
    Ok(receipt.to_text(paper.columns))
}

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
            Kind::Refund(Original {
                stan: original.map_or(payment.stan, |original| original.stan),
                rrn: original
                    .and_then(|o| o.reply.as_ref())
                    .and_then(|reply| reply.rrn.clone()),
            })
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
        State::Failed | State::Expired => softpos_receipt::State::Declined { code: "Z3".into() },
        State::Armed | State::AwaitingPayer | State::Unknown | State::Reversing => {
            softpos_receipt::State::Unknown
        }
    }
}

fn source(ledger: &Ledger, parameters: &Parameters, payment: &Payment) -> Source {
    // The refund of a card sale reads no card: its slip names the card of the sale, without the sale's chip data.
    let original = payment.original_key.and_then(|key| ledger.payment(key));
    let sold_to = original.and_then(|original| original.card.as_ref());
    let pan = |card: &CardFacts| MaskedPan::new(&card.masked_pan).ok();
    match (payment.method, &payment.card) {
        (Method::Cash, _) => Source::Cash,
        (Method::Card, Some(card)) => pan(card).map_or_else(
            || code_source(payment),
            |pan| Source::Card(card_data(parameters, payment, card, pan)),
        ),
        (Method::Card, None) => sold_to
            .and_then(pan)
            .map_or_else(|| code_source(payment), |pan| Source::Card(contactless(pan))),
        (Method::Code, _) => code_source(payment),
    }
}

fn contactless(pan: MaskedPan) -> CardData {
    CardData {
        pan,
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

fn card_data(parameters: &Parameters, payment: &Payment, card: &CardFacts, pan: MaskedPan) -> CardData {
    let limit = Money::new(parameters.limits.no_cvm_minor, payment.amount.currency());
    CardData {
        cvm: match card.cvm {
            CardVerification::None => Cvm::NoPinNoSignature { limit },
            CardVerification::Signature => Cvm::Signature,
            CardVerification::OnlinePin => Cvm::Pin,
            CardVerification::OnDevice => Cvm::OnDevice,
        },
        emv: emv_block(payment, card),
        ..contactless(pan)
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

/// The slip of a closed batch as text, from what the journal knows of it.
pub(crate) fn day_close_slip(
    ledger: &Ledger,
    parameters: Option<&Parameters>,
    batch: Batch,
    paper: Paper,
) -> Result<String, SoftPosError> {
    let not_activated = || SoftPosError::of(Code::NotActivated);
    let activation = ledger.activation.as_ref().ok_or_else(not_activated)?;
    let parameters = parameters.ok_or_else(not_activated)?;
    let closed = ledger.settled.iter().rfind(|settled| settled.batch == batch);
    let closed = closed.ok_or_else(|| {
        SoftPosError::of(Code::NotExpected).with_detail("this till has not closed that batch")
    })?;
    let total = |operation, method, count, sum_minor| Total {
        operation,
        method,
        count,
        sum: Money::new(sum_minor, parameters.currency),
    };
    // The record's own: the batch's payments may be out of memory.
    let totals = closed.totals.iter().flat_map(|line| {
        let (method, totals) = (line.method, line.totals);
        [
            total(Operation::Sale, method, totals.sale_count, totals.sale_minor),
            total(
                Operation::Refund,
                method,
                totals.refund_count,
                totals.refund_minor,
            ),
        ]
    });
    let data = DayClose {
        merchant_name: parameters.merchant.name.clone(),
        merchant: activation.merchant.clone(),
        terminal: activation.terminal.clone(),
        batch,
        local_time: LocalTime::from_utc(closed.host_utc_ms, parameters.utc_offset_min),
        totals: totals.filter(|total| total.count > 0).collect(),
        settled: if closed.balanced {
            Settled::Balanced
        } else {
            Settled::Differs
        },
        unresolved: Vec::new(),
    };
    Ok(Receipt::of_day_close(&data, paper.language.unwrap_or_default(), 0).to_text(paper.columns))
}
