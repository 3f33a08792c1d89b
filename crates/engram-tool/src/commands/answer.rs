//! How a recollection is written: for people, with marks and the way to each hit; for machines, in JSON.

use std::borrow::Cow;
use std::io::Write;

use engram::text::{Snippet, printable_line};
use engram::{Cue, Hit, Recollection, Step, Why};
use serde::Serialize;

use crate::exit::Failure;
use crate::output::{self, Plain};
use crate::style::{DIM, MARK, SCORE, TITLE};

const INDENT: usize = 4;

/// Writes a recollection for people.
pub fn plain(cue: &Cue, recollection: &Recollection, explain: bool) -> Result<(), Failure> {
    let mut out = output::plain();
    let width = output::width();
    for (rank, hit) in (1..).zip(&recollection.hits) {
        heading(&mut out, rank, hit)?;
        snippet(&mut out, &hit.snippet, width)?;
        if explain {
            numbers(&mut out, cue, hit)?;
        } else {
            let way = wrapped(&way(&hit.why), width);
            writeln!(out, "    {DIM}{}{DIM:#}", way.replace('\n', "\n    "))?;
        }
        writeln!(out)?;
    }
    footer(&mut out, recollection, explain)?;
    Ok(out.flush()?)
}

/// Rank, title, and where it can be found again.
fn heading(out: &mut Plain, rank: usize, hit: &Hit) -> Result<(), Failure> {
    let id = hit.id.shown();
    write!(out, "{rank:>2}. ")?;
    match &hit.title {
        Some(title) => write!(out, "{TITLE}{}{TITLE:#}  {DIM}{id}{DIM:#}", printable_line(title))?,
        None => write!(out, "{TITLE}{id}{TITLE:#}")?,
    }
    // The id of a note is its path, or begins with it.
    if let Some(source) = hit.source.as_deref().filter(|source| !hit.id.as_str().starts_with(source)) {
        write!(out, "  {DIM}{}{DIM:#}", printable_line(source))?;
    }
    Ok(writeln!(out, "  {SCORE}{:.4}{SCORE:#}", hit.score)?)
}

fn snippet(out: &mut Plain, snippet: &Snippet, width: Option<usize>) -> Result<(), Failure> {
    if snippet.text.is_empty() {
        return Ok(());
    }
    // Wrapping puts a line end in the place of a space, so the marks stay where they are.
    let text = wrapped(&snippet.text, width);
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default().replace('\n', "\n    ");
    let mut at = 0;
    write!(out, "    ")?;
    for mark in &snippet.marks {
        write!(out, "{}{MARK}{}{MARK:#}", part(at, mark.start), part(mark.start, mark.end))?;
        at = mark.end;
    }
    Ok(writeln!(out, "{}", part(at, text.len()))?)
}

/// A text with line ends in place of spaces, so that it fits an indented column.
fn wrapped(text: &str, width: Option<usize>) -> String {
    let Some(width) = width.map(|width| width.saturating_sub(INDENT + 1).max(20)) else {
        return text.to_owned();
    };
    let mut lines = String::with_capacity(text.len());
    let mut used = 0;
    for (i, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if i > 0 {
            let fits = used + 1 + length <= width;
            lines.push(if fits { ' ' } else { '\n' });
            used = if fits { used + 1 } else { 0 };
        }
        lines.push_str(word);
        used += length;
    }
    lines
}

/// The way that activation took: `cue → "lanes" → [[The arithmetic contract]]`.
fn way(why: &Why) -> String {
    let mut way = String::new();
    for step in &why.path {
        if !way.is_empty() {
            way.push_str(" → ");
        }
        match step {
            Step::Cue => way.push_str("cue"),
            Step::Name(name) => way.push_str(&format!("\"{}\"", printable_line(name))),
            Step::Memory { id, title } => {
                let name: Cow<'_, str> = title.as_deref().map_or_else(|| id.shown(), printable_line);
                way.push_str(&format!("[[{name}]]"));
            }
        }
    }
    // Two stations: nothing in between says why.
    match (why.path.len(), why.words.is_some(), why.similarity.is_some()) {
        (2, true, true) => way.push_str(", by its words and its vector"),
        (2, true, false) => way.push_str(", by its words"),
        (2, false, true) => way.push_str(", by its vector"),
        _ => {}
    }
    way
}

