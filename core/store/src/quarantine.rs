//! Copies of what cannot be read, for whoever is asked to save it. The originals stay where they are.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::files::{Layout, make_private_dir, private_file};
use crate::report::Finding;

/// All copies together take no more than this.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// Copies each unreadable range once. What cannot be copied is in the report all the same.
pub(crate) fn keep(layout: &Layout, findings: &[Finding]) {
    let mut left = MOST_BYTES.saturating_sub(size(layout));
    for finding in findings {
        if let Finding::Unreadable {
            segment,
            offset,
            bytes,
            ..
        } = finding
            && *bytes <= left
            && matches!(copy(layout, *segment, *offset, *bytes), Ok(true))
        {
            left = left.saturating_sub(*bytes);
        }
    }
}

/// Says whether a copy was made; there may be one already.
fn copy(layout: &Layout, segment: u32, offset: u64, bytes: u64) -> io::Result<bool> {
    make_private_dir(&layout.quarantine())?;
    let path = layout.quarantine().join(format!("{segment:08}.{offset}"));
    let mut to = match private_file().create_new(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(error),
    };
    let mut from = File::open(layout.segment(segment))?;
    from.seek(SeekFrom::Start(offset))?;
    let copied = io::copy(&mut from.take(bytes), &mut to).and_then(|_| to.flush());
    if copied.is_err() {
        drop(fs::remove_file(&path));
    }
    copied.map(|()| true)
}

fn size(layout: &Layout) -> u64 {
    let entries = fs::read_dir(layout.quarantine()).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.metadata().ok())
        .map(|file| file.len())
        .sum()
}
