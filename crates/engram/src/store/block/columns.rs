//! Columns: what recall needs to know of every memory, one section for each field.

use std::borrow::Cow;

use heed::RoTxn;

use super::{Block, BlockKind, NewBlock, ROWS, Sink, Whole, read};
use crate::error::Result;
use crate::store::tables::{Store, elements};

/// What recall needs to know of every memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Columns {
    /// The namespace's number.
    pub(crate) namespace: u32,
    /// Its length in terms.
    pub(crate) length: u32,
    /// When it was made, in milliseconds.
    pub(crate) made: i64,
    /// When it was made or last recalled, in milliseconds.
    pub(crate) refreshed: i64,
    /// Its strength.
    pub(crate) strength: f32,
    /// Its stability in seconds.
    pub(crate) stability: f32,
}

/// The bytes of [`Columns`] as a value of their own.
pub(crate) const COLUMNS_BYTES: usize = 32;

impl Columns {
    /// As a value of its own, for a recent memory.
    pub(crate) fn bytes(&self) -> [u8; COLUMNS_BYTES] {
        let mut bytes = [0; COLUMNS_BYTES];
        bytes[..4].copy_from_slice(&self.namespace.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.length.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.made.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.refreshed.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.strength.to_le_bytes());
        bytes[28..].copy_from_slice(&self.stability.to_le_bytes());
        bytes
    }

    /// Reads what [`Columns::bytes`] wrote.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; COLUMNS_BYTES] = bytes.try_into().ok()?;
        let four = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        let eight = |at: usize| {
            let (low, high) = (four(at), four(at + 4));
            [low[0], low[1], low[2], low[3], high[0], high[1], high[2], high[3]]
        };
        Some(Self {
            namespace: u32::from_le_bytes(four(0)),
            length: u32::from_le_bytes(four(4)),
            made: i64::from_le_bytes(eight(8)),
            refreshed: i64::from_le_bytes(eight(16)),
            strength: f32::from_le_bytes(four(24)),
            stability: f32::from_le_bytes(four(28)),
        })
    }
}

impl<'t> Block<'t> {
    /// The block's columns.
    pub(crate) fn columns(&self) -> Option<ColumnBlock<'t>> {
        let rows = self.rows as usize;
        let [namespace, length, made, refreshed, strength, stability] =
            self.sections([4 * rows, 4 * rows, 8 * rows, 8 * rows, 4 * rows, 4 * rows])?;
        Some(ColumnBlock {
            first: self.first,
            whole: self.whole(0),
            namespace: elements(namespace)?,
            length: elements(length)?,
            made: elements(made)?,
            refreshed: elements(refreshed)?,
            strength: elements(strength)?,
            stability: elements(stability)?,
        })
    }
}

/// The columns of one block.
pub(crate) struct ColumnBlock<'t> {
    first: u32,
    whole: Option<Whole<'t>>,
    namespace: Cow<'t, [u32]>,
    length: Cow<'t, [u32]>,
    made: Cow<'t, [i64]>,
    refreshed: Cow<'t, [i64]>,
    strength: Cow<'t, [f32]>,
    stability: Cow<'t, [f32]>,
}

impl ColumnBlock<'_> {
    /// Whether the block is what was written. Cost: its size, the first time in a process.
    pub(crate) fn is_intact(&self) -> bool {
        self.whole.as_ref().is_none_or(Whole::is_intact)
    }

    /// The columns of one memory, of a block that was seen to be intact; `None` where it is not in this block.
    pub(crate) fn get(&self, memory: u32) -> Option<Columns> {
        let row = memory.checked_sub(self.first)? as usize;
        Some(Columns {
            namespace: *self.namespace.get(row)?,
            length: *self.length.get(row)?,
            made: *self.made.get(row)?,
            refreshed: *self.refreshed.get(row)?,
            strength: *self.strength.get(row)?,
            stability: *self.stability.get(row)?,
        })
    }
}

/// The columns of one memory as they are now: its own where it was written or reinforced since packing, else
/// its packed ones.
pub(crate) fn columns_now(store: &Store, txn: &RoTxn<'_>, memory: u32) -> Result<Option<Columns>> {
    let damaged = || store.damaged(format!("the columns of memory {memory} cannot be read"));
    let own = store.tables.recent_columns.get(txn, &memory.to_be_bytes())?;
    if let Some(bytes) = own {
        return Columns::read(bytes).map(Some).ok_or_else(damaged);
    }
    match read(store, txn, BlockKind::Columns, memory / ROWS)? {
        Some(block) => {
            let columns = block.columns().filter(ColumnBlock::is_intact);
            Ok(columns.ok_or_else(damaged)?.get(memory))
        }
        None => Ok(None),
    }
}

/// Gives columns as blocks, for a sealed store or another.
pub(crate) fn of_columns(columns: &[Columns], is_sealed: bool, sink: &mut Sink<'_>) -> Result<()> {
    let mut bytes = Vec::new();
    for (index, chunk) in (0_u32..).zip(columns.chunks(ROWS as usize)) {
        let namespace: Vec<u32> = chunk.iter().map(|c| c.namespace).collect();
        let length: Vec<u32> = chunk.iter().map(|c| c.length).collect();
        let made: Vec<i64> = chunk.iter().map(|c| c.made).collect();
        let refreshed: Vec<i64> = chunk.iter().map(|c| c.refreshed).collect();
        let strength: Vec<f32> = chunk.iter().map(|c| c.strength).collect();
        let stability: Vec<f32> = chunk.iter().map(|c| c.stability).collect();
        let sections: [&[u8]; 6] = [
            bytemuck::cast_slice(&namespace),
            bytemuck::cast_slice(&length),
            bytemuck::cast_slice(&made),
            bytemuck::cast_slice(&refreshed),
            bytemuck::cast_slice(&strength),
            bytemuck::cast_slice(&stability),
        ];
        let shape = (index * ROWS, chunk.len() as u32, 0);
        let sealed_from = is_sealed.then_some(0);
        let block = NewBlock { kind: BlockKind::Columns, index, shape, sections: &sections, sealed_from };
        sink(&block.encode(&mut bytes), &bytes)?;
    }
    Ok(())
}
