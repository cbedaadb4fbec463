//! The program as a person or a script meets it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

fn softpos(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_softpos"));
    command
        .arg("--data")
        .arg(data)
        .args(["--lang", "en"])
        .env_remove("NO_COLOR");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a script at the till; gives its exit code and what it printed.
fn script(data: &Path, arguments: &[&str], lines: &str) -> (i32, String, String) {
    let mut child = softpos(data)
        .args(arguments)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    ended(child.wait_with_output().unwrap())
}

fn ended(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn objects(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn empty_input_activates_and_points_to_the_demo() {
    let data = folder();
    let (code, out, err) = script(data.path(), &[], "");
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("softpos:activate?v=1") && out.contains("softpos demo"),
        "{out}"
    );
    let (code, out, _) = script(data.path(), &[], "");
    assert_eq!(code, 0);
    assert!(!out.contains("softpos:activate"), "it is active already: {out}");
}

#[test]
fn a_script_sells_refunds_and_closes() {
    let data = folder();
    let lines = "sale 12.50 --category food --order A-17 --card visa-approved\n\
                 receipt last merchant\nreceipt last merchant\n\
                 code 8.80\npay alipay\ncash 5\n\
                 sale 1500 --card visa-pin\npin 1234\n\
                 network off\nsale 3 --card visa-approved\nqueue\nnetwork on\nsync\n\
                 refund 000001 2.50\nclose\nhistory\n";
    let (code, out, err) = script(data.path(), &["--json"], lines);
    assert_eq!(code, 0, "{out}{err}");
    let answers = objects(&out);
    let of = |command: &str| {
        answers
            .iter()
            .filter(|answer| answer["command"] == command)
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(of("activate")[0]["activated"], true);
    let sales = of("sale");
    assert_eq!(sales[0]["state"], "approved");
    assert_eq!(sales[0]["amount_minor"], 1250);
    assert_eq!(sales[0]["category"], "food");
    assert_eq!(sales[0]["order"], "A-17");
    let receipts = of("receipt");
    let mark = |receipt: &Value| receipt["receipt"].as_str().unwrap().contains("DUPLICATED");
    assert!(!mark(&receipts[0]) && mark(&receipts[1]));
    assert!(of("code")[0]["payload"].as_str().unwrap().starts_with("000201"));
    assert_eq!(of("pay")[0]["state"], "approved");
    assert_eq!(of("cash")[0]["state"], "approved");
    assert_eq!(sales[1]["waits_for"], "pin");
    assert_eq!(of("pin")[0]["state"], "approved");
    assert_eq!(sales[2]["state"], "stored");
    assert_eq!(of("queue")[0]["payments"].as_array().unwrap().len(), 1);
    assert_eq!(of("sync")[0]["waiting"], 0);
    assert_eq!(of("refund")[0]["state"], "approved");
    assert_eq!(of("close")[0]["balanced"], true);
    assert_eq!(of("history")[0]["payments"].as_array().unwrap().len(), 6);
    assert!(
        !out.contains("4761739900000013"),
        "no whole card number comes out"
    );

    let (code, out, _) = script(data.path(), &["history", "--json"], "");
    let payments = objects(&out);
    assert_eq!((code, payments.len()), (0, 6));
    assert!(
        payments
            .iter()
            .all(|payment| payment["key"].is_string() && payment["amount_minor"].is_i64())
    );
    let (code, out, _) = script(data.path(), &["host", "ledger", "--json"], "");
    assert_eq!((code, objects(&out).len()), (0, 6));
}

/// The script of the first page. The host is still being told of the cash when the day is to be closed.
#[test]
fn a_day_is_closed_right_after_a_cash_sale() {
    let data = folder();
    let lines = "sale 12.50 --card visa-approved\nsale 20 --card visa-declined\ncash 5\nclose\n";
    let (code, out, err) = script(data.path(), &[], lines);
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn exit_codes_tell_how_the_last_command_went() {
    let data = folder();
    for (lines, code) in [
        ("sale 5 --card visa-declined\n", 3),
        ("sale 5 --card visa-expired\n", 3),
        ("sale 5 --card unsupported\n", 3),
        ("sale 5 --card visa-declined\nstatus\n", 0),
        ("slae 5\n", 2),
        ("sale\n", 2),
        ("sale 0\n", 1),
        ("show last-week\n", 1),
        ("sale 1500 --card visa-pin\npin 9999\n", 3),
        ("pin 1234\nsale 1500 --card visa-pin\n", 0),
        ("sale 1500 --card visa-pin\npin 12\n", 1),
        ("sale 5 --card nobody\n", 2),
        (
            "sale 5 --order A-1 --card visa-approved\nsale 6 --order A-1 --card visa-approved\n",
            1,
        ),
        ("fault explode\n", 2),
        ("tap visa-approved\n", 1),
        ("code 5\ncancel\n", 0),
        ("code 5\n", 0),
        ("sale 5\n", 0),
        ("sale 5 --card visa-pulled\n", 0),
        ("sale 5 --card two-cards\n", 0),
    ] {
        let (found, out, err) = script(data.path(), &[], lines);
        assert_eq!(found, code, "{lines}{out}{err}");
    }
}

#[test]
fn wrong_amounts_say_what_to_do_and_record_nothing() {
    let data = folder();
    for (amount, name) in [
        ("0", "amount_zero"),
        ("-5", "amount_negative"),
        ("1.234", "amount_too_many_decimals"),
        ("12,50", "amount_not_a_number"),
        ("99999999", "amount_over_limit"),
        ("99999999999999999999", "amount_over_limit"),
    ] {
        let (code, out, _) = script(
            data.path(),
            &["--json"],
            &format!("sale {amount} --card visa-approved\n"),
        );
        let error = objects(&out).pop().unwrap()["error"].take();
        assert_eq!(
            (code, &error["code"], &error["money"]),
            (1, &name.into(), &"not_moved".into()),
            "{amount}"
        );
        assert_eq!(error["action"], "correct_input");
    }
    let (_, out, _) = script(data.path(), &["history", "--json"], "");
    assert_eq!(out, "");
}

#[test]
fn wrong_commands_get_the_nearest_right_one() {
    let data = folder();
    let (_, _, err) = script(
        data.path(),
        &[],
        "hsitory\nsale 5 --crad x\nnetwork of\nsale 5 --card visa-aproved\n",
    );
    for meant in ["`history`", "`--card`", "`off`", "`visa-approved`"] {
        assert!(err.contains(meant), "{meant}: {err}");
    }
    assert!(!err.contains('\u{1b}'), "no colours in a pipe");
}

#[test]
fn lost_answers_never_charge_twice() {
    let data = folder();
    let lines = "fault drop-before\nsale 5 --card visa-approved\nfault drop-after\nsale 6 --card visa-approved\n\
                 fault bad-signature\nsale 7 --card visa-approved\nsync\nclose\n";
    let (code, out, err) = script(data.path(), &[], lines);
    assert_eq!(code, 0, "{out}{err}");
    let (_, out, _) = script(data.path(), &["host", "ledger", "--json"], "");
    let rows = objects(&out);
    let booked: i64 = rows.iter().map(|row| row["booked_minor"].as_i64().unwrap()).sum();
    assert_eq!((rows.len(), booked), (3, 1800), "{out}");
}

#[test]
fn a_day_close_sends_what_waits_or_leaves_the_day_open() {
    let data = folder();
    let lines = "network off\nsale 5 --card visa-approved\ncash 3\nclose\n\
                 fault refuse:always\nnetwork on\nclose\nfault off\nclose\n";
    let (code, out, _) = script(data.path(), &["--json"], lines);
    let answers = objects(&out);
    let errors: Vec<&Value> = answers
        .iter()
        .map(|answer| &answer["error"])
        .filter(|error| error.is_object())
        .collect();
    let named = |error: &Value| (error["code"].clone(), error["action"].clone());
    assert_eq!(errors.len(), 2, "{out}");
    assert_eq!(
        named(errors[0]),
        ("host_not_reached".into(), "check_network".into())
    );
    assert_eq!(
        named(errors[1]),
        ("payments_unsettled".into(), "force_sync".into())
    );
    let closed = answers.last().unwrap();
    assert_eq!((code, &closed["balanced"]), (0, &true.into()), "{out}");
    assert_eq!(closed["batch"], "000001");
}

#[test]
fn usage_is_told_by_the_exit_code() {
    let data = folder();
    let (code, _, err) = script(data.path(), &["sell"], "");
    assert!(code == 2 && err.contains("sell"), "{err}");
    let (code, out, _) = script(data.path(), &["--help"], "");
    assert!(code == 0 && out.contains("softpos demo"));
    let (code, out, _) = script(data.path(), &["host", "--help", "--lang", "zh"], "");
    assert!(code == 0 && out.contains("参考主机"), "{out}");
    let (code, _, err) = script(data.path(), &["dmo", "--lang", "zh"], "");
    assert!(code == 2 && err.contains("`demo`"), "{err}");
    let (code, out, _) = script(data.path(), &["--version"], "");
    assert!(code == 0 && out.starts_with("softpos "));
    let (code, _, err) = script(data.path(), &["history"], "");
    assert!(code == 1 && err.contains("nothing"), "{err}");
}

/// A host of its own, killed at the end.
struct HostProcess(Child);

impl Drop for HostProcess {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn host_and_till_as_two_programs() {
    use std::io::{BufRead, BufReader};
    let (host_data, till_data) = (folder(), folder());
    let mut host = HostProcess(
        softpos(host_data.path())
            .args(["--json", "host", "--listen", "127.0.0.1:0"])
            .spawn()
            .unwrap(),
    );
    let mut line = String::new();
    BufReader::new(host.0.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    let text = |name: &str| said[name].as_str().unwrap().to_owned();
    let (address, pin, code) = (text("address"), text("pin"), text("code"));
    let activate = ["till", "--host", &address, "--pin", &pin, "--activate", &code];

    let (exit, _, err) = script(till_data.path(), &["till"], "");
    assert!(exit == 1 && err.contains("not_activated"), "{err}");
    let wrong = "A".repeat(43);
    let (exit, _, err) = script(
        folder().path(),
        &["till", "--host", &address, "--pin", &wrong, "--activate", &code],
        "",
    );
    assert!(exit == 1 && err.contains("host_not_trusted"), "{err}");
    let unknown = [
        "till",
        "--host",
        &address,
        "--pin",
        &pin,
        "--activate",
        "00000-00000",
    ];
    let (exit, _, err) = script(folder().path(), &unknown, "");
    assert!(exit == 3 && err.contains("activation_unknown"), "{err}");
    let (exit, out, err) = script(
        till_data.path(),
        &activate,
        "sale 5 --card visa-approved\ncode 2\npay\n",
    );
    assert_eq!(exit, 0, "{out}{err}");
    let (exit, _, err) = script(folder().path(), &activate, "");
    assert!(exit == 3 && err.contains("activation_used"), "{err}");

    let (exit, _, err) = script(
        till_data.path(),
        &["till"],
        "fault drop-after\nsale 6 --card visa-approved\nsync\n",
    );
    assert_eq!(exit, 0, "{err}");
    drop(host);
    let (exit, out, err) = script(till_data.path(), &["till"], "sale 7 --card visa-approved\n");
    assert!(exit == 0 && out.contains("Stored offline"), "{out}{err}");
}

#[test]
fn a_second_copy_on_the_same_folder_is_refused() {
    use std::io::{BufRead, BufReader};
    let data = folder();
    let mut first = softpos(data.path())
        .arg("--json")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answers = BufReader::new(first.stdout.take().unwrap());
    let mut line = String::new();
    answers.read_line(&mut line).unwrap();
    let (code, _, err) = script(data.path(), &[], "status\n");
    assert!(
        code == 1 && err.contains("store_in_use") && err.contains("Close the other copy"),
        "{err}"
    );
    let mut input = first.stdin.take().unwrap();
    input.write_all(b"cash 5\n").unwrap();
    drop(input);
    line.clear();
    answers.read_line(&mut line).unwrap();
    assert!(line.contains("\"approved\""), "the first copy goes on: {line}");
    assert!(first.wait().unwrap().success());
}

#[test]
fn a_folder_that_cannot_be_used_is_an_error_with_an_action() {
    let data = folder();
    std::fs::write(data.path().join("till"), "no folder").unwrap();
    let (code, out, _) = script(data.path(), &["--json"], "");
    let error = objects(&out).pop().unwrap()["error"].take();
    assert_eq!(
        (code, &error["code"], &error["action"]),
        (1, &"store_unreadable".into(), &"check_storage".into())
    );
}

#[test]
fn the_demo_reconciles_for_any_seed_and_again_on_its_folder() {
    let data = folder();
    for seed in ["7", "8"] {
        let (code, out, err) = script(data.path(), &["demo", "--json", "--seed", seed], "");
        assert_eq!(code, 0, "{out}{err}");
        let lines = objects(&out);
        let (last, steps) = lines.split_last().unwrap();
        for count in ["sales", "approved", "declined", "stored", "reversed", "refunded"] {
            assert!(last[count].as_u64().unwrap() >= 1, "{count}: {last}");
        }
        assert_eq!(last["reconciled"], true);
        assert!(
            steps
                .iter()
                .all(|step| step["key"].is_string() && step["state"].is_string())
        );
    }
    let (code, out, err) = script(folder().path(), &["demo", "--lang", "zh"], "");
    assert!(code == 0 && out.contains("核对一致"), "{out}{err}");
}

#[test]
fn a_host_whose_port_is_taken_moves_and_the_till_finds_it() {
    let data = folder();
    assert_eq!(script(data.path(), &[], "sale 5 --card visa-approved\n").0, 0);
    let port = std::fs::read_to_string(data.path().join("host/port")).unwrap();
    let taken = std::net::TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
    let (code, out, err) = script(data.path(), &["--json"], "sale 6 --card visa-approved\n");
    assert_eq!(
        (code, &objects(&out)[0]["state"]),
        (0, &"approved".into()),
        "{out}{err}"
    );
    drop(taken);
}

#[test]
fn ctrl_c_ends_with_its_code_and_loses_nothing() {
    use std::io::{BufRead, BufReader};
    let data = folder();
    let mut till = softpos(data.path())
        .arg("--json")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answers = BufReader::new(till.stdout.take().unwrap());
    let mut input = till.stdin.take().unwrap();
    input.write_all(b"cash 5\n").unwrap();
    let mut line = String::new();
    while !line.contains("\"cash\"") {
        line.clear();
        assert!(answers.read_line(&mut line).unwrap() > 0);
    }
    let interrupt = format!("kill -INT {}", till.id());
    assert!(
        Command::new("sh")
            .args(["-c", &interrupt])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(till.wait().unwrap().code(), Some(130));
    let (_, out, _) = script(data.path(), &["history", "--json"], "");
    let payments = objects(&out);
    assert_eq!((payments.len(), &payments[0]["amount_minor"]), (1, &500.into()));
}

/// A recorded tap holds no card data, and a replay takes exactly its steps.
#[test]
fn taps_are_recorded_without_card_data_and_replayed() {
    let data = folder();
    for (card, number, code) in [
        ("visa-offline", "4761739900000096", 0),
        ("mastercard-approved", "5413339900000011", 0),
        ("visa-see-phone", "4761739900000104", 0),
        ("visa-refused", "4761739900000112", 3),
    ] {
        let file = data.path().join(format!("{card}.json"));
        let path = file.to_str().unwrap();
        let (exit, out, err) = ended(
            softpos(data.path())
                .args(["tap", card, "--amount", "50", "--record", path])
                .output()
                .unwrap(),
        );
        assert_eq!(exit, code, "{card}: {out}{err}");
        let recorded = std::fs::read_to_string(&file).unwrap();
        for text in [&out, &recorded] {
            assert!(!text.contains(number), "{card}: {text}");
            assert!(
                !text.contains("53414E44424F582F43415244"),
                "the name of {card}: {text}"
            );
        }
        // Of a Mastercard it is inside the signature.
        let is_masked = |line: &str| line.ends_with(" 0000000000000000");
        let cryptograms = || {
            out.lines()
                .filter(|line| line.contains("9F26 Application Cryptogram"))
        };
        assert!(cryptograms().all(is_masked), "{card}: {out}");
        let taps = usize::from(card.starts_with("visa"));
        assert!(cryptograms().count() >= taps, "{card}: {out}");
        let replay = |path: &str| ended(softpos(data.path()).args(["replay", path]).output().unwrap());
        let (exit, out, err) = replay(path);
        assert_eq!(exit, 0, "{card}: {out}{err}");
        assert!(
            out.contains("9F36 Application Transaction Counter (ATC)"),
            "{card}: {out}"
        );
        // The same tag, by the name that the card's own kernel gives it.
        let names = [
            ("visa", "9F6C Card Transaction Qualifiers (CTQ)"),
            ("mastercard", "8C Card Risk"),
        ];
        for (scheme, name) in names {
            assert_eq!(out.contains(name), card.starts_with(scheme), "{card}: {out}");
        }

        // Another answer of the card leads elsewhere, and that is found.
        let other = recorded.replacen("9000\"", "6A82\"", 1);
        assert_ne!(other, recorded);
        let changed = data.path().join("changed.json");
        std::fs::write(&changed, other).unwrap();
        assert_eq!(replay(changed.to_str().unwrap()).0, 1, "{card}");
    }
    let none = data.path().join("none.json");
    std::fs::write(&none, "{}").unwrap();
    let (exit, _, err) = ended(
        softpos(data.path())
            .args(["replay", none.to_str().unwrap()])
            .output()
            .unwrap(),
    );
    assert_eq!(exit, 1);
    assert!(err.contains("no recording"), "{err}");
}

/// A build without card readers says how to get one with them.
#[test]
#[cfg(not(feature = "pcsc"))]
fn a_reader_needs_its_feature() {
    let data = folder();
    let output = softpos(data.path()).args(["tap", "--reader"]).output().unwrap();
    let (exit, out, err) = ended(output);
    assert_eq!(exit, 1, "{out}");
    assert!(err.contains("--features pcsc"), "{err}");
    let both = softpos(data.path())
        .args(["tap", "visa-pin", "--reader"])
        .output()
        .unwrap();
    assert_eq!(ended(both).0, 2);
}

#[test]
fn a_slip_is_printed_in_every_form_into_files_pipes_and_answers() {
    let data = folder();
    let png = data.path().join("slip.png");
    let lines = format!(
        "cash 5\nreceipt last --format png --out \"{}\"\nreceipt last merchant --format html\n",
        png.display()
    );
    let (code, out, err) = script(data.path(), &["--json"], &lines);
    assert_eq!(code, 0, "{out}{err}");
    let answers = objects(&out);
    let slips: Vec<_> = answers
        .iter()
        .filter(|answer| answer["command"] == "receipt")
        .collect();
    assert_eq!(slips[0]["file"], png.display().to_string());
    assert!(std::fs::read(&png).unwrap().starts_with(b"\x89PNG"));
    assert!(
        slips[1]["receipt"]
            .as_str()
            .unwrap()
            .starts_with("<!DOCTYPE html>")
    );
    // The host has gone with the till: a slip needs none. It is a further print, and counted.
    let receipt = |arguments: &[&str]| {
        softpos(data.path())
            .arg("receipt")
            .args(arguments)
            .output()
            .unwrap()
    };
    for (format, begin) in [
        ("text", &b"-----"[..]),
        ("png", b"\x89PNG"),
        ("escpos", b"\x1b@"),
        ("escpos-utf8", b"\x1b@"),
        ("pdf", b"%PDF-"),
    ] {
        let output = receipt(&["last", "--format", format]);
        assert!(
            output.status.success() && output.stdout.starts_with(begin),
            "{format}"
        );
    }
    let (code, out, err) = ended(receipt(&["000001", "--copy", "merchant", "--json"]));
    assert_eq!(code, 0, "{out}{err}");
    let slip = objects(&out)[0]["receipt"].as_str().unwrap().to_owned();
    assert!(
        slip.contains("DUPLICATED 6") && slip.contains("MERCHANT COPY"),
        "{slip}"
    );
    let unwritten = receipt(&["last", "--out", "/nowhere/slip.txt"]);
    assert_eq!(unwritten.status.code(), Some(1));
    assert_eq!(receipt(&["999999"]).status.code(), Some(1));
    assert_eq!(receipt(&["last", "--format", "gif"]).status.code(), Some(2));
}
