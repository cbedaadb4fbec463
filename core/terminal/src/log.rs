//! Log lines for support, which carry no user data and never hold up a payment.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use softpos_types::{Code, PaymentKey, SoftPosError};

use crate::hardware::PortError;

/// How many lines may wait for the sink; further ones are counted and dropped.
const CAPACITY: usize = 1_024;

/// Where a shell keeps log lines. Called from one thread, line by line; slowness or failure costs lines, nothing
/// else.
pub trait LogSink: Send + Sync {
    /// Takes a line.
    ///
    /// # Errors
    /// [`PortError`]; the line is lost then.
    fn write(&self, line: LogLine) -> Result<(), PortError>;
}

/// One line: what happened, and the numbers and words that belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// The stable name of what happened, as `host_not_reached`.
    pub event: String,
    /// Details, in the order given.
    pub fields: Vec<LogField>,
}

/// A named detail of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogField {
    /// The name, unit last.
    pub name: String,
    /// The value.
    pub value: String,
}

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// The course of things.
    Info,
    /// Something failed and the till copes.
    Warning,
    /// Someone has to act.
    Error,
}

/// What a field can hold. There is no variant for text made at run time, so that nothing a customer, a card or a
/// merchant brought can get into a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogValue {
    /// A count, a size, a duration.
    Number(u64),
    /// A word of the program.
    Word(&'static str),
    /// Which payment.
    Payment(PaymentKey),
    /// Which error.
    Code(Code),
}

/// The till's end of the log: cheap to clone, never blocks, never fails.
#[derive(Clone)]
pub struct Log {
    lines: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

enum Message {
    Line(LogLine),
    Flush(SyncSender<()>),
}

impl Log {
    /// Starts the thread that feeds the sink; it ends with the last clone.
    ///
    /// # Errors
    /// [`Code::SessionPoisoned`] if the system gives no thread.
    pub fn start(sink: Arc<dyn LogSink>) -> Result<Self, SoftPosError> {
        let (lines, waiting) = sync_channel(CAPACITY);
        let dropped = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&dropped);
        thread::Builder::new()
            .name("softpos-log".into())
            .spawn(move || feed(&waiting, &*sink, &counter))
            .map_err(|error| {
                SoftPosError::of(Code::SessionPoisoned).with_detail(format!("log thread: {}", error.kind()))
            })?;
        Ok(Self { lines, dropped })
    }

    /// Hands a line over. When the sink is too slow the line is dropped, and a later `log_dropped` says how many.
    pub fn line(&self, level: LogLevel, event: &'static str, fields: &[(&'static str, LogValue)]) {
        let field = |(name, value): &(&'static str, LogValue)| LogField {
            name: (*name).into(),
            value: value.to_string(),
        };
        let line = LogLine {
            level,
            event: event.into(),
            fields: fields.iter().map(field).collect(),
        };
        match self.lines.try_send(Message::Line(line)) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Waits until the sink has everything handed over so far, at most `limit`; for the end of the program.
    /// Says whether it has.
    pub fn flush(&self, limit: Duration) -> bool {
        let (done, waiting) = sync_channel(1);
        self.lines.try_send(Message::Flush(done)).is_ok() && waiting.recv_timeout(limit).is_ok()
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log(..)")
    }
}

impl fmt::Display for LogValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Word(word) => f.write_str(word),
            Self::Payment(key) => key.fmt(f),
            Self::Code(code) => f.write_str(code.name()),
        }
    }
}

