//! The five formats that EMV recovers: issuer certificate, card certificate, signed static data, signed dynamic
//! data, and the latter around an application cryptogram.

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use softpos_types::SecretBytes;
use subtle::ConstantTimeEq;

use super::{PublicKey, Refused};

const HEADER: u8 = 0x6A;
const TRAILER: u8 = 0xBC;
/// SHA-1 and RSA: the only algorithms these formats were ever given.
const ALGORITHM_1: u8 = 0x01;
/// Hash and trailer.
const TAIL: usize = 21;

/// An issuer's or a card's certificate, recovered and hashed, not yet judged.
#[derive(Debug)]
pub struct Certificate {
    /// Whose it is: an issuer identifier of 3 to 8 digits (4 bytes), or a card number (10 bytes); padded with F.
    pub subject: SecretBytes,
    /// Month and year, BCD MMYY; the month's last day counts.
    pub expiry_mmyy: [u8; 2],
    /// What revocation lists name.
    pub serial: [u8; 3],
    /// The certified key.
    pub key: PublicKey,
}

/// What a card signed for this one transaction.
#[derive(Debug)]
pub struct DynamicData {
    /// 9F4C, 2 to 8 bytes.
    pub dynamic_number: SecretBytes,
    /// What follows the number in the ICC dynamic data, without the filler; may be nothing.
    pub rest: SecretBytes,
}

/// Recovers an issuer's key (tag 90, with 92 and 9F32) under a certification authority's.
///
/// `remainder` is empty when the modulus fits into the certificate.
///
/// # Errors
/// [`Refused`].
pub fn issuer_certificate(
    authority: &PublicKey,
    certificate: &[u8],
    remainder: &[u8],
    exponent: &[u8],
) -> Result<Certificate, Refused> {
    let recovered = authority.recover(certificate)?;
    certified::<4>(recovered.expose(), 0x02, (remainder, exponent), &[])
}

/// Recovers a card's key (tag 9F46, with 9F48 and 9F47) under its issuer's.
///
/// `static_data` are the signed records, in order, and what 9F4A adds to them; hashed behind each other.
///
/// # Errors
/// [`Refused`].
pub fn icc_certificate(
    issuer: &PublicKey,
    certificate: &[u8],
    (remainder, exponent): (&[u8], &[u8]),
    static_data: &[&[u8]],
) -> Result<Certificate, Refused> {
    let recovered = issuer.recover(certificate)?;
    certified::<10>(recovered.expose(), 0x04, (remainder, exponent), static_data)
}

/// Checks signed static data (tag 93) under the issuer's key, gives the data authentication code (9F45).
///
/// # Errors
/// [`Refused`].
pub fn static_data(issuer: &PublicKey, signature: &[u8], static_data: &[&[u8]]) -> Result<[u8; 2], Refused> {
    let recovered = issuer.recover(signature)?;
    let signed = signed(recovered.expose(), 0x03, static_data)?;
    match *signed {
        [ALGORITHM_1, first, second, ..] => Ok([first, second]),
        _ => Err(Refused),
    }
}

/// Checks signed dynamic data (tag 9F4B) under the card's key.
///
/// `terminal_data` is what the reader knows and the card signed with it: the values of the dynamic data object list,
/// for kernel 3 also 9F69.
///
/// # Errors
/// [`Refused`].
pub fn dynamic_data(
    card: &PublicKey,
    signature: &[u8],
    terminal_data: &[&[u8]],
) -> Result<DynamicData, Refused> {
    let recovered = card.recover(signature)?;
    let signed = signed(recovered.expose(), 0x05, terminal_data)?;
    let &[ALGORITHM_1, length, ref data @ ..] = signed else {
        return Err(Refused);
    };
    let (length, data) = data
        .get(..usize::from(length))
        .and_then(<[u8]>::split_first)
        .ok_or(Refused)?;
    let (number, rest) = data.split_at_checked(usize::from(*length)).ok_or(Refused)?;
    if !(2..=8).contains(&number.len()) {
        return Err(Refused);
    }
    Ok(DynamicData {
        dynamic_number: SecretBytes::copy_of(number),
        rest: SecretBytes::copy_of(rest),
    })
}

