//! Blocks whose rows the caller checks as well: asked before a row is used, heard when he refuses.

use std::collections::BTreeSet;
use std::sync::Mutex;

use engram_kernels::{
    CheckRows, Edge, FanExponent, Graph, GraphBlock, GraphError, Patch, Progress, SpreadParameters, Spreading,
};
use proptest::prelude::*;

use crate::bits;

/// Notes the nodes that are asked for, and refuses some.
#[derive(Debug, Default)]
struct Notes {
    first: u32,
    bounds: Mutex<BTreeSet<u32>>,
    edges: Mutex<BTreeSet<u32>>,
    bad_bounds: Option<u32>,
    bad_edges: Option<u32>,
}

impl Notes {
    fn note(&self, noted: &Mutex<BTreeSet<u32>>, rows: &[u32], bad: Option<u32>) -> Result<(), GraphError> {
        assert!(rows.is_sorted_by(|a, b| a < b), "{rows:?}");
        let nodes = rows.iter().map(|row| self.first + row);
        noted.lock().unwrap().extend(nodes.clone());
        let mut nodes = nodes;
        nodes.find(|node| Some(*node) == bad).map_or(Ok(()), |node| Err(GraphError::Changed(node)))
    }
}

impl CheckRows for Notes {
    fn check_bounds(&self, rows: &[u32]) -> Result<(), GraphError> {
        self.note(&self.bounds, rows, self.bad_bounds)
    }

    fn check_edges(&self, rows: &[u32]) -> Result<(), GraphError> {
        self.note(&self.edges, rows, self.bad_edges)
    }
}

const NODES: usize = 300;

/// A graph as two blocks, the second from node 130 on.
struct Blocks {
    graph: Graph,
    offsets: [Vec<u32>; 2],
}

const CUT: usize = 130;

impl Blocks {
    fn of(edges: &[(u32, u32)]) -> Self {
        let edges = edges.iter().map(|&(source, target)| Edge { source, target, kind: 0, weight: 0.5 });
        let graph = Graph::from_edges(NODES, edges).unwrap();
        let of = |bounds: &[u32]| bounds.iter().map(|offset| offset - bounds[0]).collect();
        let offsets = [of(&graph.offsets()[..=CUT]), of(&graph.offsets()[CUT..])];
        Self { graph, offsets }
    }

    fn block<'a>(&'a self, part: usize, notes: Option<&'a Notes>) -> GraphBlock<'a> {
        let (first, end) = if part == 0 { (0, CUT) } else { (CUT, NODES) };
        let edges = self.graph.offsets()[first] as usize..self.graph.offsets()[end] as usize;
        let block = GraphBlock::new(
            NODES,
            first as u32,
            &self.offsets[part],
            &self.graph.targets()[edges.clone()],
            &self.graph.weights()[edges],
            &self.graph.out_weights()[first..end],
        );
        let block = block.unwrap();
        notes.map_or(block, |notes| block.with_checks(notes))
    }
}

