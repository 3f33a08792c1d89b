//! Bad luck: damaged files, full disks, folders that may not be written.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;

use crate::sandbox::{Ran, Random, Sandbox, announce, finish, memories};

/// A store of sixty memories, of which each text holds its own number.
fn filled() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("some.jsonl", memories("m", 60, 400));
    sandbox.ok(&["import", "some.jsonl"]);
    sandbox
}

/// Checks that no command uses the store, and each says so in one sentence.
#[track_caller]
fn refused_by_all(sandbox: &Sandbox, says: &[&str]) {
    let before = fs::read(sandbox.data_file()).unwrap();
    for arguments in [
        &["recall", "garden"][..],
        &["import", "some.jsonl"],
        &["remember", "text"],
        &["update", "m00001", "--text", "x"],
        &["link", "m00001", "m00002"],
        &["forget", "m00001"],
        &["show", "m00001"],
        &["list"],
        &["stats"],
        &["consolidate"],
        &["consolidate", "--compact"],
        &["verify"],
        &["verify", "--json"],
    ] {
        sandbox.fails(arguments, 4, says);
    }
    // An export gives what can still be read, and says what is wrong among what it lacks.
    let exported = sandbox.run(&["export"]);
    assert_eq!(exported.code, Some(4), "{exported:?}");
    assert!(exported.err.lines().any(|line| says.iter().all(|part| line.contains(part))), "{exported:?}");
    assert!(fs::read(sandbox.data_file()).unwrap() == before, "the file is as it was");
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn a_store_of_a_newer_format_is_left_alone() {
    let sandbox = filled();
    let mut bytes = fs::read(sandbox.data_file()).unwrap();
    // The record "state" begins with the format's number.
    let places: Vec<usize> = (0..bytes.len() - 9)
        .filter(|at| bytes[*at..].starts_with(b"state") && bytes[at + 6..at + 9] == [0; 3])
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at + 5] = 200;
    }
    fs::write(sandbox.data_file(), bytes).unwrap();
    refused_by_all(&sandbox, &["has format 200 and this Engram reads up to", "use a newer Engram"]);
}

#[test]
fn a_truncated_store_is_refused() {
    let sandbox = filled();
    let length = sandbox.data_file().metadata().unwrap().len();
    for share in [2, 4] {
        OpenOptions::new().write(true).open(sandbox.data_file()).unwrap().set_len(length / share).unwrap();
        refused_by_all(
            &sandbox,
            &["is damaged", "it was cut short", "restore it from a backup or an export"],
        );
    }
    OpenOptions::new().write(true).open(sandbox.data_file()).unwrap().set_len(100).unwrap();
    refused_by_all(&sandbox, &["is damaged", "restore it"]);
}

#[test]
fn a_store_whose_first_pages_are_overwritten_is_refused() {
    for (from, length) in [(0, 8192), (0, 4096), (4096, 4096), (0, 64)] {
        let sandbox = filled();
        let mut random = Random(length);
        let bytes: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        overwrite(&sandbox.data_file(), from, &bytes);
        refused_by_all(&sandbox, &["is damaged", "restore it from a backup or an export"]);
    }
    let sandbox = filled();
    fs::write(sandbox.data_file(), "this is no store, but a text that someone put here".repeat(400)).unwrap();
    refused_by_all(&sandbox, &["is damaged", "its first page is not a store's"]);
}

#[test]
fn verify_finds_a_changed_byte() {
    let sandbox = filled();
    let exported = sandbox.ok(&["export"]);
    let text: serde_json::Value = serde_json::from_str(exported.lines().nth(30).unwrap()).unwrap();
    let text = &text["text"].as_str().unwrap().as_bytes()[..60];
    let bytes = fs::read(sandbox.data_file()).unwrap();
    let places: Vec<usize> =
        (0..bytes.len() - text.len()).filter(|at| bytes[*at..].starts_with(text)).collect();
    assert!(!places.is_empty());
    for at in places {
        overwrite(&sandbox.data_file(), at as u64 + 30, b"\x01");
    }
    let ran = sandbox.run(&["verify"]);
    ran.failed(1, &["problem", "restore it from a backup, or save what can be read"]);
    assert!(ran.out.contains("m00030"), "{ran:?}");
    let ran = sandbox.run(&["verify", "--json"]);
    let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert!(!found["problems"].as_array().unwrap().is_empty());
}

