//! Faults on demand: the text that describes them, and the plan that counts them down.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use softpos_types::{Code, SoftPosError};

/// What faults may be asked for, shown when a text cannot be read.
pub const FAULT_GRAMMAR: &str = "\
KIND[@ROUTE][:WHEN], more separated by commas, or `off`
  KIND   refuse         the connection is closed before TLS, open ones as well
         drop-before    the connection is cut before anything is decided
         drop-after     the connection is cut after everything is booked
         delay=MS       waits before anything is decided
         duplicate      the request is processed twice
         bad-signature  the answer is right, its signature is not
         garbage        unsigned nonsense instead of the answer
         status500      an unsigned status 500 instead of the answer
  ROUTE  transactions (default), reversals, refunds, codes, code-payments, settle, any;
         none for refuse
  WHEN   next (default), a number for the next ones, always, 1/N for every N-th";

/// Which faults the host shows, and when.
///
/// ```
/// use softpos_acquirer::FaultSpec;
/// let spec: FaultSpec = "drop-after@transactions:next, delay=200@any:1/3".parse()?;
/// assert_eq!(spec.to_string(), "drop-after@transactions:next,delay=200@any:1/3");
/// # Ok::<(), softpos_acquirer::FaultSpecError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultSpec(pub Vec<FaultRule>);

/// One fault of a [`FaultSpec`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultRule {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Where; of no meaning for [`FaultKind::Refuse`].
    pub route: FaultRoute,
    /// When.
    pub when: FaultWhen,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The connection is closed before TLS; open connections are closed too.
    Refuse,
    /// The connection is cut before anything is decided.
    DropBefore,
    /// The connection is cut after everything is booked.
    DropAfter,
    /// Waits this many milliseconds before anything is decided; may outlast a reversal.
    Delay(u64),
    /// The request is processed twice; the first answer is sent.
    Duplicate,
    /// The answer is right, its signature is not.
    BadSignature,
    /// The request is processed, and unsigned nonsense is answered.
    Garbage,
    /// The request is processed, and an unsigned status 500 is answered.
    Status500,
}

/// Which requests a fault meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultRoute {
    /// Card and cash sales.
    Transactions,
    /// Reversals.
    Reversals,
    /// Refunds.
    Refunds,
    /// Orders for shown codes.
    Codes,
    /// Charges of payers' codes.
    CodePayments,
    /// Settlements.
    Settle,
    /// Every request under `/v1`.
    Any,
}

/// When a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultWhen {
    /// The next so many times.
    Next(u32),
    /// Always.
    Always,
    /// Every so manyth time.
    Every(u32),
}

impl FaultSpec {
    pub(crate) fn refuses(&self) -> bool {
        self.0.iter().any(|rule| rule.kind == FaultKind::Refuse)
    }
}

/// The text is no [`FaultSpec`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultSpecError {
    part: String,
}

impl fmt::Display for FaultSpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no fault; expected {FAULT_GRAMMAR}", self.part)
    }
}

impl std::error::Error for FaultSpecError {}

impl From<FaultSpecError> for SoftPosError {
    fn from(error: FaultSpecError) -> Self {
        Self::of(Code::NotExpected).with_detail(error.to_string())
    }
}

impl FromStr for FaultSpec {
    type Err = FaultSpecError;

    fn from_str(text: &str) -> Result<Self, FaultSpecError> {
        if matches!(text.trim(), "" | "off") {
            return Ok(Self::default());
        }
        let rule = |part: &str| {
            parse_rule(part.trim()).ok_or_else(|| FaultSpecError {
                part: part.trim().into(),
            })
        };
        text.split(',').map(rule).collect::<Result<_, _>>().map(Self)
    }
}

fn parse_rule(text: &str) -> Option<FaultRule> {
    let (head, when) = match text.split_once(':') {
        Some((head, when)) => (head, parse_when(when)?),
        None => (text, FaultWhen::Next(1)),
    };
    let (kind, route) = match head.split_once('@') {
        Some((kind, route)) => (parse_kind(kind)?, Some(parse_route(route)?)),
        None => (parse_kind(head)?, None),
    };
    if kind == FaultKind::Refuse && route.is_some() {
        return None;
    }
    Some(FaultRule {
        kind,
        route: route.unwrap_or(FaultRoute::Transactions),
        when,
    })
}

fn parse_kind(text: &str) -> Option<FaultKind> {
    Some(match text {
        "refuse" => FaultKind::Refuse,
        "drop-before" => FaultKind::DropBefore,
        "drop-after" => FaultKind::DropAfter,
        "duplicate" => FaultKind::Duplicate,
        "bad-signature" => FaultKind::BadSignature,
        "garbage" => FaultKind::Garbage,
        "status500" => FaultKind::Status500,
        other => FaultKind::Delay(other.strip_prefix("delay=")?.parse().ok()?),
    })
}

fn parse_route(text: &str) -> Option<FaultRoute> {
    FaultRoute::ALL.into_iter().find(|route| route.name() == text)
}

fn parse_when(text: &str) -> Option<FaultWhen> {
    let positive = |digits: &str| digits.parse().ok().filter(|count| *count >= 1);
    Some(match text {
        "next" => FaultWhen::Next(1),
        "always" => FaultWhen::Always,
        other => match other.strip_prefix("1/") {
            Some(every) => FaultWhen::Every(positive(every)?),
            None => FaultWhen::Next(positive(other)?),
        },
    })
}

