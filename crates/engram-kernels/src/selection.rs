//! Which rows of a block a scan wants: runs of them that a bitmap allows.

use std::ops::Range;

/// Rows of a run at the most, one bit of a word each.
pub(crate) const ROWS_AT_A_TIME: usize = 64;

/// Calls `each` with every run of wanted rows among `rows`, in order; a run has at most
/// [`ROWS_AT_A_TIME`].
///
/// Row *r* has the id `first_id + r`; `allowed` is a bitmap by id (bit `id % 64` of word `id / 64`;
/// ids beyond it are not allowed). Panics if the last id exceeds `u32::MAX`.
#[track_caller]
pub(crate) fn for_each_run(
    rows: usize,
    first_id: u32,
    allowed: Option<&[u64]>,
    mut each: impl FnMut(Range<usize>),
) {
    check_ids(rows, first_id);
    for start in (0..rows).step_by(ROWS_AT_A_TIME) {
        let count = ROWS_AT_A_TIME.min(rows - start);
        let mut wanted = allowed.map_or(u64::MAX, |bitmap| bits_from(bitmap, first_id + start as u32));
        wanted &= u64::MAX >> (ROWS_AT_A_TIME - count);
        while wanted != 0 {
            let begin = wanted.trailing_zeros() as usize;
            let length = (wanted >> begin).trailing_ones() as usize;
            wanted &= u64::MAX.checked_shl((begin + length) as u32).unwrap_or(0);
            each(start + begin..start + begin + length);
        }
    }
}

/// Panics if the last of so many ids exceeds `u32::MAX`.
#[track_caller]
pub(crate) fn check_ids(rows: usize, first_id: u32) {
    assert!(
        rows as u64 + u64::from(first_id) <= 1 << 32,
        "{rows} rows from id {first_id} on exceed the greatest id, {}",
        u32::MAX
    );
}

/// 64 bits of the bitmap from bit `first` on; those beyond its end are 0.
fn bits_from(bitmap: &[u64], first: u32) -> u64 {
    let word = |index: usize| bitmap.get(index).copied().unwrap_or(0);
    let (index, shift) = (first as usize / 64, first % 64);
    let high = word(index + 1).checked_shl(64 - shift).unwrap_or(0);
    word(index) >> shift | high
}
