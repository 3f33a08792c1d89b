//! The ten best of a block that fits no cache: exactly, whatever the vectors are like.

use std::rc::Rc;

use anyhow::{Result, bail, ensure};
use engram_kernels::{Kernels, QuantisedRows, QuantisedScan, QuantisedVectors, Scored, TopK};
use usearch::{Index, IndexOptions, MetricKind, ScalarKind};

use crate::contender::{Contender, OURS, Ours, Role};
use crate::folder::{self, Block};
use crate::jobs::Job;
use crate::rounds::Times;
use crate::seeded::Numbers;
use crate::session::{Comparison, Session};
use crate::similarity::plain_read;

const K: usize = 10;

/// Makes so many vectors of so many dimensions.
type Maker = fn(&mut Numbers, usize, usize) -> Vec<f32>;

/// How the vectors lie.
const SHAPES: [(&str, Maker); 4] =
    [("random", random), ("clustered", clustered), ("duplicated", duplicated), ("near-tied", near_tied)];

fn random(numbers: &mut Numbers, rows: usize, dimensions: usize) -> Vec<f32> {
    numbers.centred(rows * dimensions)
}

/// A thousand centres, each with vectors about it.
fn clustered(numbers: &mut Numbers, rows: usize, dimensions: usize) -> Vec<f32> {
    let centres = numbers.centred(1_000 * dimensions);
    let mut vectors = Vec::with_capacity(rows * dimensions);
    for _ in 0..rows {
        let centre = numbers.below(1_000) as usize * dimensions;
        vectors.extend(centres[centre..centre + dimensions].iter().map(|c| c + 0.2 * (numbers.unit() - 0.5)));
    }
    vectors
}

/// A thousand vectors, again and again: most ranks are decided by the id.
fn duplicated(numbers: &mut Numbers, rows: usize, dimensions: usize) -> Vec<f32> {
    let originals = numbers.centred(1_000 * dimensions);
    let mut vectors = Vec::with_capacity(rows * dimensions);
    for _ in 0..rows {
        let original = numbers.below(1_000) as usize * dimensions;
        vectors.extend_from_slice(&originals[original..original + dimensions]);
    }
    vectors
}

/// One vector with noise far below what 8 bits resolve: no bound can tell any two apart.
fn near_tied(numbers: &mut Numbers, rows: usize, dimensions: usize) -> Vec<f32> {
    let original = numbers.centred(dimensions);
    let mut vectors = Vec::with_capacity(rows * dimensions);
    for _ in 0..rows {
        vectors.extend(original.iter().map(|x| x + 1e-5 * (numbers.unit() - 0.5)));
    }
    vectors
}

pub fn run(session: &mut Session) -> Result<()> {
    let (rows, dimensions) = if session.quick { (3_000, 96) } else { (200_000, 768) };
    for (shape, make) in SHAPES {
        let vectors = folder::file(&format!("{shape}-{dimensions}-{rows}"), || {
            make(&mut Numbers(shape.len() as u64), rows, dimensions)
        })?;
        let query = folder::file(&format!("query-{dimensions}"), || Numbers(!768).centred(dimensions))?;
        let job = Job::TopK { dimensions, rows, k: K, vectors, query };
        let set = set(&job)?;
        let mut contenders = of_set(&set, &OURS);
        contenders.push(full_scan(&set));
        contenders.push(of_usearch(&set)?);
        if shape == "random" {
            contenders.extend(limits_and_threads(&set));
        }
        let work = format!("{K} of {rows} × {dimensions}, {shape}");
        let times = session.compare(
            &job,
            contenders,
            Comparison { bench: "topk", work, unit: "vector", units: rows as f64, tolerance: 1e-4 },
        )?;
        let scored = scored_exactly(&set)?;
        session.report.note(format!(
            "{} bytes a vector; {scored} of {rows} vectors scored exactly; ids and bits are those of the full scan",
            bytes_per_vector(set.rows())
        ));
        if shape == "random" {
            session.report.note(gain(&times)?);
        }
    }
    Ok(())
}

