//! Bringing a vault's store in step with its folder.
//!
//! ```text
//! look at the folder and at the account of its files
//! for each file that has changed: read it, and put it into the portion, which is committed when it is full
//! for each file that was already gone at the look before: put its forgetting into the portion
//! look again if a file has gone, or another process has decided about one meanwhile
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::ops::ControlFlow;

use xxhash_rust::xxh3::xxh3_64;

use super::accounts::{self, FileEntry, Known};
use super::portion::{Outcome, Reading, Step};
use super::renames::{Gone, Renames};
use super::{Vault, is_below, places};
use crate::embedding::{Filling, MissingVectors};
use crate::error::{Error, Result};
use crate::exchange::{
    Found, ImportReport, ReadNote, Reading as SoFar, Unread, files_below, read_note, sites,
};
use crate::import::markdown::NotePaths;
use crate::import::{Kind, Notices, ReadError};
use crate::progress::{Progress, Stage, Watcher, watch};
use crate::text::Language;
use crate::time::Time;
use crate::writing::Changes;

/// How often one call looks at a folder that does not rest. What is left, the next call does.
const MOST_LOOKS: u32 = 8;

/// A file changed within this time before it was read might change again without a new time stamp.
const CLOCK_GRAIN_NANOSECONDS: i128 = 2_000_000_000;

/// How many files are found between two reports of progress.
const FILES_PER_REPORT: u32 = 256;

/// One call of [`Vault::synchronise`].
pub(super) struct Synchronisation<'v> {
    vault: &'v Vault,
    progress: &'v mut Watcher<'v>,
    so_far: SoFar,
    changes: Changes,
    /// What there is to say, and the places that something was said of in this call.
    refused: Notices,
    warnings: Notices,
    told: BTreeSet<String>,
    /// The files that could not be read, or not all of them.
    unreadable: BTreeSet<String>,
    /// The files that this call is done with, each with the size and the time stamp that it had.
    done: BTreeMap<String, (u64, i128)>,
    /// What the next commit will do, and how many bytes that is.
    portion: (Vec<Step>, usize),
    portion_limit: usize,
    must_look_again: bool,
    /// The notes of the folder, as links find them.
    notes: NotePaths,
    /// Whether the folder is published as another site than when its notes were read: links in all of them may lead
    /// elsewhere.
    is_elsewhere: bool,
    /// The notes that have not changed, and whose links may lead elsewhere because others have come or gone.
    relinked: BTreeSet<String>,
    /// The hash of the paths among which links were looked for last: when all notes had been read, then by this call.
    linked: Option<u64>,
    /// Gives the memories that were put in their vectors, where a model makes them.
    filling: Option<Filling>,
}

/// What the folder was at the last look.
#[derive(Default)]
pub(super) struct Look {
    /// The paths of the notes.
    pub(super) there: BTreeSet<String>,
    /// The places that could not be looked into.
    pub(super) unread: Vec<Unread>,
    /// The paths of the files that the store knows and that were gone.
    pub(super) gone: BTreeSet<String>,
}

impl Look {
    /// Whether a file might lie in a place that could not be looked into.
    pub(super) fn is_hidden(&self, relative: &str) -> bool {
        self.unread.iter().any(|unread| is_below(relative, &unread.relative))
    }
}

/// The bytes of memories that one commit takes in at least: somebody waits for a recall, and may end it.
const PORTION_BYTES: usize = 16 << 20;

impl<'v> Synchronisation<'v> {
    pub(super) fn new(vault: &'v Vault, progress: &'v mut Watcher<'v>) -> Result<Self> {
        let portion_limit = vault.engram.portion_limit_from(PORTION_BYTES)?;
        Ok(Self {
            vault,
            progress,
            so_far: SoFar::default(),
            changes: Changes::default(),
            refused: Notices::default(),
            warnings: Notices::default(),
            told: BTreeSet::new(),
            unreadable: BTreeSet::new(),
            done: BTreeMap::new(),
            portion: (Vec::new(), 0),
            portion_limit,
            must_look_again: false,
            notes: NotePaths::default(),
            is_elsewhere: false,
            relinked: BTreeSet::new(),
            linked: vault.linked_among()?,
            filling: vault.engram.filling()?,
        })
    }

