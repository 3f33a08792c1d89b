//! Whichever way a write is done, beside the packed blocks, by packing, or the one given up for the other: the store is
//! the same in the end, and no write is much more work than packing would be.

mod hubs;

use proptest::prelude::*;

use super::plan::Plan;
use super::portion::Portion;
use super::*;
use crate::consolidation::Manner;
use crate::index::work::READ;
use crate::store::state;
use crate::store::table::touched::{self, Touched};
use crate::store::write_txn::WriteTxn;

fn id(text: &str) -> MemoryId {
    text.parse().unwrap()
}

fn memory(name: &str, title: &str, text: &str) -> NewMemory {
    let mut memory = NewMemory::new(id(name), text);
    memory.title = (!title.is_empty()).then(|| title.to_owned());
    memory.made = Some(crate::time::Time::from_milliseconds(1_790_000_000_000));
    memory
}

fn linked(mut memory: NewMemory, to: impl IntoIterator<Item = LinkTarget>) -> NewMemory {
    memory.links.extend(to.into_iter().map(|to| Link { to, weight: Weight::ONE }));
    memory
}

fn store_of(memories: impl IntoIterator<Item = NewMemory>) -> (tempfile::TempDir, Engram) {
    let folder = tempfile::tempdir().unwrap();
    let engram = Engram::create(folder.path()).unwrap();
    engram.remember_all(memories).unwrap();
    engram.consolidate().unwrap();
    (folder, engram)
}

const WORDS: [&str; 12] = [
    "river", "bank", "kettle", "garden", "violin", "harbour", "winter", "anna", "bell", "fox", "paris",
    "stone",
];

/// Memories whose texts share a few words, so that each word is in most of them.
fn alike(count: usize) -> impl Iterator<Item = NewMemory> {
    (0..count).map(|at| {
        let words: Vec<&str> =
            (0..8).map(|word| WORDS[(at * 7 + word * word * (at / 12 + 1)) % 12]).collect();
        memory(&format!("m{at:05}"), "", &words.join(" "))
    })
}

fn generation(engram: &Engram) -> u64 {
    engram.stats().unwrap().generation
}

/// Everything that a store holds, but for how often it was packed.
fn contents(engram: &Engram) -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let store = engram.store().unwrap();
    let txn = store.read().unwrap();
    let mut all = Vec::new();
    for (name, table) in store.tables.named() {
        if name == "meta" {
            continue;
        }
        for row in table.iter(&txn).unwrap() {
            let (key, value) = row.unwrap();
            all.push((name, key.to_vec(), value.to_vec()));
        }
    }
    all
}

fn assert_same_packed(engram: &Engram, other: &Engram) {
    engram.consolidate().unwrap();
    other.consolidate().unwrap();
    let found = engram.verify().unwrap();
    assert!(found.problems.is_empty() && found.rebuilt, "{found:?}");
    let slot_of = |mut rows: Vec<(&'static str, Vec<u8>, Vec<u8>)>| {
        // Vectors lie in either of two places, and say so.
        rows.retain(|(name, key, _)| *name != "blocks" || matches!(key[0], 1 | 3));
        rows
    };
    assert!(slot_of(contents(engram)) == slot_of(contents(other)));
}

#[test]
fn titles_of_common_words_cost_no_more_than_packing() {
    let (_folder, engram) = store_of(alike(4000));
    let titles = |from: usize| {
        (from..from + 40).map(|at| memory(&format!("t{at}"), WORDS[at % 12], "x")).collect::<Vec<_>>()
    };
    let before = generation(&engram);
    let write = touched::during(|| {
        engram.remember_all(titles(0)).unwrap();
    });
    assert_eq!(generation(&engram), before + 1, "given up and packed");
    engram.remember(&memory("late", "", "a late one")).unwrap();
    let packing = touched::during(|| engram.consolidate().unwrap());
    assert!(write.rows < 6 * packing.rows, "{write:?}, {packing:?}");
    // One by one each is a write of its own, and none is more.
    for title in titles(40) {
        let write = touched::during(|| {
            engram.remember(&title).unwrap();
        });
        assert!(write.rows < 6 * packing.rows, "{write:?}, {packing:?}");
    }
    let (_other, at_once) =
        store_of(alike(4000).chain(titles(0)).chain(titles(40)).chain([memory("late", "", "a late one")]));
    assert_same_packed(&engram, &at_once);
}

#[test]
fn few_writes_do_not_pack() {
    let (_folder, engram) = store_of(alike(4000));
    let before = generation(&engram);
    for at in 0..20 {
        engram
            .remember(&memory(&format!("n{at}"), &format!("Title number{at}"), "a kettle in Zelda's garden"))
            .unwrap();
        engram.forget(&id(&format!("m{at:05}"))).unwrap();
    }
    assert_eq!(generation(&engram), before);
}

