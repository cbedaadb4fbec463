//! Whole taps: whatever a card sends to a kernel, reading ends, with an outcome and without card data in its text.

use std::sync::{Arc, OnceLock};

use softpos_cards::CardScheme;
use softpos_emv::oda::AuthorityKeys;
use softpos_emv::{
    Aid, CardOutcome, Combination, CombinationSettings, IssuerAnswer, KernelId, Reader, ReaderConfig,
    ReaderStep, TerminalData, Transaction,
};
use softpos_types::{Currency, LocalTime, Money, SecretArray, Tick};
use softpos_wire::Tag;

use crate::cards;
use crate::seeds::{NUMBERS, authority_keys, issuer_answer};
use crate::transcript::{LOST, next_event};

/// Four activations, each with two selections, options, relay, the most records a card may list, and what follows.
const MAX_COMMANDS: usize = 4 * (8 + 64);

/// What kernel 5 reads otherwise: its interchange profile, and options of the combination.
const TERMINAL_JCB: [(u32, &str); 3] = [(0x9F52, "00"), (0x9F53, "308000"), (0xDF_8D02, "2200")];
const CASHBACK: u8 = 0x09;
/// Purchase, cash, purchase with cashback, refund: the last two bits of the second byte say which.
const TYPES: [u8; 4] = [0x00, 0x01, CASHBACK, 0x20];
/// Bits of the same byte: the year in which what others recorded was valid; no authority's key is known.
pub(crate) const EARLIER: u8 = 0x80;
pub(crate) const WITHOUT_KEYS: u8 = 0x40;

/// Terminal data for all kernels: tag and value.
const TERMINAL: [(u32, &str); 43] = [
    (0x9F09, "0002"),
    (0x9F15, "5812"),
    (0x9F1A, "0156"),
    (0x9F1E, "3030303030303031"),
    (0x9F33, "00E8C8"),
    (0x9F35, "22"),
    (0x9F40, "6000F00001"),
    (0x9F53, "820000"),
    (0x9F6D, "C8"),
    (0x9F6E, "98F00003"),
    (0x9F1B, "00002710"),
    (0x9F01, "000000000001"),
    (0x9F5C, "0000000000000000"),
    (0xDF_8104, ""),
    (0xDF_8105, ""),
    (0xDF_8117, "00"),
    (0xDF_8118, "60"),
    (0xDF_8119, "08"),
    (0xDF_811B, "30"),
    (0xDF_811C, "012C"),
    (0xDF_811D, "02"),
    (0xDF_811F, "08"),
    (0xDF_8120, "0400800000"),
    (0xDF_8121, "0000000000"),
    (0xDF_8122, "0000000000"),
    (0xDF_8123, "000000010000"),
    (0xDF_8124, "000000100000"),
    (0xDF_8125, "000000200000"),
    (0xDF_8126, "000000005000"),
    (0xDF_812D, "000013"),
    (0xDF_8131, "0000010000012000"),
    (0xDF_8132, "0014"),
    (0x9F_8207, "44"),
    (0x9F_8208, "0C"),
    (0x9F_8209, "1800"),
    (0x9F_820A, "10"),
    (0x9F_820B, "0000000000"),
    (0x9F_820C, "840080800C"),
    (0x9F_820D, "000000005000"),
    (0x9F_820E, "000000005000"),
    (0x9F_821A, "FFFFFBFFFF"),
    (0x9F_821D, "2010"),
    (0x9F_821E, "0A"),
];
/// The seed of the channels of kernel 8: recorded cards know the keys that come of it.
pub(crate) const CHANNEL_SEED: [u8; 32] = [8; 32];

/// The application that is read with a kernel.
pub(crate) fn aid(kernel: KernelId) -> Option<&'static [u8]> {
    Some(match kernel {
        KernelId::C2 | KernelId::C8 => CardScheme::Mastercard.aid(),
        KernelId::C3 => CardScheme::Visa.aid(),
        // The first bytes of every application of this provider.
        KernelId::C4 => CardScheme::AmericanExpress.aid().get(..6)?,
        KernelId::C5 => CardScheme::Jcb.aid(),
        KernelId::C6 => CardScheme::Discover.aid(),
        KernelId::C7 => CardScheme::UnionPay.aid(),
        _ => return None,
    })
}

