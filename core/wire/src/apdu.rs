//! Commands to a card and its answers (ISO 7816-4), in short and extended form.

use alloc::vec::Vec;
use core::fmt;

use crate::tag;
use crate::tlv::TlvWriter;

/// Name of the contactless directory, the proximity payment system environment.
pub const PPSE_NAME: &[u8] = b"2PAY.SYS.DDF01";

/// The status word of success.
pub const SW_OK: u16 = 0x9000;

/// More than 65,535 bytes of data, or an expected length above 65,536.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApduTooLong;

/// The bytes are no APDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApduError;

/// A command.
#[derive(Clone, PartialEq, Eq)]
pub struct Capdu<'a> {
    /// Class.
    pub cla: u8,
    /// Instruction.
    pub ins: u8,
    /// Parameter 1.
    pub p1: u8,
    /// Parameter 2.
    pub p2: u8,
    /// The data field.
    pub data: &'a [u8],
    /// How many bytes of answer are expected at most: 256 is the byte 00.
    pub le: Option<u32>,
}

/// Shows the header and the length of the data only: a VERIFY holds a PIN, a record number nothing.
impl fmt::Debug for Capdu<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cla,
            ins,
            p1,
            p2,
            data,
            ..
        } = self;
        write!(
            f,
            "Capdu({cla:02X}{ins:02X}{p1:02X}{p2:02X}, {} bytes)",
            data.len()
        )
    }
}

impl<'a> Capdu<'a> {
    /// The bytes on the air: short form if data and answer fit it.
    ///
    /// # Errors
    /// [`ApduTooLong`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, ApduTooLong> {
        let mut bytes = Vec::with_capacity(self.data.len().saturating_add(9));
        bytes.extend([self.cla, self.ins, self.p1, self.p2]);
        let length = u16::try_from(self.data.len()).map_err(|_| ApduTooLong)?;
        let short = length <= 0xFF && self.le.is_none_or(|le| le <= 0x100);
        if short {
            if !self.data.is_empty() {
                bytes.extend(length.to_be_bytes().last());
                bytes.extend_from_slice(self.data);
            }
            bytes.extend(self.le.and_then(|le| le.to_be_bytes().last().copied()));
            return Ok(bytes);
        }
        if self.le.is_some_and(|le| le > 0x1_0000) {
            return Err(ApduTooLong);
        }
        bytes.push(0);
        if !self.data.is_empty() {
            bytes.extend(length.to_be_bytes());
            bytes.extend_from_slice(self.data);
        }
        if let Some([_, _, le @ ..]) = self.le.map(u32::to_be_bytes) {
            bytes.extend(le);
        }
        Ok(bytes)
    }

    /// Reads a command, as a card does.
    ///
    /// # Errors
    /// [`ApduError`] if the lengths do not add up.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ApduError> {
        let &[cla, ins, p1, p2, ref body @ ..] = bytes else {
            return Err(ApduError);
        };
        let (data, le) = match *body {
            [] => (&[][..], None),
            [le] => (&[][..], Some(short_le(le))),
            [0, high, low] => (&[][..], Some(extended_le(high, low))),
            [0, high, low, ref rest @ ..] => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                match rest.split_at_checked(length).ok_or(ApduError)? {
                    (data, []) if !data.is_empty() => (data, None),
                    (data, &[high, low]) if !data.is_empty() => (data, Some(extended_le(high, low))),
                    _ => return Err(ApduError),
                }
            }
            [length, ref rest @ ..] => match rest.split_at_checked(usize::from(length)).ok_or(ApduError)? {
                (data, []) if !data.is_empty() => (data, None),
                (data, &[le]) if !data.is_empty() => (data, Some(short_le(le))),
                _ => return Err(ApduError),
            },
        };
        Ok(Self {
            cla,
            ins,
            p1,
            p2,
            data,
            le,
        })
    }
}

fn short_le(le: u8) -> u32 {
    if le == 0 { 0x100 } else { u32::from(le) }
}

fn extended_le(high: u8, low: u8) -> u32 {
    match u16::from_be_bytes([high, low]) {
        0 => 0x1_0000,
        le => u32::from(le),
    }
}

/// An answer: a view into the bytes the radio gave.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rapdu<'a> {
    /// The data field.
    pub body: &'a [u8],
    /// The status word.
    pub sw: u16,
}

/// Shows the status word and the length only: records are card data.
impl fmt::Debug for Rapdu<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rapdu({} bytes, {:04X})", self.body.len(), self.sw)
    }
}

