//! What a merchant does with the books: checking them, backing them up, bringing them to another phone.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;
use tempfile::TempDir;

const WORDS: &str = "correct horse battery";

fn softpos(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_softpos"));
    command.arg("--data").arg(data).args(arguments);
    command.env_remove("NO_COLOR").env_remove("SOFTPOS_PASSPHRASE");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Exit code, what it printed, what it complained of.
fn run(data: &Path, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut child = softpos(data, arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn told(text: &str) -> Value {
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

/// A till that sold twice and closed its day.
fn shop() -> TempDir {
    let data = tempfile::tempdir().unwrap();
    let lines = "sale 12.50 --card visa-approved\ncash 5\nclose\ncash 7\n";
    let (code, out, err) = run(data.path(), &["--lang", "en"], lines);
    assert_eq!(code, 0, "{out}{err}");
    data
}

fn segments(data: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(data.join("till/journal")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn a_whole_ledger_is_sound_and_a_flipped_bit_names_the_first_wrong_record() {
    let data = shop();
    let verify = ["ledger", "verify"];
    let (code, out, err) = run(data.path(), &["--lang", "en", "ledger", "verify"], "");
    assert!(
        code == 0 && out.contains("Everything is whole and in its place."),
        "{out}{err}"
    );
    let (code, out, _) = run(data.path(), &["--lang", "zh", "ledger", "verify"], "");
    assert!(code == 0 && out.contains("账簿完整"), "{out}");
    let (code, out, _) = run(data.path(), &[&verify[..], &["--json"]].concat(), "");
    let sound = told(&out);
    assert_eq!(
        (code, &sound["sound"], &sound["payments"]),
        (0, &true.into(), &3.into())
    );

    // The first record's body: header of the segment 64, of the record 72.
    let first = &segments(data.path())[0];
    let mut bytes = fs::read(first).unwrap();
    bytes[64 + 72 + 5] ^= 1;
    fs::write(first, bytes).unwrap();
    let before = fs::read(first).unwrap();
    let (code, out, _) = run(data.path(), &[&verify[..], &["--json"]].concat(), "");
    let wrong = told(&out);
    assert_eq!(
        (code, &wrong["sound"], &wrong["first_wrong"]),
        (1, &false.into(), &1.into())
    );
    assert!(wrong["root"] != sound["root"] && !wrong["faults"].as_array().unwrap().is_empty());
    let (code, out, _) = run(data.path(), &["--lang", "en", "ledger", "verify"], "");
    assert!(
        code == 1 && out.contains("The first wrong record is number 1."),
        "{out}"
    );
    let (_, out, _) = run(data.path(), &["--lang", "zh", "ledger", "verify"], "");
    assert!(out.contains("第一条有误的记录是第1条"), "{out}");
    assert_eq!(fs::read(first).unwrap(), before, "checking changes nothing");
}

#[test]
fn a_backup_is_checked_restored_and_sells_nothing() {
    let data = shop();
    let file = data.path().join("books.backup");
    let path = file.to_str().unwrap();
    let line = format!("{WORDS}\n");
    let (code, out, err) = run(data.path(), &["--lang", "en", "backup", path], &line);
    assert!(code == 0 && out.contains("Keep the passphrase"), "{out}{err}");
    assert!(!out.contains(WORDS) && !err.contains(WORDS));
    let (code, out, err) = run(data.path(), &["ledger", "verify", path, "--json"], &line);
    let check = told(&out);
    assert_eq!(
        (code, &check["sound"], &check["payments"]),
        (0, &true.into(), &3.into()),
        "{err}"
    );

    let new = tempfile::tempdir().unwrap();
    let (code, _, err) = run(
        new.path(),
        &["--lang", "en", "restore", path],
        "another passphrase\n",
    );
    assert!(code == 1 && err.contains("backup_unreadable"), "{err}");
    let (code, _, err) = run(new.path(), &["--lang", "zh", "restore", path], "short\n");
    assert!(
        code == 1 && err.contains("passphrase_short") && err.contains("口令"),
        "{err}"
    );
    let (code, out, err) = run(new.path(), &["--json", "restore", path], &line);
    assert_eq!((code, &told(&out)["payments"]), (0, &3.into()), "{err}");
    // Again goes on where it was, which is its end.
    let (code, out, err) = run(new.path(), &["--lang", "en", "restore", path], &line);
    assert!(
        code == 0 && out.contains("activated with a new code"),
        "{out}{err}"
    );

    let (code, out, _) = run(new.path(), &["history", "--json"], "");
    assert_eq!((code, out.lines().count()), (0, 3), "{out}");
    let (code, _, err) = run(new.path(), &["--lang", "en", "till"], "cash 5\n");
    assert!(code == 1 && err.contains("not_activated"), "{err}");
    let (code, out, _) = run(new.path(), &["history", "--json"], "");
    assert_eq!((code, out.lines().count()), (0, 3), "nothing was sold: {out}");

    // A till that has its own payments takes none over; a backup that was changed is none.
    let (code, _, err) = run(data.path(), &["--lang", "en", "restore", path], &line);
    assert!(code == 1 && err.contains("folder_not_empty"), "{err}");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();
    let (code, _, err) = run(data.path(), &["--lang", "en", "ledger", "verify", path], &line);
    assert!(code == 1 && err.contains("backup_unreadable"), "{err}");
}

/// A person at a terminal: what they type, and everything that is shown to them.
fn at_a_terminal(data: &Path, arguments: &[&str], typed: &[&str]) -> (i32, String) {
    let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&screen).unwrap();
    unlockpt(&screen).unwrap();
    let name = ptsname(&screen, Vec::new()).unwrap().into_string().unwrap();
    let keyboard = || File::options().read(true).write(true).open(&name).unwrap();
    let mut command = softpos(data, arguments);
    command.stdin(keyboard()).stdout(keyboard()).stderr(keyboard());
    let mut child = command.spawn().unwrap();
    // Its own copies of the keyboard would keep the screen open.
    drop(command);
    let mut screen = File::from(screen);
    let mut shown = Vec::new();
    let mut answers = typed.iter();
    let mut asked = 0;
    let mut bytes = [0; 256];
    // A terminal whose last program has ended gives an error.
    while let Ok(count @ 1..) = screen.read(&mut bytes) {
        shown.extend_from_slice(&bytes[..count]);
        let questions = String::from_utf8_lossy(&shown).matches(": ").count();
        for _ in asked..questions {
            if let Some(answer) = answers.next() {
                screen.write_all(answer.as_bytes()).unwrap();
            }
        }
        asked = questions.max(asked);
    }
    (
        child.wait().unwrap().code().unwrap(),
        String::from_utf8(shown).unwrap(),
    )
}

#[test]
fn a_passphrase_is_not_shown_and_is_asked_for_twice_where_it_locks() {
    let data = shop();
    let file = data.path().join("books.backup");
    let path = file.to_str().unwrap();
    let backup = ["--lang", "en", "backup", path];
    let (once, typo) = (format!("{WORDS}\r"), format!("{WORDS}!\r"));
    let (code, shown) = at_a_terminal(data.path(), &backup, &[&once, &typo]);
    assert!(code == 1 && shown.contains("differ"), "{shown}");
    assert!(!file.exists() && !shown.contains(WORDS));
    let (code, shown) = at_a_terminal(data.path(), &backup, &["correct\u{3}"]);
    assert!(code == 130 && !shown.contains("correct"), "{code} {shown}");
    let corrected = format!("{WORDS}x\u{7f}\r");
    let (code, shown) = at_a_terminal(data.path(), &backup, &[&corrected, &once]);
    assert!(code == 0 && file.exists() && !shown.contains(WORDS), "{shown}");
    let verify = ["--lang", "en", "ledger", "verify", path];
    let (code, shown) = at_a_terminal(data.path(), &verify, &[&once]);
    assert!(
        code == 0 && !shown.contains(WORDS) && shown.contains("whole"),
        "{shown}"
    );
}
