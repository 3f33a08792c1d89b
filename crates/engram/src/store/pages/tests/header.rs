//! The header pages: new, sound, changed, cut short, rolled back.

use super::structure::structure;
use super::*;
use crate::store::pages::{Fault, Salvage};

fn sentence(contents: Contents) -> String {
    match contents {
        Contents::Damaged(damage) => damage.to_string(),
        contents => panic!("{contents:?}"),
    }
}

#[test]
fn new_files_are_told_from_damaged_ones() {
    let file = Changed::new(&[]);
    assert_eq!(Header::read(&file.file).unwrap(), Contents::Empty);
    // As LMDB makes it on opening: twice the page that is the first of a compacted file, under two numbers.
    let page_bytes = MADE[1].page_bytes();
    let mut new = [&MADE[1].bytes[..page_bytes], &MADE[1].bytes[..page_bytes]].concat();
    new[page_bytes] = 1;
    let file = Changed::new(&new);
    assert_eq!(Header::read(&file.file).unwrap(), Contents::Unwritten);
    assert!(Salvage::new(&file.file).unwrap().is_none());
    file.file.set_len(page_bytes as u64 + 100).unwrap();
    assert_eq!(sentence(file.contents()), format!("it has {} bytes; it was cut short", page_bytes + 100));
    let file = Changed::new(&[0; 9000]);
    assert_eq!(sentence(file.contents()), "its first page is not a store's");
    file.write(0, b"Some other file.");
    assert_eq!(sentence(Header::read(&file.file).unwrap()), "its first page is not a store's");
}

#[test]
fn an_environment_that_was_only_opened_is_unwritten() {
    let folder = tempfile::tempdir().unwrap();
    // What opening makes before the first transaction, as the reader finds it in between.
    let environment =
        crate::store::open::open(folder.path(), true, crate::store::folder::Trust::Private, 1).unwrap();
    let file = environment.env.try_clone_inner_file().unwrap();
    assert_eq!(Header::read(&file).unwrap(), Contents::Unwritten);
}

/// The transaction of a compacted file's empty header page, made large: LMDB would take it for the newest.
#[test]
fn a_changed_transaction_does_not_empty_a_compacted_store() {
    let file = MADE[1].file();
    file.flip(147, 7);
    let contents = Header::read(&file.file).unwrap();
    assert_eq!(sentence(contents), "its two header pages contradict each other");
    let salvage = Salvage::new(&file.file).unwrap().unwrap();
    assert_eq!(salvage.header(), &MADE[1].file().header());
    assert_eq!(salvage.damage().len(), 1);
}

#[test]
fn no_header_brings_an_older_state_back() {
    let file = MADE[0].file();
    let header = file.header();
    let newest = (header.transaction % 2) as usize * MADE[0].page_bytes();
    let oldest = MADE[0].page_bytes() - newest;
    // The newest page says that it is the one before the older one; the older one says that it is the next.
    for (at, transaction) in [(newest, header.transaction - 2), (oldest, header.transaction + 1)] {
        file.write_u64(at + 144, transaction);
        let found = sentence(file.contents());
        assert!(found.starts_with("its header is of transaction "), "{found}");
        assert_eq!(Salvage::new(&file.file).unwrap().unwrap().header().tables, header.tables);
        file.mend(at, 152);
    }
}

#[test]
fn header_pages_that_do_not_fit_together_are_damaged() {
    let contradiction = |file: &Changed| {
        assert_eq!(sentence(file.contents()), "its two header pages contradict each other");
    };
    let page_bytes = MADE[0].page_bytes();
    let file = MADE[0].file();
    let header = file.header();
    let newest = (header.transaction % 2) as usize * page_bytes;
    file.write_u64(newest + 144, header.transaction + 2);
    contradiction(&file);
    // Each in the place of the other, under the number of the place.
    let file = MADE[0].file();
    file.write(8, &MADE[0].bytes[page_bytes + 8..page_bytes + 152]);
    file.write(page_bytes + 8, &MADE[0].bytes[8..152]);
    contradiction(&file);
    // The first transaction finds nothing, and so does a compacted file's.
    let file = MADE[1].file();
    file.write_u64(136, 5);
    contradiction(&file);
    file.mend(136, 8);
    file.flip(page_bytes + 20, 0);
    assert_eq!(sentence(file.contents()), "its second page is of the format 0");
}

