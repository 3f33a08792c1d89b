//! The default vector model: random indexing, learnt from the store's own texts, with nothing to download.
//!
//! Every memory has a sparse random *index vector*. A term's vector is the sum of the index vectors of the
//! memories that it occurs in, so that terms which keep the same company point the same way; a memory's
//! vector is the weighted sum of its terms' vectors. (Kanerva, Kristoferson and Holst, "Random indexing of
//! text samples for latent semantic analysis", 2000; Sahlgren, "An introduction to random indexing", 2005.)
//!
//! Weights are (1 + ln tf) · idf, scaled to unit length in a memory. All sums are of integers, so that the
//! vectors do not depend on the order in which memories were written.

use xxhash_rust::xxh3::xxh3_64_with_seed;

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

/// One memory's terms, as (term, frequency) with terms numbered from 0.
pub(crate) type TermCounts = [(u32, u32)];

/// The memories that each term occurs in.
#[derive(Clone, Copy)]
pub(crate) struct Occurrences<'a> {
    /// Where each term's memories begin, and at the end the number of all.
    pub(crate) offsets: &'a [usize],
    /// For each term its memories, ascending.
    pub(crate) memories: &'a [u32],
}

/// Learns the vectors of all terms: `terms × DIMENSIONS`, row-major.
///
/// `ids` are the memories' external ids, `counts` their terms; `occurrences` holds the same the other way round, and
/// `idf[term]` how rare each term is. Cost: one pass over all counts to weigh them, and one by term to add up.
pub(crate) fn learn<'m>(
    ids: impl Iterator<Item = &'m str>,
    counts: impl Iterator<Item = &'m TermCounts>,
    occurrences: Occurrences<'_>,
    idf: &[f32],
) -> Vec<i16> {
    let indices: Vec<IndexVector> = ids.map(IndexVector::of).collect();
    // The weight of a term in a memory, where the memory stands in the term's row.
    let mut whole = vec![0_i16; occurrences.memories.len()];
    let mut next = occurrences.offsets.to_vec();
    let mut weights = Weights::default();
    for counts in counts {
        weights.set(counts.iter().map(|(term, tf)| (*tf, idf[*term as usize])));
        for ((term, _), weight) in counts.iter().zip(&weights.whole) {
            let at = &mut next[*term as usize];
            whole[*at] = *weight;
            *at += 1;
        }
    }
    let mut terms = vec![0_i16; idf.len() * DIMENSIONS];
    for (vector, row) in terms.chunks_exact_mut(DIMENSIONS).zip(occurrences.offsets.windows(2)) {
        let mut sums = [0_i32; DIMENSIONS];
        let memories = &occurrences.memories[row[0]..row[1]];
        for (memory, weight) in memories.iter().zip(&whole[row[0]..row[1]]) {
            indices[*memory as usize].add(i32::from(*weight), &mut sums);
        }
        let squares = sum_of_squares(&sums);
        if squares > 0.0 {
            let scale = TERM_UNIT / squares.sqrt();
            for (element, s) in vector.iter_mut().zip(&sums) {
                *element = (f64::from(*s) * scale).round() as i16;
            }
        }
    }
    terms
}

/// Puts the vector of a memory that the model learnt from into `vector`: of unit length, or all zeros where it has
/// no term. `terms` is what [`learn`] gave. Cost: its different terms times the dimension.
pub(crate) fn combine_terms(
    counts: &TermCounts,
    idf: &[f32],
    terms: &[i16],
    weights: &mut Weights,
    vector: &mut [f32],
) {
    weights.set(counts.iter().map(|(term, tf)| (*tf, idf[*term as usize])));
    let row = |at: usize| &terms[counts[at].0 as usize * DIMENSIONS..][..DIMENSIONS];
    combine(row, &weights.whole, vector);
}

