//! Reading cards: chains of certificates, and a whole tap byte for byte.

mod facts;
mod lists;
mod mastercard;
mod own;
#[cfg(feature = "peers")]
pub(crate) mod peer;

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use softpos_bench::Line;
use softpos_crypto::emv_rsa::key_checksum;
use softpos_emv::oda::{AuthorityKey, AuthorityKeys, Chain, combined, dynamic};
use softpos_emv::{
    Aid, CardOutcome, Combination, CombinationSettings, KernelId, Reader, ReaderConfig, ReaderStep,
    TerminalData, Transaction,
};
use softpos_types::{Currency, LocalTime, Money, Pan, Tick};
use softpos_wire::{Tag, tag};

use crate::computing::ns_per_call;

/// What the fastest open chains take on the reference machine (emv-utils, C on mbedTLS), and half of what the fastest
/// open kernel takes for the whole tap there (danhu, C++).
const MASTERCARD_CHAIN_NS: f64 = 36_000.0;
const VISA_CHAIN_NS: f64 = 26_000.0;
const VISA_TAP_NS: f64 = 26_500.0;
const MASTERCARD_TAP_NS: f64 = 42_000.0;
const VISA_ONLINE_TAP_NS: f64 = 9_000.0;
/// What a whole tap may take of the peer's authentication alone.
#[cfg(feature = "peers")]
const OF_PEERS_CHAIN: f64 = 0.15;

pub(crate) fn run(_: &Path) {
    let mastercard = Card::of(&facts::MASTERCARD);
    let mastercard_ns = ns_per_call(|| mastercard.authenticate());
    println!(
        "{}",
        Line::at_most(
            "ODA chain, CDA, 1984/1152/1152 bits, card e 65537",
            mastercard_ns,
            MASTERCARD_CHAIN_NS
        )
    );
    let visa = Card::of(&facts::VISA);
    let visa_ns = ns_per_call(|| visa.authenticate());
    println!(
        "{}",
        Line::at_most("ODA chain, fDDA, 1408/1152/896 bits, e 3", visa_ns, VISA_CHAIN_NS)
    );
    let tap = Tap::visa();
    let tap_ns = ns_per_call(|| tap.play());
    let mastercard_tap = Tap::mastercard();
    let mastercard_tap_ns = ns_per_call(|| mastercard_tap.play());
    println!(
        "{}",
        Line::at_most(
            "whole Mastercard tap, offline approval with CDA",
            mastercard_tap_ns,
            MASTERCARD_TAP_NS
        )
    );
    println!(
        "{}",
        Line::at_most("whole Visa tap, offline approval with fDDA", tap_ns, VISA_TAP_NS)
    );
    let online_tap = own::visa_online();
    println!(
        "{}",
        Line::at_most(
            "whole Visa tap, online, a card of the sandbox",
            ns_per_call(|| online_tap.play()),
            VISA_ONLINE_TAP_NS
        )
    );
    lists::run();
    #[cfg(feature = "peers")]
    {
        let of_peer = |what: &str, ours_ns: f64, peers_ns: f64, limit: f64| {
            println!("{}", Line::number_at_most(what, ours_ns / peers_ns, limit, "x"));
        };
        let mastercard_peer_ns = peer::mastercard_ns();
        let visa_peer_ns = peer::visa_ns();
        of_peer(
            "ODA chain, CDA, of the crate emv's",
            mastercard_ns,
            mastercard_peer_ns,
            1.0,
        );
        of_peer("ODA chain, fDDA, of the crate emv's", visa_ns, visa_peer_ns, 1.0);
        of_peer(
            "whole Visa tap, of the crate emv's chain alone",
            tap_ns,
            visa_peer_ns,
            OF_PEERS_CHAIN,
        );
        of_peer(
            "whole Mastercard tap, of the crate emv's chain alone",
            mastercard_tap_ns,
            mastercard_peer_ns,
            OF_PEERS_CHAIN,
        );
    }
}

/// Hex of the facts.
fn bytes(text: &str) -> Vec<u8> {
    let digit = |digit: &u8| char::from(*digit).to_digit(16).expect("hex");
    let pairs = text.as_bytes().as_chunks::<2>().0.iter();
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(high) * 16 + digit(low)).expect("a byte");
    pairs.map(byte).collect()
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    bytes(text).try_into().expect("the length of the fact")
}

fn authority_keys(chain: &facts::Chain) -> AuthorityKeys {
    let name = (array(chain.rid), chain.index);
    one_key(name, chain.authority_modulus, chain.authority_exponent)
}

fn one_key(name: ([u8; 5], u8), modulus: &str, exponent: &str) -> AuthorityKeys {
    let (modulus, exponent) = (bytes(modulus), bytes(exponent));
    let checksum = key_checksum(name, &modulus, &exponent);
    let key = AuthorityKey::new(name, &modulus, &exponent, checksum).expect("its own checksum");
    AuthorityKeys::new([key].into(), Vec::new()).expect("one key")
}

/// A card's facts as the reader holds them.
struct Card {
    keys: AuthorityKeys,
    rid: [u8; 5],
    today: [u8; 3],
    pan: Pan,
    objects: Vec<(Tag, Vec<u8>)>,
    static_data: Vec<u8>,
    dynamic_data: Vec<u8>,
    transaction: Option<(u8, Vec<u8>)>,
}

