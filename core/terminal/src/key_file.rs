//! Small files that must be made once, whole, and for the owner's eyes only.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::retry_on_intr;
use softpos_types::SecretBytes;

/// Longer than any wrapped key; what is longer is no key file.
const MAX_LEN: u64 = 4_096;

/// Makes a folder for the owner alone, parents included, and syncs their entries: a folder that vanishes in a power
/// cut takes with it what was synced inside. An existing one stays as it is.
pub(crate) fn make_private_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    make_private_dir(parent)?;
    match DirBuilder::new().mode(0o700).create(dir) {
        // Someone else at first start.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && dir.is_dir() => {}
        made => made?,
    }
    File::open(parent)?.sync_all()
}

/// The content of a file, or `None` where there is none.
///
/// # Errors
/// [`ErrorKind::InvalidData`] for a file that is too long.
pub(crate) fn read(path: &Path) -> io::Result<Option<SecretBytes>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // Reserved in full, so that no copy of a half-read secret is left behind by a reallocation.
    let mut bytes = Vec::with_capacity(usize::try_from(MAX_LEN).unwrap_or_default().saturating_add(32));
    file.take(MAX_LEN.saturating_add(1)).read_to_end(&mut bytes)?;
    let bytes = SecretBytes::new(bytes);
    if bytes.len() as u64 > MAX_LEN {
        return Err(ErrorKind::InvalidData.into());
    }
    Ok(Some(bytes))
}

/// The content of `dir/name`; where the file is missing, `make` says what it shall be.
///
/// The folder is locked meanwhile, so that two processes at first start get one file, and the file appears whole
/// or not at all: written aside, synced, renamed, and the folder synced.
pub(crate) fn read_or_make<E: From<io::Error>>(
    dir: &Path,
    name: &str,
    make: impl FnOnce() -> Result<SecretBytes, E>,
) -> Result<SecretBytes, E> {
    let path = dir.join(name);
    let folder = File::open(dir)?;
    retry_on_intr(|| flock(&folder, FlockOperation::LockExclusive)).map_err(io::Error::from)?;
    if let Some(content) = read(&path)? {
        return Ok(content);
    }
    let content = make()?;
    let aside = dir.join(format!("{name}.new"));
    write_synced(&aside, content.expose())?;
    std::fs::rename(&aside, &path)?;
    folder.sync_all()?;
    Ok(content)
}

fn write_synced(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    // A file left by a crash keeps its mode.
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    fn make(dir: &Path, byte: u8) -> io::Result<SecretBytes> {
        read_or_make(dir, "key", || {
            Ok::<_, io::Error>(SecretBytes::copy_of(&[byte; 32]))
        })
    }

    #[test]
    fn made_once_and_private() {
        let dir = tempfile::tempdir().unwrap();
        // What a crash in the middle of the first start leaves.
        std::fs::write(dir.path().join("key.new"), b"half").unwrap();
        assert!(make(dir.path(), 1).unwrap().ct_eq(&[1; 32]));
        assert!(make(dir.path(), 2).unwrap().ct_eq(&[1; 32]));
        let mode = std::fs::metadata(dir.path().join("key"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!dir.path().join("key.new").exists());
    }

    #[test]
    fn folders_are_private_and_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b");
        make_private_dir(&deep).unwrap();
        make_private_dir(&deep).unwrap();
        let mode = std::fs::metadata(&deep).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        std::fs::write(deep.join("file"), b"").unwrap();
        assert!(make_private_dir(&deep.join("file")).is_err());
        assert!(make_private_dir(&deep.join("file/c")).is_err());
    }

    #[test]
    fn all_who_start_at_once_get_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let (barrier, next) = (Barrier::new(8), AtomicU8::new(1));
        let start = || {
            barrier.wait();
            make(dir.path(), next.fetch_add(1, Ordering::Relaxed))
                .unwrap()
                .expose()
                .to_vec()
        };
        let seen: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(seen.iter().all(|content| content == &seen[0]), "{seen:?}");
    }

    #[test]
    fn a_failed_making_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let failed = read_or_make(dir.path(), "key", || Err(io::Error::from(ErrorKind::Other)));
        assert!(failed.is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn too_long_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("key"), [0; 4_097]).unwrap();
        assert_eq!(make(dir.path(), 1).unwrap_err().kind(), ErrorKind::InvalidData);
        std::fs::write(dir.path().join("key"), [0; 4_096]).unwrap();
        assert_eq!(make(dir.path(), 1).unwrap().len(), 4_096);
    }
}
