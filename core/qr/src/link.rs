//! Links in codes: which service a link belongs to, and UPI's, which carry the payment themselves.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use softpos_types::{Currency, Money};

/// Characters of a link; longer ones are not taken apart.
const MAX_LENGTH: usize = 2_048;

/// What a value of a UPI link keeps unescaped (RFC 3986, unreserved, and the `@` of an address).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'@');

/// A link of a known service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link<'a> {
    /// Whose it is.
    pub service: Service,
    /// The link as it was scanned.
    pub url: &'a str,
    /// What it says, of a UPI link.
    pub upi: Option<UpiLink>,
}

/// A service that codes link to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// India's UPI.
    Upi,
    /// `UnionPay`: `https://qr.95516.com/..`.
    UnionPay,
    /// `WeChat` Pay native: `weixin://wxpay/bizpayurl?..`, lives two hours.
    WeChatNative,
    /// Alipay precreate: `https://qr.alipay.com/..`, lives two hours; its order does not exist before the payer scans.
    AlipayPrecreate,
    /// A payment page of a provider.
    PaymentLink,
}

/// `upi://pay?pa=..`: whom to pay, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpiLink {
    /// Payee address (pa), as `shop@bank`.
    pub address: String,
    /// Payee name (pn).
    pub name: Option<String>,
    /// Transaction reference (tr).
    pub reference: Option<String>,
    /// The amount in rupees (am, cu); none if the payer types it.
    pub amount: Option<Money>,
    /// Merchant category code (mc), four digits.
    pub category: Option<String>,
}

/// Why a link was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkError {
    /// Longer than any service's.
    TooLong,
    /// Of no known service.
    UnknownService,
    /// A payee address is missing or is none.
    BadAddress,
    /// A value stands twice: the second one might be an attacker's.
    Duplicate,
    /// The amount is none.
    BadAmount,
    /// Not rupees.
    BadCurrency,
    /// A value is empty, not UTF-8, or not of its form.
    BadValue,
}

/// Hosts of services, and how their paths begin.
const HOSTS: [(&str, &str, Service); 4] = [
    ("qr.95516.com", "/", Service::UnionPay),
    ("qr.alipay.com", "/", Service::AlipayPrecreate),
    ("buy.stripe.com", "/", Service::PaymentLink),
    ("checkout.stripe.com", "/", Service::PaymentLink),
];

impl<'a> Link<'a> {
    /// Reads a link.
    ///
    /// The host must be the service's own, to the letter: a name in front of an `@` or behind another host is none.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn parse(url: &'a str) -> Result<Self, LinkError> {
        if url.len() > MAX_LENGTH {
            return Err(LinkError::TooLong);
        }
        let (scheme, rest) = url.split_once("://").ok_or(LinkError::UnknownService)?;
        let is = |name: &str| scheme.eq_ignore_ascii_case(name);
        let (service, upi) = if is("upi") {
            let query = rest
                .strip_prefix("pay")
                .map(|rest| rest.strip_prefix('/').unwrap_or(rest));
            let query = query
                .and_then(|rest| rest.strip_prefix('?'))
                .ok_or(LinkError::UnknownService)?;
            (Service::Upi, Some(UpiLink::parse(query)?))
        } else if is("weixin") {
            let path = rest.strip_prefix("wxpay/bizpayurl");
            // Newer codes have a part more.
            let is_native = path.is_some_and(|path| path.starts_with('?') || path.starts_with("/up?"));
            (
                is_native
                    .then_some(Service::WeChatNative)
                    .ok_or(LinkError::UnknownService)?,
                None,
            )
        } else if is("https") {
            (web_service(rest).ok_or(LinkError::UnknownService)?, None)
        } else {
            return Err(LinkError::UnknownService);
        };
        Ok(Self { service, url, upi })
    }
}

fn web_service(rest: &str) -> Option<Service> {
    let end = rest.find(['/', '?', '#'])?;
    let (host, path) = rest.split_at_checked(end)?;
    HOSTS
        .iter()
        .find(|(name, start, _)| {
            host.eq_ignore_ascii_case(name) && path.starts_with(start) && path.len() > start.len()
        })
        .map(|(_, _, service)| *service)
}

