//! What the acquirer configures and what one payment adds.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use softpos_types::{LocalTime, Money};
use softpos_wire::Tag;

use crate::exceptions::ExceptionFile;
use crate::oda::AuthorityKeys;

/// How often one transaction activates a kernel before it ends.
pub(crate) const MAX_ACTIVATIONS: usize = 4;

/// Unpredictable numbers for one activation: relay resistance takes a new one for each of its three tries.
pub(crate) const NUMBERS_AN_ACTIVATION: usize = 3;

/// The card side of the signed parameters.
#[derive(Clone, Debug, Default)]
pub struct ReaderConfig {
    /// What is accepted, in the acquirer's order.
    pub combinations: Vec<Combination>,
    /// What the terminal tells all kernels about itself.
    pub terminal: TerminalData,
    /// What it tells one kernel, whatever the application; goes before `terminal`.
    pub kernels: Vec<(KernelId, TerminalData)>,
    /// Kernels without foreign proof that the integrator turned on: without this their combinations do not count.
    pub unverified_kernels: Vec<KernelId>,
    /// The schemes' keys for offline data authentication, and what is revoked.
    pub authority_keys: Arc<AuthorityKeys>,
    /// Cards that are not to be taken.
    pub exceptions: Arc<ExceptionFile>,
}

impl ReaderConfig {
    /// The same, but that every payment goes online, as far as a terminal decides that: all floor limits are zero.
    pub fn online_only(&self) -> Self {
        let mut config = self.clone();
        for combination in &mut config.combinations {
            combination.settings.floor_limit_minor = Some(0);
            // Kernels 2 and 8 have floor limits of their own.
            for own in [0xDF_8123, 0x9F_820D] {
                combination.settings.data.set(Tag::new(own), &[0; 6]);
            }
        }
        config
    }

    /// What a kernel is told for an accepted combination: its own data before the kernel's before the terminal's.
    pub(crate) fn data_for(&self, kernel: KernelId, own: &TerminalData) -> TerminalData {
        let mut data = self.terminal.clone();
        let of_kernel = self.kernels.iter().filter(|(id, _)| *id == kernel);
        for source in of_kernel.map(|(_, data)| data).chain([own]) {
            for (tag, value) in source.iter() {
                data.set(tag, value);
            }
        }
        data
    }
}

/// One accepted (application, kernel, transaction type).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Combination {
    /// Application identifier; a card's longer name that begins with it matches.
    pub aid: Aid,
    /// Which kernel reads it.
    pub kernel: KernelId,
    /// 9C: 00 purchase, 20 refund.
    pub transaction_type: u8,
    /// Flags and limits.
    pub settings: CombinationSettings,
}

/// Flags and limits of a combination (Book B 3.1.1). An absent limit is not checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CombinationSettings {
    /// One currency unit asks for a status check.
    pub status_check: bool,
    /// Whether amount zero is allowed; absent counts as allowed.
    pub zero_amount_allowed: Option<bool>,
    /// Whether 9F29 is appended when the application is selected.
    pub extended_selection: bool,
    /// At or above it the combination is not allowed.
    pub transaction_limit_minor: Option<i64>,
    /// Above it the payment goes online.
    pub floor_limit_minor: Option<i64>,
    /// 9F1B, used when there is no reader floor limit.
    pub terminal_floor_limit_minor: Option<i64>,
    /// At or above it the cardholder is verified.
    pub cvm_limit_minor: Option<i64>,
    /// 9F66, terminal transaction qualifiers before pre-processing.
    pub ttq: Option<[u8; 4]>,
    /// What the kernel is told for this combination only, as limits and action codes in `DF81xx`.
    pub data: TerminalData,
}

/// Terminal data for the kernels: tag to value, as 9F1A, 9F33, 9F35, 9F40, 9F1E, 9F4E.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TerminalData(BTreeMap<Tag, Vec<u8>>);

impl TerminalData {
    /// Nothing configured.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Sets a value, replacing an earlier one.
    pub fn set(&mut self, tag: Tag, value: &[u8]) {
        self.0.insert(tag, value.to_vec());
    }

    /// Forgets a value.
    #[cfg(feature = "mag-stripe")]
    pub(crate) fn remove(&mut self, tag: Tag) {
        self.0.remove(&tag);
    }

    /// The value of a tag.
    pub fn value(&self, tag: Tag) -> Option<&[u8]> {
        self.0.get(&tag).map(Vec::as_slice)
    }

    /// All values in the order of their tags.
    pub fn iter(&self) -> impl Iterator<Item = (Tag, &[u8])> {
        self.0.iter().map(|(tag, value)| (*tag, value.as_slice()))
    }
}

/// One payment, as the kernels see it.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// 9F02 and 5F2A.
    pub amount: Money,
    /// 9F03: cashback.
    pub other_minor: i64,
    /// 9C.
    pub transaction_type: u8,
    /// 9A and 9F21.
    pub local: LocalTime,
    /// Numbers for 9F37, some for each activation, from fresh entropy: a number is never used twice.
    pub unpredictable: [[[u8; 4]; NUMBERS_AN_ACTIVATION]; MAX_ACTIVATIONS],
}

/// An application identifier: 5 to 16 bytes, the first five being the registered provider (RID).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Aid {
    bytes: [u8; 16],
    length: u8,
}

/// Fewer than 5 or more than 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AidError;

