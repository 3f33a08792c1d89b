//! A walk finds nothing in a sound file, and every changed bit of the structure of another.

use proptest::prelude::*;

use super::structure::structure;
use super::*;
use crate::store::pages::{Fault, Salvage, Tree, for_each_unused, walk};

#[test]
fn sound_files_are_sound() {
    for made in &*MADE {
        let walk = made.file().check().unwrap();
        assert!(walk.damage.is_empty());
        let entries = walk.tables.iter().map(|table| (table.name.clone(), table.entries));
        assert_eq!(entries.collect::<BTreeMap<_, _>>(), made.tables);
        let pages = walk.tree_pages + walk.overflow_pages + walk.free_pages + 2;
        assert_eq!(pages, made.file().header().last_page + 1);
        let structure = structure(made);
        assert_eq!(walk.tree_pages, structure.tree_pages.len() as u64);
        assert_eq!(walk.overflow_pages, structure.overflow_pages.len() as u64);
    }
    let free = |made: &Made| made.file().check().unwrap().free_pages;
    assert!(free(&MADE[0]) > 20, "{}", free(&MADE[0]));
    assert_eq!(free(&MADE[1]), 0);
}

/// Bytes that hold nothing may hold anything, and there are no others of which that is true.
#[test]
fn unused_bytes_mean_nothing() {
    for made in &*MADE {
        let (file, mut used) = (made.file(), vec![true; made.bytes.len()]);
        for_each_unused(&file.file, &file.header(), |unused| {
            let unused = unused.start as usize..unused.end as usize;
            assert!(used[unused.clone()].iter().all(|used| *used));
            used[unused.clone()].fill(false);
            file.write(unused.start, &vec![0xA5; unused.len()]);
            Ok::<_, Damage>(())
        })
        .unwrap();
        let walk = file.check().unwrap();
        assert_eq!(walk.damage, []);
        let unused = used.iter().filter(|used| !**used).count();
        assert!((1..made.bytes.len() / 2).contains(&unused), "{unused} of {}", made.bytes.len());
        let salvage = Salvage::new(&file.file).unwrap().unwrap();
        for (name, rows) in &made.rows {
            let found: Rows = salvage.rows(name).map(|row| (row.key, row.value)).collect();
            assert!(found == *rows, "{name}");
        }
    }
}

#[test]
fn every_state_of_a_store_is_sound() {
    for seed in 2..5 {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), true, Trust::Private).unwrap();
        let file = file_of(&store);
        let mut numbers = Numbers(seed);
        let mut held = Vec::new();
        for round in 0..60 {
            let rows = if round == 0 { 600 } else { numbers.below(60) };
            change(&store, &mut numbers, rows);
            // States that are held keep their pages from being used again.
            if numbers.below(4) == 0 {
                held.push(store.read().unwrap());
            }
            if numbers.below(8) == 0 {
                held.clear();
            }
            let Contents::Sound(header) = Header::read(&file).unwrap() else { panic!("round {round}") };
            assert_eq!(walk(&file, &header).damage, []);
            for txn in &held {
                let Some(header) = Header::of_transaction(&file, txn.id() as u64).unwrap() else { continue };
                assert_eq!(walk(&file, &header).damage, []);
            }
        }
    }
}

#[test]
fn every_changed_bit_of_the_structure_is_found() {
    for made in &*MADE {
        let (file, structure) = (made.file(), structure(made));
        let mut numbers = Numbers(3);
        let sampled = (0..2000).map(|_| structure.bits[numbers.below(structure.bits.len() as u64) as usize]);
        let headers = structure.bits.iter().filter(|(at, _)| *at < 2 * made.page_bytes());
        for (at, bit) in headers.copied().chain(sampled) {
            file.flip(at, bit);
            assert!(file.check().is_err(), "bit {bit} of byte {at}");
            file.mend(at, 1);
        }
        file.check().unwrap();
    }
}

