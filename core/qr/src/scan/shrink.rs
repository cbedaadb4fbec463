//! Pictures made smaller, each pixel the mean of those it stands for.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::num::NonZeroUsize;

/// The largest divisor: the largest picture at the smallest look needs less.
const MAX_DIVISOR: usize = 64;

/// The picture with at most so many pixels, at the smallest whole divisor of its sides.
pub(super) fn to(luma: &[u8], width: usize, height: usize, most: usize) -> (Cow<'_, [u8]>, usize, usize) {
    let pixels = width.saturating_mul(height);
    let fits = |divisor: &usize| pixels <= most.saturating_mul(divisor.saturating_mul(*divisor));
    let divisor = (1..=MAX_DIVISOR).find(fits).and_then(NonZeroUsize::new);
    let Some(divisor) = divisor.filter(|divisor| divisor.get() > 1) else {
        return (Cow::Borrowed(luma), width, height);
    };
    let (small_width, small_height) = (width / divisor, height / divisor);
    if small_width == 0 || small_height == 0 {
        return (Cow::Borrowed(luma), width, height);
    }
    let divisor = divisor.get();
    let mut small = Vec::with_capacity(small_width.saturating_mul(small_height));
    let mut sums = alloc::vec![0_u32; small_width];
    let area = u32::try_from(divisor.saturating_mul(divisor)).unwrap_or(u32::MAX);
    for band in luma.chunks(width.saturating_mul(divisor)).take(small_height) {
        sums.fill(0);
        for row in band.chunks(width) {
            for (sum, part) in sums.iter_mut().zip(row.chunks(divisor)) {
                *sum = part
                    .iter()
                    .fold(*sum, |sum, grey| sum.saturating_add(u32::from(*grey)));
            }
        }
        let mean = |sum: &u32| sum.checked_div(area).and_then(|mean| u8::try_from(mean).ok());
        small.extend(sums.iter().map(|sum| mean(sum).unwrap_or(u8::MAX)));
    }
    (Cow::Owned(small), small_width, small_height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_of_squares() {
        let luma = [10, 20, 255, 30, 40, 255, 1, 2, 3];
        assert_eq!(to(&luma, 3, 3, 9).1, 3);
        let (small, width, height) = to(&luma, 3, 3, 4);
        assert_eq!((small.as_ref(), width, height), (&[25][..], 1, 1));
        let (same, width, height) = to(&luma, 9, 1, 2);
        assert_eq!((same.len(), width, height), (9, 9, 1));
    }
}
