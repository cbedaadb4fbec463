//! The digits a wallet shows for the till to scan ("scan me").

use core::fmt;

use softpos_types::SecretBytes;

/// A payment code. It is as good as money for about a minute: wiped when dropped, never printed.
pub struct PaymentCode {
    digits: SecretBytes,
    wallet: Wallet,
}

/// Whose wallet shows a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wallet {
    /// `WeChat` Pay: 18 digits, 10 to 14 first (pay.weixin.qq.com).
    WeChat,
    /// `WeChat` Pay of Hong Kong: 18 digits, 15 first.
    WeChatHongKong,
    /// Alipay: 16 to 24 digits, 25 to 30 first (alipay.trade.pay).
    Alipay,
    /// `UnionPay`: 19 digits, 62 first (practice; no page of `UnionPay` says so).
    UnionPay,
}

/// The digits are no code of a known wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCode;

impl PaymentCode {
    /// Reads ASCII digits. The three rules do not overlap.
    ///
    /// # Errors
    /// [`UnknownCode`].
    pub fn parse(text: &str) -> Result<Self, UnknownCode> {
        let digits = text.as_bytes();
        let wallet = match (digits, digits.len()) {
            _ if !digits.iter().all(u8::is_ascii_digit) => return Err(UnknownCode),
            ([b'1', b'0'..=b'4', ..], 18) => Wallet::WeChat,
            ([b'1', b'5', ..], 18) => Wallet::WeChatHongKong,
            ([b'2', b'5'..=b'9', ..] | [b'3', b'0', ..], 16..=24) => Wallet::Alipay,
            ([b'6', b'2', ..], 19) => Wallet::UnionPay,
            _ => return Err(UnknownCode),
        };
        Ok(Self {
            digits: SecretBytes::copy_of(digits),
            wallet,
        })
    }

    /// Whose it is.
    pub const fn wallet(&self) -> Wallet {
        self.wallet
    }

    /// The ASCII digits, for the one call that charges them.
    pub fn expose_digits(&self) -> &[u8] {
        self.digits.expose()
    }
}

impl Wallet {
    /// The stable name, as `wechat_hk`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WeChat => "wechat",
            Self::WeChatHongKong => "wechat_hk",
            Self::Alipay => "alipay",
            Self::UnionPay => "unionpay",
        }
    }
}

impl fmt::Debug for PaymentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PaymentCode({})", self.wallet.name())
    }
}

impl fmt::Display for UnknownCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a code of WeChat Pay (18 digits), Alipay (16 to 24) or UnionPay (19)")
    }
}

impl core::error::Error for UnknownCode {}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn prefix_and_length_tell_the_wallet() {
        for (code, wallet) in [
            ("101234567890123456", Wallet::WeChat),
            ("149999999999999999", Wallet::WeChat),
            ("150123456789012345", Wallet::WeChatHongKong),
            ("2535897932384626", Wallet::Alipay),
            ("301234567890123456789012", Wallet::Alipay),
            ("6258123456789012345", Wallet::UnionPay),
        ] {
            assert_eq!(
                PaymentCode::parse(code).map(|code| code.wallet()),
                Ok(wallet),
                "{code}"
            );
        }
        for bad in [
            "",
            "1",
            "13000000000000000",
            "160000000000000000",
            "310000000000000000",
            "241234567890123456",
            "2800000000000000000000000",
            "1345678901234567 8",
            "625812345678901234",
            "１０1234567890123456",
        ] {
            assert!(PaymentCode::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nothing_shows_the_digits() {
        let code = PaymentCode::parse("101234567890123456").unwrap();
        assert_eq!(format!("{code:?}"), "PaymentCode(wechat)");
        assert_eq!(code.expose_digits(), b"101234567890123456");
    }
}
