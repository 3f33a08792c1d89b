//! The default vector model: random indexing, learnt from the store's own texts, with nothing to download.
//!
//! Every memory has a sparse random *index vector*. A term's vector is the sum of the index vectors of the
//! memories that it occurs in, so that terms which keep the same company point the same way; a memory's
//! vector is the weighted sum of its terms' vectors. (Kanerva, Kristoferson and Holst, "Random indexing of
//! text samples for latent semantic analysis", 2000; Sahlgren, "An introduction to random indexing", 2005.)
//!
//! Weights are (1 + ln tf) · idf, scaled to unit length in a memory. All sums are of integers, so that the
//! vectors do not depend on the order in which memories were written.

mod model;

use xxhash_rust::xxh3::xxh3_64_with_seed;

pub(crate) use model::{GROUP, Model, Occurrences, Sums, TermCounts, learn};

/// The model's name, which a store remembers.
pub(crate) const NAME: &str = "random-indexing";
/// The dimension of the model's vectors.
pub(crate) const DIMENSIONS: usize = 256;

/// The elements of an index vector that are not zero, half of them +1 and half −1 in the mean.
const NONZEROS: usize = 8;
/// Every index vector follows from this seed and the memory's id.
const SEED: u64 = 0x656e_6772_616d_0001;
/// A weight of 1 as an integer.
const WEIGHT_UNIT: f64 = 256.0;
/// The length of a term vector as an integer.
const TERM_UNIT: f64 = 4096.0;

/// A term's vector and how rare the term was when it was learnt.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TermVector {
    pub(crate) idf: f32,
    pub(crate) elements: Vec<i16>,
}

impl TermVector {
    /// The bytes that [`TermVector::read`] reads.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(4 + 2 * self.elements.len());
        bytes.extend_from_slice(&self.idf.to_le_bytes());
        bytes.extend_from_slice(bytemuck::cast_slice(&self.elements));
        bytes
    }

    /// Reads a term vector; `None` where the bytes are none of this model's.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (idf, elements) = bytes.split_at_checked(4)?;
        let idf = f32::from_le_bytes(idf.try_into().ok()?);
        if elements.len() != 2 * DIMENSIONS || !idf.is_finite() {
            return None;
        }
        Some(Self { idf, elements: bytemuck::pod_collect_to_vec(elements) })
    }
}

/// The vector of a text that the model did not learn from: a cue, or a memory written since.
///
/// `terms` are the vectors of the text's known terms with their frequencies. The vector has unit length, or
/// is all zeros where no term is known.
pub(crate) fn embed(terms: &[(TermVector, u32)]) -> Vec<f32> {
    let mut weights = Weights::default();
    weights.set(terms.iter().map(|(term, tf)| (*tf, term.idf)));
    let mut sums = [[0; STRIP]; STRIPS];
    for (strip, sums) in sums.iter_mut().enumerate() {
        for ((term, _), weight) in terms.iter().zip(&weights.whole) {
            add(&term.elements.as_chunks().0[strip], *weight, sums);
        }
    }
    let mut vector = vec![0.0; DIMENSIONS];
    scale(&sums, &mut vector);
    vector
}

/// How rare a term is: ln(1 + (N − df + ½) / (df + ½)), as in BM25.
pub(crate) fn inverse_document_frequency(memories: u32, df: u32) -> f64 {
    let (n, df) = (f64::from(memories.max(df)), f64::from(df));
    libm::log(1.0 + (n - df + 0.5) / (df + 0.5))
}

/// The weights of a text's terms.
#[derive(Default)]
pub(crate) struct Weights {
    real: Vec<f64>,
    /// As integers, so that the unit length is [`WEIGHT_UNIT`].
    whole: Vec<i16>,
}

