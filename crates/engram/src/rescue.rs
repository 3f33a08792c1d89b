//! What a damaged file still holds: exported, or made a sound store of.
//!
//! LMDB cannot be trusted with a file whose pages are damaged. So memories are read from it page by page, with plain
//! reads; each carries its own checksum.
//!
//! ```text
//! export:   every memory that can be read, and a sentence for each that cannot
//! rebuild:  nobody has the store open?  all memories there?  write them into the next generation, derive the rest
//! ```

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::engram::{Engram, OpenOptions, read_memory};
use crate::error::{Error, Result};
use crate::exchange::ExportReport;
use crate::import::jsonl;
use crate::progress::{Answer, Monitor, Progress, Stage, watch};
use crate::rewriting::{self, Facts};
use crate::store::folder::Root;
use crate::store::generation::{self, Maker, Sole};
use crate::store::open::DATA_FILE;
use crate::store::pages::{Damage, Salvage};
use crate::store::record::Record;
use crate::store::state::{self, State};
use crate::store::table::Seal;
use crate::vector_model::{VectorModel, stored_model};

/// What is left of a store.
struct Remains {
    /// The bytes of the file.
    bytes: u64,
    /// The memories that can be read, by id: their records.
    memories: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The ids of those that cannot.
    unreadable: Vec<String>,
    files: BTreeMap<Vec<u8>, Vec<u8>>,
    meta: Vec<(Vec<u8>, Vec<u8>)>,
    /// The state, if its record can be read.
    state: Option<State>,
    /// Whether the store has moved on from this generation.
    has_moved: bool,
    /// Whether all this may be as it was before the last change.
    may_be_outdated: bool,
    /// What is wrong with the file, or with the table of the memories alone.
    damage: Vec<String>,
    memories_damage: Vec<String>,
}

