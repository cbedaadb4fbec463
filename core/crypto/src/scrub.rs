//! Overwriting what an operation leaves behind on the stack.
//!
//! Wiping the values is not enough: after one call of a block cipher, a MAC or an AEAD, copies of the key
//! were found in dead stack frames, in every library tried. Overwriting the stack below the caller
//! after the operation left none.

use core::hint::black_box;

/// How far below the caller's frame the stack is overwritten. Measured: enough for every operation here.
const DEPTH: usize = 64 * 1024;

/// Runs an operation on a PIN, card data or a key, then overwrites the stack it used.
///
/// The result is moved out, so secrets in it must sit in heap-held types (`SecretArray`, `SecretBytes`).
#[inline(never)]
pub fn scrubbed<T>(operation: impl FnOnce() -> T) -> T {
    let result = isolated(operation);
    overwrite();
    result
}

/// Gives the operation a frame of its own, below the one that `overwrite` starts from.
#[inline(never)]
fn isolated<T>(operation: impl FnOnce() -> T) -> T {
    black_box(operation)()
}

#[expect(clippy::large_stack_arrays, reason = "the stack is what is to be overwritten")]
#[inline(never)]
fn overwrite() {
    // The optimiser must assume that somebody reads the array, so the zeros are really written.
    black_box(&mut [0_u8; DEPTH]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_result_back() {
        let words = [1_u8, 2, 3];
        assert_eq!(scrubbed(|| words.iter().sum::<u8>()), 6);
    }
}
