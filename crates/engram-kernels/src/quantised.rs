//! Vectors kept a second time in 8 bits a coordinate, with what is needed to bound the score of each:
//! a scan reads a quarter of the bytes, and only what may be among the best is scored exactly.
//!
//! A vector *c* is kept as a scale *s*, codes *k* from −127 to 127, and two lengths, rounded up: that
//! of the residual *ρ ≥ |c − s·k|* and its own, *ν ≥ |c|*. [`QuantisedScan`] makes bounds of them.

mod query;
mod scan;

pub use scan::{QuantisedScan, vector_dot_top_k_quantised};

use std::ops::Range;

use crate::backend::Kernels;
use crate::contract::ROUND_TO_INTEGER;
use crate::similarity::{check_block, count_rows};

/// The greatest code.
const CODE_MAX: f32 = 127.0;

/// What a sum in `f64` may be too small by, as a factor: far more than its rounding.
const UPWARDS: f64 = 1.0 + 1e-9;

/// A block of quantised vectors, owned: for each `dimensions + 12` bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuantisedVectors {
    dimensions: usize,
    codes: Vec<i8>,
    scales: Vec<f32>,
    residual_norms: Vec<f32>,
    norms: Vec<f32>,
}

/// A block of quantised vectors, borrowed from wherever it lies.
#[derive(Clone, Copy, Debug)]
pub struct QuantisedRows<'a> {
    dimensions: usize,
    codes: &'a [i8],
    scales: &'a [f32],
    residual_norms: &'a [f32],
    norms: &'a [f32],
}

impl QuantisedVectors {
    /// Quantises each row of a block. The same rows give the same codes on every processor. Reads the
    /// block three times, a row at a time.
    ///
    /// A row with an infinity or a NaN gets no code that says anything, and is always scored exactly.
    ///
    /// # Panics
    ///
    /// If `rows.len()` is not a multiple of `dimensions`; with no dimensions it must be empty.
    #[must_use]
    pub fn new(rows: &[f32], dimensions: usize) -> Self {
        let count = count_rows(rows.len(), dimensions);
        let mut quantised = Self {
            dimensions,
            codes: vec![0; rows.len()],
            scales: Vec::with_capacity(count),
            residual_norms: Vec::with_capacity(count),
            norms: Vec::with_capacity(count),
        };
        let rows = rows.chunks_exact(dimensions.max(1));
        for (row, codes) in rows.zip(quantised.codes.chunks_exact_mut(dimensions.max(1))) {
            let (scale, residual_norm, norm) = quantise(row, codes);
            quantised.scales.push(scale);
            quantised.residual_norms.push(residual_norm);
            quantised.norms.push(norm);
        }
        quantised
    }

    /// The block, borrowed.
    #[must_use]
    pub fn rows(&self) -> QuantisedRows<'_> {
        QuantisedRows {
            dimensions: self.dimensions,
            codes: &self.codes,
            scales: &self.scales,
            residual_norms: &self.residual_norms,
            norms: &self.norms,
        }
    }
}

impl<'a> QuantisedRows<'a> {
    /// A block of the arrays that [`QuantisedVectors`] made, for instance as they lie in a file. Looks at
    /// their lengths only: whoever changed what is in them gets what he asks for, which is other scores but
    /// never another memory access.
    ///
    /// # Panics
    ///
    /// If the three arrays with one entry a row differ in length, or `codes` does not hold that many rows
    /// of `dimensions` codes.
    #[must_use]
    pub fn new(
        dimensions: usize,
        codes: &'a [i8],
        scales: &'a [f32],
        residual_norms: &'a [f32],
        norms: &'a [f32],
    ) -> Self {
        let rows = scales.len();
        for (name, length) in [("residual norms", residual_norms.len()), ("norms", norms.len())] {
            assert!(length == rows, "{rows} scales but {length} {name}");
        }
        check_block(codes.len(), dimensions, rows);
        Self { dimensions, codes, scales, residual_norms, norms }
    }

    /// Some of the rows.
    #[inline]
    fn slice(&self, rows: Range<usize>) -> Self {
        let dimensions = self.dimensions;
        Self {
            dimensions,
            codes: &self.codes[rows.start * dimensions..rows.end * dimensions],
            scales: &self.scales[rows.clone()],
            residual_norms: &self.residual_norms[rows.clone()],
            norms: &self.norms[rows],
        }
    }