/// Bytes that a scan reads of each vector: its codes, its scale and its two lengths.
fn bytes_per_vector(rows: QuantisedRows<'_>) -> usize {
    rows.dimensions() + 3 * size_of::<f32>()
}

/// Vectors twice: as they are, and quantised.
struct Set {
    dimensions: usize,
    k: usize,
    query: Block<f32>,
    vectors: Block<f32>,
    quantised: QuantisedVectors,
    codes: Block<i8>,
}

impl Set {
    fn vectors_from(&self, id: u32) -> &[f32] {
        &self.vectors[id as usize * self.dimensions..]
    }

    /// The quantised vectors, with codes where everybody's numbers lie.
    fn rows(&self) -> QuantisedRows<'_> {
        let rows = self.quantised.rows();
        QuantisedRows::new(self.dimensions, &self.codes, rows.scales(), rows.residual_norms(), rows.norms())
    }

    fn scan(&self, kernels: Kernels, rows: QuantisedRows<'_>, first_id: u32) -> QuantisedScan {
        let mut scan = QuantisedScan::with_kernels(self.k, &self.query, kernels);
        scan.scan(rows, first_id, None);
        scan
    }

    fn halves(&self) -> [(QuantisedRows<'_>, u32); 2] {
        let rows = self.rows();
        let (middle, dimensions) = (rows.len() / 2, self.dimensions);
        let part = |from: usize, to: usize| {
            QuantisedRows::new(
                dimensions,
                &rows.codes()[from * dimensions..to * dimensions],
                &rows.scales()[from..to],
                &rows.residual_norms()[from..to],
                &rows.norms()[from..to],
            )
        };
        [(part(0, middle), 0), (part(middle, rows.len()), middle as u32)]
    }
}

fn set(job: &Job) -> Result<Rc<Set>> {
    let Job::TopK { dimensions, rows, k, vectors, query } = job else { bail!("not about top-k: {job:?}") };
    let vectors = Block::read(vectors, rows * dimensions)?;
    let quantised = QuantisedVectors::new(&vectors, *dimensions);
    let query = Block::read(query, *dimensions)?;
    let codes = Block::copy_of(quantised.rows().codes())?;
    Ok(Rc::new(Set { dimensions: *dimensions, k: *k, query, vectors, quantised, codes }))
}

/// The scores alone: of equal ones, peers may take any.
fn scores(best: &[Scored]) -> Vec<f32> {
    best.iter().map(|scored| scored.score).collect()
}

/// Engram's scan of codes, with exact scores for what they leave.
pub fn kernels(job: &Job, kernels: &[Ours]) -> Result<Vec<Contender>> {
    Ok(of_set(&set(job)?, kernels))
}

fn of_set(set: &Rc<Set>, kernels: &[Ours]) -> Vec<Contender> {
    let one = |Ours { name, role, kernels }: &Ours| {
        let (set, kernels) = (Rc::clone(set), kernels());
        let call = move |best: &mut Vec<Scored>| {
            *best = set.scan(kernels, set.rows(), 0).finish(|id| set.vectors_from(id));
        };
        Contender::local(*name, *role, Vec::new(), call, |best| scores(best))
    };
    kernels.iter().map(one).collect()
}

fn full_scan(set: &Rc<Set>) -> Contender {
    let set = Rc::clone(set);
    let call = move |best: &mut Vec<Scored>| *best = scan_all(&set);
    Contender::local("Engram, full scan", Role::Variant, Vec::new(), call, |best| scores(best))
}

