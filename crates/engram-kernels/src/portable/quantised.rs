//! Dot products of a query of 16-bit integers with rows of 8-bit codes.
//!
//! ```text
//! dots[r] = Σ query[i] · codes[r][i]        in 32 bits, wrapping, so in any order
//! ```
//!
//! `codes` holds `dots.len()` rows of `query.len()` codes each, which is at least one.

/// Codes at a time: enough that adding up what they make is little beside making it.
const WIDTH: usize = 64;

/// `dots[r] = query · codes[r]`.
pub(crate) fn vector_dot_i8(query: &[i16], codes: &[i8], dots: &mut [i32]) {
    let (query_chunks, query_tail) = query.as_chunks::<WIDTH>();
    let product = |(&q, c): (&i16, i16)| i32::from(q) * i32::from(c);
    for (dot, row) in dots.iter_mut().zip(codes.chunks_exact(query.len())) {
        let (chunks, tail) = row.as_chunks::<WIDTH>();
        let tail = tail.iter().map(|&code| i16::from(code));
        let mut sum = query_tail.iter().zip(tail).map(product).fold(0, i32::wrapping_add);
        for (query, codes) in query_chunks.iter().zip(chunks) {
            // Widened to 16 bits first: then products of neighbours are one instruction.
            let products = query.iter().zip(codes.map(i16::from)).map(product);
            sum = sum.wrapping_add(products.fold(0, i32::wrapping_add));
        }
        *dot = sum;
    }
}
