//! Slips that leave the program: into files, into a pipe, onto the screen.

use std::fs;
use std::io::{IsTerminal, Write, stdout};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use serde_json::{Value, json};
use softpos_terminal::{Columns, Format, Paper, Rendered};
use softpos_types::Language;

use crate::failure::Failure;
use crate::out::{DIM, Out, PLAIN, WARN};
use crate::picture;

/// Which copy of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Copy {
    /// Stays with the merchant; carries the signature
    Merchant,
    /// Goes with the customer
    Customer,
}

/// A form of a receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SlipFormat {
    /// Plain text
    #[default]
    Text,
    /// A picture
    Png,
    /// Bytes for a printer, GB18030
    Escpos,
    /// Bytes for a printer that reads UTF-8
    EscposUtf8,
    /// A page
    Html,
    /// A page of paper
    Pdf,
}

/// How somebody wants a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) copy: Copy,
    pub(crate) language: Option<Language>,
    pub(crate) format: SlipFormat,
    /// The file to write; otherwise it is shown.
    pub(crate) file: Option<PathBuf>,
}

impl From<Copy> for softpos_terminal::Copy {
    fn from(copy: Copy) -> Self {
        match copy {
            Copy::Merchant => Self::Merchant,
            Copy::Customer => Self::Cardholder,
        }
    }
}

impl From<SlipFormat> for Format {
    fn from(format: SlipFormat) -> Self {
        match format {
            SlipFormat::Text => Self::Text,
            SlipFormat::Png => Self::Png,
            SlipFormat::Escpos => Self::EscPos,
            SlipFormat::EscposUtf8 => Self::EscPosUtf8,
            SlipFormat::Html => Self::Html,
            SlipFormat::Pdf => Self::Pdf,
        }
    }
}

impl SlipFormat {
    const fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Html)
    }
}

impl Wish {
    /// The customer's copy as text on the screen.
    pub(crate) const fn text(copy: Copy) -> Self {
        Self {
            copy,
            language: None,
            format: SlipFormat::Text,
            file: None,
        }
    }
}

/// A slip for the narrow roll.
pub(crate) const fn paper(language: Option<Language>, reprint: bool) -> Paper {
    Paper {
        language,
        columns: Columns::Narrow,
        reprint,
    }
}

/// Writes the file or shows the slip, and gives what programs read of it.
pub(crate) fn deliver(out: Out, slip: &Rendered, wish: &Wish) -> Result<Vec<(&'static str, Value)>, Failure> {
    let mut members = Vec::new();
    if let Some(file) = &wish.file {
        write(file, &slip.bytes)?;
        let name = file.display().to_string();
        out.say(DIM, "till-slip-written", &[("file", &name)]);
        members.push(("file", json!(name)));
    } else if wish.format.is_text() {
        let text = String::from_utf8_lossy(&slip.bytes).into_owned();
        show_text(out, &text);
        members.push(("receipt", json!(text)));
    } else if out.is_json() {
        members.push(("bytes", json!(STANDARD.encode(&slip.bytes))));
    } else {
        show_bytes(slip, wish.format)?;
    }
    if !slip.missing.is_empty() {
        out.say(WARN, "till-slip-missing", &[("characters", &slip.missing)]);
        members.push(("missing", json!(slip.missing)));
    }
    Ok(members)
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(file, bytes).map_err(|error| Failure::Said {
        key: "till-slip-not-written",
        about: format!("{}: {error}", file.display()),
    })
}

fn show_text(out: Out, text: &str) {
    out.line(DIM, &"-".repeat(32));
    for row in text.lines() {
        out.line(PLAIN, row);
    }
    out.line(DIM, &"-".repeat(32));
}

/// Bytes go into a pipe as they are; on a screen only a picture is of use, where it can be shown.
fn show_bytes(slip: &Rendered, format: SlipFormat) -> Result<(), Failure> {
    let mut screen = stdout().lock();
    if !screen.is_terminal() {
        drop(screen.write_all(&slip.bytes).and_then(|()| screen.flush()));
        return Ok(());
    }
    let protocol = picture::protocol().filter(|_| format == SlipFormat::Png);
    let shown = protocol.and_then(|protocol| protocol.show(&slip.bytes));
    let shown = shown.ok_or_else(|| Failure::Said {
        key: "till-slip-needs-out",
        about: String::new(),
    })?;
    drop(screen.write_all(&shown).and_then(|()| screen.flush()));
    Ok(())
}
