//! Spreading activation over whole graphs: many steps with everything active, and a few hops from a few seeds.

use std::rc::Rc;

use anyhow::{Context, Result, bail};
use engram_kernels::{
    BatchSpreading, Dangling, FanExponent, Graph, Kernels, SpreadMethod, SpreadParameters, SpreadRule,
    Spreading,
};

use crate::contender::{Contender, OURS, Ours, Role};
use crate::jobs::{Job, Task};
use crate::seeded::Numbers;
use crate::session::{Comparison, Session};
use crate::{folder, graphs, spreading_peers};

/// Steps of [`Task::DenseSteps`].
pub const STEPS: u32 = 20;
/// Hops of [`Task::ThreeHops`].
pub const HOPS: u32 = 3;
/// The share that travels on in PageRank.
pub const DAMPING: f32 = 0.85;
/// Of a cue.
const SEEDS: usize = 10;
const CUES: usize = 8;

pub fn run(session: &mut Session) -> Result<()> {
    for (name, make) in graphs::all(session.quick) {
        let graph = match make() {
            Ok(graph) => graph,
            Err(error) => {
                session.report.missing.push(format!("the graph {name}: {error:#}"));
                continue;
            }
        };
        let size = format!("{name}, {} nodes, {} edges", graph.nodes(), graph.edges());
        for (task, title) in [
            (Task::DenseSteps, "20 dense steps"),
            (Task::PageRank, "personalised PageRank to 1e-6"),
            (Task::ThreeHops, "3 hops from 10 seeds"),
            (Task::Batch, "20 dense steps of 8 cues"),
        ] {
            let job = write(name, &graph, task)?;
            let loaded = load(&job)?;
            let mut contenders = of_loaded(&loaded, &OURS);
            if task == Task::Batch {
                contenders.push(one_by_one(&loaded));
            }
            contenders.extend(spreading_peers::all(&loaded));
            // PageRank's peers stop by rules of their own; and what a million leaves give a hub is, summed in
            // `f32` one after another, off by a few hundredths, in every order another few.
            let tolerance = match (name, task) {
                ("star", _) => 1e-1,
                (_, Task::PageRank) => 1e-2,
                _ => 1e-4,
            };
            let work = format!("{title} over {size}");
            session.compare(
                &job,
                contenders,
                Comparison { bench: "spreading", work, unit: "run", units: 1.0, tolerance },
            )?;
            session.report.note(format!("{} edges traversed by a cue", traversed(&loaded)));
        }
    }
    Ok(())
}

/// Writes a graph to files, and chooses seeds: nodes that lead somewhere.
fn write(name: &str, graph: &Graph, task: Task) -> Result<Job> {
    let nodes = graph.nodes();
    let prefix = format!("{}-{nodes}-{}", name.replace(' ', "-"), graph.edges());
    let fan = |node: u32| graph.row(node).0.len();
    let with_more = (0..nodes as u32).filter(|&node| fan(node) > 3).take(SEEDS).count();
    let least = if with_more == SEEDS { 4 } else { 1 };
    let seeds = || {
        let mut numbers = Numbers(10);
        let mut seeds = Vec::new();
        for cue in 0..CUES {
            while seeds.len() < (cue + 1) * SEEDS {
                let node = numbers.below(nodes as u64) as u32;
                if fan(node) >= least && !seeds[cue * SEEDS..].contains(&node) {
                    seeds.push(node);
                }
            }
            seeds[cue * SEEDS..].sort_unstable();
        }
        seeds
    };
    Ok(Job::Spreading {
        task,
        nodes,
        offsets: folder::file(&format!("{prefix}-offsets"), || graph.offsets().to_vec())?,
        targets: folder::file(&format!("{prefix}-targets"), || graph.targets().to_vec())?,
        weights: folder::file(&format!("{prefix}-weights"), || graph.weights().to_vec())?,
        seeds: folder::file(&format!("{prefix}-seeds-of-{CUES}"), seeds)?,
    })
}

/// A graph and what is to be done on it.
pub struct Loaded {
    pub task: Task,
    pub graph: Graph,
    /// Of the first cue.
    pub seeds: Vec<(u32, f32)>,
    cues: Vec<Vec<(u32, f32)>>,
    pub rule: SpreadRule,
}