impl UpiLink {
    fn parse(query: &str) -> Result<Self, LinkError> {
        let mut values: [Option<Cow<'_, str>>; 6] = [const { None }; 6];
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let slot = match name {
                "pa" => 0,
                "pn" => 1,
                "tr" => 2,
                "am" => 3,
                "cu" => 4,
                "mc" => 5,
                _ => continue,
            };
            let value = percent_decode_str(value)
                .decode_utf8()
                .map_err(|_| LinkError::BadValue)?;
            let slot = values.get_mut(slot).ok_or(LinkError::BadValue)?;
            if slot.replace(value).is_some() {
                return Err(LinkError::Duplicate);
            }
        }
        let [address, name, reference, amount, currency, category] =
            values.map(|value| value.filter(|value| !value.is_empty()).map(Cow::into_owned));
        let rupee = Currency::from_alpha("INR").ok_or(LinkError::BadCurrency)?;
        if currency.is_some_and(|currency| currency != rupee.alpha()) {
            return Err(LinkError::BadCurrency);
        }
        let parse = |text: String| {
            let is_digit_first = text.starts_with(|c: char| c.is_ascii_digit());
            Money::parse_payment(&text, rupee)
                .ok()
                .filter(|_| is_digit_first)
                .ok_or(LinkError::BadAmount)
        };
        let link = Self {
            address: address.ok_or(LinkError::BadAddress)?,
            name,
            reference,
            amount: amount.map(parse).transpose()?,
            category,
        };
        link.check()?;
        Ok(link)
    }

    /// Writes the link.
    ///
    /// # Errors
    /// [`LinkError`], by the rules of reading.
    pub fn to_uri(&self) -> Result<String, LinkError> {
        self.check()?;
        let mut uri = String::from("upi://pay?pa=");
        uri.extend(utf8_percent_encode(&self.address, ESCAPED));
        let amount = self.amount.map(|amount| alloc::format!("{amount}"));
        let currency = amount.is_some().then_some("INR");
        for (name, value) in [
            ("pn", self.name.as_deref()),
            ("tr", self.reference.as_deref()),
            ("am", amount.as_deref()),
            ("cu", currency),
            ("mc", self.category.as_deref()),
        ] {
            if let Some(value) = value {
                uri.extend(["&", name, "="]);
                uri.extend(utf8_percent_encode(value, ESCAPED));
            }
        }
        if uri.len() > MAX_LENGTH {
            return Err(LinkError::TooLong);
        }
        Ok(uri)
    }

    fn check(&self) -> Result<(), LinkError> {
        if !is_upi_address(&self.address) {
            return Err(LinkError::BadAddress);
        }
        if self
            .amount
            .is_some_and(|amount| amount.currency().alpha() != "INR")
        {
            return Err(LinkError::BadCurrency);
        }
        if self.amount.is_some_and(|amount| amount.amount_minor() <= 0) {
            return Err(LinkError::BadAmount);
        }
        let is_category = |code: &str| code.len() == 4 && code.bytes().all(|b| b.is_ascii_digit());
        let is_text = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
        let texts = [self.name.as_deref(), self.reference.as_deref()];
        if texts.into_iter().flatten().any(|text| !is_text(text))
            || self.category.as_deref().is_some_and(|code| !is_category(code))
        {
            return Err(LinkError::BadValue);
        }
        Ok(())
    }
}

/// `name@bank`: letters, digits, `.`, `-` and `_`, and one `@` between them.
pub(crate) fn is_upi_address(address: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
    };
    address
        .split_once('@')
        .is_some_and(|(name, bank)| is_part(name) && is_part(bank))
}

impl Service {
    /// The stable name, as `wechat_native`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Upi => "upi",
            Self::UnionPay => "unionpay",
            Self::WeChatNative => "wechat_native",
            Self::AlipayPrecreate => "alipay_precreate",
            Self::PaymentLink => "payment_link",
        }
    }
}

impl LinkError {
    /// The stable name, as `unknown_service`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::UnknownService => "unknown_service",
            Self::BadAddress => "bad_address",
            Self::Duplicate => "duplicate",
            Self::BadAmount => "bad_amount",
            Self::BadCurrency => "bad_currency",
            Self::BadValue => "bad_value",
        }
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl core::error::Error for LinkError {}
