//! One query against a block of vectors: blocks that fit each of the caches, and one that fits none.

use std::rc::Rc;

use anyhow::{Result, bail};

use crate::contender::{Contender, OURS, Ours, Role};
use crate::folder::{self, Block};
use crate::jobs::{Job, Measure};
use crate::seeded::Numbers;
use crate::session::{Comparison, Session};

const DIMENSIONS: [usize; 4] = [100, 384, 768, 1536];
const ROWS: [usize; 4] = [64, 1_000, 8_000, 200_000];

pub fn run(session: &mut Session) -> Result<()> {
    let (dimensions, rows): (&[usize], &[usize]) =
        if session.quick { (&[100, 768], &[64, 300]) } else { (&DIMENSIONS, &ROWS) };
    for &dimensions in dimensions {
        let most = rows[rows.len() - 1];
        let seed = dimensions as u64;
        let vectors = folder::file(&format!("vectors-{dimensions}-{most}"), || {
            Numbers(seed).centred(most * dimensions)
        })?;
        let query = folder::file(&format!("query-{dimensions}"), || Numbers(!seed).centred(dimensions))?;
        for measure in [Measure::Dot, Measure::Cosine] {
            for &rows in rows {
                let job = Job::Similarity {
                    measure,
                    dimensions,
                    rows,
                    vectors: vectors.clone(),
                    query: query.clone(),
                };
                compare(session, &job, measure, dimensions, rows)?;
            }
        }
    }
    Ok(())
}

fn compare(session: &mut Session, job: &Job, measure: Measure, dimensions: usize, rows: usize) -> Result<()> {
    let mut contenders = kernels(job, &OURS, "plain read")?;
    contenders.extend(peers(job)?);
    let name = if measure == Measure::Dot { "dot" } else { "cosine" };
    let work = format!("{name} {dimensions} × {rows}");
    session.compare(
        job,
        contenders,
        Comparison { bench: "similarity", work, unit: "vector", units: rows as f64, tolerance: 1e-4 },
    )?;
    Ok(())
}

/// What is scored.
struct Vectors {
    query: Block<f32>,
    vectors: Block<f32>,
}

fn block(job: &Job) -> Result<(Measure, usize, usize, Rc<Vectors>)> {
    let Job::Similarity { measure, dimensions, rows, vectors, query } = job else {
        bail!("not about similarity: {job:?}")
    };
    let vectors = Block::read(vectors, rows * dimensions)?;
    let query = Block::read(query, *dimensions)?;
    Ok((*measure, *dimensions, *rows, Rc::new(Vectors { query, vectors })))
}

/// Engram's kernels, and the plainest read of the same bytes.
pub fn kernels(job: &Job, kernels: &[Ours], read: &str) -> Result<Vec<Contender>> {
    let (measure, _, rows, block) = block(job)?;
    let mut contenders: Vec<Contender> = Vec::new();
    for Ours { name, role, kernels } in kernels {
        let (kernels, block) = (kernels(), Rc::clone(&block));
        let call = move |scores: &mut Vec<f32>| match measure {
            Measure::Dot => kernels.vector_dot_into(&block.query, &block.vectors, scores),
            Measure::Cosine => kernels.vector_similarity_into(&block.query, &block.vectors, scores),
        };
        contenders.push(Contender::local(*name, *role, vec![0.0f32; rows], call, Vec::clone));
    }
    contenders.push(Contender::local(
        read,
        Role::Limit,
        0u32,
        move |sum| *sum = plain_read(bytemuck::cast_slice(&block.vectors)),
        |_| Vec::new(),
    ));
    Ok(contenders)
}

/// Adds up all words, in as many sums side by side as the widest registers hold four times over.
pub fn plain_read(words: &[u32]) -> u32 {
    const SUMS: usize = 64;
    let mut sums = [0u32; SUMS];
    let (chunks, rest) = words.as_chunks::<SUMS>();
    for chunk in chunks {
        for (sum, word) in sums.iter_mut().zip(chunk) {
            *sum = sum.wrapping_add(*word);
        }
    }
    rest.iter().chain(&sums).fold(0, |sum, word| sum.wrapping_add(*word))
}

fn peers(job: &Job) -> Result<Vec<Contender>> {
    let (measure, dimensions, rows, block) = block(job)?;
    let room = || vec![0.0f32; rows];
    let simsimd = {
        use simsimd::SpatialSimilarity;
        let block = Rc::clone(&block);
        let call = move |scores: &mut Vec<f32>| {
            for (score, row) in scores.iter_mut().zip(block.vectors.chunks_exact(dimensions)) {
                *score = match measure {
                    Measure::Dot => f32::dot(&block.query, row).unwrap_or(f64::NAN) as f32,
                    Measure::Cosine => 1.0 - f32::cosine(&block.query, row).unwrap_or(f64::NAN) as f32,
                };
            }
        };
        Contender::local("SimSIMD", Role::Peer, room(), call, Vec::clone)
    };
    let numkong = {
        use numkong::{Angular, Dot};
        let block = Rc::clone(&block);
        let call = move |scores: &mut Vec<f32>| {
            for (score, row) in scores.iter_mut().zip(block.vectors.chunks_exact(dimensions)) {
                *score = match measure {
                    Measure::Dot => f32::dot(&block.query, row).map_or(f32::NAN, |dot| dot as f32),
                    Measure::Cosine => f32::angular(&block.query, row).map_or(f32::NAN, |a| 1.0 - a as f32),
                };
            }
        };
        Contender::local("NumKong", Role::Peer, room(), call, Vec::clone)
    };
    let mut peers = vec![simsimd, numkong];
    if measure == Measure::Dot {
        peers.push(numkong_packed(&block, dimensions, rows)?);
        let rows = ndarray::Array2::from_shape_vec((rows, dimensions), block.vectors.to_vec())?;
        let query = ndarray::Array2::from_shape_vec((dimensions, 1), block.query.to_vec())?;
        let scores = ndarray::Array2::<f32>::zeros((rows.nrows(), 1));
        let call = move |scores: &mut ndarray::Array2<f32>| {
            ndarray::linalg::general_mat_mul(1.0, &rows, &query, 0.0, scores);
        };
        let answer = |scores: &ndarray::Array2<f32>| scores.iter().copied().collect();
        peers.push(Contender::local("ndarray (matrixmultiply)", Role::Peer, scores, call, answer));
    }
    Ok(peers)
}

/// NumKong's call for many at once: the vectors packed beforehand, as it wants them.
fn numkong_packed(block: &Vectors, dimensions: usize, rows: usize) -> Result<Contender> {
    use numkong::{PackedMatrix, Tensor};
    let failed = |error| anyhow::anyhow!("NumKong: {error:?}");
    let vectors = Tensor::<f32>::try_from_slice(&block.vectors, &[rows, dimensions]).map_err(failed)?;
    let packed = PackedMatrix::try_pack(&vectors).map_err(failed)?;
    let query = Tensor::<f32>::try_from_slice(&block.query, &[1, dimensions]).map_err(failed)?;
    let scores = Tensor::<f64>::try_full(&[1, rows], 0.0).map_err(failed)?;
    let call = move |scores: &mut Tensor<f64>| {
        // A failure leaves zeros, which the comparison of answers finds.
        let _ = query.try_dots_packed_into(&packed, scores);
    };
    let answer = |scores: &Tensor<f64>| scores.as_slice().iter().map(|score| *score as f32).collect();
    Ok(Contender::local("NumKong, packed", Role::Peer, scores, call, answer))
}
