//! Secure hardware that answers within a bound: what a shell's port blocks, nobody else waits for.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use softpos_types::{Code, SecretBytes, SoftPosError, Tick};

use crate::clock::Clock;
use crate::hardware::{Evidence, PortError, SecureHardware};

/// A key made inside a slow security chip takes a few seconds; what takes longer will hardly come.
const LIMIT_MS: u64 = 8_000;

/// A port whose calls are made by one thread of its own. A call that has not come back within the limit is
/// [`PortError::Unavailable`], and so is, at once, every other one until it does come back.
pub(crate) struct BoundedHardware {
    calls: Mutex<Sender<Call>>,
    lane: Arc<Lane>,
    limit_ms: u64,
}

struct Lane {
    clock: Clock,
    /// When the call that is running began.
    running: Mutex<Option<Tick>>,
}

impl Lane {
    fn now(&self) -> Tick {
        self.clock.now().tick
    }

    fn running(&self) -> MutexGuard<'_, Option<Tick>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the call, or says that it was not made.
type Make = Box<dyn FnOnce(Option<&dyn SecureHardware>) + Send>;

struct Call {
    /// Whoever asked has given up by then: a late call is not made at all.
    until: Tick,
    make: Make,
}

impl BoundedHardware {
    /// # Errors
    /// [`Code::SecureHardware`] if the system gives no thread.
    pub(crate) fn new(hardware: Arc<dyn SecureHardware>) -> Result<Self, SoftPosError> {
        Self::within(hardware, LIMIT_MS)
    }

    fn within(hardware: Arc<dyn SecureHardware>, limit_ms: u64) -> Result<Self, SoftPosError> {
        let (calls, waiting) = channel();
        let lane = Arc::new(Lane {
            clock: Clock::start(),
            running: Mutex::new(None),
        });
        let its = Arc::clone(&lane);
        std::thread::Builder::new()
            .name("softpos-hardware".into())
            .spawn(move || make_calls(&*hardware, &waiting, &its))
            .map_err(|error| SoftPosError::of(Code::SecureHardware).with_detail(error.to_string()))?;
        Ok(Self {
            calls: Mutex::new(calls),
            lane,
            limit_ms,
        })
    }

    fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn SecureHardware) -> Result<T, PortError> + Send + 'static,
    ) -> Result<T, PortError> {
        let now = self.lane.now();
        let begun = *self.lane.running();
        if begun.is_some_and(|begun| now.ms_since(begun) >= self.limit_ms) {
            return Err(PortError::Unavailable);
        }
        let (answer, answered) = sync_channel(1);
        let call = Call {
            until: now.after_ms(self.limit_ms),
            make: Box::new(move |hardware| {
                // Whoever asked may be gone.
                drop(answer.send(hardware.map_or(Err(PortError::Unavailable), call)));
            }),
        };
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.send(call).map_err(|_| PortError::Failed)?;
        drop(calls);
        answered
            .recv_timeout(Duration::from_millis(self.limit_ms))
            .map_err(|error| match error {
                RecvTimeoutError::Timeout => PortError::Unavailable,
                // The port has panicked.
                RecvTimeoutError::Disconnected => PortError::Failed,
            })?
    }
}

/// Runs until nobody can ask any more.
fn make_calls(hardware: &dyn SecureHardware, calls: &Receiver<Call>, lane: &Lane) {
    while let Ok(call) = calls.recv() {
        let now = lane.now();
        if now < call.until {
            *lane.running() = Some(now);
            (call.make)(Some(hardware));
            *lane.running() = None;
        } else {
            (call.make)(None);
        }
    }
}

impl SecureHardware for BoundedHardware {
    fn public_key(&self) -> Result<Vec<u8>, PortError> {
        self.call(|hardware| hardware.public_key())
    }

    fn sign(&self, digest: Vec<u8>) -> Result<Vec<u8>, PortError> {
        self.call(|hardware| hardware.sign(digest))
    }

    fn wrap(&self, secret: Vec<u8>) -> Result<Vec<u8>, PortError> {
        // A call that is never made wipes what it was to wrap.
        let secret = SecretBytes::new(secret);
        self.call(move |hardware| hardware.wrap(secret.expose().to_vec()))
    }

