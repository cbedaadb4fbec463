//! Room on the disk: what is free, and a reserve that lets a full phone finish what it has begun.

use std::fs;
use std::io;

use rustix::fs::statvfs;
use softpos_crypto::entropy::Entropy;

use crate::files::{Layout, RESERVE, private_file};
use crate::watch;

/// Below so much nothing new is stored for later.
pub(crate) const FLOOR_BYTES: u64 = 32 * 1024 * 1024;
/// With so much free the reserve is made again.
const PLENTY_BYTES: u64 = 64 * 1024 * 1024;
const RESERVE_BYTES: usize = 4 * 1024 * 1024;
const BLOCK_BYTES: usize = 64 * 1024;

/// What is free for us on the folder's disk; `None` if the system does not say.
pub(crate) fn free_bytes(layout: &Layout) -> Option<u64> {
    let disk = statvfs(layout.dir()).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Makes the reserve where there is none and plenty of room. Its failure is no failure of anything else.
pub(crate) fn keep_reserve(layout: &Layout, entropy: &mut Entropy) {
    let plenty = free_bytes(layout).is_some_and(|free| free >= PLENTY_BYTES);
    if plenty && !layout.reserve().exists() && write_reserve(layout, entropy).is_err() {
        drop(fs::remove_file(layout.reserve()));
    }
}

/// Gives the reserve up; says whether there was one.
pub(crate) fn release_reserve(layout: &Layout) -> bool {
    fs::remove_file(layout.reserve()).is_ok()
}

/// Random bytes: zeros take no room on a disk that packs them.
fn write_reserve(layout: &Layout, entropy: &mut Entropy) -> io::Result<()> {
    use std::io::Write;
    let mut file = private_file().create_new(true).open(layout.reserve())?;
    watch::write(RESERVE, 0, &[])?;
    let mut block = vec![0; BLOCK_BYTES];
    for _ in 0..RESERVE_BYTES / BLOCK_BYTES {
        entropy.fill(&mut block);
        file.write_all(&block)?;
    }
    Ok(())
}

/// Whether an error says that there is no room left.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
