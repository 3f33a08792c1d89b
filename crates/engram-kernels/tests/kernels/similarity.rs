//! Dot products, norms and cosines against `f64`, at every length and alignment.

use engram_kernels::{
    cosine_from_dot, vector_dot, vector_dot_into, vector_norms, vector_norms_into, vector_similarity,
    vector_similarity_into,
};
use proptest::prelude::*;

use crate::{Numbers, bits};

/// Rounding error of a 32-lane sum of `n` products whose magnitudes add up to `magnitude`: each term
/// goes through one multiplication, at most n/32 + 1 additions in its lane and 5 in the fold.
fn dot_error(n: usize, magnitude: f64) -> f64 {
    (n as f64 / 32.0 + 7.0) * f64::from(f32::EPSILON) / 2.0 * magnitude * 1.01
}

fn dot_f64(a: &[f32], b: &[f32]) -> (f64, f64) {
    a.iter().zip(b).fold((0.0, 0.0), |(sum, magnitude), (&x, &y)| {
        let product = f64::from(x) * f64::from(y);
        (sum + product, magnitude + product.abs())
    })
}

/// The contract, word for word: one element at a time into its lane.
fn dot_by_the_contract(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 32];
    for (i, (x, y)) in a.iter().zip(b).enumerate() {
        lanes[i % 32] += x * y;
    }
    for width in [16, 8, 4, 2, 1] {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
    }
    lanes[0]
}

#[test]
fn every_length_and_alignment() {
    let mut numbers = Numbers(1);
    let buffer: Vec<f32> = (0..16 + 7 * 130).map(|_| numbers.next_signed()).collect();
    for length in 1..=130 {
        for start in 0..16 {
            let query = &buffer[start / 2..start / 2 + length];
            let block = &buffer[start..start + 7 * length];
            let dots = vector_dot(query, block);
            let norms = vector_norms(block, length);
            let cosines = vector_similarity(query, block);
            let query_norm = vector_norms(query, length)[0];
            for (r, row) in block.chunks_exact(length).enumerate() {
                assert_eq!(dots[r].to_bits(), dot_by_the_contract(query, row).to_bits());
                assert_eq!(norms[r].to_bits(), dot_by_the_contract(row, row).sqrt().to_bits());
                assert_eq!(cosines[r].to_bits(), cosine_from_dot(dots[r], query_norm, norms[r]).to_bits());

                let (dot, magnitude) = dot_f64(query, row);
                assert!((f64::from(dots[r]) - dot).abs() <= dot_error(length, magnitude));
                let (square, _) = dot_f64(row, row);
                assert!((f64::from(norms[r]) / square.sqrt() - 1.0).abs() <= dot_error(length, 1.0));
                let scale = dot_f64(query, query).0.sqrt() * square.sqrt();
                assert!((f64::from(cosines[r]) - dot / scale).abs() <= 3.0 * dot_error(length, 1.0));
            }
        }
    }
}

#[test]
fn no_dimensions_and_no_rows() {
    assert!(vector_similarity(&[], &[]).is_empty());
    assert!(vector_dot(&[1.0], &[]).is_empty());
    assert!(vector_norms(&[], 0).is_empty());
    let mut scores = [9.0; 3];
    vector_similarity_into(&[], &[], &mut scores);
    assert_eq!(scores, [0.0; 3]);
    scores = [9.0; 3];
    vector_dot_into(&[], &[], &mut scores);
    assert_eq!(scores, [0.0; 3]);
    scores = [9.0; 3];
    vector_norms_into(&[], 0, &mut scores);
    assert_eq!(scores, [0.0; 3]);
}

#[test]
fn zeros_extremes_and_non_numbers() {
    let cosine = |a: f32, b: f32| vector_similarity(&[a], &[b])[0];
    assert_eq!(bits(&[cosine(0.0, 1.0), cosine(1.0, 0.0), cosine(-0.0, -1.0)]), [0, 0, 0]);
    assert_eq!([cosine(3.0, 7.0), cosine(-3.0, 7.0)], [1.0, -1.0]);
    assert!(cosine(f32::NAN, 1.0).is_nan() && cosine(1.0, f32::NAN).is_nan());
    assert!(cosine(f32::INFINITY, 1.0).is_nan());
    // The square overflows: finite / infinite.
    assert_eq!(bits(&[cosine(1e30, 1.0), cosine(1e30, -1.0)]), [0, 0]);
    // The square underflows to 0, so the norm counts as 0.
    assert_eq!(cosine(1e-30, 1e-30), 0.0);
    assert!(vector_dot(&[f32::INFINITY, 1.0], &[0.0, 1.0])[0].is_nan());
    assert_eq!(bits(&vector_dot(&[-0.0, 0.0], &[1.0, -1.0])), [0]);
}

#[test]
#[should_panic(expected = "2 rows of 3 dimensions need 6 numbers, but the block holds 8")]
fn a_block_that_does_not_fit() {
    let _ = vector_dot(&[1.0; 3], &[1.0; 8]);
}

#[test]
#[should_panic(expected = "3 rows of 2 dimensions need 6 numbers, but the block holds 4")]
fn scores_that_do_not_fit() {
    vector_similarity_into(&[1.0; 2], &[1.0; 4], &mut [0.0; 3]);
}

#[test]
#[should_panic(expected = "0 rows of 0 dimensions need 0 numbers, but the block holds 4")]
fn a_block_without_dimensions() {
    let _ = vector_norms(&[1.0; 4], 0);
}

proptest! {
    #[test]
    fn any_bits_follow_the_contract(
        query in prop::collection::vec(any::<u32>().prop_map(f32::from_bits), 1..80),
        seed in 1u64..,
        rows in 0usize..6,
    ) {
        let mut numbers = Numbers(seed);
        let block: Vec<f32> =
            (0..rows * query.len()).map(|_| f32::from_bits(numbers.next_bits() as u32)).collect();
        let expected: Vec<f32> =
            block.chunks_exact(query.len()).map(|row| dot_by_the_contract(&query, row)).collect();
        prop_assert_eq!(bits(&vector_dot(&query, &block)), bits(&expected));
        for cosine in vector_similarity(&query, &block) {
            prop_assert!(cosine.is_nan() || (-1.0..=1.0).contains(&cosine));
        }
    }
}
