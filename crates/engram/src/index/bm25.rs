//! The weight of a word in a memory: BM25, in Lucene's form without the constant factor k1 + 1.
//!
//! idf · tf / (tf + k1 · (1 − b + b · (length + l) / (mean length + l))), with idf = ln(1 + (N − df + ½) / (df + ½)).
//! (Robertson and Zaragoza, "The probabilistic relevance framework: BM25 and beyond", 2009; Kamphuis et al.,
//! "Which BM25 do you mean?", 2020.) Each occurrence of a word in a cue gives activation 1 to its term, and
//! one hop along the term's row of these weights is the BM25 score.
//!
//! The constant l is ours. A text of ten words is not about its words twice as much as one of twenty, so lengths count as
//! if each text had l more terms: what the prior of Dirichlet smoothing does (Zhai and Lafferty, "A study of smoothing
//! methods for language models", 2001). It is plain BM25 with b · mean / (mean + l) in
//! place of b: hardly another among pages, and much among messages.

/// How soon more occurrences of a word stop counting.
const K1: f64 = 1.5;
/// How much the length of a memory counts.
const B: f64 = 0.75;
/// The terms that a text is taken to have beside its own.
const L: f64 = 40.0;

/// The weight of a term with this idf in a memory; computed in `f64` and rounded once.
pub(crate) fn weight(idf: f64, frequency: u32, length: u32, mean_length: f64) -> f32 {
    let frequency = f64::from(frequency);
    let relative = (f64::from(length) + L) / (mean_length + L);
    (idf * (frequency / (frequency + K1 * (1.0 - B + B * relative)))) as f32
}
