//! Sound inputs for kernel 8: a card whose codes fit the channel of this very reader, so that mutants get beyond them.
//!
//! Certificates: EMV Contactless Book E, worked example 3.2, and Mastercard Ecos 1.0, appendix B.

use softpos_crypto::card_channel::CardChannel;
use softpos_crypto::entropy::Entropy;
use softpos_crypto::p256_key::{SoftwareKey, sha256};
use softpos_emv::oda::CurveAuthorityKey;
use softpos_emv::{KernelId, ReaderStep};
use softpos_types::{SecretArray, Tick};
use softpos_wire::Tag;
use softpos_wire::tlv::TlvWriter;

use crate::seeds::{events, nested, objects};
use crate::taps::{CHANNEL_SEED, reader};

const AID: &str = "A0000000041010";
const AUTHORITY: ([u8; 5], u8) = ([0xA0, 0, 0, 0, 4], 0xE0);
/// Also the point that the card shows: any point of the curve would do.
const AUTHORITY_X: &str = "F60DAECD42B48FCCA547D942204D6098F1A353A5CD25CBDF2EC1ABFD0170E0FC";
const AUTHORITY_SIGNATURE: &str = "7796E8770697859834F7E7B5E792EEB698882292E7F2B918C4BA37C9EC10CB89\
                                   841639789B9221A744805DC4396365216C2219F71A0FFF078033BEAF149C0C6B";
const ISSUER: &str = "120054133390FF1020301231123456A000000004E0CD7400578B1164FEA954658C763C5A94FB3514FA89DB5B3B447A\
                      E8F4D5DF870A739061ADBC6FC71C8864EA9D3D6BAB5C9501C058D895FE0F69D92E22412953DC1ACCCBBE60809C5694\
                      C739CA54CC3FF4CF0964E1B946C3ED00C4E572A5021988";
const CARD: &str = "140000202912312359987654321000010260D3FB0E45A5E64834880571152BE93E241D216D407F6F000C263B1CC87517AF\
                    43CA1837F6B4321CA70262902037EFCE790DC583828AEA628FFAAEFC08618658035824B9DD96765B97A0CC52C1B668B0\
                    75ED86BE31DA1159C6F9128863B75A80BD863084A1C965C681AE72DF3B58A9CA8AEC8463DEF0A7FA35C0EE83A5269F65";
const DATA: &[(u32, &str)] = &[
    (0x5A, "5413339000001513"),
    (0x57, "5413339000001513D2912201000000"),
    (0x5F24, "291231"),
    (0x9F_810A, "8C"),
];
const LIST: &str = "9F02069505";

/// The authority above those certificates.
pub(crate) fn authority() -> Option<CurveAuthorityKey> {
    let x = hex::decode(AUTHORITY_X).ok()?.try_into().ok()?;
    CurveAuthorityKey::new(AUTHORITY, &x, &hex::decode(AUTHORITY_SIGNATURE).ok()?).ok()
}

/// One tap for each of three amounts and three kinds of cryptogram, with the relay exchange.
pub(crate) fn taps() -> Vec<Vec<u8>> {
    let kinds = ["00", "40", "80"];
    let amounts = [1_u8, 100, 200];
    amounts
        .into_iter()
        .flat_map(|amount| kinds.map(|kind| events(amount, &answers(amount, kind).unwrap_or_default())))
        .collect()
}

fn answers(amount: u8, kind: &str) -> Option<Vec<Vec<u8>>> {
    let seed = SecretArray::build(|seed| *seed = CHANNEL_SEED);
    let kernel = SoftwareKey::generate(&mut Entropy::from_seed(seed));
    let shown: [u8; 32] = hex::decode(AUTHORITY_X).ok()?.try_into().ok()?;
    let channel = CardChannel::with_card(&kernel, &shown).ok()?;
    let mut reader = reader(KernelId::C8, AID, amount)?;
    let mut said = Vec::new();
    let mut answers = Vec::new();
    let mut step = reader.card_present(Tick(1_000));
    while let ReaderStep::Transmit(command) = &step {
        let data = command
            .get(5..command.len().saturating_sub(1))
            .unwrap_or_default();
        let body = match (command.get(1..3)?, answers.len()) {
            ([0xA4, _], 0) => nested(
                &[0x6F, 0xA5, 0xBF0C, 0x61],
                &objects(&[(0x4F, AID), (0x9F2A, "08")]),
            ),
            ([0xA4, _], _) => {
                let qualifier = objects(&[(0x9F2C, "01000000800000"), (0x9F38, "9E409F3704")]);
                let name = objects(&[(0x84, AID)]);
                nested(&[0x6F], &[name, nested(&[0xA5], &qualifier)].concat())
            }
            ([0xA8, _], _) => {
                said.extend_from_slice(data.get(2..)?);
                let key_data = format!("{AUTHORITY_X}{AUTHORITY_X}");
                let options = [
                    (0x82, "010B"),
                    (0x94, "0801010108020300"),
                    (0x9F_8103, &key_data),
                    (0x8C, LIST),
                ];
                nested(&[0x77], &objects(&options))
            }
            ([0xEA, _], _) => {
                let answer = "00112233000000C80018";
                said.extend([data, &hex::decode(answer).ok()?].concat());
                objects(&[(0x80, answer)])
            }
            ([0xB2, 1], _) => nested(&[0x70], &objects(DATA)),
            ([0xB2, 2], _) => nested(&[0x70], &objects(&[(0x8F, "E0"), (0x90, ISSUER)])),
            ([0xB2, _], _) => nested(&[0x70], &objects(&[(0x9F46, CARD)])),
            _ => cryptogram(&channel, &said, data, kind),
        };
        let answer = [body, vec![0x90, 0x00]].concat();
        step = reader.card_replied(&answer, 13_000, Tick(1_000));
        answers.push(answer);
    }
    Some(answers)
}

fn cryptogram(channel: &CardChannel, said: &[u8], list: &[u8], kind: &str) -> Vec<u8> {
    let covered = objects(&[
        (0x9F27, kind),
        (0x9F36, "0001"),
        (0x9F10, "000000000000000000000000000000000000"),
        (0x9F_8102, "02"),
        (0x9F_8104, "0000048000"),
        (0x9F_8108, "3120"),
    ]);
    let static_data = [objects(DATA), objects(&[(0x8C, LIST)]), vec![0x01, 0x0B]].concat();
    // Point and number came first, the exchange after list 1 in the code's order.
    let (options, exchange) = said.split_at(said.len().min(68));
    let code = channel.issuer_data_mac(&[options, list, exchange, &covered, &sha256(&static_data)]);
    let mut last = TlvWriter::new();
    last.put(Tag::new(0x9F26), &[7; 8])
        .put(Tag::new(0x9F_8105), &channel.enhanced_mac([7; 8], code));
    nested(&[0x77], &[covered, last.into_vec()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seeds that stop at the first code would leave everything behind it untried.
    #[test]
    fn the_seeds_get_to_the_end() {
        for (amount, kind) in [(1, "40"), (200, "80"), (200, "00")] {
            let answers = answers(amount, kind).unwrap();
            let mut reader = reader(KernelId::C8, AID, amount).unwrap();
            let mut step = reader.card_present(Tick(0));
            for answer in &answers {
                step = reader.card_replied(answer, 13_000, Tick(0));
            }
            let ReaderStep::Finished(outcome) = step else {
                panic!("{step:?}");
            };
            assert!(
                !matches!(outcome, softpos_emv::CardOutcome::EndApplication(_)),
                "{outcome:?}"
            );
            assert_eq!(answers.len(), 8);
        }
    }
}
