//! Objects that one kernel gives a meaning of its own.

use super::{Object, objects};

/// A kernel's own objects; none for a kernel that is not here.
pub(super) const fn of(kernel: u32) -> &'static [Object] {
    match kernel {
        2 => C2,
        3 => C3,
        4 => C4,
        5 => C5,
        6 => C6,
        7 => C7,
        8 => C8,
        _ => &[],
    }
}

/// Mastercard.
const C2: &[Object] = objects! {
    0x9F50 Numeric "Offline Accumulator Balance";
    0x9F51 Binary "DRDOL";
    0x9F53 Text "Transaction Category Code";
    0x9F54 Binary "DS ODS Card";
    0x9F5B Binary "DSDOL";
    0x9F5C Binary "DS Requested Operator ID";
    0x9F5D Binary "Application Capabilities Information";
    0x9F5E Binary "DS ID";
    0x9F5F Binary "DS Slot Availability";
    0x9F60 Binary "CVC3 (Track 1)";
    0x9F61 Binary "CVC3 (Track 2)";
    0x9F62 Binary "PCVC3 (Track 1)";
    0x9F63 Binary "PUNATC (Track 1)";
    0x9F64 Binary "NATC (Track 1)";
    0x9F65 Binary "PCVC3 (Track 2)";
    0x9F66 Binary "PUNATC (Track 2)";
    0x9F67 Binary "NATC (Track 2)";
    0x9F68 Binary "Mag-stripe CVM List";
    0x9F69 Binary "UDOL";
    0x9F6A Numeric "Unpredictable Number (Numeric)";
    0x9F6B Binary "Track 2 Data";
    0x9F6C Binary "Mag-stripe Application Version Number (Card)";
    0x9F6D Binary "Mag-stripe Application Version Number (Reader)";
    0x9F6E Binary "Third Party Data";
    0x9F6F Binary "DS Slot Management Control";
    0x9F70 Binary "Protected Data Envelope 1";
    0x9F71 Binary "Protected Data Envelope 2";
    0x9F72 Binary "Protected Data Envelope 3";
    0x9F73 Binary "Protected Data Envelope 4";
    0x9F74 Binary "Protected Data Envelope 5";
    0x9F75 Binary "Unprotected Data Envelope 1";
    0x9F76 Binary "Unprotected Data Envelope 2";
    0x9F77 Binary "Unprotected Data Envelope 3";
    0x9F78 Binary "Unprotected Data Envelope 4";
    0x9F79 Binary "Unprotected Data Envelope 5";
    0x9F7C Binary "Merchant Custom Data";
    0x9F7D Binary "DS Summary 1";
    0x9F7E Binary "Mobile Support Indicator";
    0x9F7F Binary "DS Unpredictable Number";
    0xDF4B Binary "POS Cardholder Interaction Information";
    0xDF_8104 Numeric "Balance Read Before Gen AC";
    0xDF_8105 Numeric "Balance Read After Gen AC";
    0xDF_8106 Binary "Data Needed";
    0xDF_8107 Binary "CDOL1 Related Data";
    0xDF_810C Binary "Kernel ID";
    0xDF_8110 Binary "Proceed To First Write Flag";
    0xDF_8111 Binary "PDOL Related Data";
    0xDF_8114 Binary "Reference Control Parameter";
    0xDF_8115 Binary "Error Indication";
    0xDF_8116 Binary "User Interface Request Data";
    0xDF_8117 Binary "Card Data Input Capability";
    0xDF_8118 Binary "CVM Capability - CVM Required";
    0xDF_8119 Binary "CVM Capability - No CVM Required";
    0xDF_811A Binary "Default UDOL";
    0xDF_811B Binary "Kernel Configuration";
    0xDF_811C Binary "Max Lifetime of Torn Transaction Log Record";
    0xDF_811D Binary "Max Number of Torn Transaction Log Records";
    0xDF_811E Binary "Mag-stripe CVM Capability - CVM Required";
    0xDF_811F Binary "Security Capability";
    0xDF_8120 Binary "Terminal Action Code - Default";
    0xDF_8121 Binary "Terminal Action Code - Denial";
    0xDF_8122 Binary "Terminal Action Code - Online";
    0xDF_8123 Numeric "Reader Contactless Floor Limit";
    0xDF_8124 Numeric "Reader Contactless Transaction Limit (No On-device CVM)";
    0xDF_8125 Numeric "Reader Contactless Transaction Limit (On-device CVM)";
    0xDF_8126 Numeric "Reader CVM Required Limit";
    0xDF_8127 Binary "Time Out Value";
    0xDF_8129 Binary "Outcome Parameter Set";
    0xDF_812A Binary "DD Card (Track 1)";
    0xDF_812B Binary "DD Card (Track 2)";
    0xDF_812C Binary "Mag-stripe CVM Capability - No CVM Required";
    0xDF_812D Numeric "Message Hold Time";
    0xDF_8130 Binary "Hold Time Value";
    0xDF_8131 Binary "Phone Message Table";
    0xDF_8132 Binary "Minimum Relay Resistance Grace Period";
    0xDF_8133 Binary "Maximum Relay Resistance Grace Period";
    0xDF_8134 Binary "Terminal Expected Transmission Time For Relay Resistance C-APDU";
    0xDF_8135 Binary "Terminal Expected Transmission Time For Relay Resistance R-APDU";
    0xDF_8136 Binary "Relay Resistance Accuracy Threshold";
    0xDF_8137 Binary "Relay Resistance Transmission Time Mismatch Threshold";
    0xDF_8301 Binary "Terminal Relay Resistance Entropy";
    0xDF_8302 Binary "Device Relay Resistance Entropy";
    0xDF_8303 Binary "Min Time For Processing Relay Resistance APDU";
    0xDF_8304 Binary "Max Time For Processing Relay Resistance APDU";
    0xDF_8305 Binary "Device Estimated Transmission Time For Relay Resistance R-APDU";
    0xDF_8306 Binary "Measured Relay Resistance Processing Time";
    0xDF_8307 Binary "RRP Counter";
    0xFF_8101 Template "Torn Record";
    0xFF_8104 Template "Data To Send";
    0xFF_8105 Template "Data Record";
    0xFF_8106 Template "Discretionary Data";
};

