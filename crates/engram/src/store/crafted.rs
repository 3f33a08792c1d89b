//! Stores that somebody made up: sound pages, checksums that fit, and values that no writer puts there. Whatever is done
//! with one gives an answer or an error, never a panic, nor an allocation out of proportion to the file.

mod states;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;

use super::block;
use super::folder::Trust;
use super::open::DATA_FILE;
use super::record::{Record, StoredLink};
use super::table::Table;
use super::tables::Store;
use crate::engram::Engram;
use crate::error::{Error, Result};
use crate::evaluation::Evaluation;
use crate::import::beir::{Judgement, Query};
use crate::index::postings;
use crate::memory::{Link, LinkTarget, MemoryId, Namespace, NewMemory, Weight};
use crate::recall::{Cue, Mode};
use crate::time::Time;
use crate::vector_model::VectorModel;

const AT: Time = Time::from_milliseconds(1_767_000_000_000);
const DIMENSIONS: u32 = 12;

/// A folder for short, on a file system in memory where there is one: nothing here has to last.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

fn memory(at: usize, given: bool) -> NewMemory {
    let words = ["river", "bank", "kettle", "garden", "violin", "harbour", "winter", "lantern"];
    let word = |by: usize| words[(at * by + by) % words.len()];
    let text =
        format!("The {} and the {} of Virginia Axline, number{at}. Note {} 3", word(3), word(5), word(1));
    let mut memory = NewMemory::new(format!("m{at:03}").parse().unwrap(), text);
    memory.title = Some(format!("Note {} {at}", word(1)));
    memory.made = Some(AT);
    memory.namespace = Namespace::new(if at.is_multiple_of(3) { "other" } else { "default" }).unwrap();
    memory.source = Some(format!("notes/{at}.md"));
    let link = |to| Link { to, weight: Weight::ONE };
    memory.links.push(link(LinkTarget::Id(format!("m{:03}", at * 7 % 70).parse().unwrap())));
    memory.links.push(link(LinkTarget::Name(format!("Note {} {}", word(1), at + 8))));
    memory.vector =
        given.then(|| (0..DIMENSIONS as usize).map(|place| ((at * 31 + place * 17) % 29) as f32).collect());
    memory
}

/// A store that is packed and one that is not quite, with vectors of its own and with given ones.
static STORES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut stores = Vec::new();
    for (given, recent) in [(false, 0), (false, 3), (true, 0), (true, 3)] {
        let folder = folder();
        let model = match given {
            true => VectorModel::Given { name: "own".into(), dimensions: DIMENSIONS },
            false => VectorModel::RandomIndexing,
        };
        let engram = Engram::create_with(folder.path(), &model).unwrap();
        engram.remember_all((0..70).map(|at| memory(at, given))).unwrap();
        engram.consolidate().unwrap();
        for at in 70..70 + recent {
            engram.remember(&memory(at, given)).unwrap();
        }
        if recent > 0 {
            engram.forget(&"m011".parse().unwrap()).unwrap();
        }
        drop(engram);
        stores.push(std::fs::read(folder.path().join(DATA_FILE)).unwrap());
    }
    stores
});

fn copy(which: usize) -> (tempfile::TempDir, PathBuf) {
    let folder = folder();
    let root = folder.path().canonicalize().unwrap();
    std::fs::write(root.join(DATA_FILE), &STORES[which]).unwrap();
    (folder, root)
}

/// Every table but that of the state.
fn tables(store: &Store) -> [&Table; 17] {
    let tables = &store.tables;
    [
        &tables.memories,
        &tables.namespaces,
        &tables.files,
        &tables.links,
        &tables.numbers,
        &tables.nodes,
        &tables.names,
        &tables.phrases,
        &tables.postings,
        &tables.terms,
        &tables.blocks,
        &tables.recent_postings,
        &tables.recent_edges,
        &tables.recent_vectors,
        &tables.recent_columns,
        &tables.recent_rows,
        &tables.gone,
    ]
}

/// A change to a row.
#[derive(Debug, Clone)]
enum Change {
    /// Four bytes of the value become a number.
    Number(Index, u32, bool),
    /// Some bytes of the value.
    Bytes(Vec<(Index, u8)>),
    /// The value ends earlier, or goes on.
    Length(Index, Vec<u8>),
    /// The value is another row's.
    Other(Index),
    /// Four bytes of the key become a number.
    Key(Index, u32),
    /// It is gone.
    Gone,
}