fn notes() -> [Notes; 2] {
    [Notes::default(), Notes { first: CUT as u32, ..Notes::default() }]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_caller_is_asked_before_a_row_is_used(
        edges in prop::collection::vec((0..NODES as u32, 0..NODES as u32), 0..900),
        seeds in prop::collection::btree_map(0..NODES as u32, 0.01f32..1.0, 1..80),
        patched in prop::collection::btree_set(0..NODES as u32, 0..5),
        threshold in 0.0f32..0.2,
    ) {
        let blocks = Blocks::of(&edges);
        let mut patch = Patch::new(NODES);
        patched.iter().for_each(|node| patch.push_row(*node, &[1], &[1.0]).unwrap());
        let rule = SpreadParameters::personalised_page_rank(0.8)
            .with_max_hops(3)
            .with_firing_threshold(threshold, FanExponent::One)
            .check()
            .unwrap();
        let seeds: Vec<(u32, f32)> = seeds.into_iter().collect();
        let (mut plain, mut checked) = (Spreading::new(NODES), Spreading::new(NODES));
        plain.begin(&rule, &seeds).unwrap();
        checked.begin(&rule, &seeds).unwrap();
        let mut progress = Progress::Continue;
        while progress == Progress::Continue {
            let noted = notes();
            let fires = |node: &u32| {
                let fan = blocks.graph.row(*node).0.len();
                let x = plain.activation(*node);
                fan > 0 && x >= threshold * fan as f32 && !patched.contains(node)
            };
            let (awake, fire): (BTreeSet<u32>, BTreeSet<u32>) = (
                plain.active().iter().copied().filter(|node| {
                    plain.activation(*node) >= threshold && !patched.contains(node)
                }).collect(),
                plain.active().iter().copied().filter(fires).collect(),
            );
            let of_checked = [blocks.block(0, Some(&noted[0])), blocks.block(1, Some(&noted[1]))];
            progress = checked.hop(&of_checked, &patch).unwrap();
            prop_assert_eq!(plain.hop(&[blocks.block(0, None), blocks.block(1, None)], &patch), Ok(progress));
            prop_assert_eq!(bits(plain.activations()), bits(checked.activations()));
            let all = |of: fn(&Notes) -> &Mutex<BTreeSet<u32>>| -> BTreeSet<u32> {
                noted.iter().flat_map(|notes| of(notes).lock().unwrap().clone()).collect()
            };
            prop_assert_eq!(all(|notes| &notes.bounds), awake);
            prop_assert_eq!(all(|notes| &notes.edges), fire);
        }
    }
}

#[test]
fn a_refused_row_ends_the_run() {
    let ring: Vec<(u32, u32)> = (0..NODES as u32).map(|node| (node, (node + 1) % NODES as u32)).collect();
    let blocks = Blocks::of(&ring);
    let rule = SpreadParameters::personalised_page_rank(0.999).with_max_hops(200).check().unwrap();
    let mut spreading = Spreading::new(NODES);
    for bad in [0, 5, 70, 129, 130, 150] {
        for of_bounds in [true, false] {
            let mut noted = notes();
            let of = usize::from(bad as usize >= CUT);
            *(if of_bounds { &mut noted[of].bad_bounds } else { &mut noted[of].bad_edges }) = Some(bad);
            spreading.begin(&rule, &[(0, 1.0)]).unwrap();
            let of_checked = [blocks.block(0, Some(&noted[0])), blocks.block(1, Some(&noted[1]))];
            let mut hops = 0;
            let refused = loop {
                let before = bits(spreading.activations());
                match spreading.hop(&of_checked, &Patch::new(NODES)) {
                    Ok(progress) => assert_eq!(progress, Progress::Continue),
                    Err(refused) => {
                        assert_eq!(bits(spreading.activations()), before);
                        break refused;
                    }
                }
                hops += 1;
            };
            assert_eq!((refused, hops), (GraphError::Changed(bad), bad));
            assert_eq!(spreading.hop(&of_checked, &Patch::new(NODES)), Ok(Progress::Done));
            // A check of the whole block meets it too.
            assert_eq!(of_checked[of].check(), Err(GraphError::Changed(bad)));
            assert_eq!(of_checked[1 - of].check(), Ok(()));
        }
    }
}

#[test]
fn a_check_of_the_block_asks_for_every_row() {
    let blocks = Blocks::of(&[(0, 1), (200, 3)]);
    let noted = notes();
    for (part, nodes) in [(0, 0..CUT as u32), (1, CUT as u32..NODES as u32)] {
        blocks.block(part, Some(&noted[part])).check().unwrap();
        assert!(noted[part].bounds.lock().unwrap().iter().copied().eq(nodes.clone()));
        assert!(noted[part].edges.lock().unwrap().iter().copied().eq(nodes));
    }
}
