//! Ctrl-C: the first one cancels what is under way, any other ends the program. Whatever was acknowledged is on the
//! disk already, so that ending is safe at every moment.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::runtime::Runtime;

use crate::exit::Exit;

const DEAF: u8 = 0;
const LISTENING: u8 = 1;
const PRESSED: u8 = 2;

/// Tells whether Ctrl-C was pressed while somebody listened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupts(Arc<AtomicU8>);

impl Interrupts {
    /// Starts to watch, on the program's runtime; `goodbye` is the last thing before Ctrl-C ends the program.
    pub(crate) fn watch(runtime: &Runtime, goodbye: impl Fn() + Send + 'static) -> Self {
        let interrupts = Self::default();
        let state = Arc::clone(&interrupts.0);
        runtime.spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                let heard = state
                    .compare_exchange(LISTENING, PRESSED, Ordering::AcqRel, Ordering::Acquire)
                    .is_ok();
                if !heard {
                    goodbye();
                    process::exit(i32::from(Exit::Interrupted.code()));
                }
            }
        });
        interrupts
    }

    /// From now on the first Ctrl-C is asked for by [`Interrupts::take`] instead of ending the program.
    pub(crate) fn listen(&self) {
        self.0.store(LISTENING, Ordering::Release);
    }

    /// From now on Ctrl-C ends the program.
    pub(crate) fn stop_listening(&self) {
        self.0.store(DEAF, Ordering::Release);
    }

    /// Whether it was pressed since [`Interrupts::listen`]; the next one ends the program.
    pub(crate) fn take(&self) -> bool {
        self.0
            .compare_exchange(PRESSED, DEAF, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_taken_once() {
        let interrupts = Interrupts::default();
        assert!(!interrupts.take());
        interrupts.listen();
        assert!(!interrupts.take());
        interrupts.0.store(PRESSED, Ordering::Release);
        assert!(interrupts.take() && !interrupts.take());
    }
}
