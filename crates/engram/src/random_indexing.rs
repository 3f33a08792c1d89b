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

/// A part of a vector, which begins where a line of the processor's cache does.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Strip<T>([T; STRIP]);

/// The first strips of all sums, then the second, and so on.
pub(crate) type Sums = Vec<Strip<i32>>;

/// The vectors of all terms, cut into strips: the first of all terms, then the second, and so on.
#[derive(Default)]
pub(crate) struct TermVectors {
    terms: usize,
    strips: Vec<Strip<i16>>,
}

impl TermVectors {
    /// The elements of a term's vector.
    pub(crate) fn get(&self, term: usize) -> Vec<i16> {
        (0..STRIPS).flat_map(|strip| self.strips[strip * self.terms + term].0).collect()
    }
}

/// What the model learnt.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) vectors: TermVectors,
    /// The terms of the first [`GROUP`] memories, by term and memory, then those of the next, and so on.
    occurrences: Vec<Occurrence>,
    /// Where those of each group begin, and at the end the number of all.
    groups: Vec<usize>,
}

/// A term in one of a group's memories.
#[derive(Clone, Copy, Default)]
struct Occurrence {
    term: u32,
    /// Counted from the first of the group.
    memory: u16,
    weight: i16,
}

/// Memories whose vectors are made at once.
pub(crate) const GROUP: usize = 8192;

/// Learns the vectors of all terms.
///
/// `ids` are the memories' external ids, `counts` their terms; `occurrences` holds the same the other way round, and
/// `idf[term]` how rare each term is. Cost: one pass over all counts to weigh them, and one by term to add up.
pub(crate) fn learn<'m>(
    ids: impl Iterator<Item = &'m str>,
    counts: impl Iterator<Item = &'m TermCounts>,
    occurrences: Occurrences<'_>,
    idf: &[f32],
) -> Model {
    let indices: Vec<IndexVector> = ids.map(IndexVector::of).collect();
    let mut by_term = vec![0_i16; occurrences.memories.len()];
    let mut next = occurrences.offsets.to_vec();
    let mut weights = Weights::default();
    let mut groups = vec![0];
    for (memory, counts) in counts.enumerate() {
        if memory % GROUP == 0 {
            groups.push(groups[groups.len() - 1]);
        }
        if let Some(end) = groups.last_mut() {
            *end += counts.len();
        }
        weights.set(counts.iter().map(|(term, tf)| (*tf, idf[*term as usize])));
        for ((term, _), weight) in counts.iter().zip(&weights.whole) {
            let at = &mut next[*term as usize];
            by_term[*at] = *weight;
            *at += 1;
        }
    }
    let terms = occurrences.offsets.len() - 1;
    let mut strips = vec![Strip([0; STRIP]); terms * STRIPS];
    let mut grouped = vec![Occurrence::default(); occurrences.memories.len()];
    let mut next = groups.clone();
    for (term, row) in occurrences.offsets.windows(2).enumerate() {
        // What is added, and behind it what is taken away.
        let mut sums = [0_i64; 2 * DIMENSIONS];
        let memories = &occurrences.memories[row[0]..row[1]];
        for (memory, weight) in memories.iter().zip(&by_term[row[0]..row[1]]) {
            let memory = *memory as usize;
            let at = &mut next[memory / GROUP];
            grouped[*at] = Occurrence { term: term as u32, memory: (memory % GROUP) as u16, weight: *weight };
            *at += 1;
            for place in indices[memory].0 {
                sums[usize::from(place) % (2 * DIMENSIONS)] += i64::from(*weight);
            }
        }
        let (added, taken) = sums.split_at(DIMENSIONS);
        // No sum of fewer than a million weights is cut.
        let bounds = i64::from(i32::MIN)..=i64::from(i32::MAX);
        let sums: [i32; DIMENSIONS] =
            std::array::from_fn(|at| (added[at] - taken[at]).clamp(*bounds.start(), *bounds.end()) as i32);
        let squares = sum_of_squares(&sums);
        if squares > 0.0 {
            let scale = TERM_UNIT / squares.sqrt();
            for (strip, sums) in sums.as_chunks::<STRIP>().0.iter().enumerate() {
                strips[strip * terms + term] = Strip(sums.map(|sum| (f64::from(sum) * scale).round() as i16));
            }
        }
    }
    Model { vectors: TermVectors { terms, strips }, occurrences: grouped, groups }
}

