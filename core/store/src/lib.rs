//! Where softpos writes things down: an append-only journal of sealed records that survives kills and power cuts.
//!
//! The journal is the truth. A record counts as written once its bytes are on the disk, not in a cache. Everything
//! else (watermark, key checkpoint, index) can be older than it or missing, and opening says so.
//!
//! ```text
//! LOCK               held for the process's life
//! journal/00000001.j segments of about 4 MiB
//! head               how far the journal reached: two slots
//! keys               checkpoint of the key registers: two slots
//! index/             sled, rebuildable
//! quarantine/        copies of what cannot be read
//! reserve            4 MiB that a full disk is given back
//! ```

#![forbid(unsafe_code)]

mod error;
mod export;
mod files;
mod index;
mod keys;
mod quarantine;
mod reader;
mod replay;
mod report;
mod scan;
mod space;
mod store;
mod survey;
mod tail;
mod watch;
mod watermark;

pub use error::StoreError;
pub use export::{Backup, BackupError, BackupHead, BackupOrder, SignHead, write_backup};
pub use index::{Index, IndexRow, OrderTag, OrderTags};
pub use reader::{Before, Reader};
pub use replay::{Position, Record};
pub use report::{Finding, Report};
pub use softpos_journal::KeyCounters;
pub use store::{Opened, Store, StoreConfig};
#[cfg(feature = "watch")]
pub use watch::{Act, unwatch, watch};
