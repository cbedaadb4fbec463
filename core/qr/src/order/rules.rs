//! The published rules of the wallets, as data.

use crate::payment_code::Wallet;

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 86_400_000;
/// Beijing is eight hours east of UTC.
const BEIJING_MS: u64 = 28_800_000;

/// When a wallet wants to be asked, and when and how long it takes a charge back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// From an unknown result to the first query.
    pub first_query_ms: u64,
    /// From one query to the next.
    pub query_interval_ms: u64,
    /// From the charge to the last query; whatever is not paid then is reversed.
    pub total_ms: u64,
    /// From the charge to the earliest reversal.
    pub reverse_not_before_ms: u64,
    /// How a reversal without a result is repeated.
    pub retry: Retry,
    /// How long a charge can be reversed.
    pub window: Window,
    /// A query that says failed is followed by a reversal all the same.
    pub reverses_failed: bool,
    /// A charge that says paid may still be rolled back: it is asked for before it counts.
    pub confirms_paid: bool,
}

/// Repetitions: some quick ones, then slow ones without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Before each quick one.
    pub quick_ms: u64,
    /// How many quick ones.
    pub quick_count: u32,
    /// Before each slow one.
    pub slow_ms: u64,
}

/// How long a charge can be reversed; after that it is asked for and refunded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// This long after the charge.
    For {
        /// Milliseconds.
        ms: u64,
    },
    /// Until this long after the end of the charge's day in Beijing.
    BeijingDayAnd {
        /// Milliseconds.
        ms: u64,
    },
    /// No limit is known.
    Open,
}

impl Rules {
    /// `WeChat` Pay micropay and codepay on the mainland (pay.weixin.qq.com 4011937125, `QuickPay` chapters `3_3` and `3_4`). The
    /// pause between reversals is ours; the pages say "until answered".
    pub const WECHAT: Self = Self {
        first_query_ms: 5_000,
        query_interval_ms: 10_000,
        total_ms: 45_000,
        reverse_not_before_ms: 15_000,
        retry: Retry {
            quick_ms: 5_000,
            quick_count: 6,
            slow_ms: MINUTE_MS,
        },
        window: Window::For { ms: 7 * DAY_MS },
        reverses_failed: true,
        confirms_paid: false,
    };

    /// `WeChat` Pay across borders: the same with 30 seconds in all.
    pub const WECHAT_CROSS_BORDER: Self = Self {
        total_ms: 30_000,
        ..Self::WECHAT
    };

    /// Alipay on the mainland (F2F flow, and the constants of its SDK: five queries, three quick cancels, then a
    /// heartbeat of 900 s).
    pub const ALIPAY: Self = Self {
        first_query_ms: 5_000,
        query_interval_ms: 5_000,
        total_ms: MINUTE_MS,
        reverse_not_before_ms: 0,
        retry: Retry {
            quick_ms: 2_000,
            quick_count: 3,
            slow_ms: 900_000,
        },
        window: Window::For { ms: DAY_MS },
        reverses_failed: false,
        confirms_paid: true,
    };

    /// Antom, Alipay's global service (docs.antom.com).
    pub const ANTOM: Self = Self {
        query_interval_ms: 3_000,
        confirms_paid: false,
        window: Window::BeijingDayAnd { ms: 15 * MINUTE_MS },
        ..Self::ALIPAY
    };

    /// `UnionPay` (practice of integrators; ask the acquirer).
    pub const UNIONPAY: Self = Self {
        window: Window::Open,
        confirms_paid: false,
        ..Self::ALIPAY
    };

    /// The rules for a wallet's codes, unless the acquirer's configuration says otherwise.
    pub const fn of(wallet: Wallet) -> Self {
        match wallet {
            Wallet::WeChat => Self::WECHAT,
            Wallet::WeChatHongKong => Self::WECHAT_CROSS_BORDER,
            Wallet::Alipay => Self::ALIPAY,
            Wallet::UnionPay => Self::UNIONPAY,
        }
    }

    /// The pause before the next reversal after so many without a result.
    pub(super) const fn retry_ms(&self, tries: u32) -> u64 {
        if tries <= self.retry.quick_count {
            self.retry.quick_ms
        } else {
            self.retry.slow_ms
        }
    }
}

impl Window {
    /// Whether a charge of `submitted_utc_ms` can no longer be reversed.
    pub const fn is_over(self, submitted_utc_ms: u64, utc_ms: u64) -> bool {
        match self {
            Self::For { ms } => utc_ms > submitted_utc_ms.saturating_add(ms),
            Self::BeijingDayAnd { ms } => {
                let of_day = submitted_utc_ms.saturating_add(BEIJING_MS) % DAY_MS;
                let midnight = submitted_utc_ms.saturating_add(DAY_MS.saturating_sub(of_day));
                utc_ms > midnight.saturating_add(ms)
            }
            Self::Open => false,
        }
    }
}
