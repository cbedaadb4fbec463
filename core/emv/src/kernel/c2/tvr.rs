//! Terminal verification results (95) as kernel 2 sets them.

/// 95, five bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tvr(pub(super) [u8; 5]);

/// One bit: index of the byte, mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bit(usize, u8);

pub(super) const NO_AUTHENTICATION: Bit = Bit(0, 0x80);
pub(super) const CARD_DATA_MISSING: Bit = Bit(0, 0x20);
pub(super) const EXCEPTION_FILE: Bit = Bit(0, 0x10);
pub(super) const CDA_FAILED: Bit = Bit(0, 0x04);
pub(super) const VERSIONS_DIFFER: Bit = Bit(1, 0x80);
pub(super) const EXPIRED: Bit = Bit(1, 0x40);
pub(super) const NOT_YET_VALID: Bit = Bit(1, 0x20);
pub(super) const SERVICE_NOT_ALLOWED: Bit = Bit(1, 0x10);
pub(super) const VERIFICATION_FAILED: Bit = Bit(2, 0x80);
pub(super) const UNKNOWN_METHOD: Bit = Bit(2, 0x40);
pub(super) const ONLINE_PIN: Bit = Bit(2, 0x04);
pub(super) const FLOOR_LIMIT: Bit = Bit(3, 0x80);
pub(super) const RELAY_THRESHOLD: Bit = Bit(4, 0x08);
pub(super) const RELAY_TIME: Bit = Bit(4, 0x04);
/// Bits 2 and 1 are one field: 10 relay resistance was performed, 01 it was not.
pub(super) const RELAY_PERFORMED: Bit = Bit(4, 0x02);
pub(super) const RELAY_NOT_PERFORMED: Bit = Bit(4, 0x01);

impl Tvr {
    pub(super) fn set(&mut self, Bit(index, mask): Bit) {
        if let Some(byte) = self.0.get_mut(index) {
            *byte |= mask;
        }
    }

    pub(super) fn has(self, Bit(index, mask): Bit) -> bool {
        self.0.get(index).is_some_and(|byte| byte & mask != 0)
    }

    /// Whether an action code names one of the set bits.
    pub(super) fn meets(self, action_code: [u8; 5]) -> bool {
        self.0
            .iter()
            .zip(action_code)
            .any(|(byte, mask)| byte & mask != 0)
    }

    /// Whether any bit is set.
    pub(super) fn any(self) -> bool {
        self.0 != [0; 5]
    }
}
