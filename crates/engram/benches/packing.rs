//! Consolidating a store: time by `tracing` spans, peak memory, bytes on disk; then opening the packed graph in the
//! map and checking all of it.
//!
//! `cargo bench -p engram-recall --bench packing -- [NODES]`, 1,000,000 where it is not said. On one core: the same
//! under `taskset -c 0`.
//!
//! The store is a dense reference work (`world::entry`): of NODES nodes a third are memories and two thirds names.
//! Each memory has a title of two words, an alias of three, 23 words of text among which three titles of others
//! are mentioned, and ten links by id; so 15 associations, which make 30 directed edges: 10 million for a million
//! nodes. Vectors are the default ones, learnt from the texts by random indexing: 256 dimensions, kept as `f32` and
//! as 8-bit codes.
//!
//! Three stores of the same memories are made once and kept beside the build: *compacted* (as by `engram consolidate
//! --compact`); *grown*, as it is after the last of many writes; and *given*, compacted, whose memories bring their own
//! vectors of 256 dimensions. Then each consolidation runs in a process of its own, which first puts in one memory
//! (otherwise there is nothing to do) and then derives everything anew. Where there are two cores, parts run beside one
//! another (`postings`, `term_vectors` and `staging` beside `names`, `mentions` and `graph`), so their times add up to
//! more than the whole.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

mod spans;
#[allow(dead_code, reason = "not every benchmark uses all of the world")]
mod world;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use engram::{Engram, GraphBlock, PackedGraph, StoredMemory, VectorModel};
use spans::Spans;

const NODES: u64 = 1_000_000;
/// Nodes that come with each memory: itself and its two names.
const NODES_EACH: u64 = 3;
/// Kinds of store; see above.
const KINDS: [&str; 3] = ["compacted", GROWN, GIVEN];
const GROWN: &str = "grown";
const GIVEN: &str = "given";
const GIVEN_MODEL: &str = "made";
const GIVEN_DIMENSIONS: usize = 256;
const RUNS: usize = 3;
const CHECKS: usize = 11;
/// Between two looks at the process's memory.
const PAUSE: Duration = Duration::from_millis(5);

fn main() {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["make", kind, folder, memories] => make(kind, Path::new(folder), memories.parse().unwrap()),
        ["consolidate", folder, memories] => consolidate(Path::new(folder), memories.parse().unwrap()),
        ["open", folder] => open(Path::new(folder)),
        [] => all(NODES),
        [nodes] => all(nodes.parse().expect("the number of nodes")),
        _ => panic!("one argument: the number of nodes"),
    }
}

fn all(nodes: u64) {
    let memories = nodes.div_ceil(NODES_EACH);
    for kind in KINDS {
        let name = format!("packing-{memories}-{kind}-v3");
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let (path, size) = (folder.to_str().unwrap(), memories.to_string());
        println!("{kind}:");
        if !folder.join("made").exists() {
            let _ = std::fs::remove_dir_all(&folder);
            run(&["make", kind, path, &size]);
            std::fs::write(folder.join("made"), "").unwrap();
        }
        for _ in 0..RUNS {
            run(&["consolidate", path, &size]);
        }
        run(&["open", path]);
    }
}

/// Runs a part in a process of its own, so that its memory is its own.
fn run(arguments: &[&str]) {
    let status = Command::new(std::env::current_exe().unwrap()).args(arguments).status().unwrap();
    assert!(status.success(), "{arguments:?} failed");
}

fn make(kind: &str, folder: &Path, memories: u64) {
    let model = if kind == GIVEN {
        VectorModel::Given { name: GIVEN_MODEL.into(), dimensions: GIVEN_DIMENSIONS as u32 }
    } else {
        VectorModel::default()
    };
    let engram = Engram::create_with(folder, &model).unwrap();
    let started = Instant::now();
    let with_vector = |mut stored: StoredMemory| {
        if kind == GIVEN {
            stored.memory.vector = Some(vector(&stored.memory.text));
        }
        stored
    };
    engram.remember_all(world::entries(memories).map(with_vector)).unwrap();
    println!("made {memories} memories in {:.1} s", started.elapsed().as_secs_f64());
    if kind != GROWN {
        // What is next to a page that is read comes into memory with it: without this, whatever else the making left
        // between the memories.
        engram.compact().unwrap();
    }
}