fn load(job: &Job) -> Result<Rc<Loaded>> {
    let Job::Spreading { task, nodes, offsets, targets, weights, seeds } = job else {
        bail!("not about spreading: {job:?}")
    };
    let all = usize::MAX;
    let (offsets, targets) = (folder::read(offsets, all)?, folder::read(targets, all)?);
    let graph = Graph::from_csr(*nodes, offsets, targets, folder::read(weights, all)?)?;
    let seeds: Vec<u32> = folder::read(seeds, all)?;
    let seed = |&node: &u32| (node, 1.0 / SEEDS as f32);
    let cues: Vec<Vec<(u32, f32)>> = seeds.chunks(SEEDS).map(|cue| cue.iter().map(seed).collect()).collect();
    let seeds = cues.first().context("there are no seeds")?.clone();
    let page_rank = SpreadParameters::personalised_page_rank(DAMPING);
    let rule = match task {
        Task::DenseSteps | Task::Batch => page_rank.with_max_hops(STEPS).with_tolerance(0.0),
        Task::PageRank => page_rank.with_dangling(Dangling::ReturnToSeeds),
        Task::ThreeHops => SpreadParameters::constrained(1.0, 0.0, HOPS)
            .with_retention(0.0)
            .with_fan_exponent(FanExponent::One),
    };
    Ok(Rc::new(Loaded { task: *task, graph, seeds, cues, rule: rule.check()? }))
}

/// Engram's kernels, which choose between push and pull at each hop.
pub fn kernels(job: &Job, kernels: &[Ours]) -> Result<Vec<Contender>> {
    Ok(of_loaded(&load(job)?, kernels))
}

fn of_loaded(loaded: &Rc<Loaded>, kernels: &[Ours]) -> Vec<Contender> {
    let one = |Ours { name, role, kernels }: &Ours| {
        if loaded.task == Task::Batch {
            return batch(loaded, name, *role, kernels());
        }
        let loaded = Rc::clone(loaded);
        let spreading = Spreading::with_kernels(loaded.graph.nodes(), kernels());
        let call = move |spreading: &mut Spreading| {
            let run = spreading.run(&loaded.graph, &loaded.seeds, &loaded.rule, SpreadMethod::Auto);
            debug_assert!(run.is_ok(), "the seeds are nodes");
        };
        Contender::local(*name, *role, spreading, call, |spreading| spreading.activations().to_vec())
    };
    kernels.iter().map(one).collect()
}

/// All cues in one call.
fn batch(loaded: &Rc<Loaded>, name: &str, role: Role, kernels: Kernels) -> Contender {
    let loaded = Rc::clone(loaded);
    let mut spreading = BatchSpreading::with_kernels(loaded.graph.nodes(), kernels);
    let room = vec![0.0f32; CUES * loaded.graph.nodes()];
    let call = move |activations: &mut Vec<f32>| {
        let cues: Vec<&[(u32, f32)]> = loaded.cues.iter().map(Vec::as_slice).collect();
        let run = spreading.run(&loaded.graph, &cues, &loaded.rule, activations);
        debug_assert!(run.is_ok(), "the seeds are nodes");
    };
    Contender::local(name, role, room, call, Vec::clone)
}

/// The cues one after another.
fn one_by_one(loaded: &Rc<Loaded>) -> Contender {
    let loaded = Rc::clone(loaded);
    let nodes = loaded.graph.nodes();
    let mut spreading = Spreading::new(nodes);
    let call = move |activations: &mut Vec<f32>| {
        for (seeds, activations) in loaded.cues.iter().zip(activations.chunks_exact_mut(nodes)) {
            let run = spreading.run(&loaded.graph, seeds, &loaded.rule, SpreadMethod::Auto);
            debug_assert!(run.is_ok(), "the seeds are nodes");
            activations.copy_from_slice(spreading.activations());
        }
    };
    Contender::local(
        "Engram, one cue after another",
        Role::Variant,
        vec![0.0f32; CUES * nodes],
        call,
        Vec::clone,
    )
}

fn traversed(loaded: &Loaded) -> u64 {
    let mut spreading = Spreading::new(loaded.graph.nodes());
    let run = spreading.run(&loaded.graph, &loaded.seeds, &loaded.rule, SpreadMethod::Auto);
    debug_assert!(run.is_ok(), "the seeds are nodes");
    spreading.edges_traversed()
}