impl Weights {
    /// Sets them to those of terms with these frequencies and rarities.
    fn set(&mut self, terms: impl Iterator<Item = (u32, f32)>) {
        self.real.clear();
        self.real.extend(terms.map(|(tf, idf)| (1.0 + logarithm(tf)) * f64::from(idf)));
        let norm = self.real.iter().map(|w| w * w).sum::<f64>().sqrt();
        let scale = if norm > 0.0 { WEIGHT_UNIT / norm } else { 0.0 };
        self.whole.clear();
        self.whole.extend(self.real.iter().map(|w| (w * scale).round() as i16));
    }
}

/// ln tf, without a call for the frequencies that nearly all terms have.
fn logarithm(tf: u32) -> f64 {
    if tf == 1 { 0.0 } else { libm::log(f64::from(tf)) }
}

/// Elements that are summed over all terms before the next ones are.
const STRIP: usize = 32;
/// Strips in a vector.
const STRIPS: usize = DIMENSIONS / STRIP;
/// The largest sum whose square can be added up [`DIMENSIONS`] times in `f64` without rounding.
const EXACT_SUM: u32 = 1 << 22;

/// Adds a strip times a weight.
fn add(strip: &[i16; STRIP], weight: i16, sums: &mut [i32; STRIP]) {
    // A copy shows the compiler that the two do not overlap, so that it adds up many at once.
    let mut own = *sums;
    for (sum, element) in own.iter_mut().zip(strip) {
        // At most 256 · 4096 a term: 2,000 different terms of full weight cannot overflow, and weights of unit length
        // keep the sum below 4096 · 256 · √terms anyway.
        *sum = sum.wrapping_add(i32::from(weight) * i32::from(*element));
    }
    *sums = own;
}

/// Scales sums to unit length.
fn scale(sums: &[[i32; STRIP]; STRIPS], vector: &mut [f32]) {
    let sums = sums.as_flattened();
    let squares = sum_of_squares(sums);
    if squares > 0.0 {
        let scale = 1.0 / squares.sqrt();
        for (element, sum) in vector.iter_mut().zip(sums) {
            *element = (f64::from(*sum) * scale) as f32;
        }
    } else {
        vector.fill(0.0);
    }
}

/// Rounds half away from zero, as [`f64::round`] does, what is far from the bounds of `i32`.
fn rounded(x: f64) -> i32 {
    let whole = x as i32;
    // Exact: the two are within 1 of each other.
    let rest = x - f64::from(whole);
    whole + i32::from(rest >= 0.5) - i32::from(rest <= -0.5)
}

/// The squares added up in `f64`, one after the other. Where no step could round, in any order.
fn sum_of_squares(sums: &[i32]) -> f64 {
    let greatest = sums.iter().fold(0, |greatest: u32, sum| greatest.max(sum.unsigned_abs()));
    if greatest < EXACT_SUM {
        let squares = sums.iter().map(|sum| u64::from(sum.unsigned_abs()) * u64::from(sum.unsigned_abs()));
        return squares.sum::<u64>() as f64;
    }
    sums.iter().map(|s| f64::from(*s) * f64::from(*s)).sum()
}

/// A part of a vector, which begins where a line of the processor's cache does.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Strip<T>([T; STRIP]);

/// A memory's index vector: the place of each entry that is not zero, and [`DIMENSIONS`] more where it is −1. Places
/// may repeat, which is harmless.
struct IndexVector([u16; NONZEROS]);

impl IndexVector {
    fn of(id: &str) -> Self {
        let mut state = xxh3_64_with_seed(id.as_bytes(), SEED);
        Self(std::array::from_fn(|_| {
            // splitmix64 (Steele, Lea and Flood, 2014).
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            let negative = (z >> 63) * DIMENSIONS as u64;
            (z % DIMENSIONS as u64 + negative) as u16
        }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_rounded_as_usual(x in -5e6..5e6_f64, halves in -9_000_000_i32..9_000_000) {
            let half = f64::from(halves) / 2.0;
            for x in [x, half, half.next_up(), half.next_down()] {
                prop_assert_eq!(rounded(x), x.round() as i32);
            }
        }
    }
}