    pub(super) fn run(mut self) -> Result<ImportReport> {
        let mut look = Look::default();
        match self.follow(&mut look) {
            Ok((named, missing)) => {
                self.warnings.extend(named);
                self.warnings.extend(missing.map(|missing| missing.to_string()));
                Ok(ImportReport { changes: self.changes, warnings: self.warnings, refused: self.refused })
            }
            Err(error) => Err(error.after(self.changes)),
        }
    }

    /// Does all there is to do; returns what there is to say about the store as a whole.
    fn follow(&mut self, look: &mut Look) -> Result<(Option<String>, Option<MissingVectors>)> {
        for _ in 0..MOST_LOOKS {
            self.must_look_again = false;
            self.look(look)?;
            if !self.must_look_again {
                break;
            }
        }
        let mut named = None;
        if self.vault.may_have_leftovers()? {
            let (vault, unreadable) = (self.vault, &self.unreadable);
            let (so_far, progress) = (self.so_far, &mut *self.progress);
            let (changes, suspects) = watch(&mut |now| progress(so_far.during(now)), |monitor| {
                vault.forget_leftovers(look, unreadable, monitor)
            })?;
            self.changes = self.changes.and(changes);
            named = suspects;
        }
        let filling = self.filling.take();
        let missing = filling.map_or(Ok(None), |filling| filling.finish(&self.vault.engram))?;
        if self.so_far.bytes_total > 0 {
            self.so_far.bytes_done = self.so_far.bytes_total;
            // All is done: there is nothing left to be ended.
            let _ = (self.progress)(self.so_far.progress());
        }
        Ok((named, missing))
    }

    /// Looks at the folder and does what follows from that.
    fn look(&mut self, look: &mut Look) -> Result<()> {
        // Asked before the folder is looked at: a note that another process takes in meanwhile is then no deleted one.
        let known = accounts::all(&self.vault.engram.store()?)?;
        let (files, unread) = self.notes()?;
        self.vault.claim_store(known.len(), files.is_empty() && unread.is_empty())?;
        let gone_before = mem::take(&mut look.gone);
        let sites = sites(&files);
        self.is_elsewhere = !self.vault.is_published_at(&sites)?;
        look.there = files.iter().map(|file| file.relative.clone()).collect();
        for unread in &unread {
            let mut refused = Notices::default();
            refused.push(unread.sentence.clone());
            self.tell(&unread.relative, refused, Notices::default());
        }
        look.unread = unread;
        let gone: BTreeMap<String, Known> = known
            .iter()
            .filter(|(relative, _)| !look.there.contains(*relative) && !look.is_hidden(relative))
            .map(|(relative, known)| (relative.clone(), known.clone()))
            .collect();
        look.gone = gone.keys().cloned().collect();
        // What lies where nobody can look is still there for links.
        let hidden = known.keys().filter(|relative| look.is_hidden(relative));
        let paths: BTreeSet<&str> = look.there.iter().chain(hidden).map(String::as_str).collect();
        let linked = places::hash_of(paths.iter().copied());
        if self.linked != Some(linked) {
            self.relinked.append(&mut places::relinked(&paths, &known, self.linked));
            self.linked = Some(linked);
        }
        let changed: Vec<&Found> = files.iter().filter(|file| self.has_changed(file, &known)).collect();
        if !changed.is_empty() {
            self.notes = NotePaths::new(paths.iter().map(|path| (*path).to_owned()), sites.clone());
        }
        let bytes = changed.iter().map(|file| file.bytes).chain(gone.values().map(|known| known.bytes));
        self.so_far.bytes_total = self.so_far.bytes_done.saturating_add(bytes.sum());

        let mut renames = Renames::new(gone);
        for file in changed {
            self.take(file, known.get(&file.relative), &mut renames)?;
        }
        self.commit()?;
        for gone in renames.left() {
            // It may have been renamed while the folder was looked at: then the next look finds it.
            if !gone_before.contains(&gone.relative) {
                self.must_look_again = true;
                continue;
            }
            self.read(gone.bytes, 0)?;
            let Gone { relative, bytes, version } = gone;
            self.add(Step { relative, before: Some(version), outcome: Outcome::Gone }, bytes as usize)?;
        }
        self.commit()?;
        // Until all is done, the next call has to find out again what has to be read again.
        let is_noted = !self.is_elsewhere && self.vault.linked_among()? == Some(linked);
        if is_noted || self.must_look_again { Ok(()) } else { self.vault.note_linked_among(&sites, linked) }
    }

