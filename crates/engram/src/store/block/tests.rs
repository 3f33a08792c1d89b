//! Whatever lies where a block should be, reading it gives what was written or a refusal.

use engram_kernels::{Edge, Graph, Patch, Progress, SpreadParameters, Spreading};
use proptest::prelude::*;

use super::*;
use crate::store::seen::Seen;

const KINDS: [BlockKind; 4] = BlockKind::ALL;
const NODES: u32 = 40;
const DIMENSIONS: u32 = 5;

/// A block of each kind.
fn encoded(kind: BlockKind, is_sealed: bool) -> Vec<u8> {
    let mut found = Vec::new();
    let mut sink = |key: &[u8], bytes: &[u8]| {
        assert_eq!(kind_of(key), Some((kind, 0)));
        found = bytes.to_vec();
        Ok(())
    };
    match kind {
        BlockKind::Columns => {
            let columns: Vec<Columns> = (0..5).map(column).collect();
            of_columns(&columns, is_sealed, &mut sink).unwrap();
        }
        BlockKind::Graph => of_graph(&graph(), is_sealed, &mut sink).unwrap(),
        BlockKind::Vectors | BlockKind::OtherVectors => {
            let slot = if kind == BlockKind::Vectors { VectorSlot::First } else { VectorSlot::First.other() };
            let key = encode_vectors(slot, 0, &vectors(), DIMENSIONS, is_sealed, &mut found);
            assert_eq!(kind_of(&key), Some((kind, 0)));
        }
    }
    found
}

fn column(at: u32) -> Columns {
    let moment = i64::from(at) - 2;
    let strength = at as f32 + 0.5;
    Columns { namespace: at % 2, length: at, made: moment, refreshed: moment + 7, strength, stability: 6.0 }
}

fn vectors() -> Vec<f32> {
    (0..3 * DIMENSIONS).map(|at| (at as f32 - 7.0) / 9.0).collect()
}

fn graph() -> Graph {
    let edges = (0..NODES).flat_map(|source| {
        let weight = 0.5 + source as f32;
        [source * 7 + 1, source + 3].map(|to| Edge { source, target: to % NODES, kind: 0, weight })
    });
    // Some nodes lead nowhere.
    Graph::from_edges(NODES as usize, edges.filter(|edge| edge.source % 9 != 4)).unwrap()
}

fn bits(numbers: &[f32]) -> impl Iterator<Item = u32> + '_ {
    numbers.iter().map(|number| number.to_bits())
}

/// All that a recall may read of a block of this shape, as numbers; `None` where it is refused.
fn all_of(bytes: &[u8], kind: BlockKind, is_sealed: bool) -> Option<Vec<u32>> {
    let mut block = parse(bytes, kind, is_sealed).filter(|block| block.is_at(0))?;
    if is_sealed {
        block.seen = Some(Seen::default().block(kind, 0, block.checksum, block.rows));
    }
    let mut read = Vec::new();
    match kind {
        BlockKind::Columns => {
            let columns = block.columns().filter(|block| block.is_intact())?;
            for memory in 0..5 {
                let columns = columns.get(memory)?;
                read.extend(columns.bytes().map(u32::from));
            }
        }
        BlockKind::Vectors | BlockKind::OtherVectors => {
            let vectors = block.vectors().filter(|block| block.dimensions == DIMENSIONS as usize)?;
            if !vectors.is_scannable() {
                return None;
            }
            let rows = vectors.quantised()?;
            read.extend(rows.codes().iter().map(|code| *code as u32));
            let parts = [rows.scales(), rows.residual_norms(), rows.norms()];
            parts.iter().for_each(|part| read.extend(bits(part)));
            for (memory, count) in [(1, 1), (0, 3)] {
                read.extend(bits(vectors.exact(memory, count)?));
            }
        }
        BlockKind::Graph => {
            let rows = block.graph()?;
            let view = rows.view(NODES as usize).ok()?;
            let rule = SpreadParameters::constrained(0.9, 0.0, 2).check().unwrap();
            let mut spreading = Spreading::new(NODES as usize);
            let everywhere: Vec<(u32, f32)> = (0..NODES).map(|node| (node, 1.0)).collect();
            spreading.begin(&rule, &everywhere).unwrap();
            while spreading.hop(&[view], &Patch::new(NODES as usize)).ok()? == Progress::Continue {}
            read.extend(bits(spreading.activations()));
            for node in 0..NODES {
                let (targets, weights, out_weight) = rows.row(node)?;
                read.extend(targets.iter().copied().chain(bits(weights)).chain(bits(&[out_weight])));
            }
        }
    }
    Some(read)
}

fn is_intact(bytes: &[u8], kind: BlockKind, is_sealed: bool) -> bool {
    parse(bytes, kind, is_sealed).is_some_and(|block| block.is_at(0) && block.is_intact())
}

