//! A store as its users see it: what is put in comes back, whatever the order, the process or the accident.
#![allow(clippy::unwrap_used, missing_docs)]

use engram::{
    Change, Cue, Engram, Link, LinkTarget, MemoryId, Mode, Namespace, NewMemory, Step, Time, Weight,
};
use proptest::prelude::*;

const NOW: Time = Time::from_milliseconds(1_790_000_000_000);

fn id(text: &str) -> MemoryId {
    text.parse().unwrap()
}

fn note(name: &str, title: &str, text: &str) -> NewMemory {
    let mut memory = NewMemory::new(id(name), text);
    memory.title = (!title.is_empty()).then(|| title.to_owned());
    memory.made = Some(NOW);
    memory
}

fn fresh() -> (tempfile::TempDir, Engram) {
    let folder = tempfile::tempdir().unwrap();
    let engram = Engram::create(folder.path().join("store")).unwrap();
    (folder, engram)
}

/// A small world of people, places and works that mention one another.
fn world() -> Vec<NewMemory> {
    let mut all = vec![
        note(
            "rogers",
            "Carl Rogers",
            "Carl Rogers was a psychologist who founded person-centred therapy in Chicago.",
        ),
        note(
            "therapy",
            "Person-centred therapy",
            "A form of psychotherapy developed by Carl Rogers in the 1940s.",
        ),
        note(
            "chicago",
            "Chicago",
            "Chicago lies on Lake Michigan in Illinois. The University of Chicago was founded in 1890.",
        ),
        note(
            "michigan",
            "Lake Michigan",
            "One of the Great Lakes of North America, the only one wholly within the United States.",
        ),
        note(
            "lanes",
            "Lanes",
            "A sum of floating point numbers runs over thirty-two lanes; the lanes are added by halving.",
        ),
        note(
            "contract",
            "The arithmetic contract",
            "Both kernels give the same bits because every sum runs over [[Lanes]] in one order.",
        ),
        note(
            "kernels",
            "Kernels",
            "Similarity, spreading and decay. The arithmetic contract says what they compute.",
        ),
        note("tea", "Tea", "Water just off the boil, four minutes, no milk."),
        note(
            "boats",
            "",
            "We rowed across the lake near Chicago last summer, and Carl Rogers was not there.",
        ),
        note("empty", "", ""),
    ];
    all[5].links.push(Link { to: LinkTarget::Name("Lanes".into()), weight: Weight::ONE });
    all[6].links.push(Link { to: LinkTarget::Id(id("contract")), weight: Weight::new(2.0).unwrap() });
    all[8].follows = Some(id("tea"));
    all
}

fn filled() -> (tempfile::TempDir, Engram) {
    let (folder, engram) = fresh();
    engram.remember_all(world()).unwrap();
    (folder, engram)
}

/// Ids and the bits of the scores.
fn answer(engram: &Engram, cue: &str) -> Vec<(String, u32)> {
    let recollection = engram.recall(&Cue::new(cue).at(NOW).k(20)).unwrap();
    recollection.hits.iter().map(|hit| (hit.id.to_string(), hit.score.to_bits())).collect()
}

const CUES: [&str; 5] = [
    "who founded person-centred therapy?",
    "why do both kernels give the same bits?",
    "the lake near Chicago",
    "Carl Rogers",
    "how long does tea take",
];

fn first(engram: &Engram, cue: &str) -> String {
    engram
        .recall(&Cue::new(cue).at(NOW))
        .unwrap()
        .hits
        .first()
        .map(|hit| hit.id.to_string())
        .unwrap_or_default()
}

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
fn the_order_of_writing_does_not_matter_after_consolidation() {
    let (_a, forward) = fresh();
    let (_b, backward) = fresh();
    forward.remember_all(world()).unwrap();
    let mut reversed = world();
    reversed.reverse();
    for memory in &reversed {
        backward.remember(memory).unwrap();
    }
    backward.remember(&note("passing", "Passing", "Carl Rogers passed by the Lake Michigan lanes.")).unwrap();
    backward.forget(&id("passing")).unwrap();
    backward.consolidate().unwrap();
    for cue in CUES {
        assert_eq!(answer(&forward, cue), answer(&backward, cue), "{cue}");
    }
    let exported = |engram: &Engram| {
        let mut out = Vec::new();
        engram.export(&mut out).unwrap();
        out
    };
    assert_eq!(exported(&forward), exported(&backward));
}

