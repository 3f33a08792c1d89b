//! Fair timing: contenders take turns, so that what the machine does to one it does to all.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::contender::{Contender, Role};
use crate::seeded::Numbers;

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Time for one comparison, after the first calls.
    pub budget: Duration,
    pub least_rounds: usize,
    /// Time that one turn should take: short calls are repeated.
    pub turn: Duration,
}

impl Plan {
    pub const FULL: Self =
        Self { budget: Duration::from_secs(3), least_rounds: 7, turn: Duration::from_micros(1500) };
    /// Enough to see that everything works.
    pub const QUICK: Self =
        Self { budget: Duration::from_millis(20), least_rounds: 2, turn: Duration::from_micros(100) };
}

const MOST_ROUNDS: usize = 301;

/// Work that takes longer is not repeated in a turn for warmth: nothing of it would still be in a cache.
const TOO_LONG_TO_WARM: f64 = 4e6;

/// What was measured of one contender.
#[derive(Clone, Debug)]
pub struct Times {
    pub name: String,
    pub role: Role,
    /// Nanoseconds of a call, one for each round.
    pub rounds: Vec<f64>,
}

/// A number that was measured many times.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Spread {
    /// The tenth percentile.
    pub low: f64,
    pub median: f64,
    /// The ninetieth percentile.
    pub high: f64,
}

impl Spread {
    pub fn of(mut numbers: Vec<f64>) -> Self {
        numbers.sort_by(f64::total_cmp);
        let at = |share: f64| numbers[((numbers.len() - 1) as f64 * share).round() as usize];
        Self { low: at(0.1), median: at(0.5), high: at(0.9) }
    }
}

impl Times {
    pub fn median(&self) -> f64 {
        Spread::of(self.rounds.clone()).median
    }

    /// How many times as long as `other` this took, round by round.
    pub fn over(&self, other: &Self) -> Spread {
        Spread::of(self.rounds.iter().zip(&other.rounds).map(|(a, b)| a / b).collect())
    }
}

/// Times all contenders, and compares what they found: the portable kernels and variants must give
/// Engram's bits, the peers its numbers to within `tolerance` of the greatest.
pub fn measure(plan: Plan, contenders: &mut [Contender], tolerance: f32) -> Result<Vec<Times>> {
    let mut repeats = Vec::new();
    let mut warm = Vec::new();
    for contender in contenders.iter_mut() {
        contender.call(1)?;
        let once = contender.call(1)?.max(1.0);
        repeats.push(((plan.turn.as_nanos() as f64 / once) as u64).clamp(1, 1_000_000));
        warm.push(once < TOO_LONG_TO_WARM);
    }
    compare(contenders, tolerance)?;

    let mut times: Vec<Times> = contenders
        .iter()
        .map(|contender| Times { name: contender.name.clone(), role: contender.role, rounds: Vec::new() })
        .collect();
    let started = Instant::now();
    let mut numbers = Numbers(1);
    let mut order: Vec<usize> = (0..contenders.len()).collect();
    for round in 0..MOST_ROUNDS {
        if round >= plan.least_rounds && started.elapsed() > plan.budget {
            break;
        }
        // Another order each time, so that nobody always finds the caches as the same other one left them.
        for last in (1..order.len()).rev() {
            order.swap(last, numbers.below(last as u64 + 1) as usize);
        }
        for &at in &order {
            if warm[at] {
                contenders[at].call(2)?;
            }
            let took = contenders[at].call(repeats[at])?;
            times[at].rounds.push(took / repeats[at] as f64);
        }
    }
    Ok(times)
}

fn compare(contenders: &mut [Contender], tolerance: f32) -> Result<()> {
    let Some(engram) = contenders.iter_mut().find(|c| c.role == Role::Engram) else { return Ok(()) };
    let expected = engram.answer()?;
    let greatest = expected.iter().fold(0.0f32, |greatest, x| greatest.max(x.abs()));
    for contender in contenders {
        let same_bits = match contender.role {
            Role::Engram | Role::Unlike | Role::Limit => continue,
            Role::Portable | Role::PortableNative | Role::Variant => true,
            Role::Peer => false,
        };
        let found = contender.answer()?;
        let name = &contender.name;
        ensure!(found.len() == expected.len(), "{name} gave {} numbers, not {}", found.len(), expected.len());
        for (at, (a, b)) in found.iter().zip(&expected).enumerate() {
            let agree =
                if same_bits { a.to_bits() == b.to_bits() } else { (a - b).abs() <= tolerance * greatest };
            ensure!(agree, "{name} gave {a:e} as number {at}, where Engram gave {b:e}");
        }
    }
    Ok(())
}