/// Visa.
const C3: &[Object] = objects! {
    0x9F51 Numeric "Application Currency Code (Visa)";
    0x9F52 Binary "Application Default Action";
    0x9F5A Binary "Application Program Identifier";
    0x9F5D Numeric "Available Offline Spending Amount";
    0x9F66 Binary "Terminal Transaction Qualifiers (TTQ)";
    0x9F68 Binary "Card Additional Processes";
    0x9F69 Binary "Card Authentication Related Data";
    0x9F6B Numeric "Card CVM Limit";
    0x9F6C Binary "Card Transaction Qualifiers (CTQ)";
    0x9F6E Binary "Form Factor Indicator";
    0x9F7C Binary "Customer Exclusive Data";
};

/// American Express.
const C4: &[Object] = objects! {
    0x9F6D Binary "Contactless Reader Capabilities";
    0x9F6E Binary "Enhanced Contactless Reader Capabilities";
    0x9F70 Binary "Card Interface and Payment Capabilities";
    0x9F71 Binary "Mobile CVM Results";
};

/// JCB.
const C5: &[Object] = objects! {
    0x9F50 Binary "Cardholder Verification Status";
    0x9F52 Binary "Terminal Compatibility Indicator (TCI)";
    0x9F53 Binary "Terminal Interchange Profile (TIP)";
    0x9F5C Binary "Magstripe Data Object List (MDOL)";
    0x9F60 Binary "Issuer Update Parameter";
    0x9F7C Binary "Partner Discretionary Data";
    0xDF_8D02 Binary "Combination Options";
    0xDF_8120 Binary "Terminal Action Code - Default";
    0xDF_8121 Binary "Terminal Action Code - Denial";
    0xDF_8122 Binary "Terminal Action Code - Online";
};

/// Discover.
const C6: &[Object] = objects! {
    0x9F53 Binary "Card Verification Results (CVR)";
    0x9F5B Binary "Issuer Script Results";
    0x9F66 Binary "Terminal Transaction Qualifiers (TTQ)";
    0x9F71 Binary "Card Processing Requirements (CPR)";
    0x9F7D Binary "Application Specific Transparent Template";
    0x9F7E Binary "Application Life Cycle Data";
};

