//! Progress of long work: a bar for people.

use indicatif::{ProgressBar, ProgressStyle};

use crate::columns;

/// The bar on the screen, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    /// Shows that `done` of `total` are done.
    pub(crate) fn show(&mut self, what: &str, done: u64, total: u64) {
        let bar = self.0.get_or_insert_with(|| {
            let width = columns::of_terminal().saturating_sub(50).clamp(10, 40);
            // Without the style the bar looks plainer, nothing else.
            let style = ProgressStyle::with_template(&format!("[{{bar:{width}}}] {{msg}}"))
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::no_length()
                .with_style(style.progress_chars("=> "))
                .with_message(what.to_owned())
        });
        bar.set_length(total);
        bar.set_message(what.to_owned());
        bar.set_position(done);
        if done >= total {
            self.clear();
        }
    }

    /// Takes the bar away, so that a line can be written.
    pub(crate) fn clear(&mut self) {
        if let Some(bar) = self.0.take() {
            bar.finish_and_clear();
        }
    }
}
