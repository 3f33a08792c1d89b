//! What is learnt from all memories: a vector for each term, and from those one for each memory.
//!
//! The vector of a term that few memories have follows from their index vectors in a moment; kept, it would take more
//! room than the texts that it is from. So only those of common terms are kept, and those of rare ones made when they are
//! asked for.

use super::{
    DIMENSIONS, IndexVector, STRIP, STRIPS, Strip, TERM_UNIT, Weights, add, rounded, scale, sum_of_squares,
};
use crate::progress::Monitor;

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

/// The first strips of all sums, then the second, and so on.
pub(crate) type Sums = Vec<Strip<i32>>;

/// Memories whose vectors are made at once.
pub(crate) const GROUP: usize = 8192;
/// The most memories that have a rare term.
const RARE: usize = 2;

/// What the model learnt.
pub(crate) struct Model {
    indices: Vec<IndexVector>,
    /// Where each term is among the common or the rare ones.
    terms: Vec<Term>,
    common: CommonTerms,
    rare: RareTerms,
    common_in: Grouped,
    rare_in: Grouped,
}

/// A term's number among those of its kind.
#[derive(Clone, Copy)]
enum Term {
    Common(u32),
    Rare(u32),
}

/// The vectors of the common terms, cut into strips: the first of all terms, then the second, and so on.
struct CommonTerms {
    terms: usize,
    strips: Vec<Strip<i16>>,
}

/// The memories that have each rare term, and what it weighs in them.
#[derive(Default)]
struct RareTerms {
    memories: Vec<(u32, i16)>,
    /// Where those of each end.
    ends: Vec<u32>,
}

/// The terms of the first [`GROUP`] memories, by term and memory, then those of the next, and so on.
struct Grouped {
    occurrences: Vec<Occurrence>,
    /// Where those of each group begin, and at the end the number of all.
    groups: Vec<usize>,
    /// Where the next of each group goes, until all are there.
    next: Vec<usize>,
}

/// A term in one of a group's memories.
#[derive(Clone, Copy, Default)]
struct Occurrence {
    /// Among those of its kind.
    term: u32,
    /// Counted from the first of the group.
    memory: u16,
    weight: i16,
}

/// Learns the vectors of all terms.
///
/// `ids` are the memories' external ids, `counts` their terms; `occurrences` holds the same the other way round, and
/// `idf[term]` how rare each term is. Cost: one pass over all counts to weigh them, and one by term to add up.
pub(crate) fn learn<'m>(
    ids: impl Iterator<Item = &'m str>,
    counts: impl Iterator<Item = &'m TermCounts>,
    occurrences: Occurrences<'_>,
    idf: &[f32],
    monitor: &Monitor,
) -> Model {
    let mut steps = monitor.steps();
    let indices: Vec<IndexVector> = ids.map(IndexVector::of).collect();
    let rows = || occurrences.offsets.windows(2).map(|row| row[0]..row[1]);
    let mut by_term = vec![0_i16; occurrences.memories.len()];
    let mut next = occurrences.offsets.to_vec();
    let mut weights = Weights::default();
    for counts in counts {
        steps.add(1);
        weights.set(counts.iter().map(|(term, tf)| (*tf, idf[*term as usize])));
        for ((term, _), weight) in counts.iter().zip(&weights.whole) {
            let at = &mut next[*term as usize];
            by_term[*at] = *weight;
            *at += 1;
        }
    }
    drop((next, steps));
    let groups = indices.len().div_ceil(GROUP);
    let (mut common_in, mut rare_in) = (vec![0; groups + 1], vec![0; groups + 1]);
    let mut common = 0;
    for row in rows() {
        let is_rare = row.len() <= RARE;
        common += usize::from(!is_rare);
        let counts = if is_rare { &mut rare_in } else { &mut common_in };
        occurrences.memories[row].iter().for_each(|memory| counts[*memory as usize / GROUP + 1] += 1);
    }
    let mut model = Model {
        indices,
        terms: Vec::with_capacity(idf.len()),
        common: CommonTerms { terms: common, strips: vec![Strip([0; STRIP]); common * STRIPS] },
        rare: RareTerms::default(),
        common_in: Grouped::of(common_in),
        rare_in: Grouped::of(rare_in),
    };
    let mut learnt = 0;
    let mut shares = monitor.shares(model.indices.len() as u64, occurrences.memories.len());
    for row in rows() {
        shares.add(row.len());
        let (memories, weights) = (&occurrences.memories[row.clone()], &by_term[row]);
        if memories.len() <= RARE {
            let rare = model.rare.add(memories, weights);
            model.rare_in.add(rare, memories, weights);
            model.terms.push(Term::Rare(rare));
        } else {
            model.common_in.add(learnt, memories, weights);
            model.common.set(learnt as usize, &sums_of(&model.indices, memories, weights));
            model.terms.push(Term::Common(learnt));
            learnt += 1;
        }
    }
    model
}

