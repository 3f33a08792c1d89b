//! Vectors that the caller gives.

use engram::{Cue, Engram, NewMemory};

use crate::world::{filled, fresh, note};

#[test]
fn given_vectors_seed_where_words_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let model = engram::VectorModel::Given { name: "toy".into(), dimensions: 3 };
    let engram = Engram::create_with(folder.path(), &model).unwrap();
    let mut warm = note("warm", "", "alpha");
    warm.vector = Some(vec![2.0, 0.0, 0.0]);
    let mut cold = note("cold", "", "beta");
    cold.vector = Some(vec![0.0, 5.0, 0.0]);
    engram.remember_all([warm.clone(), cold]).unwrap();
    let hits = engram.recall(&Cue::new("gamma").vector(vec![0.1, 1.0, 0.0])).unwrap().hits;
    assert_eq!(hits[0].id.as_str(), "cold");
    let wrong = engram.recall(&Cue::new("gamma").vector(vec![1.0])).unwrap_err().to_string();
    assert!(wrong.contains('1') && wrong.contains('3') && wrong.contains("toy"), "{wrong}");
    warm.vector = Some(vec![f32::NAN, 0.0, 0.0]);
    assert!(engram.remember(&warm).is_err());
    warm.vector = Some(vec![1.0, 0.0]);
    assert!(engram.remember(&warm).unwrap_err().to_string().contains("toy"));
    let other = engram::VectorModel::Given { name: "other".into(), dimensions: 3 };
    assert!(Engram::create_with(folder.path(), &other).is_err());
    let (_f, own) = filled();
    warm.vector = Some(vec![1.0, 0.0, 0.0]);
    assert!(own.remember(&warm).is_err());
}

/// The vectors of a model are evidence of their own, beside words and what is associated. Learnt ones know only what the
/// words know.
#[test]
fn vectors_of_a_model_are_direct_evidence() {
    let direct = |given: bool, cue: &str| {
        let folder = tempfile::tempdir().unwrap();
        let model = engram::VectorModel::Given { name: "toy".into(), dimensions: 2 };
        let engram = match given {
            true => Engram::create_with(folder.path(), &model).unwrap(),
            false => Engram::create(folder.path()).unwrap(),
        };
        for (id, text, vector) in
            [("words", "a kettle sings", [0.0, 1.0]), ("vector", "steam rises", [1.0, 0.1])]
        {
            let mut memory = NewMemory::new(id.parse().unwrap(), text);
            memory.vector = given.then(|| vector.to_vec());
            engram.remember(&memory).unwrap();
        }
        let mut cue = Cue::new(cue);
        cue.vector = given.then(|| vec![1.0, 0.0]);
        let hits = engram.recall(&cue).unwrap().hits;
        ["words", "vector"].map(|id| hits.iter().find(|hit| hit.id.as_str() == id).map(|hit| hit.why.direct))
    };
    let [words, vector] = direct(true, "the kettle");
    let (words, vector) = (words.unwrap(), vector.unwrap());
    assert!(words > 0.2 && vector > 0.2 && (words + vector - 0.5).abs() < 1e-6, "{words} {vector}");
    let [words, vector] = direct(true, "boiling");
    assert_eq!((words.unwrap_or(0.0), vector), (0.0, Some(0.25)));
    let [words, vector] = direct(false, "the kettle");
    assert_eq!((words, vector.unwrap_or(0.0)), (Some(0.5), 0.0));
}

#[test]
fn given_vectors_come_back_from_an_export_with_their_model() {
    let folder = tempfile::tempdir().unwrap();
    let model = engram::VectorModel::Given { name: "toy".into(), dimensions: 2 };
    let engram = Engram::create_with(folder.path(), &model).unwrap();
    let mut memory = note("v", "", "alpha");
    memory.vector = Some(vec![3.0, 4.0]);
    engram.remember_all([memory, note("w", "", "beta")]).unwrap();
    let mut lines = Vec::new();
    engram.export(&mut lines).unwrap();
    let file = folder.path().join("export.jsonl");
    std::fs::write(&file, &lines).unwrap();
    let (_other, copy) = fresh();
    let report = copy.import(&file, &mut |_| {}).unwrap();
    assert_eq!((report.changes.added, report.refused.len()), (2, 0), "{:?}", report.refused);
    let mut again = Vec::new();
    copy.export(&mut again).unwrap();
    assert_eq!(lines, again);
    assert_eq!(copy.stats().unwrap().model, "toy");
}

/// What changes nothing does not settle the model of a store that nothing was written to.
#[test]
fn a_store_that_nothing_was_written_to_takes_the_first_vector_that_comes() {
    let (_folder, engram) = crate::world::fresh();
    engram.remember_all(Vec::<engram::NewMemory>::new()).unwrap();
    engram.forget(&crate::world::id("nobody")).unwrap_err();
    engram.reinforce(&[crate::world::id("nobody")], crate::world::NOW).unwrap();
    engram.consolidate().unwrap();
    engram.rebuild().unwrap();
    let mut memory = crate::world::note("a", "", "one");
    memory.vector = Some(vec![1.0, 0.0]);
    engram.remember(&memory).unwrap();
    assert_eq!(engram.stats().unwrap().dimensions, 2);
}