/// Whatever a page is overwritten with: verify ends with a documented code, and where it finds nothing, there
/// was nothing to find.
#[test]
fn verify_survives_any_damage() {
    let sandbox = filled();
    let sound = fs::read(sandbox.data_file()).unwrap();
    let exported = sandbox.ok(&["export"]);
    let (mut random, mut found) = (Random(7), 0);
    for _ in 0..40 {
        let pages = sound.len() as u64 / 4096;
        let at = 2 * 4096 + random.below((pages - 2) * 4096 - 600);
        let length = 1 + random.below(600);
        let bytes: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        overwrite(&sandbox.data_file(), at, &bytes);
        let ran = sandbox.run(&["verify"]);
        assert!(ran.err.lines().all(|line| line.starts_with("engram: ")), "{ran:?}");
        match ran.code {
            Some(0) => {
                assert_eq!(sandbox.ok(&["export"]), exported, "damage of {length} at {at} was not found")
            }
            Some(1 | 4) => found += 1,
            _ => panic!("damage of {length} at {at}: {ran:?}"),
        }
        fs::write(sandbox.data_file(), &sound).unwrap();
    }
    assert!(found >= 10, "{found} of 40");
    sandbox.is_sound();
}

#[test]
#[cfg(unix)]
fn a_folder_that_may_not_be_written_is_said() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::unprivileged();
    let mode = |name: &str, mode| {
        fs::set_permissions(sandbox.path(name), PermissionsExt::from_mode(mode)).unwrap();
    };
    sandbox.write("notes/a.md", "# A\n\nA zebra.\n");
    mode("notes", 0o555);
    let says =
        ["notes", "cannot be opened for writing", "make its folder writable, or name another with --store"];
    sandbox.fails(&["recall", "--vault", "notes", "zebra"], 4, &says);
    let elsewhere = sandbox.run(&["recall", "--vault", "notes", "--store", "mine", "zebra"]);
    assert_eq!(elsewhere.code, Some(0), "{elsewhere:?}");

    // A store that someone else made and that may only be read.
    for name in ["mine/data.mdb", "mine/lock.mdb"] {
        mode(name, 0o444);
    }
    mode("mine", 0o555);
    for arguments in [
        &["recall", "zebra"][..],
        &["remember", "text"],
        &["import", "notes"],
        &["list"],
        &["export"],
        &["verify"],
        &["consolidate"],
    ] {
        sandbox.fails(
            &[arguments, &["--store", "mine"]].concat(),
            4,
            &["mine", "cannot be opened for writing"],
        );
    }
    sandbox.fails(&["export", "--store", "nowhere"], 4, &["there is no store in nowhere"]);
    mode("mine", 0o755);
    for name in ["mine/data.mdb", "mine/lock.mdb"] {
        mode(name, 0o644);
    }
    // The sandbox's user still has to own the files to be able to use them.
    sandbox.ok(&["list", "--store", "mine"]);
}

/// A small disk, mounted for one test; gone with it.
#[cfg(target_os = "linux")]
struct SmallDisk<'a>(&'a Path);

#[cfg(target_os = "linux")]
impl<'a> SmallDisk<'a> {
    fn mount(at: &'a Path, kilobytes: u32) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let size = format!("size={kilobytes}k");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).output();
        mounted.ok().filter(|output| output.status.success()).map(|_| Self(at))
    }
}

