//! Many measurements of one store: what each part adds, and what each setting does.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;

use engram::evaluation::{Associations, Part, variations};
use engram::{Cue, Engram};
use serde::Serialize;
use tempfile::TempDir;

use super::asked::{Asked, Figure, Named};
use super::temporary;
use crate::exit::{Exit, Failure, Outcome};
use crate::output;
use crate::progress::Spinner;
use crate::style::{DIM, TITLE};

#[derive(Serialize)]
struct Parts {
    parts: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    part: &'static str,
    uses: &'static str,
    #[serde(flatten)]
    measures: BTreeMap<&'static str, Figure>,
}

#[derive(Serialize)]
struct Sensitivity {
    measure: &'static str,
    settings: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    setting: &'static str,
    values: [f32; 3],
    measured: [Figure; 3],
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => f.pad(&count.to_string()),
            Self::Mean(mean) => f.pad(&format!("{mean:.4}")),
        }
    }
}

/// What a row of the parts uses, in a few words.
fn uses(part: Part) -> &'static str {
    match part {
        Part::Words => "BM25 alone",
        Part::Names => "words and names seed, one hop between names and memories",
        Part::Vectors => "the vector seeds as well",
        Part::Links => "links and sections lead on, one hop",
        Part::Sequence => "what follows what leads on, one hop",
        Part::Spreading => "as many hops as usual",
        _ => "age counts: the whole",
    }
}

/// Prints one row for each part of a recall.
pub fn ablate(asked: &Asked, engram: &Engram, whole: &Cue, json: bool) -> Outcome {
    let spinner = Spinner::new("asking");
    let mut copy: Option<(Associations, Engram, TempDir)> = None;
    let mut rows: Vec<(Part, Vec<Named>)> = Vec::new();
    for part in Part::ALL {
        let kept = part.associations();
        let (_, stripped, _) = match copy.take().filter(|(has, ..)| *has == kept) {
            Some(same) => copy.insert(same),
            None => {
                let folder = temporary()?;
                copy.insert((kept, engram.copy_with(folder.path(), kept)?, folder))
            }
        };
        rows.push((part, asked.measure(stripped, &part.cue(whole))?));
    }
    drop(spinner);
    let exit = unknown(asked, engram, whole)?;
    if json {
        let row = |(part, measures): (Part, Vec<Named>)| Row {
            part: part.name(),
            uses: uses(part),
            measures: measures.into_iter().collect(),
        };
        output::json(&Parts { parts: rows.into_iter().map(row).collect() })?;
        return Ok(exit);
    }
    let mut out = output::plain();
    write!(out, "{DIM}{:14}", "")?;
    for (name, _) in rows.first().into_iter().flat_map(|(_, measures)| measures) {
        write!(out, "  {name:>11}")?;
    }
    writeln!(out, "{DIM:#}")?;
    for (part, measures) in &rows {
        let sign = if *part == Part::Words { "" } else { "+ " };
        write!(out, "{:<14}", format!("{sign}{}", part.name()))?;
        measures.iter().try_for_each(|(_, figure)| write!(out, "  {figure:>11}"))?;
        writeln!(out, "  {DIM}{}{DIM:#}", uses(*part))?;
    }
    out.flush()?;
    Ok(exit)
}

/// Prints one line for each setting: the main measure where it is lower, as usual and higher.
pub fn sensitivity(asked: &Asked, engram: &Engram, usual: &Cue, json: bool) -> Outcome {
    let measure = asked.main_measure();
    let main = |cue: &Cue| -> Result<Figure, Failure> {
        let measures = asked.measure(engram, cue)?;
        let found = measures.into_iter().find(|(name, _)| *name == measure);
        Ok(found.map_or(Figure::Mean(0.0), |(_, figure)| figure))
    };
    let spinner = Spinner::new("asking");
    let whole = main(usual)?;
    let mut lines = Vec::new();
    for varied in variations(usual) {
        let ((low, lower), (high, higher)) = (&varied.lower, &varied.higher);
        let (values, measured) = ([*low, varied.usual, *high], [main(lower)?, whole, main(higher)?]);
        lines.push(Line { setting: varied.setting, values, measured });
    }
    drop(spinner);
    let exit = unknown(asked, engram, usual)?;
    if json {
        output::json(&Sensitivity { measure, settings: lines })?;
        return Ok(exit);
    }
    let mut out = output::plain();
    writeln!(out, "{TITLE}{measure}{TITLE:#} is {whole}, and with one setting changed:")?;
    writeln!(out, "{DIM}{:<20}{:>9}  {:>18}  {:>18}{DIM:#}", "", "usual", "lower", "higher")?;
    for Line { setting, values, measured } in &lines {
        let [low, value, high] = values.map(shown);
        let [lower, _, higher] = measured;
        writeln!(
            out,
            "{setting:<20}{value:>9}  {DIM}{low:>9}{DIM:#} {lower:>8}  {DIM}{high:>9}{DIM:#} {higher:>8}"
        )?;
    }
    out.flush()?;
    Ok(exit)
}

/// Names the notes that are not there, once for all measurements.
fn unknown(asked: &Asked, engram: &Engram, cue: &Cue) -> Outcome {
    match asked {
        Asked::Notes { questions, .. } => {
            Ok(asked.name_unknown(&engram.evaluate_notes(questions, cue)?.unknown))
        }
        Asked::Judged { .. } => Ok(Exit::Done),
    }
}

/// A value as people write it: three digits behind the point, or a power of ten.
fn shown(value: f32) -> String {
    if value >= 1e-3 {
        let rounded = (f64::from(value) * 1000.0).round() / 1000.0;
        rounded.to_string()
    } else {
        format!("{value:.1e}")
    }
}
