//! A seeded mutator between card and reader: whatever arrives, the reader neither panics nor runs on, and shows
//! no card data.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use softpos_cards::{Account, CardGone, SoftCard, Wallet, verify_cryptogram};
use softpos_emv::{
    Aid, CardOutcome, Combination, CombinationSettings, KernelId, Reader, ReaderConfig, ReaderStep,
    TerminalData, Transaction,
};
use softpos_types::{Currency, LocalTime, Money, Tick};
use softpos_wire::tag;

const TAPS: usize = 6_000;
/// Two selections, processing options and the most records a card may list.
const MAX_COMMANDS: usize = 3 + 64;
const PAN_DIGITS: &str = "4761739900000013";

/// xorshift64*: small and the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let value = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(value).unwrap() % bound
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }
}

fn reader(random: &mut Random) -> Reader {
    let mut terminal = TerminalData::new();
    terminal.set(tag::TERMINAL_COUNTRY, &[0x01, 0x56]);
    let combination = Combination {
        aid: Aid::new(&[0xA0, 0, 0, 0, 3, 0x10, 0x10]).unwrap(),
        kernel: KernelId::C3,
        transaction_type: 0,
        settings: CombinationSettings {
            floor_limit_minor: Some(0),
            cvm_limit_minor: Some(1_000),
            ttq: Some([0x25, 0, 0x40, 0]),
            ..CombinationSettings::default()
        },
    };
    let config = ReaderConfig {
        combinations: vec![combination],
        terminal,
        ..ReaderConfig::default()
    };
    let unpredictable = [(); 4].map(|()| [(); 3].map(|()| [(); 4].map(|()| random.byte())));
    let transaction = Transaction {
        amount: Money::new(500 + i64::try_from(random.below(1_000)).unwrap(), Currency::CNY),
        other_minor: 0,
        transaction_type: 0,
        local: LocalTime::from_utc(1_790_000_000_000, 480),
        unpredictable,
    };
    Reader::new(&config, transaction).unwrap()
}

fn mutate(answer: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(3) {
        let at = random.below(answer.len().max(1));
        match random.below(6) {
            0 if at < answer.len() => answer[at] ^= 1 << random.below(8),
            1 if at < answer.len() => answer[at] = random.byte(),
            2 => answer.truncate(at),
            3 => answer.insert(at.min(answer.len()), random.byte()),
            4 if at < answer.len() => {
                let tail = answer[at..].to_vec();
                answer.extend(tail);
            }
            _ if at < answer.len() => {
                answer.remove(at);
            }
            _ => {}
        }
    }
}

/// Whether the tap went online.
fn tap(card: &mut SoftCard, random: &mut Random) -> bool {
    let mut reader = reader(random);
    card.present();
    let mut step = reader.card_present(Tick(0));
    let mut commands = 0;
    let mut changed = false;
    while let ReaderStep::Transmit(command) = &step {
        commands += 1;
        assert!(commands <= MAX_COMMANDS, "the reader runs on");
        step = match card.transmit(command) {
            Ok(mut answer) => {
                if random.below(4) == 0 {
                    let proper = answer.clone();
                    mutate(&mut answer, random);
                    changed |= answer != proper;
                }
                reader.card_replied(&answer, 0, Tick(0))
            }
            Err(CardGone) => reader.card_lost(Tick(0)),
        };
        assert!(!matches!(step, ReaderStep::Ignored));
        let shown = format!("{reader:?} {step:?}");
        assert!(
            !shown.contains(PAN_DIGITS) && !shown.contains("71, 97, 115, 153"),
            "{shown}"
        );
    }
    let ReaderStep::Finished(CardOutcome::Online(read)) = step else {
        return false;
    };
    assert!(!hex::encode(&read.de55).contains(PAN_DIGITS));
    if !changed {
        assert!(Account::of(&read.pan).is_some_and(|account| verify_cryptogram(&read.de55, account).is_ok()));
    }
    true
}

#[test]
fn mutated_taps() {
    let mut random = Random(0x5EED_0000_0000_4761);
    let mut wallet = Wallet::new();
    let card = wallet.card("visa-approved").unwrap();
    let online = (0..TAPS).filter(|_| tap(card, &mut random)).count();
    assert!(
        online > TAPS / 10 && online < TAPS * 9 / 10,
        "the mutator does too much or too little: {online}"
    );
}
