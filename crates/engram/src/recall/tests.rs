//! Damage within whole pages, which LMDB does not notice: a recall answers as it did, or says that the store is damaged.

use std::path::Path;

use super::*;
use crate::memory::{Link, LinkTarget, NewMemory, Weight};
use crate::store::folder::Trust;
use crate::store::table::Table;
use crate::store::tables::Store;
use crate::store::write_txn::WriteTxn;

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

fn is_damaged<R>(result: Result<R>) -> bool {
    matches!(result, Err(Error::Damaged { .. }))
}

/// What two tables say of a number agrees, or nothing is answered by it, nor changed.
#[test]
fn numbers_that_do_not_agree_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let engram = store(folder.path(), false);
    let change = |change: &dyn Fn(&Store, &mut WriteTxn<'_>)| {
        let written = engram.with_write_lock(|store, mut txn| {
            change(store, &mut txn);
            store.commit(txn)
        });
        written.unwrap();
    };
    let swap = |table: fn(&Store) -> &Table, keys: [&[u8]; 2]| {
        change(&|store, txn| {
            let [first, second] = keys.map(|key| table(store).get(txn, key).unwrap().unwrap().to_vec());
            table(store).put(txn, keys[0], &second).unwrap();
            table(store).put(txn, keys[1], &first).unwrap();
        });
    };
    let cue = Cue::new("number13").at(AT);
    let id: MemoryId = "m013".parse().unwrap();
    assert_eq!(engram.recall(&cue).unwrap().hits[0].id, id);
    let ids = [&b"m013"[..], b"m014"];
    swap(|store| &store.tables.numbers, ids);
    assert!(is_damaged(engram.recall(&cue)) && is_damaged(engram.forget(&id)));
    swap(|store| &store.tables.numbers, ids);
    let nodes = [13_u32, 14].map(u32::to_be_bytes);
    swap(|store| &store.tables.nodes, [&nodes[0], &nodes[1]]);
    assert!(is_damaged(engram.recall(&cue)) && is_damaged(engram.forget(&id)));
    swap(|store| &store.tables.nodes, [&nodes[0], &nodes[1]]);
    let name = Cue::new("note bank 16").at(AT);
    assert_eq!(engram.recall(&name).unwrap().names, ["note bank 16"]);
    let keys = ["note bank 16", "note bank 24"].map(|name| crate::store::tables::name_key(name, 0));
    swap(|store| &store.tables.names, [&keys[0], &keys[1]]);
    assert!(is_damaged(engram.recall(&name)));
    swap(|store| &store.tables.names, [&keys[0], &keys[1]]);
    assert_eq!(engram.recall(&name).unwrap().names, ["note bank 16"]);
    // Rows that are missing from a table show by their number, whichever is asked for.
    let tables: [fn(&Store) -> Table; 8] = [
        |store| store.tables.numbers.clone(),
        |store| store.tables.nodes.clone(),
        |store| store.tables.names.clone(),
        |store| store.tables.postings.clone(),
        |store| store.tables.terms.clone(),
        |store| store.tables.memories.clone(),
        |store| store.tables.namespaces.clone(),
        |store| store.tables.recent_columns.clone(),
    ];
    for table in tables {
        let mut row = Vec::new();
        let kept = std::cell::RefCell::new(&mut row);
        change(&|store, txn| {
            let table = table(store);
            let (key, value) = table.iter(txn).unwrap().last().unwrap().unwrap();
            let (key, value) = (key.to_vec(), value.to_vec());
            table.delete(txn, &key).unwrap();
            **kept.borrow_mut() = vec![key, value];
            // So that marks are read again.
            let mut state = state::read(store, txn).unwrap().unwrap();
            state.version += 1;
            state::write(store, txn, &state).unwrap();
        });
        let name = table(&engram.store().unwrap()).name();
        assert!(is_damaged(engram.recall(&cue)), "{name}");
        assert!(!engram.verify().unwrap().problems.is_empty(), "{name}");
        change(&|store, txn| table(store).put(txn, &row[0], &row[1]).unwrap());
    }
    assert_eq!(engram.recall(&cue).unwrap().hits[0].id, id);
    assert_eq!(engram.verify().unwrap().problems, Vec::<String>::new());
}

/// Where a damaged page leads LMDB to look for a key in the wrong place, what is not found there is not taken for missing.
#[test]
fn keys_that_lie_elsewhere_are_not_missing() {
    let folder = tempfile::tempdir().unwrap();
    let engram = Engram::create(folder.path()).unwrap();
    let id = |at: usize| MemoryId::new(format!("m{at:04}")).unwrap();
    let memories = (0..1500).map(|at| {
        let mut memory = NewMemory::new(id(at), format!("word{at:04}q and others"));
        memory.title = Some(format!("Title{at:04}q"));
        memory
    });
    engram.remember_all(memories).unwrap();
    drop(engram);
    let path = folder.path().join("data.mdb");
    let sound = std::fs::read(&path).unwrap();
    let page_bytes = u32::from_le_bytes(*sound[40..].first_chunk().unwrap()) as usize;
    let mut broken = [sound.clone(), sound.clone()];
    let mut changed = 0;
    for start in (0..sound.len()).step_by(page_bytes) {
        let u16_at = |at: usize| usize::from(u16::from_le_bytes([sound[start + at], sound[start + at + 1]]));
        if u16_at(10) != 1 {
            continue;
        }
        // The last byte of each key that leads from a branch to a leaf, but for the first, which is none.
        for entry in (1..(u16_at(12) - 16) / 2).step_by(5) {
            let place = u16_at(16 + 2 * entry);
            let key = &sound[start + place + 8..][..u16_at(place + 6)];
            let Some(digit) = key.iter().rposition(u8::is_ascii_digit) else { continue };
            if key.starts_with(b"m") || key.starts_with(b"word") || key.starts_with(b"title") {
                let digit = start + place + 8 + digit - 1;
                broken[0][digit] = b'0' - 1;
                broken[1][digit] = b'9' + 1;
                changed += 1;
            }
        }
    }
    assert!(changed > 20, "{changed}");
    for broken in broken {
        std::fs::write(&path, &broken).unwrap();
        let engram = Engram::open(folder.path()).unwrap();
        let mut noticed = [0; 3];
        for at in 0..1500 {
            match engram.get(&id(at)) {
                Ok(found) => assert!(found.is_some(), "{at}"),
                Err(e) => noticed[0] += usize::from(is_damaged(Err::<(), _>(e))),
            }
            let recall = |cue: String, mode| engram.recall(&Cue::new(cue).at(AT).mode(mode));
            match recall(format!("word{at:04}q"), Mode::Words) {
                Ok(found) => assert_eq!(found.hits[0].id, id(at)),
                Err(e) => noticed[1] += usize::from(is_damaged(Err::<(), _>(e))),
            }
            match recall(format!("title{at:04}q"), Mode::Associative) {
                Ok(found) => assert_eq!(found.names, [format!("title{at:04}q")]),
                Err(e) => noticed[2] += usize::from(is_damaged(Err::<(), _>(e))),
            }
        }
        assert!(noticed[0] < 1000 && noticed.iter().all(|noticed| *noticed > 100), "{noticed:?}");
    }
}
