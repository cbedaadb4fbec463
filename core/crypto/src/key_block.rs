//! Key blocks, ANSI X9.143 version D: how an initial key travels from the host to the terminal.
//!
//! Text: `D`, length (4 decimal), key usage (2), algorithm, mode, key version (2), exportability, number of optional
//! blocks (2 decimal), `00`, optional blocks, then in upper-case hex the enciphered payload and 16 bytes of MAC.
//! Payload: key length in bits (2), key, random bytes up to a multiple of 16. The MAC is over header and clear
//! payload; it is also the initialisation vector.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use softpos_types::SecretBytes;
use zeroize::Zeroizing;

use crate::aes_key::{AesKey, AesLength, Block};
use crate::entropy::Entropy;
use crate::mac::{cmac, verify_cmac};
use crate::scrub::scrubbed;

/// Key usage of a DUKPT initial key.
const USAGE_INITIAL_KEY: [u8; 2] = *b"B1";
/// The optional block that names a DUKPT initial key.
const ID_INITIAL_KEY: [u8; 2] = *b"IK";
/// The optional block that fills the header up.
const ID_PADDING: [u8; 2] = *b"PB";
/// The fixed part of the header, in characters.
const FIXED_HEADER: usize = 16;
/// What tells the versions apart.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    /// The first character.
    pub(crate) version: u8,
    /// Bytes of one block of the cipher.
    pub(crate) block: usize,
    /// Bytes of the MAC.
    pub(crate) mac: usize,
}

/// AES, the MAC in full.
const VERSION_D: Layout = Layout {
    version: b'D',
    block: 16,
    mac: 16,
};
/// The longest block that is read.
const MAX_LENGTH: usize = 1024;

/// What a key block says about its key. All fields are ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the key is for.
    pub usage: [u8; 2],
    /// Which algorithm it is for.
    pub algorithm: u8,
    /// What may be done with it.
    pub mode: u8,
    /// Its version.
    pub key_version: [u8; 2],
    /// Whether it may be passed on.
    pub exportability: u8,
    /// Further statements, in order, filling included.
    pub optional: Vec<OptionalBlock>,
}

/// One further statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionalBlock {
    /// What it is.
    pub id: [u8; 2],
    /// Printable ASCII.
    pub data: String,
}

/// An opened key block.
pub struct KeyBlock {
    /// What it says about the key.
    pub header: Header,
    /// The key, not yet accepted for anything: see [`Policy`].
    pub key: SecretBytes,
}

/// What an activation accepts: a DUKPT initial key for AES, derivation only, not exportable, of the agreed length,
/// under the agreed id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The id of the initial key.
    pub ikid: [u8; 8],
    /// Its length.
    pub length: AesLength,
}

/// The block is refused: format, MAC and policy are not told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyBlockError;

impl Header {
    /// The header of a DUKPT initial key as [`Policy`] accepts it.
    pub fn initial_key(ikid: [u8; 8]) -> Self {
        Self {
            usage: USAGE_INITIAL_KEY,
            algorithm: b'A',
            mode: b'X',
            key_version: *b"00",
            exportability: b'N',
            optional: Vec::from([OptionalBlock {
                id: ID_INITIAL_KEY,
                data: hex::encode_upper(ikid),
            }]),
        }
    }
}

impl Policy {
    /// Takes the key out of a block that opened, if it is what was agreed.
    ///
    /// # Errors
    /// [`KeyBlockError`] for any other usage, algorithm, mode, exportability, length or id.
    pub fn accept(&self, block: &KeyBlock) -> Result<AesKey, KeyBlockError> {
        let mut agreed = Header::initial_key(self.ikid);
        agreed.key_version = block.header.key_version;
        let mut stated = block.header.clone();
        stated.optional.retain(|optional| optional.id != ID_PADDING);
        if stated != agreed || block.key.len() != self.length.bytes() {
            return Err(KeyBlockError);
        }
        AesKey::from_bytes(block.key.expose()).map_err(|_| KeyBlockError)
    }
}

/// Opens a key block: length and characters first, then the MAC; nothing is used before it.
///
/// # Errors
/// [`KeyBlockError`] for any other version, a damaged block, or another protection key.
pub fn unwrap(kbpk: &AesKey, text: &str) -> Result<KeyBlock, KeyBlockError> {
    scrubbed(|| open(kbpk, text))
}

