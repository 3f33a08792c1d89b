//! Files that LMDB made, and what is found when they are changed.

mod header;
mod live;
mod salvage;
mod structure;
mod walk;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::ops::Bound;
use std::sync::LazyLock;

use heed::CompactionOption;
use xxhash_rust::xxh3::xxh3_64;

use super::header::{contents, read_metas};
use super::source::read_at;
use super::{Contents, Damage, Header, Walk, check};
use crate::store::folder::Trust;
use crate::store::tables::{Store, Tables};

/// A table as LMDB has it, without seals.
type Table = heed::Database<heed::types::Bytes, heed::types::Bytes>;

/// Numbers without end: splitmix64.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}

/// A value that knows its key, as a memory's record does: its checksum, then `length` bytes.
fn sealed(key: &[u8], length: usize, filling: u8) -> Vec<u8> {
    let mut value = vec![0; 8];
    value.resize(8 + length, filling);
    let seal = xxh3_64(&[key, &value[8..]].concat()).to_le_bytes();
    value[..8].copy_from_slice(&seal);
    value
}

/// Whether a value is one that [`sealed`] made for this key.
fn is_sealed(key: &[u8], value: &[u8]) -> bool {
    value.split_at_checked(8).is_some_and(|(seal, rest)| seal == xxh3_64(&[key, rest].concat()).to_le_bytes())
}

/// The tables that the tests write, with a short name for their keys.
fn written(store: &Store) -> [(&'static str, Table); 3] {
    let env = &store.environment.env;
    let txn = store.read().unwrap();
    ["memories", "postings", "names"]
        .map(|name| (name, env.open_database(&txn, Some(name)).unwrap().unwrap()))
}

/// One transaction: puts and deletes some rows, sometimes a quarter of a table, and sometimes takes it all back.
fn change(store: &Store, numbers: &mut Numbers, rows: u64) {
    let mut txn = store.write().unwrap();
    for _ in 0..rows {
        let (name, table) = written(store)[numbers.below(3) as usize];
        let mut key = format!("{name} {:04}", numbers.below(400)).into_bytes();
        if name == "postings" {
            key.resize(200 + key[key.len() - 1] as usize, b'-');
        }
        if numbers.below(3) == 0 {
            table.delete(txn.writing(), &key).unwrap();
            continue;
        }
        let length = match numbers.below(8) {
            0 => 2000 + numbers.below(12_000),
            1 => 1800 + numbers.below(300),
            _ => numbers.below(200),
        };
        table.put(txn.writing(), &key, &sealed(&key, length as usize, numbers.below(256) as u8)).unwrap();
    }
    if numbers.below(30) == 0 {
        let (name, table) = written(store)[numbers.below(3) as usize];
        let from = format!("{name} 03").into_bytes();
        let range = (Bound::Included(from.as_slice()), Bound::Unbounded);
        table.delete_range(txn.writing(), &range).unwrap();
    }
    if numbers.below(8) == 0 { drop(txn) } else { store.commit(txn).unwrap() }
}

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// A file that LMDB made.
struct Made {
    bytes: Vec<u8>,
    /// The rows of each table that the tests write.
    rows: BTreeMap<&'static str, Rows>,
    /// All tables, with their numbers of entries.
    tables: BTreeMap<String, u64>,
}

impl Made {
    fn of(store: &Store, bytes: Vec<u8>) -> Self {
        let txn = store.read().unwrap();
        let entries = |table: Table| {
            let entries = table.iter(&txn).unwrap().map(Result::unwrap);
            entries.map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
        };
        let rows = written(store).map(|(name, table)| (name, entries(table))).into();
        let env = &store.environment.env;
        let length = |name: &str| {
            let table: Table = env.open_database(&txn, Some(name)).unwrap().unwrap();
            (name.to_owned(), table.len(&txn).unwrap())
        };
        Self { bytes, rows, tables: Tables::NAMES.iter().map(|name| length(name)).collect() }
    }

    fn page_bytes(&self) -> usize {
        u32::from_le_bytes(*self.bytes[40..].first_chunk().unwrap()) as usize
    }

    fn file(&self) -> Changed {
        Changed::new(&self.bytes)
    }
}

/// The file that a store lies in.
fn file_of(store: &Store) -> File {
    store.environment.env.try_clone_inner_file().unwrap()
}

/// All of the file that a store lies in.
fn bytes_of(store: &Store) -> Vec<u8> {
    let file = file_of(store);
    let mut bytes = vec![0; file.metadata().unwrap().len() as usize];
    read_at(&file, &mut bytes, 0).unwrap();
    bytes
}

/// A store of many transactions, whose list of free pages is filled; and the same compacted.
fn make(seed: u64) -> [Made; 2] {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), true, Trust::Private).unwrap();
    let mut numbers = Numbers(seed);
    change(&store, &mut numbers, 900);
    for _ in 0..40 {
        let rows = 1 + numbers.below(30);
        change(&store, &mut numbers, rows);
    }
    let grown = Made::of(&store, bytes_of(&store));
    let compacted = folder.path().join("compacted");
    store.environment.env.copy_to_path(&compacted, CompactionOption::Enabled).unwrap();
    let compacted = Made::of(&store, std::fs::read(compacted).unwrap());
    [grown, compacted]
}

/// Two files that most tests change: one grown by many transactions, one compacted.
static MADE: LazyLock<[Made; 2]> = LazyLock::new(|| make(1));

/// A file whose bytes are changed and put back.
struct Changed {
    file: File,
    sound: Vec<u8>,
}

impl Changed {
    fn new(bytes: &[u8]) -> Self {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Self { file, sound: bytes.to_vec() }
    }

    fn write(&self, at: usize, bytes: &[u8]) {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(at as u64)).unwrap();
        file.write_all(bytes).unwrap();
    }

    fn flip(&self, at: usize, bit: u32) {
        self.write(at, &[self.sound[at] ^ 1 << bit]);
    }

    fn write_u64(&self, at: usize, number: u64) {
        self.write(at, &number.to_le_bytes());
    }

    /// Puts `length` bytes back as they were.
    fn mend(&self, at: usize, length: usize) {
        self.write(at, &self.sound[at..at + length]);
    }

    /// What the header pages say, read once: without the patience that a file in use needs.
    fn contents(&self) -> Contents {
        let (metas, page_bytes) = read_metas(&self.file).unwrap();
        contents(&self.file, &metas, page_bytes).unwrap()
    }

    fn header(&self) -> Header {
        match self.contents() {
            Contents::Sound(header) => header,
            contents => panic!("{contents:?}"),
        }
    }

    /// What the header pages and a walk find.
    fn check(&self) -> Result<Walk, Damage> {
        match self.contents() {
            Contents::Sound(header) => check(&self.file, &header),
            Contents::Damaged(damage) => Err(damage),
            contents => panic!("{contents:?}"),
        }
    }
}
