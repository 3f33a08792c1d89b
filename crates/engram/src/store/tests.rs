//! Whatever bytes lie in a store, reading them gives a value or a refusal, never a panic.

use proptest::prelude::*;

use super::block::{self, BlockKind, Columns};
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

fn graph_block() -> Vec<u8> {
    let edges = [(0, 1, 1.0), (1, 2, 0.5), (2, 0, 2.0), (2, 1, 1.0)];
    let edges =
        edges.map(|(source, target, weight)| engram_kernels::Edge { source, target, kind: 0, weight });
    let graph = engram_kernels::Graph::from_edges(3, edges).unwrap();
    let mut found = Vec::new();
    block::of_graph(&graph, &mut |_, bytes| {
        found = bytes.to_vec();
        Ok(())
    })
    .unwrap();
    found
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
    let _ = postings::parse(bytes).map(|row| row.is_intact());
    for kind in [BlockKind::Columns, BlockKind::Vectors, BlockKind::Graph, BlockKind::OtherVectors] {
        let Some(block) = block::parse(bytes, kind) else { continue };
        let _ = block.is_intact();
        let _ = block.columns().map(|columns| columns.get(0));
        let _ = block.vectors().map(|block| {
            let _ = block.vectors_from(1);
            block.quantised().map(|rows| rows.len())
        });
        if let Some(rows) = block.graph() {
            let _ = rows.row(0);
            let _ = rows.row(u32::MAX);
            let _ = rows.view(3).map(|view| view.check().is_ok());
        }
    }
}

#[test]
fn records_and_blocks_read_back() {
    let bytes = record_bytes();
    let record = Record::read(&bytes).unwrap();
    assert_eq!(record.bytes(), bytes);
    assert_eq!(record.language, Language::German);
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
    let bytes = graph_block();
    let block = block::parse(&bytes, BlockKind::Graph).unwrap();
    assert!(block.is_intact());
    assert_eq!(block.graph().unwrap().row(2).unwrap().0, [0, 1]);
    let row = postings::bytes(&[3, 5], &[0.5, 0.25]);
    let row = postings::parse(&row).unwrap();
    assert!(row.is_intact() && row.memories[..] == [3, 5] && row.weights[..] == [0.5, 0.25]);
}

#[test]
fn a_changed_byte_of_a_block_is_noticed() {
    let bytes = graph_block();
    for at in 0..bytes.len() {
        let mut broken = bytes.clone();
        broken[at] ^= 0x20;
        let sound = block::parse(&broken, BlockKind::Graph).is_some_and(|block| {
            block.is_intact() && block.rows == 3 && block.first == 0 && block.width == 4
        });
        // Only the eight reserved bytes at the header's end say nothing.
        assert!(!sound || (40..48).contains(&at), "byte {at}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..700)) {
        read_all(&bytes);
    }

    #[test]
    fn mutated_values_are_read(
        which in 0_usize..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = match which {
            0 => record_bytes(),
            1 => graph_block(),
            _ => postings::bytes(&[1, 2, 3], &[1.0, 2.0, 3.0]),
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
