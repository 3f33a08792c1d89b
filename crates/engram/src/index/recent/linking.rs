//! Links of single memories: what one leads to, and what leads to it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use heed::RoTxn;

use super::{Step, Writer};
use crate::index::associations::{self, Kind};
use crate::index::links::{self, Difference, Entry, Target};
use crate::index::packed::Put;
use crate::index::work;
use crate::index::{edges, reading};
use crate::store::block;
use crate::store::nodes::{self, Node};
use crate::store::record::{self, Record};
use crate::store::state::State;
use crate::store::tables::node_key;
use crate::store::write_txn::WriteTxn;

/// An association of a memory: what it leads to, and the weight it was given.
pub(super) type Linked = (u32, Kind, f32);

impl Writer<'_> {
    /// Adds links to a memory that stays as it is otherwise; says whether that is done. It is not where one of them leads
    /// to where another leads already: of those the strongest counts, and a packed row does not tell their weights.
    ///
    /// Cost: the links that are new, however many there are.
    pub(super) fn link(
        &mut self,
        txn: &mut WriteTxn<'_>,
        state: &State,
        put: &Put<'_>,
        record: &Record<'_>,
        links: &Difference<'_>,
    ) -> Step<bool> {
        let store = self.store;
        let Some(memory) = nodes::memory_number(store, txn, put.id)? else { return Ok(false) };
        let mut linked = self.linked(txn, state, &links.new, &record.namespace)?;
        linked.retain(|(target, ..)| *target != memory);
        for (target, kind, _) in &linked {
            if self.leads(txn, links, *target, *kind)? {
                return Ok(false);
            }
        }
        self.meter.charge(work::MEMORY + work::NEW_LINK * links.new.len() as u64)?;
        // The facts: all or nothing of them.
        store.tables.memories.put(txn, put.id.as_bytes(), &put.record)?;
        links.write_new(store, txn)?;
        self.join_all(txn, state, memory, &linked)?;
        Ok(true)
    }

    /// Whether one of the links that stay leads to a memory.
    fn leads(&mut self, txn: &RoTxn<'_>, links: &Difference<'_>, target: u32, kind: Kind) -> Step<bool> {
        let store = self.store;
        self.meter.charge(work::READ)?;
        let Some(Node::Memory(id)) = nodes::get(store, txn, target)? else { return Ok(false) };
        if links.keeps_names() {
            let bytes = store.tables.memories.get(txn, id.as_bytes())?.map_or(0, <[u8]>::len) as u64;
            self.meter.charge(work::READ + work::RECORD_BYTE * bytes)?;
            let Some(record) = record::get(store, txn, &id)? else { return Ok(false) };
            let namespace = || Cow::Borrowed(record.namespace.as_ref());
            let mut names = reading::home_names(&record).into_iter();
            if names.any(|name| links.keeps(&Target::Name(name.into(), namespace()), kind as u8)) {
                return Ok(true);
            }
        }
        Ok(links.keeps(&Target::Id(id.into()), kind as u8))
    }

    /// What links of a namespace lead to in it. The work of joining them is charged.
    pub(super) fn linked(
        &mut self,
        txn: &RoTxn<'_>,
        state: &State,
        entries: &[Entry<'_>],
        namespace: &str,
    ) -> Step<Vec<Linked>> {
        let store = self.store;
        let mut linked = Vec::new();
        let Some(namespace) = nodes::namespace(store, txn, namespace)? else { return Ok(linked) };
        for entry in entries {
            self.meter.charge(work::READ)?;
            let Some(kind) = Kind::of(entry.kind) else { continue };
            let targets = match &entry.target {
                Target::Id(target) => nodes::memory_number(store, txn, target)?.into_iter().collect(),
                Target::Name(name, _) => self.homes(txn, state, name, namespace.number)?,
            };
            for target in targets {
                if self.is_in(txn, target, namespace.number)? {
                    self.meter.charge(work::EDGE)?;
                    linked.push((target, kind, entry.weight));
                }
            }
        }
        Ok(linked)
    }

    /// Joins a memory to what its links lead to.
    pub(super) fn join_all(
        &self,
        txn: &mut WriteTxn<'_>,
        state: &State,
        memory: u32,
        linked: &[Linked],
    ) -> Step<()> {
        for (target, kind, weight) in linked {
            edges::join(self.store, txn, state, (memory, *target), *kind, *weight)?;
        }
        Ok(())
    }

    /// Joins a memory of a namespace to what links to it.
    pub(super) fn add_backlinks(
        &mut self,
        txn: &mut WriteTxn<'_>,
        state: &State,
        id: &str,
        (memory, namespace): (u32, u32),
        record: &Record<'_>,
    ) -> Step<()> {
        let store = self.store;
        let names = reading::home_names(record);
        let by_name =
            names.into_iter().map(|name| Target::Name(name.into(), Cow::Borrowed(&record.namespace)));
        for target in [Target::Id(Cow::Borrowed(id))].into_iter().chain(by_name) {
            for (source, kind, weight) in links::to(store, txn, &target, &mut self.meter)? {
                let Some(source) = nodes::memory_number(store, txn, &source)? else { continue };
                if source != memory && self.is_in(txn, source, namespace)? {
                    self.join(txn, state, (source, memory), kind, weight)?;
                }
            }
        }
        Ok(())
    }

    /// Writes an association and its counterpart.
    pub(super) fn join(
        &mut self,
        txn: &mut WriteTxn<'_>,
        state: &State,
        ends: (u32, u32),
        kind: Kind,
        given: f32,
    ) -> Step<()> {
        self.meter.charge(work::EDGE)?;
        Ok(edges::join(self.store, txn, state, ends, kind, given)?)
    }

    /// Whether a memory lies in a namespace.
    fn is_in(&mut self, txn: &RoTxn<'_>, memory: u32, namespace: u32) -> Step<bool> {
        self.meter.charge(work::READ)?;
        let columns = block::columns_now(self.store, txn, memory)?;
        Ok(columns.is_some_and(|columns| columns.namespace == namespace))
    }

    /// The memories that bear a name.
    fn homes(&mut self, txn: &RoTxn<'_>, state: &State, name: &str, namespace: u32) -> Step<Vec<u32>> {
        let Some(number) = nodes::name_number(self.store, txn, name, namespace)? else {
            return Ok(Vec::new());
        };
        let gone = |n: u32| self.store.tables.gone.get(txn, &node_key(n)).ok().flatten().is_some();
        let packed = edges::packed(self.store, txn, state, number, |_| false)?;
        self.meter.charge(work::ROW_EDGE * packed.len() as u64)?;
        let packed = packed.into_iter().filter(|(_, weight)| associations::leads_home(*weight));
        let mut homes: BTreeSet<u32> =
            packed.map(|(memory, _)| memory).filter(|memory| !gone(*memory)).collect();
        let recent = edges::recent(self.store, txn, number)?;
        self.meter.charge(work::RECENT_EDGE * recent.len() as u64)?;
        homes.extend(
            recent.into_iter().filter(|(_, kind, _)| *kind == Kind::Home).map(|(memory, _, _)| memory),
        );
        Ok(homes.into_iter().collect())
    }
}
