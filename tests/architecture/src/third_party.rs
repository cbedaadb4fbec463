//! Third-party crates that have one owner.

use crate::{Dependency, House, Kind, Package, Violation};

/// A crate from a registry that only some packages may use.
struct Owned {
    name: &'static str,
    /// The folders of those who may use it in what ships.
    users: &'static [&'static str],
    /// The folders of those who may use it in their tests as well.
    testers: &'static [&'static str],
    why: &'static str,
}

const OWNED: &[Owned] = &[
    Owned {
        name: "pcsc",
        users: &["core/cli"],
        testers: &[],
        why: "phones have radios of their own; readers of a desktop are for the program",
    },
    Owned {
        name: "reqwest",
        users: &["core/terminal", "tests/"],
        testers: &["core/sandbox/acquirer"],
        why: "the terminal is the one client of the host",
    },
    Owned {
        name: "sled",
        users: &["core/store"],
        testers: &[],
        why: "sled alone keeps no promise: it is an index behind core/store",
    },
    Owned {
        name: "tokio",
        // The bindings run the sandbox's host on it, by a feature that does not ship.
        users: &[
            "core/terminal",
            "core/sandbox/acquirer",
            "core/cli",
            "bindings/ffi",
            "tests/",
        ],
        testers: &[],
        why: "everything else does no I/O and waits for nothing",
    },
    Owned {
        name: "sqlx",
        users: &["core/sandbox/acquirer"],
        testers: &[],
        why: "the database is the reference host's",
    },
    Owned {
        name: "uniffi",
        users: &["bindings/"],
        testers: &[],
        why: "the core knows nothing of the languages above it",
    },
];

/// Packages that use what belongs to another.
pub fn third_party(house: &House) -> Vec<Violation> {
    house
        .packages
        .iter()
        .flat_map(|package| {
            package
                .dependencies
                .iter()
                .filter_map(|dependency| check(package, dependency))
        })
        .collect()
}

fn check(package: &Package, dependency: &Dependency) -> Option<Violation> {
    let owned = OWNED.iter().find(|owned| owned.name == dependency.name)?;
    let is_in = |folders: &[&str]| {
        folders.iter().any(|folder| match folder.strip_suffix('/') {
            Some(_) => package.folder.starts_with(folder),
            None => package.folder == *folder,
        })
    };
    let allowed = is_in(owned.users) || (dependency.kind == Kind::Tests && is_in(owned.testers));
    (!allowed).then(|| {
        Violation::new(
            format!("{} depends on {}: {}", package.name, owned.name, owned.why),
            format!("ask for what is needed through {}", owned.users.join(", ")),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::fixtures::{house, package};

    fn whats(packages: Vec<Package>) -> Vec<String> {
        third_party(&house(packages))
            .into_iter()
            .map(|violation| violation.what)
            .collect()
    }

    #[test]
    fn owners_may() {
        let good = vec![
            package("core/terminal", &["reqwest", "tokio"], &[]),
            package("core/store", &["sled"], &[]),
            package("core/sandbox/acquirer", &["tokio", "sqlx"], &["reqwest"]),
            package("tests/scenarios", &["tokio", "reqwest"], &[]),
            package("bindings/ffi", &["uniffi"], &[]),
        ];
        assert!(whats(good).is_empty());
    }

    #[test]
    fn others_may_not() {
        let bad = vec![
            package("core/sandbox/acquirer", &["reqwest"], &[]),
            package("core/flow", &["tokio"], &[]),
            package("core/store", &[], &["sqlx"]),
            package("core/types", &["uniffi"], &[]),
            package("tests/sim", &[], &["sled"]),
        ];
        assert_eq!(
            whats(bad),
            [
                "softpos-acquirer depends on reqwest: the terminal is the one client of the host",
                "softpos-flow depends on tokio: everything else does no I/O and waits for nothing",
                "softpos-store depends on sqlx: the database is the reference host's",
                "softpos-types depends on uniffi: the core knows nothing of the languages above it",
                "softpos-sim depends on sled: sled alone keeps no promise: it is an index behind core/store",
            ]
        );
    }
}
