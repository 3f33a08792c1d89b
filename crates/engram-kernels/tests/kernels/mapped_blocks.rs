//! Blocks that hold anything at all: an error, never a panic, and the next run is clean.

use engram_kernels::{
    Edge, Graph, GraphBlock, GraphError, Patch, Progress, SpreadParameters, Spreading, spread_activation,
};
use proptest::prelude::*;

use crate::bits;

fn weight() -> impl Strategy<Value = f32> {
    prop_oneof![8 => 0.0f32..2.0, 1 => any::<u32>().prop_map(f32::from_bits)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn never_panic(
        offsets in prop::collection::vec(0u32..12, 1..10),
        edges in prop::collection::vec((0u32..14, weight()), 0..12),
        out_weights in prop::collection::vec(weight(), 0..10),
        first in 0u32..14,
        fit in any::<bool>(),
    ) {
        let nodes = 12;
        let (mut offsets, mut out_weights) = (offsets, out_weights);
        let (targets, weights): (Vec<u32>, Vec<f32>) = edges.into_iter().unzip();
        if fit {
            // Headers that pass, so that the rows come to be looked at.
            out_weights.resize(offsets.len() - 1, 1.0);
            offsets[0] = 0;
            *offsets.last_mut().unwrap() = targets.len() as u32;
        }
        let rule = SpreadParameters::constrained(0.9, 0.0, 3).check().unwrap();
        let mut spreading = Spreading::new(nodes);
        let everywhere: Vec<(u32, f32)> = (0..nodes as u32).map(|node| (node, 1.0)).collect();
        spreading.begin(&rule, &everywhere).unwrap();
        if let Ok(block) = GraphBlock::new(nodes, first, &offsets, &targets, &weights, &out_weights) {
            let checked = block.check();
            let mut result = spreading.hop(&[block], &Patch::new(0));
            while result == Ok(Progress::Continue) {
                result = spreading.hop(&[block], &Patch::new(0));
            }
            // A fault may hide in a row that has nothing to give; but no sound block is refused.
            if let Err(fault) = result {
                prop_assert!(checked.is_err(), "{fault}");
                prop_assert_eq!(spreading.hop(&[block], &Patch::new(0)), Ok(Progress::Done));
            }
            prop_assert!(spreading.activations().iter().all(|x| (0.0..=(1u64 << 60) as f32).contains(x)));
        }
        let sound = Graph::from_edges(
            nodes, (0..11).map(|i| Edge { source: i, target: i + 1, kind: 0, weight: 0.5 }),
        ).unwrap();
        spreading.begin(&rule, &[(0, 1.0)]).unwrap();
        while spreading.hop(&[sound.block()], &Patch::new(nodes)).unwrap() == Progress::Continue {}
        let fresh = spread_activation(&sound, &[(0, 1.0)], &rule).unwrap();
        prop_assert_eq!(bits(spreading.activations()), bits(&fresh));
    }
}

/// The first fault of a block's rows by the book: row by row, entry by entry. Or of those of its rows that fire
/// where every node is active.
fn first_fault(
    only_firing: bool,
    nodes: usize,
    first: u32,
    offsets: &[u32],
    targets: &[u32],
    weights: &[f32],
    out_weights: &[f32],
) -> Result<(), GraphError> {
    for (row, (bounds, &out_weight)) in offsets.windows(2).zip(out_weights).enumerate() {
        let node = first + row as u32;
        if bounds[0] > bounds[1] || bounds[1] as usize > targets.len() {
            return Err(GraphError::Offsets(node));
        }
        if !(0.0..f32::INFINITY).contains(&out_weight) {
            return Err(GraphError::OutWeight { node, weight: out_weight });
        }
        if only_firing && out_weight <= 0.0 {
            continue;
        }
        let range = bounds[0] as usize..bounds[1] as usize;
        let (targets, weights) = (&targets[range.clone()], &weights[range]);
        if let Some(&node) = targets.iter().find(|&&target| target as usize >= nodes) {
            return Err(GraphError::NoSuchNode { node, nodes });
        }
        if let Some(&weight) = weights.iter().find(|w| !(0.0..=(1u64 << 40) as f32).contains(*w)) {
            return Err(GraphError::Weight { source_node: node, weight });
        }
        if targets.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(GraphError::TargetsNotAscending(node));
        }
    }
    Ok(())
}

