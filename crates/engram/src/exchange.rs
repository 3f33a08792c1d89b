//! In and out: importing files and folders, exporting everything as JSON lines.

mod files;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

pub(crate) use self::files::{Found, ReadNote, Unread, files_below, note_paths, read_note, sites};
use crate::engram::Engram;
use crate::error::{Error, Result};
use crate::import::markdown::NotePaths;
use crate::import::{self, Kind, Notices, beir, jsonl, kind_of};
use crate::memory::StoredMemory;
use crate::progress::{Answer, Monitor, Progress, Stage, Watcher};
use crate::vector_model::{check_vector, model_of};
use crate::writing::Changes;

/// What an import has done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ImportReport {
    /// Memories added, updated, left alone, forgotten.
    pub changes: Changes,
    /// What was odd and imported all the same, one sentence each.
    pub warnings: Notices,
    /// What could not be imported (a file, a line), one sentence each; everything else was.
    pub refused: Notices,
}

/// How much an import has read.
#[derive(Clone, Copy, Default)]
pub(crate) struct Reading {
    pub(crate) bytes_done: u64,
    pub(crate) bytes_total: u64,
    pub(crate) memories: u64,
    /// Memories that have got their vectors.
    pub(crate) embedded: u64,
}

impl Reading {
    /// So much more was read.
    pub(crate) fn and(self, bytes: u64, memories: u64) -> Self {
        Self {
            bytes_done: self.bytes_done.saturating_add(bytes).min(self.bytes_total),
            memories: self.memories + memories,
            ..self
        }
    }

    /// The progress while files are read.
    pub(crate) fn progress(self) -> Progress {
        let (done, total) = (self.bytes_done, self.bytes_total);
        self.during(Progress { stage: Stage::Reading, done, total, ..Progress::default() })
    }

    /// The progress while what was read is put in.
    pub(crate) fn during(self, now: Progress) -> Progress {
        let Self { bytes_done, bytes_total, memories, embedded } = self;
        Progress { bytes_done, bytes_total, memories, embedded: embedded.max(now.embedded), ..now }
    }
}

/// A file, and how many bytes were read of all such files.
struct Counted<'r> {
    file: File,
    read: &'r Cell<u64>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read(buffer)?;
        self.read.set(self.read.get() + bytes as u64);
        Ok(bytes)
    }
}

/// One import of one or more paths: an id may come once in it.
pub struct Importer<'e> {
    engram: &'e Engram,
    seen: HashSet<String>,
}

impl fmt::Debug for Importer<'_> {
    /// The store and how many ids came; a long import has seen millions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Importer").field("engram", &self.engram).field("seen", &self.seen.len()).finish()
    }
}

impl Engram {
    /// Imports one path; see [`Importer::import`].
    ///
    /// # Errors
    /// As [`Importer::import`].
    pub fn import<A: Answer>(
        &self,
        path: impl AsRef<Path>,
        progress: &mut dyn FnMut(Progress) -> A,
    ) -> Result<ImportReport> {
        Importer::new(self).import(path, progress)
    }
}

impl<'e> Importer<'e> {
    /// The beginning of an import into a store.
    #[must_use]
    pub fn new(engram: &'e Engram) -> Self {
        Self { engram, seen: HashSet::new() }
    }

    /// Imports a file (`.md`, `.txt`, `.jsonl` and their kin) or a folder (of such files, or in BEIR form).
    ///
    /// Ids follow from the contents (JSON lines, BEIR) or from paths within the folder (notes), so importing
    /// again changes nothing, and an import that was cut off goes on where it stopped. Hidden files, and
    /// files of other kinds, are passed over. What cannot be read is reported and does not stop the rest; so is
    /// an id that comes a second time, in the same file or another, of which the first is taken.
    /// Cost: several megabytes of text a second.
    ///
    /// `progress` is called for each memory that is read, and while a portion is committed; see
    /// [`Engram::consolidate_with`] for what it may do. If it ends the import, what was committed before stays.
    ///
    /// # Errors
    /// If `path` itself cannot be read or is of no known kind, or the store cannot be written; [`Error::Cancelled`] if
    /// `progress` has ended it; [`Error::Incomplete`] around these if portions were committed before.
    pub fn import<A: Answer>(
        &mut self,
        path: impl AsRef<Path>,
        progress: &mut dyn FnMut(Progress) -> A,
    ) -> Result<ImportReport> {
        self.import_watched(path.as_ref(), &mut |now| progress(now).flow())
    }

