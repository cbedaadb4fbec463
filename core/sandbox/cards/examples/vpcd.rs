//! A software card in the virtual reader of vsmartcard (Debian: `vsmartcard-vpcd`), for programs that read cards
//! over PC/SC:
//!
//! ```text
//! cargo run -p softpos-cards --example vpcd -- 35963 visa-offline
//! ```
//!
//! The card stays in the reader until this program ends. A card that is pulled away leaves, and comes back a moment
//! later. Given a third argument, hexadecimal, the reader is told that answer to reset instead of a contactless
//! card's. The driver asks over TCP, each message with its length in two bytes before it, high byte first: one byte is
//! an order to the card's power or the question for its answer to reset, more are a command.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program")]

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use softpos_cards::{CardGone, Presence, SoftCard, Wallet};

const DEFAULT_PORT: u16 = 35963;

/// As every reader shows a contactless card without historical bytes (PC/SC part 3): T=1, at the second place.
const CONTACTLESS: &[u8] = &[0x3B, 0x80, 0x80, 0x01, 0x01];

const POWER_OFF: u8 = 0;
const POWER_ON: u8 = 1;
const RESET: u8 = 2;
const ANSWER_TO_RESET: u8 = 4;

/// The driver looks for a card several times a second: long enough away to be missed.
const AWAY: Duration = Duration::from_secs(2);

/// The driver may not be up yet.
const TRIES: u32 = 50;
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let port = words.next().map_or(Some(DEFAULT_PORT), |word| word.parse().ok());
    let id = words.next().unwrap_or_else(|| String::from("visa-approved"));
    let answer_to_reset = words
        .next()
        .map_or_else(|| Some(CONTACTLESS.to_vec()), |word| hex::decode(word).ok());
    let mut wallet = Wallet::new();
    let (Some(port), Some(card), Some(answer_to_reset)) = (port, wallet.card(&id), answer_to_reset) else {
        eprintln!("usage: vpcd [PORT [CARD [ANSWER-TO-RESET]]]");
        return ExitCode::from(2);
    };
    loop {
        match connect(port).and_then(|reader| serve(reader, card, &answer_to_reset)) {
            Ok(()) => {
                println!("{id} left the reader");
                sleep(AWAY);
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("the reader at port {port}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
}

fn connect(port: u16) -> io::Result<TcpStream> {
    let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    for _ in 1..TRIES {
        match connect() {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => sleep(BETWEEN_TRIES),
            connected => return connected,
        }
    }
    connect()
}

/// Answers the reader until the card leaves. A reader that hangs up is an `UnexpectedEof`.
fn serve(mut reader: TcpStream, card: &mut SoftCard, answer_to_reset: &[u8]) -> io::Result<()> {
    reader.set_nodelay(true)?;
    loop {
        match *heard(&mut reader)?.as_slice() {
            [POWER_OFF] => card.remove(),
            [POWER_ON | RESET] => {
                card.remove();
                if card.present() == Presence::Collision {
                    return Ok(());
                }
            }
            [ANSWER_TO_RESET] => say(&mut reader, answer_to_reset)?,
            ref command => match card.transmit(command) {
                Ok(answer) => {
                    sleep(Duration::from_micros(card.delay_us().into()));
                    say(&mut reader, &answer)?;
                }
                Err(CardGone) => return Ok(()),
            },
        }
    }
}

fn heard(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    reader.read_exact(&mut length)?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    reader.read_exact(&mut message)?;
    Ok(message)
}

fn say(reader: &mut impl Write, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(|_| ErrorKind::InvalidData)?;
    reader.write_all(&[&length.to_be_bytes(), message].concat())
}
