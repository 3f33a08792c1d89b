//! The graphs that activation spreads over: one with hubs, one from the real world, and shapes that are hard
//! for one layout or another.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use engram_kernels::{Edge, Graph};
use rustc_hash::FxHashMap;

use crate::folder;
use crate::seeded::Numbers;

/// Makes a graph, with the weights of each row adding up to 1.
pub type Maker = Box<dyn FnOnce() -> Result<Graph>>;

/// The graphs of a run, in order. WordNet needs `apt-get` once; without it, it is left out and why is said.
pub fn all(quick: bool) -> Vec<(&'static str, Maker)> {
    let scale = if quick { 12 } else { 20 };
    vec![
        ("RMAT", Box::new(move || hubs(scale, 10))),
        ("WordNet 3.0", Box::new(word_net)),
        ("chain", Box::new(move || chain(1 << scale))),
        ("star", Box::new(move || star(1 << scale))),
        ("grid", Box::new(move || grid(1 << (scale / 2)))),
    ]
}

fn edge(source: u32, target: u32) -> Edge {
    Edge { source, target, kind: 0, weight: 1.0 }
}

/// Divides each row's weights by their sum.
fn normalised(graph: &Graph) -> Result<Graph> {
    let mut weights = graph.weights().to_vec();
    for (node, bounds) in graph.offsets().windows(2).enumerate() {
        for weight in &mut weights[bounds[0] as usize..bounds[1] as usize] {
            *weight /= graph.out_weights()[node];
        }
    }
    Ok(Graph::from_csr(graph.nodes(), graph.offsets().to_vec(), graph.targets().to_vec(), weights)?)
}

/// `per_node` edges a node over 2^`scale` nodes by the recursive-matrix model (Chakrabarti, Zhan and Faloutsos
/// 2004; probabilities 0.57, 0.19, 0.19, 0.05), node numbers shuffled, weights from 0.1 to 1.
fn hubs(scale: u32, per_node: usize) -> Result<Graph> {
    let mut numbers = Numbers(7);
    let nodes = 1usize << scale;
    let mut shuffled: Vec<u32> = (0..nodes as u32).collect();
    for last in (1..nodes).rev() {
        shuffled.swap(last, numbers.below(last as u64 + 1) as usize);
    }
    let edges = (0..per_node * nodes).map(|_| {
        let (mut source, mut target) = (0usize, 0usize);
        for _ in 0..scale {
            let draw = numbers.below(100);
            source = source << 1 | usize::from(draw >= 76);
            target = target << 1 | usize::from((57..76).contains(&draw) || draw >= 95);
        }
        let weight = 0.1 + 0.9 * numbers.unit();
        Edge { source: shuffled[source], target: shuffled[target], kind: 0, weight }
    });
    normalised(&Graph::from_edges(nodes, edges)?)
}

/// Each node leads to the next.
fn chain(nodes: u32) -> Result<Graph> {
    normalised(&Graph::from_edges(nodes as usize, (1..nodes).map(|node| edge(node - 1, node)))?)
}

/// One node leads to all others, and they back to it.
fn star(nodes: u32) -> Result<Graph> {
    let edges = (1..nodes).flat_map(|leaf| [edge(0, leaf), edge(leaf, 0)]);
    normalised(&Graph::from_edges(nodes as usize, edges)?)
}

/// A square of `side` × `side` nodes, each joined with its two to four neighbours, both ways.
fn grid(side: u32) -> Result<Graph> {
    let nodes = (0..side).flat_map(|row| (0..side).map(move |column| (row, column)));
    let edges = nodes.flat_map(|(row, column)| {
        let node = row * side + column;
        let right = (column + 1 < side).then_some(node + 1);
        let below = (row + 1 < side).then_some(node + side);
        [right, below].into_iter().flatten().flat_map(move |other| [edge(node, other), edge(other, node)])
    });
    normalised(&Graph::from_edges((side * side) as usize, edges)?)
}

/// WordNet's sets of synonyms, joined by its relations between them (Debian's package `wordnet-base`).
fn word_net() -> Result<Graph> {
    let folder = word_net_files()?;
    let mut numbers: FxHashMap<(char, u32), u32> = FxHashMap::default();
    let mut relations = Vec::new();
    for (file, part) in [("data.noun", 'n'), ("data.verb", 'v'), ("data.adj", 'a'), ("data.adv", 'r')] {
        let file = std::fs::File::open(folder.join(file))?;
        for line in BufReader::new(file).lines() {
            // As wndb(5WN) has it: offset, file, kind, count of words in hexadecimal, the words and their
            // numbers, count of pointers, and for each its symbol, offset, part of speech and words.
            let line = line?;
            if line.starts_with(' ') {
                continue;
            }
            let fields: Vec<&str> = line.split(' ').collect();
            let words = usize::from_str_radix(fields[3], 16)?;
            let pointers = 4 + 2 * words;
            let from = (part, fields[0].parse()?);
            let number = numbers.len() as u32;
            ensure!(numbers.insert(from, number).is_none(), "WordNet has {from:?} twice");
            for pointer in fields[pointers + 1..].chunks(4).take(fields[pointers].parse()?) {
                let part = pointer[2].chars().next().context("a pointer without a part of speech")?;
                relations.push((number, (part, pointer[1].parse()?)));
            }
        }
    }
    let edges: Result<Vec<Edge>> = relations
        .into_iter()
        .map(|(from, to)| Ok(edge(from, *numbers.get(&to).with_context(|| format!("WordNet lacks {to:?}"))?)))
        .collect();
    normalised(&Graph::from_edges(numbers.len(), edges?)?)
}

/// The folder with WordNet's files: the system's, or unpacked here from the package.
fn word_net_files() -> Result<PathBuf> {
    let installed = Path::new("/usr/share/wordnet");
    if installed.join("data.noun").exists() {
        return Ok(installed.to_owned());
    }
    let here = folder::data().join("wordnet");
    let files = here.join("usr/share/wordnet");
    if !files.join("data.noun").exists() {
        std::fs::create_dir_all(&here)?;
        let run = |command: &mut Command| -> Result<()> {
            let status = command.current_dir(&here).stdout(std::io::stderr()).status()?;
            ensure!(status.success(), "{:?} failed ({status})", command.get_program());
            Ok(())
        };
        run(Command::new("apt-get").args(["download", "-qq", "wordnet-base"]))?;
        let mut packages = std::fs::read_dir(&here)?.filter_map(|entry| Some(entry.ok()?.path()));
        let package = packages.find(|path| path.extension().is_some_and(|extension| extension == "deb"));
        run(Command::new("dpkg-deb").arg("-x").arg(package.context("no package came")?).arg("."))?;
    }
    Ok(files)
}
