//! The built command, end to end: every command, every bad input, every bad luck.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad_input;
mod bad_luck;
#[cfg(unix)]
mod bar;
mod commands;
#[cfg(feature = "openai")]
mod embedders;
mod eval;
#[cfg(unix)]
mod exhausted;
#[cfg(target_os = "linux")]
mod half_made;
#[cfg(unix)]
mod interrupted;
mod kernels;
mod killed;
mod output;
mod places;
mod planted;
mod recalls;
mod sandbox;
#[cfg(feature = "openai")]
#[path = "../../../engram-embedders/tests/server/mod.rs"]
mod server;
mod together;
