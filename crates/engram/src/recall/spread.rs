//! Spreading from the seeds over memories and names: personalised PageRank, kept to a neighbourhood.
//!
//! A node passes activation on only if it holds at least [`Settings::firing_threshold`] for each of its edges. So a hop
//! walks at most 1 / `firing_threshold` edges, whatever the size of the store (the argument of Andersen,
//! Chung and Lang, "Local graph partitioning using PageRank vectors", 2006).

use std::collections::BTreeMap;

use engram_kernels::{FanExponent, Patch, Progress, SpreadParameters, Spreading};

use tracing::debug_span;

use super::seeds::Seeds;
use super::settings::Settings;
use super::view::View;
use super::words::internal;
use crate::error::Result;
use crate::store::block::GraphRow;

/// What spreading leaves behind beside the activations.
pub(crate) struct Spread {
    /// The rows of touched nodes that are not, or not only, packed: targets and weights.
    patched: BTreeMap<u32, (Vec<u32>, Vec<f32>)>,
    /// Edges along which activation went.
    pub(crate) edges: u64,
    damping: f32,
    hops: u32,
}

/// Spreads activation from the seeds; the result stands in `scratch`.
pub(crate) fn spread(
    view: &View<'_>,
    seeds: &Seeds,
    settings: &Settings,
    scratch: &mut Spreading,
) -> Result<Spread> {
    let rule = SpreadParameters::personalised_page_rank(settings.damping)
        .with_max_hops(settings.hops)
        .with_firing_threshold(settings.firing_threshold, FanExponent::One)
        .check()
        .map_err(|e| internal(&e.to_string()))?;
    let starts: Vec<(u32, f32)> =
        seeds.shares.iter().map(|(node, share)| (*node, share[0] + share[1] + share[2])).collect();
    let blocks = view.graph_blocks()?;
    let broken = |e| view.store.damaged(format!("the packed graph is broken: {e}"));
    let mut patched: BTreeMap<u32, (Vec<u32>, Vec<f32>)> = BTreeMap::new();
    scratch.begin(&rule, &starts).map_err(|e| internal(&e.to_string()))?;
    loop {
        for node in scratch.active() {
            if view.is_patched(*node) && !patched.contains_key(node) {
                patched.insert(*node, view.merged_row(*node)?);
            }
        }
        let mut patch = Patch::new(scratch.nodes());
        for (node, (targets, weights)) in &patched {
            patch.push_row(*node, targets, weights).map_err(broken)?;
        }
        let progress = debug_span!("spread_activation").in_scope(|| scratch.hop(&blocks, &patch));
        if progress.map_err(broken)? == Progress::Done {
            break;
        }
    }
    let edges = scratch.edges_traversed();
    Ok(Spread { patched, edges, damping: settings.damping, hops: settings.hops })
}

impl Spread {
    /// Where the activation of each node on the strongest way to `node` came from: the way from a seed, the
    /// seed first, `node` last.
    ///
    /// Goes back from `node` along the greatest contribution λ · x_i · w_ij / D_i of a neighbour, as long as
    /// that is greater than what the node started with. Every association has its counterpart, so a node's
    /// own row names all that lead to it. Nodes that hold what they got from each other can lead that way
    /// past every seed; then it is the shortest way.
    pub(crate) fn strongest_path(
        &self,
        view: &View<'_>,
        seeds: &Seeds,
        scratch: &Spreading,
        node: u32,
    ) -> Result<Vec<u32>> {
        let is_seed = |node: u32| seeds.share_of(node) != [0.0; 3];
        let mut path = vec![node];
        let mut at = node;
        while path.len() <= self.hops as usize {
            let started: f32 = seeds.share_of(at).iter().sum();
            let own = (1.0 - self.damping) * started;
            let mut best: Option<(f32, u32)> = None;
            for (source, part) in self.contributions(view, scratch, at)? {
                if !path.contains(&source) && part > own && best.is_none_or(|(most, _)| part > most) {
                    best = Some((part, source));
                }
            }
            let Some((_, source)) = best else { break };
            path.push(source);
            at = source;
        }
        // Where the way back never met a seed it ends at the last node that is one.
        while path.len() > 1 && path.last().is_some_and(|end| !is_seed(*end)) {
            path.pop();
        }
        if path.len() == 1 && !is_seed(node) {
            return self.shortest_path(view, seeds, scratch, node);
        }
        path.reverse();
        Ok(path)
    }

    /// The way of the fewest steps from a seed to `node`; among equally short ones that of the greatest last
    /// contribution from the seed.
    fn shortest_path(
        &self,
        view: &View<'_>,
        seeds: &Seeds,
        scratch: &Spreading,
        node: u32,
    ) -> Result<Vec<u32>> {
        // Where each node that was met passed its activation on to.
        let mut onward = BTreeMap::from([(node, node)]);
        let mut frontier = vec![node];
        for _ in 0..self.hops {
            let mut next = Vec::new();
            let mut best: Option<(f32, u32)> = None;
            for at in frontier {
                for (source, part) in self.contributions(view, scratch, at)? {
                    if onward.contains_key(&source) {
                        continue;
                    }
                    onward.insert(source, at);
                    next.push(source);
                    if seeds.share_of(source) != [0.0; 3] && best.is_none_or(|(most, _)| part > most) {
                        best = Some((part, source));
                    }
                }
            }
            if let Some((_, seed)) = best {
                let mut path = vec![seed];
                let mut at = seed;
                while at != node {
                    at = onward[&at];
                    path.push(at);
                }
                return Ok(path);
            }
            frontier = next;
        }
        Ok(vec![node])
    }

    /// The nodes that passed activation on to `target`, and how much each.
    fn contributions(&self, view: &View<'_>, scratch: &Spreading, target: u32) -> Result<Vec<(u32, f32)>> {
        // A node that never passed activation on has its row merged only now.
        let merged;
        let sources = if view.is_patched(target) && !self.patched.contains_key(&target) {
            merged = view.merged_row(target)?.0;
            &merged[..]
        } else {
            self.row(view, target)?.map(|(targets, _, _)| targets).unwrap_or_default()
        };
        let activations = scratch.activations();
        let mut parts = Vec::new();
        for &source in sources {
            let activation = activations.get(source as usize);
            let activation = activation
                .ok_or_else(|| view.store.damaged(format!("node {target} is associated with none")))?;
            if *activation > 0.0 {
                let part = self.contribution(view, source, target, *activation)?;
                if part > 0.0 {
                    parts.push((source, part));
                }
            }
        }
        Ok(parts)
    }

    fn contribution(&self, view: &View<'_>, source: u32, target: u32, activation: f32) -> Result<f32> {
        let Some((targets, weights, sum)) = self.row(view, source)? else { return Ok(0.0) };
        Ok(match targets.binary_search(&target) {
            Ok(at) if sum > 0.0 => self.damping * activation * weights[at] / sum,
            _ => 0.0,
        })
    }

    /// The row that a node had in this spreading.
    fn row<'a>(&'a self, view: &'a View<'_>, node: u32) -> Result<Option<GraphRow<'a>>> {
        match self.patched.get(&node) {
            Some((targets, weights)) => Ok(Some((targets, weights, weights.iter().sum()))),
            None => view.packed_row(node),
        }
    }
}
