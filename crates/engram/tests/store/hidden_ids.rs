//! Ids and namespaces that hold what is not shown: refused for new memories, and no hindrance in older stores.

use std::path::Path;

use engram::import::jsonl;
use engram::{Cue, Engram, InvalidMemory, LinkTarget, MemoryId, Namespace, Vault};

use crate::world::{NOW, id};

/// Puts a store in place that a build wrote which took such ids: `note\u{200b}.md` and `other.md`, which link to one
/// another, from a vault; `user\u{202e}gpj` of the namespace `team\u{ad}`; and `a\u{200b}b`, which links to it.
fn old_store(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let old = format!("{}/tests/stores/hidden-ids/data.mdb", env!("CARGO_MANIFEST_DIR"));
    std::fs::copy(old, folder.join("data.mdb")).unwrap();
}

fn ids(engram: &Engram) -> Vec<String> {
    let mut ids = Vec::new();
    engram
        .for_each(|stored| {
            ids.push(stored.memory.id.to_string());
            Ok::<(), engram::Error>(())
        })
        .unwrap();
    ids
}

#[test]
fn an_old_store_opens_answers_and_forgets() {
    let folder = tempfile::tempdir().unwrap();
    old_store(folder.path());
    let engram = Engram::open(folder.path()).unwrap();
    assert_eq!(ids(&engram), ["a\u{200b}b", "note\u{200b}.md", "other.md", "user\u{202e}gpj"]);
    assert!(engram.verify().unwrap().problems.is_empty());
    let hits = engram.recall(&Cue::new("zebra").at(NOW)).unwrap().hits;
    let hits: Vec<_> = hits.iter().map(|hit| hit.id.shown()).collect();
    assert!(hits.contains(&"a%E2%80%8Bb".into()) && hits.contains(&"note%E2%80%8B.md".into()), "{hits:?}");
    let team = Namespace::existing("team\u{ad}").unwrap();
    let hits = engram.recall(&Cue::new("owl").namespace(team).at(NOW)).unwrap().hits;
    assert_eq!(hits.iter().map(|hit| hit.id.as_str()).collect::<Vec<_>>(), ["user\u{202e}gpj"]);

    // What is shown finds the memory, and so does the id itself.
    for typed in ["user%E2%80%AEgpj", "user\u{202e}gpj"] {
        let found = engram.resolve(typed).unwrap();
        assert_eq!((found.as_str(), &*found.shown()), ("user\u{202e}gpj", "user%E2%80%AEgpj"));
        assert_eq!(engram.get(&found).unwrap().unwrap().memory.namespace.shown(), "team%C2%AD");
    }
    assert_eq!(engram.resolve("other.md").unwrap(), id("other.md"));
    assert_eq!(engram.resolve("nobody%E2%80%AE").unwrap().as_str(), "nobody%E2%80%AE");
    engram
        .update(&engram.resolve("a%E2%80%8Bb").unwrap(), |memory| memory.text.push_str(" Both run."))
        .unwrap();
    engram.reinforce(&[engram.resolve("a%E2%80%8Bb").unwrap()], NOW).unwrap();
    engram.consolidate().unwrap();
    engram.rebuild().unwrap();
    let stored = engram.get(&engram.resolve("a%E2%80%8Bb").unwrap()).unwrap().unwrap();
    assert_eq!((stored.memory.text.ends_with("Both run."), stored.history.recalls), (true, 1));
    assert!(matches!(&stored.memory.links[0].to, LinkTarget::Id(id) if id.as_str() == "user\u{202e}gpj"));
    for typed in ["a%E2%80%8Bb", "user%E2%80%AEgpj", "note%E2%80%8B.md"] {
        engram.forget(&engram.resolve(typed).unwrap()).unwrap();
    }
    assert_eq!(ids(&engram), ["other.md"]);
    assert!(engram.verify().unwrap().problems.is_empty());
}

/// An export keeps the ids; an import writes them as they are shown, in memories and in what leads to them alike.
#[test]
fn an_export_of_an_old_store_can_be_imported() {
    let folder = tempfile::tempdir().unwrap();
    old_store(folder.path());
    let engram = Engram::open(folder.path()).unwrap();
    let lines = folder.path().join("all.jsonl");
    assert_eq!(engram.export(&mut std::fs::File::create(&lines).unwrap()).unwrap().memories, 4);
    let again = Engram::create(folder.path().join("again")).unwrap();
    let report = again.import(&lines, &mut |_| {}).unwrap();
    assert_eq!((report.changes.added, report.refused.total()), (4, 0), "{:?}", report.refused);
    assert_eq!(ids(&again), ["a%E2%80%8Bb", "note%E2%80%8B.md", "other.md", "user%E2%80%AEgpj"]);
    let owl = again.get(&id("user%E2%80%AEgpj")).unwrap().unwrap().memory;
    assert_eq!(owl.namespace.as_str(), "team%C2%AD");
    let beside = again.get(&id("a%E2%80%8Bb")).unwrap().unwrap().memory;
    assert_eq!(beside.links[0].to, LinkTarget::Id(id("user%E2%80%AEgpj")));
    assert!(again.verify().unwrap().problems.is_empty());
}

