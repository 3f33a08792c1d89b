//! A store with a model: what is embedded when, and what becomes of it when the model fails.

mod letters;
mod moving;

use std::sync::atomic::Ordering;

use super::*;
use crate::error::Error;
use letters::*;

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
    assert_eq!(recollection.hits.len(), 50, "every fourth of them has the word");
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