#[test]
fn pages_that_are_swapped_zeroed_or_missing_are_found() {
    for made in &*MADE {
        let (file, structure, page_bytes) = (made.file(), structure(made), made.page_bytes());
        let page = |number: u64| &made.bytes[number as usize * page_bytes..][..page_bytes];
        let used = [&structure.tree_pages[..], &[0, 1]].concat();
        let mut numbers = Numbers(4);
        let mut any = |of: &[u64]| of[numbers.below(of.len() as u64) as usize];
        let all: Vec<u64> = (0..(made.bytes.len() / page_bytes) as u64).collect();
        for round in 0..300 {
            let (a, b) = (any(&used), any(&all));
            if a == b {
                continue;
            }
            let (at_a, at_b) = (a as usize * page_bytes, b as usize * page_bytes);
            match round % 3 {
                0 => file.write(at_a, &vec![0; page_bytes]),
                1 => file.write(at_a, page(b)),
                _ => {
                    file.write(at_a, page(b));
                    file.write(at_b, page(a));
                }
            }
            assert!(file.check().is_err(), "{a} and {b}, round {round}");
            file.mend(at_a, page_bytes);
            file.mend(at_b, page_bytes);
        }
        let last_used = *used.iter().chain(&structure.overflow_pages).max().unwrap();
        for pages in 0..=last_used {
            file.file.set_len(pages * page_bytes as u64).unwrap();
            let contents = file.contents();
            assert!(matches!(contents, Contents::Damaged(_)), "{contents:?} of {pages} pages");
        }
    }
}

/// What a walk says once `change` has written to a page, which it is given as its place in the file.
fn said(page: u64, change: impl Fn(&Changed, usize)) -> String {
    let (file, at) = (MADE[0].file(), page as usize * MADE[0].page_bytes());
    let header = file.header();
    change(&file, at);
    let walk = walk(&file.file, &header);
    walk.damage.first().unwrap().to_string()
}

/// Where the entries of a page lie in the file.
pub(super) fn entries(file: &Changed, page: usize) -> Vec<usize> {
    let u16_at = |at: usize| usize::from(u16::from_le_bytes([file.sound[at], file.sound[at + 1]]));
    (16..u16_at(page + 12)).step_by(2).map(|place| page + u16_at(page + place)).collect()
}

#[test]
fn damage_is_told_by_page_and_table() {
    let structure = structure(&MADE[0]);
    let (leaf, branch) = (*structure.leaves_of_memories.last().unwrap(), structure.branches_of_postings[0]);
    let of_leaf = |change: &dyn Fn(&Changed, usize), what: &str| {
        assert_eq!(said(leaf, change), format!("page {leaf} (table memories) {what}"));
    };
    of_leaf(&|file, at| file.write_u64(at, 7), "bears the number 7");
    of_leaf(&|file, at| file.write(at + 10, &[1]), "is not of the kind that belongs there");
    of_leaf(&|file, at| file.write(at + 12, &[0, 0]), "has bounds that cannot be");
    let longer = |file: &Changed, at: usize| file.flip(entries(file, at)[0], 4);
    of_leaf(&longer, "has entries that overlap, leave gaps or leave the page");
    let of_another_kind = |file: &Changed, at: usize| file.write(entries(file, at)[0] + 4, &[4]);
    of_leaf(&of_another_kind, "has an entry of a kind that is never written");
    of_leaf(&|file, at| file.write(entries(file, at)[1] + 8, b"A"), "has keys out of order");
    let of_others = |file: &Changed, at: usize| {
        entries(file, at).into_iter().for_each(|entry| file.write(entry + 8, b"z"));
    };
    of_leaf(&of_others, "has keys that belong to another page");

    let of_branch = |child: u64, what: &str| {
        let change = |file: &Changed, at: usize| {
            file.write(entries(file, at)[1], &child.to_le_bytes()[..6]);
        };
        assert_eq!(
            said(branch, change),
            format!("page {branch} (table postings) points to page {child}, {what}")
        );
    };
    of_branch(1 << 40, "which is not there");
    of_branch(1, "which is not there");
    of_branch(branch, "to which something else points");
    let file = MADE[0].file();
    let header = file.header();
    let free = (2..header.last_page)
        .find(|page| !structure.tree_pages.contains(page) && !structure.overflow_pages.contains(page));
    of_branch(free.unwrap(), "which is free");
}

