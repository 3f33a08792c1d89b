use super::*;
use crate::memory::{MemoryId, NewMemory};
use crate::recall::Cue;
use crate::store::block::{BlockKind, VectorSlot, kind_of};
use crate::time::Time;

const UNWATCHED: Monitor = Monitor::unwatched();
const NOW: Time = Time::from_milliseconds(1_767_000_000_000);

fn memory(at: u32, text: &str) -> NewMemory {
    let mut memory = NewMemory::new(MemoryId::new(format!("m{at:04}")).unwrap(), text);
    memory.made = Some(NOW);
    memory
}

/// A store of several blocks of vectors, with something to consolidate.
fn store() -> (tempfile::TempDir, Engram) {
    let folder = tempfile::tempdir().unwrap();
    let engram = Engram::create(folder.path()).unwrap();
    let words = ["river", "bank", "kettle", "garden", "violin", "harbour", "winter"];
    let text = |at: u32| format!("{} {} number{}", words[at as usize % 7], words[at as usize % 5], at % 97);
    engram.remember_all((0..2500).map(|at| memory(at, &text(at)))).unwrap();
    write(&engram, "a violin by the river");
    (folder, engram)
}

fn write(engram: &Engram, text: &str) {
    engram.remember(&memory(9999, text)).unwrap();
}

fn slot(engram: &Engram) -> VectorSlot {
    let store = engram.store().unwrap();
    let txn = store.read().unwrap();
    state::read(&store, &txn).unwrap().unwrap().vector_slot
}

/// The number of blocks of vectors in the two places.
fn blocks(engram: &Engram) -> [usize; 2] {
    let store = engram.store().unwrap();
    let txn = store.read().unwrap();
    let mut found = [0; 2];
    for entry in store.tables.blocks.iter(&txn).unwrap() {
        match kind_of(entry.unwrap().0) {
            Some((BlockKind::Vectors, _)) => found[0] += 1,
            Some((BlockKind::OtherVectors, _)) => found[1] += 1,
            _ => {}
        }
    }
    found
}

fn assert_sound(engram: &Engram) {
    let found = engram.verify().unwrap();
    assert!(found.problems.is_empty() && found.rebuilt, "{found:?}");
}

fn hits(engram: &Engram) -> Vec<(MemoryId, f32)> {
    let hits = engram.recall(&Cue::new("violin harbour number13").at(NOW)).unwrap().hits;
    hits.into_iter().map(|hit| (hit.id, hit.score)).collect()
}

/// Begins to write vectors ahead, and leaves it at that.
fn interrupted(engram: &Engram) -> Claim {
    let store = engram.store().unwrap();
    let txn = store.read().unwrap();
    let state = state::read(&store, &txn).unwrap().unwrap();
    let early = |vectors: VectorSource<'_>| {
        stage(&engram.store().unwrap(), vectors, &state, Changed::default(), 1, &UNWATCHED)
    };
    match Packed::build_and(Facts::of(&engram.store().unwrap(), &txn), &state, &early, &UNWATCHED)
        .unwrap()
        .1
        .unwrap()
    {
        Staged::All(claim) => claim,
        _ => panic!("nothing was written meanwhile"),
    }
}

#[test]
fn vectors_written_ahead_are_those_written_at_once() {
    let (_folder, engram) = store();
    let (_other, plain) = store();
    assert!(plain.try_consolidation(usize::MAX, &UNWATCHED).unwrap());
    assert_eq!((slot(&plain), blocks(&plain)), (VectorSlot::First, [3, 0]));
    for (round, expected) in [(1, VectorSlot::Second), (2, VectorSlot::First), (3, VectorSlot::Second)] {
        assert!(engram.try_consolidation(1 << round, &UNWATCHED).unwrap());
        assert_eq!(slot(&engram), expected);
        assert_eq!(blocks(&engram).into_iter().sum::<usize>(), 3);
        assert_sound(&engram);
        assert_eq!(hits(&engram), hits(&plain));
        // There and back again, so that there is something to do.
        write(&engram, "something else");
        write(&engram, "a violin by the river");
    }
    // All at once goes back to the first place.
    assert!(engram.try_consolidation(usize::MAX, &UNWATCHED).unwrap());
    assert_eq!((slot(&engram), blocks(&engram)), (VectorSlot::First, [3, 0]));
    assert_sound(&engram);
    assert_eq!(hits(&engram), hits(&plain));
}