/// The arithmetic of a hit.
fn numbers(out: &mut Plain, cue: &Cue, hit: &Hit) -> Result<(), Failure> {
    let why = &hit.why;
    writeln!(out, "    {DIM}path{DIM:#}   {}", way(why))?;
    if cue.mode != engram::Mode::Associative {
        return Ok(());
    }
    writeln!(
        out,
        "    {DIM}score{DIM:#}  {:.4} = {} × retention {:.3}",
        hit.score,
        if why.direct > 0.0 {
            format!("(activation {:.4} + direct {:.4})", why.activation, why.direct)
        } else {
            format!("activation {:.4}", why.activation)
        },
        why.retention
    )?;
    let mut seeds = Vec::new();
    if let Some(bm25) = why.words {
        seeds.push(format!("words {:.4} (BM25 {bm25:.2})", why.seed.words));
    }
    if let Some(cosine) = why.similarity {
        seeds.push(format!("vector {:.4} (cosine {cosine:.3})", why.seed.vectors));
    }
    let seeds = if seeds.is_empty() { "none of its own".to_owned() } else { seeds.join(", ") };
    Ok(writeln!(out, "    {DIM}seed{DIM:#}   {seeds}")?)
}

fn footer(out: &mut Plain, recollection: &Recollection, explain: bool) -> Result<(), Failure> {
    if explain {
        let names: Vec<String> =
            recollection.names.iter().map(|name| format!("\"{}\"", printable_line(name))).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        writeln!(out, "{DIM}names in the cue: {names}{DIM:#}")?;
        writeln!(
            out,
            "{DIM}activation reached {} along {}{DIM:#}",
            output::count(recollection.nodes_reached as u64, "memory or name", "memories and names"),
            output::count(recollection.edges_traversed, "association", "associations"),
        )?;
    }
    let hits = output::count(recollection.hits.len() as u64, "memory", "memories");
    let took = recollection.took.as_secs_f64() * 1000.0;
    Ok(writeln!(out, "{DIM}{hits} in {took:.1} ms{DIM:#}")?)
}

/// Writes a recollection as one JSON document.
pub fn json(cue: &Cue, recollection: &Recollection) -> Result<(), Failure> {
    output::json(&Answer {
        cue: &cue.text,
        took_us: recollection.took.as_micros() as u64,
        hits: recollection.hits.iter().map(HitJson::of).collect(),
        notes: &recollection.notes,
    })
}

#[derive(Serialize)]
struct Answer<'a> {
    cue: &'a str,
    took_us: u64,
    hits: Vec<HitJson<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    notes: &'a [String],
}

#[derive(Serialize)]
struct HitJson<'a> {
    id: &'a str,
    title: Option<&'a str>,
    source: Option<&'a str>,
    snippet: &'a str,
    score: f32,
    weak: bool,
    why: WhyJson<'a>,
}

#[derive(Serialize)]
struct WhyJson<'a> {
    activation: f32,
    direct: f32,
    retention: f32,
    seed: SeedJson,
    words: Option<f32>,
    similarity: Option<f32>,
    path: Vec<StepJson<'a>>,
}

#[derive(Serialize)]
struct SeedJson {
    words: f32,
    vectors: f32,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum StepJson<'a> {
    Cue,
    Name { name: &'a str },
    Memory { id: &'a str, title: Option<&'a str> },
}

impl<'a> HitJson<'a> {
    fn of(hit: &'a Hit) -> Self {
        let why = &hit.why;
        let path = why.path.iter().map(|step| match step {
            Step::Cue => StepJson::Cue,
            Step::Name(name) => StepJson::Name { name },
            Step::Memory { id, title } => StepJson::Memory { id: id.as_str(), title: title.as_deref() },
        });
        Self {
            id: hit.id.as_str(),
            title: hit.title.as_deref(),
            source: hit.source.as_deref(),
            snippet: &hit.snippet.text,
            score: hit.score,
            weak: hit.is_weak,
            why: WhyJson {
                activation: why.activation,
                direct: why.direct,
                retention: why.retention,
                seed: SeedJson { words: why.seed.words, vectors: why.seed.vectors },
                words: why.words,
                similarity: why.similarity,
                path: path.collect(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_keeps_every_byte_in_its_place() {
        let text =
            "Sums run over thirty-two lanes — each lane adds on its own, and the halving tree joins them.";
        let lines = wrapped(text, Some(30));
        assert_eq!(lines.len(), text.len());
        assert_eq!(lines.replace('\n', " "), text);
        assert!(lines.lines().all(|line| line.chars().count() <= 25));
        assert_eq!(wrapped(text, None), text);
    }
}