#[test]
fn a_link_by_name_does_not_read_those_that_bear_the_name() {
    let long = "kettle ".repeat(200_000);
    let index = memory("index", "The index", &long);
    let mention = |at: usize| memory(&format!("mention{at}"), "", &format!("{long} see The index"));
    let (_folder, engram) = store_of(alike(500).chain([index]).chain((0..3).map(mention)));
    let before = generation(&engram);
    let to = || [LinkTarget::Name("The index".to_owned())];
    let link = touched::during(|| {
        engram.remember(&linked(memory("pointing", "", "a violin"), to())).unwrap();
    });
    assert_eq!(generation(&engram), before);
    assert!(link.bytes < long.len() as u64 / 10, "{link:?}");
    let (_other, at_once) = store_of(
        alike(500)
            .chain([memory("index", "The index", &long), linked(memory("pointing", "", "a violin"), to())])
            .chain((0..3).map(mention)),
    );
    assert_same_packed(&engram, &at_once);
}

/// Changes that have all that can be derived from them: names new and known, links both ways, words, and other texts.
fn changes() -> (Vec<NewMemory>, Vec<MemoryId>) {
    let base = base();
    let put = vec![
        linked(
            memory("new0", "Anna Bell", "by the river Stone"),
            [LinkTarget::Id(id("new1")), LinkTarget::Id(id("m00007"))],
        ),
        linked(memory("new1", "Winter", "Anna Bell in Paris"), [LinkTarget::Name("Anna Bell".to_owned())]),
        memory("m00003", "Violin", "something else, by Anna Bell"),
        linked(memory("m00008", "", "a violin"), [LinkTarget::Name("winter".to_owned())]),
        linked(base[10].clone(), [LinkTarget::Id(id("m00002")), LinkTarget::Name("Winter".to_owned())]),
        linked(base[11].clone(), [LinkTarget::Id(id("m00010"))]),
    ];
    (put, vec![id("m00005"), id("m00006"), id("m00017")])
}

fn base() -> Vec<NewMemory> {
    let mut base: Vec<NewMemory> = alike(150).collect();
    base[5] = linked(memory("m00005", "Fox", "The Red Fox and Anna Bell"), [LinkTarget::Id(id("new0"))]);
    base[8] = linked(memory("m00008", "", "a kettle"), [LinkTarget::Id(id("m00001"))]);
    base[9] = linked(memory("m00009", "", "The Red Fox"), [LinkTarget::Name("Fox".to_owned())]);
    base[10] = linked(memory("m00010", "Stone", "a stone"), [LinkTarget::Id(id("m00001"))]);
    base[11] = linked(memory("m00011", "", "another"), [LinkTarget::Name("Stone".to_owned())]);
    base[17].namespace = "other".parse().unwrap();
    base
}

fn after_changes() -> (tempfile::TempDir, Engram) {
    let (put, gone) = changes();
    let kept = base().into_iter().filter(|m| !gone.contains(&m.id) && put.iter().all(|p| p.id != m.id));
    store_of(kept.chain(put.clone()))
}

/// Runs something within a transaction with the plan of [`changes`].
fn with_plan<R>(
    engram: &Engram,
    run: impl FnOnce(&Store, &mut WriteTxn<'_>, &mut State, &Plan<'_>) -> Result<R>,
) -> R {
    let (put, gone) = changes();
    let put: Vec<StoredMemory> = put.into_iter().map(StoredMemory::from).collect();
    let mut portion = Portion::of(&put);
    portion.sort();
    engram
        .write(|store, txn, state| {
            let plan = Plan::new(store, txn, state, &portion, &gone)?;
            run(store, txn, state, &plan)
        })
        .unwrap()
}

#[test]
fn what_is_given_up_half_way_leaves_no_trace() {
    let (_folder, expected) = after_changes();
    let (_whole_folder, whole) = store_of(base());
    let work = with_plan(&whole, |store, txn, state, plan| {
        match recent::write(store, txn, state, plan.changed(), u64::MAX) {
            Ok(work) => Ok(work),
            Err(Halt::Failed(error)) => Err(error),
            Err(Halt::TooDear) => panic!("nothing is too dear"),
        }
    });
    assert_same_packed(&whole, &expected);
    for most in (0..60).map(|step| work * step / 60) {
        let (_folder, engram) = store_of(base());
        with_plan(&engram, |store, txn, state, plan| {
            let changed = plan.changed();
            assert!(matches!(recent::write(store, txn, state, changed, most), Err(Halt::TooDear)), "{most}");
            pack(store, txn, state, plan, true, &Monitor::unwatched())
        });
        let found = engram.verify().unwrap();
        assert!(found.problems.is_empty() && found.rebuilt, "{most}: {found:?}");
        assert!(contents(&engram) == contents(&expected), "{most}");
    }
}