/// Plays one input (see [`crate::transcript`]) to its end; an input without a head is no tap.
pub(crate) fn tap(kernel: KernelId, bytes: &[u8]) -> Option<ReaderStep> {
    let (head, mut events) = bytes.split_first_chunk::<2>()?;
    let mut reader = reader(kernel, aid(kernel)?, *head)?;
    let mut now = Tick(1_000);
    let mut step = reader.card_present(now);
    for _ in 0..MAX_COMMANDS {
        now = now.after_ms(7);
        step = match &step {
            ReaderStep::Finished(_) | ReaderStep::Ignored => break,
            ReaderStep::WaitForCard(_) if events.is_empty() => break,
            ReaderStep::WaitForCard(_) => reader.card_present(now),
            ReaderStep::Transmit(_) => {
                let (kind, answer) = next_event(&mut events);
                match kind % 6 {
                    0 | 1 => reader.card_replied(answer, 13_000, now),
                    2 => reader.card_replied(answer, 52_000, now),
                    3 => reader.card_replied(answer, 0, now),
                    LOST => reader.card_lost(now),
                    _ => reader.card_lost(now.after_ms(400_000)),
                }
            }
        };
        step = carried_back(&mut reader, step, now);
    }
    assert!(
        matches!(step, ReaderStep::Finished(_) | ReaderStep::WaitForCard(_)),
        "reading does not end: {step:?}"
    );
    let shown = format!("{step:?}{reader:?}");
    for secret in secrets() {
        assert!(!shown.contains(secret), "a card number is shown");
    }
    Some(step)
}

/// Where a card wants its issuer's answer it gets one.
pub(crate) fn carried_back(reader: &mut Reader, step: ReaderStep, now: Tick) -> ReaderStep {
    match step {
        ReaderStep::Finished(CardOutcome::Online(read)) if read.issuer_update.is_some() => {
            let answer = IssuerAnswer::new(true, &issuer_answer()).expect("a sound answer");
            reader.issuer_answered(read, answer, now)
        }
        ReaderStep::Transmit(_)
        | ReaderStep::WaitForCard(_)
        | ReaderStep::Finished(_)
        | ReaderStep::Ignored => step,
    }
}

/// Numbers of all the cards, as digits and as a list of bytes would show them.
fn secrets() -> &'static [String] {
    static SECRETS: OnceLock<Vec<String>> = OnceLock::new();
    SECRETS.get_or_init(|| {
        let numbers = NUMBERS.into_iter().chain(cards::numbers());
        let as_bytes = |number: &str| {
            // The last digit of some is half a byte.
            let bytes = hex::decode(number.get(..14).unwrap_or_default()).unwrap_or_default();
            format!("{bytes:?}").trim_matches(['[', ']']).to_owned()
        };
        numbers
            .flat_map(|number| [number.to_owned(), as_bytes(number)])
            .collect()
    })
}

/// The reader of an input; its first bytes say how much is paid, and what else differs.
pub(crate) fn reader(kernel: KernelId, aid: &[u8], [amount, kind]: [u8; 2]) -> Option<Reader> {
    let transaction_type = TYPES.get(usize::from(kind & 3)).copied().unwrap_or_default();
    let mut config = config(kernel, aid, transaction_type);
    if kind & WITHOUT_KEYS != 0 {
        config.authority_keys = Arc::default();
    }
    let mut transaction = transaction(amount, transaction_type);
    if kind & EARLIER != 0 {
        transaction.local.year = 2019;
    }
    let reader = Reader::new(&config, transaction).ok()?;
    let reader = reader.with_issuer_updates();
    Some(reader.with_channels(SecretArray::build(|seed| *seed = CHANNEL_SEED)))
}

