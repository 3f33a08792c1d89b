//! Fused top-k against scoring everything and sorting.

use std::cmp::Ordering;

use engram_kernels::{
    QuantisedScan, QuantisedVectors, Scored, TopK, vector_dot, vector_dot_top_k, vector_similarity,
    vector_similarity_top_k,
};
use proptest::prelude::*;

/// Score descending, id ascending, NaN last.
fn sorted(mut all: Vec<Scored>, k: usize) -> Vec<Scored> {
    all.sort_by(|a, b| {
        match (a.score.is_nan(), b.score.is_nan()) {
            (true, true) => Ordering::Equal,
            (false, false) => b.score.partial_cmp(&a.score).unwrap(),
            (a_is_nan, _) => {
                if a_is_nan {
                    Ordering::Greater
                } else {
                    Ordering::Less
                }
            }
        }
        .then(a.id.cmp(&b.id))
    });
    all.truncate(k);
    all
}

fn comparable(scored: &[Scored]) -> Vec<(u32, u32)> {
    scored
        .iter()
        .map(|s| (s.id, if s.score.is_nan() { u32::MAX } else { (s.score + 0.0).to_bits() }))
        .collect()
}

/// Few distinct values, so that ties are common, and a few that are no numbers.
fn coordinate() -> impl Strategy<Value = f32> {
    prop_oneof![
        20 => prop::sample::select(vec![-1.0f32, -0.5, -0.0, 0.0, 0.5, 1.0, 2.0]),
        1 => prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY]),
    ]
}

proptest! {
    #[test]
    fn same_as_sorting_everything(
        query in prop::collection::vec(coordinate(), 1..5),
        raw in prop::collection::vec(coordinate(), 0..1500),
        k in 0usize..40,
        first_id in prop_oneof![0u32..200, Just(u32::MAX - 2000)],
        masked in any::<bool>(),
        bitmap in prop::collection::vec(any::<u64>(), 0..12),
        cut in 0usize..2000,
        cosine in any::<bool>(),
    ) {
        let dimensions = query.len();
        let rows = raw.len() / dimensions;
        let block = &raw[..rows * dimensions];
        let scores =
            if cosine { vector_similarity(&query, block) } else { vector_dot(&query, block) };
        let allowed = masked.then_some(&bitmap[..]);
        let is_allowed = |id: u32| {
            allowed.is_none_or(|map| map.get(id as usize / 64).is_some_and(|word| word >> (id % 64) & 1 == 1))
        };
        let all = (first_id..)
            .zip(scores)
            .map(|(id, score)| Scored { id, score })
            .filter(|scored| is_allowed(scored.id))
            .collect();

        let mut top_k = TopK::new(k);
        let cut = cut.min(rows);
        for (part, id) in [
            (&block[..cut * dimensions], first_id),
            (&block[cut * dimensions..], first_id + cut as u32),
        ] {
            if cosine {
                top_k.scan_similarity(&query, part, id, allowed);
            } else {
                top_k.scan_dot(&query, part, id, allowed);
            }
        }
        prop_assert_eq!(comparable(&top_k.into_sorted()), comparable(&sorted(all, k)));
    }

    #[test]
    fn offered_in_any_order(scores in prop::collection::vec(any::<u32>(), 0..60), k in 0usize..20) {
        let all: Vec<Scored> =
            (0..).zip(&scores).map(|(id, &bits)| Scored { id, score: f32::from_bits(bits) }).collect();
        let mut forwards = TopK::new(k);
        let mut backwards = TopK::new(k);
        for scored in &all {
            forwards.offer(scored.id, scored.score);
        }
        for scored in all.iter().rev() {
            backwards.offer(scored.id, scored.score);
        }
        let expected = comparable(&sorted(all, k));
        prop_assert_eq!(comparable(&forwards.into_sorted()), expected.clone());
        prop_assert_eq!(comparable(&backwards.into_sorted()), expected);
    }
}

#[test]
fn conveniences_and_threshold() {
    let block = [1.0, 0.0, 0.0, 1.0, 2.0, 2.0];
    assert_eq!(vector_dot_top_k(&[1.0, 0.0], &block, 1), [Scored { id: 2, score: 2.0 }]);
    assert_eq!(vector_similarity_top_k(&[1.0, 0.0], &block, 1), [Scored { id: 0, score: 1.0 }]);
    assert!(vector_dot_top_k(&[], &[], 3).is_empty());

    let mut top_k = TopK::new(2);
    assert_eq!(top_k.threshold(), None);
    top_k.offer(1, 0.5);
    top_k.offer(2, 0.75);
    assert_eq!(top_k.threshold(), Some(0.5));
    top_k.offer(3, 1.0);
    assert_eq!(top_k.threshold(), Some(0.75));
    let _ = TopK::new(usize::MAX); // must not reserve that much
}

/// The greatest ids.
#[test]
fn ids_at_the_end() {
    let block = [1.0, 2.0];
    let last = |scored: Vec<Scored>| scored[0].id == u32::MAX && scored[1].id == u32::MAX - 1;
    let mut dots = TopK::new(2);
    dots.scan_dot(&[1.0], &block, u32::MAX - 1, None);
    assert!(last(dots.into_sorted()));
    let mut cosines = TopK::new(2);
    cosines.scan_similarity(&[1.0, 0.0], &[1.0, 1.0, 1.0, 0.0], u32::MAX - 1, None);
    assert!(last(cosines.into_sorted()));
    let mut exactly = QuantisedScan::new(2, &[1.0]);
    exactly.scan_exactly(&block, u32::MAX - 1, None);
    assert!(last(exactly.finish(|_| unreachable!("all are scored"))));
    let mut codes = QuantisedScan::new(2, &[1.0]);
    codes.scan(QuantisedVectors::new(&block, 1).rows(), u32::MAX - 1, None);
    assert!(last(codes.finish(|id| &block[(id - (u32::MAX - 1)) as usize..])));
}

#[test]
#[should_panic(expected = "2 rows from id 4294967295 on exceed the greatest id, 4294967295")]
fn ids_that_do_not_fit() {
    TopK::new(1).scan_dot(&[1.0], &[1.0, 2.0], u32::MAX, None);
}
