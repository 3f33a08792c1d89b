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