#[test]
fn an_interrupted_consolidation_does_no_harm() {
    let (_folder, engram) = store();
    let before = hits(&engram);
    let claim = interrupted(&engram);
    assert_eq!(blocks(&engram), [3, 3]);
    assert_eq!(hits(&engram), before);
    let found = engram.verify().unwrap();
    assert!(found.problems.is_empty() && !found.rebuilt, "{found:?}");
    // Whoever writes, or begins anew, ends the claim.
    assert!(claim.stands(&engram.store().unwrap(), &engram.store().unwrap().read().unwrap()).unwrap());
    write(&engram, "a violin by the sea");
    assert!(!claim.stands(&engram.store().unwrap(), &engram.store().unwrap().read().unwrap()).unwrap());
    let claim = interrupted(&engram);
    let next = interrupted(&engram);
    assert!(!claim.stands(&engram.store().unwrap(), &engram.store().unwrap().read().unwrap()).unwrap());
    assert!(next.stands(&engram.store().unwrap(), &engram.store().unwrap().read().unwrap()).unwrap());
    // What a forgotten memory left there goes with the next consolidation, even where nothing else was written.
    engram.consolidate().unwrap();
    assert_eq!(blocks(&engram), [3, 0]);
    assert_sound(&engram);
    interrupted(&engram);
    let store = engram.store().unwrap();
    let txn = store.read().unwrap();
    let state = state::read(&store, &txn).unwrap().unwrap();
    assert!(!is_packed(&engram.store().unwrap(), &txn, &state).unwrap());
    drop(txn);
    assert!(engram.try_consolidation(1, &UNWATCHED).unwrap());
    assert_eq!(blocks(&engram), [0, 3]);
    assert_sound(&engram);
}

#[test]
fn a_consolidation_killed_before_it_clears_does_no_harm() {
    let (_folder, engram) = store();
    for stage_bytes in [1, usize::MAX] {
        write(&engram, "quartz");
        assert!(engram.try_consolidation(usize::MAX, &UNWATCHED).unwrap());
        write(&engram, "a violin by the river");
        let store = engram.store().unwrap();
        let txn = store.read().unwrap();
        let before = state::read(&store, &txn).unwrap().unwrap();
        let early = |vectors: VectorSource<'_>| {
            stage(&engram.store().unwrap(), vectors, &before, Changed::default(), 1, &UNWATCHED)
        };
        let (packed, staged) =
            Packed::build_and(Facts::of(&engram.store().unwrap(), &txn), &before, &early, &UNWATCHED)
                .unwrap();
        assert!(matches!(staged.unwrap(), Staged::All(_)));
        drop(txn);
        engram
            .write(|_, txn, state| {
                packed.write(&engram.store().unwrap(), txn, state, Vectors::Staged, &UNWATCHED)
            })
            .unwrap();
        assert_eq!((slot(&engram), blocks(&engram)), (VectorSlot::Second, [3, 3]));
        let found = engram.verify().unwrap();
        assert!(found.problems.is_empty() && !found.rebuilt, "{found:?}");
        let there = hits(&engram);
        assert!(engram.try_consolidation(stage_bytes, &UNWATCHED).unwrap());
        assert_eq!(blocks(&engram), [3, 0]);
        assert_sound(&engram);
        assert_eq!(hits(&engram), there);
    }
}

#[test]
fn a_write_meanwhile_is_not_lost() {
    let (_folder, engram) = store();
    let store = engram.store().unwrap();
    let txn = store.read().unwrap();
    let state = state::read(&store, &txn).unwrap().unwrap();
    drop(txn);
    write(&engram, "quartz");
    assert!(Claim::take(&engram.store().unwrap(), &state).unwrap().is_none());
    assert_eq!(blocks(&engram), [3, 0]);
    engram.forget(&MemoryId::new("m0001").unwrap()).unwrap();
    assert!(engram.try_consolidation(1, &UNWATCHED).unwrap());
    // Forgetting erases in the place that is in use.
    engram.forget(&MemoryId::new("m0000").unwrap()).unwrap();
    let found = engram.verify().unwrap();
    assert!(found.problems.is_empty(), "{found:?}");
    assert!(engram.try_consolidation(1, &UNWATCHED).unwrap());
    assert_sound(&engram);
    let hits = engram.recall(&Cue::new("quartz").at(NOW)).unwrap().hits;
    assert_eq!(hits[0].id.as_str(), "m9999");
}