#[cfg(target_os = "linux")]
impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).output();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_loses_nothing() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("disk");
    let Some(_disk) = SmallDisk::mount(&folder, 3000) else {
        announce("no tmpfs can be mounted here, so the full disk is only tried with a limit on file sizes");
        return;
    };
    sandbox.write("few.jsonl", memories("few", 40, 300));
    sandbox.write("many.jsonl", memories("many", 4000, 1000));
    let store = ["--store", "disk/store"];
    let on_disk = |arguments: &[&str]| sandbox.run(&[arguments, &store].concat());
    assert_eq!(on_disk(&["import", "few.jsonl"]).code, Some(0));
    let before = on_disk(&["export"]).out;
    on_disk(&["import", "many.jsonl"])
        .failed(4, &["there is no room left", "free some space", "nothing was changed"]);
    assert_eq!(on_disk(&["export"]).out, before);

    // Not a byte is left.
    let mut filler = fs::File::create(folder.join("filler")).unwrap();
    for chunk in [65_536, 4096, 512, 1] {
        while filler.write_all(&vec![0; chunk]).is_ok() {}
    }
    on_disk(&["import", "many.jsonl"]).failed(4, &["there is no room left", "nothing was changed"]);
    // Little things may still fit into free pages of the file.
    for arguments in [&["update", "few00001", "--text", "one more"][..], &["consolidate"]] {
        let ran = on_disk(arguments);
        if ran.code != Some(0) {
            ran.failed(4, &["there is no room left"]);
        }
    }
    let before = on_disk(&["export"]).out;
    assert_eq!(before.lines().count(), 40);
    on_disk(&["export", "disk/copy.jsonl"]).failed(5, &["disk/copy.jsonl cannot be written"]);
    assert_eq!(on_disk(&["export"]).out, before);
    assert_eq!(on_disk(&["recall", "garden"]).code, Some(0), "reading needs no room");
    sandbox.run(&["remember", "x", "--store", "disk/new"]).failed(4, &["disk/new"]);

    drop(filler);
    fs::remove_file(folder.join("filler")).unwrap();
    assert_eq!(on_disk(&["verify"]).code, Some(0));
    assert_eq!(on_disk(&["export"]).out, before);
    assert_eq!(on_disk(&["remember", "one more"]).code, Some(0));
}

/// The same with a limit on the size of files, for which nothing has to be mounted.
#[test]
#[cfg(unix)]
fn a_file_that_may_not_grow_loses_nothing() {
    let sandbox = filled();
    let before = sandbox.ok(&["export"]);
    sandbox.write("many.jsonl", memories("many", 4000, 1000));
    let limited = |arguments: &[&str]| -> Ran {
        let command = sandbox.command(arguments);
        let mut limited = Command::new("sh");
        // In blocks of 512 bytes.
        limited.args(["-c", "ulimit -f 3000; exec \"$0\" \"$@\""]).arg(command.get_program());
        limited.args(command.get_args()).current_dir(sandbox.path("")).env_remove("ENGRAM_STORE");
        finish(limited.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()), b"")
    };
    limited(&["import", "many.jsonl"]).failed(4, &["there is no room left", "nothing was changed"]);
    assert_eq!(sandbox.ok(&["export"]), before);
    sandbox.is_sound();

    // In portions some of it fits: what is there then is what the sentence says.
    let ran = limited(&["import", "many.jsonl", "--commit-every", "0.1"]);
    let committed = sandbox.ids().len() - before.lines().count();
    assert!(committed > 0);
    let says = format!("what was committed before stays ({committed} added, 0 updated, 0 forgotten)");
    ran.failed(4, &["there is no room left", "free some space", &says, "goes on from there"]);
    assert!(!ran.err.contains("nothing was changed"), "{ran:?}");
    sandbox.is_sound();
    let done = sandbox.ok(&["import", "many.jsonl"]);
    let rest = format!("{} added, 0 updated, {committed} unchanged", 4000 - committed);
    assert!(done.starts_with(&rest), "{done}");

    // A copy that does not fit leaves nothing, and it is the copy that the sentence names.
    limited(&["backup", "copy"])
        .failed(4, &["there is no room left to write the store copy", "nothing was changed"]);
    let names = std::fs::read_dir(sandbox.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.filter(|name| name.to_string_lossy().starts_with("copy")).count() == 0);
}
