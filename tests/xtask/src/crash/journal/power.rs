//! A power cut: of the store's own files everything that was synced stays, and what was not is dropped, kept in part,
//! or lands page by page in any order; of sled's folder, which promises nothing, the pages are mixed with older ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use softpos_store::{Act, unwatch, watch};

use super::damage::{copy_folder, tear_index};
use super::story::Story;
use super::verdict::{Verdict, append, look, open};
use crate::crash::random::Random;

const PAGE: usize = 4096;

pub(super) fn cut(dir: &Path, random: &mut Random) -> Result<Verdict, String> {
    let seed = random.below(1 << 32);
    let acts: Arc<Mutex<Vec<Event>>> = Arc::default();
    let before = random.below(120);
    let all = before + 1 + random.below(150);
    let tell = |event| {
        let acts = Arc::clone(&acts);
        acts.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    };
    let listening = Arc::clone(&acts);
    watch(move |act| {
        let mut acts = listening.lock().unwrap_or_else(PoisonError::into_inner);
        acts.push(Event::Act(act));
        Ok(())
    });
    let older = dir.with_extension("older");
    let written = (|| {
        let mut open = open(dir, seed)?;
        tell(Event::Safe(0));
        let mut story = Story::new(seed);
        for sequence in 1..=all {
            if sequence == before {
                open.store.index().flush();
                copy_folder(&dir.join("index"), &older.join("index"))?;
            }
            append(&mut open, &mut story, 1)?;
            tell(Event::Safe(sequence));
        }
        Ok::<_, String>(())
    })();
    unwatch();
    written?;
    let events = std::mem::take(&mut *acts.lock().unwrap_or_else(PoisonError::into_inner));
    let moment = usize::try_from(random.below(u64::try_from(events.len()).unwrap_or(1))).unwrap_or(0);
    let (happened, _) = events.split_at(moment.saturating_add(1).min(events.len()));
    let image = dir.with_extension("image");
    let acknowledged = write_image(&image, happened, random)?;
    if dir.join("index").exists() {
        copy_folder(&dir.join("index"), &image.join("index"))?;
        tear_index(&image.join("index"), &older.join("index"), random)?;
    }
    let verdict = look(&image, seed, acknowledged, false)?;
    if !verdict.counts.is_clean() {
        return Ok(verdict);
    }
    // The till that comes back goes on.
    let mut again = open(&image, seed)?;
    let mut story = Story::until(seed, again.store.last().sequence);
    let acknowledged = append(&mut again, &mut story, 20)?;
    drop(again);
    look(&image, seed, acknowledged, false)
}

enum Event {
    Act(Act),
    /// The store called everything up to this record safe.
    Safe(u64),
}

/// What a file holds for sure, and what was written since.
#[derive(Default)]
struct File {
    content: Vec<u8>,
    pending: Vec<(u64, Vec<u8>)>,
    /// Whether its name is on the disk.
    named: bool,
}

/// Writes what may be left of the store's own files; says up to which record they were called safe.
fn write_image(image: &Path, happened: &[Event], random: &mut Random) -> Result<u64, String> {
    let mut files: BTreeMap<&str, File> = BTreeMap::new();
    let mut acknowledged = 0;
    for event in happened {
        match event {
            Event::Safe(sequence) => acknowledged = *sequence,
            Event::Act(Act::Write { file, offset, bytes }) => {
                files
                    .entry(file)
                    .or_default()
                    .pending
                    .push((*offset, bytes.clone()));
            }
            Event::Act(Act::Sync { file }) => {
                let file = files.entry(file).or_default();
                for (offset, bytes) in std::mem::take(&mut file.pending) {
                    put(&mut file.content, offset, &bytes);
                }
            }
            Event::Act(Act::SyncNames) => files.values_mut().for_each(|file| file.named = true),
        }
    }
    let words = |error: std::io::Error| error.to_string();
    fs::create_dir_all(image.join("journal")).map_err(words)?;
    for (name, mut file) in files {
        for (offset, bytes) in std::mem::take(&mut file.pending) {
            leave_some(&mut file.content, offset, &bytes, random);
        }
        let is_head = name == "head";
        // The name of the watermark is synced with the folder when the store is begun.
        if !is_head && !file.named && random.below(2) == 0 {
            continue;
        }
        let path = if is_head {
            image.join(name)
        } else {
            image.join("journal").join(name)
        };
        fs::write(path, &file.content).map_err(words)?;
    }
    Ok(acknowledged)
}

/// An unsynced write: nothing, a part from its beginning, or any of its pages.
fn leave_some(content: &mut Vec<u8>, offset: u64, bytes: &[u8], random: &mut Random) {
    match random.below(4) {
        0 => {}
        1 => {
            let length =
                usize::try_from(random.below(u64::try_from(bytes.len()).unwrap_or(0) + 1)).unwrap_or(0);
            put(content, offset, bytes.get(..length).unwrap_or_default());
        }
        2 => put(content, offset, bytes),
        _ => {
            let mut at = 0;
            while at < bytes.len() {
                let place = usize::try_from(offset).unwrap_or(0).saturating_add(at);
                let length = (PAGE - place % PAGE).min(bytes.len() - at);
                if random.below(2) == 0 {
                    let page = bytes.get(at..at + length).unwrap_or_default();
                    put(content, offset + u64::try_from(at).unwrap_or(0), page);
                }
                at += length;
            }
        }
    }
}

fn put(content: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    let end = offset.saturating_add(bytes.len());
    if bytes.is_empty() {
        return;
    }
    if content.len() < end {
        content.resize(end, 0);
    }
    if let Some(place) = content.get_mut(offset..end) {
        place.copy_from_slice(bytes);
    }
}
