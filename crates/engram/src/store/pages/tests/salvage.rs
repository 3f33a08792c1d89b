//! What is read of a damaged file: all that is left, and nothing that is not of its state.

use proptest::prelude::*;

use super::structure::{Structure, structure};
use super::walk::entries;
use super::*;
use crate::store::pages::page::{Page, Value};
use crate::store::pages::{Row, Salvage, get};

fn salvage(file: &Changed) -> Salvage<'_> {
    Salvage::new(&file.file).unwrap().unwrap()
}

/// The rows of one table that carry their own checksum, and those of pages that nothing leads to.
fn salvaged(salvage: &Salvage<'_>, table: &str) -> Rows {
    let orphans = salvage.orphans().into_iter().flatten();
    let rows = salvage.rows(table).chain(orphans.filter(|row| row.key.starts_with(table.as_bytes())));
    rows.filter(|row| is_sealed(&row.key, &row.value)).map(|row| (row.key, row.value)).collect()
}

#[test]
fn all_rows_of_a_sound_file_are_read() {
    for made in &*MADE {
        let file = made.file();
        let header = file.header();
        let salvage = salvage(&file);
        assert_eq!(salvage.damage(), []);
        assert_eq!(salvage.header(), &header);
        assert!(salvage.tables().eq(made.tables.keys()));
        assert_eq!(salvage.orphans().unwrap().count(), 0);
        for (table, rows) in &made.rows {
            assert!(rows.len() > 50, "{table}: {}", rows.len());
            let found: Vec<Row> = salvage.rows(table).collect();
            assert!(found.iter().all(|row| row.intact));
            assert!(found.into_iter().map(|row| (row.key, row.value)).eq(rows.clone()));
            for (key, value) in rows {
                assert_eq!(get(&file.file, &header, table, key).unwrap().as_ref(), Some(value));
                assert_eq!(get(&file.file, &header, table, &key[..key.len() - 1]).unwrap(), None);
            }
        }
        assert_eq!(salvage.rows("no such table").count(), 0);
        assert_eq!(get(&file.file, &header, "no such table", b"a").unwrap(), None);
    }
}

#[test]
fn one_lost_leaf_costs_its_rows_and_no_others() {
    for made in &*MADE {
        let (file, page_bytes) = (made.file(), made.page_bytes());
        let header = file.header();
        let Structure { leaves_of_memories: leaves, .. } = structure(made);
        let rows = &made.rows["memories"];
        let mut lost = 0;
        for leaf in &leaves {
            let at = *leaf as usize * page_bytes;
            file.write(at, &vec![0; page_bytes]);
            let salvage = salvage(&file);
            let found = salvaged(&salvage, "memories");
            assert!(found.iter().all(|(key, value)| rows.get(key) == Some(value)));
            lost += rows.len() - found.len();
            assert_eq!(
                salvage.damage()[0].to_string(),
                format!("page {leaf} (table memories) bears the number 0")
            );
            let mut all = salvage.rows("memories");
            assert!(all.by_ref().all(|row| row.intact));
            assert_eq!(all.damage().len(), 1);
            assert!(rows.keys().any(|key| get(&file.file, &header, "memories", key).is_err()));
            file.mend(at, page_bytes);
        }
        assert_eq!(lost, rows.len());
    }
}

#[test]
fn lost_branches_and_lost_lists_of_tables_cost_nothing() {
    for made in &*MADE {
        let (file, page_bytes) = (made.file(), made.page_bytes());
        let header = file.header();
        let Structure { branches_of_postings: branches, .. } = structure(made);
        assert!(!branches.is_empty());
        for page in branches.iter().chain([&header.tables.root]) {
            let at = *page as usize * page_bytes;
            file.write(at, &vec![0; page_bytes]);
            let salvage = salvage(&file);
            for (table, rows) in &made.rows {
                assert_eq!(&salvaged(&salvage, table), rows, "{table} without page {page}");
            }
            file.mend(at, page_bytes);
        }
    }
}

#[test]
fn one_changed_bit_of_a_leaf_costs_a_row_at_most() {
    let made = &MADE[0];
    let (file, page_bytes) = (made.file(), made.page_bytes());
    let leaf = structure(made).leaves_of_memories[1];
    let rows = &made.rows["memories"];
    let at = leaf as usize * page_bytes;
    for bit in (0..32 * 8).chain((0..page_bytes * 8).step_by(29)) {
        file.flip(at + bit / 8, (bit % 8) as u32);
        let found = salvaged(&salvage(&file), "memories");
        let lost = rows.len() - found.len();
        // Its number and its kind say whether it is the page at all.
        let header = (0..12).contains(&(bit / 8));
        assert!(lost <= 1 || header, "{lost} lost by bit {} of byte {}", bit % 8, bit / 8);
        assert!(found.iter().all(|(key, value)| rows.get(key) == Some(value)));
        file.mend(at + bit / 8, 1);
    }
}

