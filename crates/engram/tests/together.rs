//! Several threads, handles and vaults on one store: nothing that was acknowledged is lost.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use engram::{Engram, Error, Link, LinkTarget, MemoryId, NewMemory, Vault, VectorModel, Weight};

fn id(text: &str) -> MemoryId {
    text.parse().unwrap()
}

fn memory(name: &str) -> NewMemory {
    NewMemory::new(id(name), format!("what {name} says"))
}

#[test]
fn updates_beside_one_another_all_stay() {
    let folder = tempfile::tempdir().unwrap();
    let engram = Engram::create(folder.path()).unwrap();
    let leaves: Vec<String> = (0..24).map(|at| format!("leaf{at}")).collect();
    engram.remember_all(leaves.iter().map(|leaf| memory(leaf)).chain([memory("hub")])).unwrap();
    std::thread::scope(|scope| {
        for part in leaves.chunks(6) {
            let engram = &engram;
            scope.spawn(move || {
                for leaf in part {
                    engram.link(&id("hub"), &id(leaf), Weight::ONE).unwrap();
                    engram.update(&id("hub"), |hub| hub.aliases.push(format!("hub of {leaf}"))).unwrap();
                }
            });
        }
    });
    let hub = engram.get(&id("hub")).unwrap().unwrap().memory;
    assert_eq!((hub.links.len(), hub.aliases.len()), (leaves.len(), leaves.len()));
}

/// Another thread opens, writes and closes the store while it is compacted, again and again.
#[test]
fn compaction_beside_writers_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let base = Engram::create(folder.path()).unwrap();
    base.remember_all((0..50).map(|at| memory(&format!("base{at}")))).unwrap();
    drop(base);
    let (done, compacted) = (AtomicBool::new(false), AtomicU32::new(0));
    let written = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut written = Vec::new();
            for at in 0.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                let name = format!("written{at}");
                // Refused while the file is replaced, which is an answer; lost would be none.
                if Engram::open(folder.path()).is_ok_and(|engram| engram.remember(&memory(&name)).is_ok()) {
                    written.push(name);
                }
                std::thread::sleep(Duration::from_millis(at * 7 % 20));
                // Now and then until the other has had its turn, for which a slow disk leaves no other time.
                let before = compacted.load(Ordering::Relaxed);
                while at % 10 == 9
                    && compacted.load(Ordering::Relaxed) == before
                    && !done.load(Ordering::Relaxed)
                {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            written
        });
        // An attempt that meets the writer is refused.
        let compact = || {
            std::thread::sleep(Duration::from_millis(1));
            Engram::open(folder.path()).is_ok_and(|engram| engram.compact().is_ok())
        };
        for _ in 0..100_000 {
            if compacted.load(Ordering::Relaxed) == 40 {
                break;
            }
            if compact() {
                compacted.fetch_add(1, Ordering::Relaxed);
            }
        }
        done.store(true, Ordering::Relaxed);
        writer.join().unwrap()
    });
    assert_eq!(compacted.into_inner(), 40);
    let engram = Engram::open(folder.path()).unwrap();
    let lost: Vec<&String> = written.iter().filter(|name| engram.get(&id(name)).unwrap().is_none()).collect();
    assert!(lost.is_empty(), "{} of {} are lost: {lost:?}", lost.len(), written.len());
    assert_eq!(engram.verify().unwrap().problems, Vec::<String>::new());
}

#[test]
fn putting_wins_over_forgetting() {
    let folder = tempfile::tempdir().unwrap();
    let engram = Engram::create(folder.path()).unwrap();
    engram.remember_all([memory("a"), memory("b")]).unwrap();
    let (same, mut other) = (memory("a"), memory("a"));
    other.text.push_str(", and more");
    for put in [same, other] {
        let changes = engram.apply(&[put.clone().into()], &[id("a")]).unwrap();
        assert_eq!(changes.forgotten, 0);
        assert_eq!(engram.get(&id("a")).unwrap().unwrap().memory.text, put.text);
    }
    assert_eq!(engram.apply(&[], &[id("b"), id("b")]).unwrap().forgotten, 1);
    assert_eq!(engram.stats().unwrap().memories, 1);
}

