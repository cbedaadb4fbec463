//! What must not be left in a till's memory, nor in its folder, after a sale by tap with PIN.
//!
//! The till is alone in its process; its cards, its customer and its host are here. Its memory is read back through
//! the operating system, all that it can read itself: heap, given-back heap, every thread's stack. The needles are
//! kept masked, and are never sent.

#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use softpos_cards::{Presence, Wallet};
use softpos_crypto::AesKey;
use softpos_crypto::dukpt::{Ksn, Usage, aes_working_key, initial_key, transaction_key};
use softpos_scenarios::HostPlace;

/// Wrong for the card, and long enough not to occur by chance.
const LONG_PIN: &[u8] = b"730194628517";
const CARD: &str = "visa-pin";
const PAN: &[u8] = b"4761739900000054";
/// The first key set of a host (its ids count up from 1).
const IKID: [u8; 8] = [0x53, 0x50, 0, 1, 0, 0, 0, 1];
const CHUNK: usize = 1 << 16;
/// Chunks overlap by more than the longest needle.
const OVERLAP: usize = 64;

/// A secret, kept so that the search does not find itself.
struct Needle {
    name: String,
    masked: Vec<u8>,
}

impl Needle {
    fn new(name: impl Into<String>, secret: &[u8]) -> Self {
        Self {
            name: name.into(),
            masked: secret.iter().map(|byte| !byte).collect(),
        }
    }

    fn starts(&self, content: &[u8]) -> bool {
        let masked = self.masked.iter();
        content.len() >= self.masked.len()
            && content.iter().zip(masked).all(|(byte, masked)| *byte == !masked)
    }
}

/// What is looked for, by the first byte: one walk through the content finds all.
struct Needles {
    all: Vec<Needle>,
    by_first: Vec<Vec<usize>>,
}

impl Needles {
    fn new(all: Vec<Needle>) -> Self {
        let mut by_first = vec![Vec::new(); 256];
        for (place, needle) in all.iter().enumerate() {
            by_first[usize::from(!needle.masked[0])].push(place);
        }
        Self { all, by_first }
    }

    fn found_in(&self, content: &[u8]) -> Vec<&str> {
        let mut found = Vec::new();
        for (at, first) in content.iter().enumerate() {
            for place in &self.by_first[usize::from(*first)] {
                let needle = &self.all[*place];
                if needle.starts(&content[at..]) {
                    found.push(needle.name.as_str());
                }
            }
        }
        found
    }
}