    /// The notes in the folder, by path, and what could not be looked into.
    fn notes(&mut self) -> Result<(Vec<Found>, Vec<Unread>)> {
        let (mut found, so_far, progress) = (0, self.so_far, &mut *self.progress);
        let (mut files, unread) = files_below(&self.vault.folder, &mut || {
            found += 1;
            let is_due = found % FILES_PER_REPORT == 0;
            if is_due { progress(so_far.progress()) } else { ControlFlow::Continue(()) }
        })?;
        files.retain(|file| matches!(file.kind, Kind::Markdown | Kind::Plain));
        Ok((files, unread))
    }

    fn has_changed(&self, file: &Found, known: &BTreeMap<String, Known>) -> bool {
        let now = (file.bytes, file.changed);
        let is_known = known
            .get(&file.relative)
            .is_some_and(|known| known.settled && (known.bytes, known.changed) == now);
        let must_be_read = !is_known || self.is_elsewhere || self.relinked.contains(&file.relative);
        must_be_read && self.done.get(&file.relative) != Some(&now)
    }

    /// Reads a file and puts what follows from it into the portion.
    fn take(&mut self, file: &Found, known: Option<&Known>, renames: &mut Renames) -> Result<()> {
        let now = Time::now();
        let (mut refusals, mut warnings) = (Notices::default(), Notices::default());
        let read = read_note(file, &self.notes, &mut warnings);
        if matches!(&read, Err(Error::Read(ReadError::Missing { .. }))) {
            // It has gone, or has another name, since the folder was looked at.
            self.must_look_again = true;
            return self.read(file.bytes, 0);
        }
        self.done.insert(file.relative.clone(), (file.bytes, file.changed));
        let ReadNote { memories: found, text, places } = match read {
            Ok(read) => read,
            Err(error) => {
                // The store keeps what it knows of the file. That differs from the file, so it is read again next time.
                refusals.push(error.to_string());
                self.unreadable.insert(file.relative.clone());
                self.tell(&file.relative, refusals, warnings);
                return self.read(file.bytes, 0);
            }
        };
        let (mut memories, mut refused) = (Vec::with_capacity(found.len()), Vec::new());
        for mut stored in found {
            let memory = &mut stored.memory;
            match memory.check() {
                Ok(()) => {
                    // Once, and not again each time that the portion is decided.
                    memory.language = memory.language.or_else(|| Language::detect(&memory.text));
                    memories.push(stored);
                }
                Err(error) => {
                    let id = stored.memory.id;
                    refusals.push(format!("the memory {id}: {error}"));
                    refused.push(id.to_string());
                }
            }
        }
        if refused.is_empty() {
            self.unreadable.remove(&file.relative);
        } else {
            self.unreadable.insert(file.relative.clone());
        }
        self.tell(&file.relative, refusals, warnings);
        let age = i128::from(now.milliseconds()) * 1_000_000 - file.changed;
        let entry = FileEntry {
            relative: file.relative.clone(),
            bytes: file.bytes,
            changed: file.changed,
            // A memory that is refused is refused each time, until the note is mended.
            settled: age > CLOCK_GRAIN_NANOSECONDS && refused.is_empty(),
            text: xxh3_64(text.as_bytes()),
            ids: memories.iter().map(|stored| stored.memory.id.to_string()).collect(),
            places,
        };
        let renamed = if known.is_none() { renames.take(&file.relative, entry.text) } else { None };
        let renamed_bytes = renamed.as_ref().map_or(0, |gone| gone.bytes);
        self.read(file.bytes.saturating_add(renamed_bytes), memories.len() as u64)?;
        let reading = Reading { entry, memories, refused, renamed };
        // What is noted of a file says nothing of where its links lead.
        let may_lead_elsewhere = self.is_elsewhere || self.relinked.contains(&file.relative);
        if known.is_some() && !may_lead_elsewhere && self.is_noted(&reading)? {
            return Ok(());
        }
        let bytes = text.len() + size_of_val(&reading.memories[..]);
        let before = known.map(|known| known.version);
        self.add(
            Step { relative: file.relative.clone(), before, outcome: Outcome::Read(Box::new(reading)) },
            bytes,
        )
    }

