//! The file `keys`: the key registers as of the last checkpoint, in two slots that are written in turn.
//!
//! A checkpoint may be older than the journal: the counters in the journal and the watermark say how far the registers
//! must be advanced before one of them is used.
//!
//! Each slot, big endian: magic `SPK1`, format u16, flags u16, generation u64, salt 16, n u32, CRC-32 of 0..36;
//! n bytes of AES-256-GCM with its 16-byte tag, numbered by the generation, associated data 0..36.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use softpos_crypto::seal::{Epoch, PurposeKey};
use softpos_types::SecretBytes;

use crate::error::StoreError;
use crate::files::{KEYS, Layout, open_existing, private_file, sync_dir};
use crate::watch;

const MAGIC: [u8; 4] = *b"SPK1";
const FORMAT: u16 = 1;
const COVERED_BYTES: usize = 36;
const HEADER_BYTES: usize = COVERED_BYTES + 4;
const TAG_BYTES: usize = 16;
const SLOT_BYTES: usize = 32 * 1024;
const SLOT_OFFSETS: [u64; 2] = [0, 32 * 1024];
/// The longest checkpoint.
const MAX_REGISTER_BYTES: usize = SLOT_BYTES - HEADER_BYTES - TAG_BYTES;

/// Writes a checkpoint over the older slot and waits until it is on the disk.
pub(crate) fn write(
    layout: &Layout,
    key: &PurposeKey,
    salt: [u8; 16],
    registers: &SecretBytes,
) -> Result<(), StoreError> {
    let failed = StoreError::io("write the key checkpoint");
    let n = u32::try_from(registers.len()).map_err(|_| StoreError::TooLong)?;
    if registers.len() > MAX_REGISTER_BYTES {
        return Err(StoreError::TooLong);
    }
    let file = private_file()
        .create(true)
        .truncate(false)
        .open(layout.keys())
        .map_err(&failed)?;
    let generations = SLOT_OFFSETS.map(|offset| Slot::read(&file, offset).map(|slot| slot.generation()));
    let [even, odd] = generations;
    let newest = even.map_err(&failed)?.max(odd.map_err(&failed)?);
    let generation = newest.map_or(1, |newest| newest.saturating_add(1));
    let [even, odd] = SLOT_OFFSETS;
    let offset = if generation.is_multiple_of(2) { even } else { odd };

    let mut slot = Vec::with_capacity(HEADER_BYTES + registers.len() + TAG_BYTES);
    slot.extend_from_slice(&MAGIC);
    slot.extend_from_slice(&FORMAT.to_be_bytes());
    slot.extend_from_slice(&[0, 0]);
    slot.extend_from_slice(&generation.to_be_bytes());
    slot.extend_from_slice(&salt);
    slot.extend_from_slice(&n.to_be_bytes());
    let sealed = Epoch::new(key, salt).seal(generation, &slot, registers.expose());
    slot.extend_from_slice(&crc32fast::hash(&slot).to_be_bytes());
    slot.extend_from_slice(&sealed);
    watch::write(KEYS, offset, &slot)
        .and_then(|()| file.write_all_at(&slot, offset))
        .and_then(|()| watch::sync(KEYS))
        .and_then(|()| file.sync_data())
        .map_err(&failed)?;
    if newest.is_none() {
        file.sync_all()
            .and_then(|()| watch::sync_names())
            .and_then(|()| sync_dir(layout.dir()))
            .map_err(&failed)?;
    }
    Ok(())
}

/// The newest checkpoint that opens; `None` if none was ever finished.
pub(crate) fn read(layout: &Layout, key: &PurposeKey) -> Result<Option<SecretBytes>, StoreError> {
    let mut slots = read_slots(layout)?;
    slots.sort_by_key(|slot| std::cmp::Reverse(slot.generation()));
    match slots.iter().find_map(|slot| slot.open(key)) {
        Some(registers) => Ok(Some(registers)),
        None if slots.iter().all(Slot::is_empty) => Ok(None),
        None => Err(StoreError::Damaged(
            "no slot of the key checkpoint opens".to_owned(),
        )),
    }
}

/// Fails with `Newer` if a newer version wrote the checkpoint.
pub(crate) fn refuse_newer(layout: &Layout) -> Result<(), StoreError> {
    let newer = read_slots(layout)?.iter().any(Slot::is_newer);
    if newer { Err(StoreError::Newer) } else { Ok(()) }
}

fn read_slots(layout: &Layout) -> Result<Vec<Slot>, StoreError> {
    let failed = StoreError::io("read the key checkpoint");
    let Some(file) = open_existing(&layout.keys()).map_err(&failed)? else {
        return Ok(Vec::new());
    };
    SLOT_OFFSETS
        .into_iter()
        .map(|offset| Slot::read(&file, offset).map_err(&failed))
        .collect()
}

/// The bytes of a slot.
struct Slot(Vec<u8>);

/// What a sound slot header says.
struct SlotHeader {
    generation: u64,
    salt: [u8; 16],
    n: usize,
}

impl Slot {
    fn read(file: &File, offset: u64) -> io::Result<Self> {
        let mut bytes = vec![0; SLOT_BYTES];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, offset + crate::scan::wide(filled))? {
                0 => break,
                read => filled += read,
            }
        }
        bytes.truncate(filled);
        Ok(Self(bytes))
    }

    /// Nothing was ever written here.
    fn is_empty(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    fn covered(&self) -> Option<&[u8; COVERED_BYTES]> {
        let (covered, rest) = self.0.split_first_chunk::<COVERED_BYTES>()?;
        let sound = covered.starts_with(&MAGIC) && rest.starts_with(&crc32fast::hash(covered).to_be_bytes());
        sound.then_some(covered)
    }

    fn is_newer(&self) -> bool {
        let [high, low] = FORMAT.to_be_bytes();
        self.covered()
            .is_some_and(|covered| covered.get(4..8) != Some(&[high, low, 0, 0]))
    }

    fn header(&self) -> Option<SlotHeader> {
        let fields = self.covered()?.get(8..)?;
        let (generation, fields) = fields.split_first_chunk()?;
        let (salt, fields) = fields.split_first_chunk()?;
        let n = usize::try_from(u32::from_be_bytes(*fields.first_chunk()?)).ok()?;
        Some(SlotHeader {
            generation: u64::from_be_bytes(*generation),
            salt: *salt,
            n,
        })
    }

    fn generation(&self) -> Option<u64> {
        self.header().map(|header| header.generation)
    }

    fn open(&self, key: &PurposeKey) -> Option<SecretBytes> {
        let header = self.header()?;
        let sealed = self
            .0
            .get(HEADER_BYTES..)?
            .get(..header.n.checked_add(TAG_BYTES)?)?;
        let opened = Epoch::new(key, header.salt).open(header.generation, self.covered()?, sealed);
        opened.ok().map(SecretBytes::new)
    }
}