    /// How many vectors there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.scales.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scales.is_empty()
    }

    /// Coordinates of each vector.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The codes, row after row.
    #[must_use]
    pub fn codes(&self) -> &'a [i8] {
        self.codes
    }

    /// What a code of 1 stands for, for each row.
    #[must_use]
    pub fn scales(&self) -> &'a [f32] {
        self.scales
    }

    /// How far each vector may be from what its codes stand for.
    #[must_use]
    pub fn residual_norms(&self) -> &'a [f32] {
        self.residual_norms
    }

    /// How long each vector is at the most.
    #[must_use]
    pub fn norms(&self) -> &'a [f32] {
        self.norms
    }
}

/// Fills a row's codes; returns its scale, and the norms of its residual and of itself, rounded up.
fn quantise(row: &[f32], codes: &mut [i8]) -> (f32, f32, f32) {
    // Of magnitudes the greatest has the greatest bits; integers have a maximum that is vectorised.
    let greatest = row.iter().fold(0, |greatest, x| x.abs().to_bits().max(greatest));
    let greatest = f32::from_bits(greatest);
    let scale = if greatest.is_finite() { greatest / CODE_MAX } else { 0.0 };
    // Sums run over eight lanes so that they are vectorised.
    let (mut squares, mut residuals) = ([0.0f64; 8], [0.0f64; 8]);
    let mut each = |lane: usize, x: f32, code: &mut i8| {
        // A quotient may be a little beyond the greatest code, where the scale is subnormal far beyond. Where
        // the scale is 0 it may be a NaN, whose code does not count.
        let quotient = x / scale;
        let quotient = if quotient > CODE_MAX { CODE_MAX } else { quotient };
        let quotient = if quotient < -CODE_MAX { -CODE_MAX } else { quotient };
        // Rounded to the nearest integer, which the low bits of the sum are.
        let sum = quotient + ROUND_TO_INTEGER;
        *code = sum.to_bits() as i8;
        let rest = f64::from(x) - f64::from(scale) * f64::from(sum - ROUND_TO_INTEGER);
        residuals[lane] += rest * rest;
        squares[lane] += f64::from(x) * f64::from(x);
    };
    let (row_chunks, row_tail) = row.as_chunks::<8>();
    let (code_chunks, code_tail) = codes.as_chunks_mut::<8>();
    for (row, codes) in row_chunks.iter().zip(code_chunks) {
        for lane in 0..8 {
            each(lane, row[lane], &mut codes[lane]);
        }
    }
    for (lane, (&x, code)) in row_tail.iter().zip(code_tail).enumerate() {
        each(lane, x, code);
    }
    let norm = rounded_up(squares.into_iter().sum::<f64>().sqrt() * UPWARDS);
    if scale > 0.0 {
        (scale, rounded_up(residuals.into_iter().sum::<f64>().sqrt() * UPWARDS), norm)
    } else {
        // All zeros or too small for a scale: the residual is the vector. Or not finite: nothing is known.
        codes.fill(0);
        if greatest.is_finite() { (0.0, norm, norm) } else { (0.0, f32::INFINITY, f32::INFINITY) }
    }
}

/// The least `f32` that is not below `value`.
fn rounded_up(value: f64) -> f32 {
    let nearest = value as f32;
    if f64::from(nearest) < value { nearest.next_up() } else { nearest }
}

/// The greatest `f32` that is not above `value`.
fn rounded_down(value: f64) -> f32 {
    -rounded_up(-value)
}

impl Kernels {
    /// [`vector_dot_i8_into`] by these kernels.
    ///
    /// # Panics
    ///
    /// As [`vector_dot_i8_into`].
    pub fn vector_dot_i8_into(self, query: &[i16], codes: &[i8], dots: &mut [i32]) {
        check_block(codes.len(), query.len(), dots.len());
        if query.is_empty() {
            dots.fill(0);
        } else {
            self.dot_i8(query, codes, dots);
        }
    }
}

/// The dot product of a query of 16-bit integers with each row of 8-bit codes, modulo 2^32, into the
/// caller's `dots`, one for each row. Where 128 times the sum of all |query\[i\]| is below 2^31, nothing wraps.
///
/// # Panics
///
/// If `codes` does not hold `dots.len()` rows of `query.len()` codes. With a query of no dimensions `codes`
/// is empty, and every dot product is 0.
///
/// ```
/// let mut dots = [0; 2];
/// engram_kernels::vector_dot_i8_into(&[300, -2], &[1, 2, -3, 4], &mut dots);
/// assert_eq!(dots, [296, -908]);
/// ```
pub fn vector_dot_i8_into(query: &[i16], codes: &[i8], dots: &mut [i32]) {
    Kernels::current().vector_dot_i8_into(query, codes, dots);
}
