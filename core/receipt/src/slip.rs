//! The slip of one payment.

use core::fmt;

use softpos_text::{Label, Texts};
use softpos_types::{Currency, Language, Money};

use crate::MaskedPan;
use crate::data::{
    CardData, CodeData, Copy, Cvm, EmvBlock, Kind, NoSlip, Original, ReceiptData, Scheme, Source, State,
};
use crate::layout::{Field, Line, Receipt};
use crate::masked_pan::hide_numbers;
use crate::wrap::clean;

impl Receipt {
    /// The slip of a payment. `reprint` is 0 for the first print and counts the reprints from 1; it adds the mark
    /// and changes nothing else.
    ///
    /// # Errors
    /// [`NoSlip`] while the result is unknown.
    pub fn of_payment(
        data: &ReceiptData,
        language: Language,
        copy: Copy,
        reprint: u32,
    ) -> Result<Self, NoSlip> {
        if data.state == State::Unknown {
            return Err(NoSlip);
        }
        let mut slip = Slip::new(language);
        if let Source::Card(card) = &data.source {
            slip.pan.clone_from(&card.pan);
        }
        slip.opens_drawer = data.source == Source::Cash && data.state == State::Approved && reprint == 0;
        slip.title(data);
        slip.duplicate_mark(reprint);
        slip.state_mark(&data.state);
        slip.merchant(data);
        match &data.source {
            Source::Card(card) => slip.card(card),
            Source::Code(code) => slip.code(code),
            Source::Cash => {}
        }
        slip.numbers(data);
        slip.order(data);
        if let Source::Card(card) = &data.source {
            if let Some(emv) = &card.emv {
                slip.emv(emv);
            }
            if matches!(data.state, State::Approved | State::StoredOffline) {
                slip.cvm(card.cvm, copy);
            }
        }
        if let Some(code) = slip.code.take() {
            slip.push(Line::Code(code));
        }
        slip.copy_name(copy, &data.source);
        Ok(slip.finish())
    }
}

/// Collects the lines of a slip in one language.
pub(crate) struct Slip {
    pub(crate) texts: Texts,
    lines: Vec<Line>,
    /// The card whose number no other value may show.
    pan: Option<MaskedPan>,
    /// What a camera reads at the foot of the slip.
    code: Option<String>,
    opens_drawer: bool,
}

impl Slip {
    pub(crate) const fn new(language: Language) -> Self {
        Self {
            texts: Texts::new(language),
            lines: Vec::new(),
            pan: None,
            code: None,
            opens_drawer: false,
        }
    }

    pub(crate) fn finish(self) -> Receipt {
        Receipt {
            language: self.texts.language(),
            lines: self.lines,
            opens_drawer: self.opens_drawer,
        }
    }

    pub(crate) fn push(&mut self, line: Line) {
        self.lines.push(line);
    }

    pub(crate) fn label(&self, label: Label) -> String {
        self.texts.label(label)
    }

    pub(crate) fn field(&self, label: Label, value: &dyn fmt::Display) -> Field {
        field(&self.label(label), value)
    }

    /// A line with one caption.
    pub(crate) fn one(&mut self, label: Label, value: &dyn fmt::Display) {
        let field = self.field(label, value);
        self.push(Line::Fields(vec![field]));
    }

    fn some<T: fmt::Display>(&mut self, label: Label, value: Option<&T>) {
        if let Some(value) = value {
            self.one(label, value);
        }
    }

    /// A line with one caption whose value a person wrote, who may have written any card's number.
    pub(crate) fn remark(&mut self, label: Label, value: &str) {
        let value = hide_numbers(&self.without_pan(value));
        self.one(label, &value);
    }

    /// A line with one caption whose value somebody else's machine wrote: a card's or a host's.
    fn foreign(&mut self, label: Label, value: &str) {
        let value = self.without_pan(value);
        self.one(label, &value);
    }

    fn without_pan(&self, value: &str) -> String {
        // Cleaned first: something invisible between two digits must not hide the number from the mask.
        let value = clean(value);
        match &self.pan {
            Some(pan) => pan.hide_in(&value),
            None => value,
        }
    }

