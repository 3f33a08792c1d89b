//! Damage within whole pages, which LMDB does not notice: a recall answers as it did, or says that the store is damaged.

use std::path::Path;

use super::*;
use crate::memory::{Link, LinkTarget, NewMemory, Weight};
use crate::store::folder::Trust;
use crate::store::table::Table;
use crate::store::tables::Store;

const AT: Time = Time::from_milliseconds(1_767_000_000_000);

/// A store of packed memories that are associated, and some written since.
fn store(folder: &Path, given: bool) -> Engram {
    let model = match given {
        true => crate::VectorModel::Given { name: "own".into(), dimensions: 24 },
        false => crate::VectorModel::RandomIndexing,
    };
    let engram = Engram::create_with(folder, &model).unwrap();
    let words = ["river", "bank", "kettle", "garden", "violin", "harbour", "winter", "lantern"];
    let memory = |at: usize| {
        let word = |by: usize| words[(at * by + by) % words.len()];
        let text = format!("The {} and the {} of Virginia Axline, number{at}.", word(3), word(5));
        let mut memory = NewMemory::new(format!("m{at:03}").parse().unwrap(), text);
        memory.title = Some(format!("Note {} {at}", word(1)));
        memory.made = Some(AT);
        memory.links.push(Link {
            to: LinkTarget::Id(format!("m{:03}", at * 7 % 90).parse().unwrap()),
            weight: Weight::ONE,
        });
        memory.vector = given.then(|| (0..24).map(|place| ((at * 31 + place * 17) % 29) as f32).collect());
        memory
    };
    engram.remember_all((0..90).map(memory)).unwrap();
    engram.consolidate().unwrap();
    for at in 90..93 {
        engram.remember(&memory(at)).unwrap();
    }
    engram
}

/// What some recalls of a process that has checked nothing yet answer.
fn answers(folder: &Path, given: bool) -> Result<Vec<Recollection>> {
    let engram = Engram::open(folder)?;
    let cues = ["the kettle by the river number13", "Virginia Axline", "note garden 17", "number91 lantern"];
    let mut answers = Vec::new();
    for text in cues {
        for mode in [Mode::Associative, Mode::Words, Mode::Vectors] {
            let mut cue = Cue::new(text).at(AT).mode(mode).k(5);
            if given {
                cue = cue.vector((0..24).map(|place| (place * 5 % 11) as f32).collect());
            }
            let mut answer = engram.recall(&cue)?;
            answer.took = std::time::Duration::ZERO;
            answers.push(answer);
        }
    }
    Ok(answers)
}

/// Tables of values that a recall reads.
fn tables(store: &Store) -> [Table; 12] {
    let tables = &store.tables;
    [
        &tables.blocks,
        &tables.postings,
        &tables.terms,
        &tables.nodes,
        &tables.names,
        &tables.memories,
        &tables.namespaces,
        &tables.recent_postings,
        &tables.recent_edges,
        &tables.recent_vectors,
        &tables.recent_columns,
        &tables.meta,
    ]
    .map(Table::clone)
}

fn open(folder: &Path) -> Store {
    Store::open(&folder.canonicalize().unwrap(), false, Trust::Private).unwrap()
}

/// Puts bytes in the place of a row's, as they lie on disk.
fn put(folder: &Path, table: usize, key: &[u8], stored: &[u8]) {
    let store = open(folder);
    let mut txn = store.write().unwrap();
    tables(&store)[table].put_stored(&mut txn, key, stored).unwrap();
    store.commit(txn).unwrap();
}

#[test]
fn altered_values_are_noticed() {
    for given in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let engram = store(folder, given);
        drop(engram);
        let rows = {
            let store = open(folder);
            let txn = store.read().unwrap();
            tables(&store).map(|table| {
                let rows = table.iter_stored(&txn).unwrap().map(|row| row.unwrap());
                rows.map(|(key, stored)| (key.to_vec(), stored.to_vec())).collect::<Vec<_>>()
            })
        };
        let sound = answers(folder, given).unwrap();
        assert!(sound.iter().step_by(3).all(|answer| answer.hits.len() == 5));
        let (mut noticed, mut tried) = (0, 0);
        for (at, rows) in rows.iter().enumerate() {
            // Blocks are large and few, others small and many.
            let (every, places) = if at == 0 { (1, 24) } else { (1 + rows.len() / 6, 2) };
            for (row, (key, stored)) in rows.iter().enumerate().step_by(every) {
                for place in 0..places {
                    let mut broken = stored.clone();
                    // Scattered, and the same each time.
                    let place = (place * 7_368_787 + row * 104_729) % broken.len();
                    broken[place] ^= 1 << ((row + place) % 8);
                    put(folder, at, key, &broken);
                    match answers(folder, given) {
                        Ok(answers) => assert!(answers == sound, "table {at}, {key:?}, byte {place}"),
                        Err(Error::Damaged { .. } | Error::NewerFormat { .. }) => noticed += 1,
                        Err(other) => panic!("table {at}, {key:?}, byte {place}: {other}"),
                    }
                    tried += 1;
                    put(folder, at, key, stored);
                }
            }
        }
        assert_eq!(answers(folder, given).unwrap(), sound);
        assert!(noticed > tried / 4, "{noticed} of {tried}");
    }
}
