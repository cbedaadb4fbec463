//! What a store does to its own files, told to whoever cuts the power: a test that rebuilds from it what a disk may
//! hold, or refuses. Without the feature `watch` nobody listens and nothing of it is there.

/// What a backup's file is called, whatever its name is.
pub(crate) const BACKUP: &str = "backup";

#[cfg(any(test, feature = "watch"))]
#[cfg_attr(
    not(feature = "watch"),
    allow(unreachable_pub, reason = "public with the feature")
)]
mod listening {
    use std::cell::RefCell;
    use std::io;

    /// What a store does, in its order. Files are named as in the store's folder.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Act {
        /// Bytes are written.
        Write {
            /// The file.
            file: String,
            /// Where.
            offset: u64,
            /// What.
            bytes: Vec<u8>,
        },
        /// A file's content is made durable.
        Sync {
            /// The file.
            file: String,
        },
        /// The names in the journal's folder, or in the one above, are made durable.
        SyncNames,
    }

    type Listener = Box<dyn FnMut(Act) -> io::Result<()>>;

    thread_local! {
        static LISTENER: RefCell<Option<Listener>> = const { RefCell::new(None) };
    }

    /// From now on this thread's stores tell what they do; an error is what the system would have said.
    pub fn watch(listener: impl FnMut(Act) -> io::Result<()> + 'static) {
        LISTENER.with(|it| *it.borrow_mut() = Some(Box::new(listener)));
    }

    /// Nobody listens any more.
    pub fn unwatch() {
        LISTENER.with(|it| *it.borrow_mut() = None);
    }

    pub(crate) fn tell(act: impl FnOnce() -> Act) -> io::Result<()> {
        LISTENER.with(|it| {
            it.borrow_mut()
                .as_mut()
                .map_or(Ok(()), |listener| listener(act()))
        })
    }
}

#[cfg(feature = "watch")]
pub use listening::{Act, unwatch, watch};
#[cfg(all(test, not(feature = "watch")))]
pub(crate) use listening::{Act, unwatch, watch};

#[cfg(any(test, feature = "watch"))]
pub(crate) fn write(file: &str, offset: u64, bytes: &[u8]) -> std::io::Result<()> {
    listening::tell(|| Act::Write {
        file: file.to_owned(),
        offset,
        bytes: bytes.to_vec(),
    })
}

#[cfg(any(test, feature = "watch"))]
pub(crate) fn sync(file: &str) -> std::io::Result<()> {
    listening::tell(|| Act::Sync {
        file: file.to_owned(),
    })
}

#[cfg(any(test, feature = "watch"))]
pub(crate) fn sync_names() -> std::io::Result<()> {
    listening::tell(|| Act::SyncNames)
}

#[cfg(not(any(test, feature = "watch")))]
#[expect(clippy::unnecessary_wraps, reason = "a listener may fail")]
pub(crate) const fn write(_: &str, _: u64, _: &[u8]) -> std::io::Result<()> {
    Ok(())
}

#[cfg(not(any(test, feature = "watch")))]
#[expect(clippy::unnecessary_wraps, reason = "a listener may fail")]
pub(crate) const fn sync(_: &str) -> std::io::Result<()> {
    Ok(())
}

#[cfg(not(any(test, feature = "watch")))]
#[expect(clippy::unnecessary_wraps, reason = "a listener may fail")]
pub(crate) const fn sync_names() -> std::io::Result<()> {
    Ok(())
}