#[test]
fn blocks_read_back() {
    for is_sealed in [false, true] {
        for kind in KINDS {
            let bytes = encoded(kind, is_sealed);
            assert!(all_of(&bytes, kind, is_sealed).is_some() && is_intact(&bytes, kind, is_sealed));
            assert!(parse(&bytes, kind, !is_sealed).is_none());
        }
        let bytes = encoded(BlockKind::Columns, is_sealed);
        let columns = parse(&bytes, BlockKind::Columns, is_sealed).unwrap().columns().unwrap();
        assert_eq!((0..6).map_while(|at| columns.get(at)).collect::<Vec<_>>(), [0, 1, 2, 3, 4].map(column));
        let bytes = encoded(BlockKind::Vectors, is_sealed);
        let block = parse(&bytes, BlockKind::Vectors, is_sealed).unwrap().vectors().unwrap();
        assert_eq!(block.exact(0, 3), Some(&vectors()[..]));
        assert_eq!((block.exact(2, 2), block.exact(3, 1)), (None, None));
        let bytes = encoded(BlockKind::Graph, is_sealed);
        let rows = parse(&bytes, BlockKind::Graph, is_sealed).unwrap().graph().unwrap();
        let graph = graph();
        for node in 0..NODES {
            let (targets, weights, out_weight) = rows.row(node).unwrap();
            assert_eq!((targets, weights), graph.row(node));
            assert_eq!(out_weight, graph.out_weights()[node as usize]);
        }
        assert!(rows.row(NODES).is_none() && rows.row(u32::MAX).is_none());
    }
}

/// In a sealed store a changed byte is noticed by whoever uses what it changes, and by a check of the block.
#[test]
fn a_changed_byte_of_a_sealed_block_is_noticed() {
    for kind in KINDS {
        let bytes = encoded(kind, true);
        let sound = all_of(&bytes, kind, true).unwrap();
        for at in 0..bytes.len() {
            for flip in [1, 0x20, 0x80] {
                let mut broken = bytes.clone();
                broken[at] ^= flip;
                let read = all_of(&broken, kind, true);
                assert!(read.is_none_or(|read| read == sound), "{kind:?}, byte {at}");
                assert!(!is_intact(&broken, kind, true), "{kind:?}, byte {at}");
            }
        }
        for end in 0..bytes.len() {
            assert!(all_of(&bytes[..end], kind, true).is_none(), "{kind:?}, {end} bytes");
        }
    }
}

/// Rows that change places with others, or a block with another, are noticed as well.
#[test]
fn what_lies_elsewhere_is_noticed() {
    for kind in KINDS {
        let bytes = encoded(kind, true);
        assert!(!parse(&bytes, kind, true).unwrap().is_at(1));
        for other in KINDS.into_iter().filter(|other| *other != kind) {
            assert!(parse(&bytes, other, true).is_none());
        }
    }
    let bytes = encoded(BlockKind::Graph, true);
    let edges = graph().edges() * 4;
    let targets = HEADER_BYTES + padded(4 * (NODES as usize + 1)) + padded(4 * NODES as usize);
    let weights = targets + padded(edges);
    let mut swapped = bytes.clone();
    // Two edges of one row.
    for place in [targets, weights] {
        let (first, second) = (bytes[place..place + 4].to_vec(), bytes[place + 4..place + 8].to_vec());
        swapped[place..place + 4].copy_from_slice(&second);
        swapped[place + 4..place + 8].copy_from_slice(&first);
    }
    assert_eq!(all_of(&swapped, BlockKind::Graph, true), None);
}

/// What was found intact is not compared again, what is written anew is.
#[test]
fn parts_are_checked_once() {
    let seen = Seen::default();
    let bytes = encoded(BlockKind::Vectors, true);
    let read = |bytes: &[u8]| {
        let mut block = parse(bytes, BlockKind::Vectors, true).unwrap();
        block.seen = Some(seen.block(BlockKind::Vectors, 0, block.checksum, block.rows));
        let vectors = block.vectors().unwrap();
        (vectors.is_scannable(), vectors.exact(0, 1).is_some(), vectors.exact(2, 1).is_some())
    };
    let mut broken = bytes.clone();
    // The first coordinate of the first vector and of the last, and the first code.
    let codes = HEADER_BYTES + padded(vectors().len() * 4);
    for at in [HEADER_BYTES, HEADER_BYTES + 2 * 4 * DIMENSIONS as usize, codes] {
        broken[at] ^= 1;
    }
    assert_eq!(read(&broken), (false, false, false));
    let mut whole = broken.clone();
    whole[codes] ^= 1;
    assert_eq!(read(&whole), (true, false, false));
    whole[HEADER_BYTES] ^= 1;
    assert_eq!(read(&whole), (true, true, false));
    // What was checked is taken for what it was.
    assert_eq!(read(&broken), (true, true, false));
    let mut other = Vec::new();
    encode_vectors(VectorSlot::First, 0, &[1.0; 3 * DIMENSIONS as usize], DIMENSIONS, true, &mut other);
    other[codes] ^= 1;
    assert_eq!(read(&other), (false, true, true));
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..700), is_sealed in any::<bool>()) {
        for kind in KINDS {
            let _ = (all_of(&bytes, kind, is_sealed), is_intact(&bytes, kind, is_sealed));
        }
    }

    /// Also those that are mutated where the seals are then made to fit.
    #[test]
    fn mutated_blocks_are_read(
        which in 0_usize..4,
        is_sealed in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let kind = KINDS[which];
        let mut bytes = encoded(kind, is_sealed);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let seal = xxh3_64(&bytes[..SEALED_BYTES]);
        if is_sealed {
            bytes[SEALED_BYTES..HEADER_BYTES].copy_from_slice(&seal.to_le_bytes());
        }
        for bytes in [&bytes[..], &bytes[..cut.index(bytes.len())]] {
            let _ = (all_of(bytes, kind, is_sealed), is_intact(bytes, kind, is_sealed));
        }
    }
}

