//! Recall: what comes back, within which bounds, and how long it lasts.

use engram::{Cue, Engram, Link, LinkTarget, Mode, Namespace, Step, Time, Weight};
use proptest::prelude::*;

use crate::world::{NOW, filled, id, large, note};

#[test]
fn a_cue_brings_back_what_is_associated() {
    let (_folder, engram) = filled();
    let hits = engram.recall(&Cue::new("why do both kernels give the same bits?").at(NOW)).unwrap().hits;
    assert_eq!(hits[0].id.as_str(), "contract");
    let reached: Vec<&str> = hits.iter().map(|hit| hit.id.as_str()).collect();
    // "lanes" shares no word with the cue: the link from the contract leads there.
    assert!(reached.contains(&"lanes"), "{reached:?}");
    let lanes = hits.iter().find(|hit| hit.id.as_str() == "lanes").unwrap();
    assert_eq!(lanes.why.path.first(), Some(&Step::Cue));
    assert!(matches!(lanes.why.path.last(), Some(Step::Memory { id, .. }) if id.as_str() == "lanes"));
    assert!(lanes.why.path.len() >= 3, "{:?}", lanes.why.path);
    assert!(engram.verify().unwrap().problems.is_empty());
}

#[test]
fn bounds_hold_before_the_best_are_taken() {
    let (_folder, engram) = large();
    let mut other = note("private", "Carl Rogers", "Carl Rogers founded something else entirely.");
    other.namespace = Namespace::new("alice").unwrap();
    other.source = Some("diary/2026.md".into());
    other.made = Some(Time::from_milliseconds(5_000));
    engram.remember(&other).unwrap();
    let ids = |cue: Cue| -> Vec<String> {
        engram.recall(&cue.at(NOW).k(3)).unwrap().hits.iter().map(|hit| hit.id.to_string()).collect()
    };
    let cue = || Cue::new("Carl Rogers founded");
    for packed in [false, true] {
        if packed {
            engram.consolidate().unwrap();
        }
        assert_eq!(ids(cue().namespace(Namespace::new("alice").unwrap())), ["private"]);
        assert_eq!(ids(cue().source("diary/*.md")), ["private"]);
        assert_eq!(ids(cue().until(Time::from_milliseconds(6_000))), ["private"]);
        assert!(!ids(cue().since(Time::from_milliseconds(6_000))).contains(&"private".to_owned()));
        assert!(!ids(cue().namespace(Namespace::default())).contains(&"private".to_owned()));
        assert!(ids(cue().namespace(Namespace::new("nobody").unwrap())).is_empty());
        for mode in [Mode::Words, Mode::Vectors] {
            let hits = ids(cue().mode(mode).source("diary/*.md"));
            assert!(hits.iter().all(|hit| hit == "private"), "{hits:?}");
        }
    }
    assert!(engram.recall(&cue().source("a[")).is_err());
}

#[test]
fn recalling_makes_a_memory_last() {
    let (_folder, engram) = large();
    let later = Time::from_milliseconds(NOW.milliseconds() + 400 * 86_400_000);
    let score = |engram: &Engram| engram.recall(&Cue::new("tea milk boil").at(later)).unwrap().hits[0].score;
    let before = score(&engram);
    engram.recall(&Cue::new("tea milk boil").at(NOW).k(1).reinforce(true)).unwrap();
    let after = score(&engram);
    assert!(after > before, "{before} {after}");
    assert_eq!(engram.get(&id("tea")).unwrap().unwrap().history.recalls, 1);
    assert!(engram.verify().unwrap().problems.is_empty());
    engram.consolidate().unwrap();
    assert!(score(&engram) > before);
}

/// The account of a memory that is no seed begins at one, even where most of the activation came to it from nodes
/// that have it from each other, and where what was written since packing never passed activation on.
#[test]
fn every_account_begins_at_a_seed() {
    let (_folder, engram) = large();
    let mut seed = note("seed", "", "zebra");
    let mut hub = note("hub", "", "");
    let to =
        |name: &str, weight: f32| Link { to: LinkTarget::Id(id(name)), weight: Weight::new(weight).unwrap() };
    seed.links = vec![to("hub", 1.0)];
    hub.links = vec![to("echo", 20.0), to("leaf", 1.0)];
    for packed in [false, true] {
        if packed {
            engram.consolidate().unwrap();
        } else {
            for memory in [&seed, &hub, &note("echo", "", ""), &note("leaf", "", "")] {
                engram.remember(memory).unwrap();
            }
        }
        let mut hits = engram.recall(&Cue::new("zebra").at(NOW).k(500)).unwrap().hits;
        // Others only fill up the answer.
        hits.retain(|hit| ["seed", "hub", "echo", "leaf"].contains(&hit.id.as_str()));
        assert_eq!(hits.len(), 4, "{hits:?}");
        for hit in &hits {
            let steps: Vec<&str> = (hit.why.path.iter())
                .map(|step| if let Step::Memory { id, .. } = step { id.as_str() } else { "" })
                .collect();
            let expected: &[&str] = match hit.id.as_str() {
                "seed" => &["", "seed"],
                "hub" => &["", "seed", "hub"],
                other => &["", "seed", "hub", other],
            };
            assert_eq!(steps, expected, "packed: {packed}");
        }
    }
}

/// Any cue is answered or refused, in every mode, and its hits stay within what was asked.
#[test]
fn any_cue_is_answered() {
    let (_folder, engram) = filled();
    let texts = prop_oneof!["\\PC{0,80}", "[a-zA-Z \u{4e00}-\u{4eff}]{0,200}", any::<String>()];
    let modes = prop::sample::select(vec![Mode::Associative, Mode::Words, Mode::Vectors]);
    proptest!(|(text in texts, k in 0_usize..30, mode in modes)| {
        match engram.recall(&Cue::new(text.as_str()).k(k).mode(mode).at(NOW)) {
            Ok(found) => {
                prop_assert!(found.hits.len() <= k);
                prop_assert!(found.hits.iter().all(|hit| hit.score.is_finite() && hit.score > 0.0));
                prop_assert!(found.hits.is_sorted_by(|a, b| (b.score, &a.id) <= (a.score, &b.id)));
            }
            Err(error) => prop_assert!(text.trim().is_empty(), "{error}"),
        }
    });
}
