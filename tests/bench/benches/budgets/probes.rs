//! Instruments around the till, so that nothing has to be built into it.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use softpos_terminal::{Evidence, PortError, SecureHardware, SoftwareHardware};

use crate::now;

/// Stands between till and host and passes everything on. It cannot read a byte of it, and need not.
pub(crate) struct Relay {
    address: SocketAddr,
    seen: Arc<Mutex<Exchange>>,
}

/// What went over the wire since [`Relay::take`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Exchange {
    first_request: Option<Instant>,
    last_answer: Option<Instant>,
    asking: bool,
    /// How often the host was heard after the till had spoken.
    pub(crate) round_trips: u32,
}

impl Relay {
    /// What passes arrives so much later, in each direction.
    pub(crate) fn start(host: SocketAddr, later: Duration) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("the port");
        let seen = Arc::new(Mutex::new(Exchange::default()));
        let notes = Arc::clone(&seen);
        // Ends with the program, as the till's connections do.
        thread::spawn(move || {
            for till in listener.incoming().flatten() {
                let host = TcpStream::connect(host).expect("the host");
                for stream in [&till, &host] {
                    stream.set_nodelay(true).expect("a socket's option");
                }
                let clone = |stream: &TcpStream| stream.try_clone().expect("a second handle");
                let (till_reads, host_writes) = (clone(&till), clone(&host));
                let (to_host, to_till) = (delayed(host_writes, later), delayed(till, later));
                pass_on(till_reads, to_host, Arc::clone(&notes), Exchange::till_spoke);
                pass_on(host, to_till, Arc::clone(&notes), Exchange::host_spoke);
            }
        });
        Self { address, seen }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// What was seen, and begins anew.
    pub(crate) fn take(&self) -> Exchange {
        std::mem::take(&mut *locked(&self.seen))
    }
}

impl Exchange {
    /// From the request's first to the answer's last byte.
    pub(crate) fn host(&self) -> Duration {
        match (self.first_request, self.last_answer) {
            (Some(first), Some(last)) => last.saturating_duration_since(first),
            _ => Duration::ZERO,
        }
    }

    fn till_spoke(&mut self, at: Instant) {
        self.first_request.get_or_insert(at);
        self.asking = true;
    }

    fn host_spoke(&mut self, at: Instant) {
        self.last_answer = Some(at);
        self.round_trips += u32::from(std::mem::take(&mut self.asking));
    }
}

fn pass_on(mut from: TcpStream, mut to: Way, seen: Arc<Mutex<Exchange>>, note: fn(&mut Exchange, Instant)) {
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let at = now();
            note(&mut locked(&seen), at);
            let Some(Ok(())) = buffer.get(..count).map(|bytes| to.write(at, bytes)) else {
                break;
            };
        }
        to.end();
    });
}

/// Where what was read goes: at once, or through a thread that lets it wait.
enum Way {
    Direct(TcpStream),
    Long(Duration, Sender<(Instant, Vec<u8>)>),
}

fn delayed(mut to: TcpStream, later: Duration) -> Way {
    if later.is_zero() {
        return Way::Direct(to);
    }
    let (sender, waiting) = channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        for (due, bytes) in waiting {
            thread::sleep(due.saturating_duration_since(now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        Way::Direct(to).end();
    });
    Way::Long(later, sender)
}

impl Way {
    fn write(&mut self, read_at: Instant, bytes: &[u8]) -> Result<(), ()> {
        match self {
            Self::Direct(to) => to.write_all(bytes).map_err(drop),
            Self::Long(later, sender) => sender.send((read_at + *later, bytes.to_vec())).map_err(drop),
        }
    }

    /// The other side learns of the end; whether it is gone already does not matter.
    fn end(self) {
        if let Self::Direct(to) = self {
            let _ = to.shutdown(Shutdown::Write);
        }
    }
}

/// The device's keys, and how long they took to sign.
pub(crate) struct TimedHardware {
    keys: SoftwareHardware,
    signing: Mutex<Duration>,
}

impl TimedHardware {
    pub(crate) fn new(keys: SoftwareHardware) -> Self {
        Self {
            keys,
            signing: Mutex::default(),
        }
    }

    /// The time spent signing since the last call.
    pub(crate) fn take(&self) -> Duration {
        std::mem::take(&mut *locked(&self.signing))
    }
}

impl SecureHardware for TimedHardware {
    fn public_key(&self) -> Result<Vec<u8>, PortError> {
        self.keys.public_key()
    }

    fn sign(&self, digest: Vec<u8>) -> Result<Vec<u8>, PortError> {
        let started = now();
        let signature = self.keys.sign(digest);
        *locked(&self.signing) += started.elapsed();
        signature
    }

    fn wrap(&self, secret: Vec<u8>) -> Result<Vec<u8>, PortError> {
        self.keys.wrap(secret)
    }

    fn unwrap(&self, wrapped: Vec<u8>) -> Result<Vec<u8>, PortError> {
        self.keys.unwrap(wrapped)
    }

    fn attest(&self, challenge: Vec<u8>) -> Result<Evidence, PortError> {
        self.keys.attest(challenge)
    }

    fn model(&self) -> Result<String, PortError> {
        self.keys.model()
    }
}

/// Sees each append of a till's journal: it begins with a write into a segment, and the write of the file `head`
/// follows the sync.
pub(crate) struct DiskWatch {
    appends: Arc<Mutex<Vec<Duration>>>,
    /// A write into this file comes back as a message, behind all that happened before it.
    barrier: Option<(File, Receiver<()>)>,
}

impl DiskWatch {
    /// Watches the data folder of an open till; `marker` is a new file of the watch's own.
    #[cfg(target_os = "linux")]
    pub(crate) fn start(till: &Path, marker: &Path) -> Self {
        use rustix::fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init};
        use std::mem::MaybeUninit;

        let inotify = init(CreateFlags::CLOEXEC).expect("inotify");
        let marker_file = File::create_new(marker).expect("a new file");
        let watch = |path: &Path| add_watch(&inotify, path, WatchFlags::MODIFY).expect("a watch");
        let journal = watch(&till.join("journal"));
        let head = watch(&till.join("head"));
        watch(marker);
        let appends = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&appends);
        let (mark, marked) = channel();
        thread::spawn(move || {
            let mut buffer = [MaybeUninit::uninit(); 4_096];
            let mut events = Reader::new(inotify, &mut buffer);
            let mut begun: Option<Instant> = None;
            while let Ok(event) = events.next() {
                let at = now();
                if event.wd() == journal {
                    begun.get_or_insert(at);
                } else if event.wd() == head {
                    locked(&notes).extend(begun.take().map(|begun| at.saturating_duration_since(begun)));
                } else if mark.send(()).is_err() {
                    break;
                }
            }
        });
        Self {
            appends,
            barrier: Some((marker_file, marked)),
        }
    }

    /// Other systems tell of writes too late to time them: the disk's share stays with the core.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn start(_: &Path, _: &Path) -> Self {
        Self {
            appends: Arc::default(),
            barrier: None,
        }
    }

    /// The appends since the last call.
    pub(crate) fn take(&mut self) -> Vec<Duration> {
        if let Some((marker, marked)) = &mut self.barrier {
            marker.write_all(b".").expect("a write");
            marked.recv().expect("the watch");
        }
        std::mem::take(&mut *locked(&self.appends))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
