//! Arithmetic modulo a public modulus.
//!
//! With the small exponents that EMV allows, dividing is cheaper than Montgomery's form, whose constants cost more
//! than the whole operation: each product is reduced at once by schoolbook division with a precomputed reciprocal
//! (Möller and Granlund, "Improved division by invariant integers", 2011). Running times depend on the values;
//! moduli, signatures and what they hold are no keys, and private operations do not exist here.

use zeroize::Zeroizing;

use super::rows::{Carried, add_two_rows, high_half, joined, low_half, product, square, wide_product};

/// 1984 bits, the longest modulus that EMV allows (Book 2), in limbs of 64 bits.
pub(super) const MAX_LIMBS: usize = 31;
/// The same in bytes.
pub(super) const MAX_BYTES: usize = 248;

/// A product before it is reduced, with one limb for the shift.
type Wide = [u64; 2 * MAX_LIMBS + 1];
const WIDE: Wide = [0; 2 * MAX_LIMBS + 1];

/// A number below the modulus, lowest limb first.
pub(super) type Residue = Zeroizing<[u64; MAX_LIMBS]>;

/// An odd modulus of at least three limbs.
#[derive(Clone)]
pub(super) struct Modulus {
    odd: [u64; MAX_LIMBS],
    /// How many limbs are not all zero above each other: all loops end there.
    count: usize,
    /// Shifted left by `shift` until the highest bit is set, as division wants it.
    normal: [u64; MAX_LIMBS],
    shift: u32,
    /// Of the highest two limbs of `normal`.
    reciprocal: u64,
    /// -1 / modulus modulo 2^64, for Montgomery's reduction.
    negative_inverse: u64,
}

