//! What may panic or never return, as sled does with a torn folder.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::shelf::ShelfError;

/// Runs something on a thread of its own; one that takes longer than it may is left behind.
pub(crate) fn within<T: Send + 'static>(
    limit: Duration,
    task: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ShelfError> {
    let bad = |reason: &str| ShelfError::Bad(reason.to_owned());
    let (sender, receiver) = mpsc::sync_channel(1);
    let spawned = thread::Builder::new()
        .name("index-open".to_owned())
        .spawn(move || {
            // Nobody listens any more after the limit.
            drop(sender.send(catch_unwind(AssertUnwindSafe(task))));
        });
    spawned.map_err(|error| bad(&error.to_string()))?;
    match receiver.recv_timeout(limit) {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(_)) => Err(bad("it panicked while opening")),
        Err(_) => Err(bad("it did not open in time")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_and_a_hang_are_errors() {
        assert_eq!(within(Duration::from_secs(2), || 7), Ok(7));
        let panicked = within(Duration::from_secs(2), || -> u8 { panic!("as sled does") });
        assert_eq!(
            panicked,
            Err(ShelfError::Bad("it panicked while opening".to_owned()))
        );
        let hung = within(Duration::from_millis(20), || {
            thread::sleep(Duration::from_secs(3));
        });
        assert_eq!(hung, Err(ShelfError::Bad("it did not open in time".to_owned())));
    }
}
