//! Pictures made smaller, each pixel the mean of those it stands for.

use alloc::borrow::Cow;
use alloc::vec::Vec;

/// The picture with at most so many pixels, at the largest whole divisor of its sides.
pub(super) fn to(luma: &[u8], width: usize, height: usize, most: usize) -> (Cow<'_, [u8]>, usize, usize) {
    let pixels = width.saturating_mul(height);
    let divisor = (1_usize..)
        .find(|divisor| pixels <= most.saturating_mul(divisor.saturating_mul(*divisor)))
        .unwrap_or(1);
    let (small_width, small_height) = (width / divisor.max(1), height / divisor.max(1));
    if divisor == 1 || small_width == 0 || small_height == 0 {
        return (Cow::Borrowed(luma), width, height);
    }
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
        small.extend(sums.iter().map(|sum| u8::try_from(sum / area).unwrap_or(u8::MAX)));
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
