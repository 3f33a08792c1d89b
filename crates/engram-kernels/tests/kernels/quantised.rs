//! Quantised vectors: bounds that hold, and a top-k that is the full scan's, bit for bit.

use engram_kernels::{
    Kernels, QuantisedRows, QuantisedScan, QuantisedVectors, Scored, TopK, vector_dot_i8_into,
    vector_dot_top_k, vector_dot_top_k_quantised, vector_norms,
};
use proptest::prelude::*;

use crate::{Numbers, bits};

fn comparable(scored: &[Scored]) -> Vec<(u32, u32)> {
    scored.iter().map(|s| (s.id, bits(&[s.score + 0.0])[0])).collect()
}

fn row(block: &[f32], dimensions: usize, id: u32) -> &[f32] {
    &block[id as usize * dimensions..][..dimensions]
}

/// Coordinates of one family: each breaks some way of pruning too much.
fn coordinates(kind: u8, numbers: &mut Numbers, count: usize) -> Vec<f32> {
    (0..count)
        .map(|_| match kind {
            // Few values: many ties.
            0 => numbers.below(3) as f32 - 1.0,
            1 => numbers.next_signed(),
            // Subnormal products, and underflow.
            2 => numbers.next_signed() * 1e-22,
            3 => f32::from_bits(numbers.below(1 << 12) as u32),
            // Products that overflow, into infinities and NaNs.
            4 => numbers.next_signed() * 1e20,
            5 => numbers.next_signed() * f32::MAX,
            // One great coordinate takes all codes from the others.
            6 if numbers.below(8) == 0 => numbers.next_signed() * 1e6,
            6 => numbers.next_signed() * 1e-3,
            7 => match numbers.below(40) {
                0 => f32::NAN,
                1 => f32::INFINITY,
                2 => f32::NEG_INFINITY,
                _ => numbers.next_signed(),
            },
            _ => f32::from_bits(numbers.next_bits() as u32),
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_a_full_scan_finds(
        seed in 1u64..,
        query_kind in 0u8..9,
        kind in 0u8..9,
        dimensions in 1usize..80,
        rows in 0usize..400,
        k in 0usize..30,
        first_id in prop_oneof![Just(0u32), 0u32..200, Just(u32::MAX - 2000)],
        masked in any::<bool>(),
        cut in 0usize..400,
        merged in any::<bool>(),
        in_one in any::<bool>(),
    ) {
        let mut numbers = Numbers(seed);
        let query = coordinates(query_kind, &mut numbers, dimensions);
        let block = coordinates(kind, &mut numbers, rows * dimensions);
        let bitmap: Vec<u64> = (0..8).map(|_| numbers.next_bits()).collect();
        let allowed = masked.then_some(&bitmap[..]);
        let mut full = TopK::new(k);
        full.scan_dot(&query, &block, first_id, allowed);
        let expected = comparable(&full.into_sorted());

        let cut = cut.min(rows);
        let (head, tail) = block.split_at(cut * dimensions);
        for kernels in Kernels::all() {
            let scan = || QuantisedScan::with_kernels(k, &query, kernels);
            let mut first = scan();
            first.scan(QuantisedVectors::new(head, dimensions).rows(), first_id, allowed);
            let tail = QuantisedVectors::new(tail, dimensions);
            if merged {
                let mut second = scan();
                second.scan(tail.rows(), first_id + cut as u32, allowed);
                second.merge(first);
                first = second;
            } else {
                first.scan(tail.rows(), first_id + cut as u32, allowed);
            }
            let found = first.finish(|id| match (id - first_id) as usize * dimensions {
                from if in_one => &block[from..],
                _ => row(&block, dimensions, id - first_id),
            });
            prop_assert_eq!(comparable(&found), expected.clone());
        }
    }

    #[test]
    fn vectors_may_be_refused(
        seed in 1u64..,
        kind in 0u8..2,
        dimensions in 1usize..20,
        rows in 1usize..300,
        k in 1usize..12,
        refused in 0usize..300,
    ) {
        let mut numbers = Numbers(seed);
        let query = coordinates(kind, &mut numbers, dimensions);
        let block = coordinates(kind, &mut numbers, rows * dimensions);
        let quantised = QuantisedVectors::new(&block, dimensions);
        let expected = comparable(&vector_dot_top_k(&query, &block, k));
        let scan = || {
            let mut scan = QuantisedScan::new(k, &query);
            scan.scan(quantised.rows(), 0, None);
            scan
        };
        let mut asked = vec![false; rows];
        let found = scan().try_finish(|id, count| {
            asked[id as usize..][..count].iter_mut().for_each(|asked| {
                assert!(!*asked, "no vector is asked for twice");
                *asked = true;
            });
            Ok::<_, ()>(&block[id as usize * dimensions..][..count * dimensions])
        });
        prop_assert_eq!(comparable(&found.unwrap()), expected.clone());
        let found = scan().try_finish(|id, count| {
            let refused = refused as u32;
            if (id..id + count as u32).contains(&refused) { return Err(refused) }
            Ok(&block[id as usize * dimensions..])
        });
        match found {
            Err(row) => prop_assert!(asked[row as usize]),
            Ok(found) => {
                prop_assert!(!asked.get(refused).is_some_and(|asked| *asked));
                prop_assert_eq!(comparable(&found), expected);
            }
        }
    }

    #[test]
    fn vectors_without_codes_take_part(
        seed in 1u64..,
        kind in 0u8..9,
        dimensions in 1usize..20,
        rows in 0usize..200,
        cut in 0usize..200,
        k in 0usize..12,
    ) {
        let mut numbers = Numbers(seed);
        let query = coordinates(kind, &mut numbers, dimensions);
        let block = coordinates(kind, &mut numbers, rows * dimensions);
        let cut = cut.min(rows);
        let (head, tail) = block.split_at(cut * dimensions);
        let mut scan = QuantisedScan::new(k, &query);
        scan.scan_exactly(tail, cut as u32, None);
        scan.scan(QuantisedVectors::new(head, dimensions).rows(), 0, None);
        let found = scan.finish(|id| {
            assert!((id as usize) < cut, "row {id} has been scored before");
            row(&block, dimensions, id)
        });
        prop_assert_eq!(comparable(&found), comparable(&vector_dot_top_k(&query, &block, k)));
    }

    #[test]
    fn norms_are_upper_bounds(seed in 1u64.., kind in 0u8..7, dimensions in 1usize..100) {
        let block = coordinates(kind, &mut Numbers(seed), 4 * dimensions);
        let quantised = QuantisedVectors::new(&block, dimensions);
        let rows = quantised.rows();
        for (r, row) in block.chunks_exact(dimensions).enumerate() {
            let codes = &rows.codes()[r * dimensions..][..dimensions];
            let scale = f64::from(rows.scales()[r]);
            let square = |x: f64| x * x;
            let norm = row.iter().map(|&x| square(f64::from(x))).sum::<f64>().sqrt();
            let residual = row.iter().zip(codes).map(|(&x, &code)| square(f64::from(x) - scale * f64::from(code)));
            prop_assert!(f64::from(rows.norms()[r]) >= norm);
            prop_assert!(f64::from(rows.residual_norms()[r]) >= residual.sum::<f64>().sqrt());
            // And not by much: half a code in each coordinate.
            let most = 0.51 * scale * (dimensions as f64).sqrt() + f64::from(f32::from_bits(4));
            prop_assert!(scale < 1e-35 || f64::from(rows.residual_norms()[r]) <= most);
        }
    }

    #[test]
    fn integers_by_the_definition(
        query in prop::collection::vec(any::<i16>(), 1..70),
        raw in prop::collection::vec(any::<i8>(), 0..400),
    ) {
        let rows = raw.len() / query.len();
        let codes = &raw[..rows * query.len()];
        let mut dots = vec![1; rows];
        vector_dot_i8_into(&query, codes, &mut dots);
        for (&dot, row) in dots.iter().zip(codes.chunks_exact(query.len())) {
            let exact: i64 = query.iter().zip(row).map(|(&q, &c)| i64::from(q) * i64::from(c)).sum();
            prop_assert_eq!(dot, exact as i32);
        }
    }
}

/// Vectors of a length as embeddings are: what is read exactly stays a small part.
#[test]
fn few_rows_are_scored_exactly() {
    let (dimensions, rows, k) = (256, 5000, 10);
    let mut numbers = Numbers(7);
    let block: Vec<f32> = (0..rows * dimensions).map(|_| numbers.next_signed()).collect();
    let quantised = QuantisedVectors::new(&block, dimensions);
    for _ in 0..5 {
        let query: Vec<f32> = (0..dimensions).map(|_| numbers.next_signed()).collect();
        let mut scan = QuantisedScan::new(k, &query);
        scan.scan(quantised.rows(), 0, None);
        let mut scored = 0;
        let found = scan.finish(|id| {
            scored += 1;
            row(&block, dimensions, id)
        });
        assert!((k..100).contains(&scored), "{scored}");
        assert_eq!(found, vector_dot_top_k(&query, &block, k));
    }
}

#[test]
fn near_ties_and_duplicates() {
    let dimensions = 64;
    let mut numbers = Numbers(11);
    let one: Vec<f32> = (0..dimensions).map(|_| numbers.next_signed()).collect();
    for noise in [0.0, 1e-7, 1e-6, 1e-4] {
        // Ascending in the score, so that each row looks best when it is met.
        let block: Vec<f32> = (0..2000)
            .flat_map(|r| one.iter().map(move |x| x * (1.0 + r as f32 * noise)).collect::<Vec<f32>>())
            .collect();
        let quantised = QuantisedVectors::new(&block, dimensions);
        let found = vector_dot_top_k_quantised(&one, &block, quantised.rows(), 10);
        assert_eq!(found, vector_dot_top_k(&one, &block, 10));
    }
}

/// Bounds that somebody has changed give other scores, no panic.
#[test]
fn codes_of_any_bits() {
    let mut numbers = Numbers(3);
    let mut any = |count: usize| -> Vec<f32> {
        (0..count).map(|_| f32::from_bits(numbers.next_bits() as u32)).collect()
    };
    let block = vec![0.5; 300 * 8];
    let codes: Vec<i8> = (0..300 * 8).map(|i| i as i8).collect();
    for _ in 0..20 {
        let (scales, residuals, norms) = (any(300), any(300), any(300));
        let mut scan = QuantisedScan::new(5, &[1.0; 8]);
        scan.scan(QuantisedRows::new(8, &codes, &scales, &residuals, &norms), 0, None);
        let found = scan.finish(|id| row(&block, 8, id));
        assert!(found.len() <= 5 && found.iter().all(|scored| scored.score == 4.0));
    }
}

#[test]
fn what_does_not_fit_panics() {
    let quantised = QuantisedVectors::new(&[1.0; 6], 3);
    assert_eq!((quantised.rows().len(), quantised.rows().dimensions()), (2, 3));
    assert_eq!(vector_norms(&[1.0; 3], 3)[0], 3f32.sqrt());
    let message = |result: std::thread::Result<()>| *result.unwrap_err().downcast::<String>().unwrap();
    let scan = std::panic::catch_unwind(|| {
        QuantisedScan::new(1, &[1.0; 2]).scan(QuantisedVectors::new(&[1.0; 6], 3).rows(), 0, None);
    });
    assert_eq!(message(scan), "a query of 2 dimensions, but rows of 3");
    let rows = std::panic::catch_unwind(|| {
        let _ = QuantisedRows::new(3, &[0; 6], &[1.0; 2], &[1.0; 1], &[1.0; 2]);
    });
    assert_eq!(message(rows), "2 scales but 1 residual norms");
}
