//! Spreading against a dense oracle, and its ways of running against one another.

use engram_kernels::{
    BatchSpreading, Dangling, Edge, FanExponent, Graph, GraphBlock, HOPS_WITHOUT_LIMIT, Patch, Progress,
    SpreadMethod, SpreadParameters, SpreadRule, Spreading, spread_activation, spread_activation_batch,
    spread_activation_into,
};
use proptest::prelude::*;

use crate::{Numbers, bits};

pub(crate) fn edge(source: usize, target: usize, weight: f32) -> Edge {
    Edge { source: source as u32, target: target as u32, kind: 0, weight }
}

fn exponent(of: FanExponent, base: f64) -> f64 {
    match of {
        FanExponent::Zero => 1.0,
        FanExponent::Half => base.sqrt(),
        FanExponent::One => base,
    }
}

/// The formula, densely. `round` is the identity for an oracle in `f64`, or rounds every operation to
/// `f32` for the contract's bits (one operation in `f64` on `f32`s, rounded, is that operation in
/// `f32`: 53 ≥ 2·24 + 2 bits).
fn dense(graph: &Graph, seeds: &[(u32, f32)], rule: &SpreadRule, round: fn(f64) -> f64) -> Vec<f64> {
    let p = rule.parameters();
    let n = graph.nodes();
    let mut s = vec![0.0f64; n];
    for &(node, activation) in seeds {
        s[node as usize] += f64::from(activation);
    }
    let s: Vec<f64> = s.into_iter().map(|x| round(x).min((1u64 << 60) as f64)).collect();
    let total: f64 = s.iter().sum();
    let mut x = s.clone();
    for _ in 0..rule.hops_at_most(total) {
        let mut arrived = vec![0.0f64; n];
        let mut dangling = 0.0;
        for (i, &x) in x.iter().enumerate() {
            let (targets, weights) = graph.row(i as u32);
            let fan = targets.len();
            let threshold =
                round(f64::from(p.firing_threshold) * round(exponent(p.threshold_fan_exponent, fan as f64)));
            if x < threshold || p.fan_limit.is_some_and(|limit| fan > limit as usize) {
                continue;
            }
            let out_weight = round(weights.iter().map(|&w| f64::from(w)).sum::<f64>());
            if out_weight == 0.0 {
                dangling += x;
                continue;
            }
            let released = round(x * round(1.0 / round(exponent(p.fan_exponent, out_weight))));
            for (&target, &weight) in targets.iter().zip(weights) {
                let sum = &mut arrived[target as usize];
                *sum = round(*sum + round(released * f64::from(weight)));
            }
        }
        let returned = if p.dangling == Dangling::ReturnToSeeds { round(dangling) } else { 0.0 };
        let mut change = 0.0f64;
        for j in 0..n {
            let share = if total > 0.0 { round(s[j] / total) } else { 0.0 };
            let arrived = round(arrived[j] + round(returned * share));
            let kept = round(round(f64::from(p.restart) * s[j]) + round(f64::from(p.retention) * x[j]));
            let next = round(kept + round(f64::from(p.hop_decay) * arrived)).min((1u64 << 60) as f64);
            change = change.max(round((next - x[j]).abs()));
            x[j] = next;
        }
        if change <= f64::from(p.tolerance) {
            break;
        }
    }
    x
}

fn to_f32(x: f64) -> f64 {
    f64::from(x as f32)
}

fn spread(graph: &Graph, seeds: &[(u32, f32)], rule: &SpreadRule, method: SpreadMethod) -> Vec<f32> {
    let mut activation = vec![f32::NAN; graph.nodes()];
    spread_activation_into(graph, seeds, rule, method, &mut activation).unwrap();
    activation
}

