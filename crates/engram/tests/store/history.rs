//! Any history of writes, and stores that were written long ago.

use engram::{Cue, Engram, Link, LinkTarget, NewMemory, Weight};
use proptest::prelude::*;

use crate::world::{NOW, answer, fresh, id, large, note};

#[derive(Debug, Clone)]
enum Act {
    Put(usize, usize),
    Forget(usize),
    Consolidate,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0_usize..12, 0_usize..6).prop_map(|(id, form)| Act::Put(id, form)),
        2 => (0_usize..12).prop_map(Act::Forget),
        1 => Just(Act::Consolidate),
    ]
}

/// One of a few memories under one of a few ids; titles, phrases and links collide on purpose.
fn form(at: usize, form: usize) -> NewMemory {
    let titles = ["Red Fox", "Fox", "The Red", "", "Café Noir", "Red"];
    let texts = [
        "The Red Fox met Anna Bell in Paris.",
        "Anna Bell likes the Café Noir, and so does the red fox.",
        "Nothing here.",
        "Paris in spring: Red Fox, Fox, Red.",
        "",
        "红狐狸在巴黎 and Anna Bell",
    ];
    let mut memory = note(&format!("m{at:02}"), titles[(at + form) % 6], texts[form]);
    memory.tags = if form == 1 { vec!["travel".into()] } else { Vec::new() };
    if form.is_multiple_of(2) {
        memory.links.push(Link {
            to: LinkTarget::Id(id(&format!("m{:02}", (at * 5 + 1) % 12))),
            weight: Weight::ONE,
        });
        memory.links.push(Link { to: LinkTarget::Name("red fox".into()), weight: Weight::ONE });
    }
    memory.follows = (at > 0 && form == 3).then(|| id(&format!("m{:02}", at - 1)));
    memory
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever was written, replaced and forgotten, beside the packed blocks or within: the store is sound,
    /// and after consolidation it is the store of what is left.
    #[test]
    fn any_history_leads_to_the_same_store(acts in prop::collection::vec(act(), 1..25), padded in any::<bool>()) {
        let (_folder, engram) = if padded { large() } else { fresh() };
        let mut left = std::collections::BTreeMap::new();
        for act in &acts {
            match act {
                Act::Put(at, which) => {
                    let memory = form(*at, *which);
                    engram.remember(&memory).unwrap();
                    left.insert(*at, memory);
                }
                Act::Forget(at) => {
                    let there = left.remove(at).is_some();
                    prop_assert_eq!(engram.forget(&id(&format!("m{at:02}"))).is_ok(), there);
                }
                Act::Consolidate => engram.consolidate().unwrap(),
            }
        }
        let found = engram.verify().unwrap();
        prop_assert!(found.problems.is_empty(), "{:?}", found.problems);
        engram.consolidate().unwrap();
        let found = engram.verify().unwrap();
        prop_assert!(found.problems.is_empty() && (found.rebuilt || found.memories == 0), "{:?}", found);
        let (_other, plain) = if padded { large() } else { fresh() };
        plain.remember_all(left.into_values()).unwrap();
        plain.consolidate().unwrap();
        for cue in ["Anna Bell in Paris", "red fox", "café noir", "travel", "狐狸"] {
            prop_assert_eq!(answer(&engram, cue), answer(&plain, cue));
        }
    }
}

/// A store of format 1, which kept no quantised vectors, one of format 2, which had one place for vectors, one of
/// format 3, whose rows had no checksums, and one of format 4, which counted titles once, as the builds of their times
/// wrote them.
#[test]
fn stores_of_older_formats_answer_and_become_ones_of_today() {
    for format in ["format-1", "format-2", "format-3", "format-4"] {
        let folder = tempfile::tempdir().unwrap();
        let old = format!("{}/tests/stores/{format}/data.mdb", env!("CARGO_MANIFEST_DIR"));
        std::fs::copy(old, folder.path().join("data.mdb")).unwrap();
        let engram = Engram::open(folder.path()).unwrap();
        let cue = Cue::new("who founded person-centred therapy?").at(NOW);
        let answer = || {
            let hits = engram.recall(&cue).unwrap().hits;
            hits.iter().map(|hit| hit.id.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(answer(), ["rogers", "maslow"]);
        let verified = engram.verify().unwrap();
        // What is derived is not what would be derived today.
        assert!(verified.problems.is_empty() && !verified.rebuilt, "{format}: {verified:?}");

        // What is written beside it stays in its format, or is packed anew; consolidating takes it to today's.
        engram.remember(&note("kettle", "Kettle", "The kettle is descaled in May.")).unwrap();
        assert_eq!(engram.recall(&Cue::new("kettle").at(NOW)).unwrap().hits[0].id.as_str(), "kettle");
        engram.forget(&id("kettle")).unwrap();
        engram.consolidate().unwrap();
        let verified = engram.verify().unwrap();
        assert!(verified.problems.is_empty() && verified.rebuilt, "{format}: {verified:?}");
        assert_eq!(answer(), ["rogers", "maslow"]);
    }
}
