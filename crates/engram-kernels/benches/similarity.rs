//! One query of 768 dimensions against blocks that fit the second-level cache, the third, and none.
#![allow(missing_docs, reason = "criterion's macros make a public function")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engram_kernels::{Kernels, TopK};

const DIMENSIONS: usize = 768;

fn numbers(count: usize) -> Vec<f32> {
    let mut state = 12_345u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / 16_777_216.0 - 0.5
    };
    (0..count).map(|_| next()).collect()
}

fn similarity(criterion: &mut Criterion) {
    let query = numbers(DIMENSIONS);
    for rows in [64, 1000, 8000] {
        let block = numbers(rows * DIMENSIONS);
        let mut scores = vec![0.0; rows];
        let mut group = criterion.benchmark_group(format!("similarity/768x{rows}"));
        group.throughput(Throughput::Elements(rows as u64));
        for kernels in Kernels::all() {
            let level = kernels.level();
            group.bench_function(format!("dot/{level}"), |b| {
                b.iter(|| kernels.vector_dot_into(black_box(&query), &block, black_box(&mut scores)));
            });
            group.bench_function(format!("cosine/{level}"), |b| {
                b.iter(|| kernels.vector_similarity_into(black_box(&query), &block, black_box(&mut scores)));
            });
            group.bench_function(format!("norms/{level}"), |b| {
                b.iter(|| kernels.vector_norms_into(black_box(&block), DIMENSIONS, black_box(&mut scores)));
            });
            group.bench_function(format!("dot_top_10/{level}"), |b| {
                b.iter(|| {
                    let mut top_k = TopK::with_kernels(10, kernels);
                    top_k.scan_dot(black_box(&query), &block, 0, None);
                    top_k.into_sorted()
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, similarity);
criterion_main!(benches);
