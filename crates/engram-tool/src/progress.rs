//! Progress on standard error, where that is a terminal; nothing in a pipe.

use std::time::Duration;

use engram::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// A bar that shows how far an import has come; it leaves nothing behind.
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar named for what is read. `indicatif` draws nothing unless standard error is a terminal.
    pub fn new(name: &str) -> Self {
        let bar = ProgressBar::new(0);
        let form = "{prefix} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}, {msg}";
        if let Ok(style) = ProgressStyle::with_template(form) {
            bar.set_style(style);
        }
        bar.set_prefix(engram::text::printable_line(name).into_owned());
        Self(bar)
    }

    /// Moves the bar.
    pub fn show(&self, progress: Progress) {
        // Messages cost an allocation; once in a while is enough to look alive.
        if progress.memories % 64 == 1 || progress.bytes_done == progress.bytes_total {
            self.0.set_length(progress.bytes_total);
            self.0.set_message(format!("{} memories", progress.memories));
        }
        self.0.set_position(progress.bytes_done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A spinner for work whose length is not known.
pub struct Spinner(ProgressBar);

impl Spinner {
    /// A spinner that says what is being done.
    pub fn new(doing: &'static str) -> Self {
        let bar = ProgressBar::new_spinner().with_message(doing);
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