/// The first memories of an export may have no vector although others have.
#[test]
fn an_export_with_some_vectors_imports() {
    let folder = tempfile::tempdir().unwrap();
    let model = VectorModel::Given { name: "toy".into(), dimensions: 2 };
    let engram = Engram::create_with(folder.path().join("one"), &model).unwrap();
    let mut last = memory("z");
    last.vector = Some(vec![0.6, 0.8]);
    engram.remember_all([memory("a"), memory("b"), last]).unwrap();
    let mut lines = Vec::new();
    engram.export(&mut lines).unwrap();
    let file = folder.path().join("all.jsonl");
    fs::write(&file, &lines).unwrap();
    for path in [file.as_path(), folder.path()] {
        let to = tempfile::tempdir().unwrap();
        let again = Engram::create(to.path()).unwrap().with_portion_bytes(1);
        let report = again.import(path, &mut |_| {}).unwrap();
        assert_eq!((report.changes.added, report.refused.len()), (3, 0), "{:?}", report.refused);
        let mut exported = Vec::new();
        again.export(&mut exported).unwrap();
        assert_eq!(exported, lines);
    }
}

fn note(folder: &Path, name: &str, text: &[u8]) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join(name), text).unwrap();
    // Old enough that its time stamp counts.
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    File::options().write(true).open(folder.join(name)).unwrap().set_modified(old).unwrap();
}

#[test]
fn a_store_keeps_the_notes_of_one_vault() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second, store] = ["first", "second", "store"].map(|name| folder.path().join(name));
    note(&first, "a.md", b"# A\n\nabout a");
    note(&second, "b.md", b"# B\n\nabout b");
    let synchronise = |vault: &Path| Vault::open_with_store(vault, &store).unwrap().synchronise(&mut |_| {});
    assert_eq!(synchronise(&first).unwrap().changes.added, 1);
    let refused = synchronise(&second).unwrap_err();
    assert!(matches!(&refused, Error::OtherVault { .. }), "{refused}");
    assert_eq!(Engram::open(&store).unwrap().stats().unwrap().memories, 1);

    // The folder has moved, which is no other vault; then it is empty, as where a disk is not mounted.
    let moved = folder.path().join("moved");
    fs::rename(&first, &moved).unwrap();
    assert!(!synchronise(&moved).unwrap().changes.any());
    note(&first, "d.md", b"# D\n\nabout d");
    assert!(matches!(synchronise(&first), Err(Error::OtherVault { .. })));
    fs::rename(moved.join("a.md"), folder.path().join("a.md")).unwrap();
    let refused = synchronise(&moved).unwrap_err();
    assert!(matches!(&refused, Error::NoNotes { known: 1, .. }), "{refused}");
    note(&moved, "c.md", b"# C\n\nabout c");
    let changes = synchronise(&moved).unwrap().changes;
    assert_eq!((changes.added, changes.forgotten), (1, 1));
}

#[test]
fn a_note_that_cannot_be_read_is_named_until_it_can() {
    let folder = tempfile::tempdir().unwrap();
    note(folder.path(), "a.md", b"caf\xe9 au lait");
    let vault = Vault::open(folder.path()).unwrap();
    for _ in 0..2 {
        let report = vault.synchronise(&mut |_| {}).unwrap();
        assert_eq!((report.refused.len(), report.changes.any()), (1, false));
    }
    // Mended without a change of size or time stamp.
    note(folder.path(), "a.md", b"cafe au lait");
    let report = vault.synchronise(&mut |_| {}).unwrap();
    assert_eq!((report.refused.len(), report.changes.added), (0, 1));
}

#[test]
fn many_links_to_few_targets_count_once_each() {
    let folder = tempfile::tempdir().unwrap();
    let engram = Engram::create(folder.path()).unwrap();
    let mut hub = memory("hub");
    let links = (0..3000).map(|at| Link {
        to: LinkTarget::Id(id(&format!("leaf{}", at % 3))),
        weight: Weight::new(1.0 + at as f32 / 3000.0).unwrap(),
    });
    hub.links = links.collect();
    engram.remember_all([hub, memory("leaf0"), memory("leaf1"), memory("leaf2")]).unwrap();
    assert_eq!(engram.stats().unwrap().associations, 6);
    assert_eq!(engram.verify().unwrap().problems, Vec::<String>::new());
}