    fn import_watched(&mut self, path: &Path, progress: &mut Watcher<'_>) -> Result<ImportReport> {
        let kind = kind_of(path)?;
        let mut report = ImportReport::default();
        let read = Cell::new(0);
        let changes = match kind {
            Kind::Beir => {
                let corpus = beir::Corpus::open(path)?;
                let total = file_bytes(&path.join("corpus.jsonl"));
                let documents = corpus.map(|document| {
                    let memory = StoredMemory::from(document.map_err(|e| e.to_string())?);
                    // The texts stand for the bytes of the file, which holds little else.
                    read.set(read.get() + memory.memory.text.len() as u64);
                    Ok(memory)
                });
                self.take_in(documents, &read, total, &mut report, progress)?
            }
            Kind::Jsonl => {
                self.settle_model([path])?;
                let file = File::open(path).map_err(|e| import::ReadError::from_io(path, e))?;
                let lines = jsonl::Reader::new(BufReader::new(Counted { file, read: &read }))
                    .map(|line| line.map_err(|e| format!("{}, {e}", path.display())));
                self.take_in(lines, &read, file_bytes(path), &mut report, progress)?
            }
            Kind::Markdown | Kind::Plain => {
                let relative =
                    path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
                let bytes = file_bytes(path);
                let found = Found { path: path.to_owned(), relative, kind, bytes, changed: 0 };
                let memories = read_note(&found, &NotePaths::default(), &mut report.warnings)?.memories;
                read.set(bytes);
                self.take_in(memories.into_iter().map(Ok), &read, bytes, &mut report, progress)?
            }
            Kind::Folder => self.import_folder(path, &mut report, progress)?,
            Kind::Unknown => return Err(Error::UnknownKind { path: path.to_owned() }),
        };
        report.changes = changes;
        Ok(report)
    }

