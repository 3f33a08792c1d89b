//! What is to be done, as it is told to the workers: the parameters, and the files with the data.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One piece of work. `peers.py` reads the same form.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "bench", rename_all = "snake_case")]
pub enum Job {
    /// Scores of the first `rows` vectors of a file for one query.
    Similarity { measure: Measure, dimensions: usize, rows: usize, vectors: PathBuf, query: PathBuf },
    /// The best `k` of the vectors of a file for one query, by dot product.
    TopK { dimensions: usize, rows: usize, k: usize, vectors: PathBuf, query: PathBuf },
    /// Spreading over a graph in compressed rows whose weights add up to 1 in each row. The seeds are ten for each of
    /// eight cues; only a batch takes more than the first.
    Spreading {
        task: Task,
        nodes: usize,
        offsets: PathBuf,
        targets: PathBuf,
        weights: PathBuf,
        seeds: PathBuf,
    },
    /// Strengths, weighed by ages over stabilities.
    Decay { curve: CurveName, strengths: PathBuf, ages: PathBuf, stabilities: PathBuf },
    /// All cues of a made world, from a store.
    Recall { size: u64, cues: u64, store: PathBuf },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    Dot,
    Cosine,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// 20 steps of personalised PageRank, damping 0.85; what dangling nodes hold is dropped.
    DenseSteps,
    /// Personalised PageRank, damping 0.85, to a change of 1e-6; dangling nodes return to the seeds.
    PageRank,
    /// Three hops, `x' = x·P`.
    ThreeHops,
    /// [`Self::DenseSteps`] from each of several cues.
    Batch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CurveName {
    HalfLife,
    Power,
}
