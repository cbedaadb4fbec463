//! After the records: what must be there, restrictions, verification, limits, and which cryptogram is asked for.

use softpos_types::Pan;
use softpos_wire::tag;
use softpos_wire::track2::Track2;

use super::analysis::{self, ActionCodes, Request};
use super::stop::{Stop, l2};
use super::{C2, Next, State, config, restrictions, tags, tvr, verification};
use crate::brand;
use crate::outcome::Reason;

/// GET DATA of the offline balance (9F50).
const GET_BALANCE: [u8; 5] = [0x80, 0xCA, 0x9F, 0x50, 0x00];

/// Byte 2 bit 8 of 9F1D.
const CVM_LIMIT_EXCEEDED: u8 = 0x80;

/// What must be there for CDA.
const AUTHENTICATION: [softpos_wire::Tag; 6] = [
    tag::CA_KEY_INDEX,
    tag::ISSUER_CERTIFICATE,
    tag::ISSUER_KEY_EXPONENT,
    tag::ICC_CERTIFICATE,
    tag::ICC_KEY_EXPONENT,
    tag::STATIC_DATA_TAG_LIST,
];

impl C2 {
    // Rule C2-LIMIT-1: kernel 2's own limits are exceeded above, not at them.
    // [source: peer, danhu, DCEMV;
    // test: kernel::c2::tests::limits_are_exceeded_above_not_at, kernel::c2::verification::tests::a_device_counts_above_the_limit_only;
    // evidence: own]
    // Rule C2-LIMIT-2: the limit with a verified device counts where both sides verify on the device.
    // [source: peer, danhu;
    // test: kernel::c2::tests::the_limit_is_higher_for_devices_that_verify_on_both_sides;
    // evidence: own]
    // Rule C2-DATA: without 5A, 5F24 or 8C the application ends (L2 01); without 57 too, for no host could be asked
    // (inference).
    // [source: peer, danhu; test: kernel::c2::tests::mandatory_objects; evidence: own]
    // Rule C2-BALANCE: where reader and card (9F5D B2b2) know it, GET DATA of 9F50 asks for the balance before the
    // cryptogram and after it; no balance is no fault.
    // [source: peer, danhu; test: kernel::c2::tests::conclusion::balances_before_and_after,
    // kernel::c2::store::tests::balances; evidence: own]
    pub(super) fn all_read(&mut self) -> Result<Next, Stop> {
        let amount_minor = self.amount_within_limit()?;
        for mandatory in [tag::EXPIRY_DATE, tag::PAN, tags::CDOL1, tag::TRACK_2] {
            self.required(mandatory)?;
        }
        let pan = self.check_number()?;
        self.check_exceptions(&pan);
        if self.authenticates() {
            self.check_authentication_data();
        }
        self.set_capabilities(amount_minor);
        if self.config.balance_before && self.capable(1, 0x02) {
            self.state = State::AwaitBalanceBefore;
            return Ok(Next::Send(GET_BALANCE.to_vec()));
        }
        self.analyse()
    }

    /// 9F02 in minor units, not above the limit for this card.
    pub(super) fn amount_within_limit(&self) -> Result<u64, Stop> {
        let amount_minor = self.amount()?;
        let limit_minor = if self.on_device() {
            self.config.limit_with_device_minor
        } else {
            self.config.limit_minor
        };
        if amount_minor > limit_minor {
            return Err(Stop::card(l2::LIMIT, Reason::LimitExceeded).next());
        }
        Ok(amount_minor)
    }

    // Rule C2-AMOUNT: without an amount the application ends with L3 03.
    // [source: peer, danhu; test: kernel::c2::stop::tests::error_indications_byte_for_byte; evidence: own]
    /// 9F02 in minor units.
    pub(super) fn amount(&self) -> Result<u64, Stop> {
        let missing = Stop::amount(Reason::TerminalDataMissing(tag::AMOUNT_AUTHORISED));
        config::amount(&self.data, tag::AMOUNT_AUTHORISED)
            .ok()
            .flatten()
            .ok_or(missing)
    }

