//! Keeps what a till logs, so that a scenario can look for what must not be in it.

use std::sync::{Arc, Mutex, PoisonError};

use softpos_terminal::{LogLine, LogSink, PortError};

/// The lines of a till's log.
#[derive(Clone, Debug, Default)]
pub struct LogLines(Arc<Mutex<Vec<LogLine>>>);

impl LogLines {
    /// All lines so far, as text.
    pub fn text(&self) -> String {
        format!("{:?}", self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl LogSink for LogLines {
    fn write(&self, line: LogLine) -> Result<(), PortError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        Ok(())
    }
}
