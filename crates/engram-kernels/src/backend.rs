//! Which implementation runs. Every hot function is called here and nowhere else; so far there is
//! one implementation, the portable one.

use crate::decay::Shape;
use crate::portable;
use crate::portable::spreading::Rows;
use crate::spreading::frontier::NodeSet;

pub(crate) fn vector_dot(query: &[f32], rows: &[f32], scores: &mut [f32]) {
    portable::similarity::vector_dot(query, rows, scores);
}

pub(crate) fn vector_similarity(query: &[f32], query_norm: f32, rows: &[f32], scores: &mut [f32]) {
    portable::similarity::vector_similarity(query, query_norm, rows, scores);
}

pub(crate) fn vector_norms(rows: &[f32], dimensions: usize, norms: &mut [f32]) {
    portable::similarity::vector_norms(rows, dimensions, norms);
}

pub(crate) fn apply_decay(
    shape: Shape,
    strengths: &[f32],
    ages: &[f64],
    stabilities: &[f64],
    out: &mut [f32],
) {
    match shape {
        Shape::HalfLife => portable::decay::half_life(strengths, ages, stabilities, out),
        Shape::TimeConstant => portable::decay::time_constant(strengths, ages, stabilities, out),
        Shape::Power(exponent) => portable::decay::power(exponent, strengths, ages, stabilities, out),
    }
}

pub(crate) fn spread_push(
    sources: &[u32],
    released: &[f32],
    rows: Rows<'_>,
    accumulator: &mut [f32],
    reached: &mut NodeSet,
) {
    portable::spreading::push(sources, released, rows, accumulator, reached);
}

pub(crate) fn spread_pull(rows: Rows<'_>, released: &[f32], accumulator: &mut [f32]) {
    portable::spreading::pull(rows, released, accumulator);
}
