//! What a shared library for Android says of itself.

use goblin::elf::program_header::PT_LOAD;
use goblin::elf::{Elf, header, sym};

/// The size of a page on the newest phones; a library with smaller steps does not load there.
pub(super) const PAGE: u64 = 0x4000;

/// What is looked at in a library.
#[derive(Debug)]
pub(super) struct Library {
    /// Whether it is a shared library for arm64.
    pub(super) is_arm64: bool,
    /// The alignment of each part that is loaded.
    pub(super) alignments: Vec<u64>,
    /// The libraries it asks the system for.
    pub(super) needs: Vec<String>,
    /// The symbols it offers, in order.
    pub(super) exported: Vec<String>,
    /// The symbols it expects of the system, in order.
    pub(super) undefined: Vec<String>,
    /// Whether names and lines for a debugger are still in it.
    pub(super) has_debug: bool,
    /// Whether its code would have to be written to when it is loaded, which Android refuses.
    pub(super) has_text_relocations: bool,
}

impl Library {
    /// Reads it.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let elf = Elf::parse(bytes).map_err(|error| format!("no ELF file: {error}"))?;
        let named = |is_wanted: fn(&sym::Sym) -> bool| {
            let symbols = elf.dynsyms.iter().filter(is_wanted);
            let mut names: Vec<String> = symbols
                .filter_map(|symbol| elf.dynstrtab.get_at(symbol.st_name))
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect();
            names.sort();
            names
        };
        let sections = elf
            .section_headers
            .iter()
            .filter_map(|section| elf.shdr_strtab.get_at(section.sh_name));
        Ok(Self {
            is_arm64: elf.header.e_machine == header::EM_AARCH64 && elf.header.e_type == header::ET_DYN,
            alignments: elf
                .program_headers
                .iter()
                .filter(|part| part.p_type == PT_LOAD)
                .map(|part| part.p_align)
                .collect(),
            needs: elf.libraries.iter().map(|name| (*name).to_owned()).collect(),
            exported: named(|symbol| !symbol.is_import()),
            undefined: named(goblin::elf::Sym::is_import),
            has_debug: sections
                .into_iter()
                .any(|name| name == ".symtab" || name.starts_with(".debug")),
            has_text_relocations: elf.dynamic.is_some_and(|dynamic| dynamic.info.textrel),
        })
    }

    /// What would keep it from loading on a phone.
    pub(super) fn faults(&self) -> Vec<String> {
        let misaligned = self.alignments.iter().any(|by| by % PAGE != 0);
        let checks = [
            (!self.is_arm64, "it is no shared library for arm64"),
            (
                self.alignments.is_empty() || misaligned,
                "a part is not aligned to pages of 16 KB",
            ),
            (self.has_debug, "it is not stripped"),
            (
                self.has_text_relocations,
                "its code would be written to when it is loaded",
            ),
            (
                !self.exported.iter().any(|name| name.starts_with("uniffi_")),
                "it exports nothing for Kotlin",
            ),
        ];
        checks
            .into_iter()
            .filter(|(is_so, _)| *is_so)
            .map(|(_, fault)| fault.to_owned())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Library {
        Library {
            is_arm64: true,
            alignments: vec![PAGE, 4 * PAGE],
            needs: vec!["libc.so".to_owned()],
            exported: vec!["uniffi_softpos_fn_method_terminal_start".to_owned()],
            undefined: vec!["malloc".to_owned()],
            has_debug: false,
            has_text_relocations: false,
        }
    }

    #[test]
    fn a_good_library_has_no_faults() {
        assert_eq!(good().faults(), [""; 0]);
    }

    #[test]
    fn each_fault_is_named() {
        let check = |named: &str, spoil: fn(&mut Library)| {
            let mut library = good();
            spoil(&mut library);
            let found = library.faults();
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(named), "{found:?}");
        };
        check("arm64", |library| library.is_arm64 = false);
        check("16 KB", |library| library.alignments.push(0x1000));
        check("16 KB", |library| library.alignments.clear());
        check("stripped", |library| library.has_debug = true);
        check("written to", |library| library.has_text_relocations = true);
        check("Kotlin", |library| library.exported.clear());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_real_file_is_read() {
        let this_test = std::fs::read("/proc/self/exe").unwrap();
        let read = Library::read(&this_test).unwrap();
        assert!(
            read.needs.iter().any(|name| name.starts_with("libc.so")),
            "{read:?}"
        );
        assert!(read.undefined.iter().any(|name| name == "memcpy"));
        assert!(read.has_debug && !read.alignments.is_empty());
        assert!(read.faults().iter().any(|fault| fault.contains("Kotlin")));
    }

    #[test]
    fn what_is_no_library_is_refused() {
        assert!(Library::read(b"#!/bin/sh\n").unwrap_err().contains("no ELF file"));
    }
}
