//! Whatever bytes lie in a store, reading them gives a value or a refusal, never a panic.

use proptest::prelude::*;

use super::block::Columns;
use super::nodes::{self, NameNode, NamespaceEntry, Node};
use super::record::{Record, StoredLink};
use super::tables;
use crate::index::postings;
use crate::memory::{History, NewMemory};
use crate::random_indexing::{DIMENSIONS, TermVector};
use crate::text::Language;
use crate::time::Time;

fn record_bytes() -> Vec<u8> {
    let mut memory = NewMemory::new("a".parse().unwrap(), "Some text with a [[link]].");
    memory.title = Some("A title".into());
    memory.aliases = vec!["alias".into()];
    memory.vector = Some(vec![1.0, -2.0]);
    memory.language = Some(Language::German);
    let mut record = Record::of(&memory, &History::default(), Time::from_milliseconds(5));
    record.links.push(StoredLink { by_name: true, to: "other".into(), weight: 2.0 });
    record.bytes()
}

/// Reads bytes in every way that a store does.
fn read_all(bytes: &[u8]) {
    let _ = Record::read(bytes);
    let _ = nodes::read(bytes);
    let _ = NamespaceEntry::read(bytes);
    let _ = Columns::read(bytes);
    let _ = TermVector::read(bytes);
    let _ = tables::edge_at(bytes);
    let _ = tables::node_at(bytes);
    let _ = postings::parse(bytes).map(|row| row.is_intact(b"term", true));
}

#[test]
fn records_and_rows_read_back() {
    let bytes = record_bytes();
    let record = Record::read(&bytes).unwrap();
    assert_eq!(record.bytes(), bytes);
    assert_eq!(record.language, Some(Language::German));
    let name = NameNode { key: "a b".into(), namespace: 3, homes: 1, phrases: 0, memories: 9 };
    let mut bytes = vec![7];
    nodes::NodeView::Name(&name).write(&mut bytes);
    assert_eq!(nodes::read(&bytes), Some(Node::Name(name)));
    nodes::NodeView::Memory("id").write(&mut bytes);
    assert_eq!(nodes::read(&bytes), Some(Node::Memory("id".into())));
    let columns = Columns { namespace: 1, length: 2, made: -3, refreshed: 4, strength: 0.5, stability: 6.0 };
    assert_eq!(Columns::read(&columns.bytes()), Some(columns));
    let vector = TermVector { idf: 1.5, elements: (0..DIMENSIONS as i16).collect() };
    assert_eq!(TermVector::read(&vector.bytes()), Some(vector));
    for is_sealed in [false, true] {
        let row = postings::bytes("term", &[3, 5], &[0.5, 0.25], is_sealed);
        let row = postings::parse(&row).unwrap();
        assert!(row.is_intact(b"term", is_sealed));
        assert!(row.memories[..] == [3, 5] && row.weights[..] == [0.5, 0.25]);
    }
}

/// Whatever byte changes of a sealed row of postings or of its key, it shows.
#[test]
fn a_changed_byte_of_a_row_of_postings_is_noticed() {
    let row = postings::bytes("term", &[3, 5], &[0.5, 0.25], true);
    for at in 0..4 + row.len() {
        for flip in [1, 0x20, 0x80] {
            let (mut key, mut row) = (b"term".to_vec(), row.clone());
            *(if at < 4 { &mut key[at] } else { &mut row[at - 4] }) ^= flip;
            assert!(!postings::parse(&row).is_some_and(|row| row.is_intact(&key, true)), "byte {at}");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..700)) {
        read_all(&bytes);
    }

    #[test]
    fn mutated_values_are_read(
        which in 0_usize..2,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = match which {
            0 => record_bytes(),
            _ => postings::bytes("term", &[1, 2, 3], &[1.0, 2.0, 3.0], true),
        };
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        read_all(&bytes);
        read_all(&bytes[..cut.index(bytes.len())]);
    }
}

