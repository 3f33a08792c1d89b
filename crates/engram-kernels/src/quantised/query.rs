//! A query as integers, and the bounds on its exact scores.
//!
//! A query *q* becomes *t·m*: a step *t*, integers *m* of 16 bits, and a residual *|q − t·m| ≤ U*, with
//! *Q ≥ |q|*. For a vector *c* with scale *s*, codes *k*, *ρ ≥ |c − s·k|* and *ν ≥ |c|*, the estimate
//! *A = t·s·(m·k)* needs one integer dot product. By Cauchy and Schwarz
//!
//! ```text
//! |q·c − A| = |t·m·(c − s·k) + (q − t·m)·c|  ≤  (Q + U)·ρ + U·ν
//! ```
//!
//! The score itself is rounded: 32 lanes make it differ from q·c by no more than
//! *((n/32 + 6)·2^-23)·Q·ν*, and what is subnormal by *n·2^-149*. The sum of all these is how far the score
//! may be from *A*. It is computed in `f64`, whose own rounding is far below the 2^-24 to spare in it.

use super::{QuantisedRows, UPWARDS};

/// The greatest integer of a query.
const INTEGER_MAX: f64 = 32_767.0;

/// Where all |m| add up to less, no sum of products with codes leaves 32 bits: 128 · 2^24 = 2^31.
const INTEGERS_SUM: f64 = 16_777_216.0;

/// Beyond this product of norms a score might overflow, and no bound holds: 2^126.
const MAGNITUDE_MAX: f64 = 8.507_059_173_023_462e37;

/// 1.5 · 2^52: adding and subtracting it rounds to the nearest integer.
const ROUND_TO_INTEGER: f64 = 6_755_399_441_055_744.0;

/// A query as integers.
#[derive(Clone, Debug)]
pub(super) struct IntegerQuery {
    /// m.
    pub(super) integers: Vec<i16>,
    /// t.
    step: f64,
    /// Q.
    norm: f64,
    /// Q + U: what a residual norm counts.
    of_residual: f64,
    /// U + γ·Q: what a norm counts.
    of_norm: f64,
    /// n · 2^-149.
    subnormal: f64,
}

impl IntegerQuery {
    /// Takes a query to integers. Where it holds an infinity or a NaN every bound is infinite.
    pub(super) fn of(query: &[f32]) -> Self {
        let n = query.len() as f64;
        let (mut greatest, mut sum, mut squares) = (0.0f64, 0.0, 0.0);
        for &x in query {
            let magnitude = f64::from(x).abs();
            greatest = greatest.max(magnitude);
            sum += magnitude;
            squares += magnitude * magnitude;
        }
        // Rounding each integer adds at most a half; 16 is for the rounding of all this.
        let room = INTEGERS_SUM - n / 2.0 - 16.0;
        let step = if room > 0.0 { (greatest / INTEGER_MAX).max(sum / room) } else { 0.0 };
        let representable = squares.is_finite() && step > 0.0;
        let (mut integers, mut residual) = (vec![0i16; query.len()], squares);
        if representable {
            residual = 0.0;
            for (integer, &x) in integers.iter_mut().zip(query) {
                let nearest = (f64::from(x) / step + ROUND_TO_INTEGER) - ROUND_TO_INTEGER;
                let nearest = nearest.clamp(-INTEGER_MAX, INTEGER_MAX);
                *integer = nearest as i16;
                let rest = f64::from(x) - step * nearest;
                residual += rest * rest;
            }
        }
        let norm = squares.sqrt() * UPWARDS;
        let residual = residual.sqrt() * UPWARDS;
        let rounding = ((n / 32.0).ceil() + 6.0) / f64::from(1 << 23);
        Self {
            integers,
            step: if representable { step } else { 0.0 },
            norm,
            of_residual: (norm + residual) * UPWARDS,
            of_norm: residual + rounding * norm,
            subnormal: n * f64::from(f32::from_bits(1)),
        }
    }

    /// Estimates of the scores of some rows from their integer dot products, and how far each score may be
    /// from its estimate: NaN or infinite where nothing is known. `rows` are those of the dot products.
    #[inline(always)]
    pub(super) fn estimate(
        &self,
        rows: QuantisedRows<'_>,
        dots: &[i32],
        estimates: &mut [f64],
        errors: &mut [f64],
    ) {
        let count = dots.len();
        let (scales, residual_norms, norms) =
            (&rows.scales[..count], &rows.residual_norms[..count], &rows.norms[..count]);
        let (estimates, errors) = (&mut estimates[..count], &mut errors[..count]);
        for r in 0..count {
            let (residual_norm, norm) = (f64::from(residual_norms[r]), f64::from(norms[r]));
            estimates[r] = self.step * f64::from(scales[r]) * f64::from(dots[r]);
            let known = self.of_residual * residual_norm + self.of_norm * norm + self.subnormal;
            errors[r] = if self.norm * norm <= MAGNITUDE_MAX { known } else { f64::INFINITY };
        }
    }
}
