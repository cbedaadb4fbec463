//! What a static library for iOS says of itself.

use goblin::archive::Archive;
use goblin::mach::load_command::{CommandVariant, PLATFORM_IOS};
use goblin::mach::{MachO, cputype};

/// What is looked at in a library.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Library {
    /// How many object files for arm64 iOS are in it.
    pub(super) objects: usize,
    /// The members that are for something else.
    pub(super) foreign: Vec<String>,
    /// The symbols that Swift calls, in order.
    pub(super) exported: Vec<String>,
}

impl Library {
    /// Reads it.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let archive = Archive::parse(bytes).map_err(|error| format!("no archive: {error}"))?;
        let mut library = Self::default();
        for name in archive.members() {
            let member = archive
                .extract(name, bytes)
                .map_err(|error| format!("{name}: {error}"))?;
            match MachO::parse(member, 0) {
                Ok(object) if is_for_iphones(&object) => {
                    library.objects = library.objects.saturating_add(1);
                    library.exported.extend(for_swift(&object));
                }
                // The compiler's own notes lie among the objects.
                Err(_) if !name.to_ascii_lowercase().ends_with(".o") => {}
                _ => library.foreign.push(name.to_owned()),
            }
        }
        library.exported.sort();
        library.exported.dedup();
        Ok(library)
    }

    /// What would keep it from being linked into an app.
    pub(super) fn faults(&self) -> Vec<String> {
        let checks = [
            (self.objects == 0, "no object is for arm64 iOS".to_owned()),
            (
                !self.foreign.is_empty(),
                format!("not for arm64 iOS: {}", self.foreign.join(", ")),
            ),
            (
                self.exported.is_empty(),
                "it exports nothing for Swift".to_owned(),
            ),
        ];
        checks
            .into_iter()
            .filter(|(is_so, _)| *is_so)
            .map(|(_, fault)| fault)
            .collect()
    }
}

/// Whether it is for arm64, and for no other of Apple's systems.
fn is_for_iphones(object: &MachO<'_>) -> bool {
    let elsewhere = object.load_commands.iter().any(|one| {
        if let CommandVariant::BuildVersion(version) = one.command {
            return version.platform != PLATFORM_IOS;
        }
        matches!(
            one.command,
            CommandVariant::VersionMinMacosx(_)
                | CommandVariant::VersionMinTvos(_)
                | CommandVariant::VersionMinWatchos(_)
        )
    });
    object.header.cputype() == cputype::CPU_TYPE_ARM64 && !elsewhere
}

fn for_swift(object: &MachO<'_>) -> Vec<String> {
    object
        .symbols()
        .flatten()
        .filter(|(name, entry)| entry.is_global() && !entry.is_undefined() && name.starts_with("_uniffi_"))
        .map(|(name, _)| name.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_named() {
        assert_eq!(
            Library::default().faults(),
            ["no object is for arm64 iOS", "it exports nothing for Swift"]
        );
        let mixed = Library {
            objects: 1,
            foreign: vec!["a.o".to_owned()],
            exported: vec!["_uniffi_softpos_fn".to_owned()],
        };
        assert_eq!(mixed.faults(), ["not for arm64 iOS: a.o"]);
    }

    #[test]
    fn what_is_no_library_is_refused() {
        assert!(Library::read(b"\x7fELF").unwrap_err().contains("no archive"));
    }
}
