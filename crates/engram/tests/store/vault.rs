//! A vault: a store that follows a folder of notes.

use crate::world::{NOW, id};

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
    let vault = engram::Vault::open(folder.path()).unwrap();
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

#[test]
fn a_vault_may_have_its_store_elsewhere() {
    let (folder, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join("a.md"), "# Alpha").unwrap();
    let vault = engram::Vault::open_with_store(folder.path(), store.path().join("store")).unwrap();
    assert_eq!(vault.synchronise(&mut |_| {}).unwrap().changes.added, 1);
    assert!(store.path().join("store/data.mdb").exists());
    assert!(!folder.path().join(engram::STORE_FOLDER).exists());
    assert!(engram::Vault::open_with_store(folder.path().join("a.md"), store.path()).is_err());
}
