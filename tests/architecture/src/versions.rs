//! The version stands in the workspace's `Cargo.toml`; whoever else names it names the same.

use std::fs;
use std::io;

use crate::Violation;
use crate::house::root;

/// Files that name the version, and the words that stand before it there.
const NAMED: &[(&str, &str)] = &[
    ("android/driver/pom.xml", "<revision>"),
    ("android/driver/README.md", "softpos-driver-"),
    ("ios/README.md", "SoftPos-"),
];

/// A file and what it says.
#[derive(Clone, Debug)]
pub struct Named {
    path: &'static str,
    before: &'static str,
    text: String,
}

/// The files that name the version.
///
/// # Errors
/// The system's, when one cannot be read.
pub fn named() -> io::Result<Vec<Named>> {
    let read = |&(path, before): &(&'static str, &'static str)| {
        let text = fs::read_to_string(root().join(path))?;
        Ok(Named { path, before, text })
    };
    NAMED.iter().map(read).collect()
}

/// Files that name another version, or none.
pub fn versions(all: &[Named], version: &str) -> Vec<Violation> {
    all.iter()
        .filter_map(|one| {
            let found = after(&one.text, one.before);
            let wrong = match found.iter().find(|found| *found != version) {
                Some(other) => format!("{} says {}{other}", one.path, one.before),
                None if found.is_empty() => format!("{} does not say {}{version}", one.path, one.before),
                None => return None,
            };
            Some(Violation::new(
                wrong,
                format!("the workspace's version is {version}"),
            ))
        })
        .collect()
}

/// The versions that follow the words.
fn after(text: &str, before: &str) -> Vec<String> {
    let follows = text.split(before).skip(1);
    follows
        .map(|rest| {
            let digits: String = rest
                .chars()
                .take_while(|c| c.is_ascii_digit() || *c == '.')
                .collect();
            digits.trim_end_matches('.').to_owned()
        })
        .filter(|found| !found.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whats(text: &str) -> Vec<String> {
        let one = Named {
            path: "pom.xml",
            before: "<revision>",
            text: text.to_owned(),
        };
        let found = versions(&[one], "1.2.3");
        found.into_iter().map(|violation| violation.what).collect()
    }

    #[test]
    fn another_version_or_none_is_found() {
        assert_eq!(whats("<revision>1.2.3</revision>"), [""; 0]);
        assert_eq!(
            whats("<revision>1.2.4</revision>"),
            ["pom.xml says <revision>1.2.4"]
        );
        assert_eq!(whats("<revision>"), ["pom.xml does not say <revision>1.2.3"]);
    }

    #[test]
    fn a_version_ends_before_the_next_word() {
        assert_eq!(
            after("softpos-driver-0.1.0.aar, softpos-driver-x", "softpos-driver-"),
            ["0.1.0"]
        );
    }
}
