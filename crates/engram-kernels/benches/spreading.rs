//! Spreading over graphs with hubs (recursive-matrix model, probabilities 0.57, 0.19, 0.19, 0.05).
#![allow(missing_docs, reason = "criterion's macros make a public function")]

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use engram_kernels::{Edge, Graph, Kernels, SpreadMethod, SpreadParameters, Spreading};

/// About ten edges a node, over `2^scale` nodes whose numbers are scrambled.
fn hubs(scale: u32) -> Graph {
    let mut state = 7u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 11
    };
    let nodes = 1usize << scale;
    let scramble = |node: u32| (node.wrapping_mul(0x9e37_79b1) ^ 0x55) & (nodes as u32 - 1);
    let edges = (0..10 * nodes).map(|_| {
        let (mut source, mut target) = (0u32, 0u32);
        for _ in 0..scale {
            let draw = next() % 100;
            source = source << 1 | u32::from(draw >= 76);
            target = target << 1 | u32::from((57..76).contains(&draw) || draw >= 95);
        }
        let weight = 0.1 + 0.9 * (next() % 65_536) as f32 / 65_536.0;
        Edge { source: scramble(source), target: scramble(target), kind: 0, weight }
    });
    Graph::from_edges(nodes, edges).unwrap_or_else(|error| unreachable!("{error}"))
}

fn spreading(criterion: &mut Criterion) {
    for scale in [16, 20] {
        let graph = hubs(scale);
        let seeds: Vec<(u32, f32)> = (0..graph.nodes() as u32)
            .filter(|&n| graph.row(n).0.len() > 3)
            .step_by(997)
            .take(10)
            .map(|n| (n, 0.1))
            .collect();
        let page_rank = SpreadParameters::personalised_page_rank(0.85).with_tolerance(0.0);
        let mut group = criterion.benchmark_group(format!("spreading/2^{scale}"));
        group.sample_size(10).measurement_time(Duration::from_secs(4));
        for hops in [3, 20] {
            let Ok(rule) = page_rank.with_max_hops(hops).check() else { unreachable!("the rule is good") };
            for method in [SpreadMethod::Push, SpreadMethod::Pull, SpreadMethod::Auto] {
                for kernels in Kernels::all() {
                    let mut spreading = Spreading::with_kernels(graph.nodes(), kernels);
                    group.bench_function(format!("{hops} hops/{method:?}/{}", kernels.level()), |b| {
                        b.iter(|| spreading.run(&graph, &seeds, &rule, method));
                    });
                }
            }
        }
        group.finish();
    }
}

criterion_group!(benches, spreading);
criterion_main!(benches);