#[test]
fn putting_the_same_in_again_changes_nothing() {
    let (folder, engram) = filled();
    let before = std::fs::read(folder.path().join("store/data.mdb")).unwrap();
    let changes = engram.remember_all(world()).unwrap();
    assert_eq!((changes.unchanged, changes.any()), (10, false));
    assert_eq!(engram.remember(&world()[3]).unwrap(), Change::Unchanged);
    assert!(before == std::fs::read(folder.path().join("store/data.mdb")).unwrap());
}

#[test]
fn export_then_import_is_lossless() {
    let (_folder, engram) = filled();
    engram.reinforce(&[id("tea"), id("lanes")], Time::from_milliseconds(NOW.milliseconds() + 5000)).unwrap();
    let mut first = Vec::new();
    assert_eq!(engram.export(&mut first).unwrap().memories, 10);
    let (_other, copy) = fresh();
    let lines = engram::import::jsonl::Reader::new(&first[..]).map(|line| line.unwrap());
    copy.remember_all(lines).unwrap();
    let mut second = Vec::new();
    copy.export(&mut second).unwrap();
    assert_eq!(String::from_utf8(first).unwrap(), String::from_utf8(second).unwrap());
    engram.consolidate().unwrap();
    for cue in CUES {
        assert_eq!(answer(&engram, cue), answer(&copy, cue));
    }
}

/// A store so large that a few writes stay beside what is packed.
fn large() -> (tempfile::TempDir, Engram) {
    let (folder, engram) = fresh();
    let filler = (0..400).map(|i| {
        note(
            &format!("filler-{i:03}"),
            "",
            &format!("ordinary sentence number {i} about nothing of any interest at all"),
        )
    });
    engram.remember_all(world().into_iter().chain(filler)).unwrap();
    assert_eq!(engram.stats().unwrap().recent_writes, 0);
    (folder, engram)
}

#[test]
fn recent_memories_are_found_at_once_and_linked_both_ways() {
    let (_folder, engram) = large();
    // A new title is looked for in old texts: the boats' note mentions no "Rowing", two others shall.
    engram
        .remember(&note("erie", "Great Lakes", "Five lakes between Canada and the United States."))
        .unwrap();
    let mut pointing = note("pointing", "Pointing", "This one points at the tea.");
    pointing.links.push(Link { to: LinkTarget::Id(id("later")), weight: Weight::ONE });
    engram.remember(&pointing).unwrap();
    engram.remember(&note("later", "Marzipan", "Almonds and sugar.")).unwrap();
    assert!(engram.stats().unwrap().recent_writes >= 3);
    assert!(engram.verify().unwrap().problems.is_empty(), "{:?}", engram.verify().unwrap());

    assert_eq!(first(&engram, "almonds and sugar"), "later");
    let from = |cue: &str| -> Vec<String> { answer(&engram, cue).into_iter().map(|(id, _)| id).collect() };
    // Old text → new title: Lake Michigan's text holds "Great Lakes".
    assert!(from("great lakes").contains(&"michigan".to_owned()));
    // A link to nowhere leads somewhere once its target is there.
    assert!(from("marzipan").contains(&"pointing".to_owned()));
    // The same after consolidation.
    let before = from("great lakes");
    engram.consolidate().unwrap();
    let after = from("great lakes");
    assert_eq!(before[..2], after[..2]);
    assert!(engram.verify().unwrap().rebuilt);
}

#[test]
fn forgetting_takes_a_memory_out_everywhere() {
    let (folder, engram) = large();
    engram
        .remember(&note("secret", "Xylophone plan", "The zanzibar codeword is quixotic; see Carl Rogers."))
        .unwrap();
    for packed in [false, true] {
        if packed {
            engram
                .remember(&note(
                    "secret",
                    "Xylophone plan",
                    "The zanzibar codeword is quixotic; see Carl Rogers.",
                ))
                .unwrap();
            engram.consolidate().unwrap();
        }
        assert_eq!(first(&engram, "zanzibar codeword"), "secret");
        engram.forget(&id("secret")).unwrap();
        let names = engram.recall(&Cue::new("xylophone plan quixotic zanzibar").at(NOW)).unwrap();
        assert!(names.names.is_empty() && names.hits.iter().all(|hit| hit.id.as_str() != "secret"));
        assert!(engram.get(&id("secret")).unwrap().is_none());
        assert!(engram.verify().unwrap().problems.is_empty(), "{:?}", engram.verify().unwrap());
        assert!(engram.forget(&id("secret")).is_err());
    }
    let path = folder.path().join("store/data.mdb");
    engram.compact().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for word in ["zanzibar", "quixot", "xylophon", "secret"] {
        assert!(
            !bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes())),
            "{word}"
        );
    }
    let engram = Engram::open(folder.path().join("store")).unwrap();
    assert_eq!(first(&engram, "Carl Rogers"), "rogers");
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

