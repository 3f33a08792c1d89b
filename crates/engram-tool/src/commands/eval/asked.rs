//! What is asked, and what of it cannot be answered.

use std::collections::BTreeSet;
use std::path::PathBuf;

use engram::evaluation::UnknownNote;
use engram::import::Notices;
use engram::import::beir::{self, Judgement, Query};
use engram::import::questions::{self, NoteQuestion};
use engram::{Cue, Engram, Error, MemoryId};
use serde::Serialize;

use super::Arguments;
use crate::exit::{Exit, Failure};
use crate::output;

/// The questions.
pub enum Asked {
    /// Of a BEIR folder.
    Judged { queries: Vec<Query>, judgements: Vec<Judgement> },
    /// Over notes.
    Notes { file: PathBuf, questions: Vec<NoteQuestion> },
}

/// A measure with its name.
pub type Named = (&'static str, Figure);

/// A measure: a number of questions, or a mean.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
pub enum Figure {
    /// How many.
    Count(usize),
    /// A mean from 0 to 1.
    Mean(f64),
}

impl Asked {
    /// Reads the questions that the command line names.
    pub fn read(arguments: &Arguments) -> Result<Self, Failure> {
        match (&arguments.questions, &arguments.folder) {
            (Some(file), _) => {
                let questions = questions::read(file).map_err(Error::from)?;
                Ok(Self::Notes { file: file.clone(), questions })
            }
            (None, Some(folder)) => {
                let queries = beir::queries(folder).map_err(Error::from)?;
                let judgements = beir::judgements(folder, arguments.split.into()).map_err(Error::from)?;
                Ok(Self::Judged { queries, judgements })
            }
            (None, None) => Err(Failure::new(Exit::Usage, "name a BEIR folder, or --vault and --questions")),
        }
    }

    /// The measures of a store, asked like a cue.
    pub fn measure(&self, engram: &Engram, cue: &Cue) -> Result<Vec<Named>, Failure> {
        use Figure::{Count, Mean};
        Ok(match self {
            Self::Judged { queries, judgements } => {
                let found = engram.evaluate(queries, judgements, cue)?;
                self.check(found.queries)?;
                vec![
                    ("recall@5", Mean(found.recall_at_5)),
                    ("recall@10", Mean(found.recall_at_10)),
                    ("ndcg@10", Mean(found.ndcg_at_10)),
                    ("mrr", Mean(found.mrr)),
                    ("all_gold@10", Mean(found.all_gold_at_10)),
                ]
            }
            Self::Notes { questions, .. } => {
                let found = engram.evaluate_notes(questions, cue)?.all;
                self.check(found.questions)?;
                vec![
                    ("first", Count(found.first)),
                    ("among_5", Count(found.among_5)),
                    ("among_10", Count(found.among_10)),
                    ("mrr", Mean(found.mrr())),
                ]
            }
        })
    }

    /// The measure that stands for all where only one is shown.
    pub fn main_measure(&self) -> &'static str {
        match self {
            Self::Judged { .. } => "ndcg@10",
            Self::Notes { .. } => "mrr",
        }
    }

    /// Errors where no question could be asked.
    pub fn check(&self, asked: usize) -> Result<(), Failure> {
        if asked > 0 {
            return Ok(());
        }
        Err(Failure::new(
            Exit::Refused,
            match self {
                Self::Judged { .. } => {
                    "no query has a relevant document; check that the ids in qrels are those of queries.jsonl"
                        .to_owned()
                }
                Self::Notes { file, .. } => format!(
                    "{} asks for no note that is there; write paths within the folder, such as \"a.md\"",
                    file.display()
                ),
            },
        ))
    }

    /// Names the notes that questions ask for and that are not there.
    pub fn name_unknown(&self, unknown: &[UnknownNote]) -> Exit {
        let Self::Notes { file, .. } = self else { return Exit::Done };
        let mut notices = Notices::default();
        for UnknownNote { line, note, .. } in unknown {
            notices.push(format!(
                "{}, line {line}: there is no note {note}; write its path within the folder",
                file.display()
            ));
        }
        output::notes(&notices, "notes that are not there");
        if unknown.is_empty() { Exit::Done } else { Exit::Refused }
    }
}

/// Says how many of the relevant documents a store does not hold: then it may be the wrong one.
pub fn name_missing(engram: &Engram, judgements: &[Judgement]) -> Result<(), Failure> {
    let relevant = judgements.iter().filter(|judgement| judgement.relevance > 0);
    let relevant: BTreeSet<&str> = relevant.map(|judgement| judgement.document.as_str()).collect();
    let mut missing = Vec::new();
    for document in &relevant {
        let is_there = match MemoryId::existing(*document) {
            Ok(id) => engram.get(&id)?.is_some(),
            Err(_) => false,
        };
        if !is_there {
            missing.push(*document);
        }
    }
    if let Some(first) = missing.first() {
        output::note(&format!(
            "the store does not hold {} of the {} relevant documents, such as {first}; check that it is the right one",
            missing.len(),
            relevant.len()
        ));
    }
    Ok(())
}
