//! Recall at 1,000, 10,000 and 100,000 memories: the whole, and where the time goes; opening a store; one
//! `remember`. Prints medians.
//!
//! `cargo bench -p engram-recall --bench recall`
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

mod spans;
#[allow(dead_code, reason = "not every benchmark uses all of the world")]
mod world;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use engram::{Cue, Engram, Time};
use spans::Spans;

const SIZES: [u64; 3] = [1_000, 10_000, 100_000];
const CUES: u64 = 200;
const AT: Time = Time::from_milliseconds(1_790_000_000_000);

/// The store of a size; made once and kept beside the build.
fn folder(size: u64) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("world-{size}-v3"));
    if Engram::open(&folder).and_then(|e| e.stats()).is_ok_and(|stats| stats.memories == size) {
        return folder;
    }
    let _ = std::fs::remove_dir_all(&folder);
    let engram = Engram::create(&folder).unwrap();
    let started = Instant::now();
    engram.remember_all(world::memories(size)).unwrap();
    let took = started.elapsed();
    let bytes: usize = world::memories(size).map(|m| m.memory.text.len()).sum();
    let stats = engram.stats().unwrap();
    println!(
        "made {size} memories ({:.1} MB of text, {} names, {} associations) in {:.2} s",
        bytes as f64 / 1e6,
        stats.names,
        stats.associations,
        took.as_secs_f64()
    );
    folder
}

fn median(mut times: Vec<Duration>, share: f64) -> f64 {
    times.sort_unstable();
    times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6
}

fn table(size: u64) {
    let folder = folder(size);
    let started = Instant::now();
    let engram = Engram::open(&folder).unwrap();
    let opened = started.elapsed();
    let cues = world::cues(CUES, size);
    let first = engram.recall(&Cue::new(cues[0].as_str()).at(AT)).unwrap().took;
    let recalls: Vec<_> =
        cues.iter().map(|cue| engram.recall(&Cue::new(cue.as_str()).at(AT)).unwrap()).collect();
    let whole: Vec<Duration> = recalls.iter().map(|r| r.took).collect();
    let edges = recalls.iter().map(|r| r.edges_traversed).sum::<u64>() / CUES;
    print!(
        "{size:>8} opened {:>6.0} first {:>8.0} p50 {:>7.0} p99 {:>7.0} |",
        opened.as_secs_f64() * 1e6,
        first.as_secs_f64() * 1e6,
        median(whole.clone(), 0.5),
        median(whole, 0.99)
    );
    println!(" {edges} edges");
}

/// Where the time goes, by spans: in a pass of its own, because listening takes a little time itself.
fn parts(size: u64, spans: &Spans) {
    let engram = Engram::open(folder(size)).unwrap();
    let cues = world::cues(CUES, size);
    let mut times: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    for pass in 0..2 {
        for cue in &cues {
            engram.recall(&Cue::new(cue.as_str()).at(AT)).unwrap();
            for (name, time) in spans.take() {
                // The first pass brings the store into memory.
                if pass > 0 {
                    times.entry(name).or_default().push(time);
                }
            }
        }
    }
    let medians = times.into_iter().map(|(name, times)| (name, median(times, 0.5)));
    let medians: BTreeMap<&str, f64> = medians.collect();
    for (name, time) in &medians {
        println!("{size:>8} {name:<18} {time:>7.0} {:>4.0} %", 100.0 * time / medians["recall"]);
    }
}

fn remember(size: u64) {
    let folder = folder(size);
    let copy = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    std::fs::copy(folder.join("data.mdb"), copy.path().join("data.mdb")).unwrap();
    let engram = Engram::open(copy.path()).unwrap();
    let times: Vec<Duration> = (0..50)
        .map(|i| {
            let memory = world::memory(size + i, size).memory;
            let started = Instant::now();
            engram.remember(&memory).unwrap();
            started.elapsed()
        })
        .collect();
    println!("{size:>8} remember p50 {:.0} p99 {:.0}", median(times.clone(), 0.5), median(times, 0.99));
    let cue = Cue::new(world::cues(1, size)[0].as_str()).at(AT);
    let recalls: Vec<Duration> = (0..20).map(|_| engram.recall(&cue).unwrap().took).collect();
    println!("{size:>8} recall beside 50 recent memories p50 {:.0}", median(recalls, 0.5));
}

/// The process's own resident memory, without pages of mapped files, in megabytes.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("RssAnon:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kilobytes| kilobytes / 1e3)
}

fn main() {
    println!("microseconds; median of {CUES} cues");
    for size in SIZES {
        table(size);
        if let Some(megabytes) = resident() {
            println!("{size:>8} resident beyond the map: {megabytes:.0} MB");
        }
    }
    for size in SIZES {
        remember(size);
    }
    let spans = Spans::listen();
    for size in SIZES {
        parts(size, &spans);
    }
}
