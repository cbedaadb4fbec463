//! `softpos demo`: the whole story unattended, on real parts, and at its end both ledgers beside each other.

mod ledgers;
mod plan;
mod random;
mod reconcile;
mod story;
mod table;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use softpos_acquirer::LocalHost;
use softpos_types::PaymentKey;
use tokio::runtime::Runtime;

use crate::data_dir::{DataDir, unreadable};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupts;
use crate::out::{BAD, DIM, GOOD, HEAD, Out, object};
use crate::sandbox::start_host;
use crate::till::driver::Driver;
use crate::till::open_terminal;
use crate::till::pocket::Pocket;
use reconcile::{Counts, Reconciliation};
use story::Story;

/// Tells the story of a seed and reconciles.
pub(crate) fn run(seed: u64, given: Option<&Path>, out: Out, runtime: &Runtime) -> Result<Exit, Failure> {
    let home = Home::choose(given)?;
    // Nobody asks for Ctrl-C here: it ends the program at once.
    let temporary = home.temporary.clone();
    Interrupts::watch(runtime, move || remove(temporary.as_deref()));
    home.data.create()?;
    out.say(HEAD, "demo-title", &[("seed", &seed.to_string())]);
    out.say(
        DIM,
        "demo-folder",
        &[("folder", &home.data.path().display().to_string())],
    );
    let host = start_host(&home.data.host())?;
    let told = tell(seed, &home.data, &host, out);
    host.shutdown();
    let counts = told?;
    if out.is_json() {
        object(&counts);
    }
    Ok(if counts.reconciled {
        Exit::Done
    } else {
        Exit::Failure
    })
}

fn tell(seed: u64, data: &DataDir, host: &LocalHost, out: Out) -> Result<Counts, Failure> {
    let terminal = open_terminal(data, out.texts().language(), Some(host))?;
    let driver = Driver::new(terminal, Pocket::open(data.cards())?, Interrupts::default());
    let mut story = Story::new(driver, host, out);
    let counts = tell_and_count(seed, &mut story, host, out);
    story.end();
    counts
}

fn tell_and_count(seed: u64, story: &mut Story<'_>, host: &LocalHost, out: Out) -> Result<Counts, Failure> {
    story.activate()?;
    story.resolve_leftovers()?;
    let before: BTreeSet<PaymentKey> = ledgers::till(story.terminal())?
        .iter()
        .chain(&ledgers::host(host)?)
        .map(|row| row.key)
        .collect();
    for chapter in plan::plan(seed) {
        story.tell(&chapter)?;
    }
    let (till, booked) = (ledgers::till(story.terminal())?, ledgers::host(host)?);
    let result = Reconciliation::of(&till, &booked);
    let counts = result.count(&till, &booked, &before);
    table::print(out, &result, &counts, story.currency()?);
    let (style, key) = if counts.reconciled {
        (GOOD, "demo-reconciled")
    } else {
        (BAD, "demo-not-reconciled")
    };
    out.say(style, key, &[("count", &till.len().to_string())]);
    Ok(counts)
}

/// The names of the chapters.
#[cfg(test)]
pub(crate) fn chapters() -> impl Iterator<Item = &'static str> {
    plan::plan(0).into_iter().map(|chapter| chapter.name)
}

/// Where the demonstration lives: the given folder, or one of its own that goes with it.
struct Home {
    data: DataDir,
    temporary: Option<PathBuf>,
}

impl Home {
    fn choose(given: Option<&Path>) -> Result<Self, Failure> {
        if let Some(given) = given {
            return Ok(Self {
                data: DataDir::choose(Some(given))?,
                temporary: None,
            });
        }
        let name = format!("softpos-demo-{}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        // Somebody else's folder is never taken over.
        std::fs::create_dir(&dir).map_err(|error| unreadable(&dir, &error))?;
        Ok(Self {
            data: DataDir::choose(Some(&dir))?,
            temporary: Some(dir),
        })
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        remove(self.temporary.as_deref());
    }
}

/// A folder that cannot be removed is left to the system.
fn remove(temporary: Option<&Path>) {
    if let Some(dir) = temporary {
        drop(std::fs::remove_dir_all(dir));
    }
}