impl<'a> Rapdu<'a> {
    /// Splits off the status word.
    ///
    /// # Errors
    /// [`ApduError`] for fewer than two bytes.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ApduError> {
        let (body, sw) = bytes.split_last_chunk::<2>().ok_or(ApduError)?;
        Ok(Self {
            body,
            sw: u16::from_be_bytes(*sw),
        })
    }

    /// Whether the card says 9000.
    pub const fn is_ok(self) -> bool {
        self.sw == SW_OK
    }
}

/// SELECT by name.
///
/// # Errors
/// [`ApduTooLong`].
pub fn select(name: &[u8]) -> Result<Vec<u8>, ApduTooLong> {
    command(0x00, 0xA4, 0x04, name, true)
}

/// GET PROCESSING OPTIONS with the data of the PDOL, in template 83.
///
/// # Errors
/// [`ApduTooLong`].
pub fn get_processing_options(pdol_data: &[u8]) -> Result<Vec<u8>, ApduTooLong> {
    let mut template = TlvWriter::new();
    template.put(tag::Tag::new(0x83), pdol_data);
    command(0x80, 0xA8, 0x00, &template.into_vec(), true)
}

/// READ RECORD.
pub fn read_record(sfi: u8, record: u8) -> Vec<u8> {
    alloc::vec![0x00, 0xB2, record, (sfi << 3) | 0x04, 0x00]
}

/// GENERATE AC with the data of the CDOL; P1 says which cryptogram.
///
/// # Errors
/// [`ApduTooLong`].
pub fn generate_ac(p1: u8, cdol_data: &[u8], le: bool) -> Result<Vec<u8>, ApduTooLong> {
    command(0x80, 0xAE, p1, cdol_data, le)
}

/// INTERNAL AUTHENTICATE with the data of the DDOL.
///
/// # Errors
/// [`ApduTooLong`].
pub fn internal_authenticate(ddol_data: &[u8], le: bool) -> Result<Vec<u8>, ApduTooLong> {
    command(0x00, 0x88, 0x00, ddol_data, le)
}

fn command(cla: u8, ins: u8, p1: u8, data: &[u8], le: bool) -> Result<Vec<u8>, ApduTooLong> {
    Capdu {
        cla,
        ins,
        p1,
        p2: 0,
        data,
        le: le.then_some(0x100),
    }
    .to_bytes()
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn commands_byte_for_byte() {
        let hex = |bytes: Vec<u8>| hex::encode_upper(bytes);
        assert_eq!(
            hex(select(PPSE_NAME).unwrap()),
            "00A404000E325041592E5359532E444446303100"
        );
        assert_eq!(
            hex(get_processing_options(&[0xEA]).unwrap()),
            "80A80000038301EA00"
        );
        assert_eq!(hex(get_processing_options(&[]).unwrap()), "80A8000002830000");
        assert_eq!(hex(read_record(3, 1)), "00B2011C00");
        assert_eq!(hex(read_record(30, 255)), "00B2FFF400");
        assert_eq!(hex(generate_ac(0x50, &[1, 2], true).unwrap()), "80AE500002010200");
        assert_eq!(
            hex(internal_authenticate(&[1, 2, 3, 4], false).unwrap()),
            "008800000401020304"
        );
    }

    #[test]
    fn every_case_reads_back() {
        let data = [7; 300];
        for (length, le) in [
            (0, None),
            (0, Some(256)),
            (0, Some(1)),
            (255, None),
            (255, Some(256)),
            (256, None),
            (300, Some(65_536)),
            (1, Some(300)),
            (0, Some(300)),
        ] {
            let command = Capdu {
                cla: 0x80,
                ins: 0xA8,
                p1: 1,
                p2: 2,
                data: &data[..length],
                le,
            };
            let bytes = command.to_bytes().unwrap();
            assert_eq!(Capdu::parse(&bytes), Ok(command), "{length} {le:?}");
        }
    }

    #[test]
    fn malformed_commands() {
        for bad in [
            "",
            "00A404",
            "00A4040002AA",
            "00A4040001AABBCC",
            "00A404000000",
            "00A40400000000AA",
            "00A404000000020102AA",
        ] {
            let bytes = hex::decode(bad).unwrap();
            assert_eq!(Capdu::parse(&bytes), Err(ApduError), "{bad}");
        }
        let long = alloc::vec![0; 65_536];
        assert_eq!(select(&long), Err(ApduTooLong));
    }

    #[test]
    fn answers() {
        assert_eq!(Rapdu::parse(&[0x90]), Err(ApduError));
        let answer = Rapdu::parse(&[0x57, 0x01, 0x6A, 0x82]).unwrap();
        assert!(!answer.is_ok() && answer.body == [0x57, 0x01]);
        assert_eq!(format!("{answer:?}"), "Rapdu(2 bytes, 6A82)");
    }
}
