//! The objects of kernel 4, and what it gives out.

use softpos_wire::{Tag, tag};

/// 9F6D: contactless reader capabilities.
pub(super) const READER_CAPABILITIES: Tag = Tag::new(0x9F6D);
/// 9F6E: enhanced contactless reader capabilities.
pub(super) const ENHANCED_CAPABILITIES: Tag = Tag::new(0x9F6E);
/// 9F70: card interface and payment capabilities.
pub(super) const CARD_CAPABILITIES: Tag = Tag::new(0x9F70);
/// 9F71: what the customer's device says about its own verification: method, condition, result.
pub(super) const MOBILE_CVM: Tag = Tag::new(0x9F71);
/// DF8D01: limits by card set, of our own: for each set its number, then floor, verification and transaction limit,
/// n12 each.
pub(super) const LIMIT_SETS: Tag = Tag::new(0xDF_8D01);

pub(super) const CDOL_1: Tag = Tag::new(0x8C);
pub(super) const CVM_LIST: Tag = Tag::new(0x8E);
pub(super) const CARD_VERSION: Tag = Tag::new(0x9F08);
pub(super) const IAC_DEFAULT: Tag = Tag::new(0x9F0D);
pub(super) const IAC_DENIAL: Tag = Tag::new(0x9F0E);
pub(super) const IAC_ONLINE: Tag = Tag::new(0x9F0F);

/// 9F15: merchant category code.
const MERCHANT_CATEGORY: Tag = Tag::new(0x9F15);

// Rule C4-RECORD: the data record of the outcome.
// [source: peer, vendor kernels of 2013 to 2020; test: kernel::c4::tests::the_data_record_and_field_55;
// evidence: own]
pub(super) const DATA_RECORD: &[Tag] = &[
    tag::TRACK_2,
    tag::PAN,
    tag::CARDHOLDER_NAME,
    tag::EXPIRY_DATE,
    tag::TRANSACTION_CURRENCY,
    tag::PAN_SEQUENCE,
    tag::AIP,
    tag::TVR,
    tag::TRANSACTION_DATE,
    tag::TRANSACTION_TYPE,
    tag::AMOUNT_AUTHORISED,
    tag::AMOUNT_OTHER,
    tag::TERMINAL_AID,
    tag::TERMINAL_APPLICATION_VERSION,
    IAC_DEFAULT,
    IAC_DENIAL,
    IAC_ONLINE,
    tag::ISSUER_APPLICATION_DATA,
    MERCHANT_CATEGORY,
    tag::TERMINAL_COUNTRY,
    tag::CRYPTOGRAM,
    tag::CRYPTOGRAM_INFORMATION,
    tag::TERMINAL_CAPABILITIES,
    tag::CVM_RESULTS,
    tag::TERMINAL_TYPE,
    tag::ATC,
    tag::UNPREDICTABLE_NUMBER,
    tag::MERCHANT_NAME_AND_LOCATION,
    READER_CAPABILITIES,
    ENHANCED_CAPABILITIES,
];

/// The same without number, track, name and expiry, and without what the issuer knows itself (inference).
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
    tag::TERMINAL_AID,
    tag::TERMINAL_APPLICATION_VERSION,
    READER_CAPABILITIES,
    ENHANCED_CAPABILITIES,
];
