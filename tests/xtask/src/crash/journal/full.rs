//! The disk is full for a while, or fails: what is refused was never promised, and afterwards everything goes on.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use softpos_store::{Act, StoreError, unwatch, watch};

use super::story::Story;
use super::verdict::{Verdict, append, look, open, take_over};
use crate::crash::random::Random;

pub(super) fn disk_full(dir: &Path, random: &mut Random) -> Result<Verdict, String> {
    let seed = random.below(1 << 32);
    let mut till = open(dir, seed)?;
    let mut story = Story::new(seed);
    append(&mut till, &mut story, 10 + random.below(90))?;
    if random.below(2) == 0 {
        // With a reserve, which the first full write is given.
        till.store.sync_background().map_err(|error| error.to_string())?;
    }
    // So many acts go well, then so many fail.
    let well = Arc::new(AtomicI64::new(i64::try_from(random.below(30)).unwrap_or(0)));
    let bad = i64::try_from(1 + random.below(12)).unwrap_or(1);
    let kind = if random.below(3) == 0 {
        io::ErrorKind::Other
    } else {
        io::ErrorKind::StorageFull
    };
    let left = Arc::clone(&well);
    watch(move |act| {
        // A watermark that cannot be written fails nothing.
        let counts = !matches!(&act, Act::Write { file, .. } | Act::Sync { file } if file == "head");
        let turn = if counts {
            left.fetch_sub(1, Ordering::Relaxed)
        } else {
            1
        };
        if (1 - bad..=0).contains(&turn) {
            Err(kind.into())
        } else {
            Ok(())
        }
    });
    let outcome = through_it(&mut till, &mut story, kind);
    unwatch();
    let acknowledged = outcome?;
    let flushed = append(&mut till, &mut story, 10)?;
    drop(till);
    look(dir, seed, acknowledged.max(flushed), false)
}

/// Goes on appending; what was refused is tried again with the same content.
fn through_it(
    till: &mut super::verdict::Open,
    story: &mut Story,
    kind: io::ErrorKind,
) -> Result<u64, String> {
    let mut acknowledged = story.sequence;
    for _ in 0..40 {
        let entry = story.next();
        let bytes = entry.to_bytes();
        let mut tries = 0;
        let position = loop {
            match till.store.append(entry.kind(), &bytes, None) {
                Ok(position) if position.sequence == story.sequence => break position,
                Ok(position) => return Err(format!("{} became {}", story.sequence, position.sequence)),
                Err(StoreError::Full) if kind == io::ErrorKind::StorageFull => {}
                Err(StoreError::Unreadable(_)) if kind != io::ErrorKind::StorageFull => {}
                Err(error) => return Err(format!("not the error of a full disk: {error}")),
            }
            tries += 1;
            if tries > 20 {
                return Err("the disk has room again, and nothing can be written".to_owned());
            }
        };
        take_over(till, entry, &position);
        acknowledged = story.sequence;
    }
    Ok(acknowledged)
}
