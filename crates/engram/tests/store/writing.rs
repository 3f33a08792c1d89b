//! Writing: at once and later, again, taken out, given away, from many threads.

use engram::{Change, Cue, Engram, Link, LinkTarget, Time, Weight};

use crate::world::{CUES, NOW, answer, filled, first, fresh, id, large, note, world};

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
    engram.compact().unwrap();
    let path = folder.path().join("store/generation-1/data.mdb");
    let bytes = [std::fs::read(&path).unwrap(), std::fs::read(folder.path().join("store/data.mdb")).unwrap()]
        .concat();
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
    let one = importer.import(folder.path().join("one"), &mut |_| {}).unwrap();
    let two = importer.import(folder.path().join("two"), &mut |_| {}).unwrap();
    assert_eq!((one.changes.added, two.changes.any(), two.refused.len()), (1, false, 1));
    assert_eq!(engram.get(&id("index.md")).unwrap().unwrap().memory.text, "first");
    for _ in 0..2 {
        let report = engram.import(&file, &mut |_| {}).unwrap();
        assert_eq!((report.changes.updated, report.refused.len()), (0, 1));
    }
    assert_eq!(engram.get(&id("a")).unwrap().unwrap().memory.text, "one");
}

#[cfg(unix)]
#[test]
fn a_compacted_store_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, engram) = filled();
    engram.compact().unwrap();
    let mode = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("store"), mode("store/generation-1")), (0o700, 0o700));
    for name in ["data.mdb", "lock.mdb", "open.lock"] {
        assert_eq!(mode(&format!("store/generation-1/{name}")), 0o600, "{name}");
    }
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

/// JSON writes a NUL as six bytes; the longest text of them must come back from an export all the same.
#[test]
fn the_longest_text_survives_export_and_import_whatever_it_holds() {
    let (_folder, engram) = crate::world::fresh();
    let text = "\0".repeat(engram::memory::MAX_TEXT_BYTES);
    engram.remember(&crate::world::note("nul", "", &text)).unwrap();
    let mut line = Vec::new();
    engram.export(&mut line).unwrap();
    let back = engram::import::jsonl::Reader::new(&line[..]).next().unwrap().unwrap();
    assert!(back.memory.text == text);
}

/// What was committed before a failure is part of the error; where nothing was, the error is the failure itself.
#[test]
fn a_failure_after_commits_says_what_was_committed() {
    let (_folder, engram) = fresh();
    let engram = engram.with_portion_bytes(1);
    let unfit = || note("unfit", &"title ".repeat(1000), "");
    let alone = engram.remember_all([unfit()]).unwrap_err();
    assert!(matches!(alone, engram::Error::Invalid(_)), "{alone}");
    let failed = engram.remember_all([note("a", "", "one"), note("b", "", "two"), unfit()]).unwrap_err();
    let engram::Error::Incomplete { committed, source } = &failed else { panic!("{failed}") };
    assert_eq!((committed.added, committed.updated, committed.unchanged), (2, 0, 0));
    assert!(matches!(**source, engram::Error::Invalid(_)), "{source}");
    assert_eq!(engram.stats().unwrap().memories, 2);
    // Nothing was changed this time.
    let again = engram.remember_all([note("a", "", "one"), unfit()]).unwrap_err();
    assert!(matches!(again, engram::Error::Invalid(_)), "{again}");
}