#[test]
fn a_list_of_free_pages_that_cannot_be_used_is_found() {
    let file = MADE[0].file();
    let header = file.header();
    let at = header.free.root as usize * MADE[0].page_bytes();
    let last = *entries(&file, at).last().unwrap() + 16; // behind the entry's header and its key
    let number = |at: usize| u64::from_le_bytes(*file.sound[at..].first_chunk().unwrap());
    let count = number(last);
    assert!(count > 1);
    let said = |changes: &[(usize, u64)]| {
        changes.iter().for_each(|(at, number)| file.write_u64(*at, *number));
        let found = walk(&file.file, &header).damage[0].to_string();
        file.mend(last, 8 * (count as usize + 1));
        found
    };
    let (a, b) = (number(last + 8), number(last + 16));
    let of_page = format!("page {} (list of free pages) ", header.free.root);
    let cannot_be = format!("{of_page}has a record of free pages that cannot be");
    assert_eq!(said(&[(last + 8, b), (last + 16, a)]), cannot_be);
    assert_eq!(said(&[(last, count + 1)]), cannot_be);
    assert_eq!(said(&[(last, u64::MAX)]), cannot_be);
    assert_eq!(
        said(&[(last + 8, 1 << 40)]),
        format!("{of_page}points to page {}, which is not there", 1_u64 << 40)
    );
    let used = header.free.root;
    let lists_itself = said(&[(last, 1), (last + 8, used)]);
    assert_eq!(lists_itself, format!("{of_page}lists page {used} as free, which is used"));
}

#[test]
fn a_long_value_that_its_pages_do_not_hold_is_found() {
    let structure = structure(&MADE[0]);
    let mut found = 0;
    for leaf in &structure.leaves_of_memories {
        let at = *leaf as usize * MADE[0].page_bytes();
        let file = MADE[0].file();
        for entry in entries(&file, at).into_iter().filter(|entry| file.sound[entry + 4] == 1) {
            let longer = |size: u32| (size + 16 * MADE[0].page_bytes() as u32).to_le_bytes();
            let size = u32::from_le_bytes(*file.sound[entry..].first_chunk().unwrap());
            let header = file.header();
            file.write(entry, &longer(size));
            let damage = walk(&file.file, &header).damage;
            assert_eq!(damage.len(), 1);
            assert!(matches!(damage[0].what, Fault::Value(_)), "{}", damage[0]);
            file.mend(entry, 4);
            found += 1;
        }
    }
    assert!(found > 5);
}

#[test]
fn counts_and_lost_pages_are_told() {
    let file = MADE[0].file();
    let header = file.header();
    let mut more = header;
    more.tables.entries += 1;
    let damage = walk(&file.file, &more).damage;
    assert_eq!(damage[0].what, Fault::Count { what: "entries", said: 19, found: 18 });
    assert_eq!(damage[0].to_string(), "its list of tables says that it has 19 entries, and has 18");
    let mut longer = header;
    longer.last_page += 3;
    file.file.set_len((longer.last_page + 1) * u64::from(longer.page_bytes)).unwrap();
    let walk = walk(&file.file, &longer);
    assert_eq!(walk.damage.len(), 1);
    let sentence =
        format!("page {} is neither used nor free, as are the 2 pages after it", header.last_page + 1);
    assert_eq!(walk.damage[0].to_string(), sentence);
    let mut emptied = header;
    emptied.free = crate::store::pages::layout::TreeRecord::EMPTY;
    let damage = crate::store::pages::walk(&file.file, &emptied).damage;
    assert!(damage[0].to_string().starts_with("its header is of transaction "), "{}", damage[0]);
    assert!(!Tree::Table("a\u{1b}[31m".into()).to_string().contains('\u{1b}'));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is written over a file, a walk ends, and tells at most a hundred things.
    #[test]
    fn any_bytes_are_walked(
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
        let _ = file.contents();
        let header = made.file().header();
        let Ok(Some(salvage)) = Salvage::new(&file.file) else { return Ok(()) };
        for header in [&header, salvage.header()] {
            let walk = walk(&file.file, header);
            prop_assert!(walk.damage.len() <= 100 && walk.damage.len() as u64 <= walk.damaged);
            let all: String = walk.damage.iter().map(ToString::to_string).collect();
            prop_assert!(!all.contains(char::is_control));
        }
    }
}
