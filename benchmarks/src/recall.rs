//! A whole recall: 100,000 memories of 256 dimensions with five links each, and where its time goes.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use engram::{Cue, Engram, Time};

use crate::contender::{Contender, Role};
use crate::folder;
use crate::jobs::Job;
use crate::rounds::Spread;
use crate::session::{Comparison, Session};
use crate::workers::{self, Worker};
use crate::world;

#[path = "../../crates/engram/benches/spans/mod.rs"]
mod spans;

const AT: Time = Time::from_milliseconds(1_790_000_000_000);

/// Hits that are compared, for each cue.
const COMPARED: usize = 5;

pub fn run(session: &mut Session) -> Result<()> {
    let (size, cues) = if session.quick { (500, 20) } else { (100_000, 200) };
    let store = store(size)?;
    let job = Job::Recall { size, cues, store };
    // Kernels are chosen once in a process, so the portable ones recall in another.
    let mut portable = Command::new(std::env::current_exe()?);
    let worker = Worker::start(portable.arg("worker").env("ENGRAM_KERNELS", "portable"), Role::Portable)?;
    let mut contenders = vec![contender(&job, "Engram", Role::Engram)?];
    contenders.extend(workers::contenders(&worker, &job)?);
    let work = format!("{size} memories");
    session.compare_these(
        contenders,
        Comparison { bench: "recall", work, unit: "recall", units: cues as f64, tolerance: 0.0 },
    )?;
    session.report.note(percentiles(&job)?);
    for line in parts(&job)? {
        session.report.note(line);
    }
    Ok(())
}

/// The store of a made world, made unless it is there.
fn store(size: u64) -> Result<PathBuf> {
    let folder = folder::data().join(format!("world-{size}"));
    if Engram::open(&folder).and_then(|engram| engram.stats()).is_ok_and(|stats| stats.memories == size) {
        return Ok(folder);
    }
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    Engram::create(&folder)?.remember_all(world::memories(size))?;
    Ok(folder)
}

fn open(job: &Job) -> Result<(Engram, Vec<String>)> {
    let Job::Recall { size, cues, store } = job else { bail!("not about recall: {job:?}") };
    Ok((Engram::open(store as &Path)?, world::cues(*cues, *size)))
}

fn recall(engram: &Engram, cue: &str) -> Result<engram::Recollection> {
    engram.recall(&Cue::new(cue).at(AT)).with_context(|| format!("recall of {cue:?}"))
}

/// Recalls all cues in each call; its answer is the scores of the first hits.
pub fn contender(job: &Job, name: &str, role: Role) -> Result<Contender> {
    let (engram, cues) = open(job)?;
    for cue in &cues {
        recall(&engram, cue)?;
    }
    let call = move |found: &mut Vec<f32>| {
        found.clear();
        for cue in &cues {
            // A failure leaves too few numbers, which the comparison of answers finds.
            let Ok(recalled) = recall(&engram, cue) else { continue };
            found.extend(recalled.hits.iter().take(COMPARED).map(|hit| hit.score));
        }
    };
    Ok(Contender::local(name, role, Vec::new(), call, Vec::clone))
}

fn percentiles(job: &Job) -> Result<String> {
    let (engram, cues) = open(job)?;
    let mut took = Vec::new();
    for pass in 0..4 {
        for cue in &cues {
            let recalled = recall(&engram, cue)?;
            // The first pass brings the store into memory.
            if pass > 0 {
                took.push(recalled.took.as_nanos() as f64);
            }
        }
    }
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize] / 1e6;
    Ok(format!("p50 {:.2} ms, p99 {:.2} ms, over {} recalls", at(0.5), at(0.99), took.len()))
}

/// Where the time goes, by tracing spans: shares of the whole.
fn parts(job: &Job) -> Result<Vec<String>> {
    let spans = spans::Spans::listen();
    let (engram, cues) = open(job)?;
    let mut times: std::collections::BTreeMap<&str, Vec<f64>> = Default::default();
    for cue in &cues {
        let _ = spans.take();
        recall(&engram, cue)?;
        for (name, time) in spans.take() {
            times.entry(name).or_default().push(time.as_nanos() as f64);
        }
    }
    let medians = times.into_iter().map(|(name, times)| (name, Spread::of(times).median));
    let mut medians: Vec<(&str, f64)> = medians.collect();
    medians.sort_by(|a, b| b.1.total_cmp(&a.1));
    let whole = medians.iter().find(|(name, _)| *name == "recall").map(|(_, time)| *time);
    let whole = whole.context("a recall has a span of its own")?;
    ensure!(whole > 0.0, "a recall takes time");
    Ok(medians
        .into_iter()
        .map(|(name, time)| format!("{name:<20} {:>7.0} µs {:>4.0} %", time / 1e3, 100.0 * time / whole))
        .collect())
}