/// `UnionPay`.
const C7: &[Object] = objects! {
    0x9F5D Numeric "Electronic Cash Available";
    0x9F63 Binary "Product Identification Information";
    0x9F66 Binary "Terminal Transaction Qualifiers (TTQ)";
    0x9F69 Binary "Card Authentication Related Data";
    0x9F6C Binary "Card Transaction Qualifiers (CTQ)";
    0x9F6D Numeric "Electronic Cash Reset Threshold";
    0x9F6E Binary "Form Factor Indicator";
    0x9F74 Text "Electronic Cash Issuer Authorisation Code";
    0x9F77 Numeric "Electronic Cash Balance Limit";
    0x9F78 Numeric "Electronic Cash Single Transaction Limit";
    0x9F79 Numeric "Electronic Cash Balance";
    0x9F7A Numeric "Electronic Cash Terminal Support Indicator";
    0x9F7B Numeric "Electronic Cash Terminal Transaction Limit";
    0x9F7C Binary "Customer Exclusive Data";
    0xDF61 Binary "Card Capability for Offline Data Authentication";
    0xDF69 Binary "SM Algorithm Support Indicator";
};

/// The common kernel; the names are those of book C-8 1.1.
const C8: &[Object] = objects! {
    0x9E Binary "Kernel Key Data";
    0xDA Binary "Encrypted Record Template";
    0x9F2B Binary "Kernel Qualifier";
    0x9F2C Binary "Card Qualifier";
    0x9F_8102 Binary "Cardholder Verification Decision";
    0x9F_8103 Binary "Card Key Data";
    0x9F_8104 Binary "Card TVR";
    0x9F_8105 Binary "Enhanced Data Authentication MAC";
    0x9F_8106 Binary "Authenticated Application Data";
    0x9F_8107 Binary "IAD MAC Offset";
    0x9F_8108 Binary "Restart Indicator";
    0x9F_8109 Binary "Issuer Application Data MAC";
    0x9F_810A Binary "Extended SDA Tag List";
    0x9F_810B Binary "ICC ECC Public Key (for RSA Certificates)";
    0x9F_810C Binary "Relay Resistance Time Excess";
    0x9F_810D Binary "Card Capabilities Information";
    0x9F_8111 Binary "Data Envelope 1";
    0x9F_8112 Binary "Data Envelope 2";
    0x9F_8113 Binary "Data Envelope 3";
    0x9F_8114 Binary "Data Envelope 4";
    0x9F_8115 Binary "Data Envelope 5";
    0x9F_8116 Binary "Data Envelope 6";
    0x9F_8117 Binary "Data Envelope 7";
    0x9F_8118 Binary "Data Envelope 8";
    0x9F_8119 Binary "Data Envelope 9";
    0x9F_811A Binary "Data Envelope 10";
    0x9F_8203 Binary "Tags To Read";
    0x9F_8204 Binary "Error Indication";
    0x9F_8206 Binary "Card Data Input Capability";
    0x9F_8207 Binary "CVM Capability - CVM Required";
    0x9F_8208 Binary "CVM Capability - No CVM Required";
    0x9F_8209 Binary "Kernel Configuration";
    0x9F_820A Binary "Security Capability";
    0x9F_820B Binary "Terminal Action Code - Denial";
    0x9F_820C Binary "Terminal Action Code - Online";
    0x9F_820D Numeric "Reader Contactless Floor Limit";
    0x9F_820E Numeric "Reader CVM Required Limit";
    0x9F_8211 Numeric "Message Hold Time";
    0x9F_8212 Binary "Hold Time Value";
    0x9F_8213 Binary "Minimum Relay Resistance Grace Period";
    0x9F_8214 Binary "Maximum Relay Resistance Grace Period";
    0x9F_8215 Binary "Terminal Expected Transmission Time For Relay Resistance C-APDU";
    0x9F_8216 Binary "Terminal Expected Transmission Time For Relay Resistance R-APDU";
    0x9F_8217 Binary "Relay Resistance Accuracy Threshold";
    0x9F_8218 Binary "Relay Resistance Transmission Time Mismatch Threshold";
    0x9F_821A Binary "Kernel Reserved TVR Mask";
    0x9F_821B Binary "Write Data Status";
    0x9F_821C Binary "Read Data Status";
    0x9F_821D Binary "Message Identifiers On Restart";
    0x9F_821E Binary "Default IAD MAC Offset";
    0x9F_821F Binary "Discretionary Data Tag List";
    0x9F_8220 Binary "Default CDOL1";
    0xBF_8104 Template "Data Envelopes To Write";
};