    // Rule C2-BRAND-1: number, track, provider and kernel agree.
    // [source: inference, the application identifier is not authenticated;
    // test: kernel::c2::tests::number_track_and_brand_must_agree;
    // evidence: own]
    /// Number, track and brand must agree: the application identifier is not authenticated.
    fn check_number(&self) -> Result<Pan, Stop> {
        let wrong = |reason| Stop::card(l2::CARD_DATA, reason);
        let pan = Pan::from_bcd(self.required(tag::PAN)?).map_err(|_| wrong(Reason::Malformed))?;
        let track = Track2::parse(self.required(tag::TRACK_2)?).map_err(|_| wrong(Reason::Malformed))?;
        if !pan.ct_eq(&track.pan) {
            return Err(wrong(Reason::DataConflict));
        }
        if brand::agrees(&self.activation.adf_name, self.activation.kernel, &pan) {
            Ok(pan)
        } else {
            Err(wrong(Reason::BrandConflict))
        }
    }

    // Rule C2-EXCEPTION: a card on the exception file sets TVR B1b5, and the action codes decide.
    // [source: general knowledge; test: kernel::tests::kernel_2_leaves_a_listed_card_to_the_action_codes; evidence: own]
    fn check_exceptions(&mut self, pan: &Pan) {
        let psn = self.card.array(tag::PAN_SEQUENCE).map(|[psn]| psn);
        if self.exceptions.lists(pan, psn) {
            self.tvr.set(tvr::EXCEPTION_FILE);
        }
    }

    // Rule C2-CDA-1: missing data or a missing key make CDA fail, and the action codes decide.
    // [source: peer, danhu;
    // test: kernel::c2::tests::missing_authentication_data_and_missing_key_make_cda_fail, kernel::c2::foreign::without_the_authoritys_key_the_default_codes_decline;
    // evidence: own]
    /// What is missing for CDA makes it fail; so does a key this reader does not have.
    fn check_authentication_data(&mut self) {
        if AUTHENTICATION.iter().any(|needed| self.given(*needed).is_none()) {
            self.tvr.set(tvr::CARD_DATA_MISSING);
            self.tvr.set(tvr::CDA_FAILED);
        } else if self.given(tag::STATIC_DATA_TAG_LIST) != Some(&[0x82]) || !self.has_ca_key() {
            self.tvr.set(tvr::CDA_FAILED);
        }
    }

    // Rule C2-CVM-1: which verifications the reader offers depends on the amount: no PIN below the limit.
    // [source: peer, a stripe terminal asks for it;
    // test: kernel::c2::tests::conclusion::no_pin_below_the_verification_limit;
    // evidence: own]
    /// 9F33 and 9F1D as they stand for this amount. Above the limit, not at it.
    fn set_capabilities(&mut self, amount_minor: u64) {
        let above = amount_minor > self.config.cvm_limit_minor;
        let verification = if above {
            self.config.cvm_capability_above
        } else {
            self.config.cvm_capability_below
        };
        let (input, security) = (self.config.input_capability, self.config.security_capability);
        self.data
            .set(tag::TERMINAL_CAPABILITIES, &[input, verification, security]);
        self.receipt = above;
        let risk = self
            .data
            .value(tags::RISK_MANAGEMENT)
            .and_then(|risk| risk.try_into().ok());
        if let Some(mut risk) = risk.filter(|_: &[u8; 8]| above) {
            risk[1] |= CVM_LIMIT_EXCEEDED;
            self.data.set(tags::RISK_MANAGEMENT, &risk);
        }
    }

    /// A bit of 9F5D.
    pub(super) fn capable(&self, byte: usize, mask: u8) -> bool {
        let capabilities = self
            .fci
            .value(tags::CAPABILITIES)
            .or_else(|| self.given(tags::CAPABILITIES));
        capabilities
            .and_then(|capabilities| capabilities.get(byte))
            .is_some_and(|byte| byte & mask != 0)
    }

