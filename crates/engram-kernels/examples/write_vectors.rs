//! Writes the golden vectors (`vectors/*.txt`): inputs, and what the portable kernels make of them, as
//! bits. Run it after the contract changed on purpose, and read the difference:
//!
//! ```text
//! cargo run --release -p engram-kernels --example write_vectors
//! ```
//!
//! Everything random comes from integers, so that every machine writes the same files. The form is
//! described in `vectors/README.md`.

use std::fmt::Write as _;
use std::path::Path;

use engram_kernels::{
    Curve, Dangling, Edge, FanExponent, Graph, SpreadMethod, SpreadParameters, apply_decay,
    spread_activation_into, vector_dot, vector_dot_i8_into, vector_dot_top_k, vector_norms,
    vector_similarity,
};

/// Numbers from a xorshift generator.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 11) % bound
    }

    /// Uniform in [0, 1).
    fn share(&mut self) -> f32 {
        (self.next() >> 40) as f32 / 16_777_216.0
    }

    /// Uniform in [−1, 1).
    fn signed(&mut self) -> f32 {
        2.0 * self.share() - 1.0
    }

    /// Of any magnitude: random bits, but with an exponent within 2^±`spread`.
    fn wide(&mut self, spread: u64) -> f64 {
        let exponent = 1023 - spread + self.below(2 * spread);
        f64::from_bits(self.next() >> 12 | exponent << 52)
    }
}

/// A file under construction.
struct Vectors(String);

impl Vectors {
    fn case(&mut self, kind: &str) {
        let _ = writeln!(self.0, "case {kind}");
    }

    fn words(&mut self, name: &str, words: impl IntoIterator<Item = u32>) {
        self.0.push_str(name);
        for word in words {
            let _ = write!(self.0, " {word:08x}");
        }
        self.0.push('\n');
    }

    /// All NaNs are written as one.
    fn floats(&mut self, name: &str, numbers: &[f32]) {
        self.words(name, numbers.iter().map(|x| if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() }));
    }

    /// The low word first.
    fn doubles(&mut self, name: &str, numbers: &[f64]) {
        self.words(name, numbers.iter().flat_map(|x| [x.to_bits() as u32, (x.to_bits() >> 32) as u32]));
    }
}

fn similarity() -> String {
    let mut vectors = Vectors(String::new());
    let mut numbers = Numbers(0x5eed);
    let mut case = |query: &[f32], rows: &[f32]| {
        vectors.case("similarity");
        vectors.floats("query", query);
        vectors.floats("rows", rows);
        vectors.floats("dot", &vector_dot(query, rows));
        vectors.floats("norms", &vector_norms(rows, query.len()));
        vectors.floats("cosine", &vector_similarity(query, rows));
        vectors.words("best", vector_dot_top_k(query, rows, 3).iter().map(|scored| scored.id));
    };
    for dimensions in [1, 2, 3, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 96, 100, 127, 130] {
        let query: Vec<f32> = (0..dimensions).map(|_| numbers.signed()).collect();
        let rows: Vec<f32> = (0..5 * dimensions).map(|_| numbers.signed()).collect();
        case(&query, &rows);
    }
    // Zeros, infinities, NaNs, overflow and underflow.
    let odd = [0.0, -0.0, 1.0, -1.0, 1e30, -1e-30, f32::MAX, f32::from_bits(1), f32::INFINITY, f32::NAN];
    for q in odd {
        case(&[q], &odd);
        case(&[q, 1.0], &odd.iter().flat_map(|&c| [c, 0.5]).collect::<Vec<f32>>());
    }
    for dimensions in [1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 130] {
        // At the end what wraps: −2^15 · −2^7, more often than 32 bits can hold.
        for extreme in [false, true] {
            let query: Vec<i16> =
                (0..dimensions).map(|_| if extreme { i16::MIN } else { numbers.next() as i16 }).collect();
            let codes: Vec<i8> = (0..5 * dimensions)
                .map(|_| if extreme && numbers.below(3) > 0 { i8::MIN } else { numbers.next() as i8 })
                .collect();
            let mut dots = [0; 5];
            vector_dot_i8_into(&query, &codes, &mut dots);
            vectors.case("integers");
            vectors.words("integers", query.iter().map(|&x| i32::from(x) as u32));
            vectors.words("codes", codes.iter().map(|&x| i32::from(x) as u32));
            vectors.words("dot_i8", dots.iter().map(|&x| x as u32));
        }
    }
    vectors.0
}

