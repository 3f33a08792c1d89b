//! What came of all damages, in tables, and each fault with how to see it again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};

use crate::judge::{Fault, Judged};
use crate::kinds::Kind;

/// The most faults that are told one by one.
const SHOWN: usize = 60;

/// What came of many damaged stores.
#[derive(Default)]
pub struct Report {
    damages: u64,
    found: u64,
    runs: BTreeMap<&'static str, u64>,
    pairs: BTreeMap<(Kind, &'static str), u64>,
    faults: BTreeMap<(Fault, &'static str), u64>,
    by_kind: BTreeMap<(Kind, Fault), u64>,
    by_store: BTreeMap<(&'static str, Fault), u64>,
    /// The seeds of the damages that each fault came of, and all of these.
    by_fault: BTreeMap<Fault, BTreeSet<u64>>,
    struck: BTreeSet<u64>,
    told: Vec<String>,
}

impl Report {
    /// Adds what came of one damage.
    pub fn add(&mut self, seed: u64, kind: Kind, store: &'static str, damage: &str, judged: &Judged) {
        self.damages += 1;
        self.found += u64::from(judged.is_found);
        for operation in &judged.ran {
            *self.runs.entry(operation).or_default() += 1;
            *self.pairs.entry((kind, operation)).or_default() += 1;
        }
        for finding in &judged.findings {
            self.struck.insert(seed);
            self.by_fault.entry(finding.fault).or_default().insert(seed);
            *self.faults.entry((finding.fault, finding.operation)).or_default() += 1;
            *self.by_kind.entry((kind, finding.fault)).or_default() += 1;
            *self.by_store.entry((store, finding.fault)).or_default() += 1;
            let (fault, operation, what) = (finding.fault, finding.operation, &finding.what);
            self.told.push(format!(
                "{fault:?}: {operation} on the store \"{store}\", {kind:?}, {damage}: {what}\n    \
                 again with: ENGRAM_DAMAGE={seed} cargo test -p engram-tool --test damage"
            ));
        }
    }

    /// Takes in what another thread has gathered.
    pub fn merge(&mut self, other: Self) {
        self.damages += other.damages;
        self.found += other.found;
        add(&mut self.runs, other.runs);
        add(&mut self.pairs, other.pairs);
        add(&mut self.faults, other.faults);
        add(&mut self.by_kind, other.by_kind);
        add(&mut self.by_store, other.by_store);
        for (fault, seeds) in other.by_fault {
            self.by_fault.entry(fault).or_default().extend(seeds);
        }
        self.struck.extend(other.struck);
        self.told.extend(other.told);
        self.told.sort();
    }

    /// Whether nothing went wrong.
    pub fn is_sound(&self) -> bool {
        self.told.is_empty()
    }

    /// Whether nothing went wrong but what is allowed, and that in no more than this share of the damages.
    pub fn has_only(&self, allowed: &[Fault], share: f64) -> bool {
        self.by_fault.keys().all(|fault| allowed.contains(fault))
            && self.struck.len() as f64 <= share * self.damages as f64
    }

    /// The damages that `verify` found, and all.
    pub fn found(&self) -> (u64, u64) {
        (self.found, self.damages)
    }

    /// How often that pair of a kind of damage and an operation ran which ran least.
    pub fn rarest_pair(&self) -> u64 {
        let operations: BTreeSet<&str> =
            self.runs.keys().copied().filter(|name| *name != "synchronise").collect();
        let all = Kind::ALL.iter().flat_map(|kind| operations.iter().map(move |name| (*kind, *name)));
        all.map(|pair| self.pairs.get(&pair).copied().unwrap_or(0)).min().unwrap_or(0)
    }

    /// One line about what ran.
    pub fn summary(&self) -> String {
        format!(
            "{} damages, {} of them found by verify; {} operations, {} pairs of kind and operation, each at least {} \
             times; {} faults in {} damages",
            self.damages,
            self.found,
            self.runs.values().sum::<u64>(),
            self.pairs.len(),
            self.rarest_pair(),
            self.told.len(),
            self.struck.len(),
        )
    }
}

fn add<K: Ord>(sums: &mut BTreeMap<K, u64>, others: BTreeMap<K, u64>) {
    for (key, count) in others {
        *sums.entry(key).or_default() += count;
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.summary())?;
        writeln!(f, "\ndamages that had a fault:")?;
        for (fault, seeds) in &self.by_fault {
            writeln!(f, "  {:<12} {:>5} of {}", format!("{fault:?}"), seeds.len(), self.damages)?;
        }
        writeln!(f, "\nfaults by operation:")?;
        for ((fault, operation), count) in &self.faults {
            let runs = self.runs.get(operation).copied().unwrap_or(0);
            writeln!(f, "  {:<12} {operation:<15} {count:>5} of {runs}", format!("{fault:?}"))?;
        }
        writeln!(f, "\nfaults by kind of damage:")?;
        for ((kind, fault), count) in &self.by_kind {
            writeln!(f, "  {:<17} {:<12} {count:>5}", format!("{kind:?}"), format!("{fault:?}"))?;
        }
        writeln!(f, "\nfaults by store:")?;
        for ((store, fault), count) in &self.by_store {
            writeln!(f, "  {store:<10} {:<12} {count:>5}", format!("{fault:?}"))?;
        }
        writeln!(f)?;
        for told in self.told.iter().take(SHOWN) {
            writeln!(f, "{told}")?;
        }
        if let more @ 1.. = self.told.len().saturating_sub(SHOWN) {
            writeln!(f, "and {more} more; ENGRAM_DAMAGE_REPORT=FILE writes all of them")?;
        }
        Ok(())
    }
}

impl Report {
    /// Everything, one fault a paragraph.
    pub fn whole(&self) -> String {
        format!("{self}\nall faults:\n{}\n", self.told.join("\n"))
    }
}