/// A write that is half done when it has to wait for a packing leaves the store as it was.
#[test]
fn what_is_left_to_a_packing_beside_others_leaves_no_trace() {
    let (_folder, engram) = store_of(alike(2000));
    let before = contents(&engram);
    let put: Vec<StoredMemory> = WORDS
        .iter()
        .map(|word| {
            StoredMemory::from(memory(&format!("the {word}"), word, "a name that most memories hold"))
        })
        .collect();
    let mut portion = Portion::of(&put);
    portion.sort();
    let written = engram.write(|store, txn, state| {
        let plan = Plan::new(store, txn, state, &portion, &[])?;
        assert!(!in_turn(store, txn, state, &plan, &(), 0, &Monitor::unwatched())?);
        // Else this tries nothing.
        assert!(txn.has_written());
        Ok(())
    });
    written.unwrap();
    assert!(contents(&engram) == before);
    assert_eq!(engram.verify().unwrap().problems, Vec::<String>::new());
}

#[test]
fn packing_beside_others_gives_what_packing_in_turn_does() {
    let (_folder, expected) = after_changes();
    for stage_bytes in [1, usize::MAX] {
        let (_folder, engram) = store_of(base());
        let (put, gone) = changes();
        let put: Vec<StoredMemory> = put.into_iter().map(StoredMemory::from).collect();
        let mut portion = Portion::of(&put);
        portion.sort();
        let store = &engram.store().unwrap();
        let attempt = |meanwhile: &dyn Fn()| {
            let txn = store.read().unwrap();
            let state = state::read(store, &txn).unwrap().unwrap();
            let plan = Plan::new(store, &txn, &state, &portion, &gone).unwrap();
            meanwhile();
            engram
                .try_packing(
                    store,
                    txn,
                    &state,
                    plan.changed(),
                    &(),
                    Manner { stage_bytes, monitor: &Monitor::unwatched() },
                )
                .unwrap()
        };
        // Somebody else's write is not lost, and nothing is half done.
        let others = || {
            engram.remember(&memory("others", "", "of another")).unwrap();
        };
        assert!(!attempt(&others));
        assert!(engram.get(&id("others")).unwrap().is_some() && engram.get(&id("new0")).unwrap().is_none());
        assert!(engram.verify().unwrap().problems.is_empty());
        engram.forget(&id("others")).unwrap();
        assert!(attempt(&|| ()));
        let found = engram.verify().unwrap();
        assert!(found.problems.is_empty() && found.rebuilt, "{found:?}");
        assert_same_packed(&engram, &expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    /// However much work a write is, the meter knows: nothing that is read or written of the store goes uncounted, but
    /// for the facts, which are a few rows for each memory and link.
    #[test]
    fn the_meter_counts_all_work(
        acts in prop::collection::vec((0_usize..30, 0_usize..12, 0_usize..12, 0_usize..40), 1..12),
        forget in prop::collection::btree_set(0_usize..400, 0..8),
    ) {
        let (_folder, engram) = store_of(alike(400));
        let put: Vec<StoredMemory> = acts
            .iter()
            .map(|(at, title, word, links)| {
                let name = format!("m{:05}", at * 20);
                let to = (0..*links).map(|link| LinkTarget::Id(id(&format!("m{link:05}"))));
                linked(memory(&name, WORDS[*title], &format!("{} and more", WORDS[*word])), to).into()
            })
            .collect();
        let mut portion = Portion::of(&put);
        portion.sort();
        let forget: Vec<MemoryId> = forget.iter().map(|at| id(&format!("m{at:05}"))).collect();
        let mut work = 0;
        let mut touched = Touched::default();
        engram
            .write(|store, txn, state| {
                let plan = Plan::new(store, txn, state, &portion, &forget)?;
                touched = touched::during(|| {
                    work = recent::write(store, txn, state, plan.changed(), u64::MAX).unwrap();
                });
                Ok(())
            })
            .unwrap();
        let links: usize = acts.iter().map(|(_, _, _, links)| links).sum();
        let facts = 12 * (put.len() + forget.len()) + 4 * links;
        prop_assert!(touched.rows * READ / 2 <= work + facts as u64 * READ, "{touched:?}, work {work}");
    }
}

#[test]
fn short_memories_come_in_one_portion() {
    let folder = tempfile::tempdir().unwrap();
    let engram = Engram::create(folder.path()).unwrap();
    engram.remember_all((0..80_000).map(|at| NewMemory::new(id(&format!("m{at}")), "a b c"))).unwrap();
    assert_eq!(generation(&engram), 1);
}