impl Card {
    fn of(chain: &facts::Chain) -> Self {
        let objects = [
            (tag::CA_KEY_INDEX, vec![chain.index]),
            (tag::ISSUER_CERTIFICATE, bytes(chain.issuer_certificate)),
            (tag::ISSUER_KEY_REMAINDER, bytes(chain.issuer_remainder)),
            (tag::ISSUER_KEY_EXPONENT, bytes(chain.issuer_exponent)),
            (tag::ICC_CERTIFICATE, bytes(chain.card_certificate)),
            (tag::ICC_KEY_REMAINDER, bytes(chain.card_remainder)),
            (tag::ICC_KEY_EXPONENT, bytes(chain.card_exponent)),
            (tag::SIGNED_DYNAMIC_DATA, bytes(chain.signature)),
        ];
        let information = bytes(chain.information).first().copied();
        Self {
            keys: authority_keys(chain),
            rid: array(chain.rid),
            today: array(chain.today),
            pan: Pan::from_bcd(&bytes(chain.pan)).expect("a card number"),
            objects: objects.into(),
            static_data: bytes(chain.static_data),
            dynamic_data: bytes(chain.dynamic_data),
            transaction: information.map(|information| (information, bytes(chain.transaction_data))),
        }
    }

    /// From the authority's key to the card's signature.
    fn authenticate(&self) {
        let card = |wanted| {
            let found = self.objects.iter().find(|(tag, _)| *tag == wanted);
            found.map(|(_, value)| value.as_slice())
        };
        let chain = Chain {
            keys: &self.keys,
            rid: self.rid,
            today_yymmdd: self.today,
            pan: &self.pan,
            card: &card,
        };
        let issuer = chain.issuer().expect("a sound issuer certificate");
        let key = chain
            .card(&issuer.key, &[&self.static_data])
            .expect("a sound card certificate")
            .key;
        let signature = card(tag::SIGNED_DYNAMIC_DATA);
        match &self.transaction {
            Some((information, data)) => {
                let number = self.dynamic_data.as_slice().try_into().expect("9F37");
                black_box(combined(&key, signature, number, (*information, &[data])).expect("signed"));
            }
            None => {
                black_box(dynamic(&key, signature, &[&self.dynamic_data]).expect("signed"));
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Approved,
    Online,
}

/// A card's answers, and a reader with the values that they were given for.
struct Tap {
    config: ReaderConfig,
    transaction: Transaction,
    exchanges: Vec<(Vec<u8>, Vec<u8>)>,
    ending: Ending,
}

impl Tap {
    fn visa() -> Self {
        let terminal = [
            (0x9F1A, "0840"),
            (0x9F33, "A048C8"),
            (0x9F35, "21"),
            (0x9F40, "6000C03000"),
            (0x9F09, "0002"),
        ];
        let settings = CombinationSettings {
            transaction_limit_minor: Some(20_000),
            floor_limit_minor: Some(8_000),
            cvm_limit_minor: Some(8_000),
            ttq: Some([0x24, 0x00, 0x40, 0x00]),
            ..CombinationSettings::default()
        };
        Self {
            config: config(
                ("A0000000031010", KernelId::C3),
                settings,
                &terminal,
                authority_keys(&facts::VISA),
            ),
            transaction: transaction(Money::new(200, currency(840)), [0xAB; 4]),
            exchanges: exchanges(&facts::VISA_TAP),
            ending: Ending::Approved,
        }
    }

    fn mastercard() -> Self {
        let keys = one_key(([0xA0, 0, 0, 0, 0x04], 0xF3), mastercard::AUTHORITY, "03");
        Self {
            config: config(
                ("A0000000041010", KernelId::C2),
                CombinationSettings::default(),
                mastercard::TERMINAL,
                keys,
            ),
            transaction: transaction(Money::new(1, currency(978)), [0x33, 0xBC, 0xA4, 0x7D]),
            exchanges: exchanges(&mastercard::TAP),
            ending: Ending::Approved,
        }
    }

    /// Pre-processing to the outcome, every command compared.
    fn play(&self) {
        let mut reader = Reader::new(&self.config, self.transaction.clone()).expect("allowed");
        let mut step = reader.card_present(Tick(0));
        for (command, answer) in &self.exchanges {
            assert!(matches!(&step, ReaderStep::Transmit(sent) if sent == command));
            step = reader.card_replied(answer, 0, Tick(0));
        }
        let ending = match step {
            ReaderStep::Finished(CardOutcome::Approved(_)) => Some(Ending::Approved),
            ReaderStep::Finished(CardOutcome::Online(_)) => Some(Ending::Online),
            ReaderStep::Transmit(_)
            | ReaderStep::WaitForCard(_)
            | ReaderStep::Finished(_)
            | ReaderStep::Ignored => None,
        };
        assert_eq!(ending, Some(self.ending));
    }
}

fn config(
    (aid, kernel): (&str, KernelId),
    settings: CombinationSettings,
    values: &[(u32, &str)],
    keys: AuthorityKeys,
) -> ReaderConfig {
    let mut terminal = TerminalData::new();
    for (tag, value) in values {
        terminal.set(Tag::new(*tag), &bytes(value));
    }
    let combination = Combination {
        aid: Aid::new(&bytes(aid)).expect("an identifier"),
        kernel,
        transaction_type: 0,
        settings,
    };
    ReaderConfig {
        combinations: vec![combination],
        terminal,
        authority_keys: Arc::new(keys),
        ..ReaderConfig::default()
    }
}

fn currency(numeric: u16) -> Currency {
    Currency::from_numeric(numeric).expect("a currency")
}

fn transaction(amount: Money, number: [u8; 4]) -> Transaction {
    Transaction {
        amount,
        other_minor: 0,
        transaction_type: 0,
        local: LocalTime {
            year: 2019,
            month: 8,
            day: 19,
            hour: 0,
            minute: 0,
            second: 0,
        },
        unpredictable: [[number; 3]; 4],
    }
}

fn exchanges(tap: &[(&str, &str)]) -> Vec<(Vec<u8>, Vec<u8>)> {
    tap.iter()
        .map(|(command, answer)| (bytes(command), bytes(answer)))
        .collect()
}
