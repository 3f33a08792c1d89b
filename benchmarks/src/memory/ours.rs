//! Engram itself: recall, its words alone, and with vectors of an embedding model.

use std::time::Instant;

use anyhow::Result;
use engram::{Cue, Engram, Mode, StoredMemory, VectorModel};

use super::passages::{self, DIMENSIONS, Vectors};
use super::sets::Set;
use super::{Outcome, Plan, TIMED_K, ask_all, bytes_of, fresh, median};

/// Measures recall and words, or recall with vectors that are given.
pub fn measure(set: &Set, plan: Plan, vectors: Option<&Vectors>) -> Result<Vec<Outcome>> {
    let mut memories = set.memories.clone();
    let mut asked = None;
    if let Some(vectors) = vectors {
        let given = passages::read(&vectors.passages, memories.len())?;
        for (stored, vector) in memories.iter_mut().zip(given) {
            stored.memory.vector = Some(vector);
        }
        asked = Some(passages::read(&vectors.questions, set.questions().count())?);
    }
    let mut times = Vec::new();
    let folder = set.folder().join(if vectors.is_some() { "engram-minilm" } else { "engram" });
    for _ in 0..plan.ingests {
        let memories = memories.clone();
        fresh(&folder)?;
        let started = Instant::now();
        take_in(&folder, memories, vectors.is_some())?;
        times.push(started.elapsed().as_secs_f64());
    }
    let (ingest_seconds, bytes) = (median(times), bytes_of(&folder)?);
    let engram = Engram::open(&folder)?;
    let has_model = vectors.is_some();
    let modes: &[(&str, Mode)] = if has_model {
        &[("Engram", Mode::Associative)]
    } else {
        &[("Engram", Mode::Associative), ("Engram, words alone", Mode::Words)]
    };
    let outcomes = modes.iter().map(|(name, mode)| {
        let (rankings, nanoseconds) = ask_all(set, plan, |at, question, k| {
            let mut cue = Cue::new(question).k(k).mode(*mode).at(set.at);
            if k > TIMED_K {
                cue.snippet_chars = 0;
            }
            cue.vector = asked.as_ref().map(|asked| asked[at].clone());
            Ok(engram.recall(&cue)?.hits.into_iter().map(|hit| hit.id.to_string()).collect())
        })?;
        let name = (*name).to_owned();
        Ok(Outcome { name, has_model, rankings, nanoseconds, ingest_seconds, bytes: Some(bytes) })
    });
    outcomes.collect()
}

fn take_in(folder: &std::path::Path, memories: Vec<StoredMemory>, given: bool) -> Result<()> {
    let engram = if given {
        let model = VectorModel::Given { name: "all-MiniLM-L6-v2".to_owned(), dimensions: DIMENSIONS as u32 };
        Engram::create_with(folder, &model)?
    } else {
        Engram::create(folder)?
    };
    engram.remember_all(memories)?;
    engram.consolidate()?;
    Ok(())
}
