//! In and out: importing files and folders, exporting everything as JSON lines.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::engram::{Changes, Engram};
use crate::error::{Error, Result};
use crate::import::{self, Kind, beir, jsonl, kind_of, markdown, plain};
use crate::memory::StoredMemory;

/// What an import has done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportReport {
    /// Memories added, updated, left alone, forgotten.
    pub changes: Changes,
    /// What was odd and imported all the same, one sentence each.
    pub warnings: Vec<String>,
    /// What could not be imported (a file, a line), one sentence each; everything else was.
    pub refused: Vec<String>,
}

/// How far an import has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes read.
    pub bytes_done: u64,
    /// Bytes that there are to read.
    pub bytes_total: u64,
    /// Memories found so far.
    pub memories: u64,
}

/// A file below a folder.
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    /// The path seen from the folder, with `/` between its parts.
    pub(crate) relative: String,
    pub(crate) kind: Kind,
    pub(crate) bytes: u64,
    /// When it was last changed, in nanoseconds since 1970; 0 where the system does not say.
    pub(crate) changed: i128,
}

impl Engram {
    /// Imports a file (`.md`, `.txt`, `.jsonl` and their kin) or a folder (of such files, or in BEIR form).
    ///
    /// Ids follow from the contents (JSON lines, BEIR) or from paths within the folder (notes), so importing
    /// again changes nothing, and an import that was cut off goes on where it stopped. Hidden files, and
    /// files of other kinds, are passed over. What cannot be read is reported and does not stop the rest.
    /// Cost: several megabytes of text a second.
    ///
    /// # Errors
    /// If `path` itself cannot be read or is of no known kind, or the store cannot be written.
    pub fn import(&self, path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<ImportReport> {
        let kind = kind_of(path)?;
        let mut report = ImportReport::default();
        let changes = match kind {
            Kind::Beir => {
                let corpus = beir::Corpus::open(path)?;
                let total = file_bytes(&path.join("corpus.jsonl"));
                let documents =
                    corpus.map(|document| document.map(StoredMemory::from).map_err(|e| e.to_string()));
                self.take_in(documents, total, &mut report, progress)?
            }
            Kind::Jsonl => {
                let file = File::open(path).map_err(|e| import::ReadError::from_io(path, e))?;
                let lines = jsonl::Reader::new(BufReader::new(file))
                    .map(|line| line.map_err(|e| format!("{}, {e}", path.display())));
                self.take_in(lines, file_bytes(path), &mut report, progress)?
            }
            Kind::Markdown | Kind::Plain => {
                let relative =
                    path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
                let bytes = file_bytes(path);
                let found = Found { path: path.to_owned(), relative, kind, bytes, changed: 0 };
                let memories = read_note(&found, &mut report.warnings)?.0;
                self.take_in(memories.into_iter().map(Ok), bytes, &mut report, progress)?
            }
            Kind::Folder => self.import_folder(path, &mut report, progress)?,
            Kind::Unknown => return Err(Error::UnknownKind { path: path.to_owned() }),
        };
        report.changes = changes;
        Ok(report)
    }

    fn import_folder(
        &self,
        folder: &Path,
        report: &mut ImportReport,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Changes> {
        let files = files_below(folder, &mut report.refused);
        let total = files.iter().map(|file| file.bytes).sum();
        let mut warnings = Vec::new();
        // Files are read as their turn comes, so that a large folder never lies in memory as a whole.
        let entries = files.iter().flat_map(|found| match found.kind {
            Kind::Jsonl => match File::open(&found.path) {
                Ok(file) => jsonl::Reader::new(BufReader::new(file))
                    .map(|line| line.map_err(|e| format!("{}, {e}", found.path.display())))
                    .collect::<Vec<_>>(),
                Err(e) => vec![Err(import::ReadError::from_io(&found.path, e).to_string())],
            },
            _ => match read_note(found, &mut warnings) {
                Ok((memories, _)) => memories.into_iter().map(Ok).collect(),
                Err(e) => vec![Err(e.to_string())],
            },
        });
        let changes = self.take_in(entries, total, report, progress)?;
        report.warnings.append(&mut warnings);
        Ok(changes)
    }

    /// Puts in what an importer yields; what it refuses goes into the report.
    pub(crate) fn take_in(
        &self,
        entries: impl Iterator<Item = std::result::Result<StoredMemory, String>>,
        bytes_total: u64,
        report: &mut ImportReport,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Changes> {
        let mut so_far = Progress { bytes_done: 0, bytes_total, memories: 0 };
        let refused = &mut report.refused;
        let model = self.vector_model()?;
        let memories = entries.filter_map(|entry| {
            let memory = entry.and_then(|memory| {
                // Checked here so that one unfit memory is refused by itself and not its whole portion.
                memory.memory.check().map_err(|e| format!("the memory {}: {e}", memory.memory.id))?;
                crate::engram::check_vector(&memory, &model).map_err(|e| e.to_string())?;
                Ok(memory)
            });
            match memory {
                Ok(memory) => {
                    so_far.memories += 1;
                    // The texts stand for the bytes of their files, which hold little else.
                    so_far.bytes_done =
                        (so_far.bytes_done + memory.memory.text.len() as u64).min(so_far.bytes_total);
                    progress(so_far);
                    Some(memory)
                }
                Err(sentence) => {
                    refused.push(sentence);
                    None
                }
            }
        });
        let changes = self.remember_all(memories)?;
        so_far.bytes_done = bytes_total;
        progress(so_far);
        Ok(changes)
    }

    /// Writes every memory as one JSON line, by id, with what recalling it has left behind; importing the
    /// lines into an empty store gives the same memories. Gives their number.
    ///
    /// # Errors
    /// If the store cannot be read or `out` cannot be written.
    pub fn export(&self, out: &mut impl Write) -> Result<u64> {
        let mut count = 0;
        self.for_each(|memory| {
            count += 1;
            jsonl::write(out, &memory).map_err(Error::Output)
        })?;
        out.flush().map_err(Error::Output)?;
        Ok(count)
    }
}

/// The files below a folder that an import takes, by relative path. Hidden ones are passed over.
pub(crate) fn files_below(folder: &Path, refused: &mut Vec<String>) -> Vec<Found> {
    let mut files = Vec::new();
    let hidden =
        |entry: &walkdir::DirEntry| entry.depth() > 0 && entry.file_name().to_string_lossy().starts_with('.');
    for entry in WalkDir::new(folder).into_iter().filter_entry(|entry| !hidden(entry)) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) => {
                let path = e.path().unwrap_or(folder).to_owned();
                let error = e.into_io_error().unwrap_or_else(|| io::Error::other("a cycle of links"));
                refused.push(import::ReadError::from_io(&path, error).to_string());
                continue;
            }
        };
        let kind = Kind::of_file_name(entry.path());
        if !entry.file_type().is_file() || kind == Kind::Unknown {
            continue;
        }
        let parts = entry.path().strip_prefix(folder).unwrap_or(entry.path()).components();
        let parts: Vec<String> = parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
        let metadata = entry.metadata().ok();
        let changed = metadata.as_ref().and_then(|m| m.modified().ok()).map_or(0, nanoseconds);
        files.push(Found {
            path: entry.path().to_owned(),
            relative: parts.join("/"),
            kind,
            bytes: metadata.map_or(0, |m| m.len()),
            changed,
        });
    }
    files.sort_unstable_by(|a, b| a.relative.cmp(&b.relative));
    files
}

fn nanoseconds(time: std::time::SystemTime) -> i128 {
    match time.duration_since(std::time::UNIX_EPOCH) {
        Ok(after) => after.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    }
}

/// The memories of a Markdown or plain text file, and its text.
pub(crate) fn read_note(found: &Found, warnings: &mut Vec<String>) -> Result<(Vec<StoredMemory>, String)> {
    let text = import::read_text(&found.path)?;
    let memories = if found.kind == Kind::Markdown {
        let note = markdown::parse(&found.relative, &text)?;
        warnings.extend(note.warnings.iter().map(ToString::to_string));
        note.memories
    } else {
        plain::parse(&found.relative, &text)?
    };
    Ok((memories.into_iter().map(StoredMemory::from).collect(), text))
}

fn file_bytes(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}