impl Model {
    /// Puts the vectors of a group's memories into `vectors`, row after row: of unit length, or all zeros where a memory
    /// has no term. `sums` is a buffer. Cost: their different terms times the dimension.
    ///
    /// ```text
    /// for each strip of the dimensions:
    ///     for each term of the group's memories: add its strip to the memory's
    /// scale each memory's sums to unit length
    /// ```
    ///
    /// The strips of all terms pass by one behind the other, and what is added to at random is one strip of each
    /// memory: together little enough for the processor's nearest caches.
    pub(crate) fn combine(&self, group: usize, sums: &mut Sums, vectors: &mut [f32]) {
        let memories = vectors.len() / DIMENSIONS;
        sums.clear();
        sums.resize(memories * STRIPS, Strip([0; STRIP]));
        let TermVectors { terms, strips } = &self.vectors;
        let occurrences = &self.occurrences[self.groups[group]..self.groups[group + 1]];
        for (strip, sums) in sums.chunks_exact_mut(memories.max(1)).enumerate() {
            let rows = &strips[strip * terms..][..*terms];
            for Occurrence { term, memory, weight } in occurrences {
                add(&rows[*term as usize].0, *weight, &mut sums[usize::from(*memory)].0);
            }
        }
        for (memory, vector) in vectors.chunks_exact_mut(DIMENSIONS).enumerate() {
            scale(&std::array::from_fn(|strip| sums[strip * memories + memory].0), vector);
        }
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

/// The squares added up in `f64`, one after the other. Where no step could round, in any order.
fn sum_of_squares(sums: &[i32]) -> f64 {
    let greatest = sums.iter().fold(0, |greatest: u32, sum| greatest.max(sum.unsigned_abs()));
    if greatest < EXACT_SUM {
        let squares = sums.iter().map(|sum| u64::from(sum.unsigned_abs()) * u64::from(sum.unsigned_abs()));
        return squares.sum::<u64>() as f64;
    }
    sums.iter().map(|s| f64::from(*s) * f64::from(*s)).sum()
}

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
    use super::*;

    #[test]
    fn memories_have_the_vectors_of_their_texts() {
        // More memories than one group has, some without a term.
        let memories = GROUP + 70;
        let counts: Vec<Vec<(u32, u32)>> = (0..memories as u32)
            .map(|memory| {
                let terms = (0..memory % 6).map(|at| ((memory * 7 + at * 11) % 60, 1 + (memory + at) % 3));
                let mut terms: Vec<_> = terms.collect();
                terms.sort_unstable();
                terms.dedup_by_key(|(term, _)| *term);
                terms
            })
            .collect();
        let mut rows: Vec<Vec<u32>> = vec![Vec::new(); 60];
        for (memory, counts) in (0_u32..).zip(&counts) {
            counts.iter().for_each(|(term, _)| rows[*term as usize].push(memory));
        }
        let mut offsets = vec![0];
        offsets.extend(rows.iter().scan(0, |end, row| {
            *end += row.len();
            Some(*end)
        }));
        let all = rows.concat();
        let idf: Vec<f32> = rows
            .iter()
            .map(|row| inverse_document_frequency(memories as u32, row.len() as u32) as f32)
            .collect();
        let ids: Vec<String> = (0..memories).map(|memory| format!("m{memory}")).collect();
        let occurrences = Occurrences { offsets: &offsets, memories: &all };
        let model =
            learn(ids.iter().map(String::as_str), counts.iter().map(Vec::as_slice), occurrences, &idf);
        let term =
            |term: u32| TermVector { idf: idf[term as usize], elements: model.vectors.get(term as usize) };
        assert!((0..60).any(|at| term(at).elements.iter().any(|element| *element != 0)));
        let mut sums = Sums::new();
        for (group, counts) in counts.chunks(GROUP).enumerate() {
            // What is in the buffer before does not matter.
            let mut vectors = vec![f32::NAN; counts.len() * DIMENSIONS];
            model.combine(group, &mut sums, &mut vectors);
            for (counts, vector) in counts.iter().zip(vectors.chunks_exact(DIMENSIONS)) {
                let text: Vec<_> = counts.iter().map(|(number, tf)| (term(*number), *tf)).collect();
                assert_eq!(embed(&text), vector);
            }
        }
    }
}