impl Aid {
    /// Checks the length.
    ///
    /// # Errors
    /// [`AidError`].
    pub fn new(aid: &[u8]) -> Result<Self, AidError> {
        let length = u8::try_from(aid.len()).map_err(|_| AidError)?;
        let mut bytes = [0; 16];
        match bytes.get_mut(..aid.len()) {
            Some(head) if length >= 5 => head.copy_from_slice(aid),
            _ => return Err(AidError),
        }
        Ok(Self { bytes, length })
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or(&self.bytes)
    }

    /// The registered application provider identifier.
    pub const fn rid(&self) -> [u8; 5] {
        match self.bytes.first_chunk() {
            Some(rid) => *rid,
            None => [0; 5],
        }
    }
}

impl fmt::Debug for Aid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

/// A kernel: one byte, or three for those registered by a country or a vendor (9F2A).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KernelId(u32);

impl KernelId {
    /// Fits every kernel: what a card without preference asks for.
    pub const ANY: Self = Self(0);
    /// Kernel 1: Visa's and JCB's older cards; withdrawn.
    pub const C1: Self = Self(1);
    /// Mastercard.
    pub const C2: Self = Self(2);
    /// Visa.
    pub const C3: Self = Self(3);
    /// American Express.
    pub const C4: Self = Self(4);
    /// JCB.
    pub const C5: Self = Self(5);
    /// Discover.
    pub const C6: Self = Self(6);
    /// `UnionPay`.
    pub const C7: Self = Self(7);
    /// The common kernel of all schemes.
    pub const C8: Self = Self(8);

    /// A kernel from its one or three bytes read as a number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The bytes read as one number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// What a directory entry asks for (Book B 3.3.2): `None` if the identifier cannot be read.
    pub(crate) fn requested(identifier: Option<&[u8]>, adf_name: &Aid) -> Option<Self> {
        match identifier {
            None | Some([]) => Some(Self::default_for(adf_name)),
            Some(&[short @ 0..=0x7F, ..]) => Some(Self(u32::from(short))),
            Some(&[first, second, third, ..]) => Some(Self(u32::from_be_bytes([0, first, second, third]))),
            Some(_) => None,
        }
    }

    // Rule EP-3.3.2-KERNEL: a card that names no kernel gets its provider's; Discover has two providers.
    // [source: peer, libpay knows a wrong one and DCEMV one only;
    // test: config::tests::requested_kernels;
    // evidence: own]
    /// The kernel of a provider whose card names none. The second Discover provider is general knowledge.
    fn default_for(adf_name: &Aid) -> Self {
        match adf_name.rid() {
            [0xA0, 0, 0, 0, 0x04] => Self::C2,
            [0xA0, 0, 0, 0, 0x03] => Self::C3,
            [0xA0, 0, 0, 0, 0x25] => Self::C4,
            [0xA0, 0, 0, 0, 0x65] => Self::C5,
            [0xA0, 0, 0, 0x01, 0x52] | [0xA0, 0, 0, 0x03, 0x24] => Self::C6,
            [0xA0, 0, 0, 0x03, 0x33] => Self::C7,
            _ => Self::ANY,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn identifiers_have_5_to_16_bytes() {
        assert_eq!(Aid::new(&[1; 4]), Err(AidError));
        assert_eq!(Aid::new(&[1; 17]), Err(AidError));
        assert_eq!(Aid::new(&[1; 16]).unwrap().as_bytes(), [1; 16]);
        let visa = Aid::new(&[0xA0, 0, 0, 0, 3, 0x10, 0x10]).unwrap();
        assert_eq!(visa.rid(), [0xA0, 0, 0, 0, 3]);
        assert_eq!(format!("{visa:?}"), "A0000000031010");
    }

    #[test]
    fn requested_kernels() {
        let aid = |rid: [u8; 5]| Aid::new(&rid).unwrap();
        let visa = aid([0xA0, 0, 0, 0, 3]);
        let requested = |identifier| KernelId::requested(identifier, &visa);
        assert_eq!(requested(None), Some(KernelId::C3));
        assert_eq!(requested(Some(&[])), Some(KernelId::C3));
        assert_eq!(requested(Some(&[0x03, 0, 0, 0, 0, 0, 0, 0])), Some(KernelId::C3));
        assert_eq!(requested(Some(&[0x24])), Some(KernelId(0x24)));
        assert_eq!(requested(Some(&[0x81, 0x09, 0x78])), Some(KernelId(0x81_0978)));
        assert_eq!(requested(Some(&[0x81, 0x09])), None);
        assert_eq!(requested(Some(&[0])), Some(KernelId::ANY));
        for (rid, kernel) in [
            ([0xA0, 0, 0, 0, 0x04], KernelId::C2),
            ([0xA0, 0, 0, 0, 0x25], KernelId::C4),
            ([0xA0, 0, 0, 0, 0x65], KernelId::C5),
            ([0xA0, 0, 0, 0x01, 0x52], KernelId::C6),
            ([0xA0, 0, 0, 0x03, 0x24], KernelId::C6),
            ([0xA0, 0, 0, 0x03, 0x33], KernelId::C7),
            ([0xB0, 0, 0, 0, 0], KernelId::ANY),
        ] {
            assert_eq!(KernelId::requested(None, &aid(rid)), Some(kernel));
        }
    }
}
