//! Memories with very many links: what is written beside them does not depend on how many they are.

use proptest::prelude::*;

use super::*;

const LINKS: usize = 50_000;

/// A store with a hub that links to memories that are there, and to very many that are not.
fn store_with_hub() -> (tempfile::TempDir, Engram) {
    let far = (0..LINKS).map(|at| LinkTarget::Id(id(&format!("nowhere{at}"))));
    let near = (0..20).map(|at| LinkTarget::Id(id(&format!("leaf{at}"))));
    store_of(alike(2000).chain([linked(memory("hub", "", "the hub"), far.chain(near))]))
}

#[test]
fn a_leaf_does_not_read_its_hub() {
    let leaves =
        |name: &str| (0..20).map(|at| memory(&format!("{name}{at}"), "", "a leaf")).collect::<Vec<_>>();
    let (_folder, engram) = store_with_hub();
    let remember = |leaves: Vec<NewMemory>| {
        touched::during(|| {
            leaves.iter().for_each(|leaf| assert_eq!(engram.remember(leaf).unwrap(), Change::Added))
        })
    };
    let before = generation(&engram);
    let (bound, free) = (remember(leaves("leaf")), remember(leaves("free")));
    assert_eq!(generation(&engram), before);
    assert!(bound.bytes < 3 * free.bytes && bound.rows < 3 * free.rows, "{bound:?}, {free:?}");
}

#[test]
fn a_link_more_writes_few_rows() {
    let (_folder, engram) = store_with_hub();
    let before = generation(&engram);
    let link = |from: &str, to: &str| {
        let touched = touched::during(|| {
            assert_eq!(engram.link(&id(from), &id(to), Weight::ONE).unwrap(), Change::Updated);
        });
        assert!(touched.rows < 60, "{from} to {to}: {touched:?}");
    };
    link("hub", "m00000");
    link("m00000", "hub");
    link("m00001", "hub");
    link("hub", "m00001");
    let written = touched::during(|| {
        engram.remember(&linked(memory("late", "", "late"), [LinkTarget::Id(id("hub"))])).unwrap();
    });
    assert!(written.rows < 100, "{written:?}");
    assert_eq!(generation(&engram), before);
    // A link that goes, or weighs more, changes its own row of the account of links, and what is derived.
    let store = engram.store().unwrap();
    let hub = engram.get(&id("hub")).unwrap().unwrap();
    let mut heavier = hub.clone();
    heavier.memory.links[7].weight = Weight::new(2.0).unwrap();
    let mut fewer = hub;
    fewer.memory.links.pop();
    for (hub, most) in [(heavier, 1), (fewer, 2)] {
        let portion = Portion::of(&[hub]);
        let written = engram.write(|_, txn, state| {
            let plan = Plan::new(&store, txn, state, &portion, &[])?;
            let facts = touched::during(|| {
                plan::write_facts(&store, txn, plan.changed(), false, &Monitor::unwatched()).unwrap()
            });
            assert!(facts.rows <= 2 + most, "{facts:?}");
            pack(&store, txn, state, &plan, true, &Monitor::unwatched())
        });
        written.unwrap();
        assert_eq!(engram.verify().unwrap().problems, Vec::<String>::new());
    }
}

/// One of the links that there may be between a few memories, some of which share a title.
fn link() -> impl Strategy<Value = Link> {
    let target = prop_oneof![
        (0_usize..8).prop_map(|at| LinkTarget::Id(id(&format!("m{at:05}")))),
        (0_usize..4).prop_map(|at| LinkTarget::Name(WORDS[at].to_owned())),
    ];
    (target, 1_u8..4).prop_map(|(to, weight)| Link { to, weight: Weight::new(f32::from(weight)).unwrap() })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// However links come, all at once or one after another, what is beside the packed blocks says the same, and so does
    /// what is packed from it.
    #[test]
    fn links_that_come_one_by_one_are_those_that_come_at_once(
        first in prop::collection::vec(link(), 0..4),
        then in prop::collection::vec(link(), 1..6),
        from in 0_usize..8,
    ) {
        let base = || alike(400).enumerate().map(|(at, mut memory)| {
            memory.title = (at < 8).then(|| WORDS[at / 2].to_owned());
            memory
        });
        let with = |links: &[Link]| base().enumerate().map(move |(at, mut memory)| {
            if at == from {
                memory.links = links.to_vec();
            }
            memory
        }).collect::<Vec<_>>();
        let (_folder, engram) = store_of(with(&first));
        let mut links = first;
        for link in then {
            links.push(link);
            engram.remember(&with(&links)[from]).unwrap();
        }
        let found = engram.verify().unwrap();
        prop_assert!(found.problems.is_empty(), "{:?}", found);
        let rows = rows(&engram);
        let (_other, at_once) = store_of(with(&links));
        prop_assert_eq!(rows, self::rows(&at_once));
        assert_same_packed(&engram, &at_once);
    }
}

/// What each memory is joined to, with the weights.
fn rows(engram: &Engram) -> Vec<(String, Vec<(String, f32)>)> {
    use crate::index::edges;
    use crate::store::nodes::{self, Node};
    use crate::store::tables::node_key;
    let store = engram.store().unwrap();
    let txn = store.read().unwrap();
    let state = state::read(&store, &txn).unwrap().unwrap();
    let is_gone = |node: u32| store.tables.gone.get(&txn, &node_key(node)).unwrap().is_some();
    let id_of = |node: u32| match nodes::get(&store, &txn, node).unwrap() {
        Some(Node::Memory(id)) => Some(id),
        _ => None,
    };
    let mut rows = Vec::new();
    for node in (0..state.next_node).filter(|node| !is_gone(*node)) {
        let Some(id) = id_of(node) else { continue };
        let (targets, weights) = edges::merged(&store, &txn, &state, node, is_gone, |_| false).unwrap();
        let row = targets.into_iter().zip(weights);
        let mut row: Vec<_> = row.filter_map(|(target, weight)| Some((id_of(target)?, weight))).collect();
        row.sort_by(|a, b| a.0.cmp(&b.0));
        if !row.is_empty() {
            rows.push((id, row));
        }
    }
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    rows
}
