//! Progress on standard error, where that is a terminal; nothing in a pipe.

use std::path::Path;
use std::time::{Duration, Instant};

use engram::Progress;
use engram::text::printable_line;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is done sooner shows no progress: a bar that flashes by tells nothing.
const PATIENCE: Duration = Duration::from_millis(300);
/// The most characters of a name in front of a bar.
const NAME_CHARS: usize = 30;

/// A bar that shows how far an import has come; it leaves nothing behind.
pub struct Bar {
    bar: ProgressBar,
    begun: Instant,
}

impl Bar {
    /// A bar named for the path that is read.
    pub fn new(path: &Path) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let form = "{prefix} {wide_bar} {bytes}/{total_bytes}, {bytes_per_sec}, {msg}";
        if let Ok(style) = ProgressStyle::with_template(form) {
            bar.set_style(style);
        }
        let name = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
        bar.set_prefix(printable_line(&name).chars().take(NAME_CHARS).collect::<String>());
        Self { bar, begun: Instant::now() }
    }

    /// Moves the bar.
    pub fn show(&self, progress: Progress) {
        if self.bar.is_hidden() {
            if self.begun.elapsed() < PATIENCE {
                return;
            }
            // Which draws nothing unless standard error is a terminal.
            self.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        }
        // Messages cost an allocation; now and then is enough.
        if progress.memories.is_multiple_of(64) || progress.bytes_done == progress.bytes_total {
            self.bar.set_message(format!("{} memories", progress.memories));
        }
        self.bar.set_length(progress.bytes_total);
        self.bar.set_position(progress.bytes_done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
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
