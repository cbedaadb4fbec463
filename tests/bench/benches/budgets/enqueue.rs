//! A record sealed, chained and durable, beside what the disk alone takes for as many bytes.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use softpos_bench::{Line, Quantiles};
use softpos_crypto::entropy::Entropy;
use softpos_journal::OVERHEAD_BYTES;
use softpos_store::{Store, StoreConfig};
use softpos_types::SecretArray;

use crate::now;

/// About what the record of a card sale takes, with its signed request and reversal.
const PAYLOAD_BYTES: usize = 2_500;
const WARM_UP: usize = 20;
const ROUNDS: usize = 300;

pub(crate) fn run(folder: &Path) {
    let payload: Vec<u8> = Entropy::from_seed(seed(7)).array::<PAYLOAD_BYTES>().to_vec();
    let mut store = open_store(&folder.join("store"));
    let mut bare = Bare::new(&folder.join("bare"));
    #[cfg(feature = "peers")]
    let (sqlite, redb) = (
        sqlite::Peer::open(&folder.join("peer.sqlite")),
        redb_peer::Peer::create(&folder.join("peer.redb")),
    );

    let (mut store_times, mut bare_times) = (Vec::new(), Vec::new());
    #[cfg(feature = "peers")]
    let (mut sqlite_times, mut redb_times) = (Vec::new(), Vec::new());
    // In turns, so that a disk that slows down does so for all.
    for _ in 0..WARM_UP + ROUNDS {
        store_times.push(timed(|| {
            store.append(1, &payload, None).expect("an append");
        }));
        bare_times.push(timed(|| bare.append(&payload)));
        #[cfg(feature = "peers")]
        {
            sqlite_times.push(timed(|| sqlite.insert(&payload)));
            redb_times.push(timed(|| redb.insert(&payload)));
        }
    }

    let store = settled(store_times);
    print("store append", &store);
    let bare = settled(bare_times);
    print("bare append of as many bytes and fdatasync", &bare);
    ratio("store append to bare append, p50", &store, &bare, 1.3);
    #[cfg(feature = "peers")]
    {
        let sqlite = settled(sqlite_times);
        print("SQLite insert, WAL, synchronous FULL, not sealed", &sqlite);
        ratio("store append to SQLite insert, p50", &store, &sqlite, 0.8);
        let redb = settled(redb_times);
        print("redb insert, durable commit, not sealed", &redb);
        let times = store.p50().as_secs_f64() / redb.p50().as_secs_f64();
        println!(
            "{}",
            Line::figure("store append to redb insert, p50", format!("{times:.2} x"))
        );
    }
}

pub(crate) fn open_store(dir: &Path) -> Store {
    let mut entropy = Entropy::from_seed(seed(2));
    let config = StoreConfig::new(dir.to_owned());
    let opened = Store::open(&config, &seed(1), &mut entropy, &mut |_| Ok(()));
    let mut store = opened.expect("a new store").store;
    let last = store.last();
    let refilled = store.index().catch_up(std::iter::empty(), 0, &last, Vec::new);
    assert!(refilled.is_none() && store.index().is_current());
    store
}

pub(crate) fn seed(byte: u8) -> SecretArray<32> {
    SecretArray::build(|seed| seed.fill(byte))
}

fn timed(action: impl FnOnce()) -> Duration {
    let started = now();
    action();
    started.elapsed()
}

fn settled(times: Vec<Duration>) -> Quantiles {
    Quantiles::of(times.into_iter().skip(WARM_UP)).expect("some rounds")
}

fn print(what: &str, times: &Quantiles) {
    println!("{}", Line::from((format!("{what}, p50").as_str(), times.p50())));
    println!("{}", Line::from((format!("{what}, p99").as_str(), times.p99())));
}

fn ratio(what: &str, ours: &Quantiles, theirs: &Quantiles, limit: f64) {
    let ratio = ours.p50().as_secs_f64() / theirs.p50().as_secs_f64();
    println!("{}", Line::number_at_most(what, ratio, limit, "x"));
}

/// A file that grows by as many bytes as the journal.
struct Bare {
    file: File,
    offset: u64,
    overhead: [u8; OVERHEAD_BYTES],
}

impl Bare {
    fn new(path: &Path) -> Self {
        Self {
            file: File::create_new(path).expect("a new file"),
            offset: 0,
            overhead: [0; OVERHEAD_BYTES],
        }
    }

    fn append(&mut self, payload: &[u8]) {
        let bytes = [payload, &self.overhead].concat();
        self.file.write_all_at(&bytes, self.offset).expect("a write");
        self.file.sync_data().expect("a sync");
        self.offset += u64::try_from(bytes.len()).expect("a short record");
    }
}

#[cfg(feature = "peers")]
mod sqlite {
    use std::path::Path;

    use rusqlite::Connection;

    /// One row a transaction, each as durable as a record of the journal.
    pub(super) struct Peer(Connection);

    impl Peer {
        pub(super) fn open(path: &Path) -> Self {
            let connection = Connection::open(path).expect("a database");
            connection
                .execute_batch(
                    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                     CREATE TABLE record (sequence INTEGER PRIMARY KEY, payload BLOB NOT NULL)",
                )
                .expect("a table");
            Self(connection)
        }

        pub(super) fn insert(&self, payload: &[u8]) {
            let mut insert = self
                .0
                .prepare_cached("INSERT INTO record (payload) VALUES (?1)")
                .expect("a statement");
            insert.execute([payload]).expect("an insert");
        }
    }
}

#[cfg(feature = "peers")]
mod redb_peer {
    use std::path::Path;

    use redb::{Database, ReadableTableMetadata, TableDefinition};

    const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("record");

    /// One row a transaction; redb's own default waits for the disk with each commit.
    pub(super) struct Peer(Database);

    impl Peer {
        pub(super) fn create(path: &Path) -> Self {
            Self(Database::create(path).expect("a database"))
        }

        pub(super) fn insert(&self, payload: &[u8]) {
            let write = self.0.begin_write().expect("a transaction");
            {
                let mut records = write.open_table(RECORDS).expect("a table");
                let next = records.len().expect("a length") + 1;
                records.insert(next, payload).expect("an insert");
            }
            write.commit().expect("a commit");
        }
    }
}
