//! The host's only memory: one SQL database in its folder.

use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool, Transaction};

use crate::HostError;

/// The version of the folder that this program writes.
const VERSION: i64 = 2;

/// One unit of work: everything in it happens, or nothing.
pub(crate) type Work = Transaction<'static, Sqlite>;

/// The database and the lock on its folder.
///
/// One connection: `SQLite` has one writer anyway, and a queue in front of it is fairer than its busy handler.
pub(crate) struct Database {
    pool: SqlitePool,
    // Held until the books are closed; the system lets it go with the process, however that ends.
    lock: Mutex<Option<File>>,
}

impl Database {
    /// Whether the folder has books already.
    pub(crate) fn exists(dir: &Path) -> bool {
        dir.join("host.db").exists()
    }

    /// Takes the folder: nobody else may have it open.
    pub(crate) fn lock(dir: &Path) -> Result<File, HostError> {
        std::fs::create_dir_all(dir)?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(dir.join("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(std::fs::TryLockError::WouldBlock) => Err(HostError::InUse(dir.to_owned())),
            Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Opens the books, and starts new ones in an empty folder.
    pub(crate) async fn open(dir: &Path, lock: File) -> Result<Self, HostError> {
        let existed = Self::exists(dir);
        let options = SqliteConnectOptions::new()
            .filename(dir.join("host.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        let pool = if existed {
            checked(dir, options).await?
        } else {
            connect(options).await?
        };
        let database = Self {
            pool,
            lock: Mutex::new(Some(lock)),
        };
        database.prepare().await?;
        Ok(database)
    }

    /// Begins a unit of work that may write.
    pub(crate) async fn begin(&self) -> Result<Work, sqlx::Error> {
        self.pool.begin_with("BEGIN IMMEDIATE").await
    }

    /// Ends all work, closes the files and lets the folder go. Connections that still linger find the books closed.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    async fn prepare(&self) -> Result<(), HostError> {
        let mut work = self.begin().await?;
        // A kill during the very first start leaves a database without tables.
        let tables: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'meta'")
                .fetch_one(&mut *work)
                .await?;
        if tables == 0 {
            sqlx::raw_sql(include_str!("schema.sql"))
                .execute(&mut *work)
                .await?;
            sqlx::query("INSERT INTO meta (name, value) VALUES ('version', $1)")
                .bind(VERSION)
                .execute(&mut *work)
                .await?;
        }
        Ok(work.commit().await?)
    }
}

/// Opens the books of a host that may be running, to read them.
pub(crate) async fn open_to_read(dir: &Path) -> Result<SqlitePool, HostError> {
    if !Database::exists(dir) {
        let what = format!("there are no host's books in {}", dir.display());
        return Err(std::io::Error::new(std::io::ErrorKind::NotFound, what).into());
    }
    let options = SqliteConnectOptions::new()
        .filename(dir.join("host.db"))
        .create_if_missing(false)
        .busy_timeout(Duration::from_secs(5));
    checked(dir, options).await
}

async fn connect(options: SqliteConnectOptions) -> Result<SqlitePool, sqlx::Error> {
    SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        // A file in this folder: there is nobody to be asked whether they are still there.
        .test_before_acquire(false)
        .connect_with(options)
        .await
}

/// Connects, unless the folder is another version's; that one is left as it is.
async fn checked(dir: &Path, options: SqliteConnectOptions) -> Result<SqlitePool, HostError> {
    let look = SqliteConnectOptions::new()
        .filename(dir.join("host.db"))
        .read_only(true);
    let pool = connect(look).await?;
    let found: Result<i64, _> = sqlx::query_scalar("SELECT value FROM meta WHERE name = 'version'")
        .fetch_one(&pool)
        .await;
    pool.close().await;
    match found {
        Ok(found) if found > VERSION => Err(HostError::Newer {
            found,
            known: VERSION,
        }),
        Ok(found) if found < VERSION => Err(HostError::Older {
            found,
            known: VERSION,
        }),
        // No version yet: the first start was interrupted.
        Ok(_) | Err(sqlx::Error::Database(_) | sqlx::Error::RowNotFound) => Ok(connect(options).await?),
        Err(error) => Err(error.into()),
    }
}

/// The next value of a counter that only rises; the first one is 1.
pub(crate) async fn next_number(work: &mut Work, name: &'static str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "INSERT INTO counters (name, value) VALUES ($1, 1) \
         ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value",
    )
    .bind(name)
    .fetch_one(&mut **work)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn open(dir: &Path) -> Result<Database, HostError> {
        Database::open(dir, Database::lock(dir)?).await
    }

    #[tokio::test]
    async fn counters_survive_and_one_host_has_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let database = open(dir.path()).await.unwrap();
        assert!(matches!(Database::lock(dir.path()), Err(HostError::InUse(_))));
        let mut work = database.begin().await.unwrap();
        assert_eq!(next_number(&mut work, "a").await.unwrap(), 1);
        assert_eq!(next_number(&mut work, "a").await.unwrap(), 2);
        work.commit().await.unwrap();
        let mut work = database.begin().await.unwrap();
        assert_eq!(next_number(&mut work, "a").await.unwrap(), 3);
        work.rollback().await.unwrap();
        database.close().await;
        drop(database);
        let database = open(dir.path()).await.unwrap();
        let mut work = database.begin().await.unwrap();
        assert_eq!(next_number(&mut work, "a").await.unwrap(), 3);
        assert_eq!(next_number(&mut work, "b").await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_folder_of_another_version_is_left_as_it_is() {
        for (version, newer) in [(VERSION + 1, true), (VERSION - 1, false)] {
            let dir = tempfile::tempdir().unwrap();
            let database = open(dir.path()).await.unwrap();
            let mut work = database.begin().await.unwrap();
            sqlx::query("UPDATE meta SET value = $1 WHERE name = 'version'")
                .bind(version)
                .execute(&mut *work)
                .await
                .unwrap();
            work.commit().await.unwrap();
            database.close().await;
            drop(database);
            let before = std::fs::read(dir.path().join("host.db")).unwrap();
            match open(dir.path()).await {
                Err(HostError::Newer { found, known }) if newer => {
                    assert_eq!((found, known), (version, VERSION));
                }
                Err(HostError::Older { found, known }) if !newer => {
                    assert_eq!((found, known), (version, VERSION));
                }
                other => panic!("{:?}", other.err()),
            }
            assert_eq!(std::fs::read(dir.path().join("host.db")).unwrap(), before);
        }
    }

    #[tokio::test]
    async fn an_interrupted_first_start_is_finished() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("host.db"), b"").unwrap();
        let database = open(dir.path()).await.unwrap();
        let mut work = database.begin().await.unwrap();
        assert_eq!(next_number(&mut work, "a").await.unwrap(), 1);
    }
}
