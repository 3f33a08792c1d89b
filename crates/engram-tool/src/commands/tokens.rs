//! The tokens that words mode goes by, written out, so that another BM25 can be fed the same.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use engram::import::beir::Query;
use engram::text::{Language, Tokens, Words};
use engram::{Engram, StoredMemory};
use serde::Serialize;

use super::export::into_file;
use crate::exit::Failure;

#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "_id")]
    id: &'a str,
    tokens: Vec<String>,
}

/// Writes `corpus.jsonl` and `queries.jsonl` into a folder, which is made where it is missing.
pub fn write(engram: &Engram, queries: &[Query], folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| Failure::writing(folder, &error))?;
    let mut reader = Reader::default();
    let mut languages = BTreeSet::new();
    let path = folder.join("corpus.jsonl");
    into_file(&path, |out| {
        engram.for_each(|stored: StoredMemory| {
            let memory = &stored.memory;
            let language = memory.language.unwrap_or_default();
            languages.insert(language.code());
            // A memory is read by its title, its tags and its text; its aliases are names only.
            let tags = memory.tags.iter().map(String::as_str);
            let pieces = memory.title.as_deref().into_iter().chain(tags).chain([memory.text.as_str()]);
            let tokens = pieces.flat_map(|piece| reader.terms(piece, language)).collect();
            line(out, &path, &Line { id: memory.id.as_str(), tokens })
        })
    })?;
    let path = folder.join("queries.jsonl");
    into_file(&path, |out| {
        let languages = languages.iter().filter_map(|code| code.parse().ok());
        let languages: Vec<Language> = languages.collect();
        for query in queries {
            let tokens = reader.cue(&query.text, &languages);
            line(out, &path, &Line { id: &query.id, tokens })?;
        }
        Ok(())
    })
}

fn line(out: &mut impl Write, path: &Path, line: &Line<'_>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::writing(path, &error);
    serde_json::to_writer(&mut *out, line).map_err(|error| failed(error.into()))?;
    out.write_all(b"\n").map_err(failed)
}

/// Reads texts into terms, with the stems of each language kept.
#[derive(Default)]
struct Reader {
    tokens: Tokens,
    words: Vec<Words>,
}

impl Reader {
    fn terms(&mut self, text: &str, language: Language) -> Vec<String> {
        let at = self.words.iter().position(|words| words.language() == language).unwrap_or_else(|| {
            self.words.push(Words::new(language));
            self.words.len() - 1
        });
        self.tokens.read(text);
        let words = &mut self.words[at];
        self.tokens.iter().filter_map(|token| words.term(token).map(str::to_owned)).collect()
    }

    /// A cue is read in every language of the store, and each of its terms counts once.
    fn cue(&mut self, text: &str, languages: &[Language]) -> Vec<String> {
        let terms = languages.iter().flat_map(|language| self.terms(text, *language));
        terms.collect::<BTreeSet<String>>().into_iter().collect()
    }
}
