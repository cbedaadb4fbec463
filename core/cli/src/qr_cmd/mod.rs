//! `softpos qr`: reading a code from a picture, drawing one, saying what one means.

mod explain;

use std::fs;
use std::path::Path;

use serde_json::json;
use softpos_qr::render::{Dress, Purpose, Symbol};
use softpos_qr::scan;

use crate::args::{QrCommand, QrPurpose, QrShowArguments};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::out::{DIM, Out, PLAIN, object};
use crate::till::render;

/// Does what is asked of codes. No till and no host is needed.
pub(crate) fn run(command: &QrCommand, out: Out) -> Result<Exit, Failure> {
    match command {
        QrCommand::Read { file } => {
            let text = read(file)?;
            out.line(PLAIN, &text);
            // What was asked for is there, whether or not it is a payment code.
            explain::explain(&text, true, out);
            Ok(Exit::Done)
        }
        QrCommand::Explain { text } => Ok(explain::explain(text, false, out)),
        QrCommand::Show(show) => draw(show, out),
    }
}

/// The text of the code in a picture.
pub(crate) fn read(file: &Path) -> Result<String, Failure> {
    let bytes = fs::read(file).map_err(|error| about(file, &error.to_string()))?;
    scan::read_picture(&bytes).map_err(|error| about(file, &error.to_string()))
}

fn draw(show: &QrShowArguments, out: Out) -> Result<Exit, Failure> {
    let logo = match &show.logo {
        Some(file) => Some(fs::read(file).map_err(|error| about(file, &error.to_string()))?),
        None => None,
    };
    let purpose = match (show.purpose, &logo) {
        (_, Some(_)) => Purpose::Logo,
        (QrPurpose::Screen, None) => Purpose::Screen,
        (QrPurpose::Print, None) => Purpose::Print,
    };
    let symbol = Symbol::new(&show.text, purpose).map_err(|error| Failure::Said {
        key: "qr-not-drawn",
        about: error.to_string(),
    })?;
    let caption: Vec<&str> = show.caption.iter().map(String::as_str).collect();
    let dress = Dress {
        module_px: show.module_px,
        logo: logo.as_deref(),
        caption: &caption,
    };
    let Some(file) = &show.out else {
        return Ok(on_terminal(&symbol, &show.text, out));
    };
    let is_svg = file
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("svg"));
    let picture = if is_svg {
        symbol.svg(&dress).into_bytes()
    } else {
        symbol
            .png(&dress)
            .map_err(|error| about(file, &error.to_string()))?
    };
    fs::write(file, picture).map_err(|error| about(file, &error.to_string()))?;
    let (version, name) = (symbol.version().to_string(), file.display().to_string());
    if out.is_json() {
        object(&json!({ "version": symbol.version(), "side": symbol.side(), "file": name }));
    }
    out.say(DIM, "qr-drawn", &[("version", &version), ("file", &name)]);
    Ok(Exit::Done)
}

fn on_terminal(symbol: &Symbol, text: &str, out: Out) -> Exit {
    if out.is_json() {
        let rows: Vec<String> = (0..symbol.side())
            .map(|y| {
                (0..symbol.side())
                    .map(|x| if symbol.is_dark(x, y) { '1' } else { '0' })
                    .collect()
            })
            .collect();
        object(&json!({ "version": symbol.version(), "side": symbol.side(), "modules": rows, "text": text }));
    }
    for row in render::rows(symbol, render::has_colours()) {
        out.line(PLAIN, &row);
    }
    Exit::Done
}

fn about(file: &Path, what: &str) -> Failure {
    Failure::Said {
        key: "qr-no-picture",
        about: format!("{}: {what}", file.display()),
    }
}
