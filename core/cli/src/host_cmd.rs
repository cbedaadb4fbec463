//! `softpos host`: the reference host alone, and its books.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use softpos_acquirer::{Host, HostConfig, HostError, LedgerRow, read_ledger};
use softpos_text::words;
use softpos_types::Money;
use tokio::runtime::Runtime;

use crate::args::HostArguments;
use crate::columns::{cut, left, of_terminal, right};
use crate::data_dir::DataDir;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::out::{DIM, HEAD, Out, PLAIN, object};
use crate::till::listing;

/// Serves until Ctrl-C.
pub(crate) fn serve(
    arguments: &HostArguments,
    data: &DataDir,
    out: Out,
    runtime: &Runtime,
) -> Result<Exit, Failure> {
    data.create()?;
    let config = HostConfig {
        listen: arguments.listen,
        faults: arguments.fault.clone(),
        log: Some(Arc::new(move |line: &str| out.line(DIM, line))),
        ..HostConfig::new(data.host())
    };
    runtime.block_on(async {
        let host = Host::start(config)
            .await
            .map_err(|error| refused(error, arguments.listen))?;
        let code = host.issue_activation_code().await?;
        announce(&host, &code.to_string(), &host.activation_uri(&code), out);
        // Without a signal handler there is nothing to wait for: the host serves until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        host.shutdown().await;
        Ok(Exit::Interrupted)
    })
}

fn refused(error: HostError, listen: SocketAddr) -> Failure {
    match &error {
        HostError::Io(cause) if cause.kind() == ErrorKind::AddrInUse => Failure::Said {
            key: "till-port-taken",
            about: listen.to_string(),
        },
        HostError::InUse(_)
        | HostError::Newer { .. }
        | HostError::Older { .. }
        | HostError::Damaged(_)
        | HostError::Io(_)
        | HostError::Database(_) => error.into(),
    }
}

fn announce(host: &Host, code: &str, uri: &str, out: Out) {
    let texts = out.texts();
    for (key, value) in [
        ("host-address", host.url().as_str()),
        ("host-pin", host.pin().as_str()),
        ("host-code", code),
        ("host-uri", uri),
    ] {
        out.line(PLAIN, &format!("{}  {value}", left(&texts.get(key), 16)));
    }
    let till = format!(
        "softpos till --host {} --pin {} --activate {code}",
        host.url(),
        host.pin()
    );
    out.say(DIM, "host-try", &[("command", &till)]);
    if out.is_json() {
        object(&serde_json::json!({
            "address": host.url(),
            "pin": host.pin(),
            "code": code,
            "activation": uri,
        }));
    }
}

/// Lists the books, in JSON a row a line; the host need not run.
pub(crate) fn ledger(data: &DataDir, out: Out, runtime: &Runtime) -> Result<Exit, Failure> {
    if !data.host().exists() {
        return Err(Failure::Said {
            key: "till-no-folder",
            about: data.host().display().to_string(),
        });
    }
    let rows = runtime.block_on(read_ledger(&data.host()))?;
    for row in &rows {
        if out.is_json() {
            object(row);
        } else {
            out.line(PLAIN, &cut(&line(out, row), of_terminal()));
        }
    }
    let booked = rows
        .iter()
        .map(|row| row.booked_minor)
        .fold(0, i64::saturating_add);
    if let Some(row) = rows.first() {
        let sum = words::display(Money::new(booked, row.currency));
        out.say(HEAD, "host-booked", &[("amount", &sum)]);
    }
    Ok(Exit::Done)
}

fn line(out: Out, row: &LedgerRow) -> String {
    let texts = out.texts();
    let state = serde_json::to_value(row.state).ok();
    [
        row.batch.to_string(),
        row.stan.to_string(),
        row.key.to_string(),
        left(&listing::operation_name(texts, row.operation), 8),
        left(&listing::method_name(texts, row.method), 6),
        right(&words::display(Money::new(row.amount_minor, row.currency)), 12),
        state
            .as_ref()
            .and_then(|state| state.as_str())
            .unwrap_or_default()
            .to_owned(),
    ]
    .join("  ")
}
