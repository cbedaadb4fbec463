//! The objects of kernel 6, and what it gives out.

use softpos_wire::{Tag, tag};

/// 9F71: card processing requirements.
pub(super) const PROCESSING_REQUIREMENTS: Tag = Tag::new(0x9F71);
/// 9F53: card verification results, as bytes 3 to 10 of 9F10 hold them.
pub(super) const CARD_RESULTS: Tag = Tag::new(0x9F53);
pub(super) const CARD_VERSION: Tag = Tag::new(0x9F08);
/// 9F1F: track 1 discretionary data.
const TRACK_1_DISCRETIONARY: Tag = Tag::new(0x9F1F);

// Rule C6-RECORD: the data record of the outcome.
// [source: peer, vendor kernels of 2013 to 2020; test: kernel::c6::tests::the_data_record_and_field_55;
// evidence: own]
pub(super) const DATA_RECORD: &[Tag] = &[
    tag::AMOUNT_AUTHORISED,
    tag::AMOUNT_OTHER,
    tag::CRYPTOGRAM,
    tag::TERMINAL_AID,
    tag::AIP,
    tag::PAN_SEQUENCE,
    tag::ATC,
    tag::USAGE_CONTROL,
    tag::CARDHOLDER_NAME,
    tag::CRYPTOGRAM_INFORMATION,
    tag::DF_NAME,
    tag::ISSUER_APPLICATION_DATA,
    tag::TERMINAL_APPLICATION_VERSION,
    tag::TERMINAL_CAPABILITIES,
    tag::TERMINAL_COUNTRY,
    tag::TERMINAL_TYPE,
    tag::TVR,
    TRACK_1_DISCRETIONARY,
    tag::TRACK_2,
    tag::TRANSACTION_DATE,
    tag::TRANSACTION_TYPE,
    tag::UNPREDICTABLE_NUMBER,
    tag::TSI,
    tag::TRANSACTION_CURRENCY,
];

// Rule C6-DE55: field 55 holds TTQ, card processing requirements and 9F53 beside the usual objects.
// [source: foreign vector, one field 55; test: kernel::c6::tests::the_data_record_and_field_55; evidence: own]
pub(super) const ISSUER_DATA: &[Tag] = &[
    tag::CRYPTOGRAM,
    tag::CRYPTOGRAM_INFORMATION,
    tag::ISSUER_APPLICATION_DATA,
    tag::UNPREDICTABLE_NUMBER,
    tag::ATC,
    tag::TVR,
    tag::TRANSACTION_DATE,
    tag::TRANSACTION_TYPE,
    tag::AMOUNT_AUTHORISED,
    tag::TRANSACTION_CURRENCY,
    tag::AIP,
    tag::TERMINAL_COUNTRY,
    tag::AMOUNT_OTHER,
    tag::PAN_SEQUENCE,
    tag::TERMINAL_CAPABILITIES,
    tag::CVM_RESULTS,
    tag::TERMINAL_TYPE,
    tag::DF_NAME,
    tag::TERMINAL_APPLICATION_VERSION,
    tag::TTQ,
    PROCESSING_REQUIREMENTS,
    CARD_RESULTS,
];