/// What was deleted is still in the file, on free pages and between entries; it must not come back.
#[test]
fn what_was_deleted_does_not_come_back() {
    let made = &MADE[0];
    let (structure, page_bytes) = (structure(made), made.page_bytes());
    // There is something to come back: old rows stand in the file, with their checksums.
    let is_old = |key: &[u8], value: &[u8]| made.rows["memories"].get(key).is_none_or(|now| now != value);
    let file = made.file();
    let mut old = 0;
    for page in made.bytes.chunks_exact(page_bytes) {
        if let Some(page) = Page::of_any_kind(page) {
            old += page
                .entries()
                .filter(|entry| match entry.value {
                    Value::Inline(value) => is_sealed(entry.key, value) && is_old(entry.key, value),
                    _ => false,
                })
                .count();
        }
    }
    assert!(old > 100, "{old}");
    let (mut numbers, mut older) = (Numbers(5), 0);
    let pages = made.bytes.len() / page_bytes;
    for round in 0..600 {
        let (at, length) = if round % 3 == 0 {
            // A page of a tree is replaced by any other.
            let from = numbers.below(pages as u64) as usize * page_bytes;
            let to = structure.tree_pages[numbers.below(structure.tree_pages.len() as u64) as usize] as usize;
            file.write(to * page_bytes, &made.bytes[from..from + page_bytes]);
            (to * page_bytes, page_bytes)
        } else {
            let (at, bit) = structure.bits[numbers.below(structure.bits.len() as u64) as usize];
            file.flip(at, bit);
            (at, 1)
        };
        let salvage = salvage(&file);
        // Where a header page is lost, what is left may be the state before the last one; it says so.
        if salvage.damage().iter().any(|damage| damage.to_string().contains("the state before")) {
            older += 1;
        } else {
            for table in made.rows.keys() {
                for (key, value) in salvaged(&salvage, table) {
                    let now = made.rows.values().find_map(|rows| rows.get(&key));
                    assert_eq!(now, Some(&value), "round {round}: {}", String::from_utf8_lossy(&key));
                }
            }
        }
        file.mend(at, length);
    }
    assert!(older < 5, "{older}");
}

/// A branch that leads to an older page in the place of a newer one, which has as many entries: all counts are right,
/// and only the list of free pages tells them apart.
#[test]
fn an_older_page_in_its_old_place_brings_nothing_back() {
    let made = &MADE[0];
    let (file, page_bytes, structure) = (made.file(), made.page_bytes(), structure(made));
    let page = |number: u64| {
        let bytes = made.bytes.get(number as usize * page_bytes..)?.get(..page_bytes)?;
        Page::of_any_kind(bytes).filter(|page| page.number() == Some(number))
    };
    let keys = |number: u64| Some(page(number)?.entries().map(|entry| entry.key).collect::<Vec<_>>());
    let mut older = 0;
    for branch in &structure.branches_of_postings {
        let at = *branch as usize * page_bytes;
        for (entry, child) in entries(&file, at).into_iter().zip(page(*branch).unwrap().entries()) {
            for free in (2..file.header().last_page).filter(|page| !structure.tree_pages.contains(page)) {
                if keys(free) != keys(child.child) {
                    continue;
                }
                older += 1;
                file.write(entry, &free.to_le_bytes()[..6]);
                let salvage = salvage(&file);
                assert_eq!(salvage.damage().len(), 1);
                let found = salvaged(&salvage, "postings");
                assert!(found.iter().all(|(key, value)| made.rows["postings"].get(key) == Some(value)));
                file.mend(entry, 6);
            }
        }
    }
    assert!(older > 0);
}