/// usearch's exact search, which goes over all vectors of an index: the graph that it keeps besides has as few
/// edges as it may.
fn of_usearch(set: &Rc<Set>) -> Result<Contender> {
    let index = Index::new(&IndexOptions {
        dimensions: set.dimensions,
        metric: MetricKind::IP,
        quantization: ScalarKind::F32,
        connectivity: 2,
        expansion_add: 1,
        expansion_search: 1,
        multi: false,
    })?;
    index.reserve(set.vectors.len() / set.dimensions)?;
    for (id, vector) in (0..).zip(set.vectors.chunks_exact(set.dimensions)) {
        index.add(id, vector)?;
    }
    let set = Rc::clone(set);
    let name = format!("usearch {} exact", usearch::version());
    let call = move |distances: &mut Vec<f32>| {
        *distances = index.exact_search(&set.query, set.k).map_or(Vec::new(), |found| found.distances);
    };
    // Its distance is 1 − dot product.
    let scores = |distances: &Vec<f32>| distances.iter().map(|distance| 1.0 - distance).collect();
    Ok(Contender::local(name, Role::Peer, Vec::new(), call, scores))
}

fn scan_all(set: &Set) -> Vec<Scored> {
    let mut best = TopK::with_kernels(set.k, Kernels::best());
    best.scan_dot(&set.query, &set.vectors, 0, None);
    best.into_sorted()
}

/// How many vectors were scored exactly; refuses a result that is not the full scan's, ids and bits.
fn scored_exactly(set: &Set) -> Result<usize> {
    let mut scored = 0;
    let best = set.scan(Kernels::best(), set.rows(), 0).finish(|id| {
        scored += 1;
        &set.vectors_from(id)[..set.dimensions]
    });
    let full = scan_all(set);
    let key = |best: &[Scored]| best.iter().map(|s| (s.id, s.score.to_bits())).collect::<Vec<_>>();
    ensure!(key(&best) == key(&full), "the scan of codes gave {best:?}, the full scan {full:?}");
    Ok(scored)
}

/// Plain reads of the codes, and two threads of each.
fn limits_and_threads(set: &Rc<Set>) -> Vec<Contender> {
    let read = |codes: &[i8]| plain_read(bytemuck::cast_slice(&codes[..codes.len() / 4 * 4]));
    let (one, two, both) = (Rc::clone(set), Rc::clone(set), Rc::clone(set));
    vec![
        Contender::local(
            "plain read of the codes",
            Role::Limit,
            0u32,
            move |sum| *sum = read(one.rows().codes()),
            |_| Vec::new(),
        ),
        Contender::local(
            "plain read of the codes, 2 threads",
            Role::Limit,
            0u32,
            move |sum| {
                let [(a, _), (b, _)] = two.halves();
                *sum = std::thread::scope(|scope| {
                    let other = scope.spawn(move || read(b.codes()));
                    read(a.codes()).wrapping_add(other.join().unwrap_or_default())
                });
            },
            |_| Vec::new(),
        ),
        Contender::local(
            "Engram, 2 threads",
            Role::Variant,
            Vec::new(),
            move |best| {
                let [(a, first), (b, second)] = both.halves();
                let set: &Set = &both;
                let scan = std::thread::scope(|scope| {
                    let other = scope.spawn(move || set.scan(Kernels::best(), b, second));
                    let mut scan = set.scan(Kernels::best(), a, first);
                    if let Ok(other) = other.join() {
                        scan.merge(other);
                    }
                    scan
                });
                *best = scan.finish(|id| set.vectors_from(id));
            },
            |best: &Vec<Scored>| scores(best),
        ),
    ]
}

fn gain(times: &[Times]) -> Result<String> {
    let find = |name: &str| {
        times.iter().find(|t| t.name == name).ok_or_else(|| anyhow::anyhow!("nobody is called {name}"))
    };
    let ours = find("Engram")?.over(find("Engram, 2 threads")?).median;
    let reads = find("plain read of the codes")?.over(find("plain read of the codes, 2 threads")?).median;
    Ok(format!(
        "two threads: {ours:.2} times as fast; two plain readers: {reads:.2} times; share {:.2}",
        ours / reads
    ))
}
