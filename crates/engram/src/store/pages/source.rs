//! Reading pages of a file by position.

use std::fs::File;
use std::io;

use super::Fault;

/// How many bytes are read at once while pages are asked for in order.
const WINDOW_BYTES: usize = 128 << 10;
/// How far behind the last page the next one may lie to count as in order: long values lie between.
const STEP: u64 = 16;

/// Fills `buffer` from `offset` on, and returns how many bytes the file had for it.
fn read_up_to(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        #[cfg(unix)]
        let read = std::os::unix::fs::FileExt::read_at(file, rest, offset + filled as u64);
        #[cfg(windows)]
        let read = std::os::windows::fs::FileExt::seek_read(file, rest, offset + filled as u64);
        match read {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Fills `buffer` from `offset` on.
pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> Result<(), Fault> {
    if read_up_to(file, buffer, offset)? < buffer.len() { Err(Fault::BeyondEnd) } else { Ok(()) }
}

/// The pages of a file.
///
/// Pages that are asked for in order are read some tens at a time; others one by one.
#[derive(Debug)]
pub(super) struct Source<'f> {
    pub(super) file: &'f File,
    pub(super) page_bytes: usize,
    window: Vec<u8>,
    window_first: u64,
    previous: u64,
}

impl<'f> Source<'f> {
    pub(super) fn new(file: &'f File, page_bytes: u32) -> Self {
        Self { file, page_bytes: page_bytes as usize, window: Vec::new(), window_first: 0, previous: 0 }
    }

    /// Reads a page into `buffer`.
    pub(super) fn read(&mut self, page: u64, buffer: &mut Vec<u8>) -> Result<(), Fault> {
        buffer.resize(self.page_bytes, 0);
        let in_order = (1..=STEP).contains(&page.wrapping_sub(self.previous));
        self.previous = page;
        if self.copy(page, buffer) {
            return Ok(());
        }
        let offset = page.checked_mul(self.page_bytes as u64).ok_or(Fault::BeyondEnd)?;
        if !in_order {
            return read_at(self.file, buffer, offset);
        }
        self.window.resize(WINDOW_BYTES, 0);
        self.window_first = page;
        let read = read_up_to(self.file, &mut self.window, offset);
        self.window.truncate(*read.as_ref().unwrap_or(&0));
        read?;
        if self.copy(page, buffer) { Ok(()) } else { Err(Fault::BeyondEnd) }
    }

    /// Copies a page from the window; whether it lies there.
    fn copy(&self, page: u64, buffer: &mut [u8]) -> bool {
        let at = page
            .checked_sub(self.window_first)
            .and_then(|page| usize::try_from(page).ok())
            .and_then(|page| page.checked_mul(self.page_bytes));
        let found = at.and_then(|at| self.window.get(at..at.checked_add(self.page_bytes)?));
        found.map(|found| buffer.copy_from_slice(found)).is_some()
    }
}
