//! Formats a value of every public type and looks for the secret in it, in hex, as text and as a list of numbers.

#![allow(clippy::unwrap_used, missing_docs)]

use std::fmt::Debug;

use softpos_crypto::dukpt::{
    Ksn, Registers, Usage, aes_working_key, initial_key, transaction_key, update_key,
};
use softpos_crypto::entropy::Entropy;
use softpos_crypto::key_block::{self, Header};
use softpos_crypto::key_load::{Ephemeral, Transcript};
use softpos_crypto::p256_key::SoftwareKey;
use softpos_crypto::pin_block::{PinDigits, PinKey, decipher_format4, encipher_format4};
use softpos_crypto::seal::{Epoch, Purpose, open_payload, purpose_key, seal_payload};
use softpos_crypto::{AesKey, AesLength, gcm};
use softpos_types::{Pan, SecretArray};

const IKID: [u8; 8] = [0x11; 8];

/// Fails if any 4 bytes of the secret can be read from the text.
fn assert_hidden(value: &dyn Debug, secret: &[u8]) {
    for text in [format!("{value:?}"), format!("{value:#?}")] {
        let lower = text.to_lowercase();
        let compact: String = lower.split_whitespace().collect();
        for window in secret.windows(4) {
            let list: Vec<String> = window.iter().map(u8::to_string).collect();
            let written = [
                hex::encode(window),
                list.join(","),
                String::from_utf8_lossy(window).to_lowercase(),
            ];
            for written in written {
                assert!(
                    !lower.contains(&written) && !compact.contains(&written),
                    "{text} shows {written}"
                );
            }
        }
    }
}

/// Bytes that are no running sequence, so that a match is no accident.
fn secret<const N: usize>() -> SecretArray<N> {
    SecretArray::build(|bytes| Entropy::from_seed(SecretArray::build(|seed| seed.fill(0x77))).fill(bytes))
}

fn key() -> AesKey {
    AesKey::from_bytes(secret::<32>().expose()).unwrap()
}

#[test]
fn keys() {
    let bytes = secret::<32>();
    assert_hidden(&key(), bytes.expose());
    assert_hidden(&AesKey::from_bytes(&[1; 5]), &[1; 5]);
    let software = SoftwareKey::from_scalar(secret()).unwrap();
    assert_hidden(&software, bytes.expose());
    let audit = purpose_key(&secret(), [1; 16], Purpose::Audit);
    assert_hidden(&audit, audit.expose());
    assert_hidden(
        &Epoch::new(&purpose_key(&secret(), [1; 16], Purpose::Journal), [2; 16]),
        bytes.expose(),
    );
    assert_hidden(&Entropy::from_seed(secret()), bytes.expose());
}

#[test]
fn dukpt() {
    let ik = initial_key(&key(), IKID);
    let ksn = Ksn::new(IKID, 1).unwrap();
    let transaction = transaction_key(&ik, ksn);
    let update = update_key(&ik, IKID, softpos_crypto::dukpt::KeyType::Aes(AesLength::Aes256)).unwrap();
    assert_hidden(&ik, ik.expose());
    assert_hidden(&transaction, transaction.expose());
    assert_hidden(&update, update.expose());
    let (data, pin) = (
        aes_working_key(&transaction, ksn, Usage::DataEncrypt),
        aes_working_key(&transaction, ksn, Usage::Pin),
    );

    let mut registers = Registers::load(initial_key(&key(), IKID), IKID);
    let checkpoint = registers.to_checkpoint();
    assert_hidden(&registers, checkpoint.expose().get(14..).unwrap());
    assert_hidden(&checkpoint, checkpoint.expose());
    let drawn = registers.draw().unwrap();
    assert_hidden(&drawn, transaction.expose());
    assert_hidden(&drawn.into_data_key(), data.expose());
    let mut registers = Registers::load(initial_key(&key(), IKID), IKID);
    assert_hidden(&registers.draw().unwrap().into_pin_key(), pin.expose());
}

#[test]
fn pins_and_payloads() {
    let pan = Pan::from_digits(b"4761739001010119").unwrap();
    let pin = || PinDigits::from_ascii(b"90217").unwrap();
    assert_hidden(&pin(), b"90217");
    let block = encipher_format4(pin(), &pan, PinKey::new(key()), [3; 8]);
    assert_hidden(&block, b"90217");
    assert_hidden(
        &decipher_format4(block.unwrap(), &pan, &PinKey::new(key())),
        b"90217",
    );

    let mut registers = Registers::load(initial_key(&key(), IKID), IKID);
    let mut entropy = Entropy::from_seed(secret());
    let track = b"4761739001010119D3012";
    let sealed = seal_payload(
        registers.draw().unwrap().into_data_key(),
        &mut entropy,
        b"",
        track,
    );
    assert_hidden(&sealed, track);
    assert_hidden(&open_payload(&initial_key(&key(), IKID), &sealed, b""), track);
    assert_hidden(
        &gcm::open(&key(), [0; 12], b"", &gcm::seal(&key(), [0; 12], b"", track)),
        track,
    );
}

#[test]
fn key_load() {
    let mut entropy = Entropy::from_seed(secret());
    let header = Header::initial_key(IKID);
    let bytes = secret::<32>();
    let text = key_block::wrap(&key(), &header, bytes.expose(), &mut entropy).unwrap();
    assert_hidden(&text, bytes.expose());
    assert_hidden(&key_block::unwrap(&key(), &text), bytes.expose());

    let (phone, host) = (
        Ephemeral::generate(&mut entropy),
        Ephemeral::generate(&mut entropy),
    );
    let (phone_point, host_point) = (*phone.public(), *host.public());
    let transcript = Transcript {
        activation_id: b"a",
        device_spki: &[],
        phone: &phone_point,
        host: &host_point,
        ikid: IKID,
        key_set_id: b"k",
        server_nonce: &[],
    };
    let agreement = phone.agree(&host_point, &transcript).unwrap();
    let kbpk = agreement.kbpk(softpos_crypto::key_load::KeySet::Pin);
    assert_hidden(&agreement, kbpk.expose());
    assert_hidden(&host, kbpk.expose());
}

#[cfg(feature = "legacy")]
#[test]
fn legacy() {
    use softpos_crypto::concat_kdf::{Agreement, concat_kdf};
    use softpos_crypto::legacy::TdesKey;
    use softpos_crypto::legacy::dukpt;
    use softpos_crypto::legacy::pin_block::{ClearPinBlock, Format3Fill};

    let bytes = secret::<24>();
    assert_hidden(&TdesKey::from_bytes(bytes.expose()), bytes.expose());
    let ksn = dukpt::Ksn::from_bytes([0x11; 10]);
    let mut registers = dukpt::Registers::load(secret(), ksn);
    let (_, first) = registers.draw().unwrap();
    assert_hidden(&registers, first.expose());
    assert_hidden(&first, first.expose());

    let pan = Pan::from_digits(b"4761739001010119").unwrap();
    let pin = PinDigits::from_ascii(b"90217").unwrap();
    let block = ClearPinBlock::format0(&pin, &pan);
    assert_hidden(&block, block.as_ref().unwrap().expose());
    let fill = Format3Fill::from_nibbles(&[0xB; 10]).unwrap();
    assert_hidden(&fill, &[0xB; 10]);
    let agreed = Agreement {
        algorithm: "A256GCM",
        producer: &[],
        recipient: &[],
    };
    let shared = concat_kdf(secret::<32>().expose(), agreed, 256).unwrap();
    assert_hidden(&shared, shared.expose());
}
