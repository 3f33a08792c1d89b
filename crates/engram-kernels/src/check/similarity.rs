//! Similarity against the portable kernels and against `f64`; top-k against sorting and against codes.

use super::numbers::{KINDS, Numbers};
use super::{CheckReport, bits};
use crate::backend::Kernels;
use crate::quantised::{QuantisedScan, QuantisedVectors};
use crate::top_k::{Scored, TopK};

/// Longest vector.
const LENGTHS: usize = 260;
/// Offsets of an `f32` within 64 bytes.
const ALIGNMENTS: usize = 16;
/// Most rows.
const ROWS: usize = 9;

pub(super) fn check(kernels: Kernels, report: &mut CheckReport) {
    let mut numbers = Numbers(0x51f7);
    for (kind, name) in KINDS.iter().enumerate() {
        let queries: Vec<f32> = (0..LENGTHS + ALIGNMENTS).map(|_| numbers.of_kind(kind)).collect();
        let blocks: Vec<f32> = (0..ROWS * LENGTHS + ALIGNMENTS).map(|_| numbers.of_kind(kind)).collect();
        for length in 0..=LENGTHS {
            for start in 0..ALIGNMENTS {
                let query_start = (start * 7 + length) % ALIGNMENTS;
                let rows = 1 + (length + start) % ROWS;
                let query = &queries[query_start..query_start + length];
                let block = &blocks[start..start + rows * length];
                let case = || format!("{rows} rows of {length} {name} numbers, {start} off");
                compare(kernels, report, query, block, rows, kind == 0, &case);
            }
        }
    }
    integers(kernels, report, &mut numbers);
    top_k(kernels, report, &mut numbers);
}

/// Dot products of integers: every length and alignment.
fn integers(kernels: Kernels, report: &mut CheckReport, numbers: &mut Numbers) {
    let queries: Vec<i16> = (0..LENGTHS + ALIGNMENTS).map(|_| numbers.next() as i16).collect();
    let blocks: Vec<i8> = (0..ROWS * LENGTHS + ALIGNMENTS).map(|_| numbers.next() as i8).collect();
    for length in 0..=LENGTHS {
        for start in 0..ALIGNMENTS {
            let rows = 1 + (length + start) % ROWS;
            let (query, block) = (&queries[start / 2..][..length], &blocks[start..][..rows * length]);
            let [found, expected] = [kernels, Kernels::portable()].map(|kernels| {
                let mut dots = [i32::MIN; ROWS];
                kernels.vector_dot_i8_into(query, block, &mut dots[..rows]);
                dots
            });
            report.expect(found == expected, || {
                format!("{rows} rows of {length} codes, {start} off: {found:?}, not {expected:?}")
            });
        }
    }
}

/// One query and one block, all three functions.
fn compare(
    kernels: Kernels,
    report: &mut CheckReport,
    query: &[f32],
    block: &[f32],
    rows: usize,
    exact: bool,
    case: &dyn Fn() -> String,
) {
    let portable = Kernels::portable();
    let (mut found, mut expected) = ([f32::NAN; ROWS], [f32::NAN; ROWS]);
    let (found, expected) = (&mut found[..rows], &mut expected[..rows]);

    kernels.vector_dot_into(query, block, found);
    portable.vector_dot_into(query, block, expected);
    report.expect_bits(found, expected, || format!("dot of {}", case()));
    let dots = found.to_vec();

    kernels.vector_norms_into(block, query.len(), found);
    portable.vector_norms_into(block, query.len(), expected);
    report.expect_bits(found, expected, || format!("norm of {}", case()));
    let norms = found.to_vec();

    kernels.vector_similarity_into(query, block, found);
    portable.vector_similarity_into(query, block, expected);
    report.expect_bits(found, expected, || format!("cosine of {}", case()));

    if exact && !query.is_empty() {
        let (query_square, _) = dot_in_f64(query, query);
        for (r, row) in block.chunks_exact(query.len()).enumerate() {
            let (dot, magnitude) = dot_in_f64(query, row);
            let (square, _) = dot_in_f64(row, row);
            // At most n/32 + 1 additions in a lane, 5 in the fold, and one multiplication, of which
            // each rounds by half a unit.
            let share = (query.len() as f64 / 32.0 + 7.0) * f64::from(f32::EPSILON) / 2.0 * 1.01;
            let cosine = dot / (query_square.sqrt() * square.sqrt());
            for (what, found, truth, bound) in [
                ("dot", dots[r], dot, share * magnitude),
                ("norm", norms[r], square.sqrt(), share * square.sqrt()),
                ("cosine", found[r], cosine, 3.0 * share),
            ] {
                report.expect((f64::from(found) - truth).abs() <= bound, || {
                    format!("{what} of {}, row {r}: {found:e}, in f64 {truth:e}", case())
                });
            }
        }
    }
}

/// The dot product, and the sum of the products' magnitudes.
fn dot_in_f64(a: &[f32], b: &[f32]) -> (f64, f64) {
    a.iter().zip(b).fold((0.0, 0.0), |(sum, magnitude), (&x, &y)| {
        let product = f64::from(x) * f64::from(y);
        (sum + product, magnitude + product.abs())
    })
}

/// Top-k against sorting everything, with masks and ties.
fn top_k(kernels: Kernels, report: &mut CheckReport, numbers: &mut Numbers) {
    for dimensions in [1, 3, 16, 100] {
        for rows in [0usize, 1, 63, 64, 65, 300] {
            // Few values, so that there are ties; some NaNs.
            let query: Vec<f32> = (0..dimensions).map(|_| numbers.below(3) as f32 - 1.0).collect();
            let block: Vec<f32> = (0..rows * dimensions)
                .map(|_| if numbers.below(500) == 0 { f32::NAN } else { numbers.below(3) as f32 - 1.0 })
                .collect();
            let mask: Vec<u64> = (0..rows.div_ceil(64)).map(|_| numbers.next() | numbers.next()).collect();
            let quantised = QuantisedVectors::new(&block, dimensions);
            for allowed in [None, Some(&mask[..])] {
                for k in [0, 1, 10, 1000] {
                    let [found, expected] = [kernels, Kernels::portable()].map(|kernels| {
                        let mut dots = TopK::with_kernels(k, kernels);
                        dots.scan_dot(&query, &block, 0, allowed);
                        let mut cosines = TopK::with_kernels(k, kernels);
                        cosines.scan_similarity(&query, &block, 0, allowed);
                        let mut scan = QuantisedScan::with_kernels(k, &query, kernels);
                        scan.scan(quantised.rows(), 0, allowed);
                        let by_codes = scan.finish(|id| &block[id as usize * dimensions..][..dimensions]);
                        let mut hits = dots.into_sorted();
                        let same =
                            |(a, b): (&Scored, &Scored)| a.id == b.id && bits(a.score) == bits(b.score);
                        let agree = hits.len() == by_codes.len() && hits.iter().zip(&by_codes).all(same);
                        report.expect(agree, || {
                            format!("the best {k} of {rows} rows by codes: {by_codes:?}, not {hits:?}")
                        });
                        hits.extend(cosines.into_sorted());
                        hits.into_iter().map(|hit| (hit.id, bits(hit.score))).collect::<Vec<_>>()
                    });
                    report.expect(found == expected, || {
                        format!(
                            "the best {k} of {rows} rows of {dimensions} numbers: {found:?}, not {expected:?}"
                        )
                    });
                }
            }
        }
    }
}
