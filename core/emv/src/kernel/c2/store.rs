//! Taking in what the card gives, with the lengths its objects may have.

use softpos_wire::apdu::Rapdu;
use softpos_wire::{Tag, tag, tlv};

use super::stop::{Stop, l2};
use super::tags;
use crate::config::TerminalData;
use crate::data::CardData;
use crate::kernel::intake::READER_TAGS;
use crate::outcome::Reason;

/// Objects whose length decides something: tag, least and most bytes.
const LENGTHS: [(Tag, usize, usize); 21] = [
    (tag::PAN, 4, 10),
    (tag::EXPIRY_DATE, 3, 3),
    (tag::EFFECTIVE_DATE, 3, 3),
    (tag::ISSUER_COUNTRY, 2, 2),
    (tag::PAN_SEQUENCE, 1, 1),
    (tag::AIP, 2, 2),
    (tag::CA_KEY_INDEX, 1, 1),
    (tag::USAGE_CONTROL, 2, 2),
    (tags::CARD_VERSION, 2, 2),
    (tags::IAC_DEFAULT, 5, 5),
    (tags::IAC_DENIAL, 5, 5),
    (tags::IAC_ONLINE, 5, 5),
    (tag::ISSUER_APPLICATION_DATA, 0, 32),
    (tag::CRYPTOGRAM, 8, 8),
    (tag::CRYPTOGRAM_INFORMATION, 1, 1),
    (tag::ATC, 2, 2),
    (tags::APPLICATION_CURRENCY, 2, 2),
    (tag::ISSUER_KEY_EXPONENT, 1, 3),
    (tag::ICC_KEY_EXPONENT, 1, 3),
    (tags::CAPABILITIES, 3, 3),
    (tags::INTERACTION, 3, 3),
];

/// Takes all primitive objects of a template in. One that comes twice or has a wrong length is a fault.
pub(super) fn absorb(bytes: &[u8], into: &mut CardData, own: &TerminalData) -> Result<(), Reason> {
    let mut fault = None;
    tlv::walk(bytes, &mut |_, object| {
        let tag = object.tag;
        if tag.is_constructed() || READER_TAGS.contains(&tag) || own.value(tag).is_some() {
            return;
        }
        let fits = LENGTHS
            .iter()
            .find(|(known, ..)| *known == tag)
            .is_none_or(|(_, least, most)| (*least..=*most).contains(&object.value.len()));
        let taken = if fits {
            into.insert(tag, object.value).map_err(Reason::from)
        } else {
            Err(Reason::DataMissing(tag))
        };
        if let Err(reason) = taken {
            fault.get_or_insert(reason);
        }
    })
    .map_err(|_| Reason::Malformed)?;
    fault.map_or(Ok(()), Err)
}

// Rule C2-RECORDS: a refused record ends the application with its status word (L2 03), one that is no single template
// 70 or has an object twice or of a wrong length with L2 04.
// [source: peer, danhu; test: kernel::c2::tests::bad_records, kernel::c2::store::tests::lengths_that_decide_something,
// kernel::c2::store::tests::twice_is_a_fault_and_padding_and_long_lengths_are_none; evidence: own]
/// The answer to READ RECORD: one template 70.
pub(super) fn record(answer: Rapdu<'_>, into: &mut CardData, own: &TerminalData) -> Result<(), Stop> {
    if !answer.is_ok() {
        return Err(Stop::status(answer.sw, Reason::RecordRefused(answer.sw)));
    }
    let malformed = Stop::card(l2::PARSING, Reason::Malformed);
    let content = tlv::only(answer.body, tag::RECORD_TEMPLATE).ok_or(malformed)?;
    absorb(content, into, own).map_err(|reason| Stop::card(l2::PARSING, reason))
}

