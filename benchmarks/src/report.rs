//! What was measured, as tables for people and as JSON for programs.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::contender::Role;
use crate::machine::Machine;
use crate::memory::{self, Compared};
use crate::rounds::{Spread, Times};
use crate::session::Comparison;

/// Everything that a run measured.
#[derive(Default, Serialize, Deserialize)]
pub struct Report {
    pub machine: Machine,
    pub rows: Vec<Row>,
    /// What became of each set of questions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memory: Vec<Compared>,
    /// Workers and graphs that could not be had, and why.
    pub missing: Vec<String>,
    /// Whether standard output is kept for JSON.
    #[serde(skip)]
    pub json: bool,
}

/// One piece of work, and how long everybody took for it: medians, in nanoseconds for one call.
#[derive(Clone, Serialize, Deserialize)]
pub struct Row {
    pub bench: String,
    pub work: String,
    /// What a call consists of, and of how many.
    pub unit: String,
    pub units: f64,
    pub engram_ns: Option<f64>,
    pub portable_ns: Option<f64>,
    pub portable_native_ns: Option<f64>,
    pub peers: BTreeMap<String, f64>,
    /// Libraries that answer something else: approximate, or with other settings.
    pub unlike: BTreeMap<String, f64>,
    /// Other ways of Engram's.
    pub variants: BTreeMap<String, f64>,
    /// What the machine itself allows.
    pub limits: BTreeMap<String, f64>,
    /// How many times as long as Engram each took: of the rounds' ratios the tenth percentile, the median
    /// and the ninetieth percentile.
    pub times_engram: BTreeMap<String, Spread>,
    pub notes: Vec<String>,
}

impl Row {
    pub fn of(comparison: &Comparison, times: &[Times]) -> Self {
        let engram = times.iter().find(|times| times.role == Role::Engram);
        let all = |role| times.iter().filter(move |times| times.role == role);
        let one = |role| all(role).map(Times::median).next();
        let map = |role| all(role).map(|times| (times.name.clone(), times.median())).collect();
        let ratios = times.iter().filter(|times| times.role != Role::Engram);
        Self {
            bench: comparison.bench.to_owned(),
            work: comparison.work.clone(),
            unit: comparison.unit.to_owned(),
            units: comparison.units,
            engram_ns: one(Role::Engram),
            portable_ns: one(Role::Portable),
            portable_native_ns: one(Role::PortableNative),
            peers: map(Role::Peer),
            unlike: map(Role::Unlike),
            variants: map(Role::Variant),
            limits: map(Role::Limit),
            times_engram: engram
                .map(|engram| ratios.map(|times| (times.name.clone(), times.over(engram))).collect())
                .unwrap_or_default(),
            notes: Vec::new(),
        }
    }

    /// Everybody in this row, by time.
    pub fn everybody(&self) -> Vec<(&str, Role, f64)> {
        let mut all: Vec<(&str, Role, f64)> = Vec::new();
        all.extend(self.engram_ns.map(|ns| ("Engram", Role::Engram, ns)));
        all.extend(self.portable_ns.map(|ns| ("portable", Role::Portable, ns)));
        all.extend(self.portable_native_ns.map(|ns| ("portable, native build", Role::PortableNative, ns)));
        let maps = [
            (&self.peers, Role::Peer),
            (&self.unlike, Role::Unlike),
            (&self.variants, Role::Variant),
            (&self.limits, Role::Limit),
        ];
        for (map, role) in maps {
            all.extend(map.iter().map(|(name, ns)| (name.as_str(), role, *ns)));
        }
        all.sort_by(|a, b| a.2.total_cmp(&b.2));
        all
    }

    /// The row as a table.
    pub fn table(&self) -> String {
        let mut text = format!("\n{}: {}\n", self.bench, self.work);
        for (name, role, nanoseconds) in self.everybody() {
            let each = time(nanoseconds / self.units);
            let _ = write!(text, "  {name:<44} {each:>10} a {}", self.unit);
            if let Some(Spread { low, median, high }) = self.times_engram.get(name) {
                let _ = write!(text, "   {median:>6.2} × Engram [{low:.2} – {high:.2}]");
            }
            match role {
                Role::Unlike => text.push_str("  (another answer)"),
                Role::Limit => text.push_str("  (limit)"),
                _ => {}
            }
            text.push('\n');
        }
        text
    }
}

/// A time, with a unit that suits it.
pub fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 1e4 => format!("{ns:.1} ns"),
        ns if ns < 1e7 => format!("{:.1} µs", ns / 1e3),
        ns if ns < 1e10 => format!("{:.1} ms", ns / 1e6),
        ns => format!("{:.1} s", ns / 1e9),
    }
}

impl Report {
    pub fn add(&mut self, row: Row) {
        self.say(&row.table());
        self.rows.push(row);
    }

    pub fn compare(&mut self, compared: Compared) {
        self.say(&compared.table());
        self.memory.push(compared);
    }

    /// Says again what an earlier run measured.
    pub fn repeat(&self) {
        for row in &self.rows {
            self.say(&row.table());
            row.notes.iter().for_each(|note| self.say(&format!("  {note}\n")));
        }
        self.memory.iter().for_each(|compared| self.say(&compared.table()));
    }

    /// Adds a remark to the last row.
    pub fn note(&mut self, note: String) {
        self.say(&format!("  {note}\n"));
        if let Some(row) = self.rows.last_mut() {
            row.notes.push(note);
        }
    }

    /// What the figures were measured on, and what is not among them.
    pub fn frame(&self) {
        let Machine { processor, threads_available, caches, system, kernels, crates, packages, .. } =
            &self.machine;
        let threads = if self.memory.is_empty() {
            "one thread unless said otherwise"
        } else {
            "with as many threads as each takes"
        };
        self.say(&memory::summary(&self.memory));
        self.say(&format!(
            "\n{processor}, {threads_available} threads, {caches}; {system}; kernels: {kernels}; {}, {}; {threads}\n",
            crates.join(", "),
            packages.join(", ")
        ));
        for missing in &self.missing {
            self.say(&format!("not measured: {missing}\n"));
        }
    }

    fn say(&self, text: &str) {
        if self.json { eprint!("{text}") } else { print!("{text}") }
    }
}
