//! The parameters of the sandbox's terminals: one demo shop, one signed bundle for each terminal.

use softpos_crypto::p256_key::sha256;
use softpos_host::{
    CodeParameters, KeyEntry, Limits, MerchantProfile, Method, OfflinePolicy, Parameters, ParamsReply,
    ParamsRequest, ReceiptParameters, SignedBundle, Timers, WalletParameters, WalletWindow,
};
use softpos_qr::order::{Rules, Window};
use softpos_types::{Currency, MerchantId, TerminalId};

use crate::TimerProfile;
use crate::call::{Answer, Call, Device, Failure, json};
use crate::clock::utc_ms;
use crate::database::{Work, next_number};
use crate::reader_parameters::reader;
use crate::server::Shared;

/// The demo shop's number: acquirer 898, region 2900, category 5812, serial 0001.
pub(crate) const MERCHANT: &str = "898290058120001";
/// Largest single payment: 50,000.00.
pub(crate) const PAYMENT_LIMIT_MINOR: i64 = 5_000_000;
/// Up to here no PIN and no signature: 1,000.00.
pub(crate) const NO_CVM_LIMIT_MINOR: i64 = 100_000;
/// Minutes east of UTC.
pub const UTC_OFFSET_MIN: i16 = 480;
/// The only currency.
pub(crate) const CURRENCY: Currency = Currency::CNY;

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

/// `POST /v1/params`.
pub(crate) async fn params(shared: &Shared, work: &mut Work, call: &Call, device: &Device) -> Answer {
    let request: ParamsRequest = call.read()?;
    device.check_terminal(&request.terminal)?;
    let version = version(work, shared.timers).await?;
    let parameters = parameters(&device.terminal, shared, version)?;
    let bytes = json(&parameters)?.into_bytes();
    let sig = shared.keys.configuration.sign(&bytes).as_ref().to_vec();
    let bundle = SignedBundle {
        bytes,
        kid: configuration_key(shared).kid,
        sig,
    };
    json(&ParamsReply { bundle })
}

/// The public configuration key with its name.
pub(crate) fn configuration_key(shared: &Shared) -> KeyEntry {
    use base64::Engine as _;
    let key = shared.keys.configuration_public().to_vec();
    KeyEntry {
        kid: base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha256(&key)),
        key,
    }
}