/// Hop by hop, over blocks of `rows` rows each that are checked as if they came from a file, with
/// every `every`-th row in the patch and something else in its packed place.
fn spread_in_blocks(
    graph: &Graph,
    seeds: &[(u32, f32)],
    rule: &SpreadRule,
    rows: usize,
    every: usize,
) -> Vec<f32> {
    let n = graph.nodes();
    let mut patch = Patch::new(n);
    let mut decoy = Vec::new();
    for node in 0..n {
        let (targets, weights) = graph.row(node as u32);
        if node % every == 0 {
            patch.push_row(node as u32, targets, weights).unwrap();
            decoy.push(edge(node, (node * 7 + 1) % n, 3.0));
        } else {
            decoy.extend(targets.iter().zip(weights).map(|(&t, &w)| edge(node, t as usize, w)));
        }
    }
    let packed = Graph::from_edges(n, decoy).unwrap();
    let offsets: Vec<Vec<u32>> = (0..n)
        .step_by(rows)
        .map(|first| {
            let bounds = &packed.offsets()[first..=(first + rows).min(n)];
            bounds.iter().map(|offset| offset - bounds[0]).collect()
        })
        .collect();
    let blocks: Vec<GraphBlock<'_>> = offsets
        .iter()
        .enumerate()
        .map(|(b, offsets)| {
            let first = b * rows;
            let edges = packed.offsets()[first] as usize..packed.offsets()[(first + rows).min(n)] as usize;
            GraphBlock::new(
                n,
                first as u32,
                offsets,
                &packed.targets()[edges.clone()],
                &packed.weights()[edges],
                &packed.out_weights()[first..(first + rows).min(n)],
            )
            .unwrap()
        })
        .collect();
    let mut spreading = Spreading::new(n);
    // A run before it leaves nothing behind.
    spreading.begin(rule, &[(0, 0.5)]).unwrap();
    let _ = spreading.hop(&blocks, &patch).unwrap();
    spreading.begin(rule, seeds).unwrap();
    assert_eq!(spreading.is_done(), rule.parameters().max_hops == Some(0));
    while spreading.hop(&blocks, &patch).unwrap() == Progress::Continue {}
    let active: Vec<u32> = (0..n as u32).filter(|&node| spreading.activation(node) > 0.0).collect();
    assert_eq!(spreading.active(), active);
    assert_eq!(spreading.touched(), active);
    spreading.activations().to_vec()
}

fn graphs() -> impl Strategy<Value = Graph> {
    let random = (1usize..40).prop_flat_map(|n| {
        prop::collection::vec((0..n, 0..n, 0u8..3, prop_oneof![9 => 0.01f32..2.0, 1 => Just(0.0)]), 0..160)
            .prop_map(move |edges| {
                let edges = edges.into_iter().map(|(s, t, kind, w)| Edge { kind, ..edge(s, t, w) });
                Graph::from_edges(n, edges).unwrap()
            })
    });
    let shaped = (0u8..5, 2usize..150, 0.1f32..1.5).prop_map(|(shape, n, w)| {
        let edges: Vec<Edge> = match shape {
            0 => Vec::new(),
            1 => (0..n).map(|i| edge(i, i, w)).collect(),
            2 => (1..n).flat_map(|i| [edge(0, i, w), edge(i, 0, w * 0.5)]).collect(),
            3 => (1..n).map(|i| edge(i - 1, i, w)).collect(),
            _ => (0..n).flat_map(|i| [edge(i, (i + 1) % n, w), edge(i, (i + 12) % n, 1.0)]).collect(),
        };
        Graph::from_edges(n, edges).unwrap()
    });
    prop_oneof![2 => random, 1 => shaped]
}

fn exponents() -> impl Strategy<Value = FanExponent> {
    prop::sample::select(vec![FanExponent::Zero, FanExponent::Half, FanExponent::One])
}

