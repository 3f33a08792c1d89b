//! Everything derived is derived anew from the memories, whether or not anything was written: what mends damage to it.
//!
//! ```text
//! in one transaction: count the memories of each namespace, note who links to what, pack
//! ```

use std::collections::BTreeMap;

use tracing::debug_span;

use crate::engram::Engram;
use crate::error::Result;
use crate::index::links::{self, Difference};
use crate::index::packed::{Facts, Packed, Vectors};
use crate::progress::{Answer, Monitor, Progress, Stage, watch};
use crate::store::nodes::NamespaceEntry;
use crate::store::record::Record;
use crate::store::state;
use crate::store::tables::Store;
use crate::store::write_txn::WriteTxn;
use crate::text::Language;

impl Engram {
    /// Derives everything anew from the memories, also where nothing was written since the last time: whatever
    /// [`Engram::verify`] finds wrong outside of the memories themselves is right after it.
    ///
    /// A [consolidation](Engram::consolidate) is for what was written; it leaves alone what it takes for packed, and
    /// the account of who links to what. Cost: as a consolidation, in one transaction that other writers wait for.
    ///
    /// # Errors
    /// If a memory is unreadable, or the store cannot be read or written; nothing is changed then. If pages of the file
    /// are damaged, LMDB cannot be trusted with it: [`OpenOptions::rebuild`](crate::OpenOptions::rebuild) can mend that.
    pub fn rebuild(&self) -> Result<()> {
        self.rebuild_watched(&Monitor::unwatched())
    }

    /// [`Engram::rebuild`], which tells `progress` how far it has come and ends if that says so; nothing is changed then.
    /// See [`Engram::consolidate_with`] for what `progress` may do.
    ///
    /// # Errors
    /// As [`Engram::rebuild`]; [`Error::Cancelled`](crate::Error::Cancelled) if `progress` has ended it.
    pub fn rebuild_with<A: Answer>(&self, progress: &mut dyn FnMut(Progress) -> A) -> Result<()> {
        watch(&mut |now| progress(now).flow(), |monitor| self.rebuild_watched(monitor))
    }

    pub(crate) fn rebuild_watched(&self, monitor: &Monitor) -> Result<()> {
        let _span = debug_span!("rebuild").entered();
        self.store()?.check_pages(monitor)?;
        self.write(|store, txn, state| {
            // Nothing was written: the store stays open to the model of its first vector.
            if state.version == 0 && store.tables.memories.is_empty(txn)? {
                return Ok(());
            }
            state::check_dimensions(store, txn, state)?;
            accounts(store, txn, monitor)?;
            let packed = Packed::build(Facts::of(store, txn), state, monitor)?;
            packed.write(store, txn, state, Vectors::ToWrite, monitor)?;
            monitor.begin(Stage::Committing, 0)
        })
    }
}

/// Writes anew what packing takes as it is: the namespaces, and who links to what.
pub(crate) fn accounts(store: &Store, txn: &mut WriteTxn<'_>, monitor: &Monitor) -> Result<()> {
    let tables = &store.tables;
    monitor.begin(Stage::Gathering, tables.memories.len(txn)?)?;
    let mut steps = monitor.steps();
    let mut namespaces: BTreeMap<String, u32> = BTreeMap::new();
    let mut linking = Vec::new();
    for entry in tables.memories.iter(txn)? {
        let (id, value) = entry?;
        let id = std::str::from_utf8(id).map_err(|_| store.damaged("an id is not text"))?;
        let record = Record::read(value).map_err(|bad| bad.of(store, id))?;
        if !links::of(id, &record).is_empty() {
            linking.push(id.to_owned());
        }
        *namespaces.entry(record.namespace.into_owned()).or_default() += 1;
        steps.count()?;
    }
    tables.namespaces.clear(txn)?;
    for (number, (name, memories)) in (0..).zip(namespaces) {
        let entry = NamespaceEntry { number, memories, language: Language::default() };
        tables.namespaces.put(txn, name.as_bytes(), &entry.bytes())?;
    }
    tables.links.clear(txn)?;
    for id in linking {
        // Kept apart from the map, in which the links are about to be written.
        let value = tables.memories.get(txn, id.as_bytes())?.unwrap_or_default().to_vec();
        let record = Record::read(&value).map_err(|bad| bad.of(store, &id))?;
        Difference::between(&id, None, Some(&record)).write(store, txn)?;
    }
    Ok(())
}
