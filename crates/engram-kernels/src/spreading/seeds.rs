//! Where activation starts.

use super::frontier::LINE_NODES;
use crate::contract::saturate;

/// Why seeds were refused.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SeedError {
    /// A seed is no node of the graph.
    #[error("seed {node} does not exist in a graph of {nodes} nodes")]
    NoSuchNode {
        /// The seed.
        node: u32,
        /// How many nodes there are.
        nodes: usize,
    },
    /// A seed's activation is negative, infinite or NaN.
    #[error("the activation {activation} of seed {node} is not finite and at least 0")]
    Activation {
        /// The seed.
        node: u32,
        /// What it was given.
        activation: f32,
    },
}

/// Checked seeds: each node once, ascending, above 0.
#[derive(Clone, Debug, Default)]
pub(super) struct Seeds {
    /// Node, activation, and share of all seeds' activation.
    pub(super) entries: Vec<Seed>,
    /// The sum of all seeds' activation.
    pub(super) total: f64,
}

/// One seed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seed {
    pub(super) node: u32,
    /// s of the contract.
    pub(super) activation: f32,
    /// s divided by the sum of all seeds, in `f64`, rounded once; 0 where nothing returns to the seeds.
    pub(super) share: f32,
}

impl Seed {
    /// The line of the node.
    pub(super) fn line(&self) -> u32 {
        self.node / LINE_NODES as u32
    }
}

impl Seeds {
    /// Takes the seeds of a run, to which something `returns` or nothing. Those of one node add up, in `f64`,
    /// rounded once.
    pub(super) fn set(&mut self, nodes: usize, seeds: &[(u32, f32)], returns: bool) -> Result<(), SeedError> {
        self.entries.clear();
        for &(node, activation) in seeds {
            if node as usize >= nodes {
                return Err(SeedError::NoSuchNode { node, nodes });
            }
            if !(0.0..f32::INFINITY).contains(&activation) {
                return Err(SeedError::Activation { node, activation });
            }
        }
        let mut add = |node, activation| {
            if activation > 0.0 {
                self.entries.push(Seed { node, activation: saturate(activation), share: 0.0 });
            }
        };
        if seeds.is_sorted_by(|a, b| a.0 < b.0) {
            seeds.iter().for_each(|&(node, activation)| add(node, activation));
        } else {
            // Sorted by activation too, so that the order in which seeds are given does not matter.
            let mut sorted = seeds.to_vec();
            sorted.sort_unstable_by_key(|&(node, activation)| (node, activation.to_bits()));
            for same in sorted.chunk_by(|a, b| a.0 == b.0) {
                add(same[0].0, same.iter().fold(0.0f64, |sum, seed| sum + f64::from(seed.1)) as f32);
            }
        }
        self.total = self.entries.iter().fold(0.0f64, |sum, seed| sum + f64::from(seed.activation));
        for seed in self.entries.iter_mut().filter(|_| returns) {
            seed.share = (f64::from(seed.activation) / self.total) as f32;
        }
        Ok(())
    }
}
