//! Forgetting: how much of each memory's strength is left at its age.

use crate::backend::Kernels;

/// A forgetting curve: the share of a memory's strength that is retained after a time.
///
/// Each memory brings its own stability, in seconds; what the stability means is the curve's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve(pub(crate) Shape);

/// Which formula.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    HalfLife,
    TimeConstant,
    Power(f32),
}

/// Why a curve was refused.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CurveError {
    /// The exponent of a power law is not a finite number above 0.
    #[error("the exponent of a power law must be finite and above 0, not {0}")]
    Exponent(f32),
}

impl Curve {
    /// `2^(−t/h)`: the stability is the half-life, after which one half is left.
    #[must_use]
    pub const fn half_life() -> Self {
        Self(Shape::HalfLife)
    }

    /// `e^(−t/τ)`: the stability is the time constant, after which 1/e (0.37) is left.
    #[must_use]
    pub const fn time_constant() -> Self {
        Self(Shape::TimeConstant)
    }

    /// `(1 + t/τ)^(−exponent)`: the power law of forgetting, which fits people better than an
    /// exponential (Wixted and Ebbesen, "On the form of forgetting", 1991).
    ///
    /// # Errors
    ///
    /// If `exponent` is not finite and above 0.
    pub const fn power(exponent: f32) -> Result<Self, CurveError> {
        if exponent > 0.0 && exponent < f32::INFINITY {
            Ok(Self(Shape::Power(exponent)))
        } else {
            Err(CurveError::Exponent(exponent))
        }
    }
}

/// Each memory's strength times what the `curve` retains of it: one result for each memory.
///
/// Ages and stabilities are in seconds. An age that is not above 0 (a memory from the future, a NaN)
/// counts as 0. A stability that is not above 0 (or a NaN) holds nothing: retention 0, at any age.
/// Retentions below 2^-126 are 0. Strengths are any numbers; they are only multiplied.
///
/// The age is divided by the stability in `f64`, and the exponent rounded once to `f32`. For an exponent
/// that `f32` holds the error is below 1.25 ulp; rounding it adds at most 0.7 ulp for each halving that
/// it spans. The power law's logarithm makes that 3 ulp for each halving, and `exponent` ulp more.
///
/// # Panics
///
/// If the three slices differ in length.
///
/// ```
/// use engram_kernels::{Curve, apply_decay};
///
/// let day = 86_400.0;
/// let left = apply_decay(&[1.0, 1.0], &[7.0 * day, 7.0 * day], &[7.0 * day, 70.0 * day], Curve::half_life());
/// assert_eq!(left[0], 0.5);
/// assert!(left[1] > 0.93);
/// ```
#[must_use]
pub fn apply_decay(
    strengths: &[f32],
    ages_seconds: &[f64],
    stabilities_seconds: &[f64],
    curve: Curve,
) -> Vec<f32> {
    let mut out = vec![0.0; strengths.len()];
    apply_decay_into(strengths, ages_seconds, stabilities_seconds, curve, &mut out);
    out
}

/// [`apply_decay`] into the caller's `out`.
///
/// # Panics
///
/// If the four slices differ in length.
pub fn apply_decay_into(
    strengths: &[f32],
    ages_seconds: &[f64],
    stabilities_seconds: &[f64],
    curve: Curve,
    out: &mut [f32],
) {
    Kernels::current().apply_decay_into(strengths, ages_seconds, stabilities_seconds, curve, out);
}

impl Kernels {
    /// [`apply_decay_into`] by these kernels.
    ///
    /// # Panics
    ///
    /// As [`apply_decay_into`].
    pub fn apply_decay_into(
        self,
        strengths: &[f32],
        ages_seconds: &[f64],
        stabilities_seconds: &[f64],
        curve: Curve,
        out: &mut [f32],
    ) {
        let memories = strengths.len();
        for (name, length) in
            [("ages", ages_seconds.len()), ("stabilities", stabilities_seconds.len()), ("results", out.len())]
        {
            assert!(length == memories, "{memories} strengths but {length} {name}");
        }
        self.decay(curve.0, strengths, ages_seconds, stabilities_seconds, out);
    }
}
