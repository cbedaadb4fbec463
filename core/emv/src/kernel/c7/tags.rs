//! The objects of kernel 7, and what it gives out.

use softpos_wire::{Tag, tag};

/// 9F5D: what the card may still spend offline, n12.
pub(super) const AVAILABLE_SPENDING: Tag = Tag::new(0x9F5D);
/// 9F08: version of the application on the card.
pub(super) const CARD_VERSION: Tag = Tag::new(0x9F08);
/// DF61: in the answer to SELECT, the card signs online transactions too.
pub(super) const SIGNS_ONLINE: Tag = Tag::new(0xDF61);

/// 9F24: payment account reference.
const ACCOUNT_REFERENCE: Tag = Tag::new(0x9F24);
/// 9F41: transaction sequence counter.
const SEQUENCE_COUNTER: Tag = Tag::new(0x9F41);
/// 9F63: product identification.
const PRODUCT: Tag = Tag::new(0x9F63);

// Rule C7-RECORD: the data record of the outcome.
// [source: peer, vendor kernels of 2013 to 2020; test: kernel::c7::tests::the_data_record_and_field_55;
// evidence: own]
pub(super) const DATA_RECORD: &[Tag] = &[
    tag::PAN,
    tag::CARDHOLDER_NAME,
    tag::EXPIRY_DATE,
    tag::TRANSACTION_CURRENCY,
    tag::PAN_SEQUENCE,
    tag::AIP,
    tag::TVR,
    tag::TRANSACTION_DATE,
    tag::TRANSACTION_TYPE,
    tag::ISSUER_APPLICATION_DATA,
    tag::TERMINAL_COUNTRY,
    tag::CRYPTOGRAM,
    tag::ATC,
    tag::UNPREDICTABLE_NUMBER,
    tag::FORM_FACTOR,
    tag::CUSTOMER_EXCLUSIVE_DATA,
    tag::CRYPTOGRAM_INFORMATION,
    tag::TRACK_2,
    tag::TTQ,
    tag::AMOUNT_AUTHORISED,
    tag::AMOUNT_OTHER,
    AVAILABLE_SPENDING,
    PRODUCT,
    tag::TERMINAL_AID,
    tag::TRANSACTION_TIME,
    tag::MERCHANT_NAME_AND_LOCATION,
    ACCOUNT_REFERENCE,
];

// Rule C7-DE55: field 55 as acquirers of UnionPay cards take it.
// [source: peer, vendor kernels of 2013 to 2020; test: kernel::c7::tests::the_data_record_and_field_55;
// evidence: own]
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
    tag::TERMINAL_CAPABILITIES,
    tag::CVM_RESULTS,
    tag::TERMINAL_TYPE,
    tag::INTERFACE_DEVICE_SERIAL,
    tag::DF_NAME,
    tag::TERMINAL_APPLICATION_VERSION,
    SEQUENCE_COUNTER,
    PRODUCT,
];
