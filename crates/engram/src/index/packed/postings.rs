//! Terms in their order, how often each memory has each, and for each term a row of memories and weights.

use super::builder::{Builder, Term};
use crate::index::bm25;
use crate::index::trie::BREAK;
use crate::progress::Monitor;
use crate::random_indexing::{self, Occurrences, TermCounts};
use crate::store::block::Columns;

/// Renumbers the terms by their order; gives them in that order.
pub(super) fn order_terms(builder: &mut Builder) -> Vec<String> {
    let terms = std::mem::take(&mut builder.terms);
    let mut order: Vec<(u32, &str)> = (0_u32..).zip(terms.iter()).collect();
    order.sort_unstable_by_key(|(_, term)| *term);
    let mut renumbered = vec![0; order.len()];
    for (number, (term, _)) in (0_u32..).zip(&order) {
        renumbered[*term as usize] = number;
    }
    for term in builder.term_of.iter_mut().flatten() {
        if let Term::Number(number) = term {
            *number = renumbered[*number as usize];
        }
    }
    order.into_iter().map(|(_, term)| term.to_owned()).collect()
}

/// How often each memory has each of its terms.
pub(super) struct Counts {
    entries: Vec<(u32, u32)>,
    /// Where each memory's entries end.
    ends: Vec<usize>,
}

impl Counts {
    /// One memory's terms, ascending, with their frequencies.
    pub(super) fn of(&self, memory: usize) -> &TermCounts {
        let begin = if memory == 0 { 0 } else { self.ends[memory - 1] };
        &self.entries[begin..self.ends[memory]]
    }

    /// Those of every memory.
    pub(super) fn iter(&self) -> impl Iterator<Item = &TermCounts> {
        (0..self.ends.len()).map(|memory| self.of(memory))
    }
}

/// Counts the terms of each memory.
pub(super) fn count(builder: &Builder, monitor: &Monitor) -> Counts {
    let mut steps = monitor.steps();
    let mut counts = Counts { entries: Vec::new(), ends: Vec::with_capacity(builder.readings.len()) };
    let mut terms: Vec<u32> = Vec::new();
    for reading in &builder.readings {
        steps.add(1);
        let term_of = &builder.term_of[reading.language as usize];
        terms.clear();
        for token in builder.sequence[reading.words.clone()].iter().filter(|token| **token != BREAK) {
            if let Term::Number(term) = term_of[*token as usize] {
                terms.push(term);
            }
        }
        terms.sort_unstable();
        counts.entries.extend(terms.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u32)));
        counts.ends.push(counts.entries.len());
    }
    counts
}

/// A row for each term: the memories that have it, ascending, and what it weighs in each as BM25.
pub(super) struct Postings {
    offsets: Vec<usize>,
    memories: Vec<u32>,
    weights: Vec<f32>,
    /// How rare each term is.
    pub(super) idf: Vec<f32>,
}

impl Postings {
    /// The row of a term.
    pub(super) fn row(&self, term: usize) -> (&[u32], &[f32]) {
        let row = self.offsets[term]..self.offsets[term + 1];
        (&self.memories[row.clone()], &self.weights[row])
    }

    /// The rows without their weights.
    pub(super) fn occurrences(&self) -> Occurrences<'_> {
        Occurrences { offsets: &self.offsets, memories: &self.memories }
    }
}

/// Turns the counts of each memory into a row of weights for each term.
pub(super) fn weigh(
    counts: &Counts,
    terms: usize,
    columns: &[Columns],
    length_total: u64,
    monitor: &Monitor,
) -> Postings {
    let mut steps = monitor.steps();
    let mut offsets = vec![0_usize; terms + 1];
    for (term, _) in &counts.entries {
        offsets[*term as usize + 1] += 1;
    }
    let memories_total = columns.len() as u32;
    let idf64: Vec<f64> = offsets[1..]
        .iter()
        .map(|df| random_indexing::inverse_document_frequency(memories_total, *df as u32))
        .collect();
    for term in 0..terms {
        offsets[term + 1] += offsets[term];
    }
    let mut next = offsets.clone();
    let mut memories = vec![0_u32; counts.entries.len()];
    let mut weights = vec![0_f32; counts.entries.len()];
    let mean = if length_total == 0 { 1.0 } else { length_total as f64 / f64::from(memories_total) };
    for ((memory, columns), counts) in (0_u32..).zip(columns).zip(counts.iter()) {
        steps.add(1);
        for (term, frequency) in counts {
            let at = &mut next[*term as usize];
            memories[*at] = memory;
            weights[*at] = bm25::weight(idf64[*term as usize], *frequency, columns.length, mean);
            *at += 1;
        }
    }
    Postings { offsets, memories, weights, idf: idf64.iter().map(|idf| *idf as f32).collect() }
}
