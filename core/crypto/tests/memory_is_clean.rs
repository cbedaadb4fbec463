//! After the operations on PINs, card data and DUKPT keys, scans the process's own memory for what must be gone.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use softpos_crypto::AesKey;
use softpos_crypto::dukpt::{Ksn, Registers, Usage, aes_working_key, initial_key, transaction_key};
use softpos_crypto::entropy::Entropy;
use softpos_crypto::pin_block::{PinDigits, encipher_format4};
use softpos_crypto::scrub::scrubbed;
use softpos_crypto::seal::seal_payload;
use softpos_types::{Pan, SecretArray};

const CHUNK: usize = 1 << 16;

/// A secret, kept so that the search does not find itself.
struct Masked(Vec<u8>);

impl Masked {
    fn of(secret: &[u8]) -> Self {
        Self(secret.iter().map(|byte| !byte).collect())
    }

    fn is_in(&self, memory: &[u8]) -> bool {
        let same = |window: &[u8]| window.iter().zip(&self.0).all(|(byte, masked)| *byte == !masked);
        memory.windows(self.0.len()).any(same)
    }
}

/// The names of the secrets that stand anywhere in writable memory.
fn found(secrets: &[(&'static str, Masked)]) -> Vec<&'static str> {
    let memory = File::open("/proc/self/mem").unwrap();
    let mut buffer = vec![0_u8; CHUNK + 64];
    let mut found = Vec::new();
    for line in fs::read_to_string("/proc/self/maps").unwrap().lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        if !rest.starts_with("rw") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let (mut at, end) = (
            u64::from_str_radix(start, 16).unwrap(),
            u64::from_str_radix(end, 16).unwrap(),
        );
        while at < end {
            // Chunks overlap; the buffer is emptied before each, so that it does not find what it held.
            buffer.fill(0);
            let length = buffer.len().min(usize::try_from(end - at).unwrap());
            let Ok(read) = memory.read_at(buffer.get_mut(..length).unwrap(), at) else {
                break;
            };
            let chunk = buffer.get(..read).unwrap();
            found.extend(
                secrets
                    .iter()
                    .filter(|(_, secret)| secret.is_in(chunk))
                    .map(|(name, _)| *name),
            );
            at += u64::try_from(CHUNK).unwrap();
        }
    }
    found
}

/// The PIN field and the keys as the operations below will have them, and the card data.
fn secrets(bdk: u8, ikid: [u8; 8]) -> Vec<(&'static str, Masked)> {
    scrubbed(|| {
        let ik = initial_key(&AesKey::from_bytes(&[bdk; 32]).unwrap(), ikid);
        let (first, second) = (Ksn::new(ikid, 1).unwrap(), Ksn::new(ikid, 2).unwrap());
        let (for_pin, for_data) = (transaction_key(&ik, first), transaction_key(&ik, second));
        let pin_key = aes_working_key(&for_pin, first, Usage::Pin);
        let data_key = aes_working_key(&for_data, second, Usage::DataEncrypt);
        vec![
            ("initial key", Masked::of(ik.expose())),
            ("transaction key of the PIN", Masked::of(for_pin.expose())),
            ("transaction key of the data", Masked::of(for_data.expose())),
            ("PIN key", Masked::of(pin_key.expose())),
            ("data key", Masked::of(data_key.expose())),
            (
                "PIN field",
                Masked::of(&[0x46, 0x90, 0x21, 0x75, 0xAA, 0xAA, 0xAA, 0xAA]),
            ),
            (
                "PAN field",
                Masked::of(&[0x44, 0x76, 0x17, 0x39, 0x00, 0x10, 0x10, 0x11, 0x90, 0, 0, 0]),
            ),
            ("track", Masked::of(&track(|byte| byte))),
        ]
    })
}

/// Card data that is in no constant of the program.
fn track(map: impl Fn(u8) -> u8) -> Vec<u8> {
    (0..24_u8).map(|i| map(i.wrapping_mul(37) ^ 0xA5)).collect()
}

#[test]
fn nothing_is_left_after_a_payment() {
    let (bdk, ikid) = (u8::try_from(std::process::id() % 251).unwrap(), [0x5C; 8]);
    let secrets = secrets(bdk, ikid);
    // The scan finds what is there.
    let kept = scrubbed(|| initial_key(&AesKey::from_bytes(&[bdk; 32]).unwrap(), ikid));
    assert!(found(&secrets).contains(&"initial key"));

    let mut registers = Registers::load(kept, ikid);
    let mut entropy = Entropy::from_seed(SecretArray::build(|seed| seed.fill(9)));
    let mut pin = PinDigits::new();
    for digit in [9, 0, 2, 1, 7, 5] {
        pin.push(digit).unwrap();
    }
    let pan = Pan::from_digits(b"4761739001010119").unwrap();
    let block = encipher_format4(
        pin,
        &pan,
        registers.draw().unwrap().into_pin_key(),
        entropy.array(),
    );
    let clear = softpos_types::SecretBytes::new(track(|byte| byte));
    let sealed = seal_payload(
        registers.draw().unwrap().into_data_key(),
        &mut entropy,
        b"envelope",
        clear.expose(),
    );
    drop(clear);
    assert!(block.is_ok() && sealed.ksn.counter() == 2);
    assert_eq!(found(&secrets), Vec::<&str>::new());
}
