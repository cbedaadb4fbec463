//! The library for Android on arm64: compiled, linked, stripped and looked at.

use std::fs;
use std::path::{Path, PathBuf};

use super::elf::Library;
use super::{ANDROID_API, Build, Phones, megabytes};
use crate::process::Stopwatch;
use crate::{Failure, takes_none};

const CHORE: &str = "android-so";

const TRIPLE: &str = "aarch64-linux-android";

/// Android's name of the processor, and so of the folder in a package.
pub(super) const ABI: &str = "arm64-v8a";

/// The most that the library of a till may have that draws no slips, in bytes: what is beyond it is their font.
const BUDGET: usize = 6_000_000;

/// A library that was made.
struct Made {
    /// What it is called in the table.
    name: &'static str,
    path: PathBuf,
    size: usize,
    library: Library,
}

/// Builds the libraries and prints what they are; fails if one would not load, or if the one without slips as pictures
/// is too large.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    takes_none(arguments)?;
    let watch = Stopwatch::start();
    let phones = Phones::ready(CHORE)?;
    let plain = make(&phones, "no pictures", &["--no-default-features"])?;
    let product = make(&phones, "product", &[])?;
    let sandbox = make(&phones, "with sandbox", &["--features", "sandbox"])?;
    print!("{}", table(&[&plain, &product, &sandbox]));
    println!("undefined symbols: {}", listed(&product)?.display());
    let too_large = (plain.size > BUDGET).then(|| {
        format!(
            "{}: {} are more than {}",
            plain.name,
            megabytes(plain.size),
            megabytes(BUDGET)
        )
    });
    let faults = [&plain, &product, &sandbox].into_iter().flat_map(|made| {
        let faults = made.library.faults().into_iter();
        faults.map(|fault| format!("{}: {fault}", made.name))
    });
    let faults: Vec<String> = faults.chain(too_large).collect();
    if !faults.is_empty() {
        return Err(Failure::Failed(format!("{CHORE}: {}", faults.join("; "))));
    }
    println!("{CHORE}: passed in {:.0} s", watch.elapsed().as_secs_f64());
    Ok(())
}

/// The product's library, built when it is not there yet or no longer the newest.
pub(super) fn product() -> Result<PathBuf, Failure> {
    Ok(make(&Phones::ready(CHORE)?, "product", &[])?.path)
}

fn make(phones: &Phones, name: &'static str, features: &[&str]) -> Result<Made, Failure> {
    println!("{CHORE}: building for {TRIPLE}, {name}");
    let built = phones
        .build(&Build {
            triple: TRIPLE,
            crate_type: "cdylib",
            features,
            settings: &settings(),
            bind: None,
        })?
        .join("libsoftpos.so");
    // All builds write to the same place.
    let folder = phones.made.join(name.replace(' ', "-")).join(ABI);
    let path = folder.join("libsoftpos.so");
    let bytes = fs::create_dir_all(&folder)
        .and_then(|()| fs::copy(&built, &path))
        .and_then(|_| fs::read(&path))
        .map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?;
    let library = Library::read(&bytes)
        .map_err(|error| Failure::Failed(format!("{CHORE}: {}: {error}", path.display())))?;
    Ok(Made {
        name,
        path,
        size: bytes.len(),
        library,
    })
}

/// C is compiled against glibc's headers, the nearest that Debian packages.
fn settings() -> Vec<String> {
    let variable = TRIPLE.replace('-', "_");
    let upper = variable.to_uppercase();
    vec![
        format!("CC_{variable}=clang"),
        format!("AR_{variable}=llvm-ar"),
        format!("CFLAGS_{variable}=--target={TRIPLE}{ANDROID_API} -I/usr/aarch64-linux-gnu/include"),
        format!("CARGO_TARGET_{upper}_LINKER=/opt/android/aarch64-android-clang"),
    ]
}

fn table(all: &[&Made]) -> String {
    let line = |title: &str, cell: fn(&Made) -> String| {
        let cells = all.iter().map(|made| format!("{:>16}", cell(made)));
        std::iter::once(format!("{title:<20}"))
            .chain(cells)
            .collect::<Vec<_>>()
            .join("  ")
    };
    let lines = [
        line("", |made| made.name.to_owned()),
        line("size, stripped", |made| megabytes(made.size)),
        line("aligned to", |made| {
            let least = made.library.alignments.iter().min();
            format!("{} KB", least.copied().unwrap_or(0) / 1024)
        }),
        line("exported symbols", |made| made.library.exported.len().to_string()),
        line("undefined symbols", |made| {
            made.library.undefined.len().to_string()
        }),
        line("needs", |made| made.library.needs.join(" ")),
    ];
    lines.join("\n") + "\n"
}

/// Writes the symbols that Android must have into a file.
fn listed(made: &Made) -> Result<PathBuf, Failure> {
    let list: &Path = &made.path.with_extension("undefined.txt");
    fs::write(list, made.library.undefined.join("\n") + "\n")
        .map_err(|error| Failure::Failed(format!("{}: {error}", list.display())))?;
    Ok(list.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_column_for_each_library() {
        let made = |name, size| Made {
            name,
            path: PathBuf::new(),
            size,
            library: Library {
                is_arm64: true,
                alignments: vec![0x10000, 0x4000],
                needs: vec!["libc.so".to_owned(), "libm.so".to_owned()],
                exported: vec![String::new(); 3],
                undefined: Vec::new(),
                has_debug: false,
                has_text_relocations: false,
            },
        };
        let table = table(&[&made("product", 3_000_000), &made("with sandbox", 5_000_000)]);
        let lines: Vec<&str> = table.lines().collect();
        assert!(
            lines[1].contains("3.00 MB") && lines[1].ends_with("5.00 MB"),
            "{table}"
        );
        assert!(lines[2].ends_with("16 KB"), "{table}");
        assert!(lines[5].contains("libc.so libm.so"), "{table}");
    }
}
