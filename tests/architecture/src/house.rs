//! What Cargo and the source files say of the workspace, reduced to what the rules ask.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// The workspace.
#[derive(Clone, Debug, Default)]
pub struct House {
    /// The packages that are members.
    pub packages: Vec<Package>,
    /// The names in the repository's first folder.
    pub top_level: Vec<String>,
}

/// A member of the workspace.
#[derive(Clone, Debug, Default)]
pub struct Package {
    /// Its name, for example `softpos-types`.
    pub name: String,
    /// Its folder from the repository's root, for example `core/types`.
    pub folder: String,
    /// The text of its `Cargo.toml`.
    pub manifest: String,
    /// The text of `src/lib.rs`; none for a package without a library.
    pub library: Option<String>,
    /// What it declares to depend on, of every kind.
    pub dependencies: Vec<Dependency>,
}

/// A declared dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The package's name in its registry or workspace.
    pub name: String,
    /// What for.
    pub kind: Kind,
    /// Whether only a feature brings it.
    pub optional: bool,
}

/// What a dependency is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Compiled into the package or run to build it: what ships.
    Ships,
    /// Its tests alone.
    Tests,
}

impl House {
    /// Reads the workspace that this package belongs to.
    ///
    /// # Errors
    /// What Cargo or the file system says, as text.
    pub fn read() -> Result<Self, String> {
        let root = root();
        let metadata = MetadataCommand::new()
            .manifest_path(root.join("Cargo.toml"))
            .no_deps()
            .exec()
            .map_err(|error| format!("cargo metadata: {error}"))?;
        let packages = metadata
            .workspace_packages()
            .into_iter()
            .map(|package| read_package(&root, package))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            packages,
            top_level: names_in(&root).map_err(|error| says(&root, &error))?,
        })
    }

    /// The packages under `core/`.
    pub fn core(&self) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(|package| package.folder.starts_with("core/"))
    }
}

impl Package {
    /// Whether it is one of the project's test packages: nothing imports those.
    pub fn is_test(&self) -> bool {
        self.folder.starts_with("tests/")
    }
}

/// The repository's first folder.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

fn read_package(root: &Path, package: &cargo_metadata::Package) -> Result<Package, String> {
    let manifest_path = package.manifest_path.as_std_path();
    let folder = manifest_path.parent().unwrap_or(root);
    let library_path = folder.join("src/lib.rs");
    let library = match fs::read_to_string(&library_path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(says(&library_path, &error)),
    };
    let dependencies = package
        .dependencies
        .iter()
        .map(|dependency| Dependency {
            name: dependency.name.clone(),
            kind: if dependency.kind == DependencyKind::Development {
                Kind::Tests
            } else {
                Kind::Ships
            },
            optional: dependency.optional,
        })
        .collect();
    Ok(Package {
        name: package.name.to_string(),
        folder: folder
            .strip_prefix(root)
            .unwrap_or(folder)
            .to_string_lossy()
            .replace('\\', "/"),
        manifest: fs::read_to_string(manifest_path).map_err(|error| says(manifest_path, &error))?,
        library,
        dependencies,
    })
}

fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

fn says(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
pub(crate) mod fixtures {
    use super::{Dependency, House, Kind, Package};

    /// A package with what it ships with and what its tests use.
    pub(crate) fn package(folder: &str, ships: &[&str], tests: &[&str]) -> Package {
        let name = folder.rsplit('/').next().unwrap();
        let of = |names: &[&str], kind| {
            names
                .iter()
                .map(|name| Dependency {
                    name: (*name).to_owned(),
                    kind,
                    optional: false,
                })
                .collect::<Vec<_>>()
        };
        Package {
            name: format!("softpos-{name}"),
            folder: folder.to_owned(),
            dependencies: [of(ships, Kind::Ships), of(tests, Kind::Tests)].concat(),
            ..Package::default()
        }
    }

    pub(crate) fn house(packages: Vec<Package>) -> House {
        House {
            packages,
            top_level: Vec::new(),
        }
    }
}