fn rules() -> impl Strategy<Value = SpreadRule> {
    (
        (0.0f32..=1.0, 0.0f32..=1.0, 0.0f32..=1.0),
        (exponents(), exponents()),
        prop_oneof![Just(0.0f32), 0.0f32..0.3],
        prop::option::of(0u32..8),
        0u32..6,
        prop_oneof![Just(0.0f32), 0.0f32..0.05],
        any::<bool>(),
    )
        .prop_map(
            |((restart, retention, hop_decay), (beta, phi), theta, fan_limit, hops, tolerance, back)| {
                let mut parameters = SpreadParameters::leaky(hop_decay, 0.0, hops)
                    .with_restart(restart)
                    .with_retention(retention)
                    .with_fan_exponent(beta)
                    .with_firing_threshold(theta, phi)
                    .with_tolerance(tolerance)
                    .with_dangling(if back { Dangling::ReturnToSeeds } else { Dangling::Drop });
                parameters.fan_limit = fan_limit;
                parameters.check().unwrap()
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn every_way_gives_the_bits_of_the_contract(
        graph in graphs(),
        rule in rules(),
        seeds in prop::collection::vec((0u32..1000, prop_oneof![Just(0.0f32), 0.0f32..2.0]), 0..6),
        rows in 1usize..20,
        every in 1usize..9,
    ) {
        let seeds: Vec<(u32, f32)> =
            seeds.into_iter().map(|(node, s)| (node % graph.nodes() as u32, s)).collect();
        let expected: Vec<f32> =
            dense(&graph, &seeds, &rule, to_f32).into_iter().map(|x| x as f32).collect();
        let expected = bits(&expected);
        for method in [SpreadMethod::Push, SpreadMethod::Pull, SpreadMethod::Auto] {
            prop_assert_eq!(&bits(&spread(&graph, &seeds, &rule, method)), &expected, "{:?}", method);
        }
        prop_assert_eq!(&bits(&spread_in_blocks(&graph, &seeds, &rule, rows, every)), &expected);
        let reversed: Vec<(u32, f32)> = seeds.iter().rev().copied().collect();
        prop_assert_eq!(&bits(&spread_activation(&graph, &reversed, &rule).unwrap()), &expected);
    }

    #[test]
    fn each_cue_of_a_batch_has_the_bits_that_it_has_alone(
        graph in graphs(),
        rule in rules(),
        cues in prop::collection::vec(
            prop::collection::vec((0u32..1000, prop_oneof![Just(0.0f32), 0.0f32..2.0]), 0..4), 0..20),
    ) {
        let nodes = graph.nodes() as u32;
        let cues: Vec<Vec<(u32, f32)>> = cues
            .into_iter()
            .map(|seeds| seeds.into_iter().map(|(node, s)| (node % nodes, s)).collect())
            .collect();
        let slices: Vec<&[(u32, f32)]> = cues.iter().map(Vec::as_slice).collect();
        let together = spread_activation_batch(&graph, &slices, &rule).unwrap();
        // A batch before it leaves nothing behind.
        let mut spreading = BatchSpreading::new(graph.nodes());
        let mut again = vec![f32::NAN; slices.len() * graph.nodes()];
        let other = SpreadParameters::leaky(0.5, 0.1, 4).with_fan_limit(3).check().unwrap();
        spreading.run(&graph, &slices, &other, &mut again).unwrap();
        spreading.run(&graph, &slices, &rule, &mut again).unwrap();
        for (i, cue) in slices.iter().enumerate() {
            let alone = bits(&spread(&graph, cue, &rule, SpreadMethod::Push));
            prop_assert_eq!(&bits(&together[i]), &alone);
            prop_assert_eq!(&bits(&again[i * graph.nodes()..(i + 1) * graph.nodes()]), &alone);
        }
    }

    #[test]
    fn presets_are_near_the_formula_in_f64(graph in graphs(), damping in 0.1f32..0.9) {
        let seeds = [(0, 0.75), (graph.nodes() as u32 - 1, 0.25)];
        // Without thresholds, so that rounding cannot decide whether a node fires.
        for rule in [
            SpreadParameters::personalised_page_rank(damping).with_tolerance(1e-7),
            SpreadParameters::personalised_page_rank(damping)
                .with_dangling(Dangling::ReturnToSeeds).with_tolerance(1e-7),
            SpreadParameters::leaky(damping, 0.3, 4),
            SpreadParameters::constrained(damping, 0.0, 3).with_fan_exponent(FanExponent::Half),
            SpreadParameters::act_r(),
        ] {
            let rule = rule.check().unwrap();
            let found = spread_activation(&graph, &seeds, &rule).unwrap();
            let expected = dense(&graph, &seeds, &rule, |x| x);
            // Few roundings a hop on sums of up to a hundred or so terms, shrinking from hop to hop
            // where there is no limit; and where the two stop at different hops, the tolerance more.
            let largest = expected.iter().copied().fold(1.0, f64::max);
            for (x, y) in found.iter().zip(&expected) {
                prop_assert!((f64::from(*x) - y).abs() <= 1e-5 * largest, "{x} {y}");
            }
            if rule.parameters().dangling == Dangling::ReturnToSeeds {
                let sum: f64 = found.iter().map(|&x| f64::from(x)).sum();
                prop_assert!((sum - 1.0).abs() < 1e-4, "{sum}");
            }
        }
    }
}

#[test]
fn a_run_ends_where_only_rounding_is_left() {
    // The hub's sum of thousands of roundings wavers by more than the tolerance, for ever.
    let leaves = 4095;
    let edges = (1..=leaves).flat_map(|leaf| [edge(0, leaf, 1.0), edge(leaf, 0, 1.0)]);
    let graph = Graph::from_edges(leaves + 1, edges).unwrap();
    let rule = SpreadParameters::personalised_page_rank(0.85).check().unwrap();
    let mut spreading = Spreading::new(graph.nodes());
    spreading.run(&graph, &[(7, 1.0)], &rule, SpreadMethod::Auto).unwrap();
    // ln(2e6 · 2) / −ln(0.85), rounded up, and one.
    assert_eq!(rule.hops_at_most(1.0), 91);
    assert_eq!(spreading.hops(), 91);
    // Solved by hand: the hub gives 0.85 of itself to the leaves, and they 0.85 back.
    let hub = 0.85 * 0.15 / (1.0 - 0.85 * 0.85);
    assert!((f64::from(spreading.activation(0)) - hub).abs() < 1e-4, "{}", spreading.activation(0));

    let growing =
        SpreadParameters::personalised_page_rank(0.85).with_firing_threshold(0.1, FanExponent::Zero);
    assert_eq!(growing.check().unwrap().hops_at_most(1.0), HOPS_WITHOUT_LIMIT);
    assert_eq!(rule.hops_at_most(0.0), 1);
    assert_eq!(rule.hops_at_most((1u64 << 60) as f64), 347);
}

#[test]
fn large_graphs_cross_every_level_of_the_bitmap() {
    let n = 20_000;
    let mut numbers = Numbers(3);
    let edges: Vec<Edge> = (0..60_000)
        .map(|_| edge(numbers.below(n) as usize, numbers.below(n) as usize, numbers.next_signed().abs()))
        .collect();
    let graph = Graph::from_edges(n as usize, edges).unwrap();
    let seeds = [(5, 1.0), (4095, 0.5), (4096, 0.25), (19_999, 2.0)];
    for rule in [
        SpreadParameters::personalised_page_rank(0.85).with_max_hops(8),
        SpreadParameters::constrained(0.8, 0.01, 4).with_fan_limit(6),
    ] {
        let rule = rule.check().unwrap();
        let push = spread(&graph, &seeds, &rule, SpreadMethod::Push);
        assert_eq!(bits(&push), bits(&spread(&graph, &seeds, &rule, SpreadMethod::Pull)));
        assert_eq!(bits(&push), bits(&spread(&graph, &seeds, &rule, SpreadMethod::Auto)));
        assert_eq!(bits(&push), bits(&spread_in_blocks(&graph, &seeds, &rule, 4097, 11)));
    }
}

#[test]
fn extremes_stay_finite() {
    let tiny = f32::from_bits(1);
    let huge = (1u64 << 40) as f32;
    let graph = Graph::from_edges(
        4,
        [edge(0, 1, tiny), edge(1, 2, huge), edge(1, 3, 0.0), edge(2, 0, huge), edge(2, 2, huge)],
    )
    .unwrap();
    for beta in [FanExponent::Zero, FanExponent::Half, FanExponent::One] {
        let rule = SpreadParameters::leaky(1.0, 0.0, 9).with_fan_exponent(beta).check().unwrap();
        let seeds = [(0, f32::MAX), (0, f32::MAX), (1, 1.0), (2, f32::MAX)];
        let push = spread(&graph, &seeds, &rule, SpreadMethod::Push);
        assert!(push.iter().all(|x| (0.0..=(1u64 << 60) as f32).contains(x)), "{push:?}");
        assert_eq!(push[2], (1u64 << 60) as f32);
        assert_eq!(bits(&push), bits(&spread(&graph, &seeds, &rule, SpreadMethod::Pull)));
    }
}
