//! The names of bits, highest first; empty where the book gives none.

use super::Row;

/// 95, contact (Book 3 Annex C5, edition 4.4).
pub(super) const TVR_CONTACT: &[Row] = &[
    [
        "oda_not_performed",
        "sda_failed",
        "icc_data_missing",
        "card_on_exception_file",
        "dda_failed",
        "cda_failed",
        "sda_selected",
        "xda_selected",
    ],
    [
        "application_versions_differ",
        "application_expired",
        "application_not_yet_effective",
        "service_not_allowed_for_card",
        "new_card",
        "",
        "biometric_successful",
        "biometric_template_format_not_supported",
    ],
    [
        "cardholder_verification_failed",
        "cvm_not_recognised",
        "pin_try_limit_exceeded",
        "pin_pad_missing_or_broken",
        "pin_not_entered",
        "online_cvm_captured",
        "biometric_device_broken",
        "biometric_entry_bypassed",
    ],
    [
        "floor_limit_exceeded",
        "lower_offline_limit_exceeded",
        "upper_offline_limit_exceeded",
        "selected_randomly_for_online",
        "merchant_forced_online",
        "biometric_try_limit_exceeded",
        "biometric_type_not_supported",
        "xda_failed",
    ],
    [
        "default_tdol_used",
        "issuer_authentication_failed",
        "script_failed_before_final_gac",
        "script_failed_after_final_gac",
        "",
        "ca_ecc_key_missing",
        "ecc_key_recovery_failed",
        "",
    ],
];

/// 95 as C-2 and C-8 use it; the lowest two bits of byte 5 are one field.
pub(super) const TVR_C2: &[Row] = &[
    [
        "oda_not_performed",
        "sda_failed",
        "icc_data_missing",
        "card_on_exception_file",
        "dda_failed",
        "cda_failed",
        "sda_selected",
        "",
    ],
    [
        "application_versions_differ",
        "application_expired",
        "application_not_yet_effective",
        "service_not_allowed_for_card",
        "new_card",
        "",
        "",
        "",
    ],
    [
        "cardholder_verification_failed",
        "cvm_not_recognised",
        "pin_try_limit_exceeded",
        "pin_pad_missing_or_broken",
        "pin_not_entered",
        "online_cvm_captured",
        "",
        "",
    ],
    [
        "floor_limit_exceeded",
        "lower_offline_limit_exceeded",
        "upper_offline_limit_exceeded",
        "selected_randomly_for_online",
        "merchant_forced_online",
        "",
        "",
        "",
    ],
    [
        "default_tdol_used",
        "issuer_authentication_failed",
        "script_failed_before_final_gac",
        "script_failed_after_final_gac",
        "relay_resistance_threshold_exceeded",
        "relay_resistance_time_limits_exceeded",
        "",
        "",
    ],
];

/// 9B (Book 3 Annex C6).
pub(super) const TSI: &[Row] = &[
    [
        "oda_performed",
        "cardholder_verification_performed",
        "card_risk_management_performed",
        "issuer_authentication_performed",
        "terminal_risk_management_performed",
        "script_processing_performed",
        "",
        "",
    ],
    ["", "", "", "", "", "", "", ""],
];

/// 9F66 of kernels 3 and 7.
pub(super) const TTQ: &[Row] = &[
    [
        "msd_supported",
        "",
        "emv_mode_supported",
        "emv_contact_chip_supported",
        "offline_only_reader",
        "online_pin_supported",
        "signature_supported",
        "oda_for_online_supported",
    ],
    [
        "online_cryptogram_required",
        "cvm_required",
        "offline_pin_contact_supported",
        "",
        "",
        "",
        "",
        "",
    ],
    [
        "issuer_update_supported",
        "cdcvm_supported",
        "",
        "",
        "",
        "",
        "",
        "",
    ],
    ["fdda_v1_supported", "", "", "", "", "", "", ""],
];

