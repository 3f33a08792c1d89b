//! A store with a model that counts letters, or fails as it is told.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::error::Error;
use crate::memory::NewMemory;
use crate::vector_model::VectorModel;

/// What a model does when it is asked.
#[derive(Clone, Copy, PartialEq)]
enum Act {
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
struct Letters {
    name: &'static str,
    query_prefix: &'static str,
    act: Mutex<Act>,
    calls: AtomicUsize,
    texts: AtomicUsize,
}

impl Letters {
    fn named(name: &'static str) -> Arc<Self> {
        Self::with_prefix(name, "")
    }

    fn with_prefix(name: &'static str, query_prefix: &'static str) -> Arc<Self> {
        let (act, calls, texts) = (Mutex::new(Act::Answer), AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { name, query_prefix, act, calls, texts })
    }

    fn act(&self, act: Act) {
        *self.act.lock().unwrap() = act;
    }

    fn texts(&self) -> usize {
        self.texts.swap(0, Ordering::Relaxed)
    }
}

fn letters(text: &str) -> Vec<f32> {
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

fn memory(id: &str, text: &str) -> NewMemory {
    NewMemory::new(id.parse().unwrap(), text)
}

fn many(count: usize) -> Vec<NewMemory> {
    let text = |at: usize| format!("{} {}", ["owl", "fox", "bee", "elk"][at % 4], "hum ".repeat(at % 7 + 1));
    (0..count).map(|at| memory(&format!("m{at:04}"), &text(at))).collect()
}

fn store() -> (tempfile::TempDir, Engram) {
    let folder = tempfile::tempdir().unwrap();
    let engram = Engram::create(folder.path()).unwrap();
    (folder, engram)
}

fn with(embedder: &Arc<Letters>) -> (tempfile::TempDir, Engram) {
    let (folder, engram) = store();
    (folder, engram.with_embedder(Arc::clone(embedder) as Arc<dyn Embedder>).unwrap())
}

fn vectors_of(engram: &Engram) -> Vec<bool> {
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

fn is_sound(engram: &Engram) {
    let found = engram.verify().unwrap();
    assert_eq!(found.problems, [""; 0]);
    engram.consolidate().unwrap();
    let found = engram.verify().unwrap();
    assert!(found.problems.is_empty() && found.rebuilt, "{found:?}");
}

fn similarities(engram: &Engram, cue: &str) -> usize {
    let hits = engram.recall(&Cue::new(cue).mode(Mode::Vectors).k(1000)).unwrap().hits;
    hits.iter().filter(|hit| hit.why.similarity.is_some()).count()
}

#[test]
fn what_comes_in_is_embedded_and_so_is_the_cue() {
    let model = Letters::named("letters");
    let (_folder, engram) = with(&model);
    let mut owl = memory("owl", "hoots");
    owl.title = Some("Owl".into());
    engram.remember(&owl).unwrap();
    engram.remember_all(many(300)).unwrap();
    assert!(vectors_of(&engram).iter().all(|there| *there));
    assert_eq!(model.texts(), 301);
    assert!(engram.take_missing_vectors().is_none());
    // No word of the cue is in the memory; its letters are.
    let recollection = engram.recall(&Cue::new("shoot").k(1)).unwrap();
    assert_eq!(recollection.hits[0].id.as_str(), "owl");
    assert!(recollection.notes.is_empty());
    is_sound(&engram);
    // What is there is not embedded again.
    model.texts();
    engram.remember_all(many(300)).unwrap();
    assert_eq!(model.texts(), 0);
    let mut changed = many(300);
    changed[7].text = "another".into();
    changed[8].tags.push("tagged".into());
    assert_eq!(engram.remember_all(changed).unwrap().updated, 2);
    assert_eq!(model.texts(), 1);
    assert!(vectors_of(&engram).iter().all(|there| *there));
    is_sound(&engram);
}

#[test]
fn an_update_embeds_a_new_text_only() {
    let model = Letters::named("letters");
    let (_folder, engram) = with(&model);
    engram.remember_all(many(3)).unwrap();
    model.texts();
    let id = "m0001".parse().unwrap();
    engram.update(&id, |memory| memory.text = "yak".into()).unwrap();
    assert_eq!(model.texts(), 1);
    engram.update(&id, |memory| memory.tags.push("tag".into())).unwrap();
    engram.link(&id, &"m0002".parse().unwrap(), crate::Weight::ONE).unwrap();
    assert_eq!(model.texts(), 0);
    assert!(vectors_of(&engram).iter().all(|there| *there));
    // Through a handle without the model, the vector of the old text goes.
    drop(engram);
    let engram = Engram::open(_folder.path()).unwrap();
    engram.update(&id, |memory| memory.text = "emu".into()).unwrap();
    assert_eq!(vectors_of(&engram), [true, false, true]);
    is_sound(&engram);
}

#[test]
fn a_failing_model_loses_nothing() {
    let model = Letters::named("letters");
    let (_folder, engram) = with(&model);
    model.act(Act::FailAfter(3));
    engram.remember_all(many(200)).unwrap();
    let missing = engram.take_missing_vectors().unwrap();
    assert_eq!(missing.memories, 200 - 3 * 32);
    assert!(missing.to_string().contains("tired") && missing.to_string().contains("`engram reembed`"));
    assert_eq!(model.calls.load(Ordering::Relaxed), 4, "it is not asked again");
    let recollection = engram.recall(&Cue::new("owl").k(200)).unwrap();
    assert!(recollection.notes[0].contains("words and names"), "{:?}", recollection.notes);
    assert_eq!(recollection.hits.len(), 30);
    assert!(matches!(engram.recall(&Cue::new("owl").mode(Mode::Vectors)), Err(Error::Embedder(_))));
    assert!(engram.recall(&Cue::new("owl").mode(Mode::Words)).unwrap().notes.is_empty());
    is_sound(&engram);

    model.act(Act::Answer);
    model.texts();
    let embedder: Arc<dyn Embedder> = model.clone();
    let mut steps = 0;
    let report = engram.reembed(&embedder, &mut |_| steps += 1).unwrap();
    assert_eq!((report.total, report.embedded, report.missing), (104, 104, None));
    assert_eq!(model.texts(), 104);
    assert!(steps > 3);
    assert!(vectors_of(&engram).iter().all(|there| *there));
    assert_eq!(similarities(&engram, "humowlfoxbeek"), 200);
    is_sound(&engram);
    assert_eq!(engram.reembed(&embedder, &mut |_| {}).unwrap(), Reembedding::default());
}

#[test]
fn an_import_that_was_cut_off_goes_on() {
    let model = Letters::named("letters");
    let (_folder, engram) = with(&model);
    model.act(Act::FailAfter(2));
    engram.remember_all(many(100)).unwrap();
    model.act(Act::Answer);
    model.texts();
    assert_eq!(engram.remember_all(many(100)).unwrap().unchanged, 100);
    assert_eq!(model.texts(), 36);
    assert!(vectors_of(&engram).iter().all(|there| *there));
}

#[test]
fn a_long_text_is_cut_until_the_model_takes_it() {
    let model = Letters::named("letters");
    let (_folder, engram) = with(&model);
    model.act(Act::AtMost(1000));
    let mut memories = many(40);
    memories[5].text = "z".repeat(3000);
    engram.remember_all(memories).unwrap();
    assert!(engram.take_missing_vectors().is_none());
    let long = engram.get(&"m0005".parse().unwrap()).unwrap().unwrap();
    assert_eq!(long.memory.vector.unwrap()[25], 750.0);
    // What takes no text is not asked for all.
    let asked = model.calls.load(Ordering::Relaxed);
    model.act(Act::AtMost(0));
    let short = |at: usize| memory(&format!("short{at}"), "x");
    engram.remember_all((0..200).map(short)).unwrap();
    assert_eq!(engram.take_missing_vectors().unwrap().memories, 200);
    assert!(model.calls.load(Ordering::Relaxed) < asked + 32);
    model.act(Act::AtMost(100));
    engram.remember(&memory("longer", &"y".repeat(3000))).unwrap();
    assert_eq!(engram.take_missing_vectors().unwrap().memories, 1);
    is_sound(&engram);
}

#[test]
fn answers_that_do_not_fit_are_refused() {
    for act in [Act::NotFinite, Act::TooFew, Act::OtherDimension] {
        let model = Letters::named("letters");
        let (_folder, engram) = with(&model);
        model.act(act);
        engram.remember_all(many(3)).unwrap();
        assert_eq!(engram.take_missing_vectors().unwrap().memories, 3);
        assert_eq!(vectors_of(&engram), [false; 3]);
        assert_eq!(engram.recall(&Cue::new("owl")).unwrap().notes.len(), 1);
        is_sound(&engram);
    }
}

#[test]
fn another_model_is_refused_by_name_and_reembedding_moves_to_it() {
    for first in [None, Some(Letters::named("first"))] {
        let (folder, engram) = match &first {
            Some(model) => with(model),
            None => store(),
        };
        engram.remember_all(many(300)).unwrap();
        engram.remember(&memory("blank", "  ")).unwrap();
        drop(engram);
        let second = Letters::with_prefix("second", "query: ");
        let embedder: Arc<dyn Embedder> = second.clone();
        let open = || Engram::open(folder.path()).unwrap();
        let refused = open().with_embedder(Arc::clone(&embedder)).unwrap_err().to_string();
        let before = if first.is_some() { "first:26" } else { "random-indexing" };
        for part in [before, "second:26, query prefix \"query: \"", "`engram reembed --embedder`"] {
            assert!(refused.contains(part), "{refused}");
        }
        // One that does not answer changes nothing.
        second.act(Act::Fail);
        assert!(matches!(open().reembed(&embedder, &mut |_| {}), Err(Error::Embedder(_))));
        assert!(open().with_embedder(Arc::clone(&embedder)).is_err());
        // Cut off after some batches: no vector of the old model is left.
        second.act(Act::FailAfter(second.calls.load(Ordering::Relaxed) + 4));
        let report = open().reembed(&embedder, &mut |_| {}).unwrap();
        assert!(report.moved_from.unwrap().starts_with(before));
        assert_eq!((report.total, report.embedded), (300, 96));
        let engram = open().with_embedder(Arc::clone(&embedder)).unwrap();
        assert_eq!(engram.embedding().unwrap().unwrap().query_prefix, "query: ");
        assert_eq!(vectors_of(&engram).iter().filter(|there| **there).count(), 96);
        second.act(Act::Answer);
        assert_eq!(similarities(&engram, "humowlfoxbeek"), 96);
        is_sound(&engram);
        let report = engram.reembed(&embedder, &mut |_| {}).unwrap();
        assert_eq!((report.moved_from, report.total, report.embedded), (None, 204, 204));
        assert_eq!(similarities(&engram, "humowlfoxbeek"), 300);
        is_sound(&engram);
        // A handle with the old model does not mix its vectors in.
        let third: Arc<dyn Embedder> = Letters::named("third");
        open().reembed(&third, &mut |_| {}).unwrap();
        let late = engram.remember(&memory("late", "gnu")).unwrap_err();
        assert!(matches!(late, Error::OtherEmbedder { .. }), "{late}");
        assert!(matches!(engram.recall(&Cue::new("owl")), Err(Error::OtherEmbedder { .. })));
        assert!(engram.get(&"late".parse().unwrap()).unwrap().unwrap().memory.vector.is_none());
        is_sound(&engram);
    }
}

#[test]
fn vectors_that_were_given_are_taken_over_by_the_model_of_their_name() {
    let folder = tempfile::tempdir().unwrap();
    let given = VectorModel::Given { name: "letters".into(), dimensions: 26 };
    let engram = Engram::create_with(folder.path(), &given).unwrap();
    let mut memories = many(10);
    memories[3].vector = Some(letters(&memories[3].text));
    engram.remember_all(memories.clone()).unwrap();
    assert!(engram.embedding().unwrap().is_none());
    let model = Letters::named("letters");
    let embedder: Arc<dyn Embedder> = model.clone();
    let engram = engram.with_embedder(Arc::clone(&embedder)).unwrap();
    engram.reembed(&embedder, &mut |_| {}).unwrap();
    assert_eq!(model.texts(), 9);
    assert_eq!(vectors_of(&engram), [true; 10]);
    drop(engram);
    let engram = Engram::open(folder.path()).unwrap();
    let notes = engram.recall(&Cue::new("owl")).unwrap().notes;
    assert!(notes[0].contains("letters"), "{notes:?}");
    assert!(engram.recall(&Cue::new("owl").vector(letters("owl"))).unwrap().notes.is_empty());
    assert_eq!(engram.remember_all(many(10)).unwrap().unchanged, 10);
}

#[test]
fn a_vault_is_embedded() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("owl.md"), "# Owl\n\nIt hoots.\n").unwrap();
    std::fs::write(folder.path().join("fox.md"), "# Fox\n\nIt barks.\n").unwrap();
    let model = Letters::named("letters");
    let embedder: Arc<dyn Embedder> = model.clone();
    let vault = Vault::open(folder.path()).unwrap().with_embedder(Arc::clone(&embedder)).unwrap();
    let mut embedded = 0;
    vault.synchronise(&mut |progress| embedded = progress.embedded).unwrap();
    assert_eq!((embedded, model.texts()), (2, 2));
    model.act(Act::Fail);
    std::fs::write(folder.path().join("bee.md"), "# Bee\n\nIt hums.\n").unwrap();
    let report = vault.synchronise(&mut |_| {}).unwrap();
    assert_eq!(report.changes.added, 1);
    assert!(report.warnings[0].contains("1 memory has no vector yet"), "{:?}", report.warnings);
    is_sound(vault.engram());
}

#[test]
fn a_store_keeps_its_model_when_it_is_compacted() {
    let model = Letters::named("letters");
    let embedder: Arc<dyn Embedder> = model.clone();
    let folder = tempfile::tempdir().unwrap();
    let engram = OpenOptions::new().create(true).embedder(embedder).open(folder.path()).unwrap();
    engram.remember_all(many(50)).unwrap();
    let before = engram.embedding().unwrap();
    engram.compact().unwrap();
    assert_eq!(engram.embedding().unwrap(), before);
    assert_eq!(similarities(&engram, "humowlfoxbeek"), 50);
}

/// A model during whose work another handle writes: that waits for nobody, and what has changed meanwhile gets no vector.
struct Meddler {
    letters: Arc<Letters>,
    folder: std::path::PathBuf,
}

impl Embedder for Meddler {
    fn name(&self) -> &str {
        self.letters.name()
    }

