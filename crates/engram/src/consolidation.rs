//! Consolidation: everything derived is derived anew beside readers and writers, and takes its place at once.
//!
//! ```text
//! three times at most, as long as others write meanwhile:
//!     derive all from one state of the store, and as soon as its vectors can be made:
//!         many vectors?  claim the free place for them, and write them there, some in each transaction
//!     in one transaction: write all the rest, and change over
//!     in another: clear the place that was in use before
//! then: derive and write in one transaction, while others wait
//! ```

use heed::{RoTxn, WithoutTls};
use tracing::debug_span;

use crate::beside;
use crate::engram::Engram;
use crate::error::{Error, Result};
use crate::index::packed::{Changed, Facts, Packed, VectorSource, Vectors};
use crate::progress::{Answer, Monitor, Progress, Stage, watch};
use crate::store::block::VECTOR_ROWS;
use crate::store::staging::{self, Claim};
use crate::store::state::{self, State};
use crate::store::tables::Store;
use crate::writing::{Besides, write_facts};

/// How often a consolidation is prepared beside other writers before it takes the lock for the whole time.
pub(crate) const TRIES: usize = 3;
/// The bytes of vectors that one transaction writes, and holds in memory until it is done.
pub(crate) const STAGE_BYTES: usize = 16 << 20;
/// Blocks of vectors that are made before they are written.
const BLOCKS_AHEAD: usize = 8;

impl Engram {
    /// Derives everything anew from what was put in: words' weights, the vector model, names, associations.
    ///
    /// It happens by itself when recent writes pass a twentieth of the store. After it, the store and its
    /// answers do not depend on the order of writing. Readers and, mostly, writers go on meanwhile.
    ///
    /// Cost: linear in texts and associations, but for the sorting of names and terms; on two threads, where there are
    /// two cores. A million nodes (333,335 short memories with 666,632 names) and 10 million edges, with vectors of 256
    /// dimensions, take 2.7 s (4.4 s on one core) and 0.65 GB of memory beyond the map on two Zen 5 cores (`cargo bench -p
    /// engram-recall --bench packing`). No vectors are held. Nothing where nothing was written since the last time. The
    /// file needs room for the vectors twice.
    ///
    /// # Errors
    /// If the store cannot be read or written; nothing is changed then.
    pub fn consolidate(&self) -> Result<()> {
        self.consolidate_watched(&Monitor::unwatched())
    }

    /// [`Engram::consolidate`], which tells `progress` how far it has come, and ends if that says so; nothing is changed
    /// then.
    ///
    /// `progress` is called by this thread when a stage begins, and ten times a second; the work runs on a thread of its
    /// own meanwhile. It returns nothing, or a [`ControlFlow`](std::ops::ControlFlow), which counts before the next stage,
    /// or sooner. It may read the store, and must not write to it: the work that holds the write lock waits for it.
    ///
    /// # Errors
    /// As [`Engram::consolidate`]; [`Error::Cancelled`] if `progress` has ended it.
    pub fn consolidate_with<A: Answer>(&self, progress: &mut dyn FnMut(Progress) -> A) -> Result<()> {
        watch(&mut |now| progress(now).flow(), |monitor| self.consolidate_watched(monitor))
    }

    pub(crate) fn consolidate_watched(&self, monitor: &Monitor) -> Result<()> {
        let _span = debug_span!("consolidate").entered();
        // Packing reads and writes nearly every page; where one is damaged, it would do so blindly.
        let store = self.store()?;
        store.check_pages(monitor)?;
        let txn = store.read()?;
        if let Some(state) = state::read(&store, &txn)? {
            state::check_dimensions(&store, &txn, &state)?;
        }
        drop(txn);
        drop(store);
        if self.upgrade(monitor)? {
            return Ok(());
        }
        self.pack(monitor)
    }

    /// [`Engram::consolidate`], of a store of today's format.
    pub(crate) fn pack(&self, monitor: &Monitor) -> Result<()> {
        for _ in 0..TRIES {
            if self.try_consolidation(STAGE_BYTES, monitor)? {
                return Ok(());
            }
        }
        self.write(|store, txn, state| {
            let packed = Packed::build(Facts::of(store, txn), state, monitor)?;
            packed.write(store, txn, state, Vectors::ToWrite, monitor)?;
            monitor.begin(Stage::Committing, 0)
        })
    }

    /// Consolidates unless something is written meanwhile; says whether that is done.
    fn try_consolidation(&self, stage_bytes: usize, monitor: &Monitor) -> Result<bool> {
        let store = self.store()?;
        let txn = store.read()?;
        let Some(state) = state::read(&store, &txn)? else { return Ok(true) };
        if is_packed(&store, &txn, &state)? {
            return Ok(true);
        }
        self.try_packing(&store, txn, &state, Changed::default(), &(), Manner { stage_bytes, monitor })
    }