    pub(crate) fn duplicate_mark(&mut self, reprint: u32) {
        if reprint > 0 {
            let mark = format!("*** {} {reprint} ***", self.label(Label::Duplicate));
            self.push(Line::Mark(mark));
        }
    }

    fn title(&mut self, data: &ReceiptData) {
        let title = self.label(title(&data.source, &data.kind));
        self.push(Line::Title(title));
    }

    fn state_mark(&mut self, state: &State) {
        let label = match state {
            State::Approved | State::Unknown => return,
            State::Declined { code } if matches!(code.as_str(), "Z1" | "Z3") => Label::DeclinedOffline,
            State::Declined { .. } => Label::Declined,
            State::StoredOffline => Label::StoredOffline,
            State::NotSent => Label::NotSent,
            State::Expired => Label::Expired,
            State::Reversed => Label::Reversed,
        };
        let mark = self.label(label);
        self.push(Line::Mark(mark));
        if let State::Declined { code } = state
            && let Some(reason) = self.texts.response_code(code).reason
        {
            self.one(Label::Reason, &reason);
        }
    }

    fn merchant(&mut self, data: &ReceiptData) {
        self.remark(Label::MerchantName, &data.merchant_name);
        self.one(Label::MerchantNumber, &data.merchant);
        let mut fields = vec![self.field(Label::TerminalNumber, &data.terminal)];
        if let Some(operator) = &data.operator {
            fields.push(self.field(Label::Operator, &hide_numbers(&self.without_pan(operator))));
        }
        self.push(Line::Fields(fields));
    }

    fn card(&mut self, card: &CardData) {
        for (label, name) in [(Label::Issuer, &card.issuer), (Label::Acquirer, &card.acquirer)] {
            if let Some(name) = name {
                self.foreign(label, name);
            }
        }
        if let Some(pan) = &card.pan {
            self.one(Label::CardNumber, &format_args!("{pan} {}", card.entry.letter()));
        }
    }

    fn code(&mut self, code: &CodeData) {
        let channel = self.texts.channel(&code.channel);
        self.one(Label::Channel, &channel);
        self.some(Label::ChannelTransaction, code.transaction.as_ref());
        if let Some(payer) = &code.payer {
            self.remark(Label::Payer, payer);
        }
    }

    fn numbers(&mut self, data: &ReceiptData) {
        let kind = match &data.kind {
            Kind::Sale => Label::TypeSale,
            Kind::Refund(_) => Label::TypeRefund,
            Kind::Void(_) => Label::TypeVoid,
        };
        let kind = self.label(kind);
        self.one(Label::Type, &kind);
        let fields = vec![
            self.field(Label::Batch, &data.batch),
            self.field(Label::Voucher, &data.stan),
        ];
        self.push(Line::Fields(fields));
        self.some(Label::AuthCode, data.auth_code.as_ref());
        self.some(Label::Reference, data.rrn.as_ref());
        if let Kind::Refund(Some(original)) | Kind::Void(Some(original)) = &data.kind {
            self.original(original);
        }
        self.one(Label::Date, &data.local_time);
        let amount = self.field(Label::Amount, &amount_text(data.amount));
        self.push(Line::Amount(amount));
    }

    fn original(&mut self, original: &Original) {
        self.one(Label::OriginalVoucher, &original.stan);
        self.some(Label::OriginalReference, original.rrn.as_ref());
    }

    /// The key is the number to ask for where the host has given none; a camera finds the payment again by it.
    fn order(&mut self, data: &ReceiptData) {
        if let Some(order) = &data.order {
            self.foreign(Label::Order, order.as_str());
        }
        if let Some(note) = &data.note {
            self.remark(Label::Note, note);
        }
        if data.rrn.is_none() || matches!(data.source, Source::Code(_)) {
            self.one(Label::PaymentKey, &data.key);
            self.code = Some(data.key.to_string());
        }
    }