/// What is read of the map leaves the process's memory, and reads the same again.
#[cfg(target_os = "linux")]
#[test]
fn pages_of_the_map_are_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let store =
        tables::Store::open(&folder.path().canonicalize().unwrap(), true, super::folder::Trust::Private)
            .unwrap();
    let values: Vec<Vec<u8>> = (0..100_u8).map(|byte| vec![byte; 10_000]).collect();
    let mut txn = store.write().unwrap();
    for value in &values {
        store.tables.memories.put(&mut txn, &value[..1], value).unwrap();
    }
    store.commit(txn).unwrap();
    let path = folder.path().canonicalize().unwrap().join(super::open::DATA_FILE);
    // The kibibytes of the map that count as this process's memory: see proc_pid_smaps(5).
    let resident = || {
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let own = maps.lines().skip_while(|line| !line.ends_with(path.to_str().unwrap()));
        let size = own.skip(1).find(|line| line.starts_with("Rss:")).unwrap();
        size.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let txn = store.read().unwrap();
    let read = || {
        let entries = store.tables.memories.iter(&txn).unwrap();
        entries.map(|entry| entry.unwrap().1).collect::<Vec<_>>()
    };
    let before = read();
    assert_eq!(before, values);
    assert!(resident() >= 1000);
    store.environment.give_back();
    assert_eq!(resident(), 0);
    assert_eq!(before, values);
    assert_eq!(read(), values);
}

/// A lock file that tells of another transaction than the last one lets nobody write, and is made anew for the next that
/// opens the store.
#[test]
fn nobody_writes_after_another_transaction_than_the_last() {
    use std::io::{Seek, SeekFrom, Write};
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let open = || tables::Store::open(&root, true, super::folder::Trust::Private).unwrap();
    let put = |store: &tables::Store, value: &[u8]| {
        let mut txn = store.write()?;
        store.tables.memories.put(&mut txn, b"key", value)?;
        store.commit(txn)
    };
    let store = open();
    for value in [b"1", b"2", b"3"] {
        put(&store, value).unwrap();
    }
    for number in [0, 1, 2, 3, 100_u64] {
        let before = std::fs::read(root.join(super::open::DATA_FILE)).unwrap();
        let mut lock = std::fs::File::options().write(true).open(root.join(super::open::LOCK_FILE)).unwrap();
        // Behind its magic number and format.
        lock.seek(SeekFrom::Start(8)).unwrap();
        lock.write_all(&number.to_ne_bytes()).unwrap();
        let refused = put(&store, b"4").unwrap_err().to_string();
        assert!(refused.contains("its lock file does not fit its data"), "{refused}");
        assert_eq!(std::fs::read(root.join(super::open::DATA_FILE)).unwrap(), before);
    }
    drop(store);
    let store = open();
    let kept = |store: &tables::Store| {
        let txn = store.read().unwrap();
        store.tables.memories.get(&txn, b"key").unwrap().map(<[u8]>::to_vec)
    };
    assert_eq!(kept(&store), Some(b"3".to_vec()));
    put(&store, b"4").unwrap();
    assert_eq!(kept(&store), Some(b"4".to_vec()));
}

/// What is written is a version of its own, and what writes nothing is not committed.
#[test]
fn every_write_makes_a_version() {
    let folder = tempfile::tempdir().unwrap();
    let engram = crate::Engram::create(folder.path()).unwrap();
    engram.remember(&NewMemory::new("a".parse().unwrap(), "text")).unwrap();
    let version = || {
        let store = engram.store().unwrap();
        let txn = store.read().unwrap();
        (super::state::version(&store, &txn).unwrap(), txn.id())
    };
    let write = |run: &dyn Fn(&tables::Tables, &mut super::write_txn::WriteTxn<'_>)| {
        let before = version();
        let written = engram.write(|store, txn, _| {
            run(&store.tables, txn);
            Ok(())
        });
        written.unwrap();
        let after = version();
        (after.0 - before.0, after.1 - before.1)
    };
    assert_eq!(write(&|tables, txn| tables.meta.put(txn, b"vault", b"x").unwrap()), (1, 1));
    assert_eq!(write(&|tables, txn| assert!(tables.meta.get(txn, b"vault").unwrap().is_some())), (0, 0));
    assert_eq!(write(&|tables, txn| assert!(!tables.meta.delete(txn, b"nothing").unwrap())), (0, 0));
    assert_eq!(write(&|tables, txn| assert!(tables.meta.delete(txn, b"vault").unwrap())), (1, 1));
    let none: &[u8] = b"nothing";
    assert_eq!(write(&|tables, txn| tables.meta.delete_range(txn, &(none..none)).unwrap()), (0, 0));
}
