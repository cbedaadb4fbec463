//! Who may import whom inside the workspace.

use crate::{Dependency, House, Kind, Package, Violation};

/// For each package outside `tests/` every package of the workspace that it may import, directly or through
/// others. The rows say the whole set, so that the table can be read without following arrows.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("softpos-types", &[]),
    ("softpos-text", &["softpos-types"]),
    ("softpos-wire", &["softpos-types"]),
    ("softpos-crypto", &["softpos-types"]),
    ("softpos-qr", &["softpos-types", "softpos-wire"]),
    (
        "softpos-emv",
        &["softpos-types", "softpos-wire", "softpos-crypto"],
    ),
    (
        "softpos-host",
        &["softpos-types", "softpos-wire", "softpos-crypto"],
    ),
    ("softpos-journal", &["softpos-types", "softpos-crypto"]),
    (
        "softpos-store",
        &["softpos-types", "softpos-crypto", "softpos-journal"],
    ),
    (
        "softpos-flow",
        &[
            "softpos-types",
            "softpos-wire",
            "softpos-crypto",
            "softpos-emv",
            "softpos-qr",
            "softpos-host",
            "softpos-journal",
        ],
    ),
    (
        "softpos-receipt",
        &[
            "softpos-types",
            "softpos-wire",
            "softpos-crypto",
            "softpos-qr",
            "softpos-host",
            "softpos-journal",
            "softpos-text",
        ],
    ),
    (
        "softpos-terminal",
        &[
            "softpos-types",
            "softpos-wire",
            "softpos-crypto",
            "softpos-emv",
            "softpos-qr",
            "softpos-host",
            "softpos-journal",
            "softpos-flow",
            "softpos-text",
            "softpos-receipt",
            "softpos-store",
        ],
    ),
    (
        "softpos-ffi",
        &[
            "softpos-types",
            "softpos-wire",
            "softpos-crypto",
            "softpos-emv",
            "softpos-qr",
            "softpos-host",
            "softpos-journal",
            "softpos-flow",
            "softpos-text",
            "softpos-receipt",
            "softpos-store",
            "softpos-terminal",
        ],
    ),
    ("softpos-bindgen", &[]),
    (
        "softpos-cards",
        &["softpos-types", "softpos-wire", "softpos-crypto"],
    ),
    (
        "softpos-acquirer",
        &[
            "softpos-types",
            "softpos-wire",
            "softpos-crypto",
            "softpos-qr",
            "softpos-host",
            "softpos-cards",
        ],
    ),
    (
        "softpos-cli",
        &[
            "softpos-types",
            "softpos-wire",
            "softpos-crypto",
            "softpos-emv",
            "softpos-qr",
            "softpos-host",
            "softpos-journal",
            "softpos-flow",
            "softpos-text",
            "softpos-receipt",
            "softpos-store",
            "softpos-terminal",
            "softpos-cards",
            "softpos-acquirer",
        ],
    ),
];

/// In tests, which do not ship, every room may play against these, and these against every room.
const SANDBOX: &[&str] = &["softpos-cards", "softpos-acquirer"];

/// What a shell can demo and test itself with, when a feature asks for the sandbox; what ships has none of it.
const SANDBOX_BY_FEATURE: &[&str] = &["softpos-ffi"];

/// Packages that import what the table does not allow, or that the table does not know.
pub fn imports(house: &House) -> Vec<Violation> {
    house
        .packages
        .iter()
        .flat_map(|package| of_package(house, package))
        .collect()
}

fn of_package(house: &House, package: &Package) -> Vec<Violation> {
    let inside = package.dependencies.iter().filter_map(|dependency| {
        house
            .packages
            .iter()
            .find(|other| other.name == dependency.name)
            .map(|other| (dependency, other))
    });
    let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == package.name) else {
        if package.is_test() {
            // Nothing imports tests, not even a test; all the rest is theirs to use.
            return inside
                .filter(|(_, other)| other.is_test())
                .map(|(d, _)| of_tests(package, d))
                .collect();
        }
        return vec![Violation::new(
            format!(
                "{} ({}) has no row in the table of imports",
                package.name, package.folder
            ),
            "say in MAY_IMPORT (tests/architecture/src/imports.rs) what it may import",
        )];
    };
    inside
        .filter_map(|(dependency, other)| {
            if other.is_test() {
                return Some(of_tests(package, dependency));
            }
            let is_sandbox = |name: &str| SANDBOX.contains(&name);
            let in_own_tests = dependency.kind == Kind::Tests
                && (is_sandbox(&other.name) || is_sandbox(&package.name) || other.name == package.name);
            let by_feature = dependency.optional
                && is_sandbox(&other.name)
                && SANDBOX_BY_FEATURE.contains(&package.name.as_str());
            (!allowed.contains(&other.name.as_str()) && !in_own_tests && !by_feature)
                .then(|| not_allowed(package, other))
        })
        .collect()
}