impl FaultRoute {
    const ALL: [Self; 7] = [
        Self::Transactions,
        Self::Reversals,
        Self::Refunds,
        Self::Codes,
        Self::CodePayments,
        Self::Settle,
        Self::Any,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Transactions => "transactions",
            Self::Reversals => "reversals",
            Self::Refunds => "refunds",
            Self::Codes => "codes",
            Self::CodePayments => "code-payments",
            Self::Settle => "settle",
            Self::Any => "any",
        }
    }

    /// The route of a request under `/v1`; [`FaultRoute::Any`] for those that have no name of their own.
    pub(crate) fn of(method: &str, path: &str) -> Self {
        match (method, path) {
            ("POST", "/v1/transactions") => Self::Transactions,
            ("POST", "/v1/reversals") => Self::Reversals,
            ("POST", "/v1/refunds") => Self::Refunds,
            ("POST", "/v1/codes") => Self::Codes,
            ("POST", "/v1/code-payments") => Self::CodePayments,
            ("POST", path) if path.ends_with("/settle") => Self::Settle,
            _ => Self::Any,
        }
    }
}

impl fmt::Display for FaultSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("off");
        }
        for (position, rule) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(",")?;
            }
            write!(f, "{rule}")?;
        }
        Ok(())
    }
}

impl fmt::Display for FaultRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            FaultKind::Refuse => f.write_str("refuse")?,
            FaultKind::DropBefore => f.write_str("drop-before")?,
            FaultKind::DropAfter => f.write_str("drop-after")?,
            FaultKind::Delay(ms) => write!(f, "delay={ms}")?,
            FaultKind::Duplicate => f.write_str("duplicate")?,
            FaultKind::BadSignature => f.write_str("bad-signature")?,
            FaultKind::Garbage => f.write_str("garbage")?,
            FaultKind::Status500 => f.write_str("status500")?,
        }
        if self.kind != FaultKind::Refuse {
            write!(f, "@{}", self.route.name())?;
        }
        match self.when {
            FaultWhen::Next(1) => f.write_str(":next"),
            FaultWhen::Next(count) => write!(f, ":{count}"),
            FaultWhen::Always => f.write_str(":always"),
            FaultWhen::Every(every) => write!(f, ":1/{every}"),
        }
    }
}

/// A [`FaultSpec`] at work: counts down what is left of it.
#[derive(Debug, Default)]
pub(crate) struct FaultPlan(Mutex<Vec<Pending>>);

#[derive(Debug)]
struct Pending {
    rule: FaultRule,
    met: u32,
}

impl FaultPlan {
    pub(crate) fn set(&self, spec: FaultSpec) {
        let pending = spec.0.into_iter().map(|rule| Pending { rule, met: 0 }).collect();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = pending;
    }

    /// Whether the connection that is just coming in is refused.
    pub(crate) fn strikes_connection(&self) -> bool {
        !self.strike(|rule| rule.kind == FaultKind::Refuse).is_empty()
    }

    /// The faults that meet this request, in the order they were given.
    pub(crate) fn strikes_request(&self, route: FaultRoute) -> Vec<FaultKind> {
        self.strike(|rule| {
            rule.kind != FaultKind::Refuse && (rule.route == route || rule.route == FaultRoute::Any)
        })
    }

    fn strike(&self, meets: impl Fn(&FaultRule) -> bool) -> Vec<FaultKind> {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut struck = Vec::new();
        for entry in pending.iter_mut().filter(|entry| meets(&entry.rule)) {
            entry.met = entry.met.saturating_add(1);
            let strikes = match entry.rule.when {
                FaultWhen::Next(count) => entry.met <= count,
                FaultWhen::Always => true,
                FaultWhen::Every(every) => entry.met.checked_rem(every) == Some(0),
            };
            if strikes {
                struck.push(entry.rule.kind);
            }
        }
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> FaultSpec {
        text.parse().unwrap()
    }

    #[test]
    fn reads_what_it_writes() {
        for text in [
            "off",
            "refuse:3",
            "drop-before@transactions:next,drop-after@settle:always",
            "delay=1500@reversals:1/4",
            "duplicate@any:2,bad-signature@codes:next,garbage@refunds:next,status500@any:always",
        ] {
            assert_eq!(spec(text).to_string(), text);
        }
        assert_eq!(
            spec(" refuse , drop-after ").to_string(),
            "refuse:next,drop-after@transactions:next"
        );
        assert_eq!(spec(""), FaultSpec::default());
    }

    #[test]
    fn refuses_anything_else_with_the_grammar() {
        for text in [
            "explode",
            "drop-after@",
            "drop-after@moon",
            "drop-after:0",
            "drop-after:1/0",
            "drop-after:-1",
            "delay",
            "delay=",
            "delay=-5",
            "refuse@any",
            "garbage,,garbage",
            "drop-after:next:next",
        ] {
            let error = text.parse::<FaultSpec>().unwrap_err();
            assert!(error.to_string().contains("KIND[@ROUTE][:WHEN]"), "{text}");
        }
    }

    #[test]
    fn counts_down_by_route() {
        let plan = FaultPlan::default();
        plan.set(spec("drop-after:2,delay=5@any:1/2,refuse"));
        let sale = || plan.strikes_request(FaultRoute::Transactions);
        assert_eq!(plan.strikes_request(FaultRoute::of("POST", "/v1/echo")), []);
        assert_eq!(sale(), [FaultKind::DropAfter, FaultKind::Delay(5)]);
        assert_eq!(sale(), [FaultKind::DropAfter]);
        assert_eq!(sale(), [FaultKind::Delay(5)]);
        assert_eq!(
            (plan.strikes_connection(), plan.strikes_connection()),
            (true, false)
        );
        plan.set(FaultSpec::default());
        assert_eq!(sale(), []);
    }

    #[test]
    fn routes_of_requests() {
        let settle = FaultRoute::of("POST", "/v1/batches/000001/settle");
        assert_eq!(settle, FaultRoute::Settle);
        assert_eq!(FaultRoute::of("GET", "/v1/transactions/x"), FaultRoute::Any);
    }
}