impl Modulus {
    /// Reads a modulus, highest byte first. `None` if it is even, too long, or has fewer than 129 bits.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        let odd = limbs_of(bytes)?;
        let count = odd.iter().rposition(|limb| *limb != 0)? + 1;
        let lowest = odd.first().filter(|limb| *limb % 2 == 1)?;
        let shift = odd.get(count - 1)?.leading_zeros();
        let mut normal = odd;
        shift_left(&mut normal, shift);
        let &[_, .., second, first] = normal.get(..count)? else {
            return None;
        };
        Some(Self {
            odd,
            count,
            normal,
            shift,
            reciprocal: reciprocal(first, second),
            negative_inverse: inverse(*lowest).wrapping_neg(),
        })
    }

    /// The modulus itself, lowest limb first.
    pub(super) const fn value(&self) -> &[u64; MAX_LIMBS] {
        &self.odd
    }

    /// Reads a number, highest byte first, if it is below the modulus.
    pub(super) fn residue(&self, bytes: &[u8]) -> Option<Residue> {
        let limbs = Zeroizing::new(limbs_of(bytes)?);
        let below = limbs.iter().rev().lt(self.odd.iter().rev());
        below.then_some(limbs)
    }

    /// The cube of a number below the modulus.
    pub(super) fn cube(&self, base: &Residue) -> Residue {
        let mut wide = Zeroizing::new(WIDE);
        square(self.part(base), &mut *wide);
        let square = self.divide(&mut wide);
        product(self.part(&square), self.part(base), &mut *wide);
        self.divide(&mut wide)
    }

    /// The power 2^16 + 1 of a number below the modulus: sixteen squarings, worth the way into Montgomery's form.
    pub(super) fn fourth_fermat(&self, base: &Residue) -> Residue {
        let mut wide = Zeroizing::new(WIDE);
        // The base times 2^(64 count) is the base in that form.
        for (limb, value) in wide.iter_mut().skip(self.count).zip(self.part(base)) {
            *limb = *value;
        }
        let mut power = self.divide(&mut wide);
        for _ in 0..16 {
            square(self.part(&power), &mut *wide);
            self.montgomery(&mut wide, &mut power);
        }
        // The base itself is not in the form, so this product leaves it.
        product(self.part(&power), self.part(base), &mut *wide);
        self.montgomery(&mut wide, &mut power);
        power
    }

    fn part<'a>(&self, number: &'a [u64; MAX_LIMBS]) -> &'a [u64] {
        number.get(..self.count).unwrap_or_default()
    }

    /// Montgomery's reduction: the product divided by 2^(64 count), below the modulus.
    fn montgomery(&self, wide: &mut Wide, reduced: &mut Residue) {
        let modulus = self.part(&self.odd);
        let mut over = 0;
        for position in (0..self.count).step_by(2) {
            let Some(window) = wide.get_mut(position..position + self.count + 2) else {
                return;
            };
            let mut factors = self.vanishing_factors(window, modulus);
            if position + 1 == self.count {
                factors[1] = 0;
            }
            over = add_two_rows(
                window,
                modulus,
                factors,
                Carried {
                    over,
                    ..Carried::default()
                },
            );
        }
        if let Some(top) = wide.get_mut(2 * self.count) {
            *top += over;
        }
        let high = wide.get(self.count..=2 * self.count).unwrap_or_default();
        for (limb, value) in reduced.iter_mut().zip(high).take(self.count) {
            *limb = *value;
        }
        let carried = high.last().is_some_and(|top| *top != 0);
        if carried || !self.part(reduced).iter().rev().lt(modulus.iter().rev()) {
            let mut borrow = 0;
            for (limb, row) in reduced.iter_mut().zip(modulus) {
                let (difference, under) = limb.overflowing_sub(*row);
                let (difference, again) = difference.overflowing_sub(borrow);
                *limb = difference;
                borrow = u64::from(under || again);
            }
        }
    }

    /// The multiples of the modulus that make the two lowest limbs zero.
    fn vanishing_factors(&self, window: &[u64], modulus: &[u64]) -> [u64; 2] {
        let (&[low, high, ..], &[first, second, ..]) = (window, modulus) else {
            return [0; 2];
        };
        let factor = low.wrapping_mul(self.negative_inverse);
        let carry = high_half(wide_product(factor, first) + u128::from(low));
        let high = high.wrapping_add(carry).wrapping_add(factor.wrapping_mul(second));
        [factor, high.wrapping_mul(self.negative_inverse)]
    }

    /// Division: the remainder of a number of twice the modulus's length.
    fn divide(&self, wide: &mut Wide) -> Residue {
        shift_left(wide, self.shift);
        let divisor = self.part(&self.normal);
        if let &[.., second, first] = divisor {
            for position in (0..=self.count).rev() {
                if let Some(window) = wide.get_mut(position..=position + self.count) {
                    subtract_multiple(window, divisor, (first, second), self.reciprocal);
                }
            }
        }
        let mut remainder = Zeroizing::new([0; MAX_LIMBS]);
        for (limb, low) in remainder.iter_mut().zip(wide.iter()) {
            *limb = *low;
        }
        shift_right(&mut *remainder, self.shift);
        remainder
    }
}

/// One step of the division: takes the multiple of the divisor off that leaves less than the divisor.
fn subtract_multiple(window: &mut [u64], divisor: &[u64], top: (u64, u64), reciprocal: u64) {
    let &mut [.., third, second, first] = window else {
        return;
    };
    let quotient = if (first, second) >= top {
        u64::MAX
    } else {
        quotient((first, second, third), top, reciprocal)
    };
    let Some((highest, low)) = window.split_last_mut() else {
        return;
    };
    let mut borrow = 0;
    let mut subtract = |limb: &mut u64, row: u64| {
        let product = wide_product(row, quotient) + u128::from(borrow);
        let (difference, under) = limb.overflowing_sub(low_half(product));
        *limb = difference;
        borrow = high_half(product) + u64::from(under);
    };
    let (fours, rest) = low.as_chunks_mut::<4>();
    let (rows, last) = divisor.as_chunks::<4>();
    for ([a, b, c, d], [w, x, y, z]) in fours.iter_mut().zip(rows) {
        subtract(a, *w);
        subtract(b, *x);
        subtract(c, *y);
        subtract(d, *z);
    }
    for (limb, row) in rest.iter_mut().zip(last) {
        subtract(limb, *row);
    }
    let (rest, under) = highest.overflowing_sub(borrow);
    *highest = rest;
    if under {
        // The quotient was one too high: about one step in 2^63.
        let mut carry = 0;
        for (limb, row) in low.iter_mut().zip(divisor) {
            let sum = u128::from(*limb) + u128::from(*row) + u128::from(carry);
            *limb = low_half(sum);
            carry = high_half(sum);
        }
        *highest = highest.wrapping_add(carry);
    }
}

