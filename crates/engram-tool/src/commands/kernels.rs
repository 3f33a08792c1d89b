//! `engram kernels`: which kernels run here and why; the suite that holds them to the same bits; their speeds.

use std::io::Write;

use clap::Args;
use engram_kernels::check::{self, CheckReport, Timing};
use engram_kernels::{Kernels, Level, LevelStatus, kernel_levels};
use serde::Serialize;

use crate::cli::Global;
use crate::exit::{Exit, Outcome};
use crate::output;
use crate::progress::Spinner;

const EXAMPLES: &str = "\
Every implementation gives the same bits; they differ by the clock alone. ENGRAM_KERNELS=portable (or another level
of the list) chooses one.

Examples:
  engram kernels
  engram kernels --check --bench

The answer in JSON: {\"levels\": [{\"level\", \"runs_here\", \"built\", \"chosen\", \"why\"}], \"checks\": [{\"level\",
\"results\", \"wrong\", \"described\"}], \"timings\": [{\"what\", \"unit\", \"nanoseconds\": {level: ns}}]}";

/// Which kernels run here.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Compare every implementation that runs here with the portable one, bit for bit
    #[arg(long)]
    check: bool,
    /// Time the implementations side by side
    #[arg(long)]
    bench: bool,
}

#[derive(Serialize)]
struct Answer {
    levels: Vec<LevelJson>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<CheckJson>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    timings: Vec<TimingJson>,
}

#[derive(Serialize)]
struct LevelJson {
    level: &'static str,
    runs_here: bool,
    built: bool,
    chosen: bool,
    why: String,
}

#[derive(Serialize)]
struct CheckJson {
    level: &'static str,
    results: u64,
    wrong: u64,
    described: Vec<String>,
}

#[derive(Serialize)]
struct TimingJson {
    what: &'static str,
    unit: &'static str,
    nanoseconds: std::collections::BTreeMap<&'static str, f64>,
}

/// Runs the command.
pub fn run(arguments: &Arguments, global: &Global) -> Outcome {
    let levels = kernel_levels();
    let kernels: Vec<Kernels> = Kernels::all().collect();
    let mut checks = Vec::new();
    if arguments.check {
        for kernels in &kernels {
            let _spinner = Spinner::new("checking");
            checks.push(check::check(*kernels));
        }
    }
    let mut timings = Vec::new();
    if arguments.bench {
        let _spinner = Spinner::new("timing");
        timings = check::bench(&kernels);
    }
    let passed = checks.iter().all(CheckReport::passed);
    if global.json {
        output::json(&answer(&levels, checks, timings))?;
    } else {
        let mut out = output::plain();
        for status in &levels {
            let mark = if status.chosen.is_some() { "→" } else { " " };
            writeln!(out, "{mark} {:<13} {}", status.level.name(), why(status))?;
        }
        for report in &checks {
            writeln!(out, "{report}")?;
        }
        for timing in &timings {
            write!(out, "{}, ns a {}:", timing.what, timing.unit)?;
            let portable = timing.nanoseconds.first().map_or(0.0, |(_, ns)| *ns);
            for (level, ns) in &timing.nanoseconds {
                write!(out, "  {} {ns:.2}", level.name())?;
                if *level != Level::Portable {
                    write!(out, " ({:.2}×)", portable / ns)?;
                }
            }
            writeln!(out)?;
        }
        out.flush()?;
    }
    Ok(if passed { Exit::Done } else { Exit::No })
}

fn why(status: &LevelStatus) -> String {
    match status {
        LevelStatus { chosen: Some(choice), .. } => format!("in use: {choice}"),
        LevelStatus { runs_here: false, .. } => "this processor cannot run it".into(),
        LevelStatus { built: false, .. } => "not in this build; `--features zig-kernels` adds it".into(),
        _ => "runs here".into(),
    }
}

fn answer(levels: &[LevelStatus], checks: Vec<CheckReport>, timings: Vec<Timing>) -> Answer {
    let level = |status: &LevelStatus| LevelJson {
        level: status.level.name(),
        runs_here: status.runs_here,
        built: status.built,
        chosen: status.chosen.is_some(),
        why: why(status),
    };
    let check = |report: CheckReport| CheckJson {
        level: report.level.name(),
        results: report.checks,
        wrong: report.mismatches,
        described: report.described,
    };
    let timing = |timing: Timing| TimingJson {
        what: timing.what,
        unit: timing.unit,
        nanoseconds: timing.nanoseconds.into_iter().map(|(level, ns)| (level.name(), ns)).collect(),
    };
    Answer {
        levels: levels.iter().map(level).collect(),
        checks: checks.into_iter().map(check).collect(),
        timings: timings.into_iter().map(timing).collect(),
    }
}
