//! The library for iPhones, compiled: nothing is linked, for the system's libraries are Apple's.

use std::fs;
use std::path::{Path, PathBuf};

use super::macho::Library;
use super::{Build, Phones, megabytes};
use crate::process::Stopwatch;
use crate::{Failure, takes_none};

const CHORE: &str = "ios-check";

const TRIPLE: &str = "aarch64-apple-ios";

/// The iOS that the Swift package is for.
const IOS: &str = "18.0";

/// Stand-ins of the headers that the C code in the library asks for.
const HEADERS: &[(&str, &str)] = &[
    (
        "TargetConditionals.h",
        "#pragma once\n\
         #define TARGET_OS_MAC 1\n\
         #define TARGET_OS_IPHONE 1\n\
         #define TARGET_OS_IOS 1\n\
         #define TARGET_OS_OSX 0\n\
         #define TARGET_OS_TV 0\n\
         #define TARGET_OS_WATCH 0\n\
         #define TARGET_OS_SIMULATOR 0\n",
    ),
    (
        "string.h",
        "#pragma once\n\
         #include <stddef.h>\n\
         void *memcpy(void *, const void *, size_t);\n\
         void *memmove(void *, const void *, size_t);\n\
         void *memset(void *, int, size_t);\n\
         int memcmp(const void *, const void *, size_t);\n\
         size_t strlen(const char *);\n",
    ),
    (
        "stdlib.h",
        "#pragma once\n\
         #include <stddef.h>\n\
         void *malloc(size_t);\n\
         void free(void *);\n\
         void abort(void);\n",
    ),
    (
        "assert.h",
        "#define assert(x) ((void)0)\n\
         #ifndef static_assert\n\
         #define static_assert _Static_assert\n\
         #endif\n",
    ),
];

/// Compiles the product's library and prints what is in it; fails if it is not for iPhones.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    takes_none(arguments)?;
    let watch = Stopwatch::start();
    let phones = Phones::ready(CHORE)?;
    let sdk = stand_in(&phones.made)?;
    println!("{CHORE}: building for {TRIPLE}");
    let path = phones
        .build(&Build {
            triple: TRIPLE,
            crate_type: "staticlib",
            features: &[],
            settings: &settings(),
            bind: Some((&sdk, "/opt/ios")),
        })?
        .join("libsoftpos.a");
    let bytes = fs::read(&path).map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?;
    let library = Library::read(&bytes)
        .map_err(|error| Failure::Failed(format!("{CHORE}: {}: {error}", path.display())))?;
    println!("{:<20}{:>10}", "archive", megabytes(bytes.len()));
    println!("{:<20}{:>10}", "objects", library.objects);
    println!("{:<20}{:>10}", "symbols for Swift", library.exported.len());
    let faults = library.faults();
    if !faults.is_empty() {
        return Err(Failure::Failed(format!("{CHORE}: {}", faults.join("; "))));
    }
    println!("{CHORE}: passed in {:.0} s", watch.elapsed().as_secs_f64());
    Ok(())
}

fn settings() -> Vec<String> {
    let variable = TRIPLE.replace('-', "_");
    vec![
        "SDKROOT=/opt/ios".to_owned(),
        format!("IPHONEOS_DEPLOYMENT_TARGET={IOS}"),
        format!("CC_{variable}=clang"),
        format!("AR_{variable}=llvm-ar"),
        format!("CFLAGS_{variable}=--target=arm64-apple-ios{IOS} -isysroot /opt/ios"),
    ]
}

/// Writes the headers where a compiler looks for those of an SDK.
fn stand_in(made: &Path) -> Result<PathBuf, Failure> {
    let sdk = made.join("sdk");
    let include = sdk.join("usr/include");
    let write = || {
        fs::create_dir_all(&include)?;
        HEADERS
            .iter()
            .try_for_each(|(name, text)| fs::write(include.join(name), text))
    };
    write().map_err(|error| Failure::Failed(format!("{}: {error}", include.display())))?;
    Ok(sdk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stand_ins_lie_where_a_compiler_looks() {
        let folder = tempfile::tempdir().unwrap();
        let sdk = stand_in(folder.path()).unwrap();
        let header = fs::read_to_string(sdk.join("usr/include/TargetConditionals.h")).unwrap();
        assert!(header.contains("#define TARGET_OS_IOS 1\n"));
    }
}
