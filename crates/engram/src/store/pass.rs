//! A pass over many records of the map, which gives back what it has read while it goes on.
//!
//! Every page that is read counts as memory of the process until the system needs it, and with it come its neighbours in
//! the file. Where records lie scattered, all of the file would count by the end.

use super::open::Environment;

/// What at most comes into memory before it is given back.
const PORTION: usize = 64 << 20;
/// What at most comes into memory beside a record: the system maps 64 KiB at once.
const BESIDE: usize = 64 << 10;

/// Counts what is read.
pub(crate) struct Pass<'s> {
    environment: &'s Environment,
    read: usize,
}

impl<'s> Pass<'s> {
    pub(crate) fn over(environment: &'s Environment) -> Self {
        Self { environment, read: 0 }
    }

    /// Says that a record of so many bytes is read next.
    pub(crate) fn read(&mut self, bytes: usize) {
        self.read += bytes + BESIDE;
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
