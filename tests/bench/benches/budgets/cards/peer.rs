//! The crate `emv`, a contact kernel in Rust: its recovery functions on the same facts.

use std::hint::black_box;

use emv::core::dol::{Dol, ValueFormat};
use emv::core::oda::{
    CaPublicKey, IccPublicKey, recover_icc_public_key, recover_issuer_public_key, verify_cda, verify_dda,
};
use emv::core::tlv::Tlv;

use super::{array, bytes, facts, lists};
use crate::computing::ns_per_call;

pub(super) fn mastercard_ns() -> f64 {
    let facts = &facts::MASTERCARD;
    let peer = Peer::of(facts);
    let (signature, data) = (bytes(facts.signature), bytes(facts.transaction_data));
    let number = array(facts.dynamic_data);
    let [information] = array(facts.information);
    ns_per_call(|| {
        let key = peer.card_key();
        black_box(verify_cda(&key, &signature, number, &data, information).expect("signed"));
    })
}

pub(super) fn visa_ns() -> f64 {
    let facts = &facts::VISA;
    let peer = Peer::of(facts);
    let (signature, data) = (bytes(facts.signature), bytes(facts.dynamic_data));
    ns_per_call(|| {
        let key = peer.card_key();
        black_box(verify_dda(&key, &signature, &data).expect("signed"));
    })
}

/// The list of [`lists`], parsed and built; the values come as this crate takes them.
pub(super) fn dol_ns() -> f64 {
    let list = bytes(lists::LIST);
    let values: Vec<(u32, Vec<u8>)> = lists::values()
        .map(|(tag, value)| (tag.number(), value))
        .collect();
    ns_per_call(|| {
        let list = Dol::parse(black_box(&list)).expect("a sound list");
        black_box(list.build(|tag| {
            let found = values.iter().find(|(own, _)| *own == tag.0)?;
            Some((ValueFormat::Numeric, found.1.clone()))
        }));
    })
}

/// A record's objects.
pub(crate) fn tlv_ns(record: &[u8]) -> f64 {
    ns_per_call(|| {
        black_box(Tlv::parse_all(black_box(record)).expect("a sound record"));
    })
}

struct Peer {
    authority: CaPublicKey,
    issuer: [Vec<u8>; 3],
    card: [Vec<u8>; 3],
    static_data: Vec<u8>,
    pan: Vec<u8>,
    today_mmyy: [u8; 2],
}

impl Peer {
    fn of(facts: &facts::Chain) -> Self {
        let [year, month, _] = array(facts.today);
        Self {
            authority: CaPublicKey {
                rid: array(facts.rid),
                index: facts.index,
                modulus: bytes(facts.authority_modulus),
                exponent: bytes(facts.authority_exponent),
            },
            issuer: [
                facts.issuer_certificate,
                facts.issuer_remainder,
                facts.issuer_exponent,
            ]
            .map(bytes),
            card: [facts.card_certificate, facts.card_remainder, facts.card_exponent].map(bytes),
            static_data: bytes(facts.static_data),
            pan: bytes(facts.pan),
            today_mmyy: [month, year],
        }
    }

    fn card_key(&self) -> IccPublicKey {
        let [certificate, remainder, exponent] = &self.issuer;
        let issuer = recover_issuer_public_key(
            &self.authority,
            certificate,
            present(remainder),
            exponent,
            &self.pan,
            self.today_mmyy,
        )
        .expect("a sound issuer certificate");
        let [certificate, remainder, exponent] = &self.card;
        recover_icc_public_key(
            &issuer,
            certificate,
            present(remainder),
            exponent,
            &self.static_data,
            &self.pan,
            self.today_mmyy,
        )
        .expect("a sound card certificate")
    }
}

fn present(remainder: &[u8]) -> Option<&[u8]> {
    (!remainder.is_empty()).then_some(remainder)
}
