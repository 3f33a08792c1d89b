//! The association graph over memories and, behind them, names.

use engram_kernels::{Edge, Graph};

use super::builder::{Builder, Link, LinkTarget};
use super::names::Mention;
use crate::error::{Error, Result};
use crate::index::associations::Kind;
use crate::index::trie::Trie;
use crate::progress::Monitor;
use crate::store::nodes::NameNode;

/// Mentions that are counted together.
const CHUNK: usize = 1 << 16;

/// An explicit association between memories that both exist, in one namespace.
#[derive(Clone, Copy)]
pub(super) struct ResolvedLink {
    source: u32,
    target: u32,
    kind: Kind,
    weight: f32,
}

/// Finds the memories that links lead to. Several links of one kind from one memory to another count once, as the
/// strongest of them.
pub(super) fn resolve(builder: &Builder, given: Vec<Link>, trie: &Trie) -> Vec<ResolvedLink> {
    let homes = Homes::of(builder, &given, trie);
    let mut links: Vec<ResolvedLink> = Vec::with_capacity(given.len());
    for (source, reading) in (0_u32..).zip(&builder.readings) {
        let start = links.len();
        for link in &given[reading.links.clone()] {
            let targets = match &link.to {
                LinkTarget::Memory(target) => std::slice::from_ref(target),
                LinkTarget::Name(place) => homes.of_place(*place),
            };
            for &target in targets {
                if target != source && builder.readings[target as usize].namespace == reading.namespace {
                    links.push(ResolvedLink { source, target, kind: link.kind, weight: link.weight });
                }
            }
        }
        let own = &mut links[start..];
        own.sort_unstable_by(|a, b| {
            (a.target, a.kind).cmp(&(b.target, b.kind)).then(b.weight.total_cmp(&a.weight))
        });
        let mut kept = start;
        for at in start..links.len() {
            let link = links[at];
            if kept == start || (links[kept - 1].target, links[kept - 1].kind) != (link.target, link.kind) {
                links[kept] = link;
                kept += 1;
            }
        }
        links.truncate(kept);
    }
    links
}

/// The memories that bear the name of each place of the tree, ascending; left empty where no link asks.
#[derive(Default)]
struct Homes {
    ends: Vec<u32>,
    memories: Vec<u32>,
}

impl Homes {
    fn of(builder: &Builder, given: &[Link], trie: &Trie) -> Self {
        if !given.iter().any(|link| matches!(link.to, LinkTarget::Name(_))) {
            return Self::default();
        }
        // ends[i] is where place i begins until its memories are in place, and then where it ends.
        let mut begin = 0;
        let begins = trie.places().iter().map(|place| {
            begin += place.homes;
            begin - place.homes
        });
        let mut ends: Vec<u32> = begins.collect();
        let mut memories = vec![0; begin as usize];
        for (memory, reading) in (0_u32..).zip(&builder.readings) {
            for place in &builder.borne[reading.borne.clone()] {
                let end = &mut ends[*place as usize];
                memories[*end as usize] = memory;
                *end += 1;
            }
        }
        Self { ends, memories }
    }

    fn of_place(&self, place: u32) -> &[u32] {
        let begin = if place == 0 { 0 } else { self.ends[place as usize - 1] };
        &self.memories[begin as usize..self.ends[place as usize] as usize]
    }
}

/// Builds the graph. Each association is an edge in either direction; edges are given to the graph as they are
/// derived, and never kept.
pub(super) fn graph(
    namespaces: &[(String, u32)],
    memories: usize,
    names: &[NameNode],
    mentions: &[Mention],
    links: &[ResolvedLink],
    monitor: &Monitor,
) -> Result<Graph> {
    // What an edge toward each name weighs, in as few bytes as that needs; negative where the name is common.
    let toward = |node: &NameNode| {
        let weight = Kind::Bears.weight(1.0, Some(node), false);
        if node.is_common(namespaces[node.namespace as usize].1) { -weight } else { weight }
    };
    let toward: Vec<f32> = names.iter().map(toward).collect();
    let both_ways = |source: u32, target: u32, kind: Kind, there: f32, back: f32| {
        [
            Edge { source, target, kind: kind as u8, weight: there },
            Edge { source: target, target: source, kind: kind.reversed() as u8, weight: back },
        ]
    };
    let of_name = |mention: &Mention| {
        let toward = toward[mention.name as usize];
        let kind = if mention.bears { Kind::Bears } else { Kind::Mentions };
        let back = kind.reversed().weight(1.0, None, toward < 0.0);
        let there = toward.abs();
        let edges = both_ways(mention.memory, memories as u32 + mention.name, kind, there, back);
        // A common name has only its way home.
        (back > 0.0).then_some(edges).into_iter().flatten()
    };
    let of_link = |link: &ResolvedLink| {
        let weight = |kind: Kind| kind.weight(link.weight, None, false);
        both_ways(link.source, link.target, link.kind, weight(link.kind), weight(link.kind.reversed()))
    };
    // Mentions are of about as many memories in each chunk.
    let chunks = mentions.len().div_ceil(CHUNK).max(1) as u64;
    let of_chunk = |chunk| {
        monitor.advance(memories as u64 / chunks);
        <[Mention]>::iter(chunk).flat_map(&of_name)
    };
    let edges = || mentions.chunks(CHUNK).flat_map(of_chunk).chain(links.iter().flat_map(&of_link));
    Graph::from_edge_passes(memories + names.len(), edges).map_err(|_| Error::OutOfNumbers)
}
