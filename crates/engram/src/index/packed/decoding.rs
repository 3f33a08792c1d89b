//! Records read and cut into tokens, before anything is numbered: what depends on one record alone, so that it can be
//! done ahead of the rest.

use std::borrow::Cow;
use std::ops::Range;

use super::facts::Kept;
use super::strings::{Lines, Strings};
use crate::index::associations::Kind;
use crate::index::reading;
use crate::store::pass::Pass;
use crate::store::record::{BadRecord, Record};
use crate::store::table::Seal;
use crate::text::{Language, Tokens};

/// Records in one batch.
const BATCH: usize = 512;

/// Records that were decoded together, with their tokens in one list.
#[derive(Default)]
pub(super) struct Batch<'t> {
    /// Each record, or what is wrong with it.
    pub(super) records: Vec<Result<Decoded<'t>, BadRecord>>,
    parts: Vec<Part>,
    links: Vec<DecodedLink>,
    folded: String,
    /// Where each token ends in `folded`.
    ends: Vec<u32>,
}

/// What is kept of a record beside the parts that it was cut into.
pub(super) struct Decoded<'t> {
    pub(super) namespace: Cow<'t, str>,
    pub(super) language: Option<Language>,
    pub(super) made: i64,
    pub(super) refreshed: i64,
    pub(super) strength: f32,
    pub(super) stability: f32,
    parts: Range<usize>,
    links: Range<usize>,
}

/// A run of a batch's tokens and what it is to its record.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) role: Role,
    pub(super) tokens: Range<usize>,
}

/// What a run of tokens is to its record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A piece of text that is read for words and mentions, as [`reading::pieces`] gives them.
    Piece,
    /// Terms that only count as words, as [`crate::text::compounds`] gives them.
    Compounds,
    /// A phrase or tag that may be a name.
    Phrase,
    /// A name that the memory bears; one may come more than once.
    Home,
}

/// An explicit association, as far as a record alone tells.
pub(super) struct DecodedLink {
    pub(super) to: DecodedTarget,
    pub(super) kind: Kind,
    pub(super) weight: f32,
}

/// Where a link leads.
pub(super) enum DecodedTarget {
    /// To the memory of this number, if there is one.
    Memory(Option<u32>),
    /// To whatever bears the name of these tokens.
    Name(Range<usize>),
}

impl Batch<'_> {
    /// The tokens of all records.
    pub(super) fn tokens(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let token = &self.folded[start..end as usize];
            start = end as usize;
            token
        })
    }

    /// The parts of one of its records.
    pub(super) fn parts(&self, decoded: &Decoded<'_>) -> &[Part] {
        &self.parts[decoded.parts.clone()]
    }

    /// The links of one of its records.
    pub(super) fn links(&self, decoded: &Decoded<'_>) -> &[DecodedLink] {
        &self.links[decoded.links.clone()]
    }

    /// Takes over what was read; says where it lies in the list.
    fn put(&mut self, tokens: &Tokens) -> Range<usize> {
        let start = self.ends.len();
        for folded in tokens.iter() {
            self.folded.push_str(folded);
            self.ends.push(self.folded.len() as u32);
        }
        start..self.ends.len()
    }

    /// Takes over the compounds of the text that was read.
    fn put_compounds(&mut self, text: &str, tokens: &Tokens) {
        let start = self.ends.len();
        crate::text::compounds(text, tokens, |folded| {
            self.folded.push_str(folded);
            self.ends.push(self.folded.len() as u32);
        });
        if self.ends.len() > start {
            self.part(Role::Compounds, start..self.ends.len());
        }
    }

    fn part(&mut self, role: Role, tokens: Range<usize>) {
        self.parts.push(Part { role, tokens });
    }
}

/// Decodes records batch by batch.
pub(super) struct Decoder<'t> {
    /// The records that are left.
    records: &'t [Kept<'t>],
    /// The number of the first of them.
    next: u32,
    seal: Seal,
    pass: Pass<'t>,
    /// The ids of all memories, numbered.
    ids: &'t Strings,
    buffer: Tokens,
    /// The ids that a batch links to, in order.
    targets: Lines,
    /// Their numbers.
    found: Vec<Option<u32>>,
}

impl<'t> Iterator for Decoder<'t> {
    type Item = Batch<'t>;