fn of_tests(package: &Package, dependency: &Dependency) -> Violation {
    Violation::new(
        format!(
            "{} imports {}: nothing imports a test package",
            package.name, dependency.name
        ),
        "move what both need into the room of core that owns it",
    )
}

fn not_allowed(package: &Package, other: &Package) -> Violation {
    let mend = if SANDBOX.contains(&other.name.as_str()) {
        "only the program and the tests use the sandbox: take it as an argument, or as a dev-dependency"
    } else {
        "put the type where both may reach it (types, wire, crypto), or let the caller that may import both join them"
    };
    Violation::new(format!("{} must not import {}", package.name, other.name), mend)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::fixtures::{house, package};

    fn whats(house: &House) -> Vec<String> {
        imports(house)
            .into_iter()
            .map(|violation| violation.what)
            .collect()
    }

    #[test]
    fn a_row_holds_the_rows_of_what_it_allows() {
        for (name, allowed) in MAY_IMPORT {
            for one in *allowed {
                let (_, theirs) = MAY_IMPORT.iter().find(|(other, _)| other == one).unwrap();
                for further in *theirs {
                    assert!(
                        allowed.contains(further),
                        "{name} may import {one}, so it reaches {further}"
                    );
                }
            }
        }
    }

    #[test]
    fn no_two_rows_allow_each_other() {
        for (name, allowed) in MAY_IMPORT {
            for one in *allowed {
                let (_, theirs) = MAY_IMPORT.iter().find(|(other, _)| other == one).unwrap();
                assert!(!theirs.contains(name), "{name} and {one} import each other");
            }
        }
    }

    #[test]
    fn card_reading_and_host_are_apart() {
        let bad = house(vec![
            package("core/emv", &["softpos-host"], &[]),
            package("core/host", &[], &["softpos-emv"]),
        ]);
        assert_eq!(
            whats(&bad),
            [
                "softpos-emv must not import softpos-host",
                "softpos-host must not import softpos-emv"
            ]
        );
    }

    #[test]
    fn the_sandbox_is_for_the_program_and_for_tests() {
        let sandbox = || package("core/sandbox/cards", &[], &[]);
        let shipped = house(vec![package("core/terminal", &["softpos-cards"], &[]), sandbox()]);
        assert_eq!(
            whats(&shipped),
            ["softpos-terminal must not import softpos-cards"]
        );
        let tested = house(vec![package("core/terminal", &[], &["softpos-cards"]), sandbox()]);
        assert!(imports(&tested).is_empty());
        let playing = house(vec![
            package("core/emv", &[], &[]),
            package("core/sandbox/cards", &[], &["softpos-emv"]),
        ]);
        assert!(imports(&playing).is_empty());
        let shipped = house(vec![
            package("core/emv", &[], &[]),
            package("core/sandbox/cards", &["softpos-emv"], &[]),
        ]);
        assert_eq!(whats(&shipped), ["softpos-cards must not import softpos-emv"]);
        let program = house(vec![package("core/cli", &["softpos-cards"], &[]), sandbox()]);
        assert!(imports(&program).is_empty());
    }

    #[test]
    fn the_bindings_reach_the_sandbox_by_a_feature_alone() {
        let sandbox = || package("core/sandbox/cards", &[], &[]);
        let mut ffi = package("bindings/ffi", &["softpos-cards"], &[]);
        assert_eq!(
            whats(&house(vec![ffi.clone(), sandbox()])),
            ["softpos-ffi must not import softpos-cards"]
        );
        for dependency in &mut ffi.dependencies {
            dependency.optional = true;
        }
        assert!(imports(&house(vec![ffi, sandbox()])).is_empty());
        let mut other = package("core/terminal", &["softpos-cards"], &[]);
        for dependency in &mut other.dependencies {
            dependency.optional = true;
        }
        assert_eq!(imports(&house(vec![other, sandbox()])).len(), 1);
    }

    #[test]
    fn nothing_imports_tests() {
        let bad = house(vec![
            package("core/flow", &[], &["softpos-vectors"]),
            package("tests/sim", &["softpos-vectors", "softpos-flow"], &[]),
            package("tests/vectors", &["softpos-flow"], &[]),
        ]);
        assert_eq!(
            whats(&bad),
            [
                "softpos-flow imports softpos-vectors: nothing imports a test package",
                "softpos-sim imports softpos-vectors: nothing imports a test package",
            ]
        );
    }

    #[test]
    fn a_new_room_needs_a_row() {
        let bad = house(vec![package("core/loyalty", &[], &[])]);
        assert_eq!(
            whats(&bad),
            ["softpos-loyalty (core/loyalty) has no row in the table of imports"]
        );
    }
}