#[test]
fn any_page_may_be_taken_for_the_list_of_tables() {
    let made = &MADE[0];
    let file = made.file();
    let newest = (file.header().transaction % 2) as usize * made.page_bytes();
    let structure = structure(made);
    for page in structure.tree_pages.iter().take(40).chain(&structure.overflow_pages[..3]) {
        file.write_u64(newest + 128, *page);
        let salvage = Salvage::new(&file.file).unwrap().unwrap();
        let orphans = salvage.orphans().into_iter().flatten();
        let found: Rows = orphans.map(|row| (row.key, row.value)).collect();
        for (key, value) in made.rows.values().flatten() {
            assert!(found.get(key) == Some(value) || salvage.tables().count() > 0, "page {page}");
        }
    }
}

#[test]
fn an_older_header_is_never_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), true, Trust::Private).unwrap();
    let (_, memories) = written(&store)[0];
    let mut txn = store.write().unwrap();
    memories.put(txn.writing(), b"a", b"b").unwrap();
    store.commit(txn).unwrap();
    let made = Made::of(&store, bytes_of(&store));
    let file = made.file();
    assert_eq!(file.header().transaction, 2);
    // The first transaction's, whose list of free pages is empty.
    file.flip(made.page_bytes() + 147, 7);
    let salvage = Salvage::new(&file.file).unwrap().unwrap();
    assert_eq!(salvage.rows("memories").count(), 1);
}

#[test]
fn no_bit_of_a_header_costs_a_row() {
    for made in &*MADE {
        let file = made.file();
        let bits = structure(made).bits.into_iter().filter(|(at, _)| *at < 2 * made.page_bytes());
        let mut numbers = Numbers(7);
        for (at, bit) in bits.filter(|_| numbers.below(20) == 0) {
            file.flip(at, bit);
            let salvage = Salvage::new(&file.file).unwrap().unwrap();
            for (table, rows) in &made.rows {
                let rows_and_orphans = salvage.rows(table).chain(salvage.orphans().into_iter().flatten());
                let found: Rows = rows_and_orphans.map(|row| (row.key, row.value)).collect();
                let lost = rows.iter().filter(|(key, value)| found.get(*key) != Some(value)).count();
                assert_eq!(lost, 0, "{table}: bit {bit} of byte {at}");
            }
            file.mend(at, 1);
        }
    }
}

/// LMDB may leave free pages at the end unwritten, and a process may die before it has made the file longer.
#[test]
fn a_file_may_lack_free_pages_at_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), true, Trust::Private).unwrap();
    let mut txn = store.write().unwrap();
    store.tables.memories.put(&mut txn, b"a", &sealed(b"a", 100, 1)).unwrap();
    store.commit(txn).unwrap();
    let mut txn = store.write().unwrap();
    store.tables.memories.put(&mut txn, b"b", &sealed(b"b", 90_000, 1)).unwrap();
    store.commit(txn).unwrap();
    for key in [b"b", b"c", b"d"] {
        let mut txn = store.write().unwrap();
        store.tables.memories.delete(&mut txn, key).unwrap();
        store.tables.memories.put(&mut txn, b"a", &sealed(b"a", 100, key[0])).unwrap();
        store.commit(txn).unwrap();
    }
    let made = Made::of(&store, bytes_of(&store));
    let (file, page_bytes) = (made.file(), made.page_bytes() as u64);
    let header = file.header();
    let used = structure(&made).tree_pages;
    let lacking = (0..=header.last_page).rev().take_while(|page| !used.contains(page)).count() as u64;
    assert!(lacking > 0, "the last page is in use");
    for pages in 1..=header.last_page {
        file.file.set_len((header.last_page + 1 - pages) * page_bytes + page_bytes / 2).unwrap();
        match file.contents() {
            Contents::Sound(found) if pages <= lacking => {
                assert_eq!(found, header);
                assert_eq!(check(&file.file, &found).unwrap().damage, []);
            }
            Contents::Damaged(damage) if pages > lacking => {
                assert!(damage.to_string().ends_with("it was cut short"), "{damage}");
            }
            contents => panic!("{contents:?} without {pages} pages of {lacking}"),
        }
    }
}

#[test]
fn a_header_cannot_ask_for_memory_that_the_file_does_not_bear_out() {
    let file = MADE[0].file();
    let mut header = file.header();
    header.last_page = 1 << 50;
    let damage = check(&file.file, &header).unwrap_err();
    assert_eq!(damage.what, Fault::Header("its header says that it is much longer than it is".into()));
}