fn decay() -> String {
    let mut vectors = Vectors(String::new());
    let mut numbers = Numbers(0xdeca);
    let mut strengths: Vec<f32> = (0..150).map(|_| numbers.share()).collect();
    let mut ages: Vec<f64> = (0..150).map(|_| numbers.wide(14) * 1e5).collect();
    let mut stabilities: Vec<f64> = (0..150).map(|_| numbers.wide(7) * 1e5).collect();
    let odd = [0.0, -0.0, -1.0, 1.0, 125.99, 126.0, 126.01, 1e300, 5e-324, f64::INFINITY, f64::NAN];
    for age in odd {
        for stability in odd {
            strengths.push(1.0);
            ages.push(age);
            stabilities.push(stability);
        }
    }
    vectors.case("memories");
    vectors.floats("strengths", &strengths);
    vectors.doubles("ages", &ages);
    vectors.doubles("stabilities", &stabilities);
    for (name, curve) in [("half_life", Curve::half_life()), ("time_constant", Curve::time_constant())] {
        vectors.floats(name, &apply_decay(&strengths, &ages, &stabilities, curve));
    }
    for exponent in [0.1, 0.5, 1.0, 7.25] {
        let Ok(curve) = Curve::power(exponent) else { unreachable!("finite and above 0") };
        vectors.case("power");
        vectors.floats("exponent", &[exponent]);
        vectors.floats("power", &apply_decay(&strengths, &ages, &stabilities, curve));
    }
    vectors.0
}

/// A graph with hubs: targets are drawn twice, and the lesser counts.
fn graph(numbers: &mut Numbers, nodes: u64, edges: u64) -> Graph {
    let edges = (0..edges).map(|_| Edge {
        source: numbers.below(nodes) as u32,
        target: numbers.below(nodes).min(numbers.below(nodes)) as u32,
        kind: numbers.below(3) as u8,
        weight: numbers.share() + 0.01,
    });
    Graph::from_edges(nodes as usize, edges).unwrap_or_else(|error| unreachable!("{error}"))
}

/// What arrives at each node when each releases so much.
fn hop(graph: &Graph, released: &[f32]) -> Vec<f32> {
    let mut arrived = vec![0.0; graph.nodes()];
    for (source, &released) in (0..).zip(released) {
        let (targets, weights) = graph.row(source);
        for (&target, &weight) in targets.iter().zip(weights) {
            arrived[target as usize] += released * weight;
        }
    }
    arrived
}

fn spreading() -> String {
    let mut vectors = Vectors(String::new());
    let mut numbers = Numbers(0x59ead);
    let mut amounts = Numbers(0xa40);
    let page_rank = SpreadParameters::personalised_page_rank(0.85);
    let leaky = SpreadParameters::leaky(0.2, 0.5, 4);
    let constrained = SpreadParameters::constrained(0.8, 0.05, 3);
    let rules = [
        page_rank,
        page_rank.with_dangling(Dangling::ReturnToSeeds).with_max_hops(7),
        leaky,
        constrained,
        constrained.with_fan_exponent(FanExponent::Half).with_firing_threshold(0.01, FanExponent::Half),
        constrained.with_fan_exponent(FanExponent::One).with_firing_threshold(0.01, FanExponent::One),
        constrained.with_retention(0.0).with_fan_limit(6),
        SpreadParameters::act_r(),
    ];
    for (nodes, edges) in [(1, 0), (1, 2), (9, 20), (70, 400), (150, 300)] {
        let graph = graph(&mut numbers, nodes, edges);
        let seeds: Vec<(u32, f32)> = (0..4).map(|_| (numbers.below(nodes) as u32, numbers.share())).collect();
        vectors.case("graph");
        vectors.words("offsets", graph.offsets().iter().copied());
        vectors.words("targets", graph.targets().iter().copied());
        vectors.floats("weights", graph.weights());
        vectors.floats("out_weights", graph.out_weights());
        vectors.words("seed_nodes", seeds.iter().map(|seed| seed.0));
        vectors.floats("seed_activations", &seeds.iter().map(|seed| seed.1).collect::<Vec<f32>>());
        // Hops: most nodes release nothing; then releases of any magnitude.
        for spread in [0, 40] {
            let released: Vec<f32> = (0..nodes)
                .map(|_| match amounts.below(3) {
                    0 => 0.0,
                    _ if spread == 0 => amounts.share(),
                    _ => amounts.wide(spread) as f32,
                })
                .collect();
            vectors.case("hop");
            vectors.floats("released", &released);
            vectors.floats("arrived", &hop(&graph, &released));
        }
        for p in rules {
            let Ok(rule) = p.check() else { unreachable!("rules are good") };
            let mut activation = vec![0.0; graph.nodes()];
            let spread = spread_activation_into(&graph, &seeds, &rule, SpreadMethod::Push, &mut activation);
            assert_eq!(spread, Ok(()));
            vectors.case("spread");
            vectors
                .floats("numbers", &[p.restart, p.retention, p.hop_decay, p.firing_threshold, p.tolerance]);
            vectors.words(
                "choices",
                [
                    p.fan_exponent as u32,
                    p.threshold_fan_exponent as u32,
                    p.fan_limit.unwrap_or(u32::MAX),
                    p.max_hops.unwrap_or(u32::MAX),
                    u32::from(p.dangling == Dangling::ReturnToSeeds),
                ],
            );
            vectors.floats("activation", &activation);
        }
    }
    vectors.0
}

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    std::fs::write(folder.join("similarity.txt"), similarity())?;
    std::fs::write(folder.join("decay.txt"), decay())?;
    std::fs::write(folder.join("spreading.txt"), spreading())
}
