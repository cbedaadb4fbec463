//! What the acquirer configures for kernel 8 (tags `9F82xx`). Where nothing is configured, times and action codes are
//! those that a public reader has for kernel 2 (inference).

use alloc::vec::Vec;

use softpos_wire::{Tag, bcd, tag};

use super::super::c2::relay::Timing;
use super::super::configured::{Reach, Tvr};
use super::storage::Storage;
use super::tags;
use crate::config::TerminalData;
use crate::outcome::Reason;

/// Action codes: not authenticated, authentication failed, relay suspected.
const ACTION_CODE: Tvr = [0x84, 0, 0, 0, 0x0C];
/// No card alters a bit of the terminal verification results.
const ALL_RESERVED: Tvr = [0xFF; 5];
/// No verification.
const NO_CVM: u8 = 0x08;

/// Bits of 9F8209, first byte.
const RELAY_RESISTANCE: u8 = 0x10;
const REPORTS_LOCAL_FAILURE: u8 = 0x08;
/// 9F820A: local authentication.
const LOCAL_AUTHENTICATION: u8 = 0x10;

/// The configuration of one tap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Config {
    flags: u8,
    /// Byte 1 of 9F33.
    pub(super) input_capability: u8,
    /// Byte 2 of 9F33 and byte 1 of 9F1D above the limit and up to it.
    pub(super) cvm_capability_required: u8,
    pub(super) cvm_capability_not_required: u8,
    /// Byte 3 of 9F33.
    pub(super) security_capability: u8,
    /// 9F1D as configured.
    pub(super) risk_management: [u8; 8],
    /// Above it the payment wants to go online.
    pub(super) floor_limit_minor: u64,
    /// Above it the cardholder is verified.
    pub(super) cvm_limit_minor: u64,
    pub(super) tac_denial: Tvr,
    pub(super) tac_online: Tvr,
    /// Bits of the results that the card does not alter.
    pub(super) reserved: Tvr,
    pub(super) reach: Reach,
    pub(super) message_hold_ms: u32,
    pub(super) field_off_ms: u32,
    pub(super) timing: Timing,
    /// Messages that a card may ask for with a restart.
    pub(super) restart_messages: Vec<u8>,
    /// Where in 9F10 its code goes if the card names no place.
    pub(super) mac_offset: u8,
    /// What goes into the discretionary data.
    pub(super) discretionary: Vec<u8>,
    pub(super) default_cdol: Vec<u8>,
    /// Envelopes to read and to write.
    pub(super) storage: Storage,
}

impl Config {
    /// Reads the reader's data objects.
    ///
    /// # Errors
    /// The first object that is missing or has a wrong length.
    pub(super) fn read(data: &TerminalData) -> Result<Self, Reason> {
        let [input, verification, security] =
            optional(data, tag::TERMINAL_CAPABILITIES)?.unwrap_or([0, NO_CVM, 0]);
        let byte =
            |tag, default: u8| Ok::<u8, Reason>(optional(data, tag)?.map_or(default, |[byte]: [u8; 1]| byte));
        let number = |tag, default: u16| {
            Ok::<u32, Reason>(optional(data, tag)?.map_or(default, u16::from_be_bytes).into())
        };
        let bytes = |tag| data.value(tag).unwrap_or_default().to_vec();
        Ok(Self {
            flags: optional(data, tags::CONFIGURATION)?.map_or(0, |[first, _]: [u8; 2]| first),
            input_capability: byte(tags::INPUT_CAPABILITY, input)?,
            cvm_capability_required: byte(tags::CVM_CAPABILITY_REQUIRED, verification)?,
            cvm_capability_not_required: byte(tags::CVM_CAPABILITY_NOT_REQUIRED, NO_CVM)?,
            security_capability: byte(tags::SECURITY_CAPABILITY, security)?,
            risk_management: optional(data, tags::RISK_MANAGEMENT)?.unwrap_or_default(),
            floor_limit_minor: amount(data, tags::FLOOR_LIMIT)?,
            cvm_limit_minor: amount(data, tags::CVM_LIMIT)?,
            tac_denial: optional(data, tags::TAC_DENIAL)?.unwrap_or(ACTION_CODE),
            tac_online: optional(data, tags::TAC_ONLINE)?.unwrap_or(ACTION_CODE),
            reserved: optional(data, tags::RESERVED_MASK)?.unwrap_or(ALL_RESERVED),
            reach: Reach::of(data)?,
            message_hold_ms: tenths(optional(data, tags::MESSAGE_HOLD)?.unwrap_or([0, 0, 0x13]))?,
            field_off_ms: u32::from(byte(tags::FIELD_OFF_HOLD, 0x0D)?).saturating_mul(100),
            timing: Timing {
                min_grace: number(tags::MIN_GRACE, 20)?,
                max_grace: number(tags::MAX_GRACE, 50)?,
                command: number(tags::COMMAND_TIME, 18)?,
                answer: number(tags::ANSWER_TIME, 24)?,
                accuracy: number(tags::ACCURACY, 300)?,
                mismatch_percent: byte(tags::MISMATCH, 50)?.into(),
            },
            restart_messages: bytes(tags::RESTART_MESSAGES),
            mac_offset: byte(tags::DEFAULT_MAC_OFFSET, 0)?,
            discretionary: bytes(tags::DISCRETIONARY_LIST),
            default_cdol: bytes(tags::DEFAULT_CDOL_1),
            storage: Storage::of(data)?,
        })
    }

