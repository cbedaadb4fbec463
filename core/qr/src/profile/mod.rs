//! National profiles of merchant-presented codes behind one API: [`ProfileCode`] generates, [`read`] recognises and
//! validates. What is generated is read again before it is given out, so both sides hold to one set of rules.
//!
//! ```
//! use softpos_qr::mpm;
//! use softpos_qr::profile::{Merchant, Payee, Profile, ProfileCode, PromptPayId, read};
//! use softpos_types::{Currency, Money};
//!
//! // Brazil: a key, a name in any spelling, an amount.
//! let pix = ProfileCode {
//!     payee: Payee::PixKey { key: "merchant@ex.com".into(), text: None },
//!     merchant: Some(Merchant {
//!         category: "0000".into(),
//!         name: "Padaria São João".into(),
//!         city: "Brasília".into(),
//!         post_code: None,
//!         plain_name: None,
//!         plain_city: None,
//!         language: "PT".into(),
//!     }),
//!     country: None,
//!     amount: Currency::from_alpha("BRL").map(|real| Money::new(1_250, real)),
//!     tip: None,
//!     additional: vec![(5, "PEDIDO123".into())],
//! };
//! let payload = pix.encode()?;
//! let decoded = mpm::decode(&payload).expect("has no breach");
//! assert_eq!(decoded.value(59), Some("Padaria Sao Joao"));
//! assert_eq!(read(&decoded)[0].payee.as_ref(), Some(&pix.payee));
//!
//! // Thailand: a telephone number will do.
//! let promptpay = ProfileCode {
//!     payee: Payee::PromptPay(PromptPayId::from_phone("0812223333").expect("ten digits")),
//!     merchant: None,
//!     amount: None,
//!     additional: Vec::new(),
//!     ..pix
//! };
//! let payload = promptpay.encode()?;
//! assert_eq!(read(&mpm::decode(&payload).expect("is read"))[0].profile, Profile::PromptPay);
//! # Ok::<(), softpos_qr::profile::ProfileError>(())
//! ```
#![doc = include_str!("examples.md")]

mod account;
mod asia;
mod code;
mod far_east;
mod payee;
mod west;

use alloc::vec::Vec;
use core::fmt;

pub use code::{Merchant, ProfileCode, ProfileError, khqr_query_key};
pub use payee::{FpsId, Lifetime, PayNowId, Payee, PromptPayId};

use crate::mpm::{Breach, Decoded, Dialect, MerchantAccountRef, Place};

/// A national profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// `UnionPay` (15, 16).
    UnionPay,
    /// Brazil.
    Pix,
    /// Thailand, person to person and to merchants (29).
    PromptPay,
    /// Thailand, bills (30).
    PromptPayBill,
    /// Singapore, alone or within SGQR (26, 51).
    PayNow,
    /// Indonesia (26..45, 51).
    Qris,
    /// Vietnam, NAPAS (38).
    VietQr,
    /// Vietnam, VNPAY (26).
    VnPay,
    /// Malaysia (26).
    DuitNow,
    /// India, Bharat QR with a UPI address (26, 27).
    BharatQr,
    /// Cambodia (29 or 30, 99).
    Khqr,
    /// Hong Kong (26).
    Fps,
    /// Japan (26).
    Jpqr,
    /// Philippines (27, 26).
    QrPh,
    /// West African monetary union (36).
    Uemoa,
}

/// What a payload says in the words of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The profile.
    pub profile: Profile,
    /// Who gets the money; none if the profile's own fields are broken or not of a known form.
    pub payee: Option<Payee>,
    /// The profile's rules that are broken, beside the breaches of the payload itself.
    pub faults: Vec<Fault>,
}

/// A broken rule of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// An object is missing.
    Missing(Place),
    /// An object is not of its form.
    Value(Place),
    /// An object excludes one that is there too.
    Conflict(Place),
    /// Not a currency of the profile.
    Currency,
    /// Not the profile's country.
    Country,
}

/// How the application identifiers of payers' codes begin.
const CPM_AIDS: [(&[u8], Profile); 5] = [
    (&[0xA0, 0, 0, 3, 0x33, 1, 1, 1], Profile::UnionPay),
    (&[0xA0, 0, 0, 3, 0x33, 1, 1, 2], Profile::UnionPay),
    (&[0xA0, 0, 0, 6, 2, 0x20, 0x20], Profile::Qris),
    (&[0xA0, 0, 0, 7, 0x27, 0x10, 0x10], Profile::VietQr),
    (&[0xA0, 0, 0, 6, 0x15, 0, 1], Profile::DuitNow),
];

