//! The decay of a million memories.
#![allow(missing_docs, reason = "criterion's macros make a public function")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engram_kernels::{Curve, Kernels};

const MEMORIES: usize = 1_000_000;

fn decay(criterion: &mut Criterion) {
    let strengths = vec![0.75; MEMORIES];
    let ages: Vec<f64> = (0..MEMORIES).map(|i| i as f64 * 31.0).collect();
    let stabilities: Vec<f64> = (0..MEMORIES).map(|i| 86_400.0 * (1 + i % 90) as f64).collect();
    let mut out = vec![0.0; MEMORIES];
    let mut group = criterion.benchmark_group("decay/1M");
    group.throughput(Throughput::Elements(MEMORIES as u64));
    let curves = [
        ("half_life", Ok(Curve::half_life())),
        ("time_constant", Ok(Curve::time_constant())),
        ("power", Curve::power(0.5)),
    ];
    for (name, curve) in curves {
        let Ok(curve) = curve else { unreachable!("the exponent is good") };
        for kernels in Kernels::all() {
            group.bench_function(format!("{name}/{}", kernels.level()), |b| {
                b.iter(|| {
                    kernels.apply_decay_into(black_box(&strengths), &ages, &stabilities, curve, &mut out);
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, decay);
criterion_main!(benches);