/// A fault that may be put into a sound block: what, where, and by how much.
fn faults() -> impl Strategy<Value = Vec<(u8, u16, u8)>> {
    prop::collection::vec((0u8..5, any::<u16>(), any::<u8>()), 0..3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn checking_finds_the_first_fault(
        rows in prop::collection::vec(prop::collection::btree_set(0u32..40, 0..12), 1..30),
        first in 0u32..10,
        faults in faults(),
    ) {
        let nodes = 40;
        let (mut offsets, mut targets) = (vec![0u32], Vec::new());
        for row in &rows {
            targets.extend(row.iter().copied());
            offsets.push(targets.len() as u32);
        }
        let mut weights = vec![0.5f32; targets.len()];
        let mut out_weights = vec![1.0f32; rows.len()];
        for (what, place, by) in faults {
            let place = usize::from(place);
            match what {
                0 if rows.len() > 1 => offsets[1 + place % (rows.len() - 1)] = u32::from(by),
                1 if !targets.is_empty() => targets[place % weights.len()] = u32::from(by) % 44,
                2 if !targets.is_empty() => {
                    let place = place % weights.len();
                    weights[place] = [-1.0, -0.0, f32::NAN, 2e12, 0.0][usize::from(by) % 5];
                }
                3 => {
                    let place = place % rows.len();
                    out_weights[place] = [-1.0, f32::INFINITY, f32::NAN, 0.0][usize::from(by) % 4];
                }
                // Equal neighbours, within a row or between two.
                4 if targets.len() > 1 => {
                    let place = place % (targets.len() - 1);
                    targets[place + 1] = targets[place];
                }
                _ => {}
            }
        }
        let block = GraphBlock::new(nodes, first, &offsets, &targets, &weights, &out_weights).unwrap();
        let found = block.check().map_err(|fault| format!("{fault:?}"));
        let expected = first_fault(false, nodes, first, &offsets, &targets, &weights, &out_weights);
        prop_assert_eq!(found, expected.map_err(|fault| format!("{fault:?}")));

        let rule = SpreadParameters::act_r().check().unwrap();
        let mut spreading = Spreading::new(nodes);
        let everywhere: Vec<(u32, f32)> = (0..nodes as u32).map(|node| (node, 1.0)).collect();
        spreading.begin(&rule, &everywhere).unwrap();
        let found = spreading.hop(&[block], &Patch::new(0)).map_err(|fault| format!("{fault:?}"));
        let expected = first_fault(true, nodes, first, &offsets, &targets, &weights, &out_weights);
        prop_assert_eq!(found, expected.map(|()| Progress::Done).map_err(|fault| format!("{fault:?}")));
    }
}

#[test]
fn blocks_longer_than_a_chunk_are_checked_throughout() {
    let edges = 10_000u32;
    let targets: Vec<u32> = (0..edges).collect();
    let weights = vec![1.0; targets.len()];
    let check = |targets: &[u32], weights: &[f32], offsets: &[u32]| {
        let out_weights = vec![1.0; offsets.len() - 1];
        GraphBlock::new(10_000, 0, offsets, targets, weights, &out_weights).unwrap().check()
    };
    assert_eq!(check(&targets, &weights, &[0, edges]), Ok(()));
    for place in [0, 1, 4095, 4096, 4097, 8191, 8192, 9999] {
        let mut wrong = targets.clone();
        wrong[place] = 10_000;
        let fault = GraphError::NoSuchNode { node: 10_000, nodes: 10_000 };
        assert_eq!(check(&wrong, &weights, &[0, edges]), Err(fault));
        let mut wrong = weights.clone();
        wrong[place] = -1.0;
        let fault = GraphError::Weight { source_node: 0, weight: -1.0 };
        assert_eq!(check(&targets, &wrong, &[0, edges]), Err(fault));
        if place > 0 {
            let mut wrong = targets.clone();
            wrong[place] = wrong[place - 1];
            assert_eq!(check(&wrong, &weights, &[0, edges]), Err(GraphError::TargetsNotAscending(0)));
            // Between two rows it may be as it likes; the next place within a row may not fall as well.
            assert_eq!(check(&wrong, &weights, &[0, place as u32, edges]), Ok(()));
        }
    }
}

#[test]
fn each_fault_has_its_error() {
    let spread = |offsets: &[u32], targets: &[u32], weights: &[f32], out_weight: f32| {
        let out_weights = [out_weight, 1.0];
        let block = GraphBlock::new(3, 1, offsets, targets, weights, &out_weights)?;
        let mut spreading = Spreading::new(3);
        let rule = SpreadParameters::act_r().check().unwrap();
        spreading.begin(&rule, &[(1, 1.0)]).unwrap();
        spreading.hop(&[block], &Patch::new(3))
    };
    assert_eq!(spread(&[0, 2, 2], &[0, 2], &[1.0, 1.0], 2.0), Ok(Progress::Done));
    assert_eq!(spread(&[0, 9, 2], &[0, 2], &[1.0, 1.0], 2.0), Err(GraphError::Offsets(1)));
    assert_eq!(spread(&[0, 2, 2], &[2, 0], &[1.0, 1.0], 2.0), Err(GraphError::TargetsNotAscending(1)));
    assert_eq!(
        spread(&[0, 2, 2], &[0, 3], &[1.0, 1.0], 2.0),
        Err(GraphError::NoSuchNode { node: 3, nodes: 3 })
    );
    assert_eq!(
        spread(&[0, 2, 2], &[0, 2], &[1.0, -1.0], 2.0),
        Err(GraphError::Weight { source_node: 1, weight: -1.0 })
    );
    assert_eq!(
        spread(&[0, 2, 2], &[0, 2], &[1.0, 1.0], -2.0),
        Err(GraphError::OutWeight { node: 1, weight: -2.0 })
    );
}

#[test]
fn blocks_that_do_not_go_together() {
    let graph = Graph::from_edges(3, []).unwrap();
    let rule = SpreadParameters::act_r().check().unwrap();
    let mut spreading = Spreading::new(2);
    spreading.begin(&rule, &[(0, 1.0)]).unwrap();
    let too_large = Err(GraphError::BlockTooLarge { block: 3, nodes: 2 });
    assert_eq!(spreading.hop(&[graph.block()], &Patch::new(2)), too_large);
    spreading.begin(&rule, &[(0, 1.0)]).unwrap();
    assert_eq!(spreading.hop(&[], &Patch::new(3)), too_large);
    let mut spreading = Spreading::new(3);
    spreading.begin(&rule, &[(0, 1.0)]).unwrap();
    assert_eq!(
        spreading.hop(&[graph.block(), graph.block()], &Patch::new(3)),
        Err(GraphError::RowsNotAscending(0))
    );
}
