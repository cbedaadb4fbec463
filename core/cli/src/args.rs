//! What can be asked of the program on its command line. What a person reads about it is told by [`crate::usage`].

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use softpos_acquirer::FaultSpec;
use softpos_types::Language;

use crate::slip::{Copy, SlipFormat};

/// A soft-POS till in the terminal: software cards, payment codes, cash, offline queue, receipts.
///
/// Without a command it starts a sandbox host and opens a till on it. When standard input is no terminal, the
/// till reads the same commands line by line; `help` in the till lists them.
#[derive(Debug, Parser)]
#[command(name = "softpos", version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// What every command understands.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Folder for everything that is kept (default: the platform's data folder; of the demo: a temporary one)
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data: Option<PathBuf>,
    /// Language: zh or en (default: from the environment)
    #[arg(long, value_name = "LANG", global = true, value_parser = parse_language)]
    pub(crate) lang: Option<Language>,
    /// Answer with one JSON object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Speak what the till says, with espeak-ng or with say of macOS
    #[arg(long, global = true)]
    pub(crate) voice: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the reference host alone
    Host(HostArguments),
    /// Open a till on any host
    Till(TillArguments),
    /// Tell the whole story unattended and reconcile both ledgers
    Demo(DemoArguments),
    /// Read a payment code from a picture, draw one, say what one means
    Qr(QrArguments),
    /// List every payment that the data folder holds; a till may be running on it
    History,
    /// Print the slip of a payment once more
    ///
    /// It carries the duplicate mark and is counted, so no till may be running on the folder. A picture is shown where the
    /// terminal can show pictures; other bytes go into a file or a pipe.
    Receipt(ReceiptArguments),
    /// Hold one card to the reader, without a payment around it: a software card, or a real one
    Tap(TapArguments),
    /// Run a recorded tap again and compare every step
    Replay(ReplayArguments),
    /// Check the till's journal
    Ledger {
        /// What to do
        #[command(subcommand)]
        command: LedgerCommand,
    },
    /// Write everything the data folder holds into a file that a passphrase opens
    ///
    /// The passphrase is asked for twice and not shown; for scripts it comes from `SOFTPOS_PASSPHRASE` or is the first
    /// line of the standard input. A till may be running on the folder. An interrupted backup goes on where it was. The
    /// file has the records and what is needed to check them, and no payment key.
    Backup {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Read a backup's payments into an empty data folder
    ///
    /// They are history: they can be listed, printed and refunded, and are never sent again. The till has to be activated
    /// anew. The passphrase is asked for and not shown; for scripts it comes as for a backup.
    Restore {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Check every record's seal and place, the totals and the heads that the device signed
    ///
    /// Names the first wrong record; the exit code is 0 if nothing is wrong and 1 if something is. Nothing is changed, no
    /// host is asked, and a till may be running on the folder. The passphrase of a backup is asked for, or comes as for
    /// `softpos backup`.
    Verify {
        /// A data folder or a backup (default: the data folder)
        #[arg(value_name = "FOLDER|FILE")]
        path: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ReceiptArguments {
    /// Voucher number, beginning or end of the payment's key, or `last`
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// The form
    #[arg(long, value_enum, default_value_t = SlipFormat::Text)]
    pub(crate) format: SlipFormat,
    /// Whose copy
    #[arg(long, value_enum, default_value_t = Copy::Customer)]
    pub(crate) copy: Copy,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct QrArguments {
    #[command(subcommand)]
    pub(crate) command: QrCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum QrCommand {
    /// Read the code in a PNG or JPEG and explain it
    Read {
        /// The picture
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Draw a text as a code: in the terminal, or as PNG or SVG
    Show(QrShowArguments),
    /// Say what a code's text means: its fields, its profile, the rules it breaks
    Explain {
        /// The text behind the code
        #[arg(value_name = "TEXT")]
        text: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct QrShowArguments {
    /// The text behind the code
    #[arg(value_name = "TEXT")]
    pub(crate) text: String,
    /// Where to, by its ending `.svg` or `.png` (default: the terminal)
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Where it will be seen
    #[arg(long, value_enum, default_value_t = QrPurpose::Screen)]
    pub(crate) purpose: QrPurpose,
    /// A PNG for the middle
    #[arg(long, value_name = "FILE", requires = "out")]
    pub(crate) logo: Option<PathBuf>,
    /// A line under the code, SVG only; may be given more than once
    #[arg(long, value_name = "TEXT", requires = "out")]
    pub(crate) caption: Vec<String>,
    /// Pixels of a module's side
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=32))]
    pub(crate) module_px: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum QrPurpose {
    /// On a screen
    Screen,
    /// On paper
    Print,
}

/// The reference host: prints its address, its pin and a fresh activation code, then serves until Ctrl-C.
#[derive(Debug, Args)]
pub(crate) struct HostArguments {
    /// Address to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    pub(crate) listen: SocketAddr,
    /// What shall go wrong, as `drop-after@transactions:1/3`
    #[arg(long, value_name = "SPEC", default_value = "off")]
    pub(crate) fault: FaultSpec,
    #[command(subcommand)]
    pub(crate) command: Option<HostCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HostCommand {
    /// List the host's books; the host need not run
    Ledger,
}

/// The first start needs all three options; afterwards the till knows its host.
#[derive(Debug, Args)]
pub(crate) struct TillArguments {
    /// The host's address, as `https://127.0.0.1:8443`
    #[arg(long, value_name = "URL", requires = "pin", requires = "activate")]
    pub(crate) host: Option<String>,
    /// The host's certificate pin
    #[arg(long, value_name = "PIN", requires = "host")]
    pub(crate) pin: Option<String>,
    /// The activation code
    #[arg(long, value_name = "CODE", requires = "host")]
    pub(crate) activate: Option<String>,
}

/// Shows every command and every answer, without card data. Neither till nor host is needed, and nothing is paid.
#[derive(Debug, Args)]
pub(crate) struct TapArguments {
    /// Which card; `cards` in the till lists them
    #[arg(value_name = "CARD", default_value = "visa-approved")]
    pub(crate) card: String,
    /// Read a real card instead, at the PC/SC reader with this in its name, or at the only one
    #[arg(
        long,
        value_name = "NAME",
        num_args = 0..=1,
        default_missing_value = "",
        conflicts_with = "card"
    )]
    pub(crate) reader: Option<String>,
    /// The amount
    #[arg(long, value_name = "AMOUNT", default_value = "12.50")]
    pub(crate) amount: String,
    /// Write the tap down, without card data, to be replayed
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    /// A recording made by `softpos tap --record`
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// Picks amounts, cards and faults
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
}

fn parse_language(text: &str) -> Result<Language, String> {
    Language::ALL
        .into_iter()
        .find(|language| language.code() == text)
        .ok_or_else(|| String::from("zh or en"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_holds() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn options_stand_before_and_behind_the_command() {
        let parsed =
            Arguments::try_parse_from(["softpos", "--json", "host", "ledger", "--data", "x"]).unwrap();
        assert!(parsed.common.json && parsed.common.data == Some(PathBuf::from("x")));
        let Some(Command::Host(host)) = parsed.command else {
            panic!("host");
        };
        assert!(matches!(host.command, Some(HostCommand::Ledger)));
    }

    #[test]
    fn wrong_usage_is_refused() {
        for words in [
            &["softpos", "sell"][..],
            &["softpos", "--lang", "fr"],
            &["softpos", "till", "--host", "https://127.0.0.1:1"],
            &["softpos", "till", "--activate", "123"],
            &["softpos", "host", "--fault", "explode"],
            &["softpos", "demo", "--seed", "x"],
            &["softpos", "qr"],
            &["softpos", "receipt"],
            &["softpos", "tap", "visa-pin", "--reader"],
            &["softpos", "receipt", "last", "--format", "gif"],
            &["softpos", "qr", "show", "x", "--logo", "y.png"],
        ] {
            assert!(Arguments::try_parse_from(words).is_err(), "{words:?}");
        }
    }
}