/// Recognises every profile that a payload serves: one symbol often carries several.
pub fn read(decoded: &Decoded<'_>) -> Vec<Reading> {
    let mut readings: Vec<Reading> = Vec::new();
    for account in decoded.merchant_accounts() {
        let Some(profile) = Profile::of_account(decoded, &account) else {
            continue;
        };
        // Accounts that only complete another one of the same profile are no payee of their own.
        if readings.iter().any(|reading| reading.profile == profile) {
            continue;
        }
        let mut faults = Vec::new();
        profile.check_frame(decoded, &mut faults);
        let payee = match profile.read_payee(decoded, &account, &mut faults) {
            Ok(payee) => payee,
            Err(fault) => {
                faults.push(fault);
                None
            }
        };
        readings.push(Reading {
            profile,
            payee,
            faults,
        });
    }
    readings
}

impl Profile {
    /// The stable name, as `promptpay`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnionPay => "unionpay",
            Self::Pix => "pix",
            Self::PromptPay => "promptpay",
            Self::PromptPayBill => "promptpay_bill",
            Self::PayNow => "paynow",
            Self::Qris => "qris",
            Self::VietQr => "vietqr",
            Self::VnPay => "vnpay",
            Self::DuitNow => "duitnow",
            Self::BharatQr => "bharatqr",
            Self::Khqr => "khqr",
            Self::Fps => "fps",
            Self::Jpqr => "jpqr",
            Self::QrPh => "qrph",
            Self::Uemoa => "uemoa",
        }
    }

    /// The currencies it pays in, the usual one first; empty: any.
    pub const fn currencies(self) -> &'static [&'static str] {
        match self {
            Self::UnionPay => &[],
            Self::Pix => &["BRL"],
            Self::PromptPay | Self::PromptPayBill => &["THB"],
            Self::PayNow => &["SGD"],
            Self::Qris => &["IDR"],
            Self::VietQr | Self::VnPay => &["VND"],
            Self::DuitNow => &["MYR"],
            Self::BharatQr => &["INR"],
            Self::Khqr => &["KHR", "USD"],
            Self::Fps => &["HKD", "CNY"],
            Self::Jpqr => &["JPY"],
            Self::QrPh => &["PHP"],
            Self::Uemoa => &["XOF"],
        }
    }

    /// Its country, if it has one.
    pub const fn country(self) -> Option<&'static str> {
        match self {
            // UnionPay is everywhere; UEMOA is eight countries.
            Self::UnionPay | Self::Uemoa => None,
            Self::Pix => Some("BR"),
            Self::PromptPay | Self::PromptPayBill => Some("TH"),
            Self::PayNow => Some("SG"),
            Self::Qris => Some("ID"),
            Self::VietQr | Self::VnPay => Some("VN"),
            Self::DuitNow => Some("MY"),
            Self::BharatQr => Some("IN"),
            Self::Khqr => Some("KH"),
            Self::Fps => Some("HK"),
            Self::Jpqr => Some("JP"),
            Self::QrPh => Some("PH"),
        }
    }

    /// The profile of a payer's code ([`crate::cpm`]), by its application identifier.
    pub fn of_cpm_aid(aid: &[u8]) -> Option<Self> {
        CPM_AIDS
            .iter()
            .find(|(start, _)| aid.starts_with(start))
            .map(|(_, profile)| *profile)
    }

    /// Where its payloads differ from the specification.
    const fn dialect(self) -> Dialect {
        match self {
            // Transfers to a person: no category, name or city.
            Self::PromptPay | Self::PromptPayBill | Self::VietQr => Dialect {
                allows: |breach| {
                    matches!(
                        breach,
                        Breach::Missing(Place {
                            template: None,
                            id: 52 | 59 | 60
                        })
                    )
                },
                ..Dialect::EMVCO
            },
            Self::DuitNow => Dialect {
                format: "02",
                allows: |breach| {
                    matches!(
                        breach,
                        Breach::Value(Place {
                            template: None,
                            id: 0
                        })
                    )
                },
                ..Dialect::EMVCO
            },
            Self::Uemoa => Dialect {
                is_latin1: true,
                allows: |breach| matches!(breach, Breach::CrcLatin1),
                ..Dialect::EMVCO
            },
            Self::UnionPay
            | Self::Pix
            | Self::PayNow
            | Self::Qris
            | Self::VnPay
            | Self::BharatQr
            | Self::Khqr
            | Self::Fps
            | Self::Jpqr
            | Self::QrPh => Dialect::EMVCO,
        }
    }

    fn of_account(decoded: &Decoded<'_>, account: &MerchantAccountRef<'_, '_>) -> Option<Self> {
        if matches!(account.id, 15 | 16) {
            return Some(Self::UnionPay);
        }
        let guid = account.guid()?;
        let is = |name: &str| guid.eq_ignore_ascii_case(name);
        let country = decoded.value(58);
        if is("br.gov.bcb.pix") {
            Some(Self::Pix)
        } else if is("A000000677010111") {
            Some(Self::PromptPay)
        } else if is("A000000677010112") {
            Some(Self::PromptPayBill)
        } else if is("SG.PAYNOW") {
            Some(Self::PayNow)
        } else if is("ID.CO.QRIS.WWW") || (country == Some("ID") && asia::is_qris_acquirer(account)) {
            Some(Self::Qris)
        } else if is("A000000727") {
            Some(Self::VietQr)
        } else if is("A000000775") {
            Some(Self::VnPay)
        } else if is("A0000006150001") {
            Some(Self::DuitNow)
        } else if is("A000000524") {
            Some(Self::BharatQr)
        } else if country == Some("KH") && matches!(account.id, 29 | 30) && guid.contains('@') {
            Some(Self::Khqr)
        } else if is("hk.com.hkicl") {
            Some(Self::Fps)
        } else if is("jp.or.paymentsjapan") {
            Some(Self::Jpqr)
        } else if is("com.p2pqrpay") || is("com.paymaya") {
            Some(Self::QrPh)
        } else if is("int.bceao.pi") {
            Some(Self::Uemoa)
        } else {
            None
        }
    }

    /// Currency and country.
    fn check_frame(self, decoded: &Decoded<'_>, faults: &mut Vec<Fault>) {
        let currencies = self.currencies();
        let alpha = decoded.currency().map(softpos_types::Currency::alpha);
        if !currencies.is_empty() && !alpha.is_some_and(|alpha| currencies.contains(&alpha)) {
            faults.push(Fault::Currency);
        }
        if self
            .country()
            .is_some_and(|country| decoded.value(58) != Some(country))
        {
            faults.push(Fault::Country);
        }
    }

    fn read_payee(
        self,
        decoded: &Decoded<'_>,
        account: &MerchantAccountRef<'_, '_>,
        faults: &mut Vec<Fault>,
    ) -> Result<Option<Payee>, Fault> {
        match self {
            Self::UnionPay => far_east::unionpay(account).map(Some),
            Self::Pix => west::pix(decoded, account, faults).map(Some),
            Self::PromptPay => asia::promptpay(account).map(Some),
            Self::PromptPayBill => asia::promptpay_bill(account).map(Some),
            Self::PayNow => asia::paynow(decoded, account).map(Some),
            Self::Qris => asia::qris(decoded, account, faults).map(Some),
            Self::VietQr => asia::vietqr(account).map(Some),
            Self::VnPay => asia::vnpay(account).map(Some),
            Self::DuitNow => asia::duitnow(account).map(Some),
            Self::BharatQr => asia::bharat(decoded, account).map(Some),
            Self::Khqr => asia::khqr(decoded, account, faults).map(Some),
            Self::Fps => far_east::fps(account).map(Some),
            Self::Jpqr => far_east::jpqr(account).map(Some),
            Self::QrPh => far_east::qr_ph(account),
            Self::Uemoa => west::uemoa(account).map(Some),
        }
    }
}

/// `missing:62/05`, `26/01:value`.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(place) => write!(f, "missing:{place}"),
            Self::Value(place) => write!(f, "{place}:value"),
            Self::Conflict(place) => write!(f, "{place}:conflict"),
            Self::Currency => f.write_str("53:currency"),
            Self::Country => f.write_str("58:country"),
        }
    }
}
