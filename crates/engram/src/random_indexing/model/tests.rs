use proptest::prelude::*;

use super::super::{TermVector, embed, inverse_document_frequency};
use super::*;

/// Common terms; behind them come rare ones.
const COMMON: u32 = 60;

#[test]
fn memories_have_the_vectors_of_their_texts() {
    // More memories than one group has, some without a term.
    let memories = GROUP + 70;
    let counts: Vec<Vec<(u32, u32)>> = (0..memories as u32)
        .map(|memory| {
            let common = (0..memory % 6).map(|at| ((memory * 7 + at * 11) % COMMON, 1 + (memory + at) % 3));
            // One memory alone has one, and two in different groups another.
            let rare = [COMMON + memory, COMMON + memories as u32 + memory % GROUP as u32];
            let rare = rare.into_iter().zip([2, 1]).take(if memory % 97 == 0 { 2 } else { 0 });
            let mut terms: Vec<_> = common.chain(rare).collect();
            terms.sort_unstable();
            terms.dedup_by_key(|(term, _)| *term);
            terms
        })
        .collect();
    let mut rows: Vec<Vec<u32>> = vec![Vec::new(); COMMON as usize + memories + GROUP];
    for (memory, counts) in (0_u32..).zip(&counts) {
        counts.iter().for_each(|(term, _)| rows[*term as usize].push(memory));
    }
    let mut offsets = vec![0];
    offsets.extend(rows.iter().scan(0, |end, row| {
        *end += row.len();
        Some(*end)
    }));
    let all = rows.concat();
    let idf: Vec<f32> =
        rows.iter().map(|row| inverse_document_frequency(memories as u32, row.len() as u32) as f32).collect();
    let ids: Vec<String> = (0..memories).map(|memory| format!("m{memory}")).collect();
    let occurrences = Occurrences { offsets: &offsets, memories: &all };
    let (names, counted) = (ids.iter().map(String::as_str), counts.iter().map(Vec::as_slice));
    let model = learn(names, counted, occurrences, &idf, &Monitor::unwatched());
    let term = |term: u32| TermVector { idf: idf[term as usize], elements: model.term(term as usize) };
    let is_zero = |at: u32| term(at).elements.iter().all(|element| *element == 0);
    assert!((0..COMMON).any(|at| !is_zero(at)) && !is_zero(COMMON + 97) && is_zero(COMMON + 1));
    let mut sums = Sums::new();
    for (group, counts) in counts.chunks(GROUP).enumerate() {
        // What is in the buffer before does not matter.
        let mut vectors = vec![f32::NAN; counts.len() * DIMENSIONS];
        model.combine(group, &mut sums, &mut vectors);
        for (counts, vector) in counts.iter().zip(vectors.chunks_exact(DIMENSIONS)) {
            let text: Vec<_> = counts.iter().map(|(number, tf)| (term(*number), *tf)).collect();
            assert_eq!(embed(&text), vector);
        }
    }
}

proptest! {
    #[test]
    fn a_rare_term_has_the_vector_that_a_common_one_would(
        rows in prop::collection::vec(prop::collection::vec((0_u32..5, -256_i16..257), 0..RARE + 1), 1..9),
    ) {
        let indices: Vec<IndexVector> = (0..5).map(|at| IndexVector::of(&format!("m{at}"))).collect();
        let mut rare = RareTerms::default();
        let mut vector = RareVector::default();
        for row in rows {
            let (memories, weights): (Vec<u32>, Vec<i16>) = row.into_iter().unzip();
            let number = rare.add(&memories, &weights);
            rare.vector(number, &indices, &mut vector);
            let mut elements = [0; DIMENSIONS];
            for (at, element) in &vector.elements {
                elements[usize::from(*at)] = *element;
            }
            let mut common = CommonTerms { terms: 1, strips: vec![Strip([0; STRIP]); STRIPS] };
            common.set(0, &sums_of(&indices, &memories, &weights));
            let strips: Vec<i16> = common.strips.iter().flat_map(|strip| strip.0).collect();
            prop_assert_eq!(&elements[..], &strips[..]);
        }
    }
}