    fn next(&mut self) -> Option<Batch<'t>> {
        if self.records.is_empty() {
            return None;
        }
        let mut batch = Batch::default();
        while let Some((record, rest)) = self.records.split_first()
            && batch.records.len() < BATCH
            // Large texts make small batches.
            && batch.folded.len() < (1 << 20)
        {
            self.records = rest;
            self.pass.read(record.bytes, record.bytes.len());
            let record = record.read(self.seal, self.ids.get(self.next));
            self.next += 1;
            let decoded = record.map(|record| self.decode(record, &mut batch));
            batch.records.push(decoded);
        }
        self.ids.find_all(&self.targets, &mut self.found);
        self.targets.clear();
        let ids = batch.links.iter_mut().filter_map(|link| match &mut link.to {
            DecodedTarget::Memory(memory) => Some(memory),
            DecodedTarget::Name(_) => None,
        });
        ids.zip(&self.found).for_each(|(memory, found)| *memory = *found);
        Some(batch)
    }
}

impl<'t> Decoder<'t> {
    pub(super) fn new(records: &'t [Kept<'t>], ids: &'t Strings, seal: Seal, pass: Pass<'t>) -> Self {
        let (buffer, targets) = (Tokens::new(), Lines::default());
        Self { records, next: 0, seal, pass, ids, buffer, targets, found: Vec::new() }
    }

    fn decode(&mut self, record: Record<'t>, batch: &mut Batch<'t>) -> Decoded<'t> {
        let (first_part, first_link) = (batch.parts.len(), batch.links.len());
        let title = record.title.as_deref().map(|title| self.title(title, batch));
        if let Some(tokens) = &title {
            batch.part(Role::Piece, tokens.clone());
        }
        if let Some(title) = record.title.as_deref() {
            self.buffer.read(title);
            // Twice, as its words count.
            batch.put_compounds(title, &self.buffer);
            batch.put_compounds(title, &self.buffer);
        }
        for tag in &record.tags {
            self.buffer.read(tag);
            let tokens = batch.put(&self.buffer);
            batch.put_compounds(tag, &self.buffer);
            if reading::is_phrase(&self.buffer, 0..self.buffer.len()) {
                batch.part(Role::Phrase, tokens.clone());
            }
            batch.part(Role::Piece, tokens);
        }
        self.buffer.read(&record.text);
        let tokens = batch.put(&self.buffer);
        batch.put_compounds(&record.text, &self.buffer);
        for phrase in reading::text_phrases(&record.text, &self.buffer, record.language.unwrap_or_default()) {
            batch.part(Role::Phrase, tokens.start + phrase.start..tokens.start + phrase.end);
        }
        batch.part(Role::Piece, tokens);
        // Once more, as `reading::pieces` gives it.
        if let Some(tokens) = title {
            batch.part(Role::Piece, tokens);
        }
        for alias in &record.aliases {
            self.title(alias, batch);
        }
        self.links(&record, batch);
        Decoded {
            refreshed: record.refreshed(),
            namespace: record.namespace,
            language: record.language,
            made: record.made,
            strength: record.strength,
            stability: record.stability,
            parts: first_part..batch.parts.len(),
            links: first_link..batch.links.len(),
        }
    }

    /// Takes in the names that a title or alias gives; says where the whole of it lies.
    fn title(&mut self, title: &str, batch: &mut Batch<'_>) -> Range<usize> {
        self.buffer.read(title);
        let whole = batch.put(&self.buffer);
        if reading::is_home_name(&self.buffer) {
            batch.part(Role::Home, whole.clone());
        }
        reading::for_each_other_title(title, &mut self.buffer, |name| {
            if reading::is_home_name(name) {
                let tokens = batch.put(name);
                batch.part(Role::Home, tokens);
            }
        });
        whole
    }

    fn links(&mut self, record: &Record<'_>, batch: &mut Batch<'_>) {
        for link in &record.links {
            let to = if link.by_name {
                self.buffer.read(&link.to);
                reading::is_home_name(&self.buffer).then(|| DecodedTarget::Name(batch.put(&self.buffer)))
            } else {
                Some(self.target(&link.to))
            };
            if let Some(to) = to {
                batch.links.push(DecodedLink { to, kind: Kind::Link, weight: link.weight });
            }
        }
        for (target, kind) in [(&record.follows, Kind::Follows), (&record.section_of, Kind::SectionOf)] {
            if let Some(id) = target {
                let to = self.target(id);
                batch.links.push(DecodedLink { to, kind, weight: 1.0 });
            }
        }
    }

    /// The memory of an id, whose number is found when the batch is complete.
    fn target(&mut self, id: &str) -> DecodedTarget {
        self.targets.push(id);
        DecodedTarget::Memory(None)
    }
}
