//! Where activation starts: memories by words and by vector, names by the cue's own text.

use engram_kernels::{QuantisedScan, Spreading};
use rustc_hash::FxHashMap;
use tracing::debug_span;

use super::cue::{Cue, Mode, Reading};
use super::settings::Settings;
use super::view::View;
use super::{names, words};
use crate::error::{Error, Result};
use crate::index::recent::term_vector;
use crate::index::unit_vector;
use crate::random_indexing;
use crate::store::block::VECTOR_ROWS;
use crate::store::nodes::NameNode;

/// The seeds of a recall.
#[derive(Default)]
pub(crate) struct Seeds {
    /// Memories by words, best first, with BM25 scores.
    pub(crate) words: Vec<(u32, f32)>,
    /// Memories by vector, best first, with cosine similarities.
    pub(crate) vectors: Vec<(u32, f32)>,
    /// Names in the cue that seed.
    pub(crate) names: Vec<(u32, NameNode)>,
    /// What the vectors weigh beside the words: their share of the seeds, and of the direct evidence.
    vector_share: [f64; 2],
    /// How many of `words` and of `vectors` seed; those after them only fill up the answer.
    seeding: usize,
    /// What each node starts with, by node, and how much of it came from words, vector and names.
    pub(crate) shares: Vec<(u32, [f32; 3])>,
    /// The scores of each memory among `words` and `vectors`.
    scores: FxHashMap<u32, [Option<f32>; 2]>,
}

impl Seeds {
    /// Finds what the mode of the cue asks for.
    pub(crate) fn find(
        view: &View<'_>,
        reading: &Reading,
        cue: &Cue,
        scratch: &mut Spreading,
    ) -> Result<Self> {
        let settings = &cue.settings;
        let is_associative = cue.mode == Mode::Associative;
        let mut seeds = Self { seeding: settings.seeds, ..Self::default() };
        let most = if is_associative { settings.seeds.max(cue.k) } else { cue.k };
        if cue.mode != Mode::Vectors {
            seeds.words = debug_span!("words").in_scope(|| words::find(view, reading, most, scratch))?;
        }
        if cue.mode != Mode::Words && (settings.vectors || !is_associative) {
            seeds.vectors = debug_span!("vectors").in_scope(|| by_vector(view, reading, cue, most))?;
        }
        if is_associative {
            let found = debug_span!("names").in_scope(|| names::find(view, reading))?;
            seeds.share(found, settings, view.state.model.given);
        }
        for (part, found) in [&seeds.words, &seeds.vectors].into_iter().enumerate() {
            for (memory, score) in found {
                seeds.scores.entry(*memory).or_default()[part] = Some(*score);
            }
        }
        Ok(seeds)
    }

    /// The scores that made a memory a seed: BM25 by its words, cosine by its vector.
    pub(crate) fn scores_of(&self, memory: u32) -> [Option<f32>; 2] {
        self.scores.get(&memory).copied().unwrap_or_default()
    }

    /// The memories that seed by their words, best first, with BM25 scores.
    pub(crate) fn by_words(&self) -> &[(u32, f32)] {
        &self.words[..self.words.len().min(self.seeding)]
    }

    fn by_vectors(&self) -> &[(u32, f32)] {
        &self.vectors[..self.vectors.len().min(self.seeding)]
    }

    /// Shares activation of 1 out among the seeds.
    fn share(&mut self, found: Vec<(u32, NameNode)>, settings: &Settings, is_model_given: bool) {
        let given = f64::from(settings.given_share);
        // Learnt vectors know what the words know, and no more of a memory's own text than they do.
        self.vector_share = match (self.words.is_empty(), self.vectors.is_empty()) {
            (_, true) => [0.0, 0.0],
            (true, false) => [1.0, if is_model_given { given } else { 0.0 }],
            (false, false) if is_model_given => [given, given],
            (false, false) => [1.0 - f64::from(settings.word_share), 0.0],
        };
        let names = names::certain(found, settings.name_evidence);
        // A name that few memories mention says more.
        let rarity = |name: &NameNode| 1.0 / f64::from(name.memories.max(1));
        let all: f64 = names.iter().map(|(_, name, _)| rarity(name)).sum();
        let certain: f64 = names.iter().map(|(_, name, evidence)| rarity(name) * evidence).sum();
        let of_names = if all > 0.0 { f64::from(settings.name_share) * certain / all } else { 0.0 };
        let rest = 1.0 - of_names;
        let of_vectors = rest * self.vector_share[0];
        let mut shares: FxHashMap<u32, [f32; 3]> = FxHashMap::default();
        let mut add = |part: usize, share: f64, scores: &mut dyn Iterator<Item = (u32, f64)>| {
            let scores: Vec<(u32, f64)> = scores.collect();
            let sum: f64 = scores.iter().map(|(_, score)| score).sum();
            for (node, score) in scores {
                if sum > 0.0 {
                    shares.entry(node).or_default()[part] += (share * score / sum) as f32;
                }
            }
        };
        let power = |value: f32, exponent: f32| libm::pow(f64::from(value), f64::from(exponent));
        let scores =
            self.by_words().iter().map(|(node, score)| (*node, power(*score, settings.word_exponent)));
        add(0, rest - of_vectors, &mut { scores });
        let exponent = settings.vector_exponent;
        let above = self.above_floor(settings).map(|(node, above)| (node, power(above.max(1e-9), exponent)));
        add(1, of_vectors, &mut { above });
        let weights = names.iter().map(|(node, name, evidence)| (*node, rarity(name) * evidence));
        add(2, of_names, &mut { weights });
        self.shares = shares.into_iter().collect();
        self.shares.sort_unstable_by_key(|(node, _)| *node);
        self.names = names.into_iter().map(|(node, name, _)| (node, name)).collect();
    }

