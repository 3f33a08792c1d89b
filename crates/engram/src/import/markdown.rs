//! Markdown notes: one memory each, or one for each section of a long note.
//!
//! A note's id is its path. Its title is the front matter's, else its first heading of level 1, else the
//! file's name; the file's name is an alias where it differs, so `[[a wiki link]]` finds the note by either.
//! `[[folder/Note]]` looks for `Note`, because a name finds its note wherever the note is moved to;
//! `[text](folder/note.md)` leads to the path, seen from the note, else from the root, else to the one note whose path
//! ends so. Links in code are text.

mod paths;
mod sections;
mod targets;
mod warnings;

use std::collections::{HashMap, HashSet};

pub use self::paths::NotePaths;
pub(crate) use self::paths::{may_name_sites, places_of, sites_of};
pub use self::sections::MAX_SECTIONS;
use self::sections::Section;
use self::targets::Target;
pub use self::warnings::MAX_WARNINGS;
use self::warnings::{LineNumbers, Warnings};
use super::Warning;
use super::front_matter::{self, Entry};
use super::pieces::{Anchors, day_of, push_pieces, slug, stem};
use crate::memory::{InvalidMemory, Link, LinkTarget, MemoryId, NewMemory, Weight};
use crate::text::{Language, Tokens, name_key, start_of};

/// A note whose plain text is longer than this becomes one memory per section.
pub const WHOLE_NOTE_BYTES: usize = 2000;
/// How much of a note tells its language.
const LANGUAGE_BYTES: usize = 4096;
/// How much of the headings below stands for the text of a section that has none.
const LEAD_BYTES: usize = 300;

/// A note as memories, and what was odd about it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Note {
    /// The note itself (its id is the path), then its sections in order.
    pub memories: Vec<NewMemory>,
    /// What its writer should know, by line, at most [`MAX_WARNINGS`] and one that counts the rest. The note is
    /// imported all the same, and nothing of it is lost.
    pub warnings: Vec<Warning>,
    /// The places where its links look for notes by their paths, ascending: a note that comes or goes there may be where
    /// one of them leads.
    pub(crate) places: Vec<u32>,
}

/// The memories of a Markdown note.
///
/// The front matter's `title`, `aliases` or `alias`, `tags` or `tag`, `date` or `created`, and `lang` or
/// `language` count, and links in any of its values. A note whose plain text has at most
/// [`WHOLE_NOTE_BYTES`] stays whole. Of a longer one each section is a memory `path#heading` (as GitHub
/// writes it) that is a section of the one above it and follows the one before it; a section of more than
/// 4,000 bytes is cut at ends of paragraphs into `path#heading-2`…. A file whose name begins with a date was
/// made on that day, unless the front matter says otherwise. A note has at most [`MAX_SECTIONS`].
///
/// `relative_path` is relative to the imported folder, with `/` between its parts. Cost: about the note's
/// length.
///
/// # Errors
/// If the path cannot be an id. Anything odd about the contents is a [`Warning`].
pub fn parse(relative_path: &str, contents: &str) -> Result<Note, InvalidMemory> {
    parse_among(relative_path, contents, &NotePaths::default())
}

