//! A file that is being written to is never called damaged.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::store::pages::walk;

#[test]
fn states_are_sound_while_others_write() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), true, Trust::Private).unwrap();
    let file = file_of(&store);
    let done = AtomicBool::new(false);
    let (mut walked, mut states) = (0, std::collections::BTreeSet::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut numbers = Numbers(11);
            change(&store, &mut numbers, 600);
            while !done.load(Ordering::Relaxed) {
                let rows = numbers.below(12);
                change(&store, &mut numbers, rows);
            }
        });
        while walked < 150 || states.len() < 40 {
            let contents = Header::read(&file).unwrap();
            assert!(matches!(contents, Contents::Sound(_)), "{contents:?}");
            let txn = store.read().unwrap();
            let transaction = txn.id() as u64;
            // Two transactions were committed meanwhile: begin again.
            let Some(header) = Header::of_transaction(&file, transaction).unwrap() else { continue };
            assert_eq!(header.transaction, transaction);
            assert_eq!(walk(&file, &header).damage, []);
            walked += 1;
            states.insert(transaction);
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_state_that_was_overwritten_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), true, Trust::Private).unwrap();
    let file = file_of(&store);
    let put = |key: &[u8]| {
        let mut txn = store.write().unwrap();
        store.tables.memories.put(&mut txn, key, b"").unwrap();
        store.commit(txn).unwrap();
    };
    put(b"a");
    let txn = store.read().unwrap();
    let transaction = txn.id() as u64;
    let header = Header::of_transaction(&file, transaction).unwrap();
    assert_eq!(header.map(|header| header.transaction), Some(transaction));
    put(b"b");
    assert_eq!(Header::of_transaction(&file, transaction).unwrap(), header);
    put(b"c");
    assert_eq!(Header::of_transaction(&file, transaction).unwrap(), None);
    // The state is there all the same, while the transaction holds it.
    assert_eq!(check(&file, &header.unwrap()).unwrap().damage, []);
    assert_eq!(Header::of_transaction(&file, transaction + 9).unwrap(), None);
}
