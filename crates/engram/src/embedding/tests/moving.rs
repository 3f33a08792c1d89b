//! Stores that have another model, or get one.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::letters::*;
use crate::embedding::Embedder;
use crate::engram::{Engram, OpenOptions};
use crate::error::Error;
use crate::recall::Cue;
use crate::vector_model::VectorModel;

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
