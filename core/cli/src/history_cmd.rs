//! `softpos history`: what the folder holds.

use softpos_terminal::read_history;

use crate::data_dir::DataDir;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::Payment;
use crate::out::{Out, object};
use crate::till::{hardware, listing};

/// Lists every payment, in JSON one a line. A till may be running on the folder.
pub(crate) fn run(data: &DataDir, out: Out) -> Result<Exit, Failure> {
    if !data.till().exists() {
        return Err(Failure::Said {
            key: "till-no-folder",
            about: data.path().display().to_string(),
        });
    }
    let payments = read_history(&data.till(), &*hardware(data)?)?;
    if out.is_json() {
        for payment in &payments {
            object(&Payment::from(payment));
        }
    } else {
        listing::list(out, &payments);
    }
    Ok(Exit::Done)
}
