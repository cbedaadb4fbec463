//! Products of numbers of many limbs, lowest first: rows of products added up, two rows in one pass.

/// What a pass over two rows takes over from before its first limb.
#[derive(Clone, Copy, Default)]
pub(super) struct Carried {
    /// Belongs to the first row at the first limb.
    pub(super) carry: u64,
    /// The limb before the row's first one.
    pub(super) previous: u64,
    /// Belongs to the first limb behind the row.
    pub(super) over: u64,
}

/// Adds `row` times the first factor and, one limb higher, `row` times the second; gives what does not fit.
///
/// `sum` is two limbs longer than `row`. Two rows in one pass, because the two chains of carries run side by side.
#[inline]
pub(super) fn add_two_rows(sum: &mut [u64], row: &[u64], [first, second]: [u64; 2], carried: Carried) -> u64 {
    let Some((low, [top, topmost, ..])) = sum.split_at_mut_checked(row.len()) else {
        return 0;
    };
    let mut previous = carried.previous;
    let mut carry = carried.carry;
    let mut second_carry = 0;
    let mut add = |limb: &mut u64, value: u64| {
        // Each sum is at most (2^64 - 1)^2 + 2 (2^64 - 1) = 2^128 - 1.
        let sum = wide_product(value, first) + u128::from(*limb) + u128::from(carry);
        let twice = wide_product(previous, second) + u128::from(low_half(sum)) + u128::from(second_carry);
        *limb = low_half(twice);
        previous = value;
        carry = high_half(sum);
        second_carry = high_half(twice);
    };
    let (fours, rest) = low.as_chunks_mut::<4>();
    let (rows, last) = row.as_chunks::<4>();
    for ([a, b, c, d], [w, x, y, z]) in fours.iter_mut().zip(rows) {
        add(a, *w);
        add(b, *x);
        add(c, *y);
        add(d, *z);
    }
    for (limb, value) in rest.iter_mut().zip(last) {
        add(limb, *value);
    }
    let sum = u128::from(*top) + u128::from(carry) + u128::from(carried.over);
    let twice = wide_product(previous, second) + u128::from(low_half(sum)) + u128::from(second_carry);
    *top = low_half(twice);
    let sum = u128::from(*topmost) + u128::from(high_half(sum)) + u128::from(high_half(twice));
    *topmost = low_half(sum);
    high_half(sum)
}

/// The product of two numbers of equal length.
pub(super) fn product(a: &[u64], b: &[u64], wide: &mut [u64]) {
    wide.fill(0);
    let (pairs, odd) = a.as_chunks::<2>();
    let odd = odd.first().map(|last| [*last, 0]);
    for (position, factors) in pairs.iter().copied().chain(odd).enumerate() {
        if let Some(window) = wide.get_mut(2 * position..2 * position + b.len() + 2) {
            add_two_rows(window, b, factors, Carried::default());
        }
    }
}

/// The square of a number: mixed products once, all doubled, then the squares.
pub(super) fn square(a: &[u64], wide: &mut [u64]) {
    wide.fill(0);
    let mut rest = a;
    let mut position = 1;
    while let [first, second, higher @ ..] = rest {
        let Some([low, middle, window @ ..]) = wide.get_mut(position..) else {
            return;
        };
        let sum = wide_product(*first, *second) + u128::from(*low);
        *low = low_half(sum);
        let third = higher.first().copied().unwrap_or_default();
        let sum = wide_product(*first, third) + u128::from(*middle) + u128::from(high_half(sum));
        *middle = low_half(sum);
        if let Some((previous, row)) = higher.split_first()
            && let Some(window) = window.get_mut(..row.len() + 2)
        {
            let carried = Carried {
                carry: high_half(sum),
                previous: *previous,
                over: 0,
            };
            add_two_rows(window, row, [*first, *second], carried);
        }
        rest = higher;
        position += 4;
    }
    let mut carry = 0;
    let mut doubled = 0;
    for ([low, high], factor) in wide.as_chunks_mut::<2>().0.iter_mut().zip(a) {
        let square = wide_product(*factor, *factor);
        let twice_low = (*low << 1) | doubled;
        let twice_high = (*high << 1) | (*low >> 63);
        doubled = *high >> 63;
        let sum = u128::from(twice_low) + u128::from(low_half(square)) + u128::from(carry);
        *low = low_half(sum);
        let sum = u128::from(twice_high) + u128::from(high_half(square)) + u128::from(high_half(sum));
        *high = low_half(sum);
        carry = high_half(sum);
    }
}

pub(super) fn wide_product(a: u64, b: u64) -> u128 {
    u128::from(a) * u128::from(b)
}

pub(super) fn joined(high: u64, low: u64) -> u128 {
    (u128::from(high) << 64) | u128::from(low)
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is wanted")]
pub(super) const fn low_half(wide: u128) -> u64 {
    wide as u64
}

pub(super) const fn high_half(wide: u128) -> u64 {
    low_half(wide >> 64)
}