#[test]
fn given_vectors_seed_where_words_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let model = engram::VectorModel::Given { name: "toy".into(), dimensions: 3 };
    let engram = Engram::create_with(folder.path(), &model).unwrap();
    let mut warm = note("warm", "", "alpha");
    warm.vector = Some(vec![2.0, 0.0, 0.0]);
    let mut cold = note("cold", "", "beta");
    cold.vector = Some(vec![0.0, 5.0, 0.0]);
    engram.remember_all([warm.clone(), cold]).unwrap();
    let hits = engram.recall(&Cue::new("gamma").vector(vec![0.1, 1.0, 0.0])).unwrap().hits;
    assert_eq!(hits[0].id.as_str(), "cold");
    let wrong = engram.recall(&Cue::new("gamma").vector(vec![1.0])).unwrap_err().to_string();
    assert!(wrong.contains('1') && wrong.contains('3') && wrong.contains("toy"), "{wrong}");
    warm.vector = Some(vec![f32::NAN, 0.0, 0.0]);
    assert!(engram.remember(&warm).is_err());
    warm.vector = Some(vec![1.0, 0.0]);
    assert!(engram.remember(&warm).unwrap_err().to_string().contains("toy"));
    let other = engram::VectorModel::Given { name: "other".into(), dimensions: 3 };
    assert!(Engram::create_with(folder.path(), &other).is_err());
    let (_f, own) = filled();
    warm.vector = Some(vec![1.0, 0.0, 0.0]);
    assert!(own.remember(&warm).is_err());
}

#[test]
fn given_vectors_come_back_from_an_export_with_their_model() {
    let folder = tempfile::tempdir().unwrap();
    let model = engram::VectorModel::Given { name: "toy".into(), dimensions: 2 };
    let engram = Engram::create_with(folder.path(), &model).unwrap();
    let mut memory = note("v", "", "alpha");
    memory.vector = Some(vec![3.0, 4.0]);
    engram.remember_all([memory, note("w", "", "beta")]).unwrap();
    let mut lines = Vec::new();
    engram.export(&mut lines).unwrap();
    let file = folder.path().join("export.jsonl");
    std::fs::write(&file, &lines).unwrap();
    let (_other, copy) = fresh();
    let report = copy.import(&file, &mut |_| {}).unwrap();
    assert_eq!((report.changes.added, report.refused.len()), (2, 0), "{:?}", report.refused);
    let mut again = Vec::new();
    copy.export(&mut again).unwrap();
    assert_eq!(lines, again);
    assert_eq!(copy.stats().unwrap().model, "toy");
}

#[test]
fn an_id_that_comes_twice_in_an_import_is_refused_the_second_time() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("one", "first"), ("two", "second")] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        std::fs::write(folder.path().join(name).join("index.md"), text).unwrap();
    }
    let lines = "{\"id\":\"a\",\"text\":\"one\"}\n{\"id\":\"a\",\"text\":\"two\"}\n";
    let file = folder.path().join("twice.jsonl");
    std::fs::write(&file, lines).unwrap();
    let (_store, engram) = fresh();
    let mut importer = engram::Importer::new(&engram);
    let one = importer.import(&folder.path().join("one"), &mut |_| {}).unwrap();
    let two = importer.import(&folder.path().join("two"), &mut |_| {}).unwrap();
    assert_eq!((one.changes.added, two.changes.any(), two.refused.len()), (1, false, 1));
    assert_eq!(engram.get(&id("index.md")).unwrap().unwrap().memory.text, "first");
    for _ in 0..2 {
        let report = engram.import(&file, &mut |_| {}).unwrap();
        assert_eq!((report.changes.updated, report.refused.len()), (0, 1));
    }
    assert_eq!(engram.get(&id("a")).unwrap().unwrap().memory.text, "one");
}