#[test]
fn a_vault_with_hidden_characters_in_file_names_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    old_store(&folder.path().join(engram::STORE_FOLDER));
    write("note\u{200b}.md", "# Zebra\n\nA zebra, [striped](other.md).");
    write("other.md", "# Other\n\nStripes, see [zebra](note%E2%80%8B.md), and [raw](<note\u{200b}.md>).");
    let vault = Vault::open(folder.path()).unwrap();
    let report = vault.synchronise(&mut |_| {}).unwrap();
    assert_eq!(report.refused.total(), 0, "{:?}", report.refused);
    // The notes now have ids that can be typed; what did not come from the folder stays.
    assert_eq!(ids(vault.engram()), ["a\u{200b}b", "note%E2%80%8B.md", "other.md", "user\u{202e}gpj"]);
    let links = |name: &str| vault.engram().get(&id(name)).unwrap().unwrap().memory.links;
    assert_eq!(links("other.md").len(), 1);
    assert_eq!(links("other.md")[0].to, LinkTarget::Id(id("note%E2%80%8B.md")));
    let note = vault.engram().get(&id("note%E2%80%8B.md")).unwrap().unwrap().memory;
    assert_eq!(note.source.as_deref(), Some("note\u{200b}.md"));
    std::fs::remove_file(folder.path().join("note\u{200b}.md")).unwrap();
    assert_eq!(vault.synchronise(&mut |_| {}).unwrap().changes.forgotten, 1);
    assert_eq!(ids(vault.engram()), ["a\u{200b}b", "other.md", "user\u{202e}gpj"]);
    assert!(vault.engram().verify().unwrap().problems.is_empty());
}

/// The folder of an old store loses a note before it is read again.
#[test]
fn a_deleted_note_is_forgotten_under_its_old_id() {
    let folder = tempfile::tempdir().unwrap();
    old_store(&folder.path().join(engram::STORE_FOLDER));
    std::fs::write(folder.path().join("other.md"), "# Other\n\nStripes.").unwrap();
    let vault = Vault::open(folder.path()).unwrap();
    assert_eq!(vault.synchronise(&mut |_| {}).unwrap().changes.forgotten, 1);
    assert_eq!(ids(vault.engram()), ["a\u{200b}b", "other.md", "user\u{202e}gpj"]);
}

#[test]
fn long_notes_and_texts_of_such_names_have_parts() {
    let folder = tempfile::tempdir().unwrap();
    let notes = folder.path().join("notes");
    std::fs::create_dir(&notes).unwrap();
    let paragraph = format!("{}\n\n", "Words that go on for a while. ".repeat(30));
    std::fs::write(notes.join("a\u{ad}.txt"), paragraph.repeat(6)).unwrap();
    std::fs::write(
        notes.join("b\u{ad}.md"),
        format!("# B\n\n## Part\u{3164}\u{200b} one\n\n{}", paragraph.repeat(6)),
    )
    .unwrap();
    let engram = Engram::create(folder.path().join("store")).unwrap();
    let report = engram.import(&notes, &mut |_| {}).unwrap();
    assert_eq!(report.refused.total(), 0, "{:?}", report.refused);
    let ids = ids(&engram);
    for expected in
        ["a%C2%AD.txt", "a%C2%AD.txt#part-2", "b%C2%AD.md", "b%C2%AD.md#part-one", "b%C2%AD.md#part-one-2"]
    {
        assert!(ids.iter().any(|id| id == expected), "{expected}: {ids:?}");
    }
    assert!(ids.iter().all(|id| MemoryId::new(id.as_str()).is_ok()), "{ids:?}");
}

#[test]
fn lines_keep_their_links_where_ids_are_written_otherwise() {
    let line = "{\"id\":\"a\u{200b}\",\"text\":\"x\",\"links\":[\"b\u{200d}c\"],\"follows\":\"d\u{feff}\",\"namespace\":\"n\u{2800}\"}";
    let memory = jsonl::Reader::new(line.as_bytes()).next().unwrap().unwrap().memory;
    assert_eq!(memory.id.as_str(), "a%E2%80%8B");
    assert_eq!(memory.links[0].to, LinkTarget::Id(id("b%E2%80%8Dc")));
    assert_eq!(memory.follows, Some(id("d%EF%BB%BF")));
    assert_eq!(memory.namespace.as_str(), "n%E2%A0%80");
    assert!(matches!(
        MemoryId::new("a\u{200b}"),
        Err(InvalidMemory::HiddenCharacter { character: '\u{200b}', .. })
    ));
}
