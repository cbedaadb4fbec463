//! What must not lie around after a payment.

use std::fs;
use std::path::Path;

use softpos_scenarios::Shop;
use softpos_terminal::State;

/// Wrong for the card, and long enough not to occur by chance.
const PIN: &str = "730194628517";
const PAN: &str = "4761739900000054";
const STORED_PAN: &str = "4761739900000013";

/// Digits as text, as packed digits, and as one digit a byte.
fn shapes(digits: &str) -> Vec<Vec<u8>> {
    let values: Vec<u8> = digits.bytes().map(|digit| digit - b'0').collect();
    let packed = values
        .chunks_exact(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect();
    vec![digits.as_bytes().to_vec(), packed, values]
}

fn assert_absent(what: &str, content: &[u8]) {
    for secret in [PIN, PAN, STORED_PAN] {
        for shape in shapes(secret) {
            let found = content.windows(shape.len()).any(|window| window == shape);
            assert!(!found, "{what} holds a secret as {} bytes", shape.len());
        }
    }
}

fn scan(dir: &Path) -> usize {
    let mut bytes = 0;
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            bytes += scan(&path);
        } else {
            let content = fs::read(&path).unwrap();
            assert_absent(&path.display().to_string(), &content);
            bytes += content.len();
        }
    }
    bytes
}

#[test]
fn neither_folder_nor_log_nor_steps_hold_card_number_or_pin() {
    let mut shop = Shop::open();
    let declined = shop.pin(150_000, "visa-pin", PIN);
    assert_eq!(
        (declined.state, declined.de39.as_deref()),
        (State::Declined, Some("55"))
    );
    shop.tap(500, "visa-approved");
    shop.network(false);
    let stored = shop.tap(600, "visa-approved");
    assert_eq!(stored.state, State::Stored);
    // Running, ended, killed: at no time.
    assert!(scan(shop.place.dir()) > 1_000);
    shop.kill_till();
    shop.assert_reconciled();
    shop.close_till();
    assert!(scan(shop.place.dir()) > 1_000);
    assert_absent("the log", shop.log.text().as_bytes());
    assert_absent("a step", format!("{:?}", shop.steps()).as_bytes());
    assert_absent("the history", format!("{declined:?} {stored:?}").as_bytes());
}

#[test]
fn the_scan_finds_what_is_there() {
    let dir = tempfile::tempdir().unwrap();
    for shape in shapes(PAN) {
        fs::write(
            dir.path().join("file"),
            [b"before".to_vec(), shape, b"after".to_vec()].concat(),
        )
        .unwrap();
        let found = std::panic::catch_unwind(|| scan(dir.path()));
        assert!(found.is_err());
    }
}
