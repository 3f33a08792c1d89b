//! Spreading against the portable kernels and against `f64`: one hop, pushed and pulled, and whole runs.

use std::collections::BTreeSet;

use super::numbers::Numbers;
use super::{CheckReport, hops};
use crate::backend::Kernels;
use crate::contract::{ACTIVATION_MAX, WEIGHT_MAX};
use crate::graph::{Edge, Graph};
use crate::portable::batch::{LANES, Lanes};
use crate::portable::spreading::Factors;
use crate::spreading::frontier::{LINE_NODES, TouchedLines};
use crate::spreading::{BatchSpreading, Dangling, FanExponent, SpreadMethod, SpreadParameters, Spreading};

pub(super) fn check(kernels: Kernels, report: &mut CheckReport) {
    let mut numbers = Numbers(0x59ad);
    settling(kernels, report, &mut numbers);
    for (name, graph) in graphs(&mut numbers) {
        for values in 0..4 {
            let released: Vec<f32> = (0..graph.nodes()).map(|_| amount(&mut numbers, values)).collect();
            one_hop(kernels, report, &name, &graph, &released);
        }
        whole_runs(kernels, report, &name, &graph, &mut numbers);
    }
}

/// What a node releases: shares, with many zeros; of any magnitude; subnormal; or as much as can be.
fn amount(numbers: &mut Numbers, values: usize) -> f32 {
    match values {
        0 if numbers.below(3) > 0 => 0.0,
        0 => numbers.share(),
        1 => (numbers.wide(70) as f32).min(ACTIVATION_MAX),
        2 => f32::from_bits(numbers.below(1 << 23) as u32),
        _ => ACTIVATION_MAX,
    }
}

/// What it is called, its nodes, and its edges.
type EdgeList = (String, u32, Vec<(u32, u32)>);

/// Graphs of every shape, by name.
fn graphs(numbers: &mut Numbers) -> Vec<(String, Graph)> {
    let mut edge_lists: Vec<EdgeList> = vec![
        ("no nodes".into(), 0, vec![]),
        ("one node".into(), 1, vec![]),
        ("a loop".into(), 1, vec![(0, 0)]),
        ("a chain".into(), 300, (1..300).map(|i| (i - 1, i)).collect()),
        ("a ring backwards".into(), 65, (0..65).map(|i| (i, (i + 64) % 65)).collect()),
        ("a star outwards".into(), 1000, (1..1000).map(|i| (0, i)).collect()),
        ("a star inwards".into(), 1000, (0..999).map(|i| (i, 999)).collect()),
        ("everything".into(), 33, (0..33 * 33).map(|i| (i / 33, i % 33)).collect()),
        ("two halves".into(), 128, (0..64 * 64).map(|i| (i / 64, 64 + i % 64)).collect()),
        // Rows that are too long for a chunk.
        ("hubs inwards".into(), 2100, {
            let fans = [2000, 1999, 1990, 1500, 500, 400, 300, 20];
            (0u32..).zip(fans).flat_map(|(hub, fan)| (0..fan).map(move |i| (i + 90, hub * 11))).collect()
        }),
        ("far apart".into(), 9000, vec![(0, 8999), (8999, 0), (4095, 4096), (4096, 4095)]),
    ];
    for nodes in [2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 500, 5000] {
        for edges in [1, nodes / 2, 4 * nodes, 20 * nodes] {
            let list = (0..edges)
                .map(|_| {
                    let bound = u64::from(nodes);
                    // The lesser of two draws, so that there are hubs.
                    (numbers.below(bound) as u32, numbers.below(bound).min(numbers.below(bound)) as u32)
                })
                .collect();
            edge_lists.push((format!("{edges} random edges"), nodes, list));
        }
    }
    edge_lists
        .into_iter()
        .map(|(name, nodes, list)| {
            let edges = list.into_iter().map(|(source, target)| {
                let weight = match numbers.below(12) {
                    0 => 0.0,
                    1 => WEIGHT_MAX,
                    2 => f32::from_bits(numbers.below(1 << 23) as u32),
                    _ => 0.01 + numbers.share(),
                };
                Edge { source, target, kind: 0, weight }
            });
            match Graph::from_edges(nodes as usize, edges) {
                Ok(graph) => (format!("{nodes} nodes, {name}"), graph),
                Err(error) => unreachable!("{error}"),
            }
        })
        .collect()
}