/// The vector of a text that the model did not learn from: a cue, or a memory written since.
///
/// `terms` are the vectors of the text's known terms with their frequencies. The vector has unit length, or
/// is all zeros where no term is known.
pub(crate) fn embed(terms: &[(TermVector, u32)]) -> Vec<f32> {
    let mut weights = Weights::default();
    weights.set(terms.iter().map(|(term, tf)| (*tf, term.idf)));
    let mut vector = vec![0.0; DIMENSIONS];
    combine(|at| &terms[at].0.elements[..DIMENSIONS], &weights.whole, &mut vector);
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

/// Elements that are summed over some terms before the next ones are: they stay in registers.
const STRIP: usize = 32;
/// Pairs of rows that are fetched before they are added up, so that the processor waits for all of them at once.
const FETCHED: usize = 8;
/// The largest sum whose square can be added up [`DIMENSIONS`] times in `f64` without rounding.
const EXACT_SUM: u32 = 1 << 22;

/// Adds up integer rows by integer weights and scales the sum to unit length; `row(at)` is that of `weights[at]`.
fn combine<'r>(row: impl Fn(usize) -> &'r [i16], weights: &[i16], vector: &mut [f32]) {
    let mut sums = [0_i32; DIMENSIONS];
    // The rows of each pair lie element by element beside one another: two products and their sum are one
    // instruction then.
    let mut fetched = [[[0_i16; 2]; DIMENSIONS]; FETCHED];
    let mut pair_weights = [[0_i16; 2]; FETCHED];
    for (group, weights) in weights.chunks(2 * FETCHED).enumerate() {
        let pairs = weights.len().div_ceil(2);
        for (pair, fetched) in fetched[..pairs].iter_mut().enumerate() {
            let at = 2 * FETCHED * group + 2 * pair;
            // An odd last row is paired with itself, which then weighs nothing.
            let second = weights.get(2 * pair + 1).copied();
            pair_weights[pair] = [weights[2 * pair], second.unwrap_or(0)];
            let (one, other) = (row(at), row(at + usize::from(second.is_some())));
            for ((fetched, one), other) in fetched.iter_mut().zip(one).zip(other) {
                *fetched = [*one, *other];
            }
        }
        for (strip, sums) in sums.as_chunks_mut::<STRIP>().0.iter_mut().enumerate() {
            let mut strip_sums = *sums;
            for (weights, rows) in pair_weights[..pairs].iter().zip(&fetched) {
                for (sum, elements) in strip_sums.iter_mut().zip(&rows.as_chunks::<STRIP>().0[strip]) {
                    // At most 256 · 4096 a term: 2,000 different terms of full weight cannot overflow, and weights
                    // of unit length keep the sum below 4096 · 256 · √terms anyway.
                    let product = |at: usize| i32::from(weights[at]) * i32::from(elements[at]);
                    *sum = sum.wrapping_add(product(0).wrapping_add(product(1)));
                }
            }
            *sums = strip_sums;
        }
    }
    let squares = sum_of_squares(&sums);
    if squares > 0.0 {
        let scale = 1.0 / squares.sqrt();
        for (element, sum) in vector.iter_mut().zip(&sums) {
            *element = (f64::from(*sum) * scale) as f32;
        }
    }
}

/// The squares added up in `f64`, one after the other. Where no step could round, in any order.
fn sum_of_squares(sums: &[i32; DIMENSIONS]) -> f64 {
    let greatest = sums.iter().fold(0, |greatest: u32, sum| greatest.max(sum.unsigned_abs()));
    if greatest < EXACT_SUM {
        let squares = sums.iter().map(|sum| u64::from(sum.unsigned_abs()) * u64::from(sum.unsigned_abs()));
        return squares.sum::<u64>() as f64;
    }
    sums.iter().map(|s| f64::from(*s) * f64::from(*s)).sum()
}

/// A memory's index vector: a position from 0 in the lower bits of each entry, and whether it is −1 in the highest.
/// Positions may repeat, which is harmless.
struct IndexVector([u16; NONZEROS]);

/// The entry is −1.
const NEGATIVE: u16 = 1 << 15;

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
            (z % DIMENSIONS as u64) as u16 | if z >> 63 == 0 { 0 } else { NEGATIVE }
        }))
    }

    /// Adds the vector times a weight.
    fn add(&self, weight: i32, sums: &mut [i32; DIMENSIONS]) {
        for entry in self.0 {
            let sum = &mut sums[usize::from(entry) % DIMENSIONS];
            *sum = sum.saturating_add(if entry & NEGATIVE == 0 { weight } else { -weight });
        }
    }
}
