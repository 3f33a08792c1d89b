//! Spreading with other crates, each by its own layout and product where it has one.

use std::rc::Rc;

use engram_kernels::Graph;
use graph::prelude::{CsrLayout, DirectedCsrGraph, GraphBuilder, PageRankConfig, page_rank};
use petgraph::csr::Csr;
use sprs::{CsMat, CsVec};

use crate::contender::{Contender, Role};
use crate::jobs::Task;
use crate::spreading::{DAMPING, HOPS, Loaded, STEPS};

pub fn all(loaded: &Rc<Loaded>) -> Vec<Contender> {
    match loaded.task {
        Task::DenseSteps => vec![sprs_steps(loaded), graph_page_rank(loaded)],
        Task::PageRank | Task::Batch => Vec::new(),
        Task::ThreeHops => vec![sprs_hops(loaded), petgraph_hops(loaded)],
    }
}

/// The rows of a graph, with weights times `factor`.
fn matrix(graph: &Graph, factor: f32) -> CsMat<f32> {
    // 32 bits an index in both, so that nobody reads more.
    let offsets = graph.offsets().iter().map(|&offset| offset as usize).collect();
    let targets = graph.targets().iter().map(|&target| target as usize).collect();
    let weights = graph.weights().iter().map(|weight| weight * factor).collect();
    CsMat::new((graph.nodes(), graph.nodes()), offsets, targets, weights)
}

fn sprs_steps(loaded: &Rc<Loaded>) -> Contender {
    let loaded = Rc::clone(loaded);
    let incoming = matrix(loaded.graph.transposed(), DAMPING);
    let state = (vec![0.0f32; loaded.graph.nodes()], vec![0.0f32; loaded.graph.nodes()]);
    let call = move |(x, next): &mut (Vec<f32>, Vec<f32>)| {
        x.fill(0.0);
        loaded.seeds.iter().for_each(|&(node, share)| x[node as usize] = share);
        for _ in 0..STEPS {
            next.fill(0.0);
            loaded.seeds.iter().for_each(|&(node, share)| next[node as usize] = (1.0 - DAMPING) * share);
            sprs::prod::mul_acc_mat_vec_csr(incoming.view(), x.as_slice(), next.as_mut_slice());
            std::mem::swap(x, next);
        }
    };
    Contender::local("sprs", Role::Peer, state, call, |(x, _)| x.clone())
}

fn sprs_hops(loaded: &Rc<Loaded>) -> Contender {
    let nodes = loaded.graph.nodes();
    // A product with a sparse vector wants the other orientation: columns of what a row vector is multiplied with.
    let outgoing = matrix(&loaded.graph, 1.0);
    let (ids, shares) = loaded.seeds.iter().map(|&(node, share)| (node as usize, share)).unzip();
    let seeds: CsVec<f32> = CsVec::new(nodes, ids, shares);
    let call = move |x: &mut CsVec<f32>| {
        *x = seeds.clone();
        for _ in 0..HOPS {
            *x = &*x * &outgoing;
        }
    };
    let answer = move |x: &CsVec<f32>| {
        let mut dense = vec![0.0; nodes];
        x.iter().for_each(|(node, value)| dense[node] = *value);
        dense
    };
    Contender::local("sprs", Role::Peer, CsVec::empty(nodes), call, answer)
}

/// petgraph has no product; its compressed rows are walked as a user would, with a list of what was reached.
fn petgraph_hops(loaded: &Rc<Loaded>) -> Contender {
    let nodes = loaded.graph.nodes();
    let edges: Vec<(u32, u32, f32)> = (0..nodes as u32)
        .flat_map(|node| {
            let (targets, weights) = loaded.graph.row(node);
            targets.iter().zip(weights).map(move |(&target, &weight)| (node, target, weight))
        })
        .collect();
    let rows: Csr<(), f32> = match Csr::from_sorted_edges(&edges) {
        Ok(rows) => rows,
        Err(_) => unreachable!("the rows of a graph are sorted"),
    };
    let seeds = loaded.seeds.clone();
    let call = move |(x, next, active, reached): &mut (Vec<f32>, Vec<f32>, Vec<u32>, Vec<u32>)| {
        active.drain(..).for_each(|node| x[node as usize] = 0.0);
        for &(node, share) in &seeds {
            x[node as usize] = share;
            active.push(node);
        }
        for _ in 0..HOPS {
            for node in active.drain(..) {
                let held = std::mem::take(&mut x[node as usize]);
                // Nodes behind the last edge are not in its rows.
                if node as usize >= rows.node_count() {
                    continue;
                }
                for (target, weight) in rows.neighbors_slice(node).iter().zip(rows.edges_slice(node)) {
                    let arrived = &mut next[*target as usize];
                    if *arrived == 0.0 {
                        reached.push(*target);
                    }
                    *arrived += held * weight;
                }
            }
            std::mem::swap(x, next);
            std::mem::swap(active, reached);
        }
    };
    let state = (vec![0.0; nodes], vec![0.0; nodes], Vec::new(), Vec::new());
    Contender::local("petgraph (Csr, by hand)", Role::Peer, state, call, |(x, ..)| x.clone())
}

/// The crate's own PageRank: without seeds and weights, in as many threads as there are.
fn graph_page_rank(loaded: &Rc<Loaded>) -> Contender {
    let edges: Vec<(u32, u32)> = (0..loaded.graph.nodes() as u32)
        .flat_map(|node| loaded.graph.row(node).0.iter().map(move |&target| (node, target)))
        .collect();
    let rows: DirectedCsrGraph<u32> = GraphBuilder::new().csr_layout(CsrLayout::Sorted).edges(edges).build();
    let config = PageRankConfig::new(STEPS as usize, 0.0, DAMPING);
    let call = move |x: &mut Vec<f32>| *x = page_rank(&rows, config).0;
    Contender::local("graph (global PageRank, all threads)", Role::Unlike, Vec::new(), call, Vec::clone)
}
