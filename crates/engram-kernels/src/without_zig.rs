//! In place of the Zig kernels where they are not built: no level is supported, so nothing here runs.

use crate::decay::Shape;
use crate::graph::{CHUNK_ROWS, InRows, PullRows};
use crate::level::Level;
use crate::portable::batch::{Lanes, Settled};
use crate::portable::spreading::{Chunks, Factors, Rows};
use crate::spreading::frontier::TouchedLines;

/// A level that is built and that this processor runs: there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Supported {}

impl Supported {
    pub(crate) fn level(self) -> Level {
        match self {}
    }
}

pub(crate) fn is_built(_: Level) -> bool {
    false
}

pub(crate) fn supported(_: Level) -> Option<Supported> {
    None
}

pub(crate) fn vector_similarity(level: Supported, _: &[f32], _: f32, _: &[f32], _: &mut [f32]) {
    match level {}
}

pub(crate) fn vector_dot(level: Supported, _: &[f32], _: &[f32], _: &mut [f32]) {
    match level {}
}

pub(crate) fn vector_dot_top_k(level: Supported, _: &[f32], _: &[f32], _: u32, _: usize, _: &mut Vec<u64>) {
    match level {}
}

pub(crate) fn vector_norms(level: Supported, _: &[f32], _: usize, _: &mut [f32]) {
    match level {}
}

pub(crate) fn vector_dot_i8(level: Supported, _: &[i16], _: &[i8], _: &mut [i32]) {
    match level {}
}

pub(crate) fn apply_decay(level: Supported, _: Shape, _: &[f32], _: &[f64], _: &[f64], _: &mut [f32]) {
    match level {}
}

pub(crate) fn spread_push(
    level: Supported,
    _: &[u32],
    _: &[f32],
    _: Rows<'_>,
    _: &mut [f32],
    _: Option<&mut TouchedLines>,
) {
    match level {}
}

pub(crate) fn spread_pull(level: Supported, _: &PullRows, _: &[f32], _: &mut [f32]) {
    match level {}
}

pub(crate) fn spread_settle(
    level: Supported,
    _: &[u32],
    _: &mut [f32],
    _: &mut [f32],
    _: Factors,
    _: Option<&mut [u32]>,
) -> (usize, f32) {
    match level {}
}

pub(crate) fn spread_pull_batch(level: Supported, _: &InRows, _: usize, _: &[Lanes], _: &mut [Lanes]) {
    match level {}
}

pub(crate) fn spread_hop_batch(
    level: Supported,
    _: &InRows,
    _: usize,
    _: &[Lanes],
    _: Settled<'_>,
    _: Factors,
    _: &mut Lanes,
) {
    match level {}
}

pub(crate) fn spread_pull_long(level: Supported, _: &PullRows, _: &[f32], _: &mut [f32]) {
    match level {}
}

pub(crate) fn spread_pull_chunk(level: Supported, _: &PullRows, _: usize, _: &[f32]) -> [f32; CHUNK_ROWS] {
    match level {}
}

pub(crate) fn spread_hop(
    level: Supported,
    _: &PullRows,
    _: usize,
    _: &[f32],
    _: Chunks<'_>,
    _: Factors,
) -> (usize, f32) {
    match level {}
}
