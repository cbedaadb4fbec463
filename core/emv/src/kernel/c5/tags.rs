//! The objects of kernel 5, and what it gives out.

use softpos_wire::{Tag, tag};

/// 9F52: terminal compatibility indicator.
pub(super) const COMPATIBILITY: Tag = Tag::new(0x9F52);
/// 9F53: terminal interchange profile.
pub(super) const INTERCHANGE: Tag = Tag::new(0x9F53);
/// 9F50: what verification the card wants.
pub(super) const CARD_CVM: Tag = Tag::new(0x9F50);
/// 9F60: issuer update parameter: whether and how the card wants the issuer's answer.
pub(super) const ISSUER_UPDATE: Tag = Tag::new(0x9F60);
/// 9F5B: issuer script results.
pub(super) const SCRIPT_RESULTS: Tag = Tag::new(0x9F5B);
/// DF8D02: combination options, of our own: two bytes.
pub(super) const OPTIONS: Tag = Tag::new(0xDF_8D02);
/// DF8D03: random selection, of our own: threshold n12, target percentage, maximum target percentage (Book 3 10.6.2).
pub(super) const SELECTION: Tag = Tag::new(0xDF_8D03);

pub(super) const CDOL_1: Tag = Tag::new(0x8C);
pub(super) const CDOL_2: Tag = Tag::new(0x8D);
pub(super) const IAC_DEFAULT: Tag = Tag::new(0x9F0D);
pub(super) const IAC_DENIAL: Tag = Tag::new(0x9F0E);
pub(super) const IAC_ONLINE: Tag = Tag::new(0x9F0F);

/// Kept of a torn tap: values sent for PDOL and CDOL 1, and P1.
pub(super) const TORN_PDOL: Tag = Tag::new(0xDF_8D11);
pub(super) const TORN_CDOL: Tag = Tag::new(0xDF_8D12);
pub(super) const TORN_P1: Tag = Tag::new(0xDF_8D13);

// Rule C5-RECORD: the data record of the outcome.
// [source: peer, vendor kernels of 2013 to 2020; test: kernel::c5::tests::the_data_record_and_field_55;
// evidence: own]
pub(super) const DATA_RECORD: &[Tag] = &[
    tag::AMOUNT_AUTHORISED,
    tag::AMOUNT_OTHER,
    tag::CRYPTOGRAM,
    tag::AIP,
    tag::PAN_SEQUENCE,
    tag::ATC,
    tag::CARDHOLDER_NAME,
    tag::CRYPTOGRAM_INFORMATION,
    tag::ISSUER_APPLICATION_DATA,
    tag::POS_ENTRY_MODE,
    tag::TERMINAL_COUNTRY,
    tag::TVR,
    // 9F1F: track 1 discretionary data.
    Tag::new(0x9F1F),
    tag::TRACK_2,
    tag::TRANSACTION_CURRENCY,
    tag::TRANSACTION_DATE,
    tag::TRANSACTION_TIME,
    tag::TRANSACTION_TYPE,
    tag::UNPREDICTABLE_NUMBER,
    CARD_CVM,
    CDOL_2,
    tag::CVM_RESULTS,
    tag::DF_NAME,
    tag::ISSUER_COUNTRY,
    // 9F57: issuer country code, alphabetic.
    Tag::new(0x9F57),
];

/// The same without number, track, name and what the issuer knows itself (inference).
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
    CARD_CVM,
    INTERCHANGE,
    SCRIPT_RESULTS,
];
