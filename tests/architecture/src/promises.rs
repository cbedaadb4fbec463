//! What every package promises by its name, its manifest and the first lines of its library.

use crate::{House, Package, Violation};

/// Rooms without I/O: the compiler holds them to it.
const NO_STD: &[&str] = &[
    "softpos-types",
    "softpos-wire",
    "softpos-crypto",
    "softpos-emv",
    "softpos-qr",
    "softpos-host",
    "softpos-journal",
    "softpos-flow",
];

/// Rooms that count money or parse hostile lengths.
const CHECKED_ARITHMETIC: &[&str] = &[
    "softpos-types",
    "softpos-wire",
    "softpos-emv",
    "softpos-journal",
    "softpos-flow",
];

const TOP_LEVEL: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "core",
    "bindings",
    "android",
    "ios",
    "tests",
];

/// Names other than `softpos-<folder>`; the exceptions are `xtask` and the tests of the bindings, whose folder has
/// the name of what they test.
pub fn names(house: &House) -> Vec<Violation> {
    house
        .packages
        .iter()
        .filter_map(|package| {
            let folder = package.folder.rsplit('/').next().unwrap_or_default();
            let wanted = match package.folder.as_str() {
                "tests/xtask" => String::from("xtask"),
                "tests/ffi" => String::from("softpos-ffi-tests"),
                _ => format!("softpos-{folder}"),
            };
            (package.name != wanted).then(|| {
                Violation::new(
                    format!("the package in {} is called {}", package.folder, package.name),
                    format!("name = \"{wanted}\""),
                )
            })
        })
        .collect()
}

/// Manifests that do not take the workspace's lints.
pub fn lints(house: &House) -> Vec<Violation> {
    house
        .packages
        .iter()
        .filter(|package| !takes_the_lints(&package.manifest))
        .map(|package| {
            Violation::new(
                format!(
                    "{}/Cargo.toml does not take the workspace's lints",
                    package.folder
                ),
                "write [lints] and under it workspace = true",
            )
        })
        .collect()
}

/// Libraries under `core/` whose roots lack an attribute.
pub fn crate_roots(house: &House) -> Vec<Violation> {
    house.core().flat_map(of_library).collect()
}

/// Names in the repository's first folder that nobody agreed to.
pub fn top_level(house: &House) -> Vec<Violation> {
    house
        .top_level
        .iter()
        .filter(|name| {
            // Cargo's own folder is ignored by git.
            let agreed = TOP_LEVEL.contains(&name.as_str()) || name.as_str() == "target";
            !agreed && !name.starts_with('.') && !name.starts_with("LICENSE-")
        })
        .map(|name| {
            Violation::new(
                format!("{name} is none of the names agreed for the repository's first folder"),
                "put it into the room it belongs to; tools keep their settings in dotfiles",
            )
        })
        .collect()
}

fn of_library(package: &Package) -> Vec<Violation> {
    let Some(library) = &package.library else {
        return Vec::new();
    };
    let name = package.name.as_str();
    let wanted = [
        (true, "#![forbid(unsafe_code)]"),
        (NO_STD.contains(&name), "#![no_std]"),
        (
            CHECKED_ARITHMETIC.contains(&name),
            "#![deny(clippy::arithmetic_side_effects)]",
        ),
    ];
    wanted
        .into_iter()
        .filter(|(needed, attribute)| *needed && !library.lines().any(|line| line.trim_end() == *attribute))
        .map(|(_, attribute)| {
            Violation::new(
                format!("{}/src/lib.rs lacks {attribute}", package.folder),
                "write it as a line of its own below the crate's documentation",
            )
        })
        .collect()
}

fn takes_the_lints(manifest: &str) -> bool {
    manifest
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "[lints]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .any(|line| line == "workspace = true")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::fixtures::{house, package};

    fn whats(violations: Vec<Violation>) -> Vec<String> {
        violations.into_iter().map(|violation| violation.what).collect()
    }

    #[test]
    fn a_package_is_named_after_its_folder() {
        let mut program = package("core/cli", &[], &[]);
        "softpos".clone_into(&mut program.name);
        let mut chores = package("tests/xtask", &[], &[]);
        "xtask".clone_into(&mut chores.name);
        let found = names(&house(vec![program, chores, package("core/types", &[], &[])]));
        assert_eq!(whats(found), ["the package in core/cli is called softpos"]);
    }

    #[test]
    fn lints_of_another_table_do_not_count() {
        let with = |manifest: &str| {
            let mut package = package("core/types", &[], &[]);
            manifest.clone_into(&mut package.manifest);
            lints(&house(vec![package])).len()
        };
        assert_eq!(with("[package]\nname = \"x\"\n\n[lints]\nworkspace = true\n"), 0);
        assert_eq!(with("[package]\nname = \"x\"\n"), 1);
        assert_eq!(with("[lints]\n[dependencies.x]\nworkspace = true\n"), 1);
    }

    #[test]
    fn a_library_says_what_it_forbids() {
        let with = |folder: &str, library: &str| {
            let mut package = package(folder, &[], &[]);
            package.library = Some(library.to_owned());
            whats(crate_roots(&house(vec![package])))
        };
        let flow =
            "//! Docs.\n\n#![no_std]\n#![forbid(unsafe_code)]\n#![deny(clippy::arithmetic_side_effects)]\n";
        assert!(with("core/flow", flow).is_empty());
        assert_eq!(
            with("core/flow", "// #![no_std]\n"),
            [
                "core/flow/src/lib.rs lacks #![forbid(unsafe_code)]",
                "core/flow/src/lib.rs lacks #![no_std]",
                "core/flow/src/lib.rs lacks #![deny(clippy::arithmetic_side_effects)]",
            ]
        );
        assert!(with("core/terminal", "#![forbid(unsafe_code)]\n").is_empty());
        assert_eq!(
            with("core/sandbox/cards", "#![cfg_attr(test, forbid(unsafe_code))]\n"),
            ["core/sandbox/cards/src/lib.rs lacks #![forbid(unsafe_code)]"]
        );
    }

    #[test]
    fn the_first_folder_is_tidy() {
        let names = [
            ".ci",
            ".git",
            "Cargo.toml",
            "LICENSE-MIT",
            "core",
            "target",
            "docs",
            "build.sh",
        ];
        let house = House {
            packages: Vec::new(),
            top_level: names.map(str::to_owned).to_vec(),
        };
        let found = whats(top_level(&house));
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("docs is none of"));
        assert!(found[1].starts_with("build.sh is none of"));
    }
}
