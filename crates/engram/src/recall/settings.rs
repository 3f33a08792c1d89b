//! What the parts of a recall weigh against one another.

/// What the parts of a recall weigh against one another.
///
/// The usual values are flat: each may be halved or doubled without much effect, which
/// `engram eval --sensitivity` shows on your own questions. They are fields so that this can be measured.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// How many memories the words, and how many the vector, may seed; 60.
    pub seeds: usize,
    /// The power of a BM25 score that is its share of the seeds; 4. A higher one leaves more to the best.
    pub word_exponent: f32,
    /// Whether the vector seeds, too; it does.
    pub vectors: bool,
    /// The share of the seeds that words have beside vectors that the store has learnt itself; ⅔.
    pub word_share: f32,
    /// The share of the seeds, and of the direct evidence, that the vectors of an embedding model have beside words; ½.
    pub given_share: f32,
    /// How much of the last seed's similarity is taken off all, so that the best stand out; 0.9.
    pub vector_floor: f32,
    /// The power of what is left of a similarity then that is its share of the seeds; 1.5.
    pub vector_exponent: f32,
    /// The share of activation that starts at names, where the cue holds names that are certain; 0.8.
    pub name_share: f32,
    /// What a word's name must have of the evidence that it is one, to stand for the subject of a cue; 0.3.
    pub name_evidence: f32,
    /// How much of its own words' share, and its own vector's, a memory keeps beside its activation, where the cue names
    /// nothing; 0.5.
    pub direct_share: f32,
    /// The share of activation that goes on with each hop; the rest starts again from the seeds; 0.7.
    pub damping: f32,
    /// How far activation goes; 6.
    pub hops: u32,
    /// What a node must hold for each of its edges to pass it on; 3 · 10⁻⁵.
    pub firing_threshold: f32,
}

impl Settings {
    /// The usual ones.
    pub const DEFAULT: Self = Self {
        seeds: 60,
        word_exponent: 4.0,
        vectors: true,
        word_share: 2.0 / 3.0,
        given_share: 0.5,
        vector_floor: 0.9,
        vector_exponent: 1.5,
        name_share: 0.8,
        name_evidence: 0.3,
        direct_share: 0.5,
        damping: 0.7,
        hops: 6,
        firing_threshold: 3e-5,
    };
}

impl Default for Settings {
    fn default() -> Self {
        Self::DEFAULT
    }
}
