//! Forgetting, for memories with a stability each.

use std::rc::Rc;

use anyhow::{Result, bail};
use engram_kernels::Curve;

use crate::contender::{Contender, OURS, Ours, Role};
use crate::folder::{self, Block};
use crate::jobs::{CurveName, Job};
use crate::seeded::Numbers;
use crate::session::{Comparison, Session};
use crate::similarity::plain_read;

const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];
/// Of the power law: memory that fades by the square root of time.
const EXPONENT: f32 = 0.5;

pub fn run(session: &mut Session) -> Result<()> {
    let sizes: &[usize] = if session.quick { &[10_000] } else { &SIZES };
    for &memories in sizes {
        let file = |what: &str| format!("{what}-{memories}");
        let between = |seed: u64, least: f64, most: f64| {
            let mut numbers = Numbers(seed);
            (0..memories).map(|_| least + (most - least) * f64::from(numbers.unit())).collect::<Vec<f64>>()
        };
        let strengths = folder::file(&file("strengths"), || {
            let mut numbers = Numbers(1);
            (0..memories).map(|_| numbers.unit()).collect()
        })?;
        // Up to a year old; half is kept for a day up to a quarter of a year.
        let ages = folder::file(&file("ages"), || between(2, 0.0, 31_536_000.0))?;
        let stabilities = folder::file(&file("stabilities"), || between(3, 86_400.0, 7_776_000.0))?;
        for (curve, title) in [(CurveName::HalfLife, "half-life"), (CurveName::Power, "power law")] {
            let job = Job::Decay {
                curve,
                strengths: strengths.clone(),
                ages: ages.clone(),
                stabilities: stabilities.clone(),
            };
            let loaded = load(&job)?;
            let mut contenders = of_loaded(&loaded, &OURS);
            contenders.push(scalar(&loaded));
            contenders.push(read(&loaded));
            let work = format!("{title}, {memories} memories");
            let units = memories as f64;
            session.compare(
                &job,
                contenders,
                Comparison { bench: "decay", work, unit: "memory", units, tolerance: 1e-5 },
            )?;
        }
    }
    Ok(())
}

struct Loaded {
    name: CurveName,
    curve: Curve,
    strengths: Block<f32>,
    ages: Block<f64>,
    stabilities: Block<f64>,
}

fn load(job: &Job) -> Result<Rc<Loaded>> {
    let Job::Decay { curve: name, strengths, ages, stabilities } = job else {
        bail!("not about decay: {job:?}")
    };
    let curve = match name {
        CurveName::HalfLife => Curve::half_life(),
        CurveName::Power => Curve::power(EXPONENT)?,
    };
    let memories = folder::count::<f32>(strengths)?;
    Ok(Rc::new(Loaded {
        name: *name,
        curve,
        strengths: Block::read(strengths, memories)?,
        ages: Block::read(ages, memories)?,
        stabilities: Block::read(stabilities, memories)?,
    }))
}

pub fn kernels(job: &Job, kernels: &[Ours]) -> Result<Vec<Contender>> {
    Ok(of_loaded(&load(job)?, kernels))
}

fn of_loaded(loaded: &Rc<Loaded>, kernels: &[Ours]) -> Vec<Contender> {
    let one = |Ours { name, role, kernels }: &Ours| {
        let (loaded, kernels) = (Rc::clone(loaded), kernels());
        let room = vec![0.0f32; loaded.strengths.len()];
        let call = move |kept: &mut Vec<f32>| {
            kernels.apply_decay_into(
                &loaded.strengths,
                &loaded.ages,
                &loaded.stabilities,
                loaded.curve,
                kept,
            );
        };
        Contender::local(*name, *role, room, call, Vec::clone)
    };
    kernels.iter().map(one).collect()
}

/// The plainest read of the same bytes.
fn read(loaded: &Rc<Loaded>) -> Contender {
    let loaded = Rc::clone(loaded);
    let call = move |sum: &mut u32| {
        *sum = plain_read(bytemuck::cast_slice(&loaded.strengths))
            .wrapping_add(plain_read(bytemuck::cast_slice(&loaded.ages)))
            .wrapping_add(plain_read(bytemuck::cast_slice(&loaded.stabilities)));
    };
    Contender::local("plain read", Role::Limit, 0u32, call, |_| Vec::new())
}

/// One memory after another, with the system's mathematical library.
#[allow(clippy::disallowed_methods, reason = "here the system's library is what is timed")]
fn scalar(loaded: &Rc<Loaded>) -> Contender {
    let loaded = Rc::clone(loaded);
    let room = vec![0.0f32; loaded.strengths.len()];
    let call = move |kept: &mut Vec<f32>| {
        let memories = loaded.strengths.iter().zip(&*loaded.ages).zip(&*loaded.stabilities);
        for (kept, ((strength, age), stability)) in kept.iter_mut().zip(memories) {
            let ratio = (age / stability) as f32;
            *kept = strength
                * match loaded.name {
                    CurveName::HalfLife => (-ratio).exp2(),
                    CurveName::Power => (1.0 + ratio).powf(-EXPONENT),
                };
        }
    };
    Contender::local("scalar loop with libm", Role::Peer, room, call, Vec::clone)
}