/// As [`parse`], in a folder of these notes, which tell where links lead that are not written from note to note.
///
/// # Errors
/// As [`parse`].
pub fn parse_among(relative_path: &str, contents: &str, notes: &NotePaths) -> Result<Note, InvalidMemory> {
    let id = MemoryId::of_path(relative_path)?;
    let contents = contents.strip_prefix('\u{feff}').unwrap_or(contents);
    let front = front_matter::take(contents);
    let read = sections::read(relative_path, front.body, notes);

    let mut root = NewMemory::new(id, "");
    root.source = Some(relative_path.to_owned());
    let mut warnings = Warnings::new(relative_path);
    if let Some((line, problem)) = &front.problem {
        warnings.push(*line, format_args!("the front matter is not YAML ({problem}); it is kept as text"));
    }
    let mut front_links = Vec::new();
    for entry in &front.entries {
        apply(entry, &mut root, &mut warnings);
        front_links.extend(entry.values.iter().flat_map(|value| targets::wiki_links(value)));
    }
    let body_begins = contents.len() - front.body.len();
    let mut lines = LineNumbers::new(contents);
    for at in &read.unusable {
        warnings.push(
            lines.of(body_begins + at),
            format_args!(
                "the link leads to a path that is no id (too long, or with control characters); it is left out"
            ),
        );
    }
    let stem = stem(relative_path);
    root.made = root.made.or_else(|| day_of(stem));
    name(&mut root, read.first_h1.as_deref(), stem);

    let mut all = read.all;
    if let Some(rejected) = front.rejected {
        let length = rejected.trim_end().len() + 2;
        all[0].text.insert_str(0, &format!("{}\n\n", rejected.trim_end()));
        for (at, _) in &mut all[0].links {
            *at += length;
        }
    }
    all[0].links.splice(0..0, front_links.into_iter().map(|target| (0, target)));
    root.language = root.language.or_else(|| language(&all));
    let mut places = read.places;
    places.sort_unstable();
    places.dedup();
    Ok(Note { memories: assemble(root, all)?, warnings: warnings.into_vec(), places })
}

/// The language of a note, by as much of its text as the guess looks at: a section of code has that of the prose around.
fn language(all: &[Section]) -> Option<Language> {
    let mut start = String::new();
    for section in all {
        start.push_str(start_of(&section.text, LANGUAGE_BYTES - start.len()));
        start.push('\n');
        if start.len() >= LANGUAGE_BYTES {
            break;
        }
    }
    Language::detect(&start)
}

/// Takes what one key of the front matter says.
fn apply(entry: &Entry, root: &mut NewMemory, warnings: &mut Warnings<'_>) {
    let first = || entry.values.first().filter(|value| !value.is_empty());
    match entry.key.as_str() {
        "title" => {
            root.title = first().filter(|_| root.title.is_none()).cloned().or_else(|| root.title.take())
        }
        "aliases" | "alias" => root.aliases.extend(entry.values.iter().filter(|v| !v.is_empty()).cloned()),
        "tags" | "tag" => {
            for value in &entry.values {
                let separators = |c: char| c == ',' || (c.is_whitespace() && !entry.is_list);
                let tags = value.split(separators).map(|tag| tag.trim().trim_start_matches('#'));
                root.tags.extend(tags.filter(|tag| !tag.is_empty()).map(str::to_owned));
            }
        }
        "date" | "created" => {
            if let Some(value) = first() {
                match value.parse() {
                    Ok(time) => root.made = root.made.or(Some(time)),
                    Err(error) => warnings.push(entry.line, format_args!("{error}; the date is left out")),
                }
            }
        }
        "lang" | "language" => {
            if let Some(value) = first() {
                match value.parse() {
                    Ok(language) => root.language = Some(language),
                    Err(error) => {
                        warnings.push(entry.line, format_args!("{error}; the language is detected instead"))
                    }
                }
            }
        }
        _ => {}
    }
}

/// Gives the note its title, and the other names that it goes by as aliases.
fn name(root: &mut NewMemory, first_h1: Option<&str>, stem: &str) {
    let mut tokens = Tokens::new();
    let mut key = |name: &str| {
        tokens.read(name);
        name_key(tokens.iter())
    };
    let title = root.title.take().unwrap_or_else(|| first_h1.unwrap_or(stem).to_owned());
    let mut known = HashSet::from([key(&title)]);
    let given = std::mem::take(&mut root.aliases);
    for alias in given.into_iter().chain(first_h1.map(str::to_owned)).chain([stem.to_owned()]) {
        let key = key(&alias);
        if !key.is_empty() && known.insert(key) {
            root.aliases.push(alias);
        }
    }
    root.title = Some(title);
}

