//! Book B 3.3: the directory of the card and the list of candidates.

use alloc::vec::Vec;

use softpos_wire::tag;
use softpos_wire::tlv::{self, Tlvs};

use super::preprocessing::Prepared;
use crate::config::{Aid, KernelId};

/// Entries of one directory that are looked at; a directory of one short answer cannot hold more.
const MAX_ENTRIES: usize = 32;

/// The lowest priority: none stated.
const NO_PRIORITY: u8 = 16;

/// An application that card and reader share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Index into the prepared combinations.
    pub(crate) prepared: usize,
    /// The card's name of the application: begins with the combination's identifier.
    pub(crate) adf_name: Aid,
    /// 9F29, appended when selecting if the combination allows it.
    pub(crate) extended_selection: Vec<u8>,
    priority: u8,
}

// Rule EP-3.3.2: names of 5 to 16 bytes that begin with the identifier; priority, then the order of the directory.
// [source: foreign vector, emv-entrypoint;
// test: entry::selection::tests::equal_or_longer_names_match, entry::selection::tests::priority_then_order_of_the_directory;
// evidence: foreign emv-entrypoint]
/// 3.3.2: all shared applications, best first. `None`: there is no directory in the answer.
pub(crate) fn candidates(ppse: &[u8], prepared: &[Prepared]) -> Option<Vec<Candidate>> {
    let path = [tag::FCI_TEMPLATE, tag::FCI_PROPRIETARY, tag::ISSUER_DISCRETIONARY];
    let directory = tlv::descend(ppse, &path).ok()??;
    let entries: Vec<Entry<'_>> = Tlvs::new(directory)
        .map_while(Result::ok)
        .filter(|object| object.tag == tag::DIRECTORY_ENTRY)
        .take(MAX_ENTRIES)
        .filter_map(|object| Entry::parse(object.value))
        .collect();
    let mut list: Vec<Candidate> = entries
        .iter()
        .flat_map(|entry| {
            prepared
                .iter()
                .enumerate()
                .filter(|(_, prepared)| entry.fits(prepared))
                .map(|(index, _)| entry.candidate(index))
        })
        .collect();
    // Stable: equal priorities keep the order of the directory.
    list.sort_by_key(|candidate| candidate.priority);
    Some(list)
}

struct Entry<'a> {
    adf_name: Aid,
    kernel: KernelId,
    priority: u8,
    extended_selection: &'a [u8],
}

impl<'a> Entry<'a> {
    /// `None`: no valid name, or a kernel identifier that cannot be read.
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let adf_name = Aid::new(tlv::child(bytes, tag::ADF_NAME).ok()??).ok()?;
        let kernel = KernelId::requested(tlv::child(bytes, tag::KERNEL_IDENTIFIER).ok()?, &adf_name)?;
        let priority = match tlv::child(bytes, tag::PRIORITY).ok()? {
            Some(&[indicator, ..]) if indicator & 0x0F != 0 => indicator & 0x0F,
            _ => NO_PRIORITY,
        };
        let extended_selection = tlv::child(bytes, tag::EXTENDED_SELECTION)
            .ok()?
            .unwrap_or_default();
        Some(Self {
            adf_name,
            kernel,
            priority,
            extended_selection,
        })
    }

    fn fits(&self, prepared: &Prepared) -> bool {
        let combination = &prepared.combination;
        let kernel_fits = self.kernel == KernelId::ANY || self.kernel == combination.kernel;
        kernel_fits && self.adf_name.as_bytes().starts_with(combination.aid.as_bytes())
    }

    fn candidate(&self, prepared: usize) -> Candidate {
        Candidate {
            prepared,
            adf_name: self.adf_name,
            extended_selection: self.extended_selection.to_vec(),
            priority: self.priority,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use softpos_wire::tlv::TlvWriter;

    use super::*;
    use crate::entry::preprocessing::prepare;
    use crate::entry::tests::{combination, transaction};

    fn list(entries: &[&str], combinations: &[(&str, u32)]) -> Vec<String> {
        let combinations: Vec<_> = combinations
            .iter()
            .map(|(aid, kernel)| combination(aid, *kernel))
            .collect();
        let prepared = prepare(&combinations, &transaction(100));
        let mut ppse = TlvWriter::new();
        ppse.template(tag::FCI_TEMPLATE, |fci| {
            fci.put(tag::DF_NAME, b"2PAY.SYS.DDF01");
            fci.template(tag::FCI_PROPRIETARY, |inner| {
                inner.template(tag::ISSUER_DISCRETIONARY, |directory| {
                    for entry in entries {
                        directory.put(tag::DIRECTORY_ENTRY, &hex::decode(entry).unwrap());
                    }
                });
            });
        });
        candidates(&ppse.into_vec(), &prepared)
            .unwrap()
            .iter()
            .map(|one| format!("{:?}/{}", one.adf_name, one.prepared))
            .collect()
    }

    const VISA: (&str, u32) = ("A0000000031010", 3);

    #[test]
    fn equal_or_longer_names_match() {
        assert_eq!(
            list(
                &["4F07A0000000031010", "4F08A000000003101001", "4F06A00000000310"],
                &[VISA]
            ),
            ["A0000000031010/0", "A000000003101001/0"]
        );
    }

    #[test]
    fn invalid_entries_are_skipped_and_the_rest_counts() {
        let entries = [
            "500456495341",
            "4F04A0000000",
            "4F11A000000003101000000000000000000000",
            "4F07A00000000310109F2A028109",
            "4F07A0000000031010",
        ];
        assert_eq!(list(&entries, &[VISA]), ["A0000000031010/0"]);
    }

    #[test]
    fn priority_then_order_of_the_directory() {
        let entries = [
            "4F08A000000003101001",
            "4F08A000000003101002870103",
            "4F08A000000003101003870181",
            "4F08A000000003101004870100",
            "4F08A000000003101005870103",
        ];
        assert_eq!(
            list(&entries, &[VISA]),
            [
                "A000000003101003/0",
                "A000000003101002/0",
                "A000000003101005/0",
                "A000000003101001/0",
                "A000000003101004/0"
            ]
        );
    }

    #[test]
    fn the_kernel_must_fit() {
        let both = [("A0000000031010", 3), ("A0000000031010", 7)];
        assert_eq!(list(&["4F07A00000000310109F2A0107"], &both), ["A0000000031010/1"]);
        assert_eq!(
            list(&["4F07A00000000310109F2A0100"], &both),
            ["A0000000031010/0", "A0000000031010/1"]
        );
        assert_eq!(list(&["4F07A0000000031010"], &[("A0000000031010", 2)]), [""; 0]);
    }

    #[test]
    fn what_is_no_directory_gives_nothing() {
        let prepared = prepare(&[combination("A0000000031010", 3)], &transaction(100));
        for bytes in ["", "6F00", "6F80", "6F02A500", "77094F07A0000000031010", "6F0784"] {
            assert!(
                candidates(&hex::decode(bytes).unwrap(), &prepared).is_none_or(|list| list.is_empty()),
                "{bytes}"
            );
        }
    }
}
