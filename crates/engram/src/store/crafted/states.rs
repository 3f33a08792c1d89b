//! States that somebody made up.

use super::*;
use crate::store::state::{self, State};

/// A change to the state.
fn states() -> impl Strategy<Value = (usize, u64)> {
    let notable = vec![0, 1, 2, 1 << 20, 1 << 31, 1 << 32, 1 << 60, u64::MAX, u64::MAX - 1];
    let number = prop_oneof![numbers().prop_map(u64::from), prop::sample::select(notable)];
    (0_usize..13, number)
}

fn craft_state(root: &Path, changes: &[(usize, u64)]) {
    let store = open(root);
    let mut txn = store.write().unwrap();
    let mut state: State = state::read(&store, &txn).unwrap().unwrap();
    for &(field, number) in changes {
        let small = number as u32;
        match field {
            0 => state.generation = number,
            1 => state.version = number,
            2 => state.memories = small,
            3 => state.terms = number,
            4 => state.packed_memories = small,
            5 => state.packed_nodes = small,
            6 => state.next_node = small,
            7 => state.recent_writes = small,
            8 => state.next_namespace = small,
            9 => state.languages = vec!["en".into(); (small % 5) as usize],
            10 => state.model.dimensions = small,
            11 => state.model.given = !state.model.given,
            _ => state.model.name = "another".into(),
        }
    }
    state::write(&store, &mut txn, &state).unwrap();
    store.commit(txn).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn states_that_were_made_up(which in 0_usize..4, crafted in states()) {
        let (_folder, root) = copy(which);
        craft_state(&root, &[crafted]);
        let (_other, second) = copy(which);
        std::fs::copy(root.join(DATA_FILE), second.join(DATA_FILE)).unwrap();
        let _ = use_all(&root, which >= 2);
        // The vector model is no derived thing.
        if crafted.0 < 10 {
            mend(&second)?;
        }
    }
}

/// Numbers by which a recall or a packing would take memory out of proportion, or for which there is none.
#[test]
fn states_out_of_proportion_are_damage() {
    for (field, number) in [
        (1, u64::MAX),
        (2, u64::from(u32::MAX)),
        (3, u64::MAX),
        (4, 1 << 31),
        (5, 1 << 31),
        (6, 1 << 31),
        (6, u64::from(u32::MAX)),
        (10, 1),
        (10, u64::from(u32::MAX)),
        (12, 0),
    ] {
        let (_folder, root) = copy(1);
        craft_state(&root, &[(field, number)]);
        assert!(matches!(Engram::open(&root), Err(Error::Damaged { .. })), "field {field}, {number}");
    }
}

/// Vectors of many dimensions are made for no store whose memories have none of that length.
#[test]
fn dimensions_that_no_memory_has_are_not_packed() {
    const MOST: u64 = 65_536;
    let (_folder, sound) = copy(2);
    Engram::open(&sound).unwrap().rebuild().unwrap();
    for fields in [&[(10, MOST)][..], &[(10, MOST), (4, 0), (5, 0), (6, 500)]] {
        for which in [0, 2] {
            let (_folder, root) = copy(which);
            let is_given = [(11, 0)];
            craft_state(&root, &[if which == 0 { &is_given[..] } else { &[] }, fields].concat());
            let is_refused = |done: Result<()>| matches!(done, Err(Error::Damaged { what, .. }) if what.contains("dimensions"));
            assert!(is_refused(crate::OpenOptions::new().rebuild(&root)), "{which}, {fields:?}");
            if fields.len() > 1 {
                let engram = Engram::open(&root).unwrap();
                assert!(is_refused(engram.rebuild()) && is_refused(engram.consolidate()));
            }
            assert!(std::fs::metadata(root.join(DATA_FILE)).unwrap().len() < 4 * MOST * 70);
        }
    }
}