#[test]
fn a_vault_follows_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("a.md", "# Alpha\n\nThe first letter.");
    write("deep/b.md", "# Beta\n\nThe second, after [[Alpha]].");
    let vault = engram::Vault::open(folder.path(), None).unwrap();
    let synchronise = || vault.synchronise(&mut |_| {}).unwrap().changes;
    assert_eq!(synchronise().added, 2);
    assert!(!synchronise().any());
    vault.engram().reinforce(&[id("deep/b.md")], NOW).unwrap();
    std::fs::rename(folder.path().join("deep/b.md"), folder.path().join("deep/c.md")).unwrap();
    let moved = synchronise();
    assert_eq!((moved.added, moved.forgotten), (1, 1));
    assert_eq!(vault.engram().get(&id("deep/c.md")).unwrap().unwrap().history.recalls, 1);
    write("a.md", "# Alpha\n\nThe first letter of many.");
    assert_eq!(synchronise().updated, 1);
    std::fs::remove_file(folder.path().join("a.md")).unwrap();
    assert_eq!(synchronise().forgotten, 1);
    assert_eq!(vault.engram().stats().unwrap().memories, 1);
    assert!(vault.engram().verify().unwrap().problems.is_empty());
    assert_eq!(std::fs::read_to_string(folder.path().join(".engram/.gitignore")).unwrap(), "*\n");
}

#[cfg(unix)]
#[test]
fn a_compacted_store_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, engram) = filled();
    let path = folder.path().join("store/data.mdb");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    engram.compact().unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn threads_share_a_handle() {
    let (_folder, engram) = filled();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let engram = &engram;
            scope.spawn(move || {
                for i in 0..15 {
                    let text = format!("thread {thread} wrote note {i} about Carl Rogers");
                    engram.remember(&note(&format!("t{thread}-{i}"), "", &text)).unwrap();
                    assert!(
                        !engram.recall(&Cue::new("Carl Rogers therapy").at(NOW)).unwrap().hits.is_empty()
                    );
                }
            });
        }
    });
    assert_eq!(engram.stats().unwrap().memories, 70);
    assert!(engram.verify().unwrap().problems.is_empty());
}

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
    /// Any cue is answered or refused, in every mode, and its hits stay within what was asked.
    #[test]
    fn any_cue_is_answered(
        text in prop_oneof!["\\PC{0,80}", "[a-zA-Z \u{4e00}-\u{4eff}]{0,200}", any::<String>()],
        k in 0_usize..30,
        mode in prop::sample::select(vec![Mode::Associative, Mode::Words, Mode::Vectors]),
    ) {
        static STORE: std::sync::OnceLock<(tempfile::TempDir, Engram)> = std::sync::OnceLock::new();
        let (_folder, engram) = STORE.get_or_init(filled);
        match engram.recall(&Cue::new(text.as_str()).k(k).mode(mode).at(NOW)) {
            Ok(found) => {
                prop_assert!(found.hits.len() <= k);
                prop_assert!(found.hits.iter().all(|hit| hit.score.is_finite() && hit.score > 0.0));
                prop_assert!(found.hits.is_sorted_by(|a, b| (b.score, &a.id) <= (a.score, &b.id)));
            }
            Err(error) => prop_assert!(text.trim().is_empty(), "{error}"),
        }
    }
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

/// A store of format 1, which kept no quantised vectors, and one of format 2, which had one place for vectors, as
/// the builds of their times wrote them.
#[test]
fn stores_of_older_formats_answer_and_become_ones_of_today() {
    for format in ["format-1", "format-2"] {
        let folder = tempfile::tempdir().unwrap();
        let old = format!("{}/tests/stores/{format}/data.mdb", env!("CARGO_MANIFEST_DIR"));
        std::fs::copy(old, folder.path().join("data.mdb")).unwrap();
        let engram = Engram::open(folder.path()).unwrap();
        let cue = Cue::new("who founded person-centred therapy?").at(NOW);
        let before = engram.recall(&cue).unwrap().hits;
        assert_eq!(before.iter().map(|hit| hit.id.as_str()).collect::<Vec<_>>(), ["rogers", "maslow"]);
        let verified = engram.verify().unwrap();
        assert!(verified.problems.is_empty() && !verified.rebuilt, "{format}: {verified:?}");

        // What is written beside it stays in its format; consolidating takes it to today's.
        engram.remember(&note("kettle", "Kettle", "The kettle is descaled in May.")).unwrap();
        assert_eq!(engram.recall(&Cue::new("kettle").at(NOW)).unwrap().hits[0].id.as_str(), "kettle");
        engram.forget(&id("kettle")).unwrap();
        engram.consolidate().unwrap();
        let verified = engram.verify().unwrap();
        assert!(verified.problems.is_empty() && verified.rebuilt, "{format}: {verified:?}");
        assert_eq!(engram.recall(&cue).unwrap().hits, before);
    }
}
