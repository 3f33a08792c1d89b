//! The sets: passages, questions, and which passages or notes answer them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use engram::evaluation::BEFORE_ANYTHING;
use engram::import::beir::{self, Judgement, Query, Split};
use engram::import::questions::{self, NoteQuestion};
use engram::{Engram, Language, OpenOptions, Progress, StoredMemory, Time};

use super::{Plan, fresh};
use crate::folder;

/// Passages and questions.
pub struct Set {
    pub name: String,
    /// What Engram cut the texts into; everybody gets these.
    pub memories: Vec<StoredMemory>,
    pub asked: Asked,
    /// When it is asked: forgetting is judged by it.
    pub at: Time,
    /// The language of most passages.
    pub language: SetLanguage,
}

/// The questions with what answers them.
pub enum Asked {
    /// Passages are judged.
    Judged { queries: Vec<Query>, judgements: Vec<Judgement> },
    /// Notes are named, of which any passage is right.
    Notes(Vec<NoteQuestion>),
}

/// A language that stemmers and lists of stop words are chosen by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SetLanguage {
    English,
    German,
}

impl SetLanguage {
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "english",
            Self::German => "german",
        }
    }
}

/// Where the passages of a set come from.
enum Source {
    Beir(PathBuf),
    Notes { folder: PathBuf, questions: PathBuf },
    Chat { memories: PathBuf, folder: PathBuf },
}

/// The sets in a folder (BEIR folders, and folders of notes with questions.jsonl, perhaps below notes/) and those of this
/// repository.
pub fn all(folder: Option<&Path>, missing: &mut Vec<String>) -> Result<Vec<Set>> {
    let mut sources = Vec::new();
    for parent in folder.into_iter().flat_map(|folder| [folder.to_owned(), folder.join("notes")]) {
        let Ok(entries) = std::fs::read_dir(&parent) else {
            missing.push(format!("sets in {}: there is no such folder", parent.display()));
            continue;
        };
        let mut folders: Vec<PathBuf> =
            entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
        folders.sort();
        for folder in folders {
            let questions = folder.join("questions.jsonl");
            let source = match () {
                () if folder.join("corpus.jsonl").exists() => Source::Beir(folder.clone()),
                () if questions.exists() => Source::Notes { folder: folder.clone(), questions },
                () => continue,
            };
            sources.push((name_of(&folder), source));
        }
    }
    let own = folder::workspace().join("sets");
    let questions = own.join("manual").join("questions.jsonl");
    let manual = folder::workspace().join("..").join("docs");
    sources.push(("manual".to_owned(), Source::Notes { folder: manual, questions }));
    let chat = own.join("chat");
    let memories = chat.join("memories.jsonl");
    sources.push(("chat".to_owned(), Source::Chat { memories, folder: chat }));
    sources
        .into_iter()
        .map(|(name, source)| {
            let context = format!("the set {name}");
            read(name, &source).context(context)
        })
        .collect()
}

fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn read(name: String, source: &Source) -> Result<Set> {
    let store = folder::data().join("memory").join(&name).join("read");
    fresh(&store)?;
    let mut quiet = |_: Progress| {};
    let engram = match source {
        Source::Notes { folder, .. } => {
            OpenOptions::new().open_vault_with_store(folder, &store)?.synchronise(&mut quiet)?;
            Engram::open(&store)?
        }
        Source::Beir(path) | Source::Chat { memories: path, .. } => {
            let engram = Engram::create(&store)?;
            engram.import(path, &mut quiet)?;
            engram
        }
    };
    let mut memories: Vec<StoredMemory> = Vec::new();
    engram.for_each(|stored| {
        memories.push(stored);
        Ok::<(), engram::Error>(())
    })?;
    // The documents of a BEIR folder are made as they are read: nothing of them is forgotten yet.
    let newest = engram.newest()?.unwrap_or(BEFORE_ANYTHING);
    let at = if matches!(source, Source::Beir(_)) { BEFORE_ANYTHING } else { newest };
    drop(engram);
    std::fs::remove_dir_all(&store)?;
    let asked = match source {
        Source::Notes { questions, .. } => Asked::Notes(questions::read(questions)?),
        Source::Beir(folder) | Source::Chat { folder, .. } => {
            let judgements = beir::judgements(folder, Split::Test)?;
            Asked::Judged { queries: beir::queries(folder)?, judgements }
        }
    };
    let german: Language = "de".parse()?;
    let has = |language: Language| {
        memories.iter().filter(|stored| stored.memory.language == Some(language)).count()
    };
    let language = if 2 * has(german) > memories.len() { SetLanguage::German } else { SetLanguage::English };
    let mut set = Set { name, memories, asked, at, language };
    set.keep_answered();
    Ok(set)
}

impl Set {
    /// The questions, in their order.
    pub fn questions(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        match &self.asked {
            Asked::Judged { queries, .. } => Box::new(queries.iter().map(|query| query.text.as_str())),
            Asked::Notes(questions) => Box::new(questions.iter().map(|question| question.question.as_str())),
        }
    }

    /// The set, or the first of it where little is to be done.
    pub fn cut_to(mut self, plan: Plan) -> Self {
        if let Some((passages, questions)) = plan.at_most {
            self.memories.truncate(passages);
            self.keep_answered();
            match &mut self.asked {
                Asked::Judged { queries, .. } => queries.truncate(questions),
                Asked::Notes(asked) => asked.truncate(questions),
            }
        }
        self
    }

    /// Drops the questions to which no passage is the answer: those are judged for nobody.
    fn keep_answered(&mut self) {
        let ids: BTreeSet<&str> = self.memories.iter().map(|stored| stored.memory.id.as_str()).collect();
        match &mut self.asked {
            Asked::Judged { queries, judgements } => {
                let answers = |judgement: &&Judgement| {
                    judgement.relevance > 0 && ids.contains(judgement.document.as_str())
                };
                let answered: BTreeSet<&str> =
                    judgements.iter().filter(answers).map(|judgement| judgement.query.as_str()).collect();
                queries.retain(|query| answered.contains(query.id.as_str()));
            }
            Asked::Notes(questions) => {
                let notes: BTreeSet<&str> = ids
                    .iter()
                    .flat_map(|id| [*id, id.split_once('#').map_or(*id, |(note, _)| note)])
                    .collect();
                questions.retain(|question| question.notes.iter().any(|note| notes.contains(note.as_str())));
            }
        }
    }
}
