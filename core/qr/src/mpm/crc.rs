//! CRC-16 of a payload: polynomial 1021, start FFFF, no reflection, over everything up to and including `6304` (4.7).

use alloc::vec::Vec;

/// Four bytes are taken at once: row `k` holds the remainders of a byte with `k` bytes after it.
static TABLES: [[u16; 256]; 4] = tables();

/// The CRC over bytes.
pub(super) fn crc16(bytes: &[u8]) -> u16 {
    let (chunks, rest) = bytes.as_chunks::<4>();
    let crc = chunks.iter().fold(0xFFFF_u16, |crc, [a, b, c, d]| {
        let [high, low] = crc.to_be_bytes();
        remainder(3, a ^ high) ^ remainder(2, b ^ low) ^ remainder(1, *c) ^ remainder(0, *d)
    });
    rest.iter().fold(crc, |crc, byte| {
        let [high, low] = crc.to_be_bytes();
        u16::from_be_bytes([low, 0]) ^ remainder(0, high ^ byte)
    })
}

/// The text's ISO 8859-1 bytes, if it has them.
pub(super) fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

#[expect(
    clippy::indexing_slicing,
    reason = "a byte always lies in a row of 256; the rows are constants"
)]
fn remainder(row: usize, byte: u8) -> u16 {
    TABLES[row][usize::from(byte)]
}

#[expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated by the compiler: a fault would not compile"
)]
const fn tables() -> [[u16; 256]; 4] {
    let mut tables = [[0; 256]; 4];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut row = 0;
        while row < 4 {
            let mut bit = 0;
            while bit < 8 {
                crc = if crc & 0x8000 == 0 {
                    crc << 1
                } else {
                    (crc << 1) ^ 0x1021
                };
                bit += 1;
            }
            tables[row][byte] = crc;
            row += 1;
        }
        byte += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue() {
        // CRC-16/IBM-3740 ("CCITT-FALSE") of "123456789".
        assert_eq!(crc16(b"123456789"), 0x29B1);
        assert_eq!(crc16(b""), 0xFFFF);
    }

    #[test]
    fn four_at_once_are_four_singly() {
        let bytes: [u8; 23] = core::array::from_fn(|i| u8::try_from(i * 11).unwrap());
        for end in 0..bytes.len() {
            let singly = bytes[..end].iter().fold(0xFFFF_u16, |crc, byte| {
                let [high, low] = crc.to_be_bytes();
                u16::from_be_bytes([low, 0]) ^ remainder(0, high ^ byte)
            });
            assert_eq!(crc16(&bytes[..end]), singly);
        }
    }
}
