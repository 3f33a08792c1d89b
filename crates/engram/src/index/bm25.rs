//! The weight of a word in a memory: BM25, in Lucene's form without the constant factor k1 + 1.
//!
//! idf · tf / (tf + k1 · (1 − b + b · length / mean length)), with idf = ln(1 + (N − df + ½) / (df + ½)).
//! (Robertson and Zaragoza, "The probabilistic relevance framework: BM25 and beyond", 2009; Kamphuis et al.,
//! "Which BM25 do you mean?", 2020.) Each occurrence of a word in a cue gives activation 1 to its term, and
//! one hop along the term's row of these weights is the BM25 score.

/// How soon more occurrences of a word stop counting.
const K1: f64 = 1.2;
/// How much the length of a memory counts.
const B: f64 = 0.75;

/// The weight of a term with this idf in a memory; computed in `f64` and rounded once.
pub(crate) fn weight(idf: f64, frequency: u32, length: u32, mean_length: f64) -> f32 {
    let frequency = f64::from(frequency);
    let relative = f64::from(length) / mean_length;
    (idf * (frequency / (frequency + K1 * (1.0 - B + B * relative)))) as f32
}