/// Makes the memories: one if the note is short, one per section if it is long.
fn assemble(root: NewMemory, mut all: Vec<Section>) -> Result<Vec<NewMemory>, InvalidMemory> {
    let path = root.id.as_str().to_owned();
    let mut anchors = Anchors::new(&path);
    let bytes: usize = all.iter().map(|section| section.title.len() + section.text.len() + 2).sum();
    if all.len() > 1 && (bytes <= WHOLE_NOTE_BYTES || !anchors.fit()) {
        all = vec![joined(all)];
    }
    // The ids come first, because a section may link to a later one.
    let mut ids = vec![root.id.clone()];
    let mut slugs = vec!["part".to_owned()];
    let mut headings: HashMap<String, MemoryId> = HashMap::new();
    for section in &all[1..] {
        let slug = slug(&section.title);
        let id = anchors.id(&slug)?;
        headings.entry(slug.clone()).or_insert_with(|| id.clone());
        if let Some((_, anchor)) = id.as_str().split_once('#') {
            headings.entry(anchor.to_owned()).or_insert_with(|| id.clone());
        }
        slugs.push(if slug.is_empty() { "section".to_owned() } else { slug });
        ids.push(id);
    }
    if all.len() > 1 {
        // A heading with nothing under it would come back as a blank.
        for at in 0..all.len() {
            if all[at].text.trim().is_empty() {
                all[at].text = lead(&all, at);
            }
        }
    }

    let mut memories: Vec<NewMemory> = Vec::with_capacity(all.len());
    let mut above: Vec<(u8, MemoryId)> = Vec::new();
    let mut last = root.id.clone();
    for (i, section) in all.into_iter().enumerate() {
        let mut memory = if i == 0 {
            root.clone()
        } else {
            while above.last().is_some_and(|(level, _)| *level >= section.level) {
                above.pop();
            }
            let mut memory = NewMemory::new(ids[i].clone(), "");
            memory.title = Some(section.title.clone());
            memory.source.clone_from(&root.source);
            memory.made = root.made;
            memory.language = root.language;
            memory.section_of = Some(above.last().map_or_else(|| root.id.clone(), |(_, id)| id.clone()));
            memory.follows = Some(last);
            above.push((section.level, ids[i].clone()));
            memory
        };
        memory.tags.extend(section.tags);
        memory.strength = section.words.strength();
        let mut seen = HashSet::new();
        memory.tags.retain(|tag| seen.insert(tag.clone()));
        let links = section.links.into_iter().filter_map(|(at, target)| {
            let to = match target {
                Target::To(to) => to,
                Target::Heading(heading) => LinkTarget::Id(headings.get(&slug(&heading))?.clone()),
                Target::Elsewhere | Target::Unusable => return None,
            };
            Some((at, Link { to, weight: Weight::ONE }))
        });
        last = push_pieces(memory, &section.text, links.collect(), &slugs[i], &mut anchors, &mut memories)?;
    }
    Ok(memories)
}

/// All sections as one, headings included.
fn joined(all: Vec<Section>) -> Section {
    let mut whole = Section::default();
    for section in all {
        if !section.title.is_empty() {
            whole.text.push_str(&section.title);
            whole.text.push_str("\n\n");
        }
        let offset = whole.text.len();
        whole.links.extend(section.links.into_iter().map(|(at, target)| (at + offset, target)));
        whole.tags.extend(section.tags);
        whole.words.own += section.words.own;
        whole.words.in_links += section.words.in_links;
        whole.text.push_str(&section.text);
        if !whole.text.is_empty() && !whole.text.ends_with("\n\n") {
            whole.text.push_str(if whole.text.ends_with('\n') { "\n" } else { "\n\n" });
        }
    }
    whole
}

/// What stands for the text of a section that has none: the headings below it, else its own.
fn lead(all: &[Section], at: usize) -> String {
    let below = all[at + 1..].iter().take_while(|section| section.level > all[at].level);
    let mut lead = String::new();
    for section in below {
        if lead.len() + section.title.len() > LEAD_BYTES {
            break;
        }
        if !lead.is_empty() {
            lead.push_str(" · ");
        }
        lead.push_str(&section.title);
    }
    if lead.is_empty() { all[at].title.clone() } else { lead }
}

#[cfg(test)]
mod tests;
