//! Application file locator: which records to read and which of them are signed (Book 3 10.2).

use alloc::vec::Vec;

/// One file's part of the locator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AflEntry {
    /// Short file identifier, 1 to 30.
    pub sfi: u8,
    /// First record to read.
    pub first: u8,
    /// Last record to read.
    pub last: u8,
    /// How many records from the first on enter offline data authentication.
    pub oda: u8,
}

/// A checked locator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Afl {
    entries: Vec<AflEntry>,
}

/// One record to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordId {
    /// Short file identifier.
    pub sfi: u8,
    /// Record number.
    pub record: u8,
    /// Whether it enters offline data authentication.
    pub oda: bool,
}

/// Why a locator is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AflError {
    /// No bytes.
    Empty,
    /// Not a multiple of four bytes.
    Length,
    /// Short file identifier 0 or 31.
    SfiRange,
    /// The three low bits of the first byte are not zero.
    SfiLowBits,
    /// First record 0.
    FirstRecord,
    /// The last record lies before the first.
    LastBeforeFirst,
    /// More signed records than records.
    OdaCount,
}

impl Afl {
    /// Checks every entry.
    ///
    /// # Errors
    /// The first breach.
    pub fn parse(bytes: &[u8]) -> Result<Self, AflError> {
        if bytes.is_empty() {
            return Err(AflError::Empty);
        }
        let (quads, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(AflError::Length);
        }
        let entries = quads.iter().copied().map(parse_entry).collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }

    /// The entries as the card gave them.
    pub fn entries(&self) -> &[AflEntry] {
        &self.entries
    }

    /// The records in the order of reading.
    pub fn records(&self) -> impl Iterator<Item = RecordId> + '_ {
        self.entries.iter().flat_map(|entry| {
            (entry.first..=entry.last).map(|record| RecordId {
                sfi: entry.sfi,
                record,
                oda: record.saturating_sub(entry.first) < entry.oda,
            })
        })
    }
}

fn parse_entry([file, first, last, oda]: [u8; 4]) -> Result<AflEntry, AflError> {
    let sfi = file >> 3;
    if file & 7 != 0 {
        return Err(AflError::SfiLowBits);
    }
    if !(1..=30).contains(&sfi) {
        return Err(AflError::SfiRange);
    }
    if first == 0 {
        return Err(AflError::FirstRecord);
    }
    let after_first = last.checked_sub(first).ok_or(AflError::LastBeforeFirst)?;
    if oda > after_first.saturating_add(1) {
        return Err(AflError::OdaCount);
    }
    Ok(AflEntry {
        sfi,
        first,
        last,
        oda,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Afl, AflError> {
        Afl::parse(&hex::decode(text).unwrap())
    }

    #[test]
    fn records_in_order_with_the_signed_ones() {
        let afl = parse("18010101100101001003030028010202").unwrap();
        let read: Vec<_> = afl.records().map(|r| (r.sfi, r.record, r.oda)).collect();
        assert_eq!(
            read,
            [
                (3, 1, true),
                (2, 1, false),
                (2, 3, false),
                (5, 1, true),
                (5, 2, true)
            ]
        );
        assert_eq!(parse("F0010100").unwrap().entries()[0].sfi, 30);
        assert_eq!(parse("0801FF00").unwrap().records().count(), 255);
    }

    #[test]
    fn malformed_locators() {
        for (text, error) in [
            ("", AflError::Empty),
            ("080101", AflError::Length),
            ("0801010008", AflError::Length),
            ("00010100", AflError::SfiRange),
            ("F8010100", AflError::SfiRange),
            ("09010100", AflError::SfiLowBits),
            ("08000100", AflError::FirstRecord),
            ("08020100", AflError::LastBeforeFirst),
            ("0801010018030201", AflError::LastBeforeFirst),
            ("08010203", AflError::OdaCount),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }
}
