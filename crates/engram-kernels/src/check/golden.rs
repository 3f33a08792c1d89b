//! The golden vectors, which say in bits what every implementation in every language gives.

use std::collections::HashMap;

use super::CheckReport;
use crate::backend::Kernels;
use crate::decay::{Curve, Shape};
use crate::graph::Graph;
use crate::spreading::{Dangling, FanExponent, SpreadMethod, SpreadParameters, Spreading};
use crate::top_k::TopK;

const SIMILARITY: &str = include_str!("../../vectors/similarity.txt");
const DECAY: &str = include_str!("../../vectors/decay.txt");
const SPREADING: &str = include_str!("../../vectors/spreading.txt");

/// The lines seen so far, by name; a later line replaces an earlier one of its name.
type Lines<'a> = HashMap<&'a str, Vec<u32>>;

fn floats(words: &[u32]) -> Vec<f32> {
    words.iter().map(|&word| f32::from_bits(word)).collect()
}

fn doubles(words: &[u32]) -> Vec<f64> {
    let (pairs, _) = words.as_chunks::<2>();
    pairs.iter().map(|&[low, high]| f64::from_bits(u64::from(high) << 32 | u64::from(low))).collect()
}

/// Calls `check` at the end of each case, with its kind and the lines so far.
fn each_case<'a>(text: &'a str, mut check: impl FnMut(&str, &Lines<'a>)) {
    let mut lines = Lines::new();
    let mut kind = "";
    for line in text.lines().chain(["case"]) {
        let mut words = line.split(' ');
        let name = words.next().unwrap_or_default();
        if name == "case" {
            if !kind.is_empty() {
                check(kind, &lines);
            }
            kind = words.next().unwrap_or_default();
        } else {
            let words = words.map(|word| u32::from_str_radix(word, 16).unwrap_or_default());
            lines.insert(name, words.collect());
        }
    }
}

pub(super) fn check(kernels: Kernels, report: &mut CheckReport) {
    each_case(SIMILARITY, |kind, lines| {
        if kind == "integers" {
            let query: Vec<i16> = lines["integers"].iter().map(|&word| word as i16).collect();
            let codes: Vec<i8> = lines["codes"].iter().map(|&word| word as i8).collect();
            let mut found = vec![0; codes.len() / query.len()];
            kernels.vector_dot_i8_into(&query, &codes, &mut found);
            let expected = lines["dot_i8"].iter().map(|&word| word as i32);
            report.expect(found.iter().copied().eq(expected), || format!("golden dot_i8: {found:?}"));
            return;
        }
        let (query, rows) = (floats(&lines["query"]), floats(&lines["rows"]));
        let mut found = vec![0.0; rows.len() / query.len()];
        kernels.vector_dot_into(&query, &rows, &mut found);
        report.expect_bits(&found, &floats(&lines["dot"]), || "golden dot".into());
        kernels.vector_norms_into(&rows, query.len(), &mut found);
        report.expect_bits(&found, &floats(&lines["norms"]), || "golden norms".into());
        kernels.vector_similarity_into(&query, &rows, &mut found);
        report.expect_bits(&found, &floats(&lines["cosine"]), || "golden cosine".into());
        let mut best = TopK::with_kernels(3, kernels);
        best.scan_dot(&query, &rows, 0, None);
        let ids: Vec<u32> = best.into_sorted().iter().map(|scored| scored.id).collect();
        report.expect(ids == lines["best"], || format!("golden best: {ids:?}"));
    });
    each_case(DECAY, |kind, lines| {
        let strengths = floats(&lines["strengths"]);
        let (ages, stabilities) = (doubles(&lines["ages"]), doubles(&lines["stabilities"]));
        let mut found = vec![0.0; strengths.len()];
        let shapes: &[(&str, Shape)] = if kind == "power" {
            &[("power", Shape::Power(f32::from_bits(lines["exponent"][0])))]
        } else {
            &[("half_life", Shape::HalfLife), ("time_constant", Shape::TimeConstant)]
        };
        for &(name, shape) in shapes {
            kernels.apply_decay_into(&strengths, &ages, &stabilities, Curve(shape), &mut found);
            report.expect_bits(&found, &floats(&lines[name]), || format!("golden {name}"));
        }
    });
    each_case(SPREADING, |kind, lines| match kind {
        "hop" => hop(kernels, report, lines),
        "spread" => spread(kernels, report, lines),
        _ => {}
    });
}

fn graph(lines: &Lines<'_>) -> Graph {
    let nodes = lines["offsets"].len() - 1;
    let (offsets, targets) = (lines["offsets"].clone(), lines["targets"].clone());
    match Graph::from_csr(nodes, offsets, targets, floats(&lines["weights"])) {
        Ok(graph) => graph,
        Err(error) => unreachable!("the golden graphs are good: {error}"),
    }
}

fn hop(kernels: Kernels, report: &mut CheckReport, lines: &Lines<'_>) {
    let graph = graph(lines);
    let (released, expected) = (floats(&lines["released"]), floats(&lines["arrived"]));
    let sources: Vec<u32> = (0..graph.nodes() as u32).collect();
    let mut arrived = vec![0.0; graph.nodes()];
    let rows = graph.block().compressed_rows();
    kernels.spread_push(&sources, &released, rows, &mut arrived, None);
    report.expect_bits(&arrived, &expected, || "golden push".into());
    let mut by_slot = vec![0.0; graph.nodes()];
    for (&slot, &released) in graph.source_order().slots().iter().zip(&released) {
        by_slot[slot as usize] = released;
    }
    kernels.spread_pull(graph.pull_rows(), &by_slot, &mut arrived);
    report.expect_bits(&arrived, &expected, || "golden pull".into());
}

fn spread(kernels: Kernels, report: &mut CheckReport, lines: &Lines<'_>) {
    let graph = graph(lines);
    let nodes = graph.nodes();
    let activations = floats(&lines["seed_activations"]);
    let seeds: Vec<(u32, f32)> = lines["seed_nodes"].iter().copied().zip(activations).collect();
    let numbers = floats(&lines["numbers"]);
    let [fan, threshold_fan, fan_limit, max_hops, returns] = lines["choices"][..] else {
        unreachable!("five choices")
    };
    let exponent = |choice| match choice {
        0 => FanExponent::Zero,
        1 => FanExponent::Half,
        _ => FanExponent::One,
    };
    let mut parameters = SpreadParameters::act_r()
        .with_restart(numbers[0])
        .with_retention(numbers[1])
        .with_hop_decay(numbers[2])
        .with_firing_threshold(numbers[3], exponent(threshold_fan))
        .with_tolerance(numbers[4])
        .with_fan_exponent(exponent(fan))
        .with_dangling(if returns == 1 { Dangling::ReturnToSeeds } else { Dangling::Drop });
    parameters.fan_limit = (fan_limit != u32::MAX).then_some(fan_limit);
    parameters.max_hops = (max_hops != u32::MAX).then_some(max_hops);
    let rule = match parameters.check() {
        Ok(rule) => rule,
        Err(error) => unreachable!("the golden rules are good: {error}"),
    };
    for method in [SpreadMethod::Push, SpreadMethod::Pull] {
        let mut spreading = Spreading::with_kernels(nodes, kernels);
        if let Err(error) = spreading.run(&graph, &seeds, &rule, method) {
            unreachable!("the golden seeds are good: {error}");
        }
        report.expect_bits(spreading.activations(), &floats(&lines["activation"]), || {
            format!("golden spreading, {method:?}")
        });
    }
}
