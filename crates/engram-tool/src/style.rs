//! Colours and weights. `anstream` takes them out where output is no terminal or `NO_COLOR` is set.

use anstyle::{AnsiColor, Style};

/// A title.
pub const TITLE: Style = Style::new().bold();
/// What is beside the point: ids, sources, how it was found.
pub const DIM: Style = Style::new().dimmed();
/// A word of the cue within a snippet.
pub const MARK: Style = Style::new().bold().underline();
/// A number that things are ranked by.
pub const SCORE: Style = AnsiColor::Cyan.on_default();
/// The program's name before an error.
pub const ERROR: Style = AnsiColor::Red.on_default().bold();
/// The program's name before a warning or a note.
pub const NOTE: Style = AnsiColor::Yellow.on_default();

/// How `--help` looks.
pub const HELP: clap::builder::Styles = clap::builder::Styles::styled()
    .header(Style::new().bold())
    .usage(Style::new().bold())
    .literal(AnsiColor::Cyan.on_default());
