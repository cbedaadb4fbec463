use alloc::vec;
use alloc::vec::Vec;

use super::*;

/// Limbs that make carries and quotients run into their bounds, and ordinary ones between them.
const LIMBS: [u64; 8] = [
    u64::MAX,
    0,
    1,
    u64::MAX - 1,
    1 << 63,
    (1 << 63) - 1,
    0x0123_4567_89AB_CDEF,
    0xFFFF_FFFF_0000_0000,
];

/// A number of limbs chosen by the digits of `choice`, highest byte first.
fn number(mut choice: usize, count: usize) -> Vec<u8> {
    let limbs = (0..count).map(|_| {
        choice = choice.wrapping_mul(0x5DEE_CE66) ^ (choice >> 7) ^ 0xB;
        LIMBS[(choice >> 5) % LIMBS.len()]
    });
    limbs.flat_map(u64::to_be_bytes).collect()
}

/// a * b modulo m by doubling and adding, one bit at a time.
fn slow_product(a: &[u8], b: &[u8], m: &[u8]) -> Vec<u8> {
    let mut sum = vec![0; m.len()];
    for byte in b {
        for bit in (0..8).rev() {
            sum = slow_sum(&sum, &sum, m);
            if byte >> bit & 1 == 1 {
                sum = slow_sum(&sum, a, m);
            }
        }
    }
    sum
}

fn slow_sum(a: &[u8], b: &[u8], m: &[u8]) -> Vec<u8> {
    let mut sum = vec![0_u8; m.len()];
    let mut carry = 0;
    for ((place, a), b) in sum.iter_mut().zip(a).zip(b).rev() {
        let total = u16::from(*a) + u16::from(*b) + carry;
        *place = total.to_be_bytes()[1];
        carry = total >> 8;
    }
    if carry == 1 || sum.as_slice() >= m {
        let mut borrow = 0;
        for (place, m) in sum.iter_mut().zip(m).rev() {
            let total = 0x100 + u16::from(*place) - u16::from(*m) - borrow;
            *place = total.to_be_bytes()[1];
            borrow = 1 - (total >> 8);
        }
    }
    sum
}

fn bytes(residue: &Residue, length: usize) -> Vec<u8> {
    let all: Vec<u8> = residue.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect();
    all[all.len() - length..].to_vec()
}

#[test]
fn powers_agree_with_bitwise_arithmetic() {
    for round in 0..60 {
        let count = 3 + round % 5;
        let mut modulus = number(round, count);
        // Odd, with a clear highest byte in a part of the rounds, as one published authority key has it.
        *modulus.last_mut().unwrap() |= 1;
        modulus[0] = if round % 3 == 0 { 0 } else { modulus[0] | 1 };
        let Some(ours) = Modulus::new(&modulus) else {
            assert!(modulus[..8].iter().all(|byte| *byte == 0) && count == 3);
            continue;
        };
        let mut base = number(round + 1_000, count);
        base[0] = 0;
        let Some(residue) = ours.residue(&base) else {
            assert!(base >= modulus);
            continue;
        };
        let square = slow_product(&base, &base, &modulus);
        let cube = slow_product(&square, &base, &modulus);
        assert_eq!(bytes(&ours.cube(&residue), modulus.len()), cube, "round {round}");
        let fermat = (0..16).fold(base.clone(), |power, _| slow_product(&power, &power, &modulus));
        let fermat = slow_product(&fermat, &base, &modulus);
        assert_eq!(
            bytes(&ours.fourth_fermat(&residue), modulus.len()),
            fermat,
            "round {round}"
        );
    }
}

#[test]
fn what_is_no_modulus() {
    assert!(Modulus::new(&[0xFF; 249]).is_none(), "too long");
    assert!(Modulus::new(&[0xFE; 64]).is_none(), "even");
    assert!(Modulus::new(&[0; 64]).is_none(), "zero");
    assert!(Modulus::new(&[0xFF; 16]).is_none(), "two limbs");
    let ours = Modulus::new(&[0xFF; 64]).unwrap();
    assert!(ours.residue(&[0xFF; 64]).is_none(), "not below the modulus");
    assert!(ours.residue(&[0xFE; 64]).is_some());
}