/// 9F6C of kernels 3 and 7.
pub(super) const CTQ: &[Row] = &[
    [
        "online_pin_required",
        "signature_required",
        "go_online_if_oda_fails",
        "switch_interface_if_oda_fails",
        "go_online_if_expired",
        "switch_interface_for_cash",
        "switch_interface_for_cashback",
        "not_valid_for_contactless_atm",
    ],
    [
        "cdcvm_performed",
        "issuer_update_supported_by_card",
        "",
        "",
        "",
        "",
        "",
        "",
    ],
];

/// 9F33 (Book 4 Annex A2).
pub(super) const CAPABILITIES: &[Row] = &[
    [
        "manual_key_entry",
        "magnetic_stripe",
        "ic_with_contacts",
        "",
        "",
        "",
        "",
        "",
    ],
    [
        "plaintext_pin_icc",
        "enciphered_pin_online",
        "signature",
        "enciphered_pin_offline_rsa",
        "no_cvm",
        "online_biometric",
        "offline_biometric",
        "enciphered_pin_offline_ecc",
    ],
    ["sda", "dda", "card_capture", "", "cda", "xda", "", ""],
];

/// 9F40 (Book 4 Annex A3).
pub(super) const ADDITIONAL_CAPABILITIES: &[Row] = &[
    [
        "cash",
        "goods",
        "services",
        "cashback",
        "inquiry",
        "transfer",
        "payment",
        "administrative",
    ],
    ["cash_deposit", "", "", "", "", "", "", ""],
    [
        "numeric_keys",
        "alphabetic_keys",
        "command_keys",
        "function_keys",
        "",
        "",
        "",
        "",
    ],
    [
        "print_attendant",
        "print_cardholder",
        "display_attendant",
        "display_cardholder",
        "",
        "",
        "code_table_10",
        "code_table_9",
    ],
    [
        "code_table_8",
        "code_table_7",
        "code_table_6",
        "code_table_5",
        "code_table_4",
        "code_table_3",
        "code_table_2",
        "code_table_1",
    ],
];

/// 9F6E of kernel 4.
pub(super) const READER_CAPABILITIES: &[Row] = &[
    [
        "contact_supported",
        "msd_supported",
        "full_online_supported",
        "partial_online_supported",
        "mobile_supported",
        "try_another_interface_after_decline",
        "",
        "",
    ],
    [
        "mobile_cvm_supported",
        "online_pin_supported",
        "signature_supported",
        "plaintext_offline_pin_supported",
        "",
        "",
        "",
        "",
    ],
    ["offline_only_reader", "cvm_required", "", "", "", "", "", ""],
    [
        "no_cvm_check_exempt",
        "delayed_authorisation",
        "transit_terminal",
        "",
        "",
        "",
        "",
        "",
    ],
];

/// 9F1D of kernel 2.
pub(super) const RISK_MANAGEMENT: &[Row] = &[
    [
        "restart_supported",
        "contactless_online_pin",
        "contactless_signature",
        "contactless_enciphered_pin_icc",
        "contactless_no_cvm",
        "contactless_cdcvm",
        "contactless_plaintext_pin_icc",
        "present_and_hold_supported",
    ],
    [
        "cvm_limit_exceeded",
        "contact_online_pin",
        "contact_signature",
        "contact_enciphered_pin_icc",
        "contact_no_cvm",
        "contact_cdcvm",
        "contact_plaintext_pin_icc",
        "",
    ],
    [
        "contactless_msd_not_supported",
        "contactless_emv_not_supported",
        "cdcvm_without_cda_supported",
        "",
        "",
        "",
        "",
        "",
    ],
    ["cdcvm_bypass_requested", "sca_exempt", "", "", "", "", "", ""],
    ["", "", "", "", "", "", "", ""],
    ["", "", "", "", "", "", "", ""],
    ["", "", "", "", "", "", "", ""],
    ["", "", "", "", "", "", "", ""],
];
