//! Seals: the checksums of rows.

use xxhash_rust::xxh3::xxh3_64;

/// The bytes of a seal: the low half of an XXH3 checksum. One damaged row in four billion passes for sound.
const SEAL_BYTES: usize = 4;
/// The bytes of the checksum in front of a memory in stores without seals.
const OLD_CHECKSUM_BYTES: usize = 8;
/// What stands beside a row's value on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seal {
    /// Nothing: the value has a checksum of its own, or none.
    Nothing,
    /// A checksum of the value alone, in front of it.
    OldChecksum,
    /// A seal behind the value; the number stands for the table.
    Behind(u64),
}

impl Seal {
    /// The seal of a table whose rows are sealed.
    pub(crate) fn of(table: &str) -> Self {
        Self::Behind(xxh3_64(table.as_bytes()))
    }

    /// The bytes that lie on disk for a value of so many bytes.
    pub(super) fn stored_bytes(self, value: usize) -> usize {
        match self {
            Self::Nothing => value,
            Self::OldChecksum => OLD_CHECKSUM_BYTES + value,
            Self::Behind(_) => value + SEAL_BYTES,
        }
    }

    /// The value within what lies on disk; `None` where it is not what was written.
    pub(crate) fn open<'t>(self, key: &[u8], stored: &'t [u8]) -> Option<&'t [u8]> {
        match self {
            Self::Nothing => Some(stored),
            Self::OldChecksum => {
                let (checksum, value) = stored.split_at_checked(OLD_CHECKSUM_BYTES)?;
                (checksum == xxh3_64(value).to_le_bytes()).then_some(value)
            }
            Self::Behind(table) => {
                let (value, seal) = stored.split_at_checked(stored.len().checked_sub(SEAL_BYTES)?)?;
                (seal == seal_of(table, key, value)).then_some(value)
            }
        }
    }

    /// Writes what lies on disk for a value into a place of [`Seal::stored_bytes`].
    pub(super) fn write(self, key: &[u8], value: &[u8], stored: &mut [u8]) {
        match self {
            Self::Nothing => stored.copy_from_slice(value),
            Self::OldChecksum => {
                let (checksum, place) = stored.split_at_mut(OLD_CHECKSUM_BYTES);
                checksum.copy_from_slice(&xxh3_64(value).to_le_bytes());
                place.copy_from_slice(value);
            }
            Self::Behind(table) => {
                let (place, seal) = stored.split_at_mut(value.len());
                place.copy_from_slice(value);
                seal.copy_from_slice(&seal_of(table, key, value));
            }
        }
    }
}

fn seal_of(table: u64, key: &[u8], value: &[u8]) -> [u8; SEAL_BYTES] {
    // Rotated, so that a key and a value that change places are noticed too.
    let hash = xxh3_64(value) ^ xxh3_64(key).rotate_left(23) ^ table;
    ((hash ^ (hash >> 32)) as u32).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever single byte of a row changes, and whichever table it comes from, the seal shows it.
        #[test]
        fn a_changed_row_does_not_open(
            key in prop::collection::vec(any::<u8>(), 1..40),
            value in prop::collection::vec(any::<u8>(), 0..300),
            at in any::<prop::sample::Index>(),
            flip in 1_u8..,
        ) {
            let seal = Seal::of("names");
            let mut stored = vec![0; seal.stored_bytes(value.len())];
            seal.write(&key, &value, &mut stored);
            prop_assert_eq!(seal.open(&key, &stored), Some(&value[..]));
            prop_assert_eq!(Seal::of("phrases").open(&key, &stored), None);
            let at = at.index(key.len() + stored.len());
            let (mut key, mut stored) = (key, stored);
            match at.checked_sub(key.len()) {
                Some(at) => stored[at] ^= flip,
                None => key[at] ^= flip,
            }
            prop_assert_eq!(seal.open(&key, &stored), None);
        }
    }
}
