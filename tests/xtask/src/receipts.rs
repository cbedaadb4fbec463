//! The slips of the documentation: written anew by the test that holds them, and shown as people see them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::process::{cargo, root, succeed, succeed_as};
use crate::{Failure, takes_none};

const SLIPS: &str = "core/receipt/docs/slips";

/// Writes every kind of slip in both languages and every form. Pages are drawn into `target/slips` where Chromium and
/// poppler are there: somebody has to look at them before they are committed.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    takes_none(arguments)?;
    let mut test = cargo(["test", "--locked", "-p", "softpos-receipt", "--test", "golden"]);
    succeed(test.env("SOFTPOS_WRITE_SLIPS", "1"))?;
    let slips = root().join(SLIPS);
    let drawn = root().join("target/slips");
    let failed = |path: &Path, error: std::io::Error| Failure::Failed(format!("{}: {error}", path.display()));
    fs::create_dir_all(&drawn).map_err(|error| failed(&drawn, error))?;
    let entries = fs::read_dir(&slips).map_err(|error| failed(&slips, error))?;
    let (has_browser, has_poppler) = (is_there("chromium", "--version"), is_there("pdftoppm", "-v"));
    for (name, there) in [("chromium", has_browser), ("pdftoppm", has_poppler)] {
        if !there {
            println!(
                "receipts: {name} is missing: install Debian's packages chromium and poppler-utils to see the pages"
            );
        }
    }
    let mut pages = 0;
    for entry in entries {
        let path = entry.map_err(|error| failed(&slips, error))?.path();
        let stem = path.file_stem().unwrap_or_default();
        let picture = |form: &str| drawn.join(format!("{}.{form}", stem.to_string_lossy()));
        let mut command = match path.extension().and_then(|ending| ending.to_str()) {
            Some("html") if has_browser => browser(&path, &picture("html.png")),
            Some("pdf") if has_poppler => {
                let mut command = Command::new("pdftoppm");
                command.args(["-r", "150", "-png", "-singlefile"]);
                command.arg(&path).arg(picture("pdf"));
                command
            }
            _ => continue,
        };
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        succeed_as(&mut command, &format!("drawing {}", path.display()))?;
        pages += 1;
    }
    println!(
        "receipts: slips are in {SLIPS}, {pages} drawn pages in {}",
        drawn.display()
    );
    Ok(())
}

/// A phone's screen.
fn browser(page: &Path, picture: &Path) -> Command {
    let mut command = Command::new("chromium");
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--window-size=420,1300",
    ]);
    command.arg(format!("--screenshot={}", picture.display()));
    command.arg(format!("file://{}", page.display()));
    command
}

fn is_there(program: &str, version: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(version).stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::null()).status().is_ok()
}