impl Remains {
    /// Reads what is left; `None` where nothing was ever written. Nobody may write meanwhile.
    fn read(root: &Path, folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(DATA_FILE);
        let unreadable = |source| Error::from_io(root, "read", &path, source);
        let file = File::open(&path).map_err(unreadable)?;
        let bytes = file.metadata().map_err(unreadable)?.len();
        let damaged = |damage: Damage| Error::Damaged { path: root.to_owned(), what: damage.to_string() };
        let Some(salvage) = Salvage::new(&file).map_err(damaged)? else { return Ok(None) };
        let mut meta: BTreeMap<Vec<u8>, Vec<u8>> =
            salvage.rows("meta").map(|row| (row.key, row.value)).collect();
        let state = meta.remove(state::KEY);
        let format = state.as_deref().and_then(state::format_of);
        let state = state.and_then(|bytes| state::parse(&bytes));
        // Where the format is lost, whichever seal fits says what it was.
        let is_sealed = |table: &str, old: Seal| -> Vec<Seal> {
            match format {
                Some(format) if format < state::SEALED_FORMAT => vec![old],
                Some(_) => vec![Seal::of(table)],
                None => vec![Seal::of(table), old],
            }
        };
        let opened = |table: &str, old: Seal| {
            let seals = is_sealed(table, old);
            let mut rows = salvage.rows(table);
            let (mut sound, mut broken) = (BTreeMap::new(), Vec::new());
            for row in rows.by_ref() {
                match seals.iter().find_map(|seal| seal.open(&row.key, &row.value)) {
                    Some(value) => {
                        sound.insert(row.key, value.to_vec());
                    }
                    None => broken.push(row.key),
                }
            }
            // Of a row that lies on two pages, one may be damaged.
            broken.retain(|key| !sound.contains_key(key));
            (sound, broken, rows.damage().iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let (mut memories, broken, memories_damage) = opened("memories", Seal::OldChecksum);
        if !memories_damage.is_empty() && format.is_none_or(|format| format >= state::SEALED_FORMAT) {
            // Rows that nothing leads to any more. The seal says which of them are memories.
            let seal = Seal::of("memories");
            for row in salvage.orphans().into_iter().flatten() {
                if let Some(value) = seal.open(&row.key, &row.value) {
                    memories.entry(row.key).or_insert_with(|| value.to_vec());
                }
            }
        }
        let (files, _, _) = opened("files", Seal::Nothing);
        let meta_seals = is_sealed("meta", Seal::Nothing);
        let meta = meta.into_iter().filter(|(key, _)| state::is_kept(key)).filter_map(|(key, stored)| {
            let value = meta_seals.iter().find_map(|seal| seal.open(&key, &stored))?.to_vec();
            Some((key, value))
        });
        let text = |key: &Vec<u8>| crate::text::printable_line(&String::from_utf8_lossy(key)).into_owned();
        Ok(Some(Self {
            bytes,
            unreadable: broken.iter().map(text).collect(),
            memories,
            files,
            meta: meta.collect(),
            state,
            has_moved: format == Some(state::MOVED_FORMAT),
            may_be_outdated: salvage.may_be_outdated(),
            damage: salvage.damage().iter().map(ToString::to_string).collect(),
            memories_damage,
        }))
    }

    /// Why memories are missing, one sentence each.
    fn missing(&self, root: &Path) -> Vec<String> {
        let mut sentences: Vec<String> = (self.unreadable.iter())
            .map(|id| format!("the memory {id} is unreadable: its checksum does not match"))
            .collect();
        let damage = self
            .memories_damage
            .iter()
            .map(|what| Error::Damaged { path: root.to_owned(), what: what.clone() }.to_string());
        sentences.extend(damage);
        if self.may_be_outdated {
            sentences.push("a header page is lost: all this may be as it was before the last change".into());
        }
        let there = (self.memories.len() + self.unreadable.len()) as u64;
        match &self.state {
            None if self.damage.is_empty() => sentences
                .push("the store's state record is lost: vectors lack the name of their model".into()),
            // On sound pages every row is found, whatever was counted.
            _ if self.damage.is_empty() => {}
            Some(state) if u64::from(state.memories) > there => {
                sentences.push(format!("{} memories cannot be found", u64::from(state.memories) - there));
            }
            None => sentences.push("the store's state record is lost: memories may be missing, and vectors lack the name of their model".into()),
            _ => {}
        }
        sentences
    }

    /// Writes the memories as JSON lines.
    fn export(&self, root: &Path, out: &mut impl Write) -> Result<ExportReport> {
        let mut report = ExportReport::default();
        let model = self.state.as_ref().map(|state| &state.model);
        for (id, record) in &self.memories {
            match read_memory(root, id, Some(record), model) {
                Ok(memory) => {
                    report.memories += 1;
                    jsonl::write(out, &memory).map_err(Error::Output)?;
                }
                Err(error) => report.unreadable.push(error.to_string()),
            }
        }
        report.unreadable.extend(self.missing(root));
        Ok(report)
    }
}

impl Engram {
    /// Exports what is left of a store whose pages are damaged.
    pub(crate) fn export_remains(&self, out: &mut impl Write) -> Result<ExportReport> {
        self.with_write_lock(|store, _txn| {
            let remains = Remains::read(store.folder(), &store.environment.folder)?;
            remains.map_or_else(|| Ok(ExportReport::default()), |remains| remains.export(store.folder(), out))
        })
    }
}

impl OpenOptions {
    /// Opens the store in a folder and exports it; see [`Engram::export`]. Also where it is too damaged to be opened.
    ///
    /// # Errors
    /// As [`OpenOptions::open`] and [`Engram::export`], but for damage that leaves something to be read.
    pub fn export(&self, folder: impl AsRef<Path>, out: &mut impl Write) -> Result<ExportReport> {
        let damage = match self.open(&folder) {
            Ok(engram) => return engram.export(out),
            Err(error @ Error::Damaged { .. }) => error,
            Err(error) => return Err(error),
        };
        let root = self.root(folder.as_ref())?;
        let (newest, _) = generation::newest(&root.path)
            .map_err(|source| Error::from_io(&root.path, "read", &root.path, source))?;
        match Remains::read(&root.path, &generation::folder_of(&root.path, newest)) {
            Ok(Some(remains)) if !remains.memories.is_empty() => {
                let mut report = remains.export(&root.path, out)?;
                report.unreadable.push(damage.to_string());
                out.flush().map_err(Error::Output)?;
                Ok(report)
            }
            // Nothing is left.
            _ => Err(damage),
        }
    }

    /// Derives everything in a store anew from its memories; see [`Engram::rebuild`]. Where pages of the file are damaged
    /// and all memories can be read, they move to a new file; then nobody else may have the store open.
    ///
    /// # Errors
    /// As [`OpenOptions::open`], but for damage that can be mended. [`Error::Damaged`] names what cannot be; nothing is
    /// changed then.
    pub fn rebuild(&self, folder: impl AsRef<Path>) -> Result<()> {
        self.rebuild_watched(folder.as_ref(), &Monitor::unwatched())
    }

    /// [`OpenOptions::rebuild`], which tells `progress` how far it has come and ends if that says so; nothing is changed
    /// then. See [`Engram::consolidate_with`] for what `progress` may do.
    ///
    /// # Errors
    /// As [`OpenOptions::rebuild`]; [`Error::Cancelled`] if `progress` has ended it.
    pub fn rebuild_with<A: Answer>(
        &self,
        folder: impl AsRef<Path>,
        progress: &mut dyn FnMut(Progress) -> A,
    ) -> Result<()> {
        let folder = folder.as_ref();
        watch(&mut |now| progress(now).flow(), |monitor| self.rebuild_watched(folder, monitor))
    }

    fn rebuild_watched(&self, folder: &Path, monitor: &Monitor) -> Result<()> {
        let damage = match self.open(folder).and_then(|engram| engram.rebuild_watched(monitor)) {
            Err(error @ Error::Damaged { .. }) => error,
            done => return done,
        };
        let root = self.root(folder)?;
        let maker = Maker::begin(&root.path, self.trust())?;
        let Some(sole) = Sole::take(&root.path, self.trust())? else { return Err(damage) };
        let damaged = |what: String| Error::Damaged { path: root.path.clone(), what };
        let remains = Remains::read(&root.path, &sole.folder)?.filter(|remains| !remains.has_moved);
        let Some(remains) = remains else { return Err(damage) };
        if remains.damage.is_empty() && !remains.unreadable.is_empty() {
            // Its pages are sound: what is wrong is in the memories themselves.
            return Err(damage);
        }
        let state = remains.state_for_rebuild(&root)?;
        let missing = remains.missing(&root.path);
        if let (Some(first), true) = (missing.first(), remains.state.is_some()) {
            let others = match missing.len() - 1 {
                0 => String::new(),
                others => format!(" (and {others} more)"),
            };
            return Err(damaged(format!("its memories cannot all be read: {first}{others}")));
        }
        let row = |(key, value)| Ok::<_, Error>((Vec::as_slice(key), Vec::as_slice(value)));
        let memories = remains.memories.iter().map(row);
        let files = remains.files.iter().map(row);
        let facts = Facts { memories, files, meta: remains.meta.clone(), state };
        let draft = rewriting::rewrite(&maker, self.trust(), facts, monitor)?;
        monitor.begin(Stage::Committing, 0)?;
        maker.publish(draft, sole.number)?;
        drop(sole);
        generation::remove_unused(&root.path);
        Ok(())
    }

    fn root(&self, folder: &Path) -> Result<Root> {
        Root::open(folder, false, self.follows(), self.trust())
    }
}

impl Remains {
    /// The state from which everything is derived again: that of the store, or that of a new one where nothing is wrong
    /// but its record, and the memories say all that is needed.
    fn state_for_rebuild(&self, root: &Root) -> Result<State> {
        let damaged = |what: &str| Error::Damaged { path: root.path.clone(), what: what.into() };
        if let Some(state) = &self.state {
            let claims_more = state.model.claims_more(self.memories.len() as u64, self.bytes);
            if claims_more && !self.memories.values().any(|record| state.model.is_of(record)) {
                return Err(damaged(&state.model.unfounded()));
            }
            return Ok(state.clone());
        }
        if !self.damage.is_empty() || !self.unreadable.is_empty() {
            return Err(damaged("its state record is lost, and with it how many memories it had"));
        }
        let brings_vector =
            |record: &Vec<u8>| Record::read(record).is_ok_and(|record| record.vector.is_some());
        if self.memories.values().any(brings_vector) {
            return Err(damaged("its vector model is lost"));
        }
        Ok(State::new(state::FORMAT, stored_model(&VectorModel::RandomIndexing)?))
    }
}
