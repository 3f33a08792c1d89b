//! What the system has only so much of: open files, memory, places for readers. The command ends with a sentence that says
//! what to do, and the store is as it was.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use engram::Engram;

use crate::sandbox::{Ran, Sandbox, finish, memories};

/// As many readers as a store takes; the library has the same number.
const READERS: usize = 4094;

/// The work that is tried: every command that reads or writes a store.
const WORK: [&[&str]; 12] = [
    &["recall", "garden"],
    &["remember", "--id", "more", "one more"],
    &["import", "more.jsonl"],
    &["consolidate"],
    &["consolidate", "--compact"],
    &["consolidate", "--rebuild"],
    &["backup", "copy"],
    &["export", "lines.jsonl"],
    &["list"],
    &["stats"],
    &["verify"],
    &["recall", "--vault", "notes", "zebra"],
];

/// A store with something to do, and a vault.
fn filled() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("some.jsonl", memories("m", 1500, 300));
    sandbox.write("more.jsonl", memories("more", 1500, 300));
    for note in 0..5 {
        sandbox.write(&format!("notes/n{note}.md"), format!("# Note {note}\n\nA zebra.\n"));
    }
    sandbox.ok(&["import", "some.jsonl"]);
    sandbox.ok(&["remember", "--id", "last", "something to consolidate"]);
    sandbox
}

/// Runs the command under a limit of the shell.
fn limited(sandbox: &Sandbox, limit: &str, arguments: &[&str]) -> Ran {
    let command = sandbox.command(arguments);
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!("ulimit -c 0; {limit}; exec \"$0\" \"$@\"")]).arg(command.get_program());
    limited
        .args(command.get_args())
        .current_dir(sandbox.path(""))
        .env_remove("ENGRAM_STORE")
        .env("RUST_BACKTRACE", "0");
    finish(limited.stdout(Stdio::piped()).stderr(Stdio::piped()), b"")
}

/// Runs each work under each limit. It is done or ends with one sentence that holds one of `says`, and each memory that was
/// there is there as it was. Returns how often each work has ended early.
fn tried(limits: impl IntoIterator<Item = String>, says: &[&str]) -> BTreeMap<String, u32> {
    let sandbox = filled();
    let before = sandbox.ok(&["export"]);
    let mut ended = BTreeMap::new();
    for limit in limits {
        // Less than the program itself needs in order to begin.
        if limited(&sandbox, &limit, &["--version"]).code != Some(0) {
            continue;
        }
        for work in WORK {
            for left in ["copy", "notes/.engram"] {
                let _ = fs::remove_dir_all(sandbox.path(left));
            }
            let ran = limited(&sandbox, &limit, work);
            let what = format!("{work:?} under {limit}: {ran:?}");
            if ran.code != Some(0) {
                assert!(matches!(ran.code, Some(4 | 5)), "{what}");
                // Before it aborts, Rust says itself how much it could not have, from each thread.
                let aborts = ran.err.starts_with("memory allocation of ");
                let is_one = ran.err.starts_with("engram: ") && ran.err.lines().count() == 1;
                assert!(is_one || (aborts && ran.err.contains("engram: ")), "{what}");
                assert!(says.iter().any(|part| ran.err.contains(part)), "{what}");
                *ended.entry(work.join(" ")).or_insert(0) += 1;
            }
        }
        sandbox.is_sound();
        let after = sandbox.ok(&["export"]);
        assert!(before.lines().all(|line| after.contains(line)), "under {limit} a memory was lost");
        for work in WORK {
            // With enough of all, there is nothing in the way of doing it again.
            if work[0] != "backup" {
                sandbox.ok(work);
            }
        }
        for id in ["more", "more00000", "more01499"] {
            let _ = sandbox.run(&["forget", id]);
        }
        sandbox.ok(&["remember", "--id", "last", "something to consolidate"]);
    }
    ended
}

#[test]
fn too_few_open_files_end_a_command_with_a_sentence() {
    let limits = (4..16).map(|files| format!("ulimit -n {files}"));
    let ended = tried(limits, &["`ulimit -n`"]);
    assert_eq!(ended.len(), WORK.len(), "each work needs more files than some limit gives: {ended:?}");
}

/// Address space stands for memory: without it, the system gives none.
#[test]
#[cfg(target_os = "linux")]
fn too_little_memory_ends_a_command_with_a_sentence() {
    let megabytes = [16, 64, 200, 262, 264, 266, 268, 272, 276, 280, 290, 300, 320, 350, 400, 520, 600];
    let limits = megabytes.map(|megabytes| format!("ulimit -v {}", megabytes * 1024));
    let ended = tried(limits, &["`ulimit -v`"]);
    assert_eq!(ended.len(), WORK.len(), "each work needs more memory than some limit gives: {ended:?}");
}

/// Reads the store so many times at once, until the sender at the other end goes.
fn hold(engram: &Engram, readers: usize, is_held: &dyn Fn(), release: &Receiver<()>) {
    if readers == 0 {
        is_held();
        let _ = release.recv();
        return;
    }
    engram.with_packed_graph(|_| hold(engram, readers - 1, is_held, release)).unwrap();
}

/// A reader that comes when all places are taken waits for one, and says after ten seconds what to do.
#[test]
fn a_full_table_of_readers_is_waited_for_and_then_said() {
    let sandbox = filled();
    let engram = Engram::open(sandbox.path(".engram")).unwrap();
    thread::scope(|scope| {
        let held = |readers| {
            let ((is_held, wait), (release, released)) = (channel(), channel());
            let engram = &engram;
            let holder = move || hold(engram, readers, &|| is_held.send(()).unwrap(), &released);
            // Each reader has a frame of its own.
            thread::Builder::new().stack_size(256 << 20).spawn_scoped(scope, holder).unwrap();
            wait.recv().unwrap();
            release
        };
        let most = held(READERS - 8);
        sandbox.ok(&["recall", "garden"]);
        let rest = held(8);

        // In another process, and in this one.
        let mut command = sandbox.command(&["recall", "garden"]).spawn().unwrap();
        let here = scope.spawn(|| engram.recall(&engram::Cue::new("garden")).map(|found| found.hits.len()));
        thread::sleep(Duration::from_millis(500));
        assert!(command.try_wait().unwrap().is_none(), "it waits");
        assert!(!here.is_finished(), "it waits");
        drop(rest);
        assert!(here.join().unwrap().unwrap() > 0);
        let ran = Ran::from(command.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(0), "{ran:?}");

        let rest = held(8);
        let here = scope.spawn(|| engram.recall(&engram::Cue::new("garden")).map(drop));
        let says =
            ["4094 are reading it", "wait until some of them are done", "end a program that keeps reading"];
        sandbox.fails(&["recall", "garden"], 4, &says);
        let error = here.join().unwrap().unwrap_err();
        assert!(says.iter().all(|part| error.to_string().contains(part)), "{error}");
        drop((most, rest));
    });
    drop(engram);
    sandbox.ok(&["recall", "garden"]);
    sandbox.is_sound();
}
