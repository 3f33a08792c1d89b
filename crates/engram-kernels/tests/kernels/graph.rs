//! Building graphs and patches: order does not matter, and what is wrong is refused.

use engram_kernels::{Edge, Graph, GraphError, Patch};
use proptest::prelude::*;

fn edge(source: u32, target: u32, kind: u8, weight: f32) -> Edge {
    Edge { source, target, kind, weight }
}

#[test]
fn parallel_edges_merge() {
    let graph = Graph::from_edges(
        3,
        [edge(2, 0, 1, 0.25), edge(0, 1, 0, 1.0), edge(2, 0, 0, 0.5), edge(2, 2, 0, 0.0)],
    )
    .unwrap();
    assert_eq!((graph.nodes(), graph.edges(), graph.is_empty()), (3, 3, false));
    assert_eq!(graph.offsets(), [0, 1, 1, 3]);
    assert_eq!(graph.row(2), (&[0, 2][..], &[0.75, 0.0][..]));
    assert_eq!(graph.out_weights(), [1.0, 0.0, 0.75]);
    assert_eq!(graph.transposed().row(0), (&[2][..], &[0.75][..]));
    assert_eq!(graph.block().check(), Ok(()));
    assert!(Graph::from_edges(0, []).unwrap().is_empty());
    let heavy = 2f32 * (1u64 << 39) as f32;
    assert_eq!(
        Graph::from_edges(1, [edge(0, 0, 0, heavy), edge(0, 0, 1, heavy)]).unwrap().weights(),
        [heavy]
    );
}

#[test]
fn faults_are_refused() {
    assert_eq!(
        Graph::from_edges(2, [edge(0, 2, 0, 1.0)]).unwrap_err(),
        GraphError::NoSuchNode { node: 2, nodes: 2 }
    );
    assert_eq!(
        Graph::from_edges(2, [edge(3, 1, 0, 1.0)]).unwrap_err(),
        GraphError::NoSuchNode { node: 3, nodes: 2 }
    );
    for weight in [-1.0, f32::NAN, f32::INFINITY, 1.2e12] {
        assert!(matches!(Graph::from_edges(2, [edge(0, 1, 0, weight)]), Err(GraphError::Weight { .. })));
        assert!(matches!(
            Graph::from_csr(2, vec![0, 1, 1], vec![1], vec![weight]),
            Err(GraphError::Weight { .. })
        ));
        assert!(matches!(Patch::new(2).push_row(0, &[1], &[weight]), Err(GraphError::Weight { .. })));
    }
    let csr = |offsets: &[u32], targets: &[u32]| {
        Graph::from_csr(2, offsets.to_vec(), targets.to_vec(), vec![1.0; targets.len()]).map(|_| ())
    };
    assert_eq!(csr(&[0, 2, 2], &[0, 1]), Ok(()));
    assert_eq!(csr(&[0, 2, 2], &[1, 0]), Err(GraphError::TargetsNotAscending(0)));
    assert_eq!(csr(&[0, 2, 2], &[1, 1]), Err(GraphError::TargetsNotAscending(0)));
    assert_eq!(csr(&[0, 2, 2], &[0, 2]), Err(GraphError::NoSuchNode { node: 2, nodes: 2 }));
    assert_eq!(csr(&[0, 3, 2], &[0, 1]), Err(GraphError::Offsets(0)));
    assert_eq!(csr(&[1, 2, 2], &[0, 1]), Err(GraphError::Offsets(0)));
    assert!(matches!(csr(&[0, 2], &[0, 1]), Err(GraphError::Length { what: "offsets", .. })));
    assert!(matches!(csr(&[0, 1, 1], &[0, 1]), Err(GraphError::Length { what: "targets", .. })));
    assert!(matches!(csr(&[], &[]), Err(GraphError::Length { what: "offsets", .. })));
}

#[test]
fn patches_keep_their_rows() {
    let mut patch = Patch::new(5);
    assert!(patch.is_empty());
    patch.push_row(1, &[0, 4], &[0.5, 0.25]).unwrap();
    patch.push_row(3, &[], &[]).unwrap();
    assert_eq!(patch.push_row(3, &[], &[]), Err(GraphError::RowsNotAscending(3)));
    assert_eq!(patch.push_row(5, &[], &[]), Err(GraphError::NoSuchNode { node: 5, nodes: 5 }));
    assert!(matches!(patch.push_row(4, &[1], &[]), Err(GraphError::Length { .. })));
    assert_eq!(patch.push_row(4, &[1, 0], &[1.0, 1.0]), Err(GraphError::TargetsNotAscending(4)));
    assert_eq!((patch.sources(), patch.edges(), patch.nodes()), (&[1, 3][..], 2, 5));
    assert_eq!(patch.row(1), Some((&[0, 4][..], &[0.5, 0.25][..])));
    assert_eq!((patch.row(2), patch.out_weight(1), patch.out_weight(3)), (None, Some(0.75), Some(0.0)));
}

