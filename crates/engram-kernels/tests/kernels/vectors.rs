//! The golden vectors: the same bits as when they were written, on any machine.

use std::collections::HashMap;
use std::path::Path;

use engram_kernels::{
    Curve, Dangling, FanExponent, Graph, SpreadMethod, SpreadParameters, apply_decay, spread_activation_into,
    vector_dot, vector_dot_i8_into, vector_dot_top_k, vector_norms, vector_similarity,
};

use crate::bits;

/// The lines seen so far, by name; a later line replaces an earlier one of its name.
#[derive(Default)]
struct Lines(HashMap<String, Vec<u32>>);

impl Lines {
    fn words(&self, name: &str) -> Vec<u32> {
        self.0[name].clone()
    }

    fn floats(&self, name: &str) -> Vec<f32> {
        self.0[name].iter().map(|&word| f32::from_bits(word)).collect()
    }

    fn doubles(&self, name: &str) -> Vec<f64> {
        let (pairs, _) = self.0[name].as_chunks::<2>();
        pairs.iter().map(|&[low, high]| f64::from_bits(u64::from(high) << 32 | u64::from(low))).collect()
    }
}

/// Calls `check` at the end of each case, with its kind and the lines so far. Returns the number of
/// cases.
fn each_case(file: &str, mut check: impl FnMut(&str, &Lines)) -> usize {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(file)).unwrap();
    let mut lines = Lines::default();
    let mut cases = 0;
    let mut kind = None;
    for line in text.lines() {
        let mut words = line.split(' ');
        let name = words.next().unwrap();
        if name == "case" {
            if let Some(kind) = kind.replace(words.next().unwrap()) {
                check(kind, &lines);
                cases += 1;
            }
        } else {
            let words = words.map(|word| u32::from_str_radix(word, 16).unwrap()).collect();
            lines.0.insert(name.to_owned(), words);
        }
    }
    check(kind.unwrap(), &lines);
    cases + 1
}

#[test]
fn similarity() {
    let cases = each_case("similarity.txt", |kind, lines| {
        if kind == "integers" {
            let query: Vec<i16> = lines.words("integers").iter().map(|&word| word as i16).collect();
            let codes: Vec<i8> = lines.words("codes").iter().map(|&word| word as i8).collect();
            let mut dots = vec![0; lines.words("dot_i8").len()];
            vector_dot_i8_into(&query, &codes, &mut dots);
            assert!(dots.iter().map(|&dot| dot as u32).eq(lines.words("dot_i8").iter().copied()));
            return;
        }
        let (query, rows) = (lines.floats("query"), lines.floats("rows"));
        assert_eq!(bits(&vector_dot(&query, &rows)), lines.words("dot"));
        assert_eq!(bits(&vector_norms(&rows, query.len())), lines.words("norms"));
        assert_eq!(bits(&vector_similarity(&query, &rows)), lines.words("cosine"));
        let best = vector_dot_top_k(&query, &rows, 3);
        assert!(best.iter().map(|scored| scored.id).eq(lines.words("best").iter().copied()));
    });
    assert_eq!(cases, 67);
}

#[test]
fn decay() {
    let cases = each_case("decay.txt", |kind, lines| {
        let (strengths, ages, stabilities) =
            (lines.floats("strengths"), lines.doubles("ages"), lines.doubles("stabilities"));
        let left = |curve| bits(&apply_decay(&strengths, &ages, &stabilities, curve));
        if kind == "power" {
            let curve = Curve::power(lines.floats("exponent")[0]).unwrap();
            assert_eq!(left(curve), lines.words("power"));
        } else {
            assert_eq!(left(Curve::half_life()), lines.words("half_life"));
            assert_eq!(left(Curve::time_constant()), lines.words("time_constant"));
        }
    });
    assert_eq!(cases, 5);
}

#[test]
fn spreading() {
    let exponents = [FanExponent::Zero, FanExponent::Half, FanExponent::One];
    let cases = each_case("spreading.txt", |kind, lines| {
        let offsets = lines.words("offsets");
        let nodes = offsets.len() - 1;
        let graph = Graph::from_csr(nodes, offsets, lines.words("targets"), lines.floats("weights")).unwrap();
        assert_eq!(bits(graph.out_weights()), lines.words("out_weights"));
        if kind != "spread" {
            return; // one hop alone is a matter of `check::check_golden`
        }
        let seeds: Vec<(u32, f32)> =
            lines.words("seed_nodes").into_iter().zip(lines.floats("seed_activations")).collect();
        let (numbers, choices) = (lines.floats("numbers"), lines.words("choices"));
        let mut parameters = SpreadParameters::act_r()
            .with_restart(numbers[0])
            .with_retention(numbers[1])
            .with_hop_decay(numbers[2])
            .with_firing_threshold(numbers[3], exponents[choices[1] as usize])
            .with_tolerance(numbers[4])
            .with_fan_exponent(exponents[choices[0] as usize])
            .with_dangling(if choices[4] == 1 { Dangling::ReturnToSeeds } else { Dangling::Drop });
        parameters.fan_limit = (choices[2] != u32::MAX).then_some(choices[2]);
        parameters.max_hops = (choices[3] != u32::MAX).then_some(choices[3]);
        let rule = parameters.check().unwrap();
        for method in [SpreadMethod::Push, SpreadMethod::Pull] {
            let mut activation = vec![0.0; nodes];
            spread_activation_into(&graph, &seeds, &rule, method, &mut activation).unwrap();
            assert_eq!(bits(&activation), lines.words("activation"));
        }
    });
    assert_eq!(cases, 5 * (1 + 2 + 8));
}
