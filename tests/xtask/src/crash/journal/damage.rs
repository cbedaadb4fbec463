//! Bytes that go wrong on a disk that lies still: a record may be gone, but never in silence.

use std::fs;
use std::path::{Path, PathBuf};

use super::story::Story;
use super::verdict::{Verdict, append, look, open};
use crate::crash::random::Random;

const PAGE: usize = 4096;
const BLOCK: usize = 512;

/// A folder with some days in it, closed.
fn filled(dir: &Path, random: &mut Random) -> Result<(u64, u64), String> {
    let seed = random.below(1 << 32);
    let mut open = open(dir, seed)?;
    let mut story = Story::new(seed);
    let acknowledged = append(&mut open, &mut story, 40 + random.below(200))?;
    if random.below(2) == 0 {
        open.store.sync_background().map_err(|error| error.to_string())?;
    }
    Ok((seed, acknowledged))
}

pub(super) fn flipped_bit(dir: &Path, random: &mut Random) -> Result<Verdict, String> {
    damaged(dir, random, |bytes, random| {
        let at = place(bytes.len(), random);
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << random.below(8);
        }
    })
}

pub(super) fn zeroed_block(dir: &Path, random: &mut Random) -> Result<Verdict, String> {
    damaged(dir, random, |bytes, random| {
        let at = place(bytes.len(), random) / BLOCK * BLOCK;
        let end = (at + BLOCK).min(bytes.len());
        if let Some(block) = bytes.get_mut(at..end) {
            block.fill(0);
        }
    })
}

pub(super) fn cut_tail(dir: &Path, random: &mut Random) -> Result<Verdict, String> {
    damaged(dir, random, |bytes, random| {
        let at = place(bytes.len(), random);
        bytes.truncate(at);
    })
}

/// Does something to one of the store's own files.
fn damaged(
    dir: &Path,
    random: &mut Random,
    harm: impl FnOnce(&mut Vec<u8>, &mut Random),
) -> Result<Verdict, String> {
    let (seed, acknowledged) = filled(dir, random)?;
    let words = |error: std::io::Error| error.to_string();
    let mut files = files_of(&dir.join("journal"))?;
    files.push(dir.join("head"));
    let path = random.pick(&files).ok_or("the store has no files")?;
    let mut bytes = fs::read(&path).map_err(words)?;
    harm(&mut bytes, random);
    fs::write(&path, &bytes).map_err(words)?;
    look(dir, seed, acknowledged, true)
}

/// sled's folder is torn: nothing of the journal may be missed, and the index counts again.
pub(super) fn torn_index(dir: &Path, random: &mut Random) -> Result<Verdict, String> {
    let (seed, first) = filled(dir, random)?;
    let older = dir.with_extension("older");
    copy_folder(&dir.join("index"), &older.join("index"))?;
    let mut again = open(dir, seed)?;
    let mut story = Story::until(seed, first);
    let acknowledged = append(&mut again, &mut story, 1 + random.below(60))?;
    drop(again);
    tear_index(&dir.join("index"), &older.join("index"), random)?;
    look(dir, seed, acknowledged, false)
}

/// Takes a part of the journal and the watermark back together, as no program of ours does: the judge must see it.
#[cfg(test)]
pub(super) fn forgotten(dir: &Path, random: &mut Random) -> Result<Verdict, String> {
    let seed = random.below(1 << 32);
    let mut first = open(dir, seed)?;
    let mut story = Story::new(seed);
    append(&mut first, &mut story, 20)?;
    drop(first);
    let older = dir.with_extension("older");
    copy_folder(dir, &older)?;
    let mut again = open(dir, seed)?;
    let mut story = Story::until(seed, 20);
    let acknowledged = append(&mut again, &mut story, 5)?;
    drop(again);
    look(&older, seed, acknowledged, false)
}

/// Pages of an older state among the new ones, a file cut, or one gone.
pub(super) fn tear_index(index: &Path, older: &Path, random: &mut Random) -> Result<(), String> {
    let words = |error: std::io::Error| error.to_string();
    for path in files_of(index)? {
        match random.below(6) {
            0 => fs::remove_file(&path).map_err(words)?,
            1 => {
                let mut bytes = fs::read(&path).map_err(words)?;
                bytes.truncate(place(bytes.len(), random));
                fs::write(&path, bytes).map_err(words)?;
            }
            2 | 3 => {
                let before = path
                    .file_name()
                    .and_then(|name| fs::read(older.join(name)).ok())
                    .unwrap_or_default();
                let mut bytes = fs::read(&path).map_err(words)?;
                for (new, old) in bytes.chunks_mut(PAGE).zip(before.chunks(PAGE)) {
                    if random.below(2) == 0 {
                        new.iter_mut().zip(old).for_each(|(to, from)| *to = *from);
                    }
                }
                fs::write(&path, bytes).map_err(words)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Copies the files of a folder, and of the folders in it.
pub(super) fn copy_folder(from: &Path, to: &Path) -> Result<(), String> {
    let words = |error: std::io::Error| error.to_string();
    fs::create_dir_all(to).map_err(words)?;
    for entry in fs::read_dir(from).map_err(words)? {
        let entry = entry.map_err(words)?;
        let target = to.join(entry.file_name());
        if entry.file_type().map_err(words)?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target).map_err(words)?;
        }
    }
    Ok(())
}

fn files_of(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(dir).map_err(|error| error.to_string())?;
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    Ok(files)
}

fn place(length: usize, random: &mut Random) -> usize {
    usize::try_from(random.below(u64::try_from(length).unwrap_or(0).max(1))).unwrap_or(0)
}