/// Digits as text, as packed digits, and as one digit a byte.
fn shapes(name: &str, digits: &[u8]) -> Vec<Needle> {
    let values: Vec<u8> = digits.iter().map(|digit| digit & 0x0F).collect();
    let packed: Vec<u8> = values
        .chunks_exact(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect();
    vec![
        Needle::new(format!("{name} as text"), digits),
        Needle::new(format!("{name} packed"), &packed),
        Needle::new(format!("{name} as numbers"), &values),
    ]
}

/// Card data, PINs, and the keys that were used up: of each set the first transaction's.
fn needles(host: &Path) -> Needles {
    let mut all = shapes("PAN", PAN);
    all.push(Needle::new("track 2", &[0x00, 0x54, 0xD3, 0x51]));
    all.extend(shapes("long PIN", LONG_PIN));
    // Four digits alone occur anywhere: as they stand in the entry, and in the clear block (ISO 9564-1 format 4).
    all.push(Needle::new("PIN entry", b"1234\0\0\0\0\0\0\0\0"));
    all.push(Needle::new(
        "PIN field",
        &[0x44, 0x12, 0x34, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA],
    ));
    all.push(Needle::new(
        "long PIN field",
        &[0x4C, 0x73, 0x01, 0x94, 0x62, 0x85, 0x17, 0xAA],
    ));
    for (set, usage) in [("pin", Usage::Pin), ("data", Usage::DataEncrypt)] {
        let ik = initial_key_of(host, set);
        let ksn = Ksn::new(IKID, 1).unwrap();
        let transaction = transaction_key(&ik, ksn);
        all.push(Needle::new(format!("initial {set} key"), ik.expose()));
        all.push(Needle::new(
            format!("first {set} transaction key"),
            transaction.expose(),
        ));
        let working = aes_working_key(&transaction, ksn, usage);
        all.push(Needle::new(format!("first {set} working key"), working.expose()));
    }
    Needles::new(all)
}

/// What may and must be there: the register of the highest counter bit, a key that nothing has used yet.
fn future_key(host: &Path) -> Needle {
    let ksn = Ksn::new(IKID, 1 << 31).unwrap();
    Needle::new(
        "a future key",
        transaction_key(&initial_key_of(host, "data"), ksn).expose(),
    )
}

fn initial_key_of(host: &Path, set: &str) -> AesKey {
    let bdk = fs::read(host.join("keys").join(format!("bdk-{set}"))).unwrap();
    initial_key(&AesKey::from_bytes(&bdk).unwrap(), IKID)
}

/// The till's process; killed when the story ends.
struct LoneTill(Child);

impl Drop for LoneTill {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl LoneTill {
    fn start(folder: &Path, activation: &str) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_lone-till"))
            .args([folder.as_os_str(), activation.as_ref()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut till = Self(child.unwrap());
        assert_eq!(till.hear(), (b'A', Vec::new()));
        till
    }

    fn tell(&mut self, bytes: &[u8]) {
        let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
        let input = self.0.stdin.as_mut().unwrap();
        input.write_all(&[&length[..], bytes].concat()).unwrap();
    }

    fn hear(&mut self) -> (u8, Vec<u8>) {
        let output = self.0.stdout.as_mut().unwrap();
        let mut head = [0; 3];
        output.read_exact(&mut head).unwrap();
        let mut bytes = vec![0; u16::from_be_bytes([head[1], head[2]]).into()];
        output.read_exact(&mut bytes).unwrap();
        (head[0], bytes)
    }

    /// A sale by tap with PIN; the state it ends in.
    fn sell(&mut self, amount: &str, wallet: &mut Wallet, pin: &[u8]) -> String {
        self.tell(amount.as_bytes());
        loop {
            match self.hear() {
                (b'P', _) => assert_eq!(wallet.card(CARD).unwrap().present(), Presence::Card),
                (b'C', capdu) => {
                    let rapdu = wallet.card(CARD).unwrap().transmit(&capdu).unwrap();
                    self.tell(&rapdu);
                }
                (b'N', _) => {
                    for digit in pin {
                        self.tell(&[digit & 0x0F]);
                    }
                    self.tell(&[]);
                }
                (b'F', state) => {
                    wallet.card(CARD).unwrap().remove();
                    return String::from_utf8(state).unwrap();
                }
                other => panic!("not expected: {other:?}"),
            }
        }
    }

    /// Where needles stand in its memory: name and kind of place. Also how many bytes were looked through.
    fn search(&self, needles: &Needles) -> (Vec<String>, usize) {
        let process = Path::new("/proc").join(self.0.id().to_string());
        let memory = File::open(process.join("mem")).unwrap();
        let (mut found, mut searched) = (Vec::new(), 0);
        let (mut buffer, zeros) = (vec![0; CHUNK + OVERLAP], vec![0; CHUNK + OVERLAP]);
        for line in fs::read_to_string(process.join("maps")).unwrap().lines() {
            let mut words = line.split_ascii_whitespace();
            let (range, access) = words.next().zip(words.next()).unwrap();
            let place = words.nth(3).unwrap_or("anonymous");
            if !access.starts_with('r') || place.starts_with("[v") {
                continue;
            }
            let (start, end) = range.split_once('-').unwrap();
            let (mut at, end) = (
                u64::from_str_radix(start, 16).unwrap(),
                u64::from_str_radix(end, 16).unwrap(),
            );
            while at < end {
                let length = buffer.len().min(usize::try_from(end - at).unwrap());
                let Ok(read) = memory.read_at(&mut buffer[..length], at) else {
                    break;
                };
                // Most of it was never written.
                if buffer[..read] != zeros[..read] {
                    let names = needles.found_in(&buffer[..read]);
                    found.extend(names.iter().map(|name| format!("{name} in {place}")));
                }
                searched += read.min(CHUNK);
                at += u64::try_from(CHUNK).unwrap();
            }
        }
        (found, searched)
    }
}

fn search_folder(dir: &Path, needles: &Needles) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(search_folder(&path, needles));
        } else {
            let content = fs::read(&path).unwrap();
            let names = needles.found_in(&content);
            found.extend(names.iter().map(|name| format!("{name} in {}", path.display())));
        }
    }
    found
}

#[test]
fn nothing_secret_is_left_in_the_process_after_a_sale_by_tap_with_pin() {
    let host = HostPlace::start();
    let folder = tempfile::tempdir().unwrap();
    let mut till = LoneTill::start(folder.path(), &host.activation_text());
    let mut wallet = Wallet::new();
    let (needles, future) = (needles(host.dir()), Needles::new(vec![future_key(host.dir())]));

    // The search sees the process and its key set: a key that is still to be used is there.
    let (found, searched) = till.search(&future);
    assert!(!found.is_empty() && searched > 1_000_000, "{searched} bytes");

    assert_eq!(till.sell("150000", &mut wallet, b"1234"), "Approved");
    assert_eq!(till.search(&needles).0, Vec::<String>::new());
    assert_eq!(till.sell("150100", &mut wallet, LONG_PIN), "Declined");
    assert_eq!(till.search(&needles).0, Vec::<String>::new());
    assert_eq!(search_folder(folder.path(), &needles), Vec::<String>::new());
}