/// What a card signed together with its application cryptogram (CDA).
#[derive(Debug)]
pub struct CombinedData {
    /// 9F4C, 2 to 8 bytes.
    pub dynamic_number: SecretBytes,
    /// 9F27 as signed: the one outside must equal it.
    pub cryptogram_information: u8,
    /// 9F26.
    pub cryptogram: [u8; 8],
    /// SHA-1 of what went over the air; compare with [`CombinedData::covers`].
    pub transaction_hash: [u8; 20],
    /// What follows: data of relay resistance and data storage.
    pub rest: SecretBytes,
}

/// Checks signed dynamic data around a cryptogram (tag 9F4B) under the card's key.
///
/// # Errors
/// [`Refused`].
pub fn combined_data(
    card: &PublicKey,
    signature: &[u8],
    unpredictable_number: [u8; 4],
) -> Result<CombinedData, Refused> {
    let DynamicData { dynamic_number, rest } = dynamic_data(card, signature, &[&unpredictable_number])?;
    let (&[cryptogram_information], tail) = rest.expose().split_first_chunk().ok_or(Refused)?;
    let (cryptogram, tail) = tail.split_first_chunk().ok_or(Refused)?;
    let (transaction_hash, tail) = tail.split_first_chunk().ok_or(Refused)?;
    Ok(CombinedData {
        dynamic_number,
        cryptogram_information,
        cryptogram: *cryptogram,
        transaction_hash: *transaction_hash,
        rest: SecretBytes::copy_of(tail),
    })
}

impl CombinedData {
    /// Whether the card signed this transaction: the values of PDOL, CDOL 1 and, after a second GENERATE AC, CDOL 2
    /// as they were sent, then the objects of the answer in the order received, without 9F4B.
    pub fn covers(&self, transaction_data: &[&[u8]]) -> bool {
        hash_of(transaction_data.iter().copied())
            .ct_eq(&self.transaction_hash)
            .into()
    }
}

/// Checks what every format has, gives what lies between format byte and hash.
fn signed<'a>(recovered: &'a [u8], format: u8, beside: &[&[u8]]) -> Result<&'a [u8], Refused> {
    let &[HEADER, ref middle @ .., TRAILER] = recovered else {
        return Err(Refused);
    };
    let (content, hash) = middle.split_last_chunk::<{ TAIL - 1 }>().ok_or(Refused)?;
    let parts = beside.iter().copied();
    let computed = hash_of(core::iter::once(content).chain(parts));
    if !bool::from(computed.ct_eq(hash)) {
        return Err(Refused);
    }
    match content.split_first() {
        Some((own, signed)) if *own == format => Ok(signed),
        _ => Err(Refused),
    }
}

/// Reads a certificate whose subject has N bytes.
fn certified<const N: usize>(
    recovered: &[u8],
    format: u8,
    (remainder, exponent): (&[u8], &[u8]),
    static_data: &[&[u8]],
) -> Result<Certificate, Refused> {
    let signed = signed(recovered, format, &[&[remainder, exponent], static_data].concat())?;
    let (subject, rest) = signed.split_first_chunk::<N>().ok_or(Refused)?;
    let (expiry_mmyy, rest) = rest.split_first_chunk().ok_or(Refused)?;
    let (serial, rest) = rest.split_first_chunk().ok_or(Refused)?;
    let &[ALGORITHM_1, ALGORITHM_1, length, _exponent_length, ref field @ ..] = rest else {
        return Err(Refused);
    };
    let key = match field.get(..usize::from(length)) {
        Some(modulus) => PublicKey::new(modulus, exponent)?,
        None if field.len() + remainder.len() == usize::from(length) => {
            PublicKey::new(&[field, remainder].concat(), exponent)?
        }
        None => return Err(Refused),
    };
    Ok(Certificate {
        subject: SecretBytes::copy_of(subject),
        expiry_mmyy: *expiry_mmyy,
        serial: *serial,
        key,
    })
}

/// The checksum that is published with an authority's key: SHA-1 over RID, index, modulus and exponent (Book 2, 11).
pub fn key_checksum((rid, index): ([u8; 5], u8), modulus: &[u8], exponent: &[u8]) -> [u8; 20] {
    hash_of([&rid[..], &[index], modulus, exponent].into_iter())
}

/// SHA-1 of the parts behind each other.
fn hash_of<'a>(parts: impl Iterator<Item = &'a [u8]>) -> [u8; 20] {
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    parts.for_each(|part| context.update(part));
    let mut hash = [0; 20];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}