    fn import_folder(
        &mut self,
        folder: &Path,
        report: &mut ImportReport,
        progress: &mut Watcher<'_>,
    ) -> Result<Changes> {
        let (files, unread) = files_below(folder, &mut || progress(Progress::default()))?;
        report.refused.extend(unread.into_iter().map(|unread| unread.sentence));
        let total = files.iter().map(|file| file.bytes).sum();
        self.settle_model(files.iter().filter(|f| f.kind == Kind::Jsonl).map(|f| f.path.as_path()))?;
        let mut warnings = Notices::default();
        let read = Cell::new(0);
        let notes = note_paths(&files, sites(&files));
        // Files are read as their turn comes, so that a large folder never lies in memory as a whole.
        type Entries<'f> = Box<dyn Iterator<Item = std::result::Result<StoredMemory, String>> + 'f>;
        let entries = files.iter().flat_map(|found| -> Entries<'_> {
            let refused = |sentence: String| -> Entries<'_> { Box::new(std::iter::once(Err(sentence))) };
            match found.kind {
                Kind::Jsonl => match File::open(&found.path) {
                    Ok(file) => {
                        let file = Counted { file, read: &read };
                        let lines = jsonl::Reader::new(BufReader::new(file));
                        Box::new(lines.map(|line| line.map_err(|e| format!("{}, {e}", found.path.display()))))
                    }
                    Err(e) => refused(import::ReadError::from_io(&found.path, e).to_string()),
                },
                _ => match read_note(found, &notes, &mut warnings) {
                    Ok(note) => {
                        read.set(read.get() + found.bytes);
                        Box::new(note.memories.into_iter().map(Ok))
                    }
                    Err(e) => refused(e.to_string()),
                },
            }
        });
        let changes = self.take_in(entries, &read, total, report, progress)?;
        report.warnings.append(&mut warnings);
        Ok(changes)
    }

    /// Gives a store that nothing was written to the model of the first vector in some files of JSON lines. By the
    /// first memory alone it would learn vectors of its own, and then refuse those.
    fn settle_model<'p>(&self, files: impl IntoIterator<Item = &'p Path>) -> Result<()> {
        if self.engram.vector_model()?.is_some() {
            return Ok(());
        }
        // What cannot be read is reported by the import itself. A pipe gives its lines once only.
        let mut lines = files
            .into_iter()
            .filter(|path| path.is_file())
            .filter_map(|path| File::open(path).ok())
            .flat_map(|file| jsonl::Reader::new(BufReader::new(file)).filter_map(std::result::Result::ok));
        match lines.find_map(|memory| model_of(&memory)) {
            Some(model) => self.engram.settle_model(&model),
            None => Ok(()),
        }
    }

    /// Puts in what a parser yields, which counts what it has `read`; what is refused goes into the report.
    fn take_in(
        &mut self,
        entries: impl Iterator<Item = std::result::Result<StoredMemory, String>>,
        read: &Cell<u64>,
        bytes_total: u64,
        report: &mut ImportReport,
        progress: &mut Watcher<'_>,
    ) -> Result<Changes> {
        // Progress is told while memories are read, and while those that were are put in.
        let so_far = Cell::new(Reading { bytes_total, ..Reading::default() });
        let progress = RefCell::new(progress);
        let refused = &mut report.refused;
        let model = self.engram.vector_model()?;
        let seen = &mut self.seen;
        let memories = entries.filter_map(|entry| {
            let memory = entry.and_then(|memory| {
                let id = &memory.memory.id;
                // Checked here so that one unfit memory is refused by itself and not its whole portion.
                memory.memory.check().map_err(|e| format!("the memory {id}: {e}"))?;
                if let Some(model) = &model {
                    check_vector(&memory, model).map_err(|e| e.to_string())?;
                }
                if !seen.insert(id.to_string()) {
                    return Err(format!(
                        "the id {id} comes a second time in this import, and only the first was taken; give each \
                         memory an id of its own (notes have their path within the folder that is imported)"
                    ));
                }
                Ok(memory)
            });
            match memory {
                Ok(memory) => {
                    let before = so_far.get();
                    let now = before.and(read.get().saturating_sub(before.bytes_done), 1);
                    so_far.set(now);
                    let flow = (progress.borrow_mut())(now.progress());
                    Some(if flow.is_break() { Err(Error::Cancelled) } else { Ok(memory) })
                }
                Err(sentence) => {
                    refused.push(sentence);
                    None
                }
            }
        });
        let watcher = &mut |now: Progress| {
            let before = so_far.get();
            so_far.set(Reading { embedded: before.embedded.max(now.embedded), ..before });
            (progress.borrow_mut())(so_far.get().during(now))
        };
        let changes = self.engram.remember_watched(memories, watcher)?;
        // All is done: there is nothing left to be ended.
        let _ = (progress.borrow_mut())(so_far.get().and(bytes_total, 0).progress());
        report.warnings.extend(self.engram.take_missing_vectors().map(|missing| missing.to_string()));
        Ok(changes)
    }
}

/// What an export has done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ExportReport {
    /// Memories that were written.
    pub memories: u64,
    /// Memories that could not be read, one sentence each; all others were written.
    pub unreadable: Notices,
}

impl Engram {
    /// Writes every memory as one JSON line, by id, with what recalling it has left behind; importing the
    /// lines into an empty store gives the same memories. In a damaged store, what can be read is written.
    ///
    /// # Errors
    /// If the store cannot be read any further, or `out` cannot be written.
    pub fn export(&self, out: &mut impl Write) -> Result<ExportReport> {
        if !self.store()?.walk_pages(&Monitor::unwatched())?.damage.is_empty() {
            let report = self.export_remains(out)?;
            out.flush().map_err(Error::Output)?;
            return Ok(report);
        }
        let mut report = ExportReport::default();
        self.for_each_readable(|memory| match memory {
            Ok(memory) => {
                report.memories += 1;
                jsonl::write(out, &memory).map_err(Error::Output)
            }
            Err(error) => {
                report.unreadable.push(error.to_string());
                Ok(())
            }
        })?;
        out.flush().map_err(Error::Output)?;
        Ok(report)
    }
}

fn file_bytes(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}