/// Behind the last place of an entry may stand that of one that was deleted, and its bytes below the others.
#[test]
fn a_deleted_entry_on_a_page_in_use_does_not_come_back() {
    let (folder, row) = (tempfile::tempdir().unwrap(), |key: &[u8]| sealed(key, 60, 1));
    let store = Store::open(folder.path(), true, Trust::Private).unwrap();
    let (_, memories) = written(&store)[0];
    let mut txn = store.write().unwrap();
    for key in [b"memories 1", b"memories 2", b"memories 3"] {
        memories.put(txn.writing(), key, &row(key)).unwrap();
    }
    store.commit(txn).unwrap();
    let mut txn = store.write().unwrap();
    memories.delete(txn.writing(), b"memories 3").unwrap();
    store.commit(txn).unwrap();
    // LMDB copies only what a page holds; what was deleted stays where it was deleted.
    let mut made = Made::of(&store, bytes_of(&store));
    let at = structure(&made).leaves_of_memories[0] as usize * made.page_bytes();
    let first = entries(&made.file(), at);
    let length = first[0] - first[1];
    let deleted = first[1] - length;
    made.bytes.copy_within(first[1]..first[0], deleted);
    made.bytes[deleted + 8..deleted + 18].copy_from_slice(b"memories 3");
    made.bytes[deleted + 18..deleted + 86].copy_from_slice(&row(b"memories 3"));
    made.bytes.copy_within(at + 18..at + 20, at + 20);
    let place = (deleted - at) as u16;
    made.bytes[at + 20..at + 22].copy_from_slice(&place.to_le_bytes());
    let file = made.file();
    file.check().unwrap();
    // The page says that it has one entry more, and each of the others is damaged in turn, so that nothing tells better.
    file.write(at + 12, &[file.sound[at + 12] + 2]);
    for damaged in first {
        file.flip(damaged, 5);
        let found = salvaged(&salvage(&file), "memories");
        assert!(!found.contains_key(&b"memories 3"[..]));
        file.mend(damaged, 1);
    }
}

#[test]
fn orphans_need_the_list_of_free_pages() {
    let made = &MADE[0];
    let (file, page_bytes) = (made.file(), made.page_bytes());
    let leaf = structure(made).branches_of_postings[0] as usize * page_bytes;
    file.write(leaf, &[0; 16]);
    assert!(salvage(&file).orphans().unwrap().count() > 0);
    file.write(file.header().free.root as usize * page_bytes + 10, &[0]);
    let damaged = salvage(&file);
    let refused = damaged.orphans().map(Iterator::count).unwrap_err();
    assert!(refused.to_string().starts_with("its list of free pages is damaged"));
    assert!(damaged.rows("memories").count() == made.rows["memories"].len());
}

/// Reading rows needs no list of free pages, so what is wrong with it costs none, unless a page of the list would do as
/// well where another is that the list says is free.
#[test]
fn a_damaged_list_of_free_pages_costs_hardly_a_row() {
    let made = &MADE[0];
    let (file, page_bytes) = (made.file(), made.page_bytes());
    let root = file.header().free.root as usize * page_bytes;
    let (mut damaged, mut lost) = (0, 0);
    for (at, bit) in structure(made).bits.into_iter().filter(|(at, _)| (root..root + page_bytes).contains(at))
    {
        if bit > 3 || at % 6 != 0 {
            continue;
        }
        file.flip(at, bit);
        let salvage = salvage(&file);
        damaged += u32::from(!salvage.damage().is_empty());
        let costs = made.rows.iter().any(|(table, rows)| &salvaged(&salvage, table) != rows);
        lost += u32::from(costs);
        file.mend(at, 1);
    }
    assert!(damaged > 50 && lost * 20 < damaged, "{lost} of {damaged}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever is written over a file, reading what is left of it ends.
    #[test]
    fn any_bytes_are_salvaged(
        which in 0_usize..2,
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 1..40)), 1..30),
        at_pages in any::<bool>(),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let made = &MADE[which];
        let file = made.file();
        for (at, bytes) in changes {
            let at = at.index(made.bytes.len() - 40);
            file.write(if at_pages { at / 4096 * 4096 + at % 32 } else { at }, &bytes);
        }
        if let Some(cut) = cut {
            file.file.set_len(cut.index(made.bytes.len()) as u64).unwrap();
        }
        let Ok(Some(salvage)) = Salvage::new(&file.file) else { return Ok(()) };
        let tables: Vec<String> = salvage.tables().map(str::to_owned).collect();
        for table in tables {
            let rows = salvage.rows(&table);
            let bytes: usize = rows.map(|row| row.value.len()).sum();
            prop_assert!(bytes < 100 * made.bytes.len());
            let _ = get(&file.file, salvage.header(), &table, b"memories 0001");
        }
        let _ = salvage.orphans().map(Iterator::count);
    }
}
