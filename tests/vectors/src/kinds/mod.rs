//! The kinds of vectors, one file each: what the product is asked, and its answer in the vectors' words.

mod crypto_cmac;
mod crypto_concat_kdf;
mod crypto_dukpt_aes;
mod crypto_dukpt_tdes;
mod crypto_ecdh_p256;
mod crypto_emv_rsa;
mod crypto_gcm;
mod crypto_hkdf;
mod crypto_kcv;
mod crypto_keyblock;
mod crypto_pinblock;
mod crypto_retail_mac;
mod emv_afl;
mod emv_bits;
mod emv_capk;
mod emv_cvm_list;
mod emv_dol;
mod emv_ecdsa_sd;
mod emv_entrypoint;
mod emv_issuer_ac;
mod emv_oda;
mod emv_tlv;
mod emv_transcript;
mod host_response_code;
mod money_words;
mod qr_cpm;
mod qr_mpm;
mod qr_other;
mod qr_payment_code;

use crate::Kind;

/// The function for a kind, if the product has what it tests.
pub(crate) fn by_name(kind: &str) -> Option<Kind> {
    Some(match kind {
        "crypto.cmac" => crypto_cmac::run,
        "crypto.concat-kdf" => crypto_concat_kdf::run,
        "crypto.dukpt-tdes" => crypto_dukpt_tdes::run,
        "crypto.retail-mac" => crypto_retail_mac::run,
        "crypto.dukpt-aes" => crypto_dukpt_aes::run,
        "crypto.ecdh-p256" => crypto_ecdh_p256::run,
        "crypto.emv-rsa" => crypto_emv_rsa::run,
        "crypto.gcm" => crypto_gcm::run,
        "crypto.hkdf" => crypto_hkdf::run,
        "crypto.kcv" => crypto_kcv::run,
        "crypto.keyblock" => crypto_keyblock::run,
        "crypto.pinblock" => crypto_pinblock::run,
        "emv.afl" => emv_afl::run,
        "emv.bits" => emv_bits::run,
        "emv.capk" => emv_capk::run,
        "emv.cvm-list" => emv_cvm_list::run,
        "emv.dol" => emv_dol::run,
        "emv.ecdsa-sd" => emv_ecdsa_sd::run,
        "emv.entrypoint" => emv_entrypoint::run,
        "emv.issuer-ac" => emv_issuer_ac::run,
        "emv.oda" => emv_oda::run,
        "emv.tlv" => emv_tlv::run,
        "emv.transcript" => emv_transcript::run,
        "host.response-code" => host_response_code::run,
        "money.words" => money_words::run,
        "qr.cpm" => qr_cpm::run,
        "qr.mpm" => qr_mpm::run,
        "qr.other" => qr_other::run,
        "qr.payment-code" => qr_payment_code::run,
        _ => return None,
    })
}