/// A vector that says nothing, the same for the same text.
fn vector(text: &str) -> Vec<f32> {
    let seed = text.bytes().fold(0_u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut numbers = world::Numbers(seed);
    (0..GIVEN_DIMENSIONS).map(|_| (numbers.draw() >> 40) as f32 - (1 << 23) as f32).collect()
}

fn consolidate(folder: &Path, memories: u64) {
    let engram = Engram::open(folder).unwrap();
    // The same memory with another text each time, so that something was written since the last consolidation.
    let mut memory = world::entry(memories, memories).memory;
    let stats = engram.stats().unwrap();
    memory.text.push_str(&format!(" revised {}", stats.generation));
    if stats.model == GIVEN_MODEL {
        memory.vector = Some(vector(&memory.text));
    }
    engram.remember(&memory).unwrap();
    let spans = Spans::listen();
    reset_peak();
    let before = resident("RssAnon:");
    let done = AtomicBool::new(false);
    let (took, anonymous) = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| watch(&done));
        let started = Instant::now();
        engram.consolidate().unwrap();
        let took = started.elapsed();
        done.store(true, Ordering::Relaxed);
        (took, watcher.join().unwrap())
    });
    println!(
        "consolidated in {:.2} s; peak resident {:.0} MB, of which up to {:.0} MB not of the mapped file (before: {:.0} MB)",
        took.as_secs_f64(),
        resident("VmHWM:"),
        anonymous,
        before
    );
    for (name, time) in spans.take() {
        println!("    {name:<18} {:>8.0} ms", time.as_secs_f64() * 1e3);
    }
    let stats = engram.stats().unwrap();
    println!(
        "    {} memories, {} names, {} edges, {} terms, {} dimensions; {:.0} MB on disk, free pages included",
        stats.memories,
        stats.names,
        stats.associations,
        stats.terms,
        stats.dimensions,
        stats.bytes as f64 / 1e6
    );
}

/// Opens the packed graph where it lies, and checks every row.
fn open(folder: &Path) {
    let before = resident("RssAnon:");
    let started = Instant::now();
    let engram = Engram::open(folder).unwrap();
    let opened = started.elapsed();
    let check = |graph: &PackedGraph<'_>| {
        let started = Instant::now();
        graph.blocks().iter().try_for_each(GraphBlock::check).unwrap();
        started.elapsed()
    };
    let started = Instant::now();
    engram
        .with_packed_graph(|graph| {
            let found = started.elapsed();
            assert_eq!(graph.copied_bytes(), 0, "a graph of this size lies in the map as the kernels need it");
            let first = check(graph);
            let mut times: Vec<Duration> = (0..CHECKS).map(|_| check(graph)).collect();
            times.sort_unstable();
            println!(
                "opened the store in {:.0} µs and its graph ({} nodes, {} edges, {} blocks) in {:.0} µs; {} bytes copied",
                opened.as_secs_f64() * 1e6,
                graph.nodes(),
                graph.edges(),
                graph.blocks().len(),
                found.as_secs_f64() * 1e6,
                graph.copied_bytes(),
            );
            println!(
                "checked all rows in {:.1} ms the first time (the map's pages are new to the process), then {:.1} ms (median of {CHECKS})",
                first.as_secs_f64() * 1e3,
                times[CHECKS / 2].as_secs_f64() * 1e3
            );
            println!(
                "memory of the process beyond the map grew by {:.1} MB; the rows have {:.1} MB",
                resident("RssAnon:") - before,
                (8 * graph.edges() + 8 * graph.nodes()) as f64 / 1e6
            );
        })
        .unwrap();
}

/// The most memory that the process has at any look, without pages of mapped files, in megabytes.
fn watch(done: &AtomicBool) -> f64 {
    let mut most = 0.0_f64;
    while !done.load(Ordering::Relaxed) {
        most = most.max(resident("RssAnon:"));
        std::thread::sleep(PAUSE);
    }
    most
}

/// Lets the peak begin anew: see proc(5).
fn reset_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// One line of the process's status, in megabytes.
fn resident(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1.024e-3
}