/// The host's side: wraps a key under a protection key.
///
/// The header is filled up to a multiple of 16 characters by a `PB` block of its own.
///
/// # Errors
/// [`KeyBlockError`] for a key or a header that the format cannot hold.
pub fn wrap(
    kbpk: &AesKey,
    header: &Header,
    key: &[u8],
    entropy: &mut Entropy,
) -> Result<String, KeyBlockError> {
    let bits = u16::try_from(key.len() * 8).map_err(|_| KeyBlockError)?;
    let optional = optional_text(&header.optional)?;
    let count = header.optional.len() + usize::from(optional.padded);
    let payload_length = (2 + key.len()).next_multiple_of(16);
    let length = FIXED_HEADER + optional.text.len() + 2 * payload_length + 2 * VERSION_D.mac;
    if length > MAX_LENGTH || count > 99 || key.is_empty() {
        return Err(KeyBlockError);
    }
    let characters = |bytes: &[u8]| -> String { bytes.iter().copied().map(char::from).collect() };
    let mut text = String::new();
    write!(
        text,
        "D{length:04}{}{}{}{}{}{count:02}00{}",
        characters(&header.usage),
        char::from(header.algorithm),
        char::from(header.mode),
        characters(&header.key_version),
        char::from(header.exportability),
        optional.text,
    )
    .map_err(|_| KeyBlockError)?;

    let header_length = text.len();
    let mut message = Zeroizing::new(Vec::with_capacity(header_length + payload_length));
    message.extend(text.bytes());
    message.extend(bits.to_be_bytes());
    message.extend(key);
    let random = message.len();
    message.resize(header_length + payload_length, 0);
    entropy.fill(message.get_mut(random..).unwrap_or_default());
    let mac = cmac(&derived(kbpk, KeyUse::Mac), &message);
    let payload = message.get_mut(header_length..).unwrap_or_default();
    derived(kbpk, KeyUse::Encryption)
        .encrypt_cbc(mac, payload)
        .map_err(|_| KeyBlockError)?;
    text.push_str(&hex::encode_upper(&*payload));
    text.push_str(&hex::encode_upper(mac));
    // What this writes must be what `unwrap` reads.
    parse_header(&text, VERSION_D).map(|_| text)
}

fn open(kbpk: &AesKey, text: &str) -> Result<KeyBlock, KeyBlockError> {
    let (header, header_length) = parse_header(text, VERSION_D)?;
    let TextParts { clear, payload, mac } = split_text(text, header_length, VERSION_D)?;
    let mac: Block = mac.try_into().map_err(|_| KeyBlockError)?;
    let mut message = Zeroizing::new(clear.to_vec());
    message.extend(payload);
    let payload = message.get_mut(header_length..).unwrap_or_default();
    derived(kbpk, KeyUse::Encryption)
        .decrypt_cbc(mac, payload)
        .map_err(|_| KeyBlockError)?;
    verify_cmac(&derived(kbpk, KeyUse::Mac), &message, &mac).map_err(|_| KeyBlockError)?;
    read_payload(header, message.get(header_length..).unwrap_or_default())
}

/// The clear header, the enciphered payload and the MAC.
pub(crate) struct TextParts<'a> {
    pub(crate) clear: &'a [u8],
    pub(crate) payload: Vec<u8>,
    pub(crate) mac: Vec<u8>,
}

/// Takes a block apart whose header ends there.
pub(crate) fn split_text(
    text: &str,
    header_length: usize,
    layout: Layout,
) -> Result<TextParts<'_>, KeyBlockError> {
    let (clear, enciphered) = text
        .as_bytes()
        .split_at_checked(header_length)
        .ok_or(KeyBlockError)?;
    let (payload, mac) = enciphered
        .len()
        .checked_sub(2 * layout.mac)
        .and_then(|length| enciphered.split_at_checked(length))
        .ok_or(KeyBlockError)?;
    Ok(TextParts {
        clear,
        payload: bytes_of_hex(payload)?,
        mac: bytes_of_hex(mac)?,
    })
}

/// Bits of the key, the key; what follows is filling.
pub(crate) fn read_payload(header: Header, payload: &[u8]) -> Result<KeyBlock, KeyBlockError> {
    let (bits, rest) = payload.split_first_chunk().ok_or(KeyBlockError)?;
    let bits = usize::from(u16::from_be_bytes(*bits));
    let key = rest
        .get(..bits / 8)
        .filter(|key| bits.is_multiple_of(8) && !key.is_empty())
        .ok_or(KeyBlockError)?;
    Ok(KeyBlock {
        header,
        key: SecretBytes::copy_of(key),
    })
}

#[derive(Clone, Copy)]
enum KeyUse {
    Encryption,
    Mac,
}

/// The two keys under a protection key: CMAC over counter, use, 00, algorithm, bits.
fn derived(kbpk: &AesKey, key_use: KeyUse) -> AesKey {
    let key_use = match key_use {
        KeyUse::Encryption => 0,
        KeyUse::Mac => 1,
    };
    let (algorithm, bits) = match kbpk.length() {
        AesLength::Aes128 => (2, 128_u16),
        AesLength::Aes192 => (3, 192),
        AesLength::Aes256 => (4, 256),
    };
    let [bits_high, bits_low] = bits.to_be_bytes();
    AesKey::build(kbpk.length(), |key| {
        for (chunk, counter) in key.chunks_mut(16).zip(1..) {
            let block = cmac(kbpk, &[counter, 0, key_use, 0, 0, algorithm, bits_high, bits_low]);
            chunk
                .iter_mut()
                .zip(block)
                .for_each(|(byte, derived)| *byte = derived);
        }
    })
}

