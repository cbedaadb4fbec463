//! The kinds of vectors, one file each: what the product is asked, and its answer in the vectors' words.

mod crypto_cmac;
mod crypto_ecdh_p256;
mod crypto_hkdf;
mod crypto_kcv;
mod emv_issuer_ac;
mod host_response_code;
mod money_words;
mod qr_mpm;

use crate::Kind;

/// The function for a kind, if the product has what it tests.
pub(crate) fn by_name(kind: &str) -> Option<Kind> {
    Some(match kind {
        "crypto.cmac" => crypto_cmac::run,
        "crypto.ecdh-p256" => crypto_ecdh_p256::run,
        "crypto.hkdf" => crypto_hkdf::run,
        "crypto.kcv" => crypto_kcv::run,
        "emv.issuer-ac" => emv_issuer_ac::run,
        "host.response-code" => host_response_code::run,
        "money.words" => money_words::run,
        "qr.mpm" => qr_mpm::run,
        _ => return None,
    })
}