fn feed(lines: &Receiver<Message>, sink: &dyn LogSink, dropped: &AtomicU64) {
    for message in lines {
        match message {
            Message::Line(line) => {
                if sink.write(line).is_err() {
                    dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
            // Whoever waited may have given up.
            Message::Flush(done) => drop(done.try_send(())),
        }
        let count = dropped.swap(0, Ordering::Relaxed);
        if count > 0 && sink.write(lost(count)).is_err() {
            dropped.fetch_add(count, Ordering::Relaxed);
        }
    }
}

fn lost(count: u64) -> LogLine {
    LogLine {
        level: LogLevel::Warning,
        event: "log_dropped".into(),
        fields: vec![LogField {
            name: "lines".into(),
            value: count.to_string(),
        }],
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Condvar, Mutex};

    use super::*;

    /// Keeps lines; while `closed` it does not answer.
    #[derive(Default)]
    struct Gate {
        closed: Mutex<bool>,
        opened: Condvar,
        lines: Mutex<Vec<LogLine>>,
    }

    impl LogSink for Gate {
        fn write(&self, line: LogLine) -> Result<(), PortError> {
            let _open = self
                .opened
                .wait_while(self.closed.lock().unwrap(), |closed| *closed)
                .unwrap();
            self.lines.lock().unwrap().push(line);
            Ok(())
        }
    }

    /// Fails so many times before it keeps lines.
    struct Deaf(Mutex<usize>, Gate);

    impl LogSink for Deaf {
        fn write(&self, line: LogLine) -> Result<(), PortError> {
            let mut failures = self.0.lock().unwrap();
            match failures.checked_sub(1) {
                Some(left) => *failures = left,
                None => return self.1.write(line),
            }
            Err(PortError::Failed)
        }
    }

    const LIMIT: Duration = Duration::from_secs(10);

    #[test]
    fn lines_arrive_in_order() {
        let sink = Arc::new(Gate::default());
        let log = Log::start(sink.clone()).unwrap();
        let key = PaymentKey::new(1, &[0; 10]);
        log.line(
            LogLevel::Info,
            "sale",
            &[
                ("amount_minor", LogValue::Number(5)),
                ("key", LogValue::Payment(key)),
            ],
        );
        log.clone().line(
            LogLevel::Error,
            "end",
            &[("code", LogValue::Code(Code::StoreInUse))],
        );
        assert!(log.flush(LIMIT));
        let lines = sink.lines.lock().unwrap();
        let values: Vec<_> = lines
            .iter()
            .flat_map(|l| &l.fields)
            .map(|f| f.value.as_str())
            .collect();
        assert_eq!(values, ["5", &key.to_string(), "store_in_use"]);
        assert_eq!(
            (lines[0].event.as_str(), lines[1].level),
            ("sale", LogLevel::Error)
        );
    }

    #[test]
    fn a_stuck_sink_costs_lines_and_no_time() {
        let sink = Arc::new(Gate::default());
        *sink.closed.lock().unwrap() = true;
        let log = Log::start(sink.clone()).unwrap();
        for _ in 0..CAPACITY + 100 {
            log.line(LogLevel::Info, "busy", &[]);
        }
        assert!(
            !log.flush(Duration::from_millis(1)),
            "the sink cannot have them yet"
        );
        *sink.closed.lock().unwrap() = false;
        sink.opened.notify_all();
        // The queue may still be full for a moment.
        while !log.flush(LIMIT) {
            thread::yield_now();
        }
        let lines = sink.lines.lock().unwrap();
        let written = lines.iter().filter(|line| line.event == "busy").count();
        let lost: usize = lines
            .iter()
            .filter(|line| line.event == "log_dropped")
            .map(|line| line.fields[0].value.parse::<usize>().unwrap())
            .sum();
        assert_eq!(written + lost, CAPACITY + 100);
        // One line can be with the sink already when the queue fills.
        assert!((99..=100).contains(&lost), "{lost}");
    }

    #[test]
    fn a_failing_sink_harms_nobody_and_hears_of_it_later() {
        let sink = Arc::new(Deaf(Mutex::new(3), Gate::default()));
        let log = Log::start(sink.clone()).unwrap();
        // Two lines fail, and the first attempt to tell of them.
        log.line(LogLevel::Info, "unheard", &[]);
        log.line(LogLevel::Info, "unheard", &[]);
        log.line(LogLevel::Info, "heard", &[]);
        assert!(log.flush(LIMIT));
        let lines = sink.1.lines.lock().unwrap();
        let unheard = lines.iter().filter(|line| line.event == "unheard").count();
        let told: usize = lines
            .iter()
            .filter(|line| line.event == "log_dropped")
            .map(|line| line.fields[0].value.parse::<usize>().unwrap())
            .sum();
        assert_eq!(unheard + told, 2);
        assert!(lines.iter().any(|line| line.event == "heard"));
    }
}
