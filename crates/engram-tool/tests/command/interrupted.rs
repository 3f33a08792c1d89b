//! Ctrl-C at any moment of a long work: the command ends at once, and nothing that was acknowledged is lost.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::sandbox::{Sandbox, memories};

const INTERRUPT: i32 = 2;
const MANY: usize = 5000;
const NOTES: usize = 2000;
/// Moments of each work at which it is interrupted, as far apart from one another: a stage that takes longer than a
/// twelfth of the work is met.
const MOMENTS: u32 = 12;
/// A process that has not ended by then does not end at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether this process ignores the signal, and its children would: one that a shell runs in the background does.
fn is_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|mask| {
        u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & (1 << (INTERRUPT - 1)) != 0)
    })
}

/// The command with the signal as a terminal would leave it.
fn command(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let plain = sandbox.command(arguments);
    if !is_ignored() {
        return plain;
    }
    let mut command = Command::new("env");
    command.arg("--default-signal=INT").arg(plain.get_program()).args(plain.get_args());
    command.current_dir(sandbox.path("")).env_remove("ENGRAM_STORE");
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    command
}

/// Sends one signal, and says whether that ended the process; otherwise it was done before.
#[track_caller]
fn interrupt(mut child: Child) -> bool {
    if child.try_wait().unwrap().is_none() {
        let sent = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap();
        // It may have ended a moment ago.
        let _ = sent;
    }
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("the process goes on after the signal");
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    match (status.code(), status.signal()) {
        (Some(0), _) => false,
        (_, Some(INTERRUPT)) => true,
        _ => panic!("{status}"),
    }
}

/// Interrupts a work at some moments, early ones and late ones. `before` prepares it, and `after` looks at what is left.
fn interrupted_at_moments(sandbox: &Sandbox, arguments: &[&str], before: impl Fn(), after: impl Fn()) {
    before();
    let begun = Instant::now();
    sandbox.ok(arguments);
    let mut whole = begun.elapsed();
    let mut interrupted = 0;
    for moment in 0..MOMENTS {
        // Where the machine is faster now than it was, the moments come sooner.
        for _ in 0..4 {
            before();
            let child = command(sandbox, arguments).spawn().unwrap();
            std::thread::sleep(whole * moment / MOMENTS);
            let was_ended = interrupt(child);
            after();
            if was_ended {
                interrupted += 1;
                break;
            }
            whole = whole * 4 / 5;
        }
    }
    assert!(
        interrupted >= MOMENTS * 3 / 4,
        "{interrupted} of {MOMENTS} were interrupted before they were done"
    );
}

/// The ids that are there, if the store is.
fn ids(sandbox: &Sandbox) -> BTreeSet<String> {
    let listed = sandbox.run(&["list", "--json"]);
    if listed.code == Some(4) {
        // It was interrupted before the store was there.
        listed.failed(4, &["there is no store"]);
        return BTreeSet::new();
    }
    sandbox.is_sound();
    sandbox.ids().into_iter().collect()
}

/// Folders and files of unfinished work in the store's folder.
fn drafts(sandbox: &Sandbox) -> Vec<String> {
    let names = fs::read_dir(sandbox.path(".engram")).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.to_string_lossy().into_owned()).filter(|name| name.starts_with("new-")).collect()
}

#[test]
fn an_import_that_is_interrupted_goes_on() {
    let sandbox = Sandbox::new();
    sandbox.write("many.jsonl", memories("m", MANY, 300));
    let import = ["import", "many.jsonl", "--commit-every", "0.3"];
    let there = RefCell::new(BTreeSet::new());
    let before = || {
        let mut there = there.borrow_mut();
        if there.is_empty() || there.len() == MANY {
            // From the beginning again.
            let _ = fs::remove_dir_all(sandbox.path(".engram"));
            there.clear();
        }
    };
    let after = || {
        let now = ids(&sandbox);
        let lost: Vec<_> = there.borrow().difference(&now).cloned().collect();
        assert!(lost.is_empty(), "{lost:?} are gone");
        there.replace(now);
    };
    interrupted_at_moments(&sandbox, &import, before, after);
    sandbox.ok(&import);
    assert_eq!(ids(&sandbox).len(), MANY);
}

#[test]
fn upkeep_that_is_interrupted_loses_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("many.jsonl", memories("m", MANY, 300));
    sandbox.ok(&["import", "many.jsonl"]);
    let version = Cell::new(0);
    // The last change before each work, which it is to keep.
    let before = || {
        version.set(version.get() + 1);
        sandbox.ok(&["remember", "--id", "more", &format!("version {}.", version.get())]);
    };
    let after = || {
        assert_eq!(ids(&sandbox).len(), MANY + 1);
        assert!(sandbox.ok(&["show", "more"]).contains(&format!("version {}.", version.get())));
    };
    for arguments in [&["consolidate"][..], &["consolidate", "--compact"], &["consolidate", "--rebuild"]] {
        interrupted_at_moments(&sandbox, arguments, before, after);
    }
    // Whatever was left half made goes with the next work of its kind.
    sandbox.ok(&["consolidate", "--compact"]);
    assert_eq!(drafts(&sandbox), [""; 0]);
    sandbox.is_sound();
}

#[test]
fn a_vault_whose_synchronisation_is_interrupted_follows_its_notes() {
    let sandbox = Sandbox::new();
    for note in 0..NOTES {
        let text = "A zebra in the garden, a violin by the river. ".repeat(20);
        sandbox.write(&format!("notes/n{note}.md"), format!("# Note {note}\n\n{text}\n"));
    }
    let recall = ["recall", "--vault", "notes", "zebra"];
    interrupted_at_moments(
        &sandbox,
        &recall,
        || drop(fs::remove_dir_all(sandbox.path("notes/.engram"))),
        || {
            let verified = sandbox.run(&["verify", "--store", "notes/.engram"]);
            if verified.code != Some(0) {
                verified.failed(4, &["there is no store"]);
            }
        },
    );
    sandbox.ok(&recall);
    let listed = sandbox.json(&["list", "--store", "notes/.engram"]);
    assert_eq!(listed["memories"].as_array().unwrap().len(), NOTES);
}