    /// Reports what there is to say of a file or a folder, once in each call.
    fn tell(&mut self, relative: &str, mut refused: Notices, mut warnings: Notices) {
        let has_something = !refused.is_empty() || !warnings.is_empty();
        if has_something && self.told.insert(relative.to_owned()) {
            self.refused.append(&mut refused);
            self.warnings.append(&mut warnings);
        }
    }

    /// Whether the store knows all that a reading says.
    fn is_noted(&self, reading: &Reading) -> Result<bool> {
        let store = self.vault.engram.store()?;
        let txn = store.read()?;
        let noted = accounts::get(&store, &txn, &reading.entry.relative)?;
        Ok(noted.is_some_and(|(noted, _)| noted == reading.entry_after(Some(&noted))))
    }

    /// Reports progress: so many more bytes were read, or need not be, and so many memories found.
    fn read(&mut self, bytes: u64, memories: u64) -> Result<()> {
        self.so_far = self.so_far.and(bytes, memories);
        self.report()
    }

    fn report(&mut self) -> Result<()> {
        let flow = (self.progress)(self.so_far.progress());
        if flow.is_break() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Puts a step into the portion. A file that fills one by itself has one of its own.
    fn add(&mut self, step: Step, bytes: usize) -> Result<()> {
        if bytes >= self.portion_limit {
            self.commit()?;
        }
        self.portion.0.push(step);
        self.portion.1 = self.portion.1.saturating_add(bytes);
        if self.portion.1 >= self.portion_limit { self.commit() } else { Ok(()) }
    }

    /// Commits the portion.
    fn commit(&mut self) -> Result<()> {
        let (steps, _) = mem::take(&mut self.portion);
        if steps.is_empty() {
            return Ok(());
        }
        let (vault, so_far, progress) = (self.vault, self.so_far, &mut *self.progress);
        let (changes, stale) =
            watch(&mut |now| progress(so_far.during(now)), |monitor| vault.commit(&steps, monitor))?;
        self.changes = self.changes.and(changes);
        if let Some(filling) = &mut self.filling {
            let (so_far, progress) = (&mut self.so_far, &mut *self.progress);
            filling.fill(&self.vault.engram, steps.iter().flat_map(Step::ids), &mut |embedded| {
                so_far.embedded = embedded;
                let now =
                    Progress { stage: Stage::Embedding, done: embedded, embedded, ..Progress::default() };
                // A call that is to end does so with the next portion: what the model is asked for is put in.
                let _ = progress(so_far.during(now));
            })?;
        }
        drop(steps);
        for relative in stale {
            self.done.remove(&relative);
            self.must_look_again = true;
        }
        self.portion_limit = self.vault.engram.portion_limit_from(PORTION_BYTES)?;
        self.report()
    }
}
