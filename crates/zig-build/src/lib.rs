#![doc = include_str!("../README.md")]

mod advice;
mod archive;
mod artifact;
mod builder;
mod bytes;
mod cache;
mod check;
mod choose;
mod coff;
mod contents;
mod direct;
mod elf;
mod environment;
mod error;
mod feature_tables;
mod features;
mod find;
mod install;
mod invoke;
mod kept_times;
mod macho;
mod mend;
mod mode;
mod object;
mod obstacle;
mod packages;
mod places;
mod process;
mod repack;
mod rerun;
mod run;
mod target;
mod target_table;
mod version;
mod wasm;
mod wish;
mod words;
mod zon;

use std::path::PathBuf;

pub use artifact::{Artifact, Skipped};
pub use builder::{Build, Optimize, WithoutZig};
pub use error::{Candidate, Error, Problem};
pub use obstacle::Obstacle;
pub use packages::{Package, how_to_fetch, packages};
pub use target::Cpu;
pub use version::{NotAVersion, SUPPORTED, Version};

/// Runs `zig build` in `folder`, which holds `build.zig`, and returns the one static library that it installs.
///
/// Without a usable Zig, or on any other error, cargo shows a message that says what to do, and the build script ends.
/// [`Build`] has the settings.
pub fn build(folder: impl Into<PathBuf>) -> Artifact {
    Build::new(folder).build()
}
