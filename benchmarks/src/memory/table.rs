//! What was measured on a set, as a table for people and as JSON for programs.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::passages::Embedding;
use super::sets::{Set, SetLanguage};
use super::{Outcome, median};
use crate::report::time;

/// A set, and how everybody did on it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Compared {
    pub set: String,
    pub passages: usize,
    pub bytes_of_text: usize,
    pub questions: usize,
    pub language: String,
    /// What the embedding model took; nothing where it could not be had.
    pub embedding: Option<Embedding>,
    pub rows: Vec<Taken>,
}

/// One contender.
#[derive(Clone, Serialize, Deserialize)]
pub struct Taken {
    pub name: String,
    /// Whether it was given the model's vectors.
    pub has_model: bool,
    pub measures: Vec<Measure>,
    /// Of a question of which ten passages are wanted; without its embedding.
    pub p50_nanoseconds: f64,
    pub ingest_seconds: f64,
    /// On disk; nothing where all is kept in memory.
    pub bytes: Option<u64>,
}

/// A measure with its name.
#[derive(Clone, Serialize, Deserialize)]
pub struct Measure {
    pub name: String,
    #[serde(flatten)]
    pub value: Value,
}

/// How much it is.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// So many questions.
    Count(usize),
    /// From 0 to 1.
    Mean(f64),
}

impl Measure {
    pub fn count(name: &str, count: usize) -> Self {
        Self { name: name.to_owned(), value: Value::Count(count) }
    }

    pub fn mean(name: &str, mean: f64) -> Self {
        Self { name: name.to_owned(), value: Value::Mean(mean) }
    }

    fn shown(&self) -> String {
        match self.value {
            Value::Count(count) => count.to_string(),
            Value::Mean(mean) => format!("{mean:.3}"),
        }
    }
}

impl Taken {
    pub fn of(outcome: &Outcome, measures: Vec<Measure>) -> Self {
        Self {
            name: outcome.name.clone(),
            has_model: outcome.has_model,
            measures,
            p50_nanoseconds: median(outcome.nanoseconds.clone()),
            ingest_seconds: outcome.ingest_seconds,
            bytes: outcome.bytes,
        }
    }
}

impl Compared {
    pub fn of(set: &Set) -> Self {
        let language = match set.language {
            SetLanguage::English => "English",
            SetLanguage::German => "German",
        };
        Self {
            set: set.name.clone(),
            passages: set.memories.len(),
            bytes_of_text: set.memories.iter().map(|stored| stored.memory.text.len()).sum(),
            questions: set.questions().count(),
            language: language.to_owned(),
            embedding: None,
            rows: Vec::new(),
        }
    }

    /// The set as a table: those without the model first.
    pub fn table(&self) -> String {
        let Self { set, passages, questions, language, .. } = self;
        let megabytes = self.bytes_of_text as f64 / 1e6;
        let mut text = format!(
            "\n{set}: {passages} passages ({megabytes:.2} MB, {language}), {questions} questions\n  {:<44}",
            ""
        );
        for Measure { name, .. } in self.rows.first().map_or(&[][..], |row| &row.measures) {
            let _ = write!(text, " {name:>9}");
        }
        let _ = writeln!(text, " {:>10} {:>10} {:>10}", "p50", "ingest", "on disk");
        for has_model in [false, true] {
            if let (true, Some(embedding)) = (has_model, &self.embedding) {
                let _ = writeln!(
                    text,
                    "  with all-MiniLM-L6-v2, which takes {} more a question and {:.0} s for the passages:",
                    time(embedding.question_nanoseconds),
                    embedding.passages_seconds
                );
            }
            for row in self.rows.iter().filter(|row| row.has_model == has_model) {
                let _ = write!(text, "  {:<44}", row.name);
                row.measures.iter().for_each(|measure| {
                    let _ = write!(text, " {:>9}", measure.shown());
                });
                let (p50, ingest, bytes) = row.costs();
                let _ = writeln!(text, " {p50:>10} {ingest:>10} {bytes:>10}");
            }
        }
        text
    }
}

/// All sets in one table, as the README has it: one line for each contender, in Markdown.
pub fn summary(sets: &[Compared]) -> String {
    let Some(first) = sets.iter().find(|set| !set.is_of_notes()) else { return String::new() };
    let notes: Vec<&Compared> = sets.iter().filter(|set| set.is_of_notes()).collect();
    let questions: usize = notes.iter().map(|set| set.questions).sum();
    let judged: Vec<&Compared> = sets.iter().filter(|set| !set.is_of_notes()).collect();
    let mut text = String::from("\n| |");
    for set in &judged {
        let _ = write!(text, " {}: recall@5 |", set.set);
    }
    let _ = writeln!(
        text,
        " notes, {questions} questions: right note first | among five | p50 | ingest | on disk |"
    );
    let _ = writeln!(text, "|---|{}", "---|".repeat(judged.len() + 5));
    for has_model in [false, true] {
        for row in first.rows.iter().filter(|row| row.has_model == has_model) {
            let given = if has_model { " with all-MiniLM-L6-v2" } else { "" };
            let _ = write!(text, "| {}{given} |", row.name);
            let same = |set: &&Compared| set.row(row).cloned();
            for set in &judged {
                let _ = write!(text, " {} |", same(set).map_or("–".to_owned(), |row| row.shown("recall@5")));
            }
            for name in ["first", "among 5"] {
                let count = notes.iter().filter_map(same).map(|row| row.counted(name)).sum::<usize>();
                let _ = write!(text, " {count} |");
            }
            let (p50, ingest, bytes) = row.costs();
            let _ = writeln!(text, " {p50} | {ingest} | {bytes} |");
        }
    }
    let _ = writeln!(text, "\np50, ingest and disk are those of {}.", first.set);
    text
}

impl Compared {
    fn is_of_notes(&self) -> bool {
        self.rows.iter().any(|row| row.measures.iter().any(|measure| measure.name == "first"))
    }

    fn row(&self, like: &Taken) -> Option<&Taken> {
        self.rows.iter().find(|row| (&row.name, row.has_model) == (&like.name, like.has_model))
    }
}

impl Taken {
    fn shown(&self, name: &str) -> String {
        let measure = self.measures.iter().find(|measure| measure.name == name);
        measure.map_or("–".to_owned(), Measure::shown)
    }

    fn counted(&self, name: &str) -> usize {
        let counts = self.measures.iter().filter(|measure| measure.name == name);
        counts.map(|measure| if let Value::Count(count) = measure.value { count } else { 0 }).sum()
    }

    /// The time of a question, the time to take in, and what lies on disk.
    fn costs(&self) -> (String, String, String) {
        let bytes = |bytes| format!("{:.1} MB", bytes as f64 / 1e6);
        (
            format!("{:.2} ms", self.p50_nanoseconds / 1e6),
            format!("{:.2} s", self.ingest_seconds),
            self.bytes.map_or_else(|| "in memory".to_owned(), bytes),
        )
    }
}