/// The sum of the index vectors of some memories, each times its weight.
fn sums_of(indices: &[IndexVector], memories: &[u32], weights: &[i16]) -> [i32; DIMENSIONS] {
    // What is added, and behind it what is taken away.
    let mut sums = [0_i64; 2 * DIMENSIONS];
    for (memory, weight) in memories.iter().zip(weights) {
        for place in indices[*memory as usize].0 {
            sums[usize::from(place) % (2 * DIMENSIONS)] += i64::from(*weight);
        }
    }
    let (added, taken) = sums.split_at(DIMENSIONS);
    // No sum of fewer than a million weights is cut.
    let bounds = i64::from(i32::MIN)..=i64::from(i32::MAX);
    std::array::from_fn(|at| (added[at] - taken[at]).clamp(*bounds.start(), *bounds.end()) as i32)
}

impl Grouped {
    /// For groups of so many occurrences, with a zero in front.
    fn of(counts: Vec<usize>) -> Self {
        let mut groups = counts;
        for group in 1..groups.len() {
            groups[group] += groups[group - 1];
        }
        let occurrences = vec![Occurrence::default(); groups.last().copied().unwrap_or_default()];
        Self { occurrences, next: groups.clone(), groups }
    }

    /// Adds the occurrences of a term, which comes after those that were added before.
    fn add(&mut self, term: u32, memories: &[u32], weights: &[i16]) {
        for (memory, weight) in memories.iter().zip(weights) {
            let memory = *memory as usize;
            let at = &mut self.next[memory / GROUP];
            self.occurrences[*at] = Occurrence { term, memory: (memory % GROUP) as u16, weight: *weight };
            *at += 1;
        }
    }

    fn of_group(&self, group: usize) -> &[Occurrence] {
        &self.occurrences[self.groups[group]..self.groups[group + 1]]
    }
}

impl CommonTerms {
    /// Sets a term's vector: the sums scaled to the length of a term.
    fn set(&mut self, term: usize, sums: &[i32; DIMENSIONS]) {
        let squares = sum_of_squares(sums);
        if squares > 0.0 {
            let scale = TERM_UNIT / squares.sqrt();
            for (strip, sums) in sums.as_chunks::<STRIP>().0.iter().enumerate() {
                self.strips[strip * self.terms + term] = Strip(sums.map(|sum| scaled(sum, scale)));
            }
        }
    }
}

fn scaled(sum: i32, scale: f64) -> i16 {
    rounded(f64::from(sum) * scale) as i16
}

impl RareTerms {
    /// Adds a term; gives its number.
    fn add(&mut self, memories: &[u32], weights: &[i16]) -> u32 {
        self.memories.extend(memories.iter().copied().zip(weights.iter().copied()));
        self.ends.push(self.memories.len() as u32);
        self.ends.len() as u32 - 1
    }