    pub(super) const fn relay_resistance(&self) -> bool {
        self.flags & RELAY_RESISTANCE != 0
    }

    pub(super) const fn reports_local_failure(&self) -> bool {
        self.flags & REPORTS_LOCAL_FAILURE != 0
    }

    pub(super) const fn local_authentication(&self) -> bool {
        self.security_capability & LOCAL_AUTHENTICATION != 0
    }
}

fn optional<const N: usize>(data: &TerminalData, tag: Tag) -> Result<Option<[u8; N]>, Reason> {
    data.value(tag)
        .map(|value| value.try_into().map_err(|_| Reason::TerminalDataMissing(tag)))
        .transpose()
}

/// n12; a limit that is missing is zero.
fn amount(data: &TerminalData, tag: Tag) -> Result<u64, Reason> {
    let digits: [u8; 6] = optional(data, tag)?.unwrap_or_default();
    bcd::number(&digits).map_err(|_| Reason::TerminalDataMissing(tag))
}

/// n6 in tenths of a second.
fn tenths(digits: [u8; 3]) -> Result<u32, Reason> {
    let wrong = Reason::TerminalDataMissing(tags::MESSAGE_HOLD);
    let number = bcd::number(&digits).map_err(|_| wrong)?;
    u32::try_from(number.saturating_mul(100)).map_err(|_| wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn least() -> TerminalData {
        let mut data = TerminalData::new();
        data.set(tag::TERMINAL_TYPE, &[0x22]);
        data
    }

    #[test]
    fn defaults_are_careful() {
        let config = Config::read(&least()).unwrap();
        assert_eq!((config.floor_limit_minor, config.cvm_limit_minor), (0, 0));
        assert_eq!((config.tac_denial, config.tac_online), (ACTION_CODE, ACTION_CODE));
        assert_eq!(config.reserved, [0xFF; 5]);
        assert_eq!((config.message_hold_ms, config.field_off_ms), (1_300, 1_300));
        assert_eq!(config.cvm_capability_not_required, 0x08, "no PIN below the limit");
        assert!(!config.relay_resistance() && !config.local_authentication());
        assert!(!config.reports_local_failure());
    }

    #[test]
    fn the_terminals_capabilities_stand_in_for_those_of_the_kernel() {
        let mut data = least();
        data.set(tag::TERMINAL_CAPABILITIES, &[0x20, 0x48, 0x10]);
        let config = Config::read(&data).unwrap();
        assert_eq!(
            (config.input_capability, config.cvm_capability_required),
            (0x20, 0x48)
        );
        assert!(config.local_authentication());
        data.set(tags::SECURITY_CAPABILITY, &[0x00]);
        assert!(!Config::read(&data).unwrap().local_authentication());
    }

    #[test]
    fn malformed_objects_are_named() {
        assert_eq!(
            Config::read(&TerminalData::new()),
            Err(Reason::TerminalDataMissing(tag::TERMINAL_TYPE))
        );
        for (wrong, value) in [
            (tags::FLOOR_LIMIT, &[1][..]),
            (tags::CVM_LIMIT, &[0, 0, 0, 0, 0, 0xAA]),
            (tags::TAC_DENIAL, &[0; 4]),
            (tags::CONFIGURATION, &[0]),
            (tags::RISK_MANAGEMENT, &[0; 7]),
            (tags::MESSAGE_HOLD, &[0xAA, 0, 0]),
        ] {
            let mut data = least();
            data.set(wrong, value);
            assert_eq!(Config::read(&data), Err(Reason::TerminalDataMissing(wrong)));
        }
    }
}
