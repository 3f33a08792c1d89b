//! A pass over many records of the map, which gives back what it has read while it goes on.
//!
//! Every page that is read counts as memory of the process until the system needs it, and with it come its neighbours in
//! the file. Where records lie scattered, all of the file would count by the end.

use super::open::Environment;

/// What at most comes into memory before it is given back.
const PORTION: usize = 128 << 20;
/// The system maps what lies in the same 64 KiB at once.
const AROUND: usize = 64 << 10;

/// Counts what is read.
pub(crate) struct Pass<'s> {
    environment: &'s Environment,
    /// The bytes that came into memory since pages were given back, at most.
    read: usize,
    /// Where the last record begins, in units of [`AROUND`].
    last: usize,
}

impl<'s> Pass<'s> {
    pub(crate) fn over(environment: &'s Environment) -> Self {
        Self { environment, read: 0, last: usize::MAX }
    }

    /// Says that a record is read next: so many of its bytes, which lie behind its start.
    pub(crate) fn read(&mut self, record: &[u8], bytes: usize) {
        let place = record.as_ptr().addr() / AROUND;
        if place != self.last || bytes > AROUND {
            self.read += AROUND + bytes;
            self.last = place;
        }
        if self.read > PORTION {
            self.environment.give_back();
            self.read = 0;
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.environment.give_back();
    }
}