    /// The memories that seed by their vectors, with what their similarities have above the floor.
    fn above_floor(&self, settings: &Settings) -> impl Iterator<Item = (u32, f32)> {
        let floor = settings.vector_floor * self.by_vectors().last().map_or(0.0, |(_, score)| *score);
        self.by_vectors().iter().map(move |(memory, score)| (*memory, score - floor))
    }

    /// What each memory keeps of the share of its own words, and of its own vector, beside its activation, by memory.
    /// Nothing where the cue names its subject: what leads there counts then, and the words of the question seldom are
    /// those of the answer.
    pub(crate) fn direct(&self, settings: &Settings) -> FxHashMap<u32, f32> {
        let mut direct = FxHashMap::default();
        if !self.names.is_empty() {
            return direct;
        }
        let [_, of_vectors] = self.vector_share;
        let mut add = |share: f64, scores: &[(u32, f32)]| {
            let sum: f64 = scores.iter().map(|(_, score)| f64::from(*score)).sum();
            if sum > 0.0 && share > 0.0 {
                for (memory, score) in scores {
                    *direct.entry(*memory).or_default() += (share * f64::from(*score) / sum) as f32;
                }
            }
        };
        let all = f64::from(settings.direct_share);
        add(all * (1.0 - of_vectors), self.by_words());
        add(all * of_vectors, &self.above_floor(settings).collect::<Vec<_>>());
        direct
    }

    /// What a node started with, from words, vector and names.
    pub(crate) fn share_of(&self, node: u32) -> [f32; 3] {
        self.shares.binary_search_by_key(&node, |(n, _)| *n).map_or([0.0; 3], |at| self.shares[at].1)
    }
}

/// The memories whose vectors are nearest to the cue's.
fn by_vector(view: &View<'_>, reading: &Reading, cue: &Cue, most: usize) -> Result<Vec<(u32, f32)>> {
    let Some(vector) = cue_vector(view, reading, cue)? else { return Ok(Vec::new()) };
    let blocks = view.vector_blocks()?;
    let mut scan = QuantisedScan::new(most, &vector);
    // Without bounds everybody may: a forgotten vector is all zeros, scores 0, and is no seed.
    let allowed = reading.allowed.as_deref();
    let similarity = debug_span!("similarity").entered();
    for (index, block) in blocks.iter().enumerate() {
        if !is_any_allowed(allowed, block.first) {
            continue;
        }
        if !block.is_scannable() {
            let what = format!("block {index} of the vectors is not what was written");
            return Err(view.store.damaged(what));
        }
        match block.quantised() {
            Some(rows) => scan.scan(rows, block.first, allowed),
            None => scan.scan_exactly(&block.vectors, block.first, allowed),
        }
    }
    view.for_each_recent_vector(|memory, candidate| {
        if reading.is_allowed(view, memory) {
            scan.scan_exactly(candidate, memory, None);
        }
    })?;
    // Ids that follow one another may lie in two blocks.
    let exact = |memory: u32, count: usize| {
        let block = blocks.get((memory / VECTOR_ROWS) as usize);
        let count = count.min((VECTOR_ROWS - memory % VECTOR_ROWS) as usize);
        let vectors = block.and_then(|block| block.exact(memory, count));
        vectors.ok_or_else(|| {
            view.store.damaged(format!("the vector of memory {memory} is not what was written"))
        })
    };
    let best = scan.try_finish(exact)?;
    drop(similarity);
    let found = best.into_iter().filter(|scored| scored.score > 0.0);
    Ok(found.map(|scored| (scored.id, scored.score)).collect())
}

/// Whether any memory of a block of vectors may be a hit. A block of which none may is not read.
fn is_any_allowed(allowed: Option<&[u64]>, first: u32) -> bool {
    let Some(allowed) = allowed else { return true };
    let words = allowed.iter().skip(first as usize / 64).take(VECTOR_ROWS as usize / 64);
    words.fold(0, |any, word| any | word) != 0
}

/// The cue's vector at unit length: given, or by the store's own model. `None` where there is none.
fn cue_vector(view: &View<'_>, reading: &Reading, cue: &Cue) -> Result<Option<Vec<f32>>> {
    let model = &view.state.model;
    if let Some(vector) = &cue.vector {
        let what = "the cue".to_owned();
        if !model.given {
            return Err(Error::OwnVectors { what, model: model.name.clone() });
        }
        if vector.len() != model.dimensions as usize {
            let (found, expected) = (vector.len(), model.dimensions as usize);
            return Err(Error::Dimension { what, found, model: model.name.clone(), expected });
        }
        if let Some(element) = vector.iter().find(|element| !element.is_finite()) {
            let value = element.to_string();
            return Err(Error::Parameter { name: "an element of the cue's vector", value, bound: "finite" });
        }
        return Ok(Some(unit_vector(vector)));
    }
    if model.given {
        return Ok(None);
    }
    let mut known = Vec::new();
    for (term, frequency) in &reading.terms {
        if let Some(vector) = term_vector(view.store, view.txn, term)? {
            known.push((vector, *frequency));
        }
    }
    Ok((!known.is_empty()).then(|| random_indexing::embed(&known)))
}
