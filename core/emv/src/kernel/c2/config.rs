//! What the acquirer configures for kernel 2 (tags `DF81xx`), with the defaults of a public reader (danhu).

use alloc::vec::Vec;

use softpos_wire::{Tag, bcd, tag};

use super::relay::Timing;
use super::tags;
use crate::config::TerminalData;
use crate::outcome::Reason;

/// TAC default, denial and online where none is configured: no authentication, failed CDA, relay suspected.
const ACTION_CODE: [u8; 5] = [0x84, 0, 0, 0, 0x0C];

/// Bits of DF811B.
const NO_STRIPE_MODE: u8 = 0x80;
const NO_EMV_MODE: u8 = 0x40;
const ON_DEVICE: u8 = 0x20;
const RELAY_RESISTANCE: u8 = 0x10;

/// The configuration of one tap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Config {
    flags: u8,
    /// Byte 1 of 9F33.
    pub(super) input_capability: u8,
    pub(super) cvm_capability_above: u8,
    pub(super) cvm_capability_below: u8,
    /// Byte 3 of 9F33.
    pub(super) security_capability: u8,
    /// Above it the payment wants to go online.
    pub(super) floor_limit_minor: u64,
    /// Above it the card is not taken.
    pub(super) limit_minor: u64,
    /// The same for cards whose holder is verified on a device.
    pub(super) limit_with_device_minor: u64,
    /// Above it the cardholder is verified.
    pub(super) cvm_limit_minor: u64,
    pub(super) tac_default: [u8; 5],
    pub(super) tac_denial: [u8; 5],
    pub(super) tac_online: [u8; 5],
    pub(super) terminal_type: u8,
    pub(super) torn_capacity: usize,
    pub(super) torn_lifetime_ms: u64,
    pub(super) message_hold_ms: u32,
    pub(super) field_off_ms: u32,
    /// Mask, value, message, status: eight bytes an entry.
    pub(super) phone_messages: Vec<[u8; 8]>,
    pub(super) balance_before: bool,
    pub(super) balance_after: bool,
    pub(super) timing: Timing,
}

impl Config {
    // Rule C2-DEFAULTS: what is not configured: action codes 840000000C, no cut taps, 300 s, hold 1.3 s, grace 2 ms and
    // 5 ms, expected times 1.8 ms and 2.4 ms, accuracy 30 ms, mismatch 50 percent.
    // [source: peer, danhu; test: kernel::c2::config::tests::defaults; evidence: own]
    /// Reads the reader's data objects.
    ///
    /// # Errors
    /// The first object that is missing or has a wrong length.
    pub(super) fn read(data: &TerminalData) -> Result<Self, Reason> {
        let capabilities: [u8; 3] = optional(data, tag::TERMINAL_CAPABILITIES)?.unwrap_or([0, 0x08, 0]);
        let [input, verification, security] = capabilities;
        let byte =
            |tag, default: u8| Ok::<u8, Reason>(optional(data, tag)?.map_or(default, |[byte]: [u8; 1]| byte));
        // Rule C2-WAIT: an empty DF8110 would have the kernel wait for a terminal that never speaks: it is refused.
        // [source: peer, danhu; test: kernel::c2::config::tests::missing_and_malformed_objects_are_named; evidence: own]
        // Empty, it would have the kernel wait for the terminal's word; this reader gives all its words at the start.
        if data.value(tags::PROCEED) == Some(&[]) {
            return Err(Reason::TerminalDataMissing(tags::PROCEED));
        }
        let [terminal_type] = required(data, tag::TERMINAL_TYPE)?;
        let limit_minor = amount(data, tags::LIMIT_WITHOUT_DEVICE)?
            .ok_or(Reason::TerminalDataMissing(tags::LIMIT_WITHOUT_DEVICE))?;
        let number =
            |tag, default: u16| Ok::<u16, Reason>(optional(data, tag)?.map_or(default, u16::from_be_bytes));
        Ok(Self {
            flags: byte(tags::CONFIGURATION, NO_STRIPE_MODE)?,
            input_capability: byte(tags::INPUT_CAPABILITY, input)?,
            cvm_capability_above: byte(tags::CVM_CAPABILITY_ABOVE, verification)?,
            cvm_capability_below: byte(tags::CVM_CAPABILITY_BELOW, 0x08)?,
            security_capability: byte(tags::SECURITY_CAPABILITY, security)?,
            floor_limit_minor: amount(data, tags::FLOOR_LIMIT)?.unwrap_or_default(),
            limit_minor,
            limit_with_device_minor: amount(data, tags::LIMIT_WITH_DEVICE)?.unwrap_or(limit_minor),
            cvm_limit_minor: amount(data, tags::CVM_LIMIT)?.unwrap_or_default(),
            tac_default: optional(data, tags::TAC_DEFAULT)?.unwrap_or(ACTION_CODE),
            tac_denial: optional(data, tags::TAC_DENIAL)?.unwrap_or(ACTION_CODE),
            tac_online: optional(data, tags::TAC_ONLINE)?.unwrap_or(ACTION_CODE),
            terminal_type,
            torn_capacity: byte(tags::TORN_CAPACITY, 0)?.into(),
            torn_lifetime_ms: u64::from(number(tags::TORN_LIFETIME, 300)?).saturating_mul(1_000),
            message_hold_ms: tenths(optional(data, tags::MESSAGE_HOLD)?.unwrap_or([0, 0, 0x13]))?,
            field_off_ms: u32::from(byte(tags::FIELD_OFF_HOLD, 0x0D)?).saturating_mul(100),
            phone_messages: phone_messages(data)?,
            balance_before: data.value(tags::BALANCE_BEFORE).is_some(),
            balance_after: data.value(tags::BALANCE_AFTER).is_some(),
            timing: Timing {
                min_grace: number(tags::MIN_GRACE, 20)?.into(),
                max_grace: number(tags::MAX_GRACE, 50)?.into(),
                command: number(tags::COMMAND_TIME, 18)?.into(),
                answer: number(tags::ANSWER_TIME, 24)?.into(),
                accuracy: number(tags::ACCURACY, 300)?.into(),
                mismatch_percent: byte(tags::MISMATCH, 50)?.into(),
            },
        })
    }