/// The rows by the book: all edges sorted by (source, target, kind, weight), parallel ones summed.
fn naive_rows(nodes: u32, edges: &[Edge]) -> Vec<Vec<(u32, u32)>> {
    let mut sorted = edges.to_vec();
    sorted.sort_by_key(|e| (e.source, e.target, e.kind, (e.weight + 0.0).to_bits()));
    let mut rows = vec![Vec::new(); nodes as usize];
    for parallel in sorted.chunk_by(|a, b| (a.source, a.target) == (b.source, b.target)) {
        let mut sum = 0.0f64;
        for edge in parallel {
            sum += f64::from(edge.weight);
        }
        rows[parallel[0].source as usize].push((parallel[0].target, (sum as f32).to_bits()));
    }
    rows
}

proptest! {
    #[test]
    fn rows_are_those_of_a_sort(
        nodes in 1u32..9,
        edges in prop::collection::vec(
            (any::<u32>(), any::<u32>(), 0u8..3, prop_oneof![0.0f32..1.0, 0.0f32..1e12, Just(-0.0)]), 0..200,
        ),
        how in 0..3,
        // Rows that are built in different parts.
        apart in prop_oneof![Just(1_u32), Just(4_000)],
    ) {
        let node = |any: u32| any % nodes * apart + any % apart;
        let mut edges: Vec<Edge> = edges.into_iter().map(|(s, t, k, w)| edge(node(s), node(t), k, w)).collect();
        let nodes = nodes * apart;
        let naive = naive_rows(nodes, &edges);
        match how {
            0 => edges.sort_by_key(|e| (e.source, e.target, e.kind, (e.weight + 0.0).to_bits())),
            1 => edges.sort_by_key(|e| e.source),
            _ => {}
        }
        let passes = Graph::from_edge_passes(nodes as usize, || edges.iter().copied()).unwrap();
        let graph = Graph::from_edges(nodes as usize, edges.iter().copied()).unwrap();
        for (node, expected) in (0..nodes).zip(&naive) {
            for graph in [&graph, &passes] {
                let (targets, weights) = graph.row(node);
                let row: Vec<(u32, u32)> =
                    targets.iter().zip(weights).map(|(target, weight)| (*target, weight.to_bits())).collect();
                let heaviest = ((1u64 << 40) as f32).to_bits();
                let expected: Vec<(u32, u32)> =
                    expected.iter().map(|&(target, weight)| (target, weight.min(heaviest))).collect();
                prop_assert_eq!(row, expected);
            }
        }
        prop_assert_eq!(graph.block().check(), Ok(()));
    }

    #[test]
    fn the_order_of_edges_does_not_matter(
        edges in prop::collection::vec((0u32..6, 0u32..6, 0u8..3, 0.0f32..1.0), 0..60),
    ) {
        let edges: Vec<Edge> = edges.into_iter().map(|(s, t, k, w)| edge(s, t, k, w)).collect();
        let forwards = Graph::from_edges(6, edges.iter().copied()).unwrap();
        let backwards = Graph::from_edges(6, edges.iter().rev().copied()).unwrap();
        prop_assert_eq!(forwards.offsets(), backwards.offsets());
        prop_assert_eq!(forwards.targets(), backwards.targets());
        prop_assert_eq!(forwards.weights(), backwards.weights());
        prop_assert_eq!(forwards.out_weights(), backwards.out_weights());
        let rebuilt = Graph::from_csr(
            6, forwards.offsets().to_vec(), forwards.targets().to_vec(), forwards.weights().to_vec(),
        ).unwrap();
        prop_assert_eq!(rebuilt.out_weights(), forwards.out_weights());
        // Twice transposed is the same again.
        prop_assert_eq!(forwards.transposed().transposed().targets(), forwards.targets());
        prop_assert_eq!(forwards.transposed().transposed().weights(), forwards.weights());
    }
}