    fn emv(&mut self, emv: &EmvBlock) {
        let aid = self.without_pan(&upper_hex(&emv.aid));
        self.push(Line::Fields(vec![field("AID", &aid)]));
        self.foreign(Label::Application, &emv.label);
        let (name, cryptogram) = emv.cryptogram.parts();
        self.push(Line::Fields(vec![field(name, &upper_hex(&cryptogram))]));
        let mut fields = vec![
            field("TVR", &upper_hex(&emv.tvr)),
            field("ATC", &upper_hex(&emv.atc)),
        ];
        fields.extend(emv.tsi.map(|tsi| field("TSI", &upper_hex(&tsi))));
        fields.extend(emv.csn.map(|csn| field("CSN", &upper_hex(&[csn]))));
        fields.push(field("UNPR NO", &upper_hex(&emv.unpredictable)));
        fields.push(field("AIP", &upper_hex(&emv.aip)));
        fields.push(field("TermCap", &upper_hex(&emv.terminal_capabilities)));
        self.push(Line::Fields(fields));
        if !emv.iad.is_empty() {
            let iad = self.without_pan(&upper_hex(&emv.iad));
            self.push(Line::Fields(vec![field("IAD", &iad)]));
        }
    }

    fn cvm(&mut self, cvm: Cvm, copy: Copy) {
        let line = match cvm {
            Cvm::None => return,
            Cvm::Signature => return self.signature(copy),
            Cvm::Pin => self.label(Label::PinVerified),
            Cvm::OnDevice => self.label(Label::DeviceVerified),
            Cvm::NoPinNoSignature { limit } => {
                let limit = self.limit_text(limit);
                self.texts
                    .with("receipt-no-pin-no-signature", &[("limit", &limit)])
            }
        };
        self.push(Line::Text(line));
    }

    fn signature(&mut self, copy: Copy) {
        if copy == Copy::Merchant {
            self.one(Label::Signature, &"");
            self.push(Line::SignatureSpace);
            self.push(Line::Rule);
            let sentence = self.label(Label::Acknowledgement);
            self.push(Line::Text(sentence));
        }
    }

    fn copy_name(&mut self, copy: Copy, source: &Source) {
        let name = self.label(match (copy, source) {
            (Copy::Merchant, _) => Label::CopyMerchant,
            (Copy::Cardholder, Source::Card(_)) => Label::CopyCardholder,
            (Copy::Cardholder, Source::Code(_) | Source::Cash) => Label::CopyCustomer,
        });
        self.push(Line::CopyName(name));
    }

    fn limit_text(&self, limit: Money) -> String {
        match (self.texts.language(), limit.currency()) {
            (Language::Zh, Currency::CNY) => format!("{limit} {}", self.texts.get("currency-CNY")),
            _ => amount_text(limit),
        }
    }
}

pub(crate) fn field(label: &str, value: &dyn fmt::Display) -> Field {
    Field {
        label: label.to_owned(),
        value: clean(&value.to_string()),
    }
}

/// `RMB 12.34`; other currencies by their three letters. The sign ¥ is missing in many printers.
pub(crate) fn amount_text(amount: Money) -> String {
    let currency = amount.currency();
    let name = if currency == Currency::CNY {
        "RMB"
    } else {
        currency.alpha()
    };
    format!("{name} {amount}")
}

/// The document's name: whose slip it is and what was done.
const fn title(source: &Source, kind: &Kind) -> Label {
    let [sale, refund, void] = match source {
        Source::Card(card) => match card.scheme {
            Scheme::UnionPay => [
                Label::TitleUnionpay,
                Label::TitleUnionpayRefund,
                Label::TitleUnionpayVoid,
            ],
            Scheme::Other => [Label::TitleCard, Label::TitleCardRefund, Label::TitleCardVoid],
        },
        Source::Code(_) => [Label::TitleCode, Label::TitleCodeRefund, Label::TitleCodeVoid],
        Source::Cash => [Label::TitleCash, Label::TitleCashRefund, Label::TitleCashVoid],
    };
    match kind {
        Kind::Sale => sale,
        Kind::Refund(_) => refund,
        Kind::Void(_) => void,
    }
}

fn upper_hex(bytes: &[u8]) -> String {
    hex::encode_upper(bytes)
}
