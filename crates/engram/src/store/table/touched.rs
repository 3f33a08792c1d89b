//! Counts what is read and written of tables, for the tests that hold the cost of writes to a bound.

use std::cell::Cell;

/// What one thread has read and written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Touched {
    /// Rows, whether or not they were there.
    pub(crate) rows: u64,
    /// The bytes of their values, but for those that are read where they lie.
    pub(crate) bytes: u64,
}

thread_local! {
    static TOUCHED: Cell<Touched> = const { Cell::new(Touched { rows: 0, bytes: 0 }) };
}

/// Counts a row that is read, written or looked for.
pub(super) fn count(value: Option<&[u8]>) {
    let Touched { rows, bytes } = TOUCHED.get();
    TOUCHED.set(Touched { rows: rows + 1, bytes: bytes + value.map_or(0, <[u8]>::len) as u64 });
}

/// What `run` reads and writes on this thread.
pub(crate) fn during(run: impl FnOnce()) -> Touched {
    let before = TOUCHED.get();
    run();
    let after = TOUCHED.get();
    Touched { rows: after.rows - before.rows, bytes: after.bytes - before.bytes }
}
