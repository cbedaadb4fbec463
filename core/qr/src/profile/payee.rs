//! Who gets the money, in each profile's words.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::Profile;
use crate::mpm::{AccountFields, EncodeError, MerchantAccount, template};

/// A payee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payee {
    /// A merchant of `UnionPay`.
    UnionPay {
        /// Acquirer's number, eight digits.
        acquirer_iin: String,
        /// Forwarding institution's number, eight digits.
        forwarding_iin: String,
        /// Merchant number, 15 characters.
        merchant: String,
    },
    /// A PIX key in a static code.
    PixKey {
        /// CPF, CNPJ, telephone, mail address or random key.
        key: String,
        /// A text for the payer.
        text: Option<String>,
    },
    /// A PIX payment that lies at the bank (dynamic).
    PixUrl {
        /// Its address, without `https://`.
        url: String,
    },
    /// A PIX recurring payment.
    PixRecurring {
        /// Its address, without `https://`.
        url: String,
    },
    /// A holder of `PromptPay`.
    PromptPay(PromptPayId),
    /// A biller of `PromptPay`.
    PromptPayBill {
        /// Biller, 13 to 15 digits.
        biller: String,
        /// First reference, at most 20 letters and digits.
        reference: String,
        /// Second reference, likewise.
        second_reference: Option<String>,
    },
    /// A holder of `PayNow`.
    PayNow {
        /// Telephone or company.
        id: PayNowId,
        /// The payer may change the amount.
        is_editable: bool,
        /// Last day, `YYYYMMDD`, or last moment, `YYYYMMDDhhmmss`.
        expiry: Option<String>,
        /// Number in the national register of codes (51).
        sgqr: Option<String>,
    },
    /// A merchant of QRIS.
    Qris {
        /// The acquirer's reverse domain.
        acquirer: String,
        /// Merchant PAN, 16 to 19 digits, 9360 first.
        pan: String,
        /// Merchant number at the acquirer.
        merchant: String,
        /// Size class, as `UMI`.
        criteria: String,
        /// National merchant number (51).
        national_id: Option<String>,
    },
    /// An account or card behind NAPAS.
    VietQr {
        /// Bank, six digits.
        bank_bin: String,
        /// Account or card, at most 19 letters and digits.
        account: String,
        /// It is a card (QRIBFTTC).
        is_card: bool,
    },
    /// A merchant of VNPAY.
    VnPay {
        /// Merchant number.
        merchant: String,
    },
    /// A merchant of `DuitNow`.
    DuitNow {
        /// Acquirer, digits.
        acquirer: String,
        /// Account at the acquirer.
        account: String,
    },
    /// A UPI address in a Bharat QR code.
    BharatQr {
        /// Payee address, as `shop@bank`.
        address: String,
        /// Transaction reference (27).
        reference: Option<String>,
    },
    /// A person in KHQR.
    KhqrPersonal {
        /// Bakong account, as `name@bank`.
        account: String,
        /// From when to when the code is valid (99); a code with an amount must have it.
        lifetime: Option<Lifetime>,
    },
    /// A merchant in KHQR.
    KhqrMerchant {
        /// Bakong account, as `name@bank`.
        account: String,
        /// Merchant number.
        merchant: String,
        /// Acquiring bank.
        bank: String,
        /// From when to when the code is valid (99); a code with an amount must have it.
        lifetime: Option<Lifetime>,
    },
    /// A holder of FPS.
    Fps(FpsId),
    /// A merchant of JPQR: the numbers of the four objects.
    Jpqr {
        /// 13 digits.
        company: String,
        /// Four digits.
        branch: String,
        /// Six digits.
        store: String,
        /// Six digits.
        terminal: String,
    },
    /// An account behind QR Ph.
    QrPh {
        /// Bank (BIC).
        bank: String,
        /// Account.
        account: Option<String>,
    },
    /// A holder of the West African instant payment.
    Uemoa {
        /// Alias.
        alias: String,
    },
}

/// How `PromptPay` knows somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromptPayId {
    /// Telephone, 13 digits: 0066 and the number without its zero.
    Phone(String),
    /// Tax or citizen number, 13 digits.
    TaxId(String),
    /// E-wallet, 15 digits.
    Wallet(String),
}

/// How `PayNow` knows somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayNowId {
    /// Telephone, `+65` first (type 0).
    Phone(String),
    /// Company number, 9 to 13 letters and digits (type 2).
    Uen(String),
}

