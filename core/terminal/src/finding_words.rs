//! What was found wrong with a folder or a backup, in the words of whoever reads it.

use softpos_store::Finding;
use softpos_text::Texts;

/// What recovery or a check noticed.
pub(crate) fn finding(texts: Texts, finding: &Finding) -> String {
    let said = |key: &str, numbers: &[(&str, u64)]| numbered(texts, key, numbers);
    let wide = |segment: &u32| u64::from(*segment);
    match finding {
        Finding::TornTail { segment, bytes, .. } => said(
            "finding-torn-tail",
            &[("segment", wide(segment)), ("bytes", *bytes)],
        ),
        Finding::Unreadable {
            segment,
            offset,
            bytes,
            sequence,
        } => {
            let (key, record) = match sequence {
                Some(record) => ("finding-unreadable", *record),
                None => ("finding-unreadable-bytes", 0),
            };
            let place = [("segment", wide(segment)), ("offset", *offset), ("bytes", *bytes)];
            said(key, &[&place[..], &[("record", record)]].concat())
        }
        Finding::Tampered { segment, sequence } => said("finding-tampered", &at(*segment, *sequence)),
        Finding::Missing { first, last } => range(texts, "finding-missing", *first, *last),
        Finding::TailCut { first, last } => range(texts, "finding-tail-cut", *first, *last),
        Finding::ChainBroken { sequence } => said("finding-chain-broken", &[("record", *sequence)]),
        Finding::OutOfOrder { segment, sequence } => said("finding-out-of-order", &at(*segment, *sequence)),
        Finding::Superseded { segment, sequence } => said("finding-superseded", &at(*segment, *sequence)),
        Finding::SegmentMissing { first, last } => {
            range(texts, "finding-segment-missing", wide(first), wide(last))
        }
        Finding::SegmentHeader { segment } => said("finding-segment-header", &[("segment", wide(segment))]),
        Finding::SegmentMisplaced { segment } => {
            said("finding-segment-misplaced", &[("segment", wide(segment))])
        }
        Finding::HeadUnreadable => texts.get("finding-head-unreadable"),
        Finding::JournalMissing => texts.get("finding-journal-missing"),
        Finding::IndexRebuilt { reason } => because(texts, "finding-index-rebuilt", reason),
        Finding::IndexUnavailable { reason } => because(texts, "finding-index-unavailable", reason),
    }
}

/// A sentence with numbers in it.
pub(crate) fn numbered(texts: Texts, key: &str, numbers: &[(&str, u64)]) -> String {
    let written: Vec<(&str, String)> = numbers
        .iter()
        .map(|(name, number)| (*name, number.to_string()))
        .collect();
    let args: Vec<(&str, &str)> = written
        .iter()
        .map(|(name, number)| (*name, number.as_str()))
        .collect();
    texts.with(key, &args)
}

/// A sentence that ends with the cause, for support.
pub(crate) fn because(texts: Texts, key: &str, cause: &impl ToString) -> String {
    texts.with(key, &[("reason", &cause.to_string())])
}

fn range(texts: Texts, key: &str, first: u64, last: u64) -> String {
    let one = format!("{key}-one");
    let key = if first == last { one.as_str() } else { key };
    numbered(texts, key, &[("first", first), ("last", last)])
}

fn at(segment: u32, record: u64) -> [(&'static str, u64); 2] {
    [("segment", u64::from(segment)), ("record", record)]
}

#[cfg(test)]
mod tests {
    use softpos_types::Language;

    use super::*;

    fn every() -> Vec<Finding> {
        let (segment, sequence, offset, bytes, reason) = (3, 41, 64, 99, "torn".to_owned());
        let (first, last) = (5, 7);
        vec![
            Finding::TornTail {
                segment,
                offset,
                bytes,
            },
            Finding::Unreadable {
                segment,
                offset,
                bytes,
                sequence: Some(sequence),
            },
            Finding::Unreadable {
                segment,
                offset,
                bytes,
                sequence: None,
            },
            Finding::Tampered { segment, sequence },
            Finding::Missing { first, last },
            Finding::Missing { first, last: first },
            Finding::TailCut { first, last },
            Finding::TailCut { first, last: first },
            Finding::ChainBroken { sequence },
            Finding::OutOfOrder { segment, sequence },
            Finding::Superseded { segment, sequence },
            Finding::SegmentMissing { first: 5, last: 7 },
            Finding::SegmentMissing { first: 5, last: 5 },
            Finding::SegmentHeader { segment },
            Finding::SegmentMisplaced { segment },
            Finding::HeadUnreadable,
            Finding::JournalMissing,
            Finding::IndexRebuilt {
                reason: reason.clone(),
            },
            Finding::IndexUnavailable { reason },
        ]
    }

    #[test]
    fn every_finding_is_a_sentence_of_its_language_with_its_numbers() {
        for found in every() {
            for (language, end) in [(Language::Zh, '。'), (Language::En, '.')] {
                let said = finding(Texts::new(language), &found);
                assert!(said.ends_with(end) && !said.contains(['{', '}']), "{said}");
                let foreign = said.is_ascii() != (language == Language::En);
                assert!(!foreign, "{said}");
                let numbers: Vec<String> = format!("{found:?}")
                    .split(|c: char| !c.is_ascii_digit())
                    .filter(|number| !number.is_empty())
                    .map(ToOwned::to_owned)
                    .collect();
                let told = numbers
                    .iter()
                    .filter(|number| said.contains(number.as_str()))
                    .count();
                // Where an unfinished write begins is nobody's concern.
                assert!(told + 1 >= numbers.len(), "{said}");
            }
        }
    }
}