#[test]
fn vectors_that_memories_bring_along_are_those_of_their_records() {
    let folder = tempfile::tempdir().unwrap();
    let model = crate::VectorModel::Given { name: "own".into(), dimensions: 3 };
    let engram = Engram::create_with(folder.path(), &model).unwrap();
    let given = |at: u32| (at % 7 != 3).then(|| vec![at as f32 + 1.0, -2.0, (at % 11) as f32]);
    engram
        .remember_all((0..2500).map(|at| {
            let mut memory = memory(at, "a kettle");
            memory.vector = given(at);
            memory
        }))
        .unwrap();
    let assert_given = || {
        let store = engram.store().unwrap();
        let txn = store.read().unwrap();
        for at in 0..2500 {
            let index = at / crate::store::block::VECTOR_ROWS;
            let block =
                crate::store::block::read(&engram.store().unwrap(), &txn, slot(&engram).kind(), index)
                    .unwrap();
            let vectors = block.unwrap().vectors().unwrap();
            let expected = given(at).map_or(vec![0.0; 3], |vector| crate::index::unit_vector(&vector));
            assert_eq!(vectors.exact(at, 1), Some(&expected[..]), "{at}");
        }
    };
    assert_given();
    for (text, stage_bytes) in [("one", 1), ("other", usize::MAX)] {
        write(&engram, text);
        assert!(engram.try_consolidation(stage_bytes, &UNWATCHED).unwrap());
        assert_given();
        assert_sound(&engram);
    }
}

/// A damaged tree may lead to a page twice, and to another not at all. No such thing becomes a packed store.
#[test]
fn memories_that_come_twice_are_damage() {
    let (folder, engram) = store();
    drop(engram);
    let path = folder.path().join("data.mdb");
    let mut bytes = std::fs::read(&path).unwrap();
    let page_bytes = u32::from_le_bytes(*bytes[40..].first_chunk().unwrap()) as usize;
    let mut changed = 0;
    for page in bytes.chunks_exact_mut(page_bytes) {
        let u16_at = |at: usize| usize::from(u16::from_le_bytes([page[at], page[at + 1]]));
        let (is_branch, entries) = (u16_at(10) == 1, (u16_at(12).saturating_sub(16)) / 2);
        if !is_branch || entries < 3 {
            continue;
        }
        // The number of a child lies in the first six bytes of its entry.
        let [first, second] = [16, 18].map(u16_at);
        if page[second + 8..].starts_with(b"m") {
            page.copy_within(first..first + 6, second);
            changed += 1;
        }
    }
    assert!(changed >= 2, "{changed}");
    std::fs::write(&path, &bytes).unwrap();
    let engram = Engram::open(folder.path()).unwrap();
    let is_damaged = |result: Result<()>| matches!(result, Err(Error::Damaged { .. }));
    // This walks the pages first, but a write that packs does not.
    assert!(is_damaged(engram.consolidate()));
    let many = (0..400).map(|at| memory(at, "another text"));
    let packed = engram.remember_all(many).map(drop);
    assert!(matches!(&packed, Err(Error::Damaged { what, .. }) if what.contains("ascend")), "{packed:?}");
    assert!(is_damaged(engram.rebuild()));
    assert!(!engram.verify().unwrap().problems.is_empty());
}

/// Writing vectors ahead is ended at each of its reports; what was written so far is in nobody's way.
#[test]
fn writing_ahead_can_be_ended_and_tells_of_each_stage() {
    use std::ops::ControlFlow::{Break, Continue};

    let (_folder, engram) = store();
    let before = hits(&engram);
    for most in 0.. {
        let mut stages = Vec::new();
        let mut watcher = |now: Progress| {
            stages.push(now.stage);
            if stages.len() > most { Break(()) } else { Continue(()) }
        };
        match watch(&mut watcher, |monitor| engram.try_consolidation(1, monitor)) {
            Err(Error::Cancelled) => {
                assert_eq!(slot(&engram), VectorSlot::First, "{stages:?}");
                assert_eq!(hits(&engram), before, "{stages:?}");
                assert!(engram.verify().unwrap().problems.is_empty(), "{stages:?}");
            }
            done => {
                assert!(done.unwrap());
                stages.dedup();
                let ends = [Stage::Writing, Stage::Committing, Stage::Clearing];
                assert!(stages.ends_with(&ends) && most >= ends.len(), "{stages:?}");
                break;
            }
        }
    }
    assert_eq!((slot(&engram), blocks(&engram)), (VectorSlot::Second, [0, 3]));
    assert_sound(&engram);
}
