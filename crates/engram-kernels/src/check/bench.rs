//! The kernels timed side by side, in turn, so that they share whatever else the machine does.

use std::time::Instant;

use super::numbers::Numbers;
use crate::backend::Kernels;
use crate::decay::{Curve, Shape};
use crate::graph::{Edge, Graph};
use crate::level::Level;
use crate::spreading::{SpreadMethod, SpreadParameters, Spreading};

/// How long one function takes, by each of the kernels.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Timing {
    /// What was timed.
    pub what: &'static str,
    /// What one of its units is.
    pub unit: &'static str,
    /// Median nanoseconds for each unit, by level.
    pub nanoseconds: Vec<(Level, f64)>,
}

/// Rounds, of which the median counts.
const ROUNDS: usize = 15;

/// Times `run` for all kernels in turn; it does `units` units of work.
fn time(
    kernels: &[Kernels],
    (what, unit, units): (&'static str, &'static str, usize),
    mut run: impl FnMut(Kernels),
) -> Timing {
    let mut samples = vec![Vec::with_capacity(ROUNDS); kernels.len()];
    for round in 0..=ROUNDS {
        for (samples, &kernels) in samples.iter_mut().zip(kernels) {
            let start = Instant::now();
            run(kernels);
            // The first round brings everything into the caches.
            if round > 0 {
                samples.push(start.elapsed().as_nanos() as f64 / units as f64);
            }
        }
    }
    let nanoseconds = kernels.iter().zip(samples).map(|(kernels, mut samples)| {
        samples.sort_by(f64::total_cmp);
        (kernels.level(), samples[ROUNDS / 2])
    });
    Timing { what, unit, nanoseconds: nanoseconds.collect() }
}

/// Times the kernels side by side on one thread: some seconds in a release build.
#[must_use]
pub fn bench(kernels: &[Kernels]) -> Vec<Timing> {
    let mut timings = Vec::new();
    let mut numbers = Numbers(12_345);

    for (dimensions, dot, cosine) in [
        (768, "dot product, 768 dimensions, 1,000 vectors", "cosine, 768 dimensions, 1,000 vectors"),
        (100, "dot product, 100 dimensions, 1,000 vectors", "cosine, 100 dimensions, 1,000 vectors"),
    ] {
        let repeats = 4000 / dimensions;
        let query: Vec<f32> = (0..dimensions).map(|_| numbers.signed()).collect();
        let block: Vec<f32> = (0..1000 * dimensions).map(|_| numbers.signed()).collect();
        let mut scores = vec![0.0; 1000];
        timings.push(time(kernels, (dot, "vector", 1000 * repeats), |kernels| {
            (0..repeats).for_each(|_| kernels.vector_dot_into(&query, &block, &mut scores));
        }));
        timings.push(time(kernels, (cosine, "vector", 1000 * repeats), |kernels| {
            (0..repeats).for_each(|_| kernels.vector_similarity_into(&query, &block, &mut scores));
        }));
    }

    let (dimensions, rows) = (768, 8000);
    let query: Vec<i16> = (0..dimensions).map(|_| numbers.next() as i16 / 128).collect();
    let codes: Vec<i8> = (0..rows * dimensions).map(|_| numbers.next() as i8).collect();
    let mut dots = vec![0; rows];
    let what = "scan of 8-bit codes, 768 dimensions, 8,000 vectors";
    timings.push(time(kernels, (what, "vector", rows), |kernels| {
        kernels.vector_dot_i8_into(&query, &codes, &mut dots);
    }));

    let graph = hubs(&mut numbers, 17);
    let seeds: Vec<(u32, f32)> = (0..graph.nodes() as u32)
        .filter(|&node| graph.row(node).0.len() > 3)
        .step_by(997)
        .take(10)
        .map(|node| (node, 0.1))
        .collect();
    let page_rank = SpreadParameters::personalised_page_rank(0.85).with_tolerance(0.0);
    for (what, hops, method) in [
        ("PageRank by pulling, 2^17 nodes, 10 hops", 10, SpreadMethod::Pull),
        ("PageRank by pushing, 2^17 nodes, 10 hops", 10, SpreadMethod::Push),
    ] {
        let Ok(rule) = page_rank.with_max_hops(hops).check() else { unreachable!("the rule is good") };
        let mut spreading: Vec<(Kernels, Spreading)> = kernels
            .iter()
            .map(|&kernels| (kernels, Spreading::with_kernels(graph.nodes(), kernels)))
            .collect();
        timings.push(time(kernels, (what, "edge", graph.edges() * hops as usize), |kernels| {
            for (_, spreading) in spreading.iter_mut().filter(|(of, _)| *of == kernels) {
                if let Err(error) = spreading.run(&graph, &seeds, &rule, method) {
                    unreachable!("the seeds are nodes: {error}");
                }
            }
        }));
    }

    let memories = 1_000_000;
    let strengths = vec![0.75; memories];
    let ages: Vec<f64> = (0..memories).map(|i| i as f64 * 31.0).collect();
    let stabilities: Vec<f64> = (0..memories).map(|i| 86_400.0 * (1 + i % 90) as f64).collect();
    let mut out = vec![0.0; memories];
    for (what, shape) in [
        ("half-life decay, a million memories", Shape::HalfLife),
        ("power-law decay, a million memories", Shape::Power(0.5)),
    ] {
        timings.push(time(kernels, (what, "memory", memories), |kernels| {
            kernels.apply_decay_into(&strengths, &ages, &stabilities, Curve(shape), &mut out);
        }));
    }
    timings
}

/// A graph with hubs: about ten edges a node by the recursive-matrix model (Chakrabarti et al. 2004)
/// over 2^`scale` nodes, whose numbers are scrambled.
fn hubs(numbers: &mut Numbers, scale: u32) -> Graph {
    let nodes = 1usize << scale;
    let scramble = |node: u32| (node.wrapping_mul(0x9e37_79b1) ^ 0x55) & (nodes as u32 - 1);
    let edges = (0..10 * nodes).map(|_| {
        let (mut source, mut target) = (0u32, 0u32);
        for _ in 0..scale {
            let draw = numbers.below(100);
            source = source << 1 | u32::from(draw >= 76);
            target = target << 1 | u32::from((57..76).contains(&draw) || draw >= 95);
        }
        let weight = 0.1 + 0.9 * numbers.share();
        Edge { source: scramble(source), target: scramble(target), kind: 0, weight }
    });
    match Graph::from_edges(nodes, edges) {
        Ok(graph) => graph,
        Err(error) => unreachable!("{error}"),
    }
}
