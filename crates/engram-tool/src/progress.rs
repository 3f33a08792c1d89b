//! Progress on standard error, where that is a terminal; nothing in a pipe.

use std::path::Path;
use std::time::{Duration, Instant};

use engram::text::printable_line;
use engram::{Progress, Stage};
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is done sooner shows no progress: a bar that flashes by tells nothing.
const PATIENCE: Duration = Duration::from_millis(300);
/// How often a bar is drawn, but that each stage shows at once.
const BEAT: Duration = Duration::from_millis(100);
/// The most characters of a name in front of a bar.
const NAME_CHARS: usize = 20;
/// How long files must have been read before it is said how long the rest takes.
const ESTIMATED_AFTER: Duration = Duration::from_secs(2);

/// A bar for each stage of a long work, in one line; it leaves nothing behind.
pub struct Bar {
    bar: ProgressBar,
    name: String,
    begun: Instant,
    drawn: Instant,
    shown: Option<Form>,
}

/// What the line looks like.
#[derive(Clone, Copy, PartialEq)]
struct Form {
    stage: Stage,
    /// Whether it is known how much there is to do.
    is_counted: bool,
}

impl Form {
    fn template(self) -> &'static str {
        match self {
            Self { stage: Stage::Reading, .. } => "{prefix} {wide_bar} {bytes}/{total_bytes}, {msg}",
            Self { is_counted: true, .. } => "{prefix} {wide_bar} {percent} %, {eta} to go{msg}",
            Self { .. } => "{prefix} {spinner} {elapsed}{msg}",
        }
    }
}

impl Bar {
    /// A bar for the path that is read.
    pub fn of(path: &Path) -> Self {
        let name = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
        Self::new(printable_line(&name).chars().take(NAME_CHARS).collect::<String>())
    }

    /// A bar for a work of this name.
    pub fn new(name: impl Into<String>) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let now = Instant::now();
        Self { bar, name: name.into(), begun: now, drawn: now, shown: None }
    }

    /// Shows how far the work is.
    pub fn show(&mut self, progress: Progress) {
        let form = Form { stage: progress.stage, is_counted: progress.total > 0 };
        let begins = self.shown != Some(form) || progress.done < self.bar.position();
        if self.begun.elapsed() < PATIENCE || !begins && self.drawn.elapsed() < BEAT {
            return;
        }
        self.drawn = Instant::now();
        if begins {
            self.begin(form, &progress);
            return;
        }
        self.bar.set_message(self.message(&progress));
        self.bar.update(|state| {
            state.set_len(progress.total);
            state.set_pos(progress.done);
        });
        if !form.is_counted {
            self.bar.tick();
        }
    }

    /// Puts a bar of its own in place of the one before, so that what remains is not estimated from another stage.
    fn begin(&mut self, form: Form, progress: &Progress) {
        self.shown = Some(form);
        let prefix = match form.stage {
            Stage::Reading => self.name.clone(),
            stage => format!("{}: {stage}", self.name),
        };
        self.bar.finish_and_clear();
        // Which draws nothing unless standard error is a terminal. How often, this decides itself.
        let target = ProgressDrawTarget::stderr_with_hz(u8::MAX);
        self.bar = ProgressBar::with_draw_target(Some(progress.total), target)
            .with_position(progress.done)
            .with_prefix(prefix)
            .with_message(self.message(progress));
        if let Ok(style) = ProgressStyle::with_template(form.template()) {
            self.bar.set_style(style);
        }
        self.bar.tick();
    }

    /// What an import has read, and how long the rest of it takes.
    fn message(&self, progress: &Progress) -> String {
        let (done, total) = (progress.bytes_done, progress.bytes_total);
        if total == 0 {
            return String::new();
        }
        if progress.stage == Stage::Embedding {
            return format!(", {} of {} memories", progress.embedded, progress.memories);
        }
        if progress.stage != Stage::Reading {
            return format!(", {} % read", u128::from(done) * 100 / u128::from(total));
        }
        let mut message = format!("{} memories", progress.memories);
        // Portions grow with the store, so that their packing takes as long for each byte.
        let elapsed = self.begun.elapsed();
        if elapsed > ESTIMATED_AFTER && done > 0 && done < total {
            let left = elapsed.mul_f64((total - done) as f64 / done as f64);
            message.push_str(&format!(", about {:#} left", HumanDuration(left)));
        }
        message
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A bar that counts memories; it leaves nothing behind.
pub struct Counter {
    bar: ProgressBar,
    begun: Instant,
}

impl Counter {
    /// A bar that says what is being done.
    pub fn new(doing: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len}, {per_sec}, {eta}") {
            bar.set_style(style);
        }
        bar.set_prefix(doing);
        Self { bar, begun: Instant::now() }
    }

    /// Moves the bar.
    pub fn show(&self, done: u64, total: u64) {
        if self.bar.is_hidden() {
            if self.begun.elapsed() < PATIENCE {
                return;
            }
            self.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        }
        self.bar.set_length(total);
        self.bar.set_position(done);
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A spinner for work that cannot say how far it is.
pub struct Spinner(ProgressBar);

impl Spinner {
    /// A spinner that says what is being done.
    pub fn new(doing: &'static str) -> Self {
        let bar = ProgressBar::new_spinner().with_message(doing);
        // It ticks on a thread of its own, which nobody needs where nothing is drawn.
        if !bar.is_hidden() {
            bar.enable_steady_tick(BEAT);
        }
        Self(bar)
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
