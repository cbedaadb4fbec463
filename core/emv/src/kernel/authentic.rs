//! Offline data authentication as kernels 4 to 7 ask for it: chain and signatures of [`crate::oda`] over what one
//! intake holds. Each kernel decides by itself what a failure means.

use alloc::vec::Vec;

use softpos_crypto::emv_rsa::PublicKey;
use softpos_types::Pan;
use softpos_wire::tlv::{self, Tlvs};
use softpos_wire::{Tag, tag};

use super::KernelInput;
use super::intake::{Intake, Template};
use crate::config::TerminalData;
use crate::oda::{self, Chain, OdaCause, OdaFailure, OdaStep};
use crate::outcome::Reason;

/// 9F4A: what else is signed beside the records.
const STATIC_DATA_TAGS: Tag = Tag::new(0x9F4A);

impl Intake {
    /// The card's key, with every certificate above it checked.
    pub(super) fn card_key(&self, input: &KernelInput, pan: &Pan) -> Result<PublicKey, OdaFailure> {
        let card = |tag| self.card.value(tag);
        let chain = chain(input, pan, &card)?;
        let issuer = chain.issuer()?;
        Ok(chain.card(&issuer.key, &self.static_data()?)?.key)
    }

    /// Whether the issuer signed the static data (93).
    pub(super) fn static_signature(&self, input: &KernelInput, pan: &Pan) -> Result<(), OdaFailure> {
        let card = |tag| self.card.value(tag);
        let chain = chain(input, pan, &card)?;
        let issuer = chain.issuer()?;
        chain
            .static_signature(&issuer.key, &self.static_data()?)
            .map(drop)
    }

    /// Whether the card signed these data (9F4B, fDDA).
    pub(super) fn dynamic_signature(
        &self,
        input: &KernelInput,
        pan: &Pan,
        signed: &[u8],
    ) -> Result<(), OdaFailure> {
        let key = self.card_key(input, pan)?;
        oda::dynamic(&key, self.card.value(tag::SIGNED_DYNAMIC_DATA), &[signed]).map(drop)
    }

    /// The cryptogram inside the combined signature (9F4B), if the card signed what was sent and its own answer.
    pub(super) fn combined_signature(
        &self,
        input: &KernelInput,
        key: &PublicKey,
        sent: &[&[u8]],
        (information, answer): (u8, &[u8]),
    ) -> Option<[u8; 8]> {
        let number = input.data.value(tag::UNPREDICTABLE_NUMBER)?.try_into().ok()?;
        let objects = tlv::only(answer, tag::RESPONSE_FORMAT_2)?;
        let objects = tlv::without(objects, tag::SIGNED_DYNAMIC_DATA).ok()?;
        let mut transaction = sent.to_vec();
        transaction.push(&objects);
        let signature = self.card.value(tag::SIGNED_DYNAMIC_DATA);
        let signed = oda::combined(key, signature, number, (information, &transaction)).ok()?;
        Some(signed.cryptogram)
    }

    /// Takes the answer to GENERATE AC in: a template 80 holds 9F27, 9F36, 9F26 and 9F10 behind each other.
    pub(super) fn cryptogram(&mut self, body: &[u8], data: &TerminalData) -> Result<Template, Reason> {
        let mut objects = Tlvs::new(body);
        let (Some(Ok(template)), None) = (objects.next(), objects.next()) else {
            return Err(Reason::Malformed);
        };
        if template.tag == tag::RESPONSE_FORMAT_2 {
            self.answer(body, data)?;
            return Ok(Template::Format2);
        }
        let &[information, a, b, ref rest @ ..] = template.value else {
            return Err(Reason::Malformed);
        };
        let (cryptogram, issuer_data) = rest.split_first_chunk::<8>().ok_or(Reason::Malformed)?;
        if template.tag != tag::RESPONSE_FORMAT_1 {
            return Err(Reason::Malformed);
        }
        self.card.insert(tag::CRYPTOGRAM_INFORMATION, &[information])?;
        self.card.insert(tag::ATC, &[a, b])?;
        self.card.insert(tag::CRYPTOGRAM, cryptogram)?;
        self.card.insert(tag::ISSUER_APPLICATION_DATA, issuer_data)?;
        Ok(Template::Format1)
    }

    fn static_data(&self) -> Result<Vec<&[u8]>, OdaFailure> {
        let profile = self.card.value(tag::AIP).unwrap_or_default();
        self.signed.parts(self.card.value(STATIC_DATA_TAGS), profile)
    }
}

fn chain<'a>(
    input: &'a KernelInput,
    pan: &'a Pan,
    card: &'a dyn Fn(Tag) -> Option<&'a [u8]>,
) -> Result<Chain<'a>, OdaFailure> {
    let today = input
        .data
        .value(tag::TRANSACTION_DATE)
        .and_then(|date| date.try_into().ok());
    Ok(Chain {
        keys: &input.keys,
        rid: input.activation.adf_name.rid(),
        today_yymmdd: today.ok_or(OdaFailure::new(
            OdaStep::AuthorityKey,
            OdaCause::Missing(tag::TRANSACTION_DATE),
        ))?,
        pan,
        card,
    })
}