    fn unwrap(&self, wrapped: Vec<u8>) -> Result<Vec<u8>, PortError> {
        // An answer that nobody waits for any more is wiped.
        let secret = self.call(|hardware| hardware.unwrap(wrapped).map(SecretBytes::new))?;
        Ok(secret.expose().to_vec())
    }

    fn attest(&self, challenge: Vec<u8>) -> Result<Evidence, PortError> {
        self.call(|hardware| hardware.attest(challenge))
    }

    fn model(&self) -> Result<String, PortError> {
        self.call(|hardware| hardware.model())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signs when it is let, and counts.
    struct Gate {
        opened: Mutex<Receiver<()>>,
        signed: Mutex<u32>,
    }

    impl SecureHardware for Gate {
        fn public_key(&self) -> Result<Vec<u8>, PortError> {
            Err(PortError::KeyLost)
        }
        fn sign(&self, digest: Vec<u8>) -> Result<Vec<u8>, PortError> {
            self.opened
                .lock()
                .unwrap()
                .recv()
                .map_err(|_| PortError::Failed)?;
            *self.signed.lock().unwrap() += 1;
            Ok(digest)
        }
        fn wrap(&self, secret: Vec<u8>) -> Result<Vec<u8>, PortError> {
            Ok(secret.into_iter().rev().collect())
        }
        fn unwrap(&self, wrapped: Vec<u8>) -> Result<Vec<u8>, PortError> {
            self.wrap(wrapped)
        }
        fn attest(&self, _: Vec<u8>) -> Result<Evidence, PortError> {
            Err(PortError::Failed)
        }
        fn model(&self) -> Result<String, PortError> {
            panic!("a port of Rust can panic")
        }
    }

    fn gate(limit_ms: u64) -> (Sender<()>, Arc<Gate>, BoundedHardware) {
        let (open, opened) = channel();
        let gate = Arc::new(Gate {
            opened: Mutex::new(opened),
            signed: Mutex::new(0),
        });
        let hardware = Arc::clone(&gate) as Arc<dyn SecureHardware>;
        let bounded = BoundedHardware::within(hardware, limit_ms).unwrap();
        (open, gate, bounded)
    }

    #[test]
    fn answers_and_errors_pass_through() {
        let (open, _, bounded) = gate(60_000);
        open.send(()).unwrap();
        assert_eq!(bounded.sign(vec![1, 2]), Ok(vec![1, 2]));
        assert_eq!(bounded.wrap(vec![1, 2]), Ok(vec![2, 1]));
        assert_eq!(bounded.unwrap(vec![2, 1]), Ok(vec![1, 2]));
        assert_eq!(bounded.public_key(), Err(PortError::KeyLost));
        assert_eq!(bounded.attest(vec![]), Err(PortError::Failed));
    }

    #[test]
    fn a_call_that_does_not_come_back_is_given_up_and_what_waited_behind_it_is_never_made() {
        let (open, gate, bounded) = gate(50);
        let bounded = Arc::new(bounded);
        let behind = Arc::clone(&bounded);
        let first = std::thread::spawn(move || behind.sign(vec![1]));
        assert_eq!(bounded.sign(vec![2]), Err(PortError::Unavailable));
        assert_eq!(first.join().unwrap(), Err(PortError::Unavailable));
        // From now on nobody waits, until the call has come back.
        assert_eq!(bounded.wrap(vec![1]), Err(PortError::Unavailable));
        open.send(()).unwrap();
        while bounded.lane.running().is_some() {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(bounded.wrap(vec![1, 2]), Ok(vec![2, 1]));
        assert_eq!(*gate.signed.lock().unwrap(), 1);
    }

    #[test]
    fn a_panic_of_the_port_is_a_failure_now_and_later() {
        let (_open, _, bounded) = gate(60_000);
        assert_eq!(bounded.model(), Err(PortError::Failed));
        assert_eq!(bounded.wrap(vec![1]), Err(PortError::Failed));
    }
}
