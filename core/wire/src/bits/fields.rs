//! Small fields by name.

/// The method of a cardholder verification rule or result; the bit "go on if it fails" does not count.
pub const fn cvm_method(code: u8) -> &'static str {
    match code & 0x3F {
        0x00 => "fail_cvm",
        0x01 => "plaintext_pin_icc",
        0x02 => "online_pin",
        0x03 => "plaintext_pin_icc_and_signature",
        0x04 => "enciphered_pin_icc",
        0x05 => "enciphered_pin_icc_and_signature",
        0x1E => "signature",
        0x1F => "no_cvm",
        0x3F => "not_performed",
        _ => "unknown",
    }
}

/// When a rule holds (Book 3 Annex C3).
pub const fn cvm_condition(condition: u8) -> &'static str {
    match condition {
        0x00 => "always",
        0x01 => "unattended_cash",
        0x02 => "not_cash_and_not_cashback",
        0x03 => "terminal_supports_cvm",
        0x04 => "manual_cash",
        0x05 => "cashback",
        0x06 => "under_x",
        0x07 => "over_x",
        0x08 => "under_y",
        0x09 => "over_y",
        _ => "unknown",
    }
}

/// The third byte of 9F34.
pub const fn cvm_result(result: u8) -> &'static str {
    match result {
        0 => "unknown",
        1 => "failed",
        2 => "successful",
        _ => "rfu",
    }
}

/// What 9F35 says (Book 4 Annex A1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalKind {
    /// `financial_institution`, `merchant` or `cardholder`.
    pub operator: &'static str,
    /// Whether somebody attends it.
    pub attended: bool,
    /// `online_only`, `offline_with_online` or `offline_only`.
    pub mode: &'static str,
}

/// Reads 9F35; `None` for a type that the book does not list.
pub const fn terminal_type(value: u8) -> Option<TerminalKind> {
    let operator = match value >> 4 {
        1 => "financial_institution",
        2 => "merchant",
        3 => "cardholder",
        _ => return None,
    };
    let (attended, mode) = match value & 0x0F {
        1 => (true, "online_only"),
        2 => (true, "offline_with_online"),
        3 => (true, "offline_only"),
        4 => (false, "online_only"),
        5 => (false, "offline_with_online"),
        6 => (false, "offline_only"),
        _ => return None,
    };
    Some(TerminalKind {
        operator,
        attended,
        mode,
    })
}

/// The public parts of issuer application data (9F10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IssuerData<'a> {
    /// `visa_format_0` or `mchip_4`.
    pub layout: &'static str,
    /// Derivation key index.
    pub dki: u8,
    /// Cryptogram version number.
    pub cvn: u8,
    /// Card verification results.
    pub cvr: &'a [u8],
}

/// Reads 9F10 in the layout of Visa (a length of 6 in front) or of M/Chip (18 bytes or more, none in front).
pub fn issuer_data(value: &[u8]) -> Option<IssuerData<'_>> {
    match *value {
        [0x06, dki, cvn, ref cvr @ ..] if cvr.len() >= 4 => Some(IssuerData {
            layout: "visa_format_0",
            dki,
            cvn,
            cvr: cvr.get(..4)?,
        }),
        [dki, cvn, ref rest @ ..] if value.len() >= 18 => Some(IssuerData {
            layout: "mchip_4",
            dki,
            cvn,
            cvr: rest.get(..6)?,
        }),
        _ => None,
    }
}

/// Class and name of a status word (ISO 7816-4).
pub const fn status_word(sw: u16) -> (&'static str, &'static str) {
    let class = match sw {
        0x9000 | 0x6100..=0x61FF => "normal",
        0x6200..=0x63FF => "warning",
        _ => "error",
    };
    let name = match sw {
        0x9000 => "ok",
        0x6100..=0x61FF => "more_data",
        0x6283 => "selected_file_invalidated",
        0x6700 => "wrong_length",
        0x6982 => "security_status_not_satisfied",
        0x6983 => "authentication_method_blocked",
        0x6984 => "referenced_data_not_usable",
        0x6985 => "conditions_of_use_not_satisfied",
        0x6986 => "command_not_allowed",
        0x6A80 => "incorrect_data",
        0x6A81 => "function_not_supported",
        0x6A82 => "file_not_found",
        0x6A83 => "record_not_found",
        0x6A86 => "incorrect_parameters",
        0x6A88 => "referenced_data_not_found",
        0x6C00..=0x6CFF => "wrong_expected_length",
        0x6D00 => "instruction_not_supported",
        0x6E00 => "class_not_supported",
        0x6F00 => "no_precise_diagnosis",
        _ => "unknown",
    };
    (class, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cvm_results() {
        let of = |[method, condition, result]: [u8; 3]| {
            (cvm_method(method), cvm_condition(condition), cvm_result(result))
        };
        assert_eq!(
            of([0x1F, 3, 2]),
            ("no_cvm", "terminal_supports_cvm", "successful")
        );
        assert_eq!(of([0x5E, 3, 1]), ("signature", "terminal_supports_cvm", "failed"));
        assert_eq!(of([0x3F, 0, 0]), ("not_performed", "always", "unknown"));
    }

    #[test]
    fn terminal_types() {
        let till = terminal_type(0x21).unwrap();
        assert_eq!(
            (till.operator, till.attended, till.mode),
            ("merchant", true, "online_only")
        );
        assert_eq!(terminal_type(0x00), None);
        assert_eq!(terminal_type(0x27), None);
    }

    #[test]
    fn issuer_application_data() {
        let visa = issuer_data(&[6, 1, 0x0A, 3, 0xA0, 0, 0]).unwrap();
        assert_eq!(
            (visa.layout, visa.dki, visa.cvn, visa.cvr),
            ("visa_format_0", 1, 0x0A, &[3, 0xA0, 0, 0][..])
        );
        assert_eq!(issuer_data(&[6, 1, 0x0A, 3, 0xA0, 0]), None);
        let mut mchip = [0; 18];
        mchip[1] = 0x10;
        assert_eq!(issuer_data(&mchip).unwrap().layout, "mchip_4");
        assert_eq!(issuer_data(&[]), None);
    }

    #[test]
    fn status_words() {
        assert_eq!(status_word(0x9000), ("normal", "ok"));
        assert_eq!(status_word(0x6283).0, "warning");
        assert_eq!(status_word(0x6985), ("error", "conditions_of_use_not_satisfied"));
    }
}