/// Rises whenever the host was started with another timer profile than before.
async fn version(work: &mut Work, profile: TimerProfile) -> Result<u64, Failure> {
    let wanted = match profile {
        TimerProfile::Live => 1_i64,
        TimerProfile::Sandbox => 2,
    };
    let known: Option<i64> = sqlx::query_scalar("SELECT value FROM meta WHERE name = 'timer_profile'")
        .fetch_optional(&mut **work)
        .await?;
    let version = if known == Some(wanted) {
        sqlx::query_scalar("SELECT value FROM counters WHERE name = 'parameters'")
            .fetch_one(&mut **work)
            .await?
    } else {
        sqlx::query(
            "INSERT INTO meta (name, value) VALUES ('timer_profile', $1) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(wanted)
        .execute(&mut **work)
        .await?;
        next_number(work, "parameters").await?
    };
    u64::try_from(version).map_err(|_| Failure::Internal("the version of the parameters"))
}

fn parameters(terminal: &TerminalId, shared: &Shared, version: u64) -> Result<Parameters, Failure> {
    let now = utc_ms();
    Ok(Parameters {
        audience: terminal.clone(),
        version,
        // A terminal's clock may be behind the host's.
        not_before_utc_ms: now.saturating_sub(10 * MINUTE_MS),
        expires_utc_ms: now.saturating_add(30 * DAY_MS),
        merchant: MerchantProfile {
            number: merchant_number()?,
            name: "测试商户".into(),
            name_latin: "DEMO SHOP".into(),
            city: "SHANGHAI".into(),
            country: "CN".into(),
            country_numeric: 156,
            mcc: "5812".into(),
        },
        currency: CURRENCY,
        utc_offset_min: UTC_OFFSET_MIN,
        methods: vec![Method::Card, Method::Code, Method::Cash],
        categories: ["food", "drinks", "goods", "service"].map(Into::into).into(),
        limits: Limits {
            payment_minor: PAYMENT_LIMIT_MINOR,
            no_cvm_minor: NO_CVM_LIMIT_MINOR,
        },
        offline: OfflinePolicy {
            enabled: true,
            payment_minor: 50_000,
            count: 20,
            sum_minor: 200_000,
            age_ms: DAY_MS,
        },
        timers: timers(shared.timers),
        codes: CodeParameters {
            lifetime_ms: shared.lifetimes.shown_code_ms,
            wallets: wallets(shared.timers),
        },
        receipt: ReceiptParameters { copies: 2 },
        reader: reader(terminal.as_str()),
    })
}

/// The demo shop's number as a word of the protocol.
pub(crate) fn merchant_number() -> Result<MerchantId, Failure> {
    MerchantId::new(MERCHANT).map_err(|_| Failure::Internal("the merchant number"))
}

fn timers(profile: TimerProfile) -> Timers {
    let (card_ms, pin_ms) = (MINUTE_MS, MINUTE_MS);
    match profile {
        TimerProfile::Live => Timers {
            t1_ms: 60_000,
            connect_ms: 10_000,
            query_ms: vec![0, 2_000, 5_000, 10_000, 20_000],
            reversal_ms: vec![5_000, 5_000, 60_000, 120_000, 300_000, 900_000, 3_600_000],
            forward_ms: vec![5_000, 15_000, 60_000, 300_000],
            code_query_ms: 2_000,
            card_ms,
            pin_ms,
        },
        TimerProfile::Sandbox => Timers {
            t1_ms: 2_500,
            connect_ms: 1_000,
            query_ms: vec![0, 300, 800, 1_500],
            reversal_ms: vec![300, 600, 1_200, 2_500],
            forward_ms: vec![300, 600, 1_200, 2_500],
            code_query_ms: 300,
            card_ms,
            pin_ms,
        },
    }
}

/// The wallets of this acquirer with their published rules, in the sandbox at a tenth of the time.
pub(crate) fn wallets(profile: TimerProfile) -> Vec<WalletParameters> {
    let part = match profile {
        TimerProfile::Live => 1,
        TimerProfile::Sandbox => 10,
    };
    [
        ("wechat", Rules::WECHAT, &[][..]),
        ("wechat_hk", Rules::WECHAT_CROSS_BORDER, &[]),
        ("alipay", Rules::ALIPAY, &[]),
        ("unionpay", Rules::UNIONPAY, &["A000000333"]),
    ]
    .map(|(wallet, rules, aids)| wallet_parameters(wallet, rules, aids, part))
    .into()
}

fn wallet_parameters(wallet: &str, rules: Rules, aids: &[&str], part: u64) -> WalletParameters {
    let scaled = |ms: u64| ms.checked_div(part).unwrap_or(ms);
    WalletParameters {
        wallet: wallet.into(),
        aids: aids.iter().map(|aid| (*aid).into()).collect(),
        first_query_ms: scaled(rules.first_query_ms),
        query_interval_ms: scaled(rules.query_interval_ms),
        total_ms: scaled(rules.total_ms),
        reverse_not_before_ms: scaled(rules.reverse_not_before_ms),
        retry_quick_ms: scaled(rules.retry.quick_ms),
        retry_quick_count: rules.retry.quick_count,
        retry_slow_ms: scaled(rules.retry.slow_ms),
        window: match rules.window {
            Window::For { ms } => WalletWindow::For(ms),
            Window::BeijingDayAnd { ms } => WalletWindow::BeijingDayAnd(ms),
            Window::Open => WalletWindow::Open,
        },
        reverses_failed: rules.reverses_failed,
        confirms_paid: rules.confirms_paid,
    }
}