    pub(super) const fn stripe_mode(&self) -> bool {
        self.flags & NO_STRIPE_MODE == 0
    }

    pub(super) const fn emv_mode(&self) -> bool {
        self.flags & NO_EMV_MODE == 0
    }

    pub(super) const fn on_device(&self) -> bool {
        self.flags & ON_DEVICE != 0
    }

    pub(super) const fn relay_resistance(&self) -> bool {
        self.flags & RELAY_RESISTANCE != 0
    }
}

fn optional<const N: usize>(data: &TerminalData, tag: Tag) -> Result<Option<[u8; N]>, Reason> {
    data.value(tag)
        .map(|value| value.try_into().map_err(|_| Reason::TerminalDataMissing(tag)))
        .transpose()
}

fn required<const N: usize>(data: &TerminalData, tag: Tag) -> Result<[u8; N], Reason> {
    optional(data, tag)?.ok_or(Reason::TerminalDataMissing(tag))
}

/// n12.
pub(super) fn amount(data: &TerminalData, tag: Tag) -> Result<Option<u64>, Reason> {
    optional::<6>(data, tag)?
        .map(|digits| bcd::number(&digits).map_err(|_| Reason::TerminalDataMissing(tag)))
        .transpose()
}

/// n6 in tenths of a second.
fn tenths(digits: [u8; 3]) -> Result<u32, Reason> {
    let wrong = Reason::TerminalDataMissing(tags::MESSAGE_HOLD);
    let number = bcd::number(&digits).map_err(|_| wrong)?;
    u32::try_from(number.saturating_mul(100)).map_err(|_| wrong)
}

fn phone_messages(data: &TerminalData) -> Result<Vec<[u8; 8]>, Reason> {
    let (entries, rest) = data.value(tags::PHONE_MESSAGES).unwrap_or_default().as_chunks();
    if rest.is_empty() {
        Ok(entries.to_vec())
    } else {
        Err(Reason::TerminalDataMissing(tags::PHONE_MESSAGES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn least() -> TerminalData {
        let mut data = TerminalData::new();
        data.set(tag::TERMINAL_TYPE, &[0x21]);
        data.set(tags::LIMIT_WITHOUT_DEVICE, &[0, 0, 0, 1, 0, 0]);
        data
    }

    #[test]
    fn defaults() {
        let config = Config::read(&least()).unwrap();
        assert!(
            config.emv_mode() && !config.stripe_mode() && !config.on_device() && !config.relay_resistance()
        );
        assert_eq!(config.tac_denial, [0x84, 0, 0, 0, 0x0C]);
        assert_eq!((config.floor_limit_minor, config.cvm_limit_minor), (0, 0));
        assert_eq!(
            (config.limit_minor, config.limit_with_device_minor),
            (10_000, 10_000)
        );
        assert_eq!((config.torn_capacity, config.torn_lifetime_ms), (0, 300_000));
        assert_eq!((config.message_hold_ms, config.field_off_ms), (1_300, 1_300));
        assert_eq!(config.cvm_capability_below, 0x08, "no PIN below the limit");
    }

    #[test]
    fn the_terminals_capabilities_stand_in_for_those_of_the_kernel() {
        let mut data = least();
        data.set(tag::TERMINAL_CAPABILITIES, &[0, 0x40, 0x08]);
        let config = Config::read(&data).unwrap();
        assert_eq!(
            (config.cvm_capability_above, config.cvm_capability_below),
            (0x40, 0x08)
        );
        data.set(tags::CVM_CAPABILITY_ABOVE, &[0x60]);
        assert_eq!(Config::read(&data).unwrap().cvm_capability_above, 0x60);
    }

    #[test]
    fn missing_and_malformed_objects_are_named() {
        let read = |change: &dyn Fn(&mut TerminalData)| {
            let mut data = least();
            change(&mut data);
            Config::read(&data).unwrap_err()
        };
        assert_eq!(
            Config::read(&TerminalData::new()),
            Err(Reason::TerminalDataMissing(tag::TERMINAL_TYPE))
        );
        for (wrong, value) in [
            (tags::LIMIT_WITHOUT_DEVICE, &[1][..]),
            (tags::CVM_LIMIT, &[0, 0, 0, 0, 0, 0xAA]),
            (tags::TAC_DENIAL, &[0; 4]),
            (tags::PHONE_MESSAGES, &[0; 7]),
            (tags::PROCEED, &[]),
            (tags::MESSAGE_HOLD, &[0xAA, 0, 0]),
        ] {
            assert_eq!(
                read(&|data| data.set(wrong, value)),
                Reason::TerminalDataMissing(wrong)
            );
        }
    }
}
