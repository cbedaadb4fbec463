//! After the operations on PINs, card data and DUKPT keys, scans the process's own memory for what must be gone.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs::{self, File};
use std::hint::black_box;
use std::os::unix::fs::FileExt;

use softpos_crypto::AesKey;
use softpos_crypto::dukpt::{Ksn, Registers, Usage, aes_working_key, initial_key, transaction_key};
use softpos_crypto::entropy::Entropy;
use softpos_crypto::pin_block::{PinDigits, encipher_format4};
use softpos_crypto::scrub::scrubbed;
use softpos_crypto::seal::seal_payload;
use softpos_types::{Pan, SecretArray, SecretBytes};

const CHUNK: usize = 1 << 12;
/// Chunks overlap by the longest secret.
const OVERLAP: usize = 32;

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
    let mut buffer = [0_u8; CHUNK + OVERLAP];
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
            // The buffer is emptied before each, so that it does not find what it held.
            buffer.fill(0);
            let length = buffer.len().min(usize::try_from(end - at).unwrap());
            let Ok(read) = memory.read_at(buffer.get_mut(..length).unwrap(), at) else {
                break;
            };
            let chunk = buffer.get(..read).unwrap();
            at += u64::try_from(CHUNK).unwrap();
            if chunk == [0; CHUNK + OVERLAP].get(..read).unwrap() {
                continue;
            }
            found.extend(
                secrets
                    .iter()
                    .filter(|(_, secret)| secret.is_in(chunk))
                    .map(|(name, _)| *name),
            );
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
            ("track", Masked::of(&track())),
        ]
    })
}

/// Card data that is in no constant of the program.
fn track() -> Vec<u8> {
    (0..24_u8).map(|i| i.wrapping_mul(37) ^ 0xA5).collect()
}

/// Runs the operation far below the caller's frame, where the frames of the scan do not overwrite what it leaves.
#[inline(never)]
#[allow(clippy::large_stack_arrays)]
fn far_below<T>(operation: impl FnOnce() -> T) -> T {
    let distance = black_box([0_u8; 1 << 17]);
    let result = operation();
    black_box(&distance);
    result
}

/// What careless code does: a copy of the secret in a frame that is given back.
#[inline(never)]
fn leave_behind(secret: &Masked) {
    let mut copy = [0_u8; 32];
    copy.iter_mut()
        .zip(&secret.0)
        .for_each(|(byte, masked)| *byte = !masked);
    black_box(&mut copy);
}

#[test]
fn nothing_is_left_after_a_payment() {
    let (bdk, ikid) = (u8::try_from(std::process::id() % 251).unwrap(), [0x5C; 8]);
    let secrets = secrets(bdk, ikid);
    // The scan finds what an operation leaves on the stack, and the wrapper overwrites it.
    let (_, initial) = secrets.first().unwrap();
    far_below(|| leave_behind(initial));
    assert!(found(&secrets).contains(&"initial key"));
    far_below(|| scrubbed(|| leave_behind(initial)));
    assert_eq!(found(&secrets), Vec::<&str>::new());

    let kept = scrubbed(|| initial_key(&AesKey::from_bytes(&[bdk; 32]).unwrap(), ikid));
    let mut registers = far_below(|| Registers::load(kept, ikid));
    let mut entropy = Entropy::from_seed(SecretArray::build(|seed| seed.fill(9)));
    let mut pin = PinDigits::new();
    for digit in [9, 0, 2, 1, 7, 5] {
        pin.push(digit).unwrap();
    }
    let pan = Pan::from_digits(b"4761739001010119").unwrap();
    let block = far_below(|| {
        let key = registers.draw().unwrap().into_pin_key();
        encipher_format4(pin, &pan, key, entropy.array())
    });
    let clear = SecretBytes::new(track());
    let sealed = far_below(|| {
        let key = registers.draw().unwrap().into_data_key();
        seal_payload(key, &mut entropy, b"envelope", clear.expose())
    });
    drop(clear);
    assert!(block.is_ok() && sealed.ksn.counter() == 2);
    assert_eq!(found(&secrets), Vec::<&str>::new());
}