/// 1 / odd modulo 2^64: four steps of Newton's, each doubling the right bits of the first guess's five.
fn inverse(odd: u64) -> u64 {
    let guess = odd.wrapping_mul(3) ^ 2;
    (0..4).fold(guess, |inverse, _| {
        inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)))
    })
}

/// The reciprocal of the two highest limbs of a divisor (algorithm 6 of the paper).
fn reciprocal(first: u64, second: u64) -> u64 {
    let mut inverse = low_half(u128::MAX / u128::from(first));
    let mut rest = first.wrapping_mul(inverse).wrapping_add(second);
    if rest < second {
        inverse = inverse.wrapping_sub(1);
        if rest >= first {
            inverse = inverse.wrapping_sub(1);
            rest = rest.wrapping_sub(first);
        }
        rest = rest.wrapping_sub(first);
    }
    let product = wide_product(inverse, second);
    let sum = rest.wrapping_add(high_half(product));
    if sum < rest {
        inverse = inverse.wrapping_sub(1);
        if (sum, low_half(product)) >= (first, second) {
            inverse = inverse.wrapping_sub(1);
        }
    }
    inverse
}

/// Three limbs divided by two (algorithm 5 of the paper); the dividend's highest two are below the divisor.
fn quotient((u2, u1, u0): (u64, u64, u64), (d1, d0): (u64, u64), reciprocal: u64) -> u64 {
    let divisor = joined(d1, d0);
    let estimate = wide_product(reciprocal, u2).wrapping_add(joined(u2, u1));
    let mut quotient = high_half(estimate);
    let rest = joined(u1.wrapping_sub(quotient.wrapping_mul(d1)), u0);
    let mut rest = rest
        .wrapping_sub(wide_product(d0, quotient))
        .wrapping_sub(divisor);
    quotient = quotient.wrapping_add(1);
    if high_half(rest) >= low_half(estimate) {
        quotient = quotient.wrapping_sub(1);
        rest = rest.wrapping_add(divisor);
    }
    if rest >= divisor {
        quotient = quotient.wrapping_add(1);
    }
    quotient
}

/// Limbs of a number given highest byte first; `None` if it does not fit.
fn limbs_of(bytes: &[u8]) -> Option<[u64; MAX_LIMBS]> {
    let mut limbs = [0; MAX_LIMBS];
    if bytes.len() > MAX_BYTES {
        return None;
    }
    for (limb, chunk) in limbs.iter_mut().zip(bytes.rchunks(8)) {
        *limb = chunk.iter().fold(0, |limb, byte| (limb << 8) | u64::from(*byte));
    }
    Some(limbs)
}

fn shift_left(limbs: &mut [u64], shift: u32) {
    if shift == 0 {
        return;
    }
    let mut carry = 0;
    for limb in limbs {
        let next = *limb >> (64 - shift);
        *limb = (*limb << shift) | carry;
        carry = next;
    }
}

fn shift_right(limbs: &mut [u64], shift: u32) {
    if shift == 0 {
        return;
    }
    let mut carry = 0;
    for limb in limbs.iter_mut().rev() {
        let next = *limb << (64 - shift);
        *limb = (*limb >> shift) | carry;
        carry = next;
    }
}

#[cfg(test)]
mod tests;
