//! Decay against the portable kernels and against `f64`.

use super::CheckReport;
use super::numbers::Numbers;
use crate::backend::Kernels;
use crate::decay::{Curve, Shape};

/// Longest run of memories.
const LENGTHS: usize = 260;
/// Offsets of an `f32` within 64 bytes.
const ALIGNMENTS: usize = 16;

const EDGES: [f64; 22] = [
    0.0,
    -0.0,
    -1.0,
    1.0,
    1e-300,
    5e-324,
    1e-45,
    1e-38,
    0.5,
    1.5,
    125.5,
    125.99,
    126.0,
    126.01,
    127.0,
    1e30,
    3.4e38,
    3.5e38,
    1e300,
    f64::MAX,
    f64::INFINITY,
    f64::NAN,
];

/// Every curve, as a formula; their exponents are good.
const SHAPES: [Shape; 6] = [
    Shape::HalfLife,
    Shape::TimeConstant,
    Shape::Power(1.0),
    Shape::Power(0.5),
    Shape::Power(7.25),
    Shape::Power(1e-30),
];

pub(super) fn check(kernels: Kernels, report: &mut CheckReport) {
    let mut numbers = Numbers(0xdecaf);
    let room = LENGTHS + ALIGNMENTS;
    let strengths: Vec<f32> = (0..room).map(|i| numbers.of_kind(i % 7)).collect();
    let ages: Vec<f64> = (0..room).map(|_| numbers.wide(14) * 1e5).collect();
    let stabilities: Vec<f64> = (0..room).map(|_| numbers.wide(7) * 1e5).collect();
    for shape in SHAPES {
        for length in 0..=LENGTHS {
            for start in 0..ALIGNMENTS {
                let [strength_at, stability_at] = [start, (start + 5) % ALIGNMENTS];
                compare(
                    kernels,
                    report,
                    shape,
                    &strengths[strength_at..strength_at + length],
                    &ages[start..start + length],
                    &stabilities[stability_at..stability_at + length],
                );
            }
        }
        let pairs = || EDGES.into_iter().flat_map(|age| EDGES.map(|stability| (age, stability)));
        let (ages, stabilities): (Vec<f64>, Vec<f64>) = pairs().unzip();
        compare(kernels, report, shape, &vec![1.0; ages.len()], &ages, &stabilities);
        against_f64(kernels, report, shape, &mut numbers);
    }
}

fn compare(
    kernels: Kernels,
    report: &mut CheckReport,
    shape: Shape,
    strengths: &[f32],
    ages: &[f64],
    stabilities: &[f64],
) {
    let [found, expected] = [kernels, Kernels::portable()].map(|kernels| {
        let mut out = vec![f32::NAN; strengths.len()];
        kernels.apply_decay_into(strengths, ages, stabilities, Curve(shape), &mut out);
        out
    });
    report.expect_bits(&found, &expected, || format!("{shape:?} of {} memories", strengths.len()));
}

/// Retentions within the bounds that [`apply_decay`](crate::apply_decay) documents.
fn against_f64(kernels: Kernels, report: &mut CheckReport, shape: Shape, numbers: &mut Numbers) {
    let count = 10_000;
    let ages: Vec<f64> = (0..count).map(|_| numbers.wide(12)).collect();
    let stabilities: Vec<f64> = (0..count).map(|_| numbers.wide(6)).collect();
    let mut found = vec![0.0; count];
    kernels.apply_decay_into(&vec![1.0; count], &ages, &stabilities, Curve(shape), &mut found);
    for ((&found, age), stability) in found.iter().zip(ages).zip(stabilities) {
        let ratio = age / stability;
        let (halvings, exponent) = match shape {
            Shape::HalfLife => (ratio, 0.0),
            Shape::TimeConstant => (ratio * std::f64::consts::LOG2_E, 0.0),
            Shape::Power(exponent) => (f64::from(exponent) * libm::log2(1.0 + ratio), f64::from(exponent)),
        };
        let truth = libm::exp2(-halvings);
        let units = 1.25 + 3.0 * halvings + exponent;
        let bound = units * f64::from(f32::EPSILON) * truth + f64::from(f32::MIN_POSITIVE);
        report.expect((f64::from(found) - truth).abs() <= bound, || {
            format!("{shape:?} of age {age:e} and stability {stability:e}: {found:e}, in f64 {truth:e}")
        });
    }
}
