//! A model that counts letters, or fails as it is told, and stores that have it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::embedding::{EmbedError, Embedder, Kind, MAX_BATCH_TEXTS, embedded_text};
use crate::engram::Engram;
use crate::error::Error;
use crate::memory::NewMemory;
use crate::recall::{Cue, Mode};

/// What a model does when it is asked.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Act {
    Answer,
    Fail,
    /// Fails from the call of this number on.
    FailAfter(usize),
    /// Takes no text with more characters.
    AtMost(usize),
    NotFinite,
    TooFew,
    OtherDimension,
}

/// Counts the letters of a text, each in a dimension of its own.
pub(super) struct Letters {
    name: &'static str,
    query_prefix: &'static str,
    act: Mutex<Act>,
    pub(super) calls: AtomicUsize,
    texts: AtomicUsize,
}

impl Letters {
    pub(super) fn named(name: &'static str) -> Arc<Self> {
        Self::with_prefix(name, "")
    }

    pub(super) fn with_prefix(name: &'static str, query_prefix: &'static str) -> Arc<Self> {
        let (act, calls, texts) = (Mutex::new(Act::Answer), AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { name, query_prefix, act, calls, texts })
    }

    pub(super) fn act(&self, act: Act) {
        *self.act.lock().unwrap() = act;
    }

    pub(super) fn texts(&self) -> usize {
        self.texts.swap(0, Ordering::Relaxed)
    }
}

pub(super) fn letters(text: &str) -> Vec<f32> {
    (b'a'..=b'z').map(|letter| text.bytes().filter(|byte| *byte == letter).count() as f32).collect()
}

impl Embedder for Letters {
    fn name(&self) -> &str {
        self.name
    }

    fn dimensions(&self) -> u32 {
        26
    }

    fn prefix(&self, kind: Kind) -> &str {
        if kind == Kind::Query { self.query_prefix } else { "" }
    }

    fn embed(&self, texts: &[&str], _: Kind) -> std::result::Result<Vec<Vec<f32>>, EmbedError> {
        let name = || self.name.to_owned();
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        assert!((1..=MAX_BATCH_TEXTS).contains(&texts.len()));
        let mut vectors: Vec<Vec<f32>> = texts.iter().map(|text| letters(text)).collect();
        match *self.act.lock().unwrap() {
            Act::Fail => return Err(EmbedError::Unavailable { name: name(), what: "asleep".into() }),
            Act::FailAfter(calls) if call >= calls => {
                return Err(EmbedError::Unavailable { name: name(), what: "tired".into() });
            }
            Act::AtMost(chars) if texts.iter().any(|text| text.chars().count() > chars) => {
                return Err(EmbedError::Text { name: name(), what: "too long".into() });
            }
            Act::NotFinite => vectors[0][0] = f32::NAN,
            Act::TooFew => drop(vectors.pop()),
            Act::OtherDimension => drop(vectors[0].pop()),
            _ => {}
        }
        self.texts.fetch_add(texts.len(), Ordering::Relaxed);
        Ok(vectors)
    }
}

pub(super) fn memory(id: &str, text: &str) -> NewMemory {
    NewMemory::new(id.parse().unwrap(), text)
}

pub(super) fn many(count: usize) -> Vec<NewMemory> {
    let text = |at: usize| format!("{} {}", ["owl", "fox", "bee", "elk"][at % 4], "hum ".repeat(at % 7 + 1));
    (0..count).map(|at| memory(&format!("m{at:04}"), &text(at))).collect()
}

pub(super) fn store() -> (tempfile::TempDir, Engram) {
    let folder = tempfile::tempdir().unwrap();
    let engram = Engram::create(folder.path()).unwrap();
    (folder, engram)
}

pub(super) fn with(embedder: &Arc<Letters>) -> (tempfile::TempDir, Engram) {
    let (folder, engram) = store();
    (folder, engram.with_embedder(Arc::clone(embedder) as Arc<dyn Embedder>).unwrap())
}

pub(super) fn vectors_of(engram: &Engram) -> Vec<bool> {
    let mut there = Vec::new();
    engram
        .for_each(|stored| {
            let expected = embedded_text(stored.memory.title.as_deref(), &stored.memory.text);
            if let Some(vector) = &stored.memory.vector {
                assert_eq!(Some(vector.clone()), expected.map(|text| letters(&text)), "{stored:?}");
            }
            there.push(stored.memory.vector.is_some());
            Ok::<_, Error>(())
        })
        .unwrap();
    there
}

pub(super) fn is_sound(engram: &Engram) {
    let found = engram.verify().unwrap();
    assert_eq!(found.problems, [""; 0]);
    engram.consolidate().unwrap();
    let found = engram.verify().unwrap();
    assert!(found.problems.is_empty() && found.rebuilt, "{found:?}");
}

pub(super) fn similarities(engram: &Engram, cue: &str) -> usize {
    let hits = engram.recall(&Cue::new(cue).mode(Mode::Vectors).k(1000)).unwrap().hits;
    hits.iter().filter(|hit| hit.why.similarity.is_some()).count()
}