fn numbers() -> impl Strategy<Value = u32> {
    let notable =
        vec![0, 1, 2, 69, 70, 73, 255, 256, 1 << 16, 1 << 31, (1 << 31) - 1, u32::MAX - 1, u32::MAX];
    prop_oneof![
        3 => prop::sample::select(notable),
        1 => any::<u32>(),
        1 => prop::sample::select(vec![f32::NAN, f32::INFINITY, -1.0, -0.0, 1e30]).prop_map(f32::to_bits),
        1 => 0..200_u32,
    ]
}

fn changes() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (any::<Index>(), numbers(), any::<bool>()).prop_map(|(at, number, big)| Change::Number(at, number, big)),
        2 => prop::collection::vec((any::<Index>(), any::<u8>()), 1..4).prop_map(Change::Bytes),
        1 => (any::<Index>(), prop::collection::vec(any::<u8>(), 0..9)).prop_map(|(at, more)| Change::Length(at, more)),
        1 => any::<Index>().prop_map(Change::Other),
        2 => (any::<Index>(), numbers()).prop_map(|(at, number)| Change::Key(at, number)),
        1 => Just(Change::Gone),
    ]
}

/// Changes a row of a table so that its checksums fit.
fn craft(store: &Store, table: &Table, row: &Index, change: &Change) {
    let mut txn = store.write().unwrap();
    let seal = table.seal();
    let rows: Vec<(Vec<u8>, Vec<u8>)> = (table.iter_stored(&txn).unwrap().map(|row| row.unwrap()))
        .map(|(key, stored)| (key.to_vec(), seal.open(key, stored).unwrap().to_vec()))
        .collect();
    if rows.is_empty() {
        return;
    }
    let (key, mut value) = row.get(&rows).clone();
    let mut new_key = key.clone();
    let set = |bytes: &mut Vec<u8>, at: &Index, number: [u8; 4]| {
        if bytes.len() >= 4 {
            let at = at.index(bytes.len() - 3);
            bytes[at..at + 4].copy_from_slice(&number);
        }
    };
    match change {
        Change::Number(at, number, false) => set(&mut value, at, number.to_le_bytes()),
        Change::Number(at, number, true) => set(&mut value, at, number.to_be_bytes()),
        Change::Bytes(bytes) if !value.is_empty() => {
            let length = value.len();
            bytes.iter().for_each(|(at, byte)| value[at.index(length)] = *byte);
        }
        Change::Bytes(_) => {}
        Change::Length(at, more) => {
            value.truncate(at.index(value.len() + 1));
            value.extend_from_slice(more);
        }
        Change::Other(other) => value = other.get(&rows).1.clone(),
        Change::Key(at, number) => set(&mut new_key, at, number.to_be_bytes()),
        Change::Gone => {}
    }
    table.delete(&mut txn, &key).unwrap();
    if !matches!(change, Change::Gone) {
        if table.name() == "blocks"
            && let Some((kind, _)) = block::kind_of(&new_key)
        {
            block::tests::reseal(&mut value, kind);
        }
        if table.name() == "postings" && value.len() >= 8 {
            postings::reseal(&new_key, &mut value);
        }
        table.put(&mut txn, &new_key, &value).unwrap();
    }
    store.commit(txn).unwrap();
}

