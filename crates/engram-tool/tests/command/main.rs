//! The built command, end to end: every command, every bad input, every bad luck.

mod bad_input;
mod bad_luck;
mod commands;
mod killed;
mod output;
mod sandbox;
mod together;
