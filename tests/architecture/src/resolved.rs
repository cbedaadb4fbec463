//! What Cargo really compiles into a package: declared dependencies hide what comes through others.

use std::process::Command;

use crate::Violation;
use crate::house::root;

/// A package and the features it is compiled with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiled {
    /// Its name.
    pub name: String,
    /// Its features.
    pub features: Vec<String>,
}

/// What would block, hide a clock or pull an image library into the payment's state machine.
const NOT_IN_FLOW: &[&str] = &[
    "tokio", "mio", "reqwest", "rustls", "sled", "sqlx", "png", "image",
];

/// All that `package` is made of on this machine's target, itself included, without what only builds or tests it.
///
/// # Errors
/// What Cargo says, as text.
pub fn of(package: &str) -> Result<Vec<Compiled>, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "tree",
            "--package",
            package,
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}|{f}",
        ])
        .current_dir(root())
        .output()
        .map_err(|error| format!("cargo tree: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo tree: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(parse(&String::from_utf8_lossy(&output.stdout)))
}

/// What must not be compiled into the payment's state machine.
pub fn forbidden_in_flow(compiled: &[Compiled]) -> Vec<Violation> {
    NOT_IN_FLOW
        .iter()
        .filter(|name| compiled.iter().any(|one| one.name == **name))
        .map(|name| {
            Violation::new(
                format!("{name} is compiled into softpos-flow"),
                format!(
                    "cargo tree -p softpos-flow -e normal -i {name} names the way in; close it with a feature"
                ),
            )
        })
        .collect()
}

/// Features that only test vectors turn on: old algorithms, and a way of reading cards that proves nothing to us.
const ONLY_FOR_VECTORS: [&str; 2] = ["legacy", "mag-stripe"];

/// Our own packages compiled with what only test vectors need.
pub fn legacy_in(package: &str, compiled: &[Compiled]) -> Vec<Violation> {
    compiled
        .iter()
        .filter(|one| one.name.starts_with("softpos-"))
        .flat_map(|one| {
            let shipped = one.features.iter();
            let shipped = shipped.filter(|name| ONLY_FOR_VECTORS.contains(&name.as_str()));
            shipped.map(|feature| {
                Violation::new(
                    format!("{package} ships {} with its feature {feature}", one.name),
                    format!("only tests/vectors turns {feature} on"),
                )
            })
        })
        .collect()
}

fn parse(tree: &str) -> Vec<Compiled> {
    tree.lines()
        .filter_map(|line| {
            let (package, features) = line.split_once('|')?;
            let features = features.trim_end_matches("(*)").trim();
            Some(Compiled {
                name: package.split_whitespace().next()?.to_owned(),
                features: features
                    .split(',')
                    .filter(|name| !name.is_empty())
                    .map(str::to_owned)
                    .collect(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "softpos-flow v0.1.0 (/home/me/softpos/core/flow)|\n\
        softpos-crypto v0.1.0 (/home/me/softpos/core/crypto)|issuer,legacy\n\
        ring v0.17.14|alloc (*)\n\
        softpos-emv v0.1.0 (/home/me/softpos/core/emv)|mag-stripe\n\
        mio v1.2.5|net,os-ext\n\
        legacy-thing v1.0.0|legacy\n";

    #[test]
    fn a_way_in_through_others_is_seen() {
        let whats: Vec<_> = forbidden_in_flow(&parse(TREE))
            .into_iter()
            .map(|found| found.what)
            .collect();
        assert_eq!(whats, ["mio is compiled into softpos-flow"]);
    }

    #[test]
    fn old_algorithms_do_not_ship() {
        let whats: Vec<_> = legacy_in("softpos-cli", &parse(TREE))
            .into_iter()
            .map(|found| found.what)
            .collect();
        assert_eq!(
            whats,
            [
                "softpos-cli ships softpos-crypto with its feature legacy",
                "softpos-cli ships softpos-emv with its feature mag-stripe"
            ]
        );
    }

    #[test]
    fn lines_of_cargo_tree_are_read() {
        let ring = Compiled {
            name: "ring".to_owned(),
            features: vec!["alloc".to_owned()],
        };
        let compiled = parse(TREE);
        assert_eq!(compiled.len(), 6);
        assert_eq!(compiled[2], ring);
        assert!(compiled[0].features.is_empty());
    }
}