/// How FPS knows somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FpsId {
    /// FPS identifier, 7 to 9 digits.
    Id(String),
    /// Telephone, as `+852-91234567`.
    Mobile(String),
    /// Mail address.
    Email(String),
}

/// From when to when a KHQR code is valid, in milliseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// When it was made.
    pub created_utc_ms: u64,
    /// From when on it is refused.
    pub expires_utc_ms: u64,
}

impl PromptPayId {
    /// A Thai telephone number as it is dialled at home: ten digits, 0 first.
    pub fn from_phone(dialled: &str) -> Option<Self> {
        let number = dialled.strip_prefix('0')?;
        let is_number = number.len() == 9 && number.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| Self::Phone(["0066", number].concat()))
    }
}

impl Payee {
    /// The profile it belongs to.
    pub const fn profile(&self) -> Profile {
        match self {
            Self::UnionPay { .. } => Profile::UnionPay,
            Self::PixKey { .. } | Self::PixUrl { .. } | Self::PixRecurring { .. } => Profile::Pix,
            Self::PromptPay(_) => Profile::PromptPay,
            Self::PromptPayBill { .. } => Profile::PromptPayBill,
            Self::PayNow { .. } => Profile::PayNow,
            Self::Qris { .. } => Profile::Qris,
            Self::VietQr { .. } => Profile::VietQr,
            Self::VnPay { .. } => Profile::VnPay,
            Self::DuitNow { .. } => Profile::DuitNow,
            Self::BharatQr { .. } => Profile::BharatQr,
            Self::KhqrPersonal { .. } | Self::KhqrMerchant { .. } => Profile::Khqr,
            Self::Fps(_) => Profile::Fps,
            Self::Jpqr { .. } => Profile::Jpqr,
            Self::QrPh { .. } => Profile::QrPh,
            Self::Uemoa { .. } => Profile::Uemoa,
        }
    }

    /// How long the code is valid, if it says so.
    pub const fn lifetime(&self) -> Option<Lifetime> {
        if let Self::KhqrPersonal { lifetime, .. } | Self::KhqrMerchant { lifetime, .. } = self {
            *lifetime
        } else {
            None
        }
    }