/// Makes the checksums of a sealed block fit what it holds, as somebody would who makes one up.
pub(crate) fn reseal(bytes: &mut [u8], kind: BlockKind) {
    let number = |bytes: &[u8], at: usize| {
        bytes.get(at..at + 4).map_or(0, |four| u32::from_le_bytes(four.try_into().unwrap()) as usize)
    };
    let (first, rows, width) = (number(bytes, 12), number(bytes, 16), number(bytes, 20));
    let covered = match kind {
        BlockKind::Columns => 0,
        BlockKind::Vectors | BlockKind::OtherVectors => {
            let Some(vectors) = rows.checked_mul(width).map(|numbers| padded(4 * numbers)) else { return };
            let sums_at = vectors + padded(vectors / 4) + 3 * padded(4 * rows);
            for row in 0..rows.min(bytes.len()) {
                let at = HEADER_BYTES + row * 4 * width;
                let Some(vector) = bytes.get(at..at + 4 * width) else { break };
                let sum = fold(xxh3_64(vector)).to_le_bytes();
                let place = HEADER_BYTES + sums_at + 4 * row;
                bytes.get_mut(place..place + 4).into_iter().for_each(|place| place.copy_from_slice(&sum));
            }
            vectors
        }
        BlockKind::Graph => {
            let [offsets, out_weights, edges] = [4 * (rows + 1), 4 * rows, 4 * width].map(padded);
            let (targets_at, weights_at) = (offsets + out_weights, offsets + out_weights + edges);
            let payload = bytes[HEADER_BYTES.min(bytes.len())..].to_vec();
            let part = |at: usize, length: usize| payload.get(at..at.checked_add(length)?);
            for row in 0..rows.min(bytes.len()) {
                let (start, end) = (number(&payload, 4 * row), number(&payload, 4 * row + 4));
                let Some(length) = end.checked_sub(start).map(|length| 4 * length) else { continue };
                let edges = part(targets_at + 4 * start, length).zip(part(weights_at + 4 * start, length));
                let out_weight = number(&payload, offsets + 4 * row) as u32;
                if let Some((targets, weights)) = edges {
                    let (targets, weights): (Vec<u32>, Vec<f32>) =
                        (bytemuck::pod_collect_to_vec(targets), bytemuck::pod_collect_to_vec(weights));
                    let node = (first + row) as u32;
                    let sum = graph::row_sum(node, &targets, &weights, f32::from_bits(out_weight));
                    let at = HEADER_BYTES + weights_at + padded(4 * width) + 4 * row;
                    bytes
                        .get_mut(at..at + 4)
                        .into_iter()
                        .for_each(|place| place.copy_from_slice(&sum.to_le_bytes()));
                }
                if row % GROUP == 0 {
                    let count = GROUP.min(rows - row);
                    let bounds = part(4 * row, 4 * count + 4).zip(part(offsets + 4 * row, 4 * count));
                    let Some((bounds, out_weights)) = bounds else { continue };
                    let (bounds, out_weights): (Vec<u32>, Vec<f32>) =
                        (bytemuck::pod_collect_to_vec(bounds), bytemuck::pod_collect_to_vec(out_weights));
                    let sum = graph::group_sum((first + row) as u32, &bounds, &out_weights);
                    let at =
                        HEADER_BYTES + weights_at + padded(4 * width) + padded(4 * rows) + 4 * (row / GROUP);
                    bytes
                        .get_mut(at..at + 4)
                        .into_iter()
                        .for_each(|place| place.copy_from_slice(&sum.to_le_bytes()));
                }
            }
            weights_at + edges
        }
    };
    if let Some(covered) = bytes.get(HEADER_BYTES + covered..) {
        let checksum = xxh3_64(covered);
        bytes[32..40].copy_from_slice(&checksum.to_le_bytes());
    }
    if bytes.len() >= HEADER_BYTES {
        let seal = xxh3_64(&bytes[..SEALED_BYTES]);
        bytes[SEALED_BYTES..HEADER_BYTES].copy_from_slice(&seal.to_le_bytes());
    }
}

#[test]
fn resealing_changes_nothing_that_fits() {
    for kind in KINDS {
        let bytes = encoded(kind, true);
        let mut again = bytes.clone();
        reseal(&mut again, kind);
        assert!(again == bytes, "{kind:?}");
    }
}
