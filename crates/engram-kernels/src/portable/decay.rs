//! Forgetting: strength × retention, for many memories.
//!
//! ```text
//! ratio     = max(age, 0) / max(stability, 0)                       in f64
//! halvings  = f32(ratio)                 half-life                  2^(−t/h)
//!           = f32(ratio · log2 e)        time constant              e^(−t/τ)
//!           = d · log2(f32(1 + ratio))   power                      (1 + t/τ)^(−d)
//! retention = 2^(−halvings), +0 where halvings is above 126 or no number
//! ```

use crate::contract::{
    EXP2_COEFFICIENTS, HALVINGS_MAX, LOG2_COEFFICIENTS, LOG2_E, ROUND_TO_INTEGER, SQRT_HALF, horner,
};

/// Memories per round: enough that each loop is vectorised as a loop, few enough to stay in
/// the first-level cache between loops.
const WIDTH: usize = 64;

/// Elapsed lifetimes. Ages not above 0 count as 0 (a NaN too), and so do stabilities; 0 / 0 is a NaN
/// here, which [`retention`] maps to 0, as it maps infinity.
#[inline(always)]
fn ratio(age_seconds: f64, stability_seconds: f64) -> f64 {
    let age = if age_seconds > 0.0 { age_seconds } else { 0.0 };
    let stability = if stability_seconds > 0.0 { stability_seconds } else { 0.0 };
    age / stability
}

/// 2^(−halvings) for halvings ≥ 0; +0 above 126 and for a NaN.
#[inline(always)]
pub(crate) fn retention(halvings: f32) -> f32 {
    let in_range = halvings <= HALVINGS_MAX;
    let exponent = if in_range { -halvings } else { -HALVINGS_MAX };
    let shifted = exponent + ROUND_TO_INTEGER;
    let whole = shifted - ROUND_TO_INTEGER;
    let power = horner(&EXP2_COEFFICIENTS, exponent - whole);
    // The low bits of `shifted` hold the whole part, −126..=0: with the bias it is an exponent field.
    let biased = shifted.to_bits().wrapping_sub(ROUND_TO_INTEGER.to_bits()).wrapping_add(127);
    let scaled = power * f32::from_bits(biased << 23);
    if in_range { scaled } else { 0.0 }
}

/// log2 of a number ≥ 1, finite or not (infinity gives 128).
#[inline(always)]
pub(crate) fn log2(value: f32) -> f32 {
    // Splits off the power of two that leaves a factor in [√½, √2).
    let above = value.to_bits().wrapping_sub(SQRT_HALF);
    let whole = (above as i32 >> 23) as f32;
    let factor = f32::from_bits((above & 0x007f_ffff).wrapping_add(SQRT_HALF));
    let excess = factor - 1.0;
    whole + excess * horner(&LOG2_COEFFICIENTS, excess)
}

/// Runs one curve over all memories: `narrow` takes the ratio to `f32`, and `halvings` goes on from
/// there. Each curve's closures are types of their own, so that each gets its own loops; they are
/// apart because a register holds twice as many `f32`s as `f64`s.
#[inline(always)]
fn decay(
    strengths: &[f32],
    ages_seconds: &[f64],
    stabilities_seconds: &[f64],
    out: &mut [f32],
    narrow: impl Fn(f64) -> f32,
    halvings: impl Fn(f32) -> f32,
) {
    let (strength_chunks, strength_tail) = strengths.as_chunks::<WIDTH>();
    let (age_chunks, age_tail) = ages_seconds.as_chunks::<WIDTH>();
    let (stability_chunks, stability_tail) = stabilities_seconds.as_chunks::<WIDTH>();
    let (out_chunks, out_tail) = out.as_chunks_mut::<WIDTH>();
    for (((strength, age), stability), out) in
        strength_chunks.iter().zip(age_chunks).zip(stability_chunks).zip(out_chunks)
    {
        let mut narrowed = [0.0f32; WIDTH];
        for i in 0..WIDTH {
            narrowed[i] = narrow(ratio(age[i], stability[i]));
        }
        for narrowed in &mut narrowed {
            *narrowed = halvings(*narrowed);
        }
        for i in 0..WIDTH {
            out[i] = strength[i] * retention(narrowed[i]);
        }
    }
    for (((strength, age), stability), out) in
        strength_tail.iter().zip(age_tail).zip(stability_tail).zip(out_tail)
    {
        *out = strength * retention(halvings(narrow(ratio(*age, *stability))));
    }
}

/// `out = strength · 2^(−age / stability)`.
pub(crate) fn half_life(strengths: &[f32], ages: &[f64], stabilities: &[f64], out: &mut [f32]) {
    decay(strengths, ages, stabilities, out, |ratio| ratio as f32, |halvings| halvings);
}

/// `out = strength · e^(−age / stability)`.
pub(crate) fn time_constant(strengths: &[f32], ages: &[f64], stabilities: &[f64], out: &mut [f32]) {
    decay(
        strengths,
        ages,
        stabilities,
        out,
        |ratio| (ratio * f64::from_bits(LOG2_E)) as f32,
        |halvings| halvings,
    );
}

/// `out = strength · (1 + age / stability)^(−exponent)`.
pub(crate) fn power(exponent: f32, strengths: &[f32], ages: &[f64], stabilities: &[f64], out: &mut [f32]) {
    let halvings = |base: f32| {
        // Beyond `f32` (and for a NaN) nothing is retained, however small the exponent.
        if base <= f32::MAX { exponent * log2(base) } else { f32::INFINITY }
    };
    decay(strengths, ages, stabilities, out, |ratio| (1.0 + ratio) as f32, halvings);
}