    /// Restrictions, verification, floor limit, action analysis; then the cryptogram.
    pub(super) fn analyse(&mut self) -> Result<Next, Stop> {
        let amount_minor = self.amount()?;
        let facts = self.restriction_facts()?;
        restrictions::breaches(&facts).for_each(|bit| self.tvr.set(bit));
        let facts = self.verification_facts(amount_minor);
        let chosen =
            verification::select(&facts).map_err(|_| Stop::card(l2::CARD_DATA, Reason::Malformed))?;
        chosen
            .marks
            .into_iter()
            .flatten()
            .for_each(|bit| self.tvr.set(bit));
        self.cvm = chosen.cvm;
        self.cvm_results = chosen.results;
        self.receipt |= chosen.cvm == crate::outcome::Cvm::Signature;
        if amount_minor > self.config.floor_limit_minor {
            self.tvr.set(tvr::FLOOR_LIMIT);
        }
        let wished = analysis::analyse(self.tvr, self.config.terminal_type, &self.action_codes());
        let possible = self.authenticates() && !self.tvr.has(tvr::CDA_FAILED);
        self.request = Request::new(wished, possible, self.on_device(), self.capable(1, 0x01));
        self.recover_or_generate()
    }

    fn action_codes(&self) -> ActionCodes {
        ActionCodes {
            tac_default: self.config.tac_default,
            tac_denial: self.config.tac_denial,
            tac_online: self.config.tac_online,
            iac_default: self.card.array(tags::IAC_DEFAULT),
            iac_denial: self.card.array(tags::IAC_DENIAL),
            iac_online: self.card.array(tags::IAC_ONLINE),
        }
    }

    fn restriction_facts(&self) -> Result<restrictions::Facts, Stop> {
        let own = |tag| Stop::card(l2::TERMINAL_DATA, Reason::TerminalDataMissing(tag));
        let today = self.own_array(tag::TRANSACTION_DATE);
        let [transaction_type] = self
            .own_array(tag::TRANSACTION_TYPE)
            .ok_or(own(tag::TRANSACTION_TYPE))?;
        let cash = self.own_array(tag::ADDITIONAL_CAPABILITIES);
        let pays_out = cash.is_some_and(|[first, ..]: [u8; 5]| first & 0x80 != 0);
        let other_minor = config::amount(&self.data, tag::AMOUNT_OTHER).ok().flatten();
        Ok(restrictions::Facts {
            card_version: self.card.array(tags::CARD_VERSION),
            reader_version: self.own_array(tag::TERMINAL_APPLICATION_VERSION),
            today: today.ok_or(own(tag::TRANSACTION_DATE))?,
            last_day: self.card.array(tag::EXPIRY_DATE).ok_or(Stop::card(
                l2::DATA_MISSING,
                Reason::DataMissing(tag::EXPIRY_DATE),
            ))?,
            first_day: self.card.array(tag::EFFECTIVE_DATE),
            usage: self.card.array(tag::USAGE_CONTROL),
            issuer_country: self.card.array(tag::ISSUER_COUNTRY),
            terminal_country: self.own_array(tag::TERMINAL_COUNTRY),
            transaction_type,
            cashback: other_minor.is_some_and(|other_minor| other_minor > 0),
            cash_machine: matches!(self.config.terminal_type, 0x14..=0x16) && pays_out,
        })
    }

    fn verification_facts(&self, amount_minor: u64) -> verification::Facts<'_> {
        let [_, capability, _] = self.own_array(tag::TERMINAL_CAPABILITIES).unwrap_or_default();
        let [transaction_type] = self.own_array(tag::TRANSACTION_TYPE).unwrap_or_default();
        let currency = self.own_array::<2>(tag::TRANSACTION_CURRENCY);
        verification::Facts {
            on_device: self.on_device(),
            card_verifies: self.profile(0, 0x10),
            list: self.card.value(tags::CVM_LIST),
            capability,
            amount_minor,
            limit_minor: self.config.cvm_limit_minor,
            transaction_type,
            unattended: matches!(self.config.terminal_type & 0x0F, 0x04..=0x06),
            own_currency: self
                .card
                .array(tags::APPLICATION_CURRENCY)
                .map(|own| Some(own) == currency),
        }
    }

    pub(super) fn own_array<const N: usize>(&self, tag: softpos_wire::Tag) -> Option<[u8; N]> {
        self.data.value(tag)?.try_into().ok()
    }
}
