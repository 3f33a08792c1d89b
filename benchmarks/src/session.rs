//! One run of the benchmarks: the workers that take part, and what has been measured so far.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use anyhow::{Context, Result, ensure};

use crate::contender::{Contender, Role};
use crate::folder;
use crate::jobs::Job;
use crate::machine;
use crate::report::{Report, Row};
use crate::rounds::{Plan, Times, measure};
use crate::workers::{self, Worker};

/// The Python packages that take part, at the versions that were compared.
pub const PACKAGES: [&str; 5] = [
    "numpy==2.4.6",
    "scipy==1.17.1",
    "faiss-cpu==1.15.1",
    "igraph==1.0.0",
    "python-graphblas[default]==2025.2.0",
];

/// From how much memory on the report says how much of it lies in huge pages.
const NOTED_MEGABYTES: f64 = 256.0;

pub struct Session {
    pub plan: Plan,
    /// Small work, to see that everything runs.
    pub quick: bool,
    pub report: Report,
    python: Option<Rc<RefCell<Worker>>>,
    native: Option<Rc<RefCell<Worker>>>,
}

/// A comparison to be made.
pub struct Comparison {
    pub bench: &'static str,
    pub work: String,
    /// What the printed times are for: "vector", "run" …
    pub unit: &'static str,
    /// How many of them a call is.
    pub units: f64,
    /// How far peers may be off, as a share of the greatest number.
    pub tolerance: f32,
}

impl Session {
    /// Starts the workers: what they need is made or installed first. A worker that cannot be had is named
    /// in the report, and the rest goes on.
    pub fn start(quick: bool, json: bool) -> Result<Self> {
        std::fs::create_dir_all(folder::data())?;
        let mut report = Report { json, ..Report::default() };
        let mut have = |what: &str, started: Result<Rc<RefCell<Worker>>>| match started {
            Ok(worker) => Some(worker),
            Err(error) => {
                report.missing.push(format!("{what}: {error:#}"));
                None
            }
        };
        let python = have("Python's libraries", python());
        let native = have("the native build", native());
        let plan = if quick { Plan::QUICK } else { Plan::FULL };
        Ok(Self { plan, quick, report, python, native })
    }

    /// Times ours, `local` peers and whoever the workers offer for the job, and reports it.
    pub fn compare(
        &mut self,
        job: &Job,
        mut contenders: Vec<Contender>,
        comparison: Comparison,
    ) -> Result<Vec<Times>> {
        for worker in [&self.native, &self.python].into_iter().flatten() {
            contenders.extend(workers::contenders(worker, job)?);
        }
        self.compare_these(contenders, comparison)
    }

    /// Times these contenders and nobody else, and reports it.
    pub fn compare_these(
        &mut self,
        mut contenders: Vec<Contender>,
        comparison: Comparison,
    ) -> Result<Vec<Times>> {
        let times = measure(self.plan, &mut contenders, comparison.tolerance)
            .with_context(|| format!("{}, {}", comparison.bench, comparison.work))?;
        self.report.add(Row::of(&comparison, &times));
        if let Some((megabytes, share)) = machine::huge_pages()
            && megabytes > NOTED_MEGABYTES
        {
            self.report.note(format!("{:.0} % of {megabytes:.0} MB in huge pages", 100.0 * share));
        }
        Ok(times)
    }
}

/// Python with the peers, in an environment of its own.
fn python() -> Result<Rc<RefCell<Worker>>> {
    let interpreter = environment("python")?;
    install(&interpreter, &PACKAGES)?;
    let mut command = Command::new(interpreter);
    command.arg(folder::workspace().join("peers.py"));
    for threads in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"] {
        command.env(threads, "1");
    }
    free_openblas(&mut command);
    Worker::start(&mut command, Role::Portable)
}

/// The interpreter of an environment, which is made unless it is there.
pub fn environment(name: &str) -> Result<PathBuf> {
    let environment = folder::workspace().join("target").join(name);
    let interpreter = environment.join("bin").join("python");
    if !interpreter.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    }
    Ok(interpreter)
}

/// Installs packages into an interpreter's environment.
pub fn install(interpreter: &Path, packages: &[&str]) -> Result<()> {
    run(Command::new(interpreter)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(packages))
}

/// Takes settings away that would keep OpenBLAS from choosing the best kernel for this processor.
pub fn free_openblas(command: &mut Command) {
    for setting in ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "NPY_DISABLE_CPU_FEATURES"] {
        command.env_remove(setting);
    }
}

/// This program without Zig, built for this very processor.
fn native() -> Result<Rc<RefCell<Worker>>> {
    let target = folder::workspace().join("target").join("native");
    run(Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["build", "--release", "--quiet", "--no-default-features", "--manifest-path"])
        .arg(folder::workspace().join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .env("RUSTFLAGS", "-C target-cpu=native"))?;
    let program: PathBuf = target.join("release").join("engram-benchmarks");
    Worker::start(Command::new(program).arg("worker"), Role::PortableNative)
}

fn run(command: &mut Command) -> Result<()> {
    // What tools print is for people, and standard output may be JSON.
    let status = command.stdout(std::io::stderr()).status();
    let status = status.with_context(|| format!("cannot start {:?}", command.get_program()))?;
    ensure!(status.success(), "{:?} failed ({status})", command.get_program());
    Ok(())
}