/// Does everything that can be done with a store. Errors are fine.
fn use_all(root: &Path, given: bool) -> Result<()> {
    let engram = Engram::open(root)?;
    let vector = || (0..DIMENSIONS).map(|at| at as f32).collect::<Vec<_>>();
    let cue = |text: &str| {
        let cue = Cue::new(text).at(AT).k(5);
        if given { cue.vector(vector()) } else { cue }
    };
    let _ = engram.stats();
    for text in ["the kettle by the river number13", "Virginia Axline note garden 17", "number71"] {
        for mode in [Mode::Associative, Mode::Words, Mode::Vectors] {
            let _ = engram.recall(&cue(text).mode(mode));
        }
        let _ = engram.recall(&cue(text).namespace(Namespace::new("other").unwrap()));
        let _ = engram.recall(&cue(text).since(AT).source("notes/*.md"));
    }
    let all = engram.for_each(|_| Ok::<_, Error>(()));
    let _ = engram.get(&"m003".parse().unwrap());
    let exported = engram.export(&mut Vec::new());
    // What can be read one by one is exported.
    assert!(
        all.is_err() || exported.as_ref().is_ok_and(|report| report.unreadable.is_empty()),
        "{exported:?}"
    );
    let _ = engram.with_packed_graph(|graph| graph.blocks().iter().all(|block| block.check().is_ok()));
    let query = Query { id: "q".into(), text: "kettle river".into() };
    let judgement = Judgement { query: "q".into(), document: "m003".into(), relevance: 1 };
    let _: Result<Evaluation> = engram.evaluate(&[query], &[judgement], &cue(""));
    let _ = engram.verify();
    let target = root.join("backup");
    let _ = engram.backup(&target);
    let id = |at: usize| MemoryId::new(format!("m{at:03}")).unwrap();
    let _ = engram.reinforce(&[id(3), id(70), id(71)], AT);
    let _ = engram.remember(&memory(95, given));
    let _ = engram.remember(&NewMemory { text: "another text, Note violin 4".into(), ..memory(5, given) });
    let _ = engram.update(&id(12), |memory| memory.tags.push("kettle garden".into()));
    let _ = engram.link(&id(12), &id(44), Weight::ONE);
    let _ = engram.forget(&id(12));
    let _ = engram.forget(&id(72));
    let _ = engram.apply(&[], &[id(1), id(2), id(4)]);
    let _ = engram.recall(&cue("the kettle by the river number13"));
    let _ = engram.remember_all((60..90).map(|at| memory(at, given)));
    let _ = engram.consolidate();
    let _ = engram.compact();
    let _ = engram.recall(&cue("the kettle by the river number13"));
    Ok(())
}

/// Whatever is derived can be derived anew, and then all is well.
fn mend(root: &Path) -> std::result::Result<(), TestCaseError> {
    crate::OpenOptions::new().rebuild(root).map_err(|e| TestCaseError::fail(e.to_string()))?;
    let problems = Engram::open(root).unwrap().verify().unwrap().problems;
    prop_assert_eq!(problems, Vec::<String>::new());
    Ok(())
}

fn open(root: &Path) -> Store {
    Store::open(root, false, Trust::Private).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_that_were_made_up(
        which in 0_usize..4,
        crafted in prop::collection::vec((0_usize..17, any::<Index>(), changes()), 1..4),
    ) {
        let given = which >= 2;
        let (_folder, root) = copy(which);
        for (table, row, change) in &crafted {
            let store = open(&root);
            craft(&store, tables(&store)[*table], row, change);
        }
        let is_derived = crafted.iter().all(|(table, ..)| ![0, 2].contains(table));
        let (_other, second) = copy(which);
        std::fs::copy(root.join(DATA_FILE), second.join(DATA_FILE)).unwrap();
        let _ = use_all(&root, given);
        if is_derived {
            mend(&second)?;
        } else {
            let _ = crate::OpenOptions::new().rebuild(&second);
            let _ = use_all(&second, given);
        }
    }

    #[test]
    fn memories_that_were_made_up(
        which in 0_usize..4,
        at in 0_usize..70,
        (made, recalled) in any::<(i64, Option<i64>)>(),
        (strength, stability, weight) in (numbers(), numbers(), numbers()),
        text in "\\PC{0,30}|[a-zA-Z .\\[\\]\u{0}-\u{1f}]{0,60}",
        name in "\\PC{0,20}|(Note |kettle ){0,40}",
        vector in prop::option::of(prop::collection::vec(numbers(), 0..15)),
    ) {
        let (_folder, root) = copy(which);
        let id = format!("m{at:03}");
        {
            let store = open(&root);
            let mut txn = store.write().unwrap();
            let record = super::record::get(&store, &txn, &id).unwrap();
            if let Some(record) = record {
                let link = |by_name| StoredLink { by_name, to: name.as_str().into(), weight: f32::from_bits(weight) };
                let record = Record {
                    text: text.as_str().into(),
                    title: Some(name.as_str().into()),
                    aliases: vec![name.clone(), text.clone()],
                    tags: vec![name.clone()],
                    namespace: name.as_str().into(),
                    made,
                    last_recalled: recalled,
                    recalls: u32::MAX,
                    strength: f32::from_bits(strength),
                    stability: f32::from_bits(stability),
                    links: vec![link(false), link(true)],
                    section_of: Some(id.clone()),
                    follows: Some(name.clone()),
                    vector: vector.map(|vector| vector.into_iter().map(f32::from_bits).collect()),
                    ..record
                };
                store.tables.memories.put(&mut txn, id.as_bytes(), &record.bytes()).unwrap();
                store.commit(txn).unwrap();
            }
        }
        let _ = use_all(&root, which >= 2);
        let _ = crate::OpenOptions::new().rebuild(&root);
        let _ = use_all(&root, which >= 2);
    }
}
