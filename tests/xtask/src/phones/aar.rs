//! The Android package: the driver's classes, the core's library, and what the builder of an app is told about them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::android::{self, ABI};
use super::elf::Library;
use super::megabytes;
use crate::Failure;
use crate::bindings::Bindings;
use crate::kotlin_test::{driver, maven, need_tools};
use crate::process::{Stopwatch, cache, cannot_run, need, succeed, succeed_as};

const CHORE: &str = "android-aar";

/// Written down beside the driver, and packed as they are.
const TOLD: &[&str] = &["AndroidManifest.xml", "proguard.txt"];

/// Packs, opens what was packed, and says where it is.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let library = match arguments {
        [] => None,
        [library] => Some(PathBuf::from(library)),
        [_, more, ..] => return Err(Failure::Usage(format!("unexpected argument {more}"))),
    };
    let watch = Stopwatch::start();
    need_tools(CHORE)?;
    need(CHORE, "jar", "--version", "it is part of a JDK")?;
    let ships = library.is_some();
    let library = match library {
        Some(library) => library,
        None => android::product()?,
    };
    sound(&library)?;
    let made = cache()?.join("phones").join(CHORE);
    println!("{CHORE}: the driver's classes");
    let classes = classes(&made)?;
    println!("{CHORE}: packing");
    let package = made.join(format!("softpos-driver-{}.aar", env!("CARGO_PKG_VERSION")));
    pack(&made.join("package"), &classes, &library, &package)?;
    check(&package, &made.join("unpacked"))?;
    let size = fs::metadata(&package)
        .map_err(|error| failed(&package, &error))?
        .len();
    println!(
        "{CHORE}: {} ({})",
        package.display(),
        megabytes(usize::try_from(size).unwrap_or(usize::MAX))
    );
    if !ships {
        println!("{CHORE}: not for shipping: its library is linked without an NDK");
    }
    println!("{CHORE}: passed in {:.0} s", watch.elapsed().as_secs_f64());
    Ok(())
}

/// Compiles the driver, and what is generated from the product's library, into a jar.
fn classes(made: &Path) -> Result<PathBuf, Failure> {
    let bindings = Bindings::build(&[])?;
    let (build, sources) = (made.join("build"), made.join("generated"));
    bindings.generate("kotlin", &sources)?;
    let mut maven = maven(&build, &sources);
    // The tests need the sandbox; `kotlin-test` runs them.
    succeed(maven.args(["--quiet", "clean", "package", "-Dmaven.test.skip=true"]))?;
    Ok(build.join(format!("softpos-driver-{}.jar", env!("CARGO_PKG_VERSION"))))
}

fn pack(folder: &Path, classes: &Path, library: &Path, package: &Path) -> Result<(), Failure> {
    let native = folder.join("jni").join(ABI);
    let fill = || {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(&native)?;
        for name in TOLD {
            fs::copy(driver().join("aar").join(name), folder.join(name))?;
        }
        // The package has no resources, and says so.
        fs::write(folder.join("R.txt"), "")?;
        fs::copy(classes, folder.join("classes.jar"))?;
        fs::copy(library, native.join("libsoftpos.so")).map(drop)
    };
    fill().map_err(|error| failed(folder, &error))?;
    let mut jar = jar();
    jar.args(["--create", "--no-manifest", "--file"])
        .arg(package)
        .arg("-C")
        .arg(folder)
        .arg(".");
    succeed_as(&mut jar, &format!("{CHORE}: jar"))
}

/// Opens the package as the builder of an app does.
fn check(package: &Path, folder: &Path) -> Result<(), Failure> {
    let wrong = |what: String| Err(Failure::Failed(format!("{CHORE}: {}: {what}", package.display())));
    let library = format!("jni/{ABI}/libsoftpos.so");
    let mut wanted: Vec<&str> = TOLD
        .iter()
        .copied()
        .chain(["R.txt", "classes.jar", &library])
        .collect();
    wanted.sort_unstable();
    let found = entries(package)?;
    if found != wanted {
        return wrong(format!("it holds {}", found.join(" ")));
    }
    let unpack = || {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)
    };
    unpack().map_err(|error| failed(folder, &error))?;
    succeed(
        jar()
            .args(["--extract", "--file"])
            .arg(package)
            .current_dir(folder),
    )?;
    sound(&folder.join(library))?;
    match misplaced(&entries(&folder.join("classes.jar"))?) {
        None => Ok(()),
        Some(what) => wrong(what),
    }
}

/// What is wrong with the classes: the driver and the core must be there, the sandbox and the tests must not.
fn misplaced(classes: &[String]) -> Option<String> {
    let has = |name: &str| classes.iter().any(|class| class == name);
    let missing = ["softpos/driver/Till.class", "softpos/core/Terminal.class"]
        .into_iter()
        .find(|name| !has(name));
    let foreign = classes
        .iter()
        .find(|class| class.contains("Sandbox") || class.ends_with("Test.class"));
    missing
        .map(|name| format!("{name} is missing"))
        .or_else(|| foreign.map(|name| format!("{name} does not ship")))
}

fn sound(library: &Path) -> Result<(), Failure> {
    let bytes = fs::read(library).map_err(|error| failed(library, &error))?;
    let faults = Library::read(&bytes).map_or_else(|error| vec![error], |read| read.faults());
    if faults.is_empty() {
        return Ok(());
    }
    Err(Failure::Failed(format!(
        "{CHORE}: {}: {}",
        library.display(),
        faults.join("; ")
    )))
}

/// The files in a package, in order.
fn entries(package: &Path) -> Result<Vec<String>, Failure> {
    let mut jar = jar();
    let output = jar
        .args(["--list", "--file"])
        .arg(package)
        .output()
        .map_err(|error| cannot_run(&jar, &error))?;
    if !output.status.success() {
        return Err(Failure::Failed(format!(
            "{CHORE}: {}: {}",
            package.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        )));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut names: Vec<String> = text
        .lines()
        .filter(|name| !name.ends_with('/'))
        .map(str::to_owned)
        .collect();
    names.sort_unstable();
    Ok(names)
}

fn jar() -> Command {
    let mut command = Command::new("jar");
    command.stdin(Stdio::null());
    command
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::Failed(format!("{CHORE}: {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ships_is_in_the_classes() {
        let classes = |more: &[&str]| -> Vec<String> {
            let always = ["softpos/core/Terminal.class", "softpos/driver/Till.class"];
            always.iter().chain(more).map(|&name| name.to_owned()).collect()
        };
        assert_eq!(misplaced(&classes(&["META-INF/MANIFEST.MF"])), None);
        let sandbox = misplaced(&classes(&["softpos/core/SandboxHost.class"])).unwrap();
        assert!(sandbox.contains("does not ship"), "{sandbox}");
        let missing = misplaced(&["softpos/core/Terminal.class".to_owned()]).unwrap();
        assert!(missing.contains("Till.class is missing"), "{missing}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_library_for_this_machine_is_refused() {
        let Err(Failure::Failed(why)) = sound(Path::new("/proc/self/exe")) else {
            panic!("taken");
        };
        assert!(
            why.contains("no shared library for arm64") || why.contains("exports nothing"),
            "{why}"
        );
    }

    #[test]
    fn too_many_arguments_are_refused() {
        assert!(matches!(
            run(&["a".to_owned(), "b".to_owned()]),
            Err(Failure::Usage(_))
        ));
    }
}