    /// The elements of a term's vector that are not zero, with their places: what [`CommonTerms::set`] would set.
    fn vector(&self, term: u32, indices: &[IndexVector], vector: &mut RareVector) {
        let begin = if term == 0 { 0 } else { self.ends[term as usize - 1] };
        vector.elements.clear();
        for (memory, weight) in &self.memories[begin as usize..self.ends[term as usize] as usize] {
            for place in indices[*memory as usize].0 {
                let sum = &mut vector.sums[usize::from(place) % DIMENSIONS];
                *sum +=
                    if usize::from(place) < DIMENSIONS { i32::from(*weight) } else { -i32::from(*weight) };
                vector.elements.push(((usize::from(place) % DIMENSIONS) as u8, 0));
            }
        }
        vector.elements.sort_unstable();
        vector.elements.dedup();
        let sum_at = |at: u8| vector.sums[usize::from(at)];
        // Two weights at most in each of eight places: no square rounds.
        let squares: i64 = vector.elements.iter().map(|(at, _)| i64::from(sum_at(*at)).pow(2)).sum();
        let scale = if squares > 0 { TERM_UNIT / (squares as f64).sqrt() } else { 0.0 };
        for (at, element) in &mut vector.elements {
            *element = scaled(std::mem::take(&mut vector.sums[usize::from(*at)]), scale);
        }
    }
}

/// The elements of a vector that are not zero, and room to make them.
struct RareVector {
    elements: Vec<(u8, i16)>,
    /// All zeros between two vectors.
    sums: [i32; DIMENSIONS],
}

impl Default for RareVector {
    fn default() -> Self {
        Self { elements: Vec::with_capacity(8 * RARE), sums: [0; DIMENSIONS] }
    }
}

impl Model {
    /// The elements of a term's vector.
    pub(crate) fn term(&self, term: usize) -> Vec<i16> {
        match self.terms[term] {
            Term::Common(term) => {
                let strips = (0..STRIPS).map(|strip| strip * self.common.terms + term as usize);
                strips.flat_map(|strip| self.common.strips[strip].0).collect()
            }
            Term::Rare(term) => {
                let mut vector = RareVector::default();
                self.rare.vector(term, &self.indices, &mut vector);
                let mut elements = vec![0; DIMENSIONS];
                for (at, element) in vector.elements {
                    elements[usize::from(at)] = element;
                }
                elements
            }
        }
    }

    /// Puts the vectors of a group's memories into `vectors`, row after row: of unit length, or all zeros where a memory
    /// has no term. `sums` is a buffer. Cost: their different terms times the dimension.
    ///
    /// ```text
    /// for each strip of the dimensions:
    ///     for each common term of the group's memories: add its strip to the memory's
    /// for each rare term of the group's memories: add what is not zero to the memory's
    /// scale each memory's sums to unit length
    /// ```
    ///
    /// The strips of all common terms pass by one behind the other, and what is added to at random is one strip of each
    /// memory: together little enough for the processor's nearest caches.
    pub(crate) fn combine(&self, group: usize, sums: &mut Sums, vectors: &mut [f32]) {
        let memories = vectors.len() / DIMENSIONS;
        sums.clear();
        sums.resize(memories * STRIPS, Strip([0; STRIP]));
        let CommonTerms { terms, strips } = &self.common;
        let common = self.common_in.of_group(group);
        for (strip, sums) in sums.chunks_exact_mut(memories.max(1)).enumerate() {
            let rows = &strips[strip * terms..][..*terms];
            for Occurrence { term, memory, weight } in common {
                add(&rows[*term as usize].0, *weight, &mut sums[usize::from(*memory)].0);
            }
        }
        let mut vector = RareVector::default();
        let mut of = None;
        for Occurrence { term, memory, weight } in self.rare_in.of_group(group) {
            if of != Some(*term) {
                self.rare.vector(*term, &self.indices, &mut vector);
                of = Some(*term);
            }
            for (at, element) in &vector.elements {
                let (strip, at) = (usize::from(*at) / STRIP, usize::from(*at) % STRIP);
                let sum = &mut sums[strip * memories + usize::from(*memory)].0[at];
                *sum = sum.wrapping_add(i32::from(*weight) * i32::from(*element));
            }
        }
        for (memory, vector) in vectors.chunks_exact_mut(DIMENSIONS).enumerate() {
            scale(&std::array::from_fn(|strip| sums[strip * memories + memory].0), vector);
        }
    }
}

#[cfg(test)]
mod tests;
