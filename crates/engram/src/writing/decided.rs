//! A write whose contents depend on the state of the store that it changes.

use std::borrow::Cow;
use std::ops::Deref;

use heed::RoTxn;

use super::plan::Plan;
use super::portion::Portion;
use super::{Changes, LONG, in_turn, is_due};
use crate::consolidation::{Manner, STAGE_BYTES, TRIES};
use crate::engram::{Engram, new_state};
use crate::error::{Error, Result};
use crate::index::work;
use crate::memory::MemoryId;
use crate::progress::{Monitor, Stage};
use crate::store::state;
use crate::store::tables::Store;
use crate::store::write_txn::WriteTxn;

/// What a write does in one state of the store.
pub(crate) struct Decided<'d, B> {
    /// The memories to put in, sorted.
    pub(crate) portion: Held<'d>,
    /// The ids to forget.
    pub(crate) forget: Cow<'d, [MemoryId]>,
    /// What else belongs to it.
    pub(crate) besides: B,
}

/// A portion of the caller's, or one that was made for this state.
pub(crate) enum Held<'d> {
    Borrowed(&'d Portion),
    Owned(Portion),
}

impl Deref for Held<'_> {
    type Target = Portion;

    fn deref(&self) -> &Portion {
        match self {
            Self::Borrowed(portion) => portion,
            Self::Owned(portion) => portion,
        }
    }
}

/// What a write does in its transaction besides putting memories in and taking them out.
pub(crate) trait Besides {
    /// Whether there is nothing to do.
    fn is_nothing(&self) -> bool;

    /// Does it.
    fn write(&self, store: &Store, txn: &mut WriteTxn<'_>) -> Result<()>;
}

impl Besides for () {
    fn is_nothing(&self) -> bool {
        true
    }

    fn write(&self, _: &Store, _: &mut WriteTxn<'_>) -> Result<()> {
        Ok(())
    }
}

impl Engram {
    /// Applies in one transaction what `decide` finds to do in the state of the store that the transaction changes. It
    /// is called once or more often; what it gave last was done.
    pub(crate) fn apply_decided<'d, B: Besides>(
        &self,
        decide: &impl Fn(&Store, &RoTxn<'_>) -> Result<Decided<'d, B>>,
        monitor: &Monitor,
    ) -> Result<(Changes, B)> {
        let mut tries = 0;
        loop {
            let done = if tries < TRIES {
                self.try_apply(decide, monitor)?
            } else {
                self.apply_in_turn(decide, u64::MAX, monitor)?
            };
            if let Some(done) = done {
                return Ok(done);
            }
            tries += 1;
        }
    }

    /// Applies what `decide` finds while others wait, unless that is a longer packing than `patience`.
    fn apply_in_turn<'d, B: Besides>(
        &self,
        decide: &impl Fn(&Store, &RoTxn<'_>) -> Result<Decided<'d, B>>,
        patience: u64,
        monitor: &Monitor,
    ) -> Result<Option<(Changes, B)>> {
        self.write(|store, txn, state| {
            monitor.begin(Stage::Comparing, 0)?;
            let decided = decide(store, txn)?;
            let plan = Plan::new(store, txn, state, &decided.portion, &decided.forget)?;
            let changes = plan.changes;
            let is_done = in_turn(store, txn, state, &plan, &decided.besides, patience, monitor)?;
            drop(plan);
            Ok(is_done.then_some((changes, decided.besides)))
        })
    }

    /// Applies what `decide` finds. Where that is a long packing, others write meanwhile; if they do, nothing is changed
    /// and there is no answer.
    fn try_apply<'d, B: Besides>(
        &self,
        decide: &impl Fn(&Store, &RoTxn<'_>) -> Result<Decided<'d, B>>,
        monitor: &Monitor,
    ) -> Result<Option<(Changes, B)>> {
        monitor.begin(Stage::Comparing, 0)?;
        let store = &self.store()?;
        let read = || {
            let txn = store.read()?;
            let state = state::read(store, &txn)?.map_or_else(|| new_state(store), Ok)?;
            Ok::<_, Error>((txn, state))
        };
        let is_long = {
            let (txn, state) = read()?;
            let Decided { portion, forget, .. } = decide(store, &txn)?;
            is_due(&state, portion.len() + forget.len(), 0)
                && work::packing(store, &txn, &state, portion.len() as u64, portion.bytes() as u64)? > LONG
        };
        if !is_long && let Some(done) = self.apply_in_turn(decide, LONG, monitor)? {
            return Ok(Some(done));
        }
        let (txn, mut state) = read()?;
        let decided = decide(store, &txn)?;
        let plan = Plan::new(store, &txn, &state, &decided.portion, &decided.forget)?;
        let changes = plan.changes;
        let is_unchanged = plan.changed().len() == 0;
        if is_unchanged && decided.besides.is_nothing() {
            drop(plan);
            return Ok(Some((changes, decided.besides)));
        }
        // Most of what an import takes in may be there already.
        if is_unchanged || (is_long && !plan.is_due(&state)) {
            drop(txn);
            return self.apply_in_turn(decide, LONG, monitor);
        }
        state.model = plan.model.clone();
        let is_done = self.try_packing(
            store,
            txn,
            &state,
            plan.changed(),
            &decided.besides,
            Manner { stage_bytes: STAGE_BYTES, monitor },
        )?;
        drop(plan);
        Ok(is_done.then_some((changes, decided.besides)))
    }
}
