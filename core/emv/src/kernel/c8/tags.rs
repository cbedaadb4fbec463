//! Tags that kernel 8 alone gives this meaning, and what it gives out.

use softpos_wire::{Tag, tag};

macro_rules! tags {
    ($($name:ident = $number:literal;)*) => { $(pub(super) const $name: Tag = Tag::new($number);)* };
}

// Of the card.
tags! {
    CDOL_1 = 0x8C;
    CARD_QUALIFIER = 0x9F2C;
    HOLDER_DECISION = 0x9F_8102;
    CARD_KEY_DATA = 0x9F_8103;
    CARD_TVR = 0x9F_8104;
    ENHANCED_MAC = 0x9F_8105;
    AUTHENTICATED_DATA = 0x9F_8106;
    MAC_OFFSET = 0x9F_8107;
    RESTART_INDICATOR = 0x9F_8108;
    EXTENDED_STATIC_LIST = 0x9F_810A;
    CARD_CAPABILITIES = 0x9F_810D;
    ACCOUNT_REFERENCE = 0x9F24;
    TOKEN_REQUESTOR = 0x9F19;
    ENCIPHERED_RECORD = 0xDA;
}

// Of the kernel.
tags! {
    KERNEL_KEY_DATA = 0x9E;
    RISK_MANAGEMENT = 0x9F1D;
    KERNEL_QUALIFIER = 0x9F2B;
    ISSUER_DATA_MAC = 0x9F_8109;
    TIME_EXCESS = 0x9F_810C;
    ERROR_INDICATION = 0x9F_8204;
    INPUT_CAPABILITY = 0x9F_8206;
    CVM_CAPABILITY_REQUIRED = 0x9F_8207;
    CVM_CAPABILITY_NOT_REQUIRED = 0x9F_8208;
    CONFIGURATION = 0x9F_8209;
    SECURITY_CAPABILITY = 0x9F_820A;
    TAC_DENIAL = 0x9F_820B;
    TAC_ONLINE = 0x9F_820C;
    FLOOR_LIMIT = 0x9F_820D;
    CVM_LIMIT = 0x9F_820E;
    MESSAGE_HOLD = 0x9F_8211;
    FIELD_OFF_HOLD = 0x9F_8212;
    MIN_GRACE = 0x9F_8213;
    MAX_GRACE = 0x9F_8214;
    COMMAND_TIME = 0x9F_8215;
    ANSWER_TIME = 0x9F_8216;
    ACCURACY = 0x9F_8217;
    MISMATCH = 0x9F_8218;
    RESERVED_MASK = 0x9F_821A;
    RESTART_MESSAGES = 0x9F_821D;
    DEFAULT_MAC_OFFSET = 0x9F_821E;
    DISCRETIONARY_LIST = 0x9F_821F;
    DEFAULT_CDOL_1 = 0x9F_8220;
    TAGS_TO_READ = 0x9F_8203;
    READ_STATUS = 0x9F_821C;
    WRITE_STATUS = 0x9F_821B;
    ENVELOPES_TO_WRITE = 0xBF_8104;
}

// Rule C8-RECORD: the data record of the outcome.
// [source: peer, Denom after table A.11 of book C-8 1.1; test: kernel::c8::tests::the_data_record_and_field_55;
// evidence: own]
pub(super) const DATA_RECORD: &[Tag] = &[
    tag::AMOUNT_AUTHORISED,
    tag::AMOUNT_OTHER,
    tag::CRYPTOGRAM,
    tag::EXPIRY_DATE,
    tag::AIP,
    tag::APPLICATION_LABEL,
    tag::PAN,
    tag::PAN_SEQUENCE,
    tag::PREFERRED_NAME,
    tag::ATC,
    tag::USAGE_CONTROL,
    tag::TERMINAL_APPLICATION_VERSION,
    AUTHENTICATED_DATA,
    CARD_CAPABILITIES,
    tag::CRYPTOGRAM_INFORMATION,
    tag::CVM_RESULTS,
    tag::DF_NAME,
    tag::INTERFACE_DEVICE_SERIAL,
    tag::ISSUER_APPLICATION_DATA,
    ISSUER_DATA_MAC,
    tag::ISSUER_CODE_TABLE,
    ACCOUNT_REFERENCE,
    tag::TERMINAL_CAPABILITIES,
    tag::TERMINAL_COUNTRY,
    tag::TERMINAL_TYPE,
    tag::TVR,
    TOKEN_REQUESTOR,
    tag::TRACK_2,
    tag::TRANSACTION_CURRENCY,
    tag::TRANSACTION_DATE,
    tag::TRANSACTION_TYPE,
    tag::UNPREDICTABLE_NUMBER,
];

// Rule C8-DE55: field 55: what the data record holds for the issuer, without number, track, name and expiry.
// [source: inference; test: kernel::c8::tests::the_data_record_and_field_55; evidence: own]
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
    tag::PAN_SEQUENCE,
    ISSUER_DATA_MAC,
    AUTHENTICATED_DATA,
    TOKEN_REQUESTOR,
];
