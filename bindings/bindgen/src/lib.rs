//! The surface that the other languages see, as a text that stays the same until the surface changes.

#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use uniffi_bindgen::pipeline::initial::{Argument, Enum, Node, Record, Root, Type};
use uniffi_bindgen::{BindgenPaths, GlobalConfig};

/// What changes without a change of the surface, and the sentences about it.
const LEFT_OUT: &[&str] = &[
    "checksum:",
    "id:",
    "config_toml:",
    "docstring:",
    "orig_name:",
    "namespace:",
];

/// The functions, objects, records, enums and errors in a library, a line for each fact.
///
/// # Errors
/// What is wrong with the file, as text.
pub fn surface(library: &Path) -> Result<String, String> {
    Ok(without_noise(&format!("{:#?}", read(library)?)))
}

/// The names of the types with a reading of their own that come in as arguments or inside of them. What they refuse
/// is no typed error on the other side, so only those that refuse nothing may be there.
///
/// # Errors
/// As [`surface`].
pub fn read_by_themselves(library: &Path) -> Result<BTreeSet<String>, String> {
    let root = read(library)?;
    let mut waiting = Vec::new();
    root.visit(|argument: &Argument| waiting.extend(types_in(argument)));
    let mut inside: BTreeMap<String, Vec<Type>> = BTreeMap::new();
    root.visit(|record: &Record| drop(inside.insert(record.name.clone(), types_in(record))));
    root.visit(|choice: &Enum| drop(inside.insert(choice.name.clone(), types_in(choice))));
    let mut found = BTreeSet::new();
    while let Some(one) = waiting.pop() {
        if let Type::Custom { name, .. } = &one {
            found.insert(name.clone());
        }
        if let Type::Record { name, .. } | Type::Enum { name, .. } = &one {
            // Once is enough.
            waiting.extend(inside.remove(name).unwrap_or_default());
        }
    }
    Ok(found)
}

fn types_in(node: &impl Node) -> Vec<Type> {
    let mut types = Vec::new();
    node.visit(|one: &Type| types.push(one.clone()));
    types
}

fn read(library: &Path) -> Result<Root, String> {
    let path = library.to_str().ok_or("the path is no UTF-8")?;
    Root::from_library(
        &BindgenPaths::default(),
        &GlobalConfig::default(),
        path.into(),
        None,
    )
    .map_err(|error| format!("{path}: {error}"))
}

/// Leaves the fields of [`LEFT_OUT`] out, whole when they take several lines.
fn without_noise(tree: &str) -> String {
    let mut text = String::new();
    let mut until: Option<String> = None;
    for line in tree.lines() {
        if let Some(end) = &until {
            if line.starts_with(end.as_str()) {
                until = None;
            }
            continue;
        }
        let fact = line.trim_start();
        if LEFT_OUT.iter().any(|name| fact.starts_with(name)) {
            if fact.ends_with(['(', '{', '[']) {
                let indent = line.len().saturating_sub(fact.len());
                until = Some(format!("{}{}", " ".repeat(indent), closing(fact)));
            }
            continue;
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn closing(fact: &str) -> char {
    match fact.chars().next_back() {
        Some('(') => ')',
        Some('[') => ']',
        _ => '}',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_goes_whole_and_facts_stay() {
        let tree = "Function {\n    name: \"f\",\n    checksum: Some(\n        7,\n    ),\n    docstring: None,\n    \
                    id: 3,\n    inputs: [\n        \"a\",\n    ],\n}";
        assert_eq!(
            without_noise(tree),
            "Function {\n    name: \"f\",\n    inputs: [\n        \"a\",\n    ],\n}\n"
        );
    }
}
