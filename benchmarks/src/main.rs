//! Times Engram beside the libraries that people would take instead: the same work, in turns, in one run.
//!
//! A run goes from a [`session`] (which starts the [`workers`]) through the benchmarks ([`similarity`], [`top_k`],
//! [`spreading`], [`decay`], [`recall`]): each hands [`contender`]s to [`rounds`] and the times to the [`report`],
//! from which [`charts`] are drawn. [`memory`] compares what is found, and goes its own way.

mod charts;
mod contender;
mod decay;
mod folder;
mod graphs;
mod jobs;
mod machine;
mod memory;
mod native;
mod recall;
mod report;
mod rounds;
mod seeded;
mod session;
mod similarity;
mod spreading;
mod spreading_peers;
mod top_k;
mod workers;
#[allow(dead_code, reason = "one generator for all benchmarks, of which these need a part")]
#[path = "../../crates/engram/benches/world/mod.rs"]
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use report::Report;
use session::Session;

/// Times Engram beside its peers, on the same work and in the same run.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// What to time.
    #[arg(value_enum, default_value_t = Bench::All)]
    bench: Bench,
    /// Print one JSON object instead of tables.
    #[arg(long)]
    json: bool,
    /// Draw charts (SVG) into this folder.
    #[arg(long, value_name = "DIR")]
    plot: Option<PathBuf>,
    /// Report an earlier run, of which this file has the JSON, and measure nothing.
    #[arg(long, value_name = "FILE", conflicts_with = "quick")]
    from: Option<PathBuf>,
    /// Small work and few rounds: shows that everything runs and agrees; the times mean nothing.
    #[arg(long)]
    quick: bool,
    /// What `memory` measures beside the sets of this repository: a folder with folders in BEIR form, and folders of
    /// notes with questions.jsonl [default: ../shared/data beside the repository]
    #[arg(long, value_name = "DIR")]
    sets: Option<PathBuf>,
}

/// Times one thing and reports it.
type Run = fn(&mut Session) -> Result<()>;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Bench {
    Similarity,
    Topk,
    Spreading,
    Decay,
    Recall,
    /// How well, how fast and how large, beside other memories; not part of `all`.
    Memory,
    All,
    /// Serve another process of this program on standard input and output.
    #[value(hide = true)]
    Worker,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("engram-benchmarks: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    if arguments.bench == Bench::Worker {
        return native::serve();
    }
    let benches: [(Bench, Run); 5] = [
        (Bench::Similarity, similarity::run),
        (Bench::Topk, top_k::run),
        (Bench::Spreading, spreading::run),
        (Bench::Decay, decay::run),
        (Bench::Recall, recall::run),
    ];
    let report = match &arguments.from {
        Some(file) => {
            let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            let parsed: Report = serde_json::from_slice(&text)
                .with_context(|| format!("{} is not what --json prints", file.display()))?;
            let report = Report { json: arguments.json, ..parsed };
            report.repeat();
            report
        }
        None if arguments.bench == Bench::Memory => {
            let sets = arguments.sets.clone();
            let sets = sets.unwrap_or_else(|| folder::workspace().join("../../shared/data"));
            memory::run(arguments.quick, arguments.json, &sets)?
        }
        None => {
            let mut session = Session::start(arguments.quick, arguments.json)?;
            for (bench, run) in benches {
                if arguments.bench == Bench::All || arguments.bench == bench {
                    run(&mut session)?;
                }
            }
            session.report
        }
    };
    report.frame();
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    }
    if let Some(folder) = &arguments.plot {
        charts::draw(&report, folder)?;
    }
    Ok(())
}