    /// Makes a write's changes to a state of the store, which `txn` reads, and packs everything, unless something else is
    /// written meanwhile; says whether that is done.
    pub(crate) fn try_packing(
        &self,
        store: &Store,
        txn: RoTxn<'_, WithoutTls>,
        before: &State,
        changed: Changed<'_>,
        besides: &impl Besides,
        manner: Manner<'_>,
    ) -> Result<bool> {
        let Manner { stage_bytes, monitor } = manner;
        let early = |vectors: VectorSource<'_>| {
            if vectors.bytes() <= stage_bytes {
                monitor.advance(vectors.len());
                return Ok(Staged::Nothing);
            }
            debug_span!("staging").in_scope(|| stage(store, vectors, before, changed, stage_bytes, monitor))
        };
        let (packed, staged) =
            Packed::build_and(Facts { store, txn: &txn, changed }, before, &early, monitor)?;
        let staged = staged?;
        drop(txn);
        let changed_over = self.write(|newest, txn, state| {
            if !newest.is_same(store) {
                return Ok(false);
            }
            let vectors = match &staged {
                Staged::Overtaken => return Ok(false),
                Staged::All(claim) if !claim.stands(store, txn)? => return Ok(false),
                Staged::All(_) => Vectors::Staged,
                Staged::Nothing if state.version != before.version => return Ok(false),
                Staged::Nothing => Vectors::ToWrite,
            };
            monitor.begin(Stage::Gathering, u64::from(changed.len()))?;
            write_facts(store, txn, changed, false, monitor)?;
            state.model = before.model.clone();
            packed.write(store, txn, state, vectors, monitor)?;
            besides.write(store, txn)?;
            monitor.begin(Stage::Committing, 0)?;
            Ok(true)
        })?;
        drop(packed);
        if let Staged::All(claim) = staged
            && changed_over
        {
            // What was done is not to be reported as cancelled.
            monitor.tell(Stage::Clearing, 0);
            debug_span!("finishing").in_scope(|| claim.finish(store, before.vector_slot))?;
        }
        Ok(changed_over)
    }
}

/// How a packing beside others is done.
#[derive(Clone, Copy)]
pub(crate) struct Manner<'m> {
    /// The bytes of vectors that one transaction writes; fewer are not written ahead.
    pub(crate) stage_bytes: usize,
    pub(crate) monitor: &'m Monitor,
}

/// What was written ahead.
enum Staged {
    /// Nothing: there are few vectors.
    Nothing,
    /// All vectors.
    All(Claim),
    /// Not all, because others have written meanwhile.
    Overtaken,
}

/// Why writing ahead ends early.
enum Ended {
    /// Others have written meanwhile.
    Overtaken,
    Failed(Error),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Writes the vectors into the free place, unless others write meanwhile.
fn stage(
    store: &Store,
    vectors: VectorSource<'_>,
    state: &State,
    changed: Changed<'_>,
    stage_bytes: usize,
    monitor: &Monitor,
) -> Result<Staged> {
    let Some(claim) = Claim::take(store, state)? else { return Ok(Staged::Overtaken) };
    let mut blocks = vectors.blocks(state.vector_slot.other(), store.is_sealed);
    let records = if vectors.is_given() {
        let txn = store.read()?;
        if state::version(store, &txn)? != state.version {
            return Ok(Staged::Overtaken);
        }
        Some(txn)
    } else {
        None
    };
    // What is to be written in the next transaction.
    let (mut portion, mut bytes) = (Vec::new(), 0);
    let write = |portion: &mut Vec<([u8; 5], Vec<u8>)>| {
        let _span = debug_span!("staging_writing").entered();
        let mut txn = store.write()?;
        if !claim.stands(store, &txn)? {
            return Err(Ended::Overtaken);
        }
        for (key, value) in portion.drain(..) {
            store.tables.blocks.put(&mut txn, &key, &value)?;
        }
        Ok(store.commit(txn)?)
    };
    let taken = beside::ahead(
        BLOCKS_AHEAD,
        move || {
            let records = records.as_deref().map(|txn| Facts { store, txn, changed });
            blocks.next(records).transpose()
        },
        |block| {
            let block = block?;
            monitor.check()?;
            monitor.advance(u64::from(VECTOR_ROWS));
            bytes += block.1.len();
            portion.push(block);
            if bytes < stage_bytes {
                return Ok(());
            }
            bytes = 0;
            write(&mut portion)
        },
    );
    match taken.and_then(|()| write(&mut portion)) {
        Ok(()) => Ok(Staged::All(claim)),
        Err(Ended::Overtaken) => Ok(Staged::Overtaken),
        Err(Ended::Failed(error)) => Err(error),
    }
}

/// Whether nothing was written since blocks were packed, in the format that its generation has.
pub(crate) fn is_packed(store: &Store, txn: &heed::RoTxn<'_>, state: &State) -> Result<bool> {
    let tables = &store.tables;
    let mut packed = state.recent_writes == 0 && state.format == state::packing_format(store);
    packed = packed && !staging::is_claimed(store, txn)?;
    for table in [&tables.recent_columns, &tables.recent_rows, &tables.recent_edges, &tables.gone] {
        packed = packed && table.is_empty(txn)?;
    }
    Ok(packed)
}

#[cfg(test)]
mod tests;