/// Pushed and pulled, by these kernels and the portable ones, and in `f64`.
fn one_hop(kernels: Kernels, report: &mut CheckReport, name: &str, graph: &Graph, released: &[f32]) {
    let nodes = graph.nodes();
    let (sources, amounts): (Vec<u32>, Vec<f32>) =
        (0u32..).zip(released).filter(|(_, released)| **released > 0.0).unzip();
    let push = |kernels: Kernels| {
        let mut accumulator = vec![0.0; nodes];
        let mut touched = TouchedLines::new(nodes);
        let rows = graph.block().compressed_rows();
        kernels.spread_push(&sources, &amounts, rows, &mut accumulator, Some(&mut touched));
        let mut unmarked = vec![0.0; nodes];
        kernels.spread_push(&sources, &amounts, rows, &mut unmarked, None);
        let mut lines = Vec::new();
        touched.drain(|line| lines.push(line));
        touched.drain(|_| unreachable!("all marks were taken away"));
        (accumulator, unmarked, lines)
    };
    let pull = |kernels: Kernels| {
        let mut accumulator = vec![f32::NAN; nodes];
        kernels.spread_pull(graph.pull_rows(), &by_slot(graph, released), &mut accumulator);
        accumulator
    };
    let (expected, ..) = push(Kernels::portable());
    let (pushed, unmarked, lines) = push(kernels);
    report.expect_bits(&pushed, &expected, || format!("push, {name}"));
    report.expect_bits(&unmarked, &expected, || format!("push without marks, {name}"));
    let targets = sources.iter().flat_map(|&source| graph.row(source).0);
    let reached: BTreeSet<usize> = targets.map(|&target| target as usize / LINE_NODES).collect();
    report.expect(lines.iter().eq(&reached), || format!("push, {name}: the wrong lines were marked"));
    report.expect_bits(&pull(Kernels::portable()), &expected, || format!("portable pull, {name}"));
    report.expect_bits(&pull(kernels), &expected, || format!("pull, {name}"));

    // What lane l releases is that of a node l further on.
    let shift =
        |lane: usize| -> Vec<f32> { (0..nodes).map(|node| released[(node + lane) % nodes]).collect() };
    let (rows, slots) = (graph.in_rows(), graph.source_order().slots());
    let mut in_lanes = vec![Lanes::default(); nodes];
    for lane in 0..LANES {
        for (&slot, released) in slots.iter().zip(shift(lane)) {
            in_lanes[slot as usize].0[lane] = released;
        }
    }
    let mut arrived = vec![Lanes::default(); nodes];
    let half = nodes / 2;
    kernels.spread_pull_batch(rows, 0, &in_lanes, &mut arrived[..half]);
    kernels.spread_pull_batch(rows, half, &in_lanes, &mut arrived[half..]);
    for lane in 0..LANES {
        let found: Vec<f32> = slots.iter().map(|&slot| arrived[slot as usize].0[lane]).collect();
        let mut expected = vec![0.0; nodes];
        Kernels::portable().spread_pull(graph.pull_rows(), &by_slot(graph, &shift(lane)), &mut expected);
        report.expect_bits(&found, &expected, || format!("pull for a batch, lane {lane}, {name}"));
    }

    hops::batch(kernels, report, name, graph, &in_lanes, &arrived);
    hops::chunks(kernels, report, name, graph, &by_slot(graph, released));

    let mut truth = vec![(0.0f64, 0.0f64); nodes];
    for (&source, &amount) in sources.iter().zip(&amounts) {
        let (targets, weights) = graph.row(source);
        for (&target, &weight) in targets.iter().zip(weights) {
            let (sum, count) = &mut truth[target as usize];
            *sum += f64::from(amount) * f64::from(weight);
            *count += 1.0;
        }
    }
    for (&found, (truth, count)) in pushed.iter().zip(truth) {
        // All terms are positive, so the error is that of the additions; and what underflows.
        let bound = truth * (count + 1.0) * f64::from(f32::EPSILON) + count * f64::from(f32::from_bits(1));
        let good = (f64::from(found) - truth).abs() <= bound || truth > f64::from(f32::MAX) * 0.99;
        report.expect(good, || format!("push, {name}: {found:e}, in f64 {truth:e}"));
    }
}

/// What nodes release, in the order of their slots.
fn by_slot(graph: &Graph, released: &[f32]) -> Vec<f32> {
    let mut ordered = vec![0.0; released.len()];
    for (&slot, &released) in graph.source_order().slots().iter().zip(released) {
        ordered[slot as usize] = released;
    }
    ordered
}