    fn dimensions(&self) -> u32 {
        26
    }

    fn embed(&self, texts: &[&str], kind: Kind) -> std::result::Result<Vec<Vec<f32>>, EmbedError> {
        let other = Engram::open(&self.folder).unwrap();
        if kind == Kind::Document {
            // What the first handle put in is committed.
            other.update(&"m0003".parse().unwrap(), |memory| memory.text.push('!')).unwrap();
            let _ = other.forget(&"m0004".parse().unwrap());
        } else {
            other.remember(&memory("meddled", "gnu")).unwrap();
        }
        self.letters.embed(texts, kind)
    }
}

#[test]
fn nobody_waits_while_a_model_is_asked() {
    let (folder, engram) = store();
    let letters = Letters::named("letters");
    let meddler = Arc::new(Meddler { letters, folder: folder.path().to_owned() });
    let engram = engram.with_embedder(meddler).unwrap();
    engram.remember_all(many(20)).unwrap();
    let there = vectors_of(&engram);
    assert_eq!((there.len(), there.iter().filter(|there| **there).count(), there[3]), (19, 18, false));
    engram.recall(&Cue::new("owl")).unwrap();
    assert!(engram.get(&"meddled".parse().unwrap()).unwrap().is_some());
    is_sound(&engram);
}

#[test]
fn stores_of_older_formats_move_to_a_model() {
    for format in ["format-1", "format-2", "format-3"] {
        let folder = tempfile::tempdir().unwrap();
        let old = format!("{}/tests/stores/{format}/data.mdb", env!("CARGO_MANIFEST_DIR"));
        std::fs::copy(old, folder.path().join("data.mdb")).unwrap();
        let engram = Engram::open(folder.path()).unwrap();
        assert!(engram.embedding().unwrap().is_none());
        let model = Letters::named("letters");
        let embedder: Arc<dyn Embedder> = model.clone();
        let report = engram.reembed(&embedder, &mut |_| {}).unwrap();
        assert_eq!(report.total, report.embedded, "{format}");
        assert!(vectors_of(&engram).iter().all(|there| *there));
        let engram = engram.with_embedder(embedder).unwrap();
        assert!(similarities(&engram, "abcdefghijklmnopqrstuvwxyz") > 0);
        engram.remember(&memory("kettle", "descaled in May")).unwrap();
        is_sound(&engram);
        assert_eq!(engram.embedding().unwrap().unwrap().name, "letters", "{format}");
        assert!(vectors_of(&engram).iter().all(|there| *there));
    }
}

#[test]
fn an_export_keeps_vectors_for_a_store_of_the_same_model() {
    let model = Letters::named("letters");
    let (folder, engram) = with(&model);
    engram.remember_all(many(40)).unwrap();
    let file = folder.path().join("export.jsonl");
    engram.export(&mut std::fs::File::create(&file).unwrap()).unwrap();
    let (_copy, copy) = with(&model);
    model.texts();
    let report = copy.import(&file, &mut |_| {}).unwrap();
    assert_eq!((report.changes.added, report.refused.len(), model.texts()), (40, 0, 0));
    assert!(vectors_of(&copy).iter().all(|there| *there));
}
