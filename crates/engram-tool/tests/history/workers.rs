//! Workers that call the command on shared stores, kill some of the calls, and write down what happened.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::process::{self, End, Ended, engram};
use crate::register::{Moment, Span, Token};
use crate::sandbox::Random;
use crate::{plain, vault};

/// No call should take longer, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(60);
/// The memories that nobody touches.
pub const BALLAST: usize = 150;

/// What all workers share.
pub struct Shared<'s> {
    pub root: &'s Path,
    pub started: Instant,
    /// The next token, and the next for the weight of a link.
    pub tokens: AtomicU64,
    pub weights: AtomicU64,
}

impl Shared<'_> {
    pub fn now(&self) -> Moment {
        self.started.elapsed().as_nanos() as Moment
    }

    pub fn token(&self) -> Token {
        self.tokens.fetch_add(1, Ordering::Relaxed)
    }
}

/// What workers have written down.
#[derive(Default)]
pub struct Journal {
    pub plain: plain::History,
    /// The weights of links between memories that stay, each a register.
    pub links: plain::History,
    pub vault: vault::History,
    /// What was wrong in itself.
    pub faults: Vec<String>,
    /// How many calls of each command were done, killed and refused.
    pub counts: BTreeMap<&'static str, [u64; 3]>,
}

impl Journal {
    pub fn merge(&mut self, other: Self) {
        self.plain.merge(other.plain);
        self.links.merge(other.links);
        self.vault.merge(other.vault);
        self.faults.extend(other.faults);
        for (command, counts) in other.counts {
            let sums = self.counts.entry(command).or_default();
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
    }
}

/// How a call ended, if it did nothing that it must not.
pub enum Outcome {
    Done(Ended),
    Killed,
    Refused,
}

/// One worker.
pub struct Worker<'s> {
    pub shared: &'s Shared<'s>,
    pub number: u64,
    pub random: Random,
    pub journal: Journal,
    /// How many of a hundred calls are killed.
    pub kills: u64,
    /// How long calls of a command took lately, so that kills come in the middle of them.
    typical: BTreeMap<&'static str, Duration>,
}

impl<'s> Worker<'s> {
    pub fn new(shared: &'s Shared<'s>, number: u64, seed: u64, kills: u64) -> Self {
        let random = Random(seed.wrapping_mul(1000).wrapping_add(number));
        Self { shared, number, random, journal: Journal::default(), kills, typical: BTreeMap::new() }
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.random.below(100) < percent
    }

    /// Calls the command; kills it now and then. `codes` are the exit codes that it may end with.
    pub fn call(&mut self, name: &'static str, arguments: &[&str], codes: &[i32]) -> (Span, Outcome) {
        let typical = self.typical.get(name).copied().unwrap_or(Duration::from_millis(15));
        let moment = self.chance(self.kills).then(|| {
            let most = typical.as_micros() as u64 * 5 / 4;
            Duration::from_micros(self.random.below(most.max(1)))
        });
        let mut command = engram(self.shared.root, arguments);
        let begin = self.shared.now();
        let ended = match moment {
            Some(moment) => process::run_and_kill(&mut command, moment, PATIENCE),
            None => process::run(&mut command, PATIENCE),
        };
        let span = Span { begin, end: self.shared.now() };
        let is_refused = name == "compact" && ended.is_refusal();
        let outcome = match ended.end {
            _ if ended.is_panic() => self.wrong(arguments, span, &ended),
            End::Code(code) if codes.contains(&code) => {
                let took = Duration::from_nanos(span.end - span.begin);
                self.typical.insert(name, (typical * 3 + took) / 4);
                Outcome::Done(ended)
            }
            End::Code(_) if is_refused => Outcome::Refused,
            End::Killed => Outcome::Killed,
            _ => self.wrong(arguments, span, &ended),
        };
        let counts = self.journal.counts.entry(name).or_default();
        counts[match outcome {
            Outcome::Done(_) => 0,
            Outcome::Killed => 1,
            Outcome::Refused => 2,
        }] += 1;
        (span, outcome)
    }

    fn wrong(&mut self, arguments: &[&str], span: Span, ended: &Ended) -> Outcome {
        let (out, err) = (shortened(&String::from_utf8_lossy(&ended.out)), shortened(&ended.err));
        let end = ended.end;
        self.fault(format!("{arguments:?} at {span:?} ended with {end:?}: {err:?}, and gave {out:?}"));
        Outcome::Refused
    }

    pub fn fault(&mut self, fault: String) {
        self.journal.faults.push(fault);
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(400).collect()
}

/// The text of a memory.
pub fn text(token: Token) -> String {
    format!("zebra kept{token} beside the river")
}

/// What tells a text, or a snippet of it, from all others.
pub fn token_in(text: &str) -> Option<Token> {
    let digits = text.split("kept").nth(1)?;
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The memories of an export, by id.
pub fn exported(out: &[u8]) -> Result<BTreeMap<String, Value>, String> {
    let text = std::str::from_utf8(out).map_err(|error| error.to_string())?;
    text.lines()
        .map(|line| {
            let memory: Value = serde_json::from_str(line).map_err(|error| format!("{error} in {line:?}"))?;
            let id = memory["id"].as_str().ok_or_else(|| format!("no id in {line:?}"))?;
            Ok((id.to_owned(), memory.clone()))
        })
        .collect()
}
