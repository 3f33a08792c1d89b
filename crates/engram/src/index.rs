//! What is derived from the memories: words, names, associations, vectors. Packed from all of them at once,
//! or written one by one beside what is packed.

pub(crate) mod ascending;
pub(crate) mod associations;
pub(crate) mod bm25;
pub(crate) mod edges;
pub(crate) mod links;
pub(crate) mod marks;
pub(crate) mod packed;
pub(crate) mod postings;
pub(crate) mod reading;
pub(crate) mod recent;
mod trie;
pub(crate) mod work;

/// A given vector at unit length; all zeros stay so.
pub(crate) fn unit_vector(vector: &[f32]) -> Vec<f32> {
    let squares: f64 = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
    let scale = if squares > 0.0 { 1.0 / squares.sqrt() } else { 0.0 };
    vector.iter().map(|x| (f64::from(*x) * scale) as f32).collect()
}
