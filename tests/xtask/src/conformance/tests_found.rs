//! Which tests there are, by the names under which `cargo test` runs them.
//!
//! They are read from the sources, which `rustfmt` has laid out, so that nothing has to be built.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The tests of every package of a repository.
pub(super) struct TestNames {
    /// Folder of the package in the repository, name of the package, and its tests.
    packages: Vec<(PathBuf, String, BTreeSet<String>)>,
}

impl TestNames {
    pub(super) fn of(repository: &Path) -> io::Result<Self> {
        let mut packages = Vec::new();
        for top in ["core", "tests"] {
            for folder in package_folders(&repository.join(top))? {
                let manifest = fs::read_to_string(folder.join("Cargo.toml"))?;
                let name = package_name(&manifest).unwrap_or_default().to_owned();
                let own = folder.strip_prefix(repository).unwrap_or(&folder).to_owned();
                packages.push((own, name, tests_of(&folder)?));
            }
        }
        Ok(Self { packages })
    }

    /// Whether a test exists in the package of this file, or, as `package::path`, in another one.
    pub(super) fn contains(&self, file: &str, test: &str) -> bool {
        self.packages.iter().any(|(folder, name, tests)| {
            let here = Path::new(file).starts_with(folder) && tests.contains(test);
            let there = test
                .strip_prefix(name.as_str())
                .and_then(|rest| rest.strip_prefix("::"))
                .is_some_and(|path| tests.contains(path));
            here || there
        })
    }
}

/// All Rust files below a folder, in the order of their names.
pub(super) fn sources(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    visit(folder, &mut |path| {
        if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path.to_owned());
        }
    })?;
    files.sort();
    Ok(files)
}

fn package_folders(top: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    visit(top, &mut |path| {
        if path.ends_with("Cargo.toml") {
            folders.extend(path.parent().map(Path::to_owned));
        }
    })?;
    Ok(folders)
}

fn visit(folder: &Path, found: &mut dyn FnMut(&Path)) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !path.is_dir() {
            found(&path);
        } else if !path.ends_with("target") {
            visit(&path, found)?;
        }
    }
    Ok(())
}

fn package_name(manifest: &str) -> Option<&str> {
    let line = manifest.lines().find(|line| line.starts_with("name = "))?;
    line.split('"').nth(1)
}

fn tests_of(package: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for part in ["src", "tests"] {
        let folder = package.join(part);
        if !folder.is_dir() {
            continue;
        }
        for file in sources(&folder)? {
            let module = module_of(file.strip_prefix(&folder).unwrap_or(&file));
            collect(&fs::read_to_string(&file)?, module, &mut names);
        }
    }
    Ok(names)
}

/// The path of a file's module inside its target.
fn module_of(file: &Path) -> Vec<String> {
    let mut module: Vec<String> = file
        .with_extension("")
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    if module
        .last()
        .is_some_and(|last| matches!(last.as_str(), "mod" | "lib" | "main"))
    {
        module.pop();
    }
    module
}

/// Modules inside the file end with a brace that is indented as they are.
fn collect(text: &str, module: Vec<String>, names: &mut BTreeSet<String>) {
    let mut open: Vec<String> = Vec::new();
    let mut path = module;
    let mut is_test = false;
    for line in text.lines() {
        let code = line.trim_start();
        let indent = line.strip_suffix(code).unwrap_or_default();
        if let Some(name) = inline_module(code) {
            open.push(format!("{indent}}}"));
            path.push(name.to_owned());
        } else if open.last().is_some_and(|end| end == line) {
            open.pop();
            path.pop();
        } else if code == "#[test]" || code.starts_with("#[tokio::test") {
            is_test = true;
        } else if code.starts_with("#[ignore") {
            is_test = false;
        } else if let Some(name) = function(code) {
            if is_test {
                names.insert(
                    [path.join("::").as_str(), name]
                        .join("::")
                        .trim_start_matches("::")
                        .to_owned(),
                );
            }
            is_test = false;
        }
    }
}

fn inline_module(code: &str) -> Option<&str> {
    let code = code
        .strip_prefix("pub(crate) ")
        .or(code.strip_prefix("pub "))
        .unwrap_or(code);
    code.strip_prefix("mod ")?.strip_suffix(" {")
}

fn function(code: &str) -> Option<&str> {
    let code = code.strip_prefix("async ").unwrap_or(code);
    code.strip_prefix("fn ")?.split('(').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str, file: &str) -> Vec<String> {
        let mut names = BTreeSet::new();
        collect(text, module_of(Path::new(file)), &mut names);
        names.into_iter().collect()
    }

    #[test]
    fn tests_by_the_names_cargo_gives_them() {
        let code = "fn helper() {}\n\n#[cfg(test)]\nmod tests {\n    fn not_one() {}\n\n    #[test]\n    fn one() {\n    \
            }\n\n    mod inner {\n        #[test]\n        #[should_panic]\n        fn two() {}\n    }\n}\n\n\
            #[tokio::test]\nasync fn three() {}\n\n#[test]\n#[ignore = \"slow\"]\nfn never() {}\n";
        assert_eq!(
            names(code, "kernel/c7/mod.rs"),
            [
                "kernel::c7::tests::inner::two",
                "kernel::c7::tests::one",
                "kernel::c7::three"
            ]
        );
    }

    #[test]
    fn modules_of_files() {
        assert_eq!(names("#[test]\nfn t() {}", "lib.rs"), ["t"]);
        assert_eq!(names("#[test]\nfn t() {}", "entry/tests.rs"), ["entry::tests::t"]);
    }

    #[test]
    fn a_test_of_another_package_carries_its_name() {
        let names = TestNames {
            packages: vec![
                (
                    "core/emv".into(),
                    "softpos-emv".into(),
                    ["a::t".to_owned()].into(),
                ),
                (
                    "core/wire".into(),
                    "softpos-wire".into(),
                    ["b::t".to_owned()].into(),
                ),
            ],
        };
        assert!(names.contains("core/emv/src/lib.rs", "a::t"));
        assert!(!names.contains("core/emv/src/lib.rs", "b::t"));
        assert!(names.contains("core/emv/src/lib.rs", "softpos-wire::b::t"));
        assert!(!names.contains("core/emv/src/lib.rs", "softpos-wire::a::t"));
    }
}
