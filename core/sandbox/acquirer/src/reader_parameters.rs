//! What the sandbox's terminals accept of cards, kernel by kernel, and the keys they check cards with.

use std::collections::BTreeMap;

use softpos_cards::{CardScheme, authority_keys, curve_authority_keys};
use softpos_host::{CaPublicKey, CombinationParameters, CurveCaPublicKey, ReaderParameters};

use crate::parameters::{MERCHANT, NO_CVM_LIMIT_MINOR, PAYMENT_LIMIT_MINOR};

/// Up to here a card may approve by itself: 100.00.
const FLOOR_LIMIT_MINOR: i64 = 10_000;
/// The common kernel of all schemes.
const COMMON_KERNEL: u8 = 8;
/// EMV mode, online PIN, offline data authentication for online; CDCVM.
const QUALIFIERS: &str = "25004000";

/// Tag to value, both upper-case hex.
type Data = BTreeMap<String, String>;

/// The reader set of a terminal with number `TEST0001`, for taps without a payment around them.
pub fn reader_parameters() -> ReaderParameters {
    reader("TEST0001")
}

pub(crate) fn reader(terminal: &str) -> ReaderParameters {
    ReaderParameters {
        terminal: terminal_data(terminal),
        kernels: [
            (CardScheme::Mastercard.kernel(), kernel_2()),
            (CardScheme::AmericanExpress.kernel(), kernel_4()),
            (CardScheme::Jcb.kernel(), kernel_5()),
            (COMMON_KERNEL, kernel_8()),
        ]
        .into(),
        // Nothing foreign proves these kernels: the sandbox turns them on, an acquirer does so on purpose.
        unverified_kernels: CardScheme::ALL
            .into_iter()
            .filter(|scheme| !matches!(scheme, CardScheme::Visa | CardScheme::Mastercard))
            .map(CardScheme::kernel)
            .chain([COMMON_KERNEL])
            .collect(),
        combinations: CardScheme::ALL
            .into_iter()
            .map(combination)
            .chain([common_combination()])
            .collect(),
        capks: authorities(),
        curve_capks: curve_authorities(),
        revoked: Vec::new(),
        exceptions: None,
    }
}

fn terminal_data(terminal: &str) -> Data {
    data(&[
        // Country and, in the capabilities: contactless only; online PIN and no CVM; no stripe, no contact chip.
        ("9F1A", "0156"),
        ("9F33", "0048C8"),
        ("9F40", "6000F0A001"),
        // Attended, offline with online capability, operated by the merchant.
        ("9F35", "22"),
        ("9F15", "5812"),
        ("9F16", &text(MERCHANT)),
        ("9F1C", &text(terminal)),
        ("9F1E", &text(terminal)),
        ("9F4E", &text("DEMO SHOP SHANGHAI")),
    ])
}

/// Mastercard's kernel has limits and action codes of its own; it compares by "above".
fn kernel_2() -> Data {
    data(&[
        // No stripe mode, CDCVM, relay resistance.
        ("DF811B", "B0"),
        // Above the CVM limit online PIN, below it nothing.
        ("DF8118", "48"),
        ("DF8119", "08"),
        ("DF8123", &amount(FLOOR_LIMIT_MINOR)),
        ("DF8124", &amount(PAYMENT_LIMIT_MINOR)),
        ("DF8125", &amount(PAYMENT_LIMIT_MINOR)),
        ("DF8126", &amount(NO_CVM_LIMIT_MINOR)),
        // Not authenticated, above the floor limit, late: the issuer decides. Nothing is declined unasked.
        ("DF8120", "840000000C"),
        ("DF8121", "0000000000"),
        ("DF8122", "840000800C"),
        // One cut tap is kept in mind, for the card that comes back.
        ("DF811D", "01"),
    ])
}

/// American Express: EMV mode; mobile devices, PIN and mobile verification.
fn kernel_4() -> Data {
    data(&[("9F6D", "80"), ("9F6E", "18C00000")])
}

/// JCB: EMV mode with data authentication; PIN and verification on the device.
fn kernel_5() -> Data {
    data(&[("9F52", "00"), ("9F53", "300000"), ("DF8D02", "2200")])
}

/// The common kernel has tags of its own for everything; it compares by "above".
fn kernel_8() -> Data {
    data(&[
        // Above the CVM limit PIN or device; below it nothing will do too, but a card may still want its PIN.
        ("9F8207", "44"),
        ("9F8208", "4C"),
        // Relay resistance; whether the card was authenticated here stays here. Local authentication.
        ("9F8209", "1000"),
        ("9F820A", "10"),
        // Not authenticated, above the floor limit, late: the issuer decides. Nothing is declined unasked.
        ("9F820B", "0000000000"),
        ("9F820C", "840080800C"),
        ("9F820D", &amount(FLOOR_LIMIT_MINOR)),
        ("9F820E", &amount(NO_CVM_LIMIT_MINOR)),
        // A card may say that a PIN comes, and ask for "see phone"; its issuers look for the code at this place.
        ("9F821A", "FFFFFBFFFF"),
        ("9F821D", "20"),
        ("9F821E", "0A"),
    ])
}

/// Mastercard's application, for cards that ask for the common kernel.
fn common_combination() -> CombinationParameters {
    CombinationParameters {
        kernel: COMMON_KERNEL,
        ..combination(CardScheme::Mastercard)
    }
}

fn combination(scheme: CardScheme) -> CombinationParameters {
    let qualifies = matches!(
        scheme,
        CardScheme::Visa | CardScheme::UnionPay | CardScheme::Discover
    );
    CombinationParameters {
        aid: hex::encode_upper(scheme.aid()),
        kernel: scheme.kernel(),
        transaction_type: 0,
        status_check: false,
        zero_amount_allowed: Some(false),
        extended_selection: false,
        // The limits of the reader refuse and verify from their amount on, those of the merchant above it.
        transaction_limit_minor: Some(PAYMENT_LIMIT_MINOR.saturating_add(1)),
        floor_limit_minor: Some(FLOOR_LIMIT_MINOR),
        cvm_limit_minor: Some(NO_CVM_LIMIT_MINOR.saturating_add(1)),
        ttq: qualifies.then(|| QUALIFIERS.into()),
        data: BTreeMap::new(),
    }
}

/// The sandbox's own authorities: public test keys that sign test cards only.
fn authorities() -> Vec<CaPublicKey> {
    authority_keys()
        .into_iter()
        .map(|key| CaPublicKey {
            rid: hex::encode_upper(key.rid),
            index: hex::encode_upper([key.index]),
            modulus: hex::encode_upper(key.modulus),
            exponent: hex::encode_upper(key.exponent),
            checksum: hex::encode_upper(key.checksum),
            expires_yymmdd: None,
        })
        .collect()
}

fn curve_authorities() -> Vec<CurveCaPublicKey> {
    curve_authority_keys()
        .into_iter()
        .map(|key| CurveCaPublicKey {
            rid: hex::encode_upper(key.rid),
            index: hex::encode_upper([key.index]),
            x: hex::encode_upper(key.x),
            signature: hex::encode_upper(key.signature),
            expires_yymmdd: None,
        })
        .collect()
}

fn data(values: &[(&str, &str)]) -> Data {
    values
        .iter()
        .map(|(tag, value)| ((*tag).to_owned(), (*value).to_owned()))
        .collect()
}

fn text(value: &str) -> String {
    hex::encode_upper(value)
}

/// n12.
fn amount(minor: i64) -> String {
    format!("{minor:012}")
}
