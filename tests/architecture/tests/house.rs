//! The house as it is, held to its rules.

#![allow(clippy::panic, clippy::unwrap_used, missing_docs)]

use softpos_architecture::{
    House, Violation, crate_roots, imports, lints, names, resolved, sentences, shells, third_party, top_level,
};

#[track_caller]
fn none(rule: &str, violations: &[Violation]) {
    let lines: Vec<_> = violations
        .iter()
        .map(|violation| format!("  - {violation}"))
        .collect();
    assert!(violations.is_empty(), "\nrule: {rule}\n{}\n", lines.join("\n"));
}

#[test]
fn the_arrows_between_rooms_hold() {
    none(
        "a package imports only what its row in the table of imports allows",
        &imports(&House::read().unwrap()),
    );
}

#[test]
fn third_party_crates_stay_with_their_owners() {
    none(
        "some third-party crates have one owner",
        &third_party(&House::read().unwrap()),
    );
}

#[test]
fn the_state_machine_is_free_of_io() {
    let compiled = resolved::of("softpos-flow").unwrap();
    assert!(
        compiled.iter().any(|one| one.name == "softpos-types"),
        "cargo tree names no dependency of the flow"
    );
    none(
        "nothing that does I/O is compiled into the flow",
        &resolved::forbidden_in_flow(&compiled),
    );
}

#[test]
fn old_algorithms_do_not_ship() {
    for package in ["softpos-terminal", "softpos-ffi", "softpos-cli"] {
        let compiled = resolved::of(package).unwrap();
        assert!(
            compiled.iter().any(|one| one.name == package),
            "cargo tree does not name {package}"
        );
        none(
            "no feature named legacy ships",
            &resolved::legacy_in(package, &compiled),
        );
    }
}

#[test]
fn sentences_are_in_one_place() {
    let sources = sentences::speaking_sources().unwrap();
    assert!(sources.len() > 200, "{} sources", sources.len());
    none(
        "no package but core/text holds a sentence for a person",
        &sentences::sentences(&sources),
    );
}

#[test]
fn no_business_rule_outside_the_core() {
    let sources = shells::shell_sources().unwrap();
    for language in [".kt", ".swift"] {
        assert!(
            sources.iter().any(|source| source.path.ends_with(language)),
            "no {language}"
        );
    }
    none(
        "a shell holds no rule about money, schemes or host codes",
        &shells::business_rules(&sources),
    );
    none(
        "the bindings stay thin",
        &shells::binding_size(&shells::binding_sources().unwrap()),
    );
}

#[test]
fn packages_are_named_after_their_folders() {
    none(
        "a package is called softpos-<folder>",
        &names(&House::read().unwrap()),
    );
}

#[test]
fn every_package_takes_the_lints() {
    none(
        "every package takes the workspace's lints",
        &lints(&House::read().unwrap()),
    );
}

#[test]
fn libraries_say_what_they_forbid() {
    none(
        "a library of the core says at its root what it forbids",
        &crate_roots(&House::read().unwrap()),
    );
}

#[test]
fn the_first_folder_holds_the_agreed_names() {
    none(
        "the repository's first folder holds only agreed names",
        &top_level(&House::read().unwrap()),
    );
}