/// The end of a hop over some of the lines, with all kinds of values.
fn settling(kernels: Kernels, report: &mut CheckReport, numbers: &mut Numbers) {
    for num_lines in [0, 1, 2, 3, 7, 40] {
        for values in 0..4 {
            for (retention, hop_decay) in [(0.0, 0.85), (0.5, 0.2), (1.0, 1.0), (0.0, 0.0)] {
                let factors = Factors { retention, hop_decay };
                let nodes = num_lines * LINE_NODES;
                let mut of_nodes = || -> Vec<f32> { (0..nodes).map(|_| amount(numbers, values)).collect() };
                let (before, arrived) = (of_nodes(), of_nodes());
                let lines: Vec<u32> = (0..num_lines as u32).filter(|_| numbers.below(3) > 0).collect();
                let mut settle = |kernels: Kernels| {
                    let (mut activation, mut accumulator) = (before.clone(), arrived.clone());
                    let mut active = vec![0; lines.len() * LINE_NODES];
                    let (count, change) = kernels.spread_settle(
                        &lines,
                        &mut activation,
                        &mut accumulator,
                        factors,
                        Some(&mut active),
                    );
                    let (mut again, mut emptied) = (before.clone(), arrived.clone());
                    let counted = kernels.spread_settle(&lines, &mut again, &mut emptied, factors, None);
                    let same = again == activation && emptied == accumulator && counted == (count, change);
                    report.expect(same, || format!("settling without a list: {counted:?} of {count}"));
                    active.truncate(count);
                    (activation, accumulator, active, change)
                };
                let name = || format!("settling {} of {num_lines} lines by {factors:?}", lines.len());
                let (expected, emptied, active, change) = settle(Kernels::portable());
                let (found, emptied_too, active_too, change_too) = settle(kernels);
                report.expect_bits(&found, &expected, name);
                report.expect_bits(&emptied_too, &emptied, name);
                report.expect_bits(&[change_too], &[change], name);
                report.expect(active_too == active, || format!("{}: {active_too:?} active", name()));

                let settled = |node: usize| lines.contains(&((node / LINE_NODES) as u32));
                let positive = |&node: &usize| settled(node) && found[node] > 0.0;
                let truth = (0..nodes).filter(positive).map(|node| node as u32);
                report.expect(active.iter().copied().eq(truth), || format!("{}: not the active", name()));
                for (node, (&found, (&x, &a))) in found
                    .iter()
                    .zip(before.iter().zip(&arrived))
                    .enumerate()
                    .filter(|(node, _)| settled(*node))
                {
                    let truth = f64::from(retention) * f64::from(x) + f64::from(hop_decay) * f64::from(a);
                    let truth = truth.min(f64::from(ACTIVATION_MAX));
                    let bound = 3.0 * truth * f64::from(f32::EPSILON) + f64::from(f32::from_bits(2));
                    let good = (f64::from(found) - truth).abs() <= bound && emptied_too[node] == 0.0;
                    report.expect(good, || format!("{}: {found:e}, in f64 {truth:e}", name()));
                }
            }
        }
    }
}

/// Runs by several rules, which go through everything around the kernels too.
fn whole_runs(kernels: Kernels, report: &mut CheckReport, name: &str, graph: &Graph, numbers: &mut Numbers) {
    if graph.is_empty() {
        return;
    }
    let seeds: Vec<(u32, f32)> =
        (0..3).map(|_| (numbers.below(graph.nodes() as u64) as u32, numbers.share())).collect();
    let page_rank = SpreadParameters::personalised_page_rank(0.85).with_max_hops(6);
    let constrained = SpreadParameters::constrained(0.8, 0.02, 3);
    for parameters in [
        page_rank,
        page_rank.with_dangling(Dangling::ReturnToSeeds),
        SpreadParameters::leaky(0.2, 0.5, 4),
        constrained.with_fan_exponent(FanExponent::Half),
        constrained.with_retention(0.0).with_fan_limit(6),
    ] {
        let Ok(rule) = parameters.check() else { unreachable!("the rules are good") };
        let run = |kernels: Kernels, method: SpreadMethod| {
            let mut spreading = Spreading::with_kernels(graph.nodes(), kernels);
            match spreading.run(graph, &seeds, &rule, method) {
                Ok(()) => spreading.activations().to_vec(),
                Err(error) => unreachable!("{error}"),
            }
        };
        let expected = run(Kernels::portable(), SpreadMethod::Push);
        // More than fit a batch, of which the last is for itself.
        let cues: Vec<Vec<(u32, f32)>> = (0..=LANES as u32)
            .map(|cue| seeds.iter().map(|&(node, s)| ((node + cue) % graph.nodes() as u32, s)).collect())
            .collect();
        let mut batch = vec![f32::NAN; cues.len() * graph.nodes()];
        let slices: Vec<&[(u32, f32)]> = cues.iter().map(Vec::as_slice).collect();
        let mut spreading = BatchSpreading::with_kernels(graph.nodes(), kernels);
        if let Err(error) = spreading.run(graph, &slices, &rule, &mut batch) {
            unreachable!("{error}");
        }
        for (cue, found) in slices.iter().zip(batch.chunks(graph.nodes())) {
            let mut single = Spreading::with_kernels(graph.nodes(), Kernels::portable());
            if let Err(error) = single.run(graph, cue, &rule, SpreadMethod::Push) {
                unreachable!("{error}");
            }
            report.expect_bits(found, single.activations(), || format!("a batch of cues, {name}"));
        }
        for method in [SpreadMethod::Push, SpreadMethod::Pull, SpreadMethod::Auto] {
            report.expect_bits(&run(kernels, method), &expected, || {
                format!("{method:?} for some hops, {name}")
            });
        }
    }
}