    /// Its merchant accounts.
    #[expect(
        clippy::too_many_lines,
        reason = "one flat arm a profile: parts of it would say less"
    )]
    pub(super) fn accounts(&self) -> Result<Vec<MerchantAccount>, EncodeError> {
        Ok(match self {
            Self::UnionPay {
                acquirer_iin,
                forwarding_iin,
                merchant,
            } => vec![MerchantAccount {
                id: 15,
                fields: AccountFields::Plain([acquirer_iin.as_str(), forwarding_iin, merchant].concat()),
            }],
            Self::PixKey { key, text } => one(26, "br.gov.bcb.pix", &[(1, Some(key)), (2, text.as_ref())]),
            Self::PixUrl { url } => one(26, "br.gov.bcb.pix", &[(25, Some(url))]),
            Self::PixRecurring { .. } => one(26, "br.gov.bcb.pix", &[]),
            Self::PromptPay(PromptPayId::Phone(phone)) => one(29, "A000000677010111", &[(1, Some(phone))]),
            Self::PromptPay(PromptPayId::TaxId(number)) => one(29, "A000000677010111", &[(2, Some(number))]),
            Self::PromptPay(PromptPayId::Wallet(number)) => one(29, "A000000677010111", &[(3, Some(number))]),
            Self::PromptPayBill {
                biller,
                reference,
                second_reference,
            } => one(
                30,
                "A000000677010112",
                &[
                    (1, Some(biller)),
                    (2, Some(reference)),
                    (3, second_reference.as_ref()),
                ],
            ),
            Self::PayNow {
                id,
                is_editable,
                expiry,
                sgqr,
            } => paynow(id, *is_editable, expiry.as_ref(), sgqr.as_ref()),
            Self::Qris {
                acquirer,
                pan,
                merchant,
                criteria,
                national_id,
            } => qris(
                acquirer,
                &[(1, Some(pan)), (2, Some(merchant)), (3, Some(criteria))],
                &[(2, national_id.as_ref()), (3, Some(criteria))],
            ),
            Self::VietQr {
                bank_bin,
                account,
                is_card,
            } => vietqr(bank_bin, account, *is_card)?,
            Self::VnPay { merchant } => one(26, "A000000775", &[(1, Some(merchant))]),
            Self::DuitNow { acquirer, account } => {
                one(26, "A0000006150001", &[(1, Some(acquirer)), (2, Some(account))])
            }
            Self::BharatQr { address, reference } => {
                let parts = reference.iter().map(|reference| (1, Some(reference)));
                let mut accounts = one(26, "A000000524", &[(1, Some(address))]);
                accounts.extend(parts.flat_map(|part| one(27, "A000000524", &[part])));
                accounts
            }
            Self::KhqrPersonal { account, .. } => one(29, account, &[]),
            Self::KhqrMerchant {
                account,
                merchant,
                bank,
                ..
            } => one(30, account, &[(1, Some(merchant)), (2, Some(bank))]),
            Self::Fps(FpsId::Id(number)) => one(26, "hk.com.hkicl", &[(2, Some(number))]),
            Self::Fps(FpsId::Mobile(number)) => one(26, "hk.com.hkicl", &[(3, Some(number))]),
            Self::Fps(FpsId::Email(address)) => one(26, "hk.com.hkicl", &[(4, Some(address))]),
            Self::Jpqr {
                company,
                branch,
                store,
                terminal,
            } => one(
                26,
                "jp.or.paymentsjapan",
                &[
                    (1, Some(company)),
                    (2, Some(branch)),
                    (3, Some(store)),
                    (4, Some(terminal)),
                ],
            ),
            Self::QrPh { bank, account } => {
                one(27, "com.p2pqrpay", &[(1, Some(bank)), (4, account.as_ref())])
            }
            Self::Uemoa { alias } => one(36, "int.bceao.pi", &[(1, Some(alias))]),
        })
    }

    /// Its templates beside the accounts (80..99).
    pub(super) fn templates(&self) -> Vec<(u8, Vec<(u8, String)>)> {
        if let Self::PixRecurring { url } = self {
            return vec![(80, vec![(0, "br.gov.bcb.pix".to_owned()), (25, url.clone())])];
        }
        let times = self.lifetime().map(|lifetime| {
            let created = lifetime.created_utc_ms.to_string();
            (99, vec![(0, created), (1, lifetime.expires_utc_ms.to_string())])
        });
        times.into_iter().collect()
    }
}

type Part<'a> = (u8, Option<&'a String>);

/// The acquirer's account and, if the merchant has a national number, the national one.
fn qris(acquirer: &str, own: &[Part<'_>], national: &[Part<'_>]) -> Vec<MerchantAccount> {
    let mut accounts = one(26, acquirer, own);
    if national.iter().all(|(_, part)| part.is_some()) {
        accounts.extend(one(51, "ID.CO.QRIS.WWW", national));
    }
    accounts
}

fn vietqr(bank_bin: &str, account: &str, is_card: bool) -> Result<Vec<MerchantAccount>, EncodeError> {
    let bank = template(38, &[(0, bank_bin.to_owned()), (1, account.to_owned())])?;
    let service = if is_card { "QRIBFTTC" } else { "QRIBFTTA" }.to_owned();
    Ok(one(38, "A000000727", &[(1, Some(&bank)), (2, Some(&service))]))
}

fn paynow(
    id: &PayNowId,
    is_editable: bool,
    expiry: Option<&String>,
    sgqr: Option<&String>,
) -> Vec<MerchantAccount> {
    let (kind, value) = match id {
        PayNowId::Phone(number) => ("0".to_owned(), number),
        PayNowId::Uen(number) => ("2".to_owned(), number),
    };
    let editable = if is_editable { "1" } else { "0" }.to_owned();
    let parts = [
        (1, Some(&kind)),
        (2, Some(value)),
        (3, Some(&editable)),
        (4, expiry),
    ];
    let mut accounts = one(26, "SG.PAYNOW", &parts);
    if sgqr.is_some() {
        accounts.extend(one(51, "SG.SGQR", &[(1, sgqr)]));
    }
    accounts
}

fn one(id: u8, guid: &str, parts: &[Part<'_>]) -> Vec<MerchantAccount> {
    let parts = parts
        .iter()
        .filter_map(|(id, part)| Some((*id, (*part)?.clone())))
        .collect();
    vec![MerchantAccount {
        id,
        fields: AccountFields::Template {
            guid: guid.to_owned(),
            parts,
        },
    }]
}
