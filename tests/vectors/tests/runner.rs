//! The runner itself, and the project's own vector files.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use softpos_vectors::{Tally, run_files};

fn run(files: &[PathBuf]) -> (Tally, String) {
    let mut out = Vec::new();
    let tally = run_files(files, &mut out, &mut Vec::new()).unwrap();
    (tally, String::from_utf8(out).unwrap())
}

/// Runs one file with this text.
fn run_text(name: &str, text: &str) -> (Tally, String) {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.json"));
    fs::write(&file, text).unwrap();
    run(&[file])
}

/// One vector of AES-CMAC whose expectation, or whatever `vector` says, is wrong on purpose.
fn cmac_file(vector: &str) -> String {
    format!("{{\"schema\":1,\"kind\":\"crypto.cmac\",\"note\":\"\",\"vectors\":[{vector}]}}")
}

const KEY: &str = "2B7E151628AED2A6ABF7158809CF4F3C";
const TAG: &str = "BB1D6929E95937287FA37D129B756746";

fn generate(expect: &str) -> String {
    let input = format!("{{\"op\":\"generate\",\"key\":\"{KEY}\",\"message\":\"\"}}");
    format!(
        "{{\"id\":\"one\",\"source\":\"RFC 4493\",\"licence\":\"IETF\",\"input\":{input},\"expect\":{expect}}}"
    )
}

#[test]
fn every_committed_file_passes_whole() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(!files.is_empty());
    for file in files {
        let (tally, text) = run(std::slice::from_ref(&file));
        assert!(
            tally.passed > 0 && tally.failed == 0 && tally.skipped == 0,
            "{}: {text}",
            file.display()
        );
    }
}

#[test]
fn right_and_wrong_expectations() {
    let (_, text) = run_text("right", &cmac_file(&generate(&format!("{{\"tag\":\"{TAG}\"}}"))));
    assert_eq!(text, "1 passed, 0 failed\n");
    let (tally, text) = run_text("wrong", &cmac_file(&generate("{\"tag\":\"00\"}")));
    assert_eq!(
        tally,
        Tally {
            passed: 0,
            failed: 1,
            skipped: 0
        }
    );
    assert!(
        text.starts_with("one expect.tag: ") && text.ends_with("\n0 passed, 1 failed\n"),
        "{text}"
    );
    let (_, text) = run_text("refusal", &cmac_file(&generate("{\"error\":\"mac\"}")));
    assert_eq!(text, "one not refused\n0 passed, 1 failed\n");
}

#[test]
fn what_cannot_be_read_fails() {
    let good = generate("{}");
    for (name, text) in [
        ("no-json", "{".to_owned()),
        ("no-object", "[]".to_owned()),
        ("schema", cmac_file(&good).replace("\"schema\":1", "\"schema\":2")),
        ("kind", cmac_file(&good).replace("\"crypto.cmac\"", "7")),
        (
            "no-list",
            cmac_file(&good).replace('[', "{\"a\":").replace(']', "}"),
        ),
        ("no-vector", cmac_file("7")),
        ("no-id", cmac_file(&good.replace("\"id\"", "\"name\""))),
        ("id-type", cmac_file(&good.replace("\"one\"", "1"))),
        ("expect-type", cmac_file(&generate("[]"))),
        (
            "scored-type",
            cmac_file(&good.replace("{\"id\"", "{\"scored\":1,\"id\"")),
        ),
        ("key-type", cmac_file(&good.replace(&format!("\"{KEY}\""), "12"))),
        ("key-length", cmac_file(&good.replace(KEY, "00"))),
        ("key-hex", cmac_file(&good.replace(KEY, "XY"))),
        (
            "needs-type",
            cmac_file(&good.replace("{\"op\"", "{\"needs\":\"contact\",\"op\"")),
        ),
    ] {
        let (tally, text) = run_text(name, &text);
        assert_eq!(
            (tally.passed, tally.failed, tally.skipped),
            (0, 1, 0),
            "{name}: {text}"
        );
        assert!(text.ends_with("\n0 passed, 1 failed\n"), "{name}: {text}");
    }
    let (_, text) = run(&[PathBuf::from("/nowhere/at-all.json")]);
    assert!(
        text.starts_with("/nowhere/at-all.json ") && text.ends_with("\n0 passed, 1 failed\n"),
        "{text}"
    );
}

#[test]
fn skipped_and_unscored() {
    let unknown = cmac_file(&generate("{}")).replace("crypto.cmac", "crypto.rot13");
    let (_, text) = run_text("unknown", &unknown);
    assert_eq!(
        text,
        "skipped one (unknown kind)\n0 passed, 0 failed, 1 skipped\n"
    );
    let needs = cmac_file(&generate("{}").replace("{\"op\"", "{\"needs\":[\"c-3\",\"contact\"],\"op\""));
    assert_eq!(
        run_text("needs", &needs).1,
        "skipped one (contact)\n0 passed, 0 failed, 1 skipped\n"
    );
    let offered = cmac_file(&generate("{}").replace("{\"op\"", "{\"needs\":[\"c-3\"],\"op\""));
    assert_eq!(run_text("offered", &offered).1, "1 passed, 0 failed\n");
    let unscored = cmac_file(&generate("{\"tag\":\"00\"}").replace("{\"id\"", "{\"scored\":false,\"id\""));
    assert_eq!(run_text("unscored", &unscored).1, "0 passed, 0 failed\n");
}

#[test]
fn exit_codes() {
    let program = || Command::new(env!("CARGO_BIN_EXE_softpos-vectors"));
    let wrong = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("exit-wrong.json");
    fs::write(&wrong, cmac_file(&generate("{\"tag\":\"00\"}"))).unwrap();
    let right = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("exit-right.json");
    fs::write(&right, cmac_file(&generate("{}"))).unwrap();
    assert_eq!(program().arg(&right).status().unwrap().code(), Some(0));
    let output = program().args([&wrong, &right]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.ends_with(b"\n1 passed, 1 failed\n"));
    assert_eq!(program().output().unwrap().status.code(), Some(2));
}