/// The answer to GENERATE AC or RECOVER AC in either format.
pub(super) fn cryptogram(body: &[u8], into: &mut CardData, own: &TerminalData) -> Result<(), Reason> {
    if let Some(template) = tlv::only(body, tag::RESPONSE_FORMAT_2) {
        return absorb(template, into, own);
    }
    let plain = tlv::only(body, tag::RESPONSE_FORMAT_1).ok_or(Reason::Malformed)?;
    let (information, rest) = plain.split_first_chunk::<1>().ok_or(Reason::Malformed)?;
    let (counter, rest) = rest.split_first_chunk::<2>().ok_or(Reason::Malformed)?;
    let (cryptogram, issuer_data) = rest.split_first_chunk::<8>().ok_or(Reason::Malformed)?;
    if issuer_data.len() > 32 {
        return Err(Reason::Malformed);
    }
    into.insert(tag::CRYPTOGRAM_INFORMATION, information)?;
    into.insert(tag::ATC, counter)?;
    into.insert(tag::CRYPTOGRAM, cryptogram)?;
    if !issuer_data.is_empty() {
        into.insert(tag::ISSUER_APPLICATION_DATA, issuer_data)?;
    }
    Ok(())
}

/// The balance that GET DATA gave: 9F50 with n12. Anything else is no balance and no fault.
pub(super) fn balance(answer: Rapdu<'_>) -> Option<[u8; 6]> {
    if !answer.is_ok() {
        return None;
    }
    tlv::only(answer.body, tags::BALANCE)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str) -> Result<CardData, Reason> {
        let mut card = CardData::default();
        let mut own = TerminalData::new();
        own.set(tags::CVM_LIMIT, &[0; 6]);
        absorb(&hex::decode(text).unwrap(), &mut card, &own).map(|()| card)
    }

    #[test]
    fn the_readers_values_are_never_taken_from_a_card() {
        let card = taken("9F0206000000000001DF812606000000000099950500000000005A0412345678").unwrap();
        assert_eq!(alloc::format!("{card:?}"), "[5A]");
    }

    #[test]
    fn lengths_that_decide_something() {
        assert_eq!(
            taken("9F0E04F0000000").unwrap_err(),
            Reason::DataMissing(tags::IAC_DENIAL)
        );
        assert_eq!(
            taken("5F2403191231").unwrap().array(tag::EXPIRY_DATE),
            Some([0x19, 0x12, 0x31])
        );
        assert_eq!(
            taken("5F24021912").unwrap_err(),
            Reason::DataMissing(tag::EXPIRY_DATE)
        );
        assert_eq!(
            taken("9F070101").unwrap_err(),
            Reason::DataMissing(tag::USAGE_CONTROL)
        );
        assert_eq!(taken("5A0412345678").unwrap().value(tag::PAN).unwrap().len(), 4);
    }

    #[test]
    fn twice_is_a_fault_and_padding_and_long_lengths_are_none() {
        assert_eq!(
            taken("5F3401015F340101").unwrap_err(),
            Reason::DataTwice(tag::PAN_SEQUENCE)
        );
        assert!(taken("00005F248103191231").is_ok());
    }

    #[test]
    fn format_1() {
        let read = |text: &str| {
            let mut card = CardData::default();
            cryptogram(&hex::decode(text).unwrap(), &mut card, &TerminalData::new()).map(|()| card)
        };
        let card = read("800E8000410102030405060708A1A2A3").unwrap();
        assert_eq!(card.array(tag::ATC), Some([0x00, 0x41]));
        assert_eq!(
            card.value(tag::ISSUER_APPLICATION_DATA),
            Some(&[0xA1, 0xA2, 0xA3][..])
        );
        assert!(
            read("800B8000410102030405060708")
                .unwrap()
                .value(tag::ISSUER_APPLICATION_DATA)
                .is_none()
        );
        assert_eq!(read("800A80004101020304050607").unwrap_err(), Reason::Malformed);
        assert_eq!(read("7000").unwrap_err(), Reason::Malformed);
        assert_eq!(read("77039F270180").unwrap_err(), Reason::Malformed);
    }

    #[test]
    fn balances() {
        let read = |text: &str| balance(Rapdu::parse(&hex::decode(text).unwrap()).unwrap());
        assert_eq!(read("9F50060000000012349000"), Some([0, 0, 0, 0, 0x12, 0x34]));
        for none in [
            "6A88",
            "9F5005000000001234",
            "9F500500000012349000",
            "9F50060000000012346283",
        ] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