fn config(kernel: KernelId, aid: &[u8], transaction_type: u8) -> ReaderConfig {
    let bytes = |text: &str| hex::decode(text).unwrap_or_default();
    let mut terminal = TerminalData::new();
    let own: &[(u32, &str)] = match kernel {
        KernelId::C5 => &TERMINAL_JCB,
        _ => &[],
    };
    for (tag, value) in TERMINAL.iter().chain(own) {
        terminal.set(Tag::new(*tag), &bytes(value));
    }
    let combination = Aid::new(aid).map(|aid| Combination {
        aid,
        kernel,
        transaction_type,
        settings: CombinationSettings {
            transaction_limit_minor: Some(100_000),
            floor_limit_minor: Some(5_000),
            cvm_limit_minor: Some(5_000),
            ttq: Some([0x27, 0, 0x40, 0x80]),
            ..CombinationSettings::default()
        },
    });
    ReaderConfig {
        combinations: combination.into_iter().collect(),
        terminal,
        unverified_kernels: vec![kernel],
        authority_keys: Arc::clone(keys()),
        ..ReaderConfig::default()
    }
}

/// Made once: checking the keys takes longer than a tap.
fn keys() -> &'static Arc<AuthorityKeys> {
    static KEYS: OnceLock<Arc<AuthorityKeys>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let rsa = authority_keys().chain(cards::keys()).collect();
        let keys =
            AuthorityKeys::new(rsa, Vec::new()).and_then(|keys| keys.with_curve_keys(cards::curve_keys()));
        Arc::new(keys.expect("one key of each name"))
    })
}

fn transaction(amount: u8, transaction_type: u8) -> Transaction {
    Transaction {
        amount: Money::new(i64::from(amount) * 50 + 1, Currency::CNY),
        other_minor: i64::from(transaction_type == CASHBACK),
        transaction_type,
        local: LocalTime {
            year: 2026,
            month: 8,
            day: 19,
            hour: 12,
            minute: 0,
            second: 0,
        },
        unpredictable: [[[0x33, 0xBC, 0xA4, 0x7D]; 3]; 4],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use softpos_emv::CardOutcome;

    use crate::{Mutator, TARGETS};

    use super::*;

    const INPUTS: usize = 300;
    /// Mutants that all stop at the first look would try nothing.
    #[test]
    fn mutants_get_far_into_every_kernel() {
        for kernel in 2..=8 {
            let name = format!("kernel.{kernel}");
            let target = TARGETS.iter().find(|target| target.name == name).unwrap();
            let mut mutator = Mutator::new(1, (target.corpus)(), target.alter);
            let mut endings = BTreeMap::<&str, usize>::new();
            for _ in 0..INPUTS {
                let ending = match tap(KernelId::new(kernel), &mutator.next_input()) {
                    Some(ReaderStep::Finished(CardOutcome::Online(_))) => "online",
                    Some(ReaderStep::Finished(CardOutcome::Approved(_))) => "approved",
                    Some(ReaderStep::Finished(CardOutcome::Declined(_))) => "declined",
                    Some(ReaderStep::Finished(CardOutcome::TryAnotherInterface(_))) => "another way",
                    Some(ReaderStep::Finished(CardOutcome::EndApplication(_))) => "end",
                    Some(_) => "waits",
                    None => "no tap",
                };
                let count = endings.entry(ending).or_default();
                *count = count.saturating_add(1);
            }
            let of = |ending| endings.get(ending).copied().unwrap_or_default();
            let decided = of("online") + of("approved") + of("declined");
            assert!(decided > INPUTS / 20 && of("approved") > 0, "{name}: {endings:?}");
            assert!(of("end") > INPUTS / 10, "{name}: {endings:?}");
        }
    }

    /// Two sound inputs of kernel 5 go on after the issuer's answer, held and presented again, to a second cryptogram.
    #[test]
    fn an_issuers_answer_is_carried_back() {
        let told = cards::taps(KernelId::C5)
            .iter()
            .filter(|input| match tap(KernelId::C5, input) {
                Some(ReaderStep::Finished(CardOutcome::Declined(stopped))) => stopped
                    .read
                    .is_some_and(|read| read.data_object(Tag::new(0x9F5B)).is_some()),
                _ => false,
            })
            .count();
        assert_eq!(told, 2);
    }
}