/// The header and how many characters it takes.
pub(crate) fn parse_header(text: &str, layout: Layout) -> Result<(Header, usize), KeyBlockError> {
    let mut rest = Characters(text.as_bytes());
    if text.len() > MAX_LENGTH || rest.take()? != [layout.version] || rest.decimal::<4>()? != text.len() {
        return Err(KeyBlockError);
    }
    let usage = rest.take()?;
    let [algorithm, mode] = rest.take()?;
    let key_version = rest.take()?;
    let [exportability] = rest.take()?;
    let count = rest.decimal::<2>()?;
    let named = [&usage[..], &[algorithm, mode], &key_version, &[exportability]].concat();
    if rest.take()? != *b"00" || !named.iter().all(u8::is_ascii_alphanumeric) {
        return Err(KeyBlockError);
    }
    let mut optional = Vec::new();
    for _ in 0..count {
        optional.push(rest.optional_block()?);
    }
    let left = rest.0.len();
    // At least one block of payload; both parts come in whole blocks.
    let whole = (text.len() - left).is_multiple_of(layout.block)
        && left
            .checked_sub(2 * layout.mac)
            .is_some_and(|payload| payload > 0 && payload.is_multiple_of(2 * layout.block));
    if !whole {
        return Err(KeyBlockError);
    }
    let header = Header {
        usage,
        algorithm,
        mode,
        key_version,
        exportability,
        optional,
    };
    Ok((header, text.len() - left))
}

/// What is left of the text.
struct Characters<'a>(&'a [u8]);

impl<'a> Characters<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], KeyBlockError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(KeyBlockError)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn slice(&mut self, length: usize) -> Result<&'a [u8], KeyBlockError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(KeyBlockError)?;
        self.0 = rest;
        Ok(taken)
    }

    fn decimal<const N: usize>(&mut self) -> Result<usize, KeyBlockError> {
        number(&self.take::<N>()?, 10)
    }

    /// Id, length of the whole in hex, data. Length 00: the length of the length in hex, then the length.
    fn optional_block(&mut self) -> Result<OptionalBlock, KeyBlockError> {
        let id = self.take::<2>()?;
        let mut before = 4;
        let mut length = number(&self.take::<2>()?, 16)?;
        if length == 0 {
            let digits = number(&self.take::<2>()?, 16)?;
            length = number(self.slice(digits)?, 16)?;
            before = 6 + digits;
        }
        let data = self.slice(length.checked_sub(before).ok_or(KeyBlockError)?)?;
        let printable = data.iter().all(|byte| (b' '..=b'~').contains(byte));
        if !printable || !id.iter().all(u8::is_ascii_alphanumeric) {
            return Err(KeyBlockError);
        }
        Ok(OptionalBlock {
            id,
            data: data.iter().copied().map(char::from).collect(),
        })
    }
}

/// Upper-case digits of a small number.
fn number(digits: &[u8], radix: u32) -> Result<usize, KeyBlockError> {
    if digits.is_empty() || digits.len() > 4 {
        return Err(KeyBlockError);
    }
    digits.iter().try_fold(0, |sum, digit| {
        let value = char::from(*digit)
            .to_digit(radix)
            .filter(|_| !digit.is_ascii_lowercase());
        let value = usize::try_from(value.ok_or(KeyBlockError)?).map_err(|_| KeyBlockError)?;
        Ok(sum * if radix == 16 { 16 } else { 10 } + value)
    })
}

struct OptionalText {
    text: String,
    padded: bool,
}

fn optional_text(blocks: &[OptionalBlock]) -> Result<OptionalText, KeyBlockError> {
    let mut text = String::new();
    for block in blocks {
        let [first, second] = block.id.map(char::from);
        let length = u8::try_from(block.data.len() + 4).map_err(|_| KeyBlockError)?;
        write!(text, "{first}{second}{length:02X}{}", block.data).map_err(|_| KeyBlockError)?;
    }
    let padded = !text.len().is_multiple_of(16);
    if padded {
        let filled = (text.len() + 4).next_multiple_of(16);
        let length = filled - text.len();
        write!(text, "PB{length:02X}").map_err(|_| KeyBlockError)?;
        text.extend(core::iter::repeat_n('0', length - 4));
    }
    Ok(OptionalText { text, padded })
}

/// Upper-case hex only: a block has one spelling.
fn bytes_of_hex(digits: &[u8]) -> Result<Vec<u8>, KeyBlockError> {
    if digits.iter().any(u8::is_ascii_lowercase) {
        return Err(KeyBlockError);
    }
    hex::decode(digits).map_err(|_| KeyBlockError)
}

impl fmt::Debug for KeyBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyBlock")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
