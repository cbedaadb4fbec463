//! `softpos receipt`: a slip of the folder, once more.

use serde_json::{Map, json};
use softpos_terminal::{HistoryQuery, Terminal};
use softpos_types::{Language, PaymentKey};

use crate::args::ReceiptArguments;
use crate::data_dir::DataDir;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::out::{Out, object};
use crate::slip::{Wish, deliver, paper};
use crate::till::open_terminal;
use crate::till::which::which;

/// Prints it with the duplicate mark and counts it.
pub(crate) fn run(
    arguments: &ReceiptArguments,
    language: Option<Language>,
    data: &DataDir,
    out: Out,
) -> Result<Exit, Failure> {
    if !data.till().exists() {
        return Err(Failure::Said {
            key: "till-no-folder",
            about: data.path().display().to_string(),
        });
    }
    let terminal = open_terminal(data, out.texts().language(), None)?;
    let wish = Wish {
        copy: arguments.copy,
        language,
        format: arguments.format,
        file: arguments.out.clone(),
    };
    let printed = print(&terminal, &arguments.id, &wish, out);
    terminal.shutdown();
    printed
}

fn print(terminal: &Terminal, id: &str, wish: &Wish, out: Out) -> Result<Exit, Failure> {
    let all = terminal.history(&HistoryQuery::default())?;
    let keys: Vec<(PaymentKey, u32)> = all
        .iter()
        .map(|payment| (payment.key, payment.stan.value()))
        .collect();
    let key = which(&keys, id)?;
    let paper = paper(wish.language, true);
    let slip = terminal.receipt_file(key, wish.copy.into(), paper, wish.format.into())?;
    let members = deliver(out, &slip, wish)?;
    if out.is_json() {
        let mut answer = Map::new();
        answer.insert("key".to_owned(), json!(key.to_string()));
        answer.extend(members.into_iter().map(|(name, value)| (name.to_owned(), value)));
        object(&answer);
    }
    Ok(Exit::Done)
}
