//! Whole hops, which pull, settle and release at once, against the formula.

use super::CheckReport;
use crate::backend::Kernels;
use crate::graph::{CHUNK_ROWS, Graph};
use crate::portable::batch::{Gate, LANES, Lanes, Settled};
use crate::portable::spreading::{Chunk, Chunks, Factors, next_activation};

/// κ and λ.
const FACTORS: [(f32, f32); 3] = [(0.0, 0.85), (0.5, 0.2), (1.0, 1.0)];

/// A hop into chunks, in two calls: what nodes hold is what they release, in another order.
pub(super) fn chunks(
    kernels: Kernels,
    report: &mut CheckReport,
    name: &str,
    graph: &Graph,
    released: &[f32],
) {
    let rows = graph.pull_rows();
    let (nodes, count) = (graph.nodes(), graph.nodes().div_ceil(CHUNK_ROWS));
    let sources = graph.source_order().sources().0.len().div_ceil(CHUNK_ROWS);
    let mut arrived = vec![[0.0; CHUNK_ROWS]; count];
    let by_slot = rows.nodes().iter().zip(arrived.as_flattened_mut());
    let mut by_node = vec![0.0; nodes];
    Kernels::portable().spread_pull(rows, released, &mut by_node);
    by_slot.for_each(|(&node, arrived)| *arrived = by_node[node as usize]);
    let mut long = vec![0.0; nodes];
    kernels.spread_pull_long(rows, released, &mut long);
    for &slot in rows.long_slots() {
        let arrived = &mut arrived.as_flattened_mut()[slot as usize];
        report.expect_bits(&[long[slot as usize]], &[*arrived], || format!("a long row, {name}"));
        *arrived = 0.0;
    }
    for (chunk, arrived) in arrived.iter().enumerate() {
        let found = kernels.spread_pull_chunk(rows, chunk, released);
        report.expect_bits(&found, arrived, || format!("a chunk, {name}"));
    }

    let mut before = vec![[0.0; CHUNK_ROWS]; count];
    before.as_flattened_mut().iter_mut().zip(released.iter().rev()).for_each(|(x, z)| *x = *z);
    let each = |amount: fn(usize) -> f32| -> Vec<Chunk> {
        (0..sources).map(|chunk| std::array::from_fn(|lane| amount(chunk * CHUNK_ROWS + lane))).collect()
    };
    let releases = each(|slot| 1.0 / (1 + slot) as f32);
    let thresholds = each(|slot| if slot.is_multiple_of(2) { 0.0 } else { 0.25 });
    for ((retention, hop_decay), thresholds) in
        FACTORS.into_iter().flat_map(|factors| [(factors, None), (factors, Some(&thresholds[..]))])
    {
        let factors = Factors { retention, hop_decay };
        let (mut found, mut next) = (before.clone(), vec![[-1.0; CHUNK_ROWS]; sources]);
        let (mut active, mut greatest) = (0, 0.0f32);
        let cut = count / 3;
        for chunks in [0..cut, cut..count] {
            let first = chunks.start;
            let releasing = first.min(sources)..chunks.end.min(sources);
            let chunks = Chunks {
                activation: &mut found[chunks],
                releases: &releases[releasing.clone()],
                thresholds: thresholds.map(|thresholds| &thresholds[releasing.clone()]),
                released: &mut next[releasing],
            };
            let (more, change) = kernels.spread_hop(rows, first, released, chunks, factors);
            (active, greatest) = (active + more, greatest.max(change));
        }
        let name = || format!("a hop by {factors:?}, {name}");
        let (before, arrived) = (before.as_flattened(), arrived.as_flattened());
        let settled = |(&x, &a): (&f32, &f32)| next_activation(0.0, retention * x, hop_decay * a);
        let expected: Vec<f32> = before.iter().zip(arrived).map(settled).collect();
        let given = expected.iter().zip(releases.as_flattened()).enumerate().map(|(slot, (x, release))| {
            let threshold = thresholds.map_or(0.0, |thresholds| thresholds.as_flattened()[slot]);
            if *x >= threshold { x * release } else { 0.0 }
        });
        let given: Vec<f32> = given.collect();
        let changes = expected.iter().zip(before).map(|(next, x)| (next - x).abs());
        report.expect_bits(found.as_flattened(), &expected, name);
        report.expect_bits(next.as_flattened(), &given, name);
        report.expect_bits(&[greatest], &[changes.fold(0.0, f32::max)], name);
        let expected = expected.iter().filter(|x| **x > 0.0).count();
        report.expect(active == expected, || format!("{}: {active} active, not {expected}", name()));
    }
}

/// A hop for a batch, in two calls, given what arrives: what nodes hold is what they release, in another order.
pub(super) fn batch(
    kernels: Kernels,
    report: &mut CheckReport,
    name: &str,
    graph: &Graph,
    released: &[Lanes],
    arrived: &[Lanes],
) {
    let rows = graph.in_rows();
    let (nodes, sources) = (graph.nodes(), graph.source_order().sources().0.len());
    let before: Vec<Lanes> = released.iter().rev().copied().collect();
    let half = |node: usize| if node.is_multiple_of(2) { 0.0 } else { 0.25 };
    let gates: Vec<Gate> =
        (0..sources).map(|slot| Gate { release: 1.0 / (1 + slot) as f32, threshold: half(slot) }).collect();
    for (retention, hop_decay) in FACTORS {
        let factors = Factors { retention, hop_decay };
        let (mut found, mut next) = (before.clone(), vec![Lanes([-1.0; LANES]); sources]);
        let mut greatest = Lanes([0.125; LANES]);
        let cut = nodes / 3;
        for slots in [0..cut, cut..nodes] {
            let first = slots.start;
            let releasing = first.min(sources)..slots.end.min(sources);
            let settled = Settled {
                activation: &mut found[slots],
                gates: &gates[releasing.clone()],
                released: &mut next[releasing],
            };
            kernels.spread_hop_batch(rows, first, released, settled, factors, &mut greatest);
        }
        let name = || format!("a hop for a batch by {factors:?}, {name}");
        for lane in 0..LANES {
            let of_lane = |all: &[Lanes]| -> Vec<f32> { all.iter().map(|lanes| lanes.0[lane]).collect() };
            let expected: Vec<f32> = of_lane(&before)
                .into_iter()
                .zip(of_lane(arrived))
                .map(|(x, a)| next_activation(0.0, retention * x, hop_decay * a))
                .collect();
            let releases =
                |(gate, &x): (&Gate, &f32)| if x >= gate.threshold { x * gate.release } else { 0.0 };
            let given: Vec<f32> = gates.iter().zip(&expected).map(releases).collect();
            let changes = expected.iter().zip(of_lane(&before)).map(|(next, x)| (next - x).abs());
            let change = changes.fold(0.125, f32::max);
            report.expect_bits(&of_lane(&found), &expected, name);
            report.expect_bits(&of_lane(&next), &given, name);
            report.expect_bits(&[greatest.0[lane]], &[change], name);
        }
    }
}
