//! Killed at any moment: the store opens, is sound, holds what was committed, and the work goes on.

use std::collections::BTreeSet;
use std::fs;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::sandbox::{Random, Sandbox, finish, memories};

const KILLS: u32 = 50;
/// Imports that are begun at most, for that many to be killed in time.
const ROUNDS: u32 = 4 * KILLS;
const MEMORIES: usize = 600;

fn ids(sandbox: &Sandbox) -> BTreeSet<String> {
    sandbox.ids().into_iter().collect()
}

fn kill(mut child: Child) -> bool {
    let finished = child.try_wait().unwrap().is_some();
    child.kill().unwrap(); // SIGKILL
    child.wait_with_output().unwrap();
    finished
}

#[test]
fn an_import_is_killed_at_fifty_moments() {
    let sandbox = Sandbox::new();
    sandbox.write("many.jsonl", memories("m", MEMORIES, 250));
    let import = ["import", "many.jsonl", "--commit-every", "0.02"];

    let started = Instant::now();
    sandbox.ok(&import);
    let mut longest = started.elapsed() * 3 / 4;
    sandbox.ok(&["consolidate"]);
    let complete = sandbox.ok(&["export"]);

    let mut random = Random(0x1e57);
    let (mut killed, mut resumed) = (0, 0);
    let mut committed = BTreeSet::new();
    fs::remove_dir_all(sandbox.path(".engram")).unwrap();
    // An import that was done before its moment came does not count.
    for _ in 0..ROUNDS {
        if killed == KILLS {
            break;
        }
        let before = committed.len();
        let child = sandbox.command(&import).spawn().unwrap();
        let moment = Duration::from_micros(random.below(longest.as_micros().max(1) as u64));
        // Half of the time someone reads meanwhile; what they saw had been committed.
        if random.below(2) == 0 {
            std::thread::sleep(moment / 2);
            let seen = finish(&mut sandbox.command(&["list", "--json"]), b"");
            if seen.code == Some(0) {
                let seen: serde_json::Value = serde_json::from_str(&seen.out).unwrap();
                let seen = seen["memories"].as_array().unwrap().iter();
                committed.extend(seen.map(|memory| memory["id"].as_str().unwrap().to_owned()));
            } else {
                seen.failed(4, &["there is no store"]);
            }
            std::thread::sleep(moment / 2);
        } else {
            std::thread::sleep(moment);
        }
        let finished = kill(child);
        killed += u32::from(!finished);
        let verified = sandbox.run(&["verify"]);
        if committed.is_empty() && verified.code == Some(4) {
            // Before the first commit there is a file at most.
            verified.failed(4, &["there is no store"]);
        } else {
            assert_eq!(verified.code, Some(0), "{verified:?}");
            let now = ids(&sandbox);
            assert!(now.is_superset(&committed), "{:?} are gone", committed.difference(&now));
            resumed += u32::from(now.len() > before && before > 0);
            committed = now;
        }
        // Where a machine is faster or slower now than it was, the moments come sooner or later.
        if finished {
            longest = longest * 3 / 4;
        } else if committed.len() == before {
            longest = longest * 9 / 8;
        }
        if finished || committed.len() == MEMORIES {
            // From the beginning again.
            fs::remove_dir_all(sandbox.path(".engram")).unwrap();
            committed.clear();
        }
    }
    assert_eq!(killed, KILLS, "of {ROUNDS} imports, all others were done before their moment came");
    assert!(resumed >= 3, "{resumed} went on where another had stopped");

    sandbox.ok(&import);
    sandbox.ok(&["consolidate"]);
    assert_eq!(sandbox.ok(&["export"]), complete);
    sandbox.is_sound();
}

#[test]
fn upkeep_is_killed_at_ten_moments() {
    let sandbox = Sandbox::new();
    sandbox.write("many.jsonl", memories("m", 900, 250));
    sandbox.ok(&["import", "many.jsonl"]);
    let complete = sandbox.ok(&["export"]);
    let mut random = Random(11);
    for round in 0..10 {
        let started = Instant::now();
        sandbox.ok(&["consolidate", "--compact"]);
        let whole = started.elapsed();
        sandbox.ok(&["remember", "--id", "more", &format!("version {round}")]);
        let command: &[&str] = if round % 2 == 0 { &["consolidate", "--compact"] } else { &["consolidate"] };
        let child = sandbox.command(command).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(random.below(whole.as_micros() as u64)));
        kill(child);
        sandbox.is_sound();
        sandbox.ok(&["forget", "more"]);
        assert_eq!(sandbox.ok(&["export"]), complete);
    }
}

/// What a store holds, without the times at which it came to.
fn held(sandbox: &Sandbox, store: &str) -> Vec<Value> {
    let lines = sandbox.ok(&["export", "--store", store]);
    let lines = lines.lines().map(|line| {
        let mut memory: Value = serde_json::from_str(line).unwrap();
        memory.as_object_mut().unwrap().remove("time");
        memory
    });
    lines.collect()
}

/// Checks that after one more recall the vault's store holds what one made freshly from the notes holds.
#[track_caller]
fn follows_its_notes(sandbox: &Sandbox) {
    let recall = ["recall", "--vault", "notes", "zebra"];
    sandbox.ok(&recall);
    let _ = fs::remove_dir_all(sandbox.path("fresh"));
    sandbox.ok(&[&recall[..], &["--store", "fresh"]].concat());
    let ids = |memories: &[Value]| memories.iter().map(|memory| memory["id"].to_string()).collect::<Vec<_>>();
    let (has, should) = (held(sandbox, "notes/.engram"), held(sandbox, "fresh"));
    assert_eq!(ids(&has), ids(&should));
    assert!(has == should, "the same ids with other contents");
    sandbox.ok(&["verify", "--store", "notes/.engram"]);
}

/// Killed after its first commit of several; then a note goes and another one is renamed.
#[test]
fn a_vault_is_killed_between_two_commits() {
    let sandbox = Sandbox::new();
    let paragraph = "A zebra crossed the garden by the river while the letter lay in the winter market.\n\n";
    for at in 0..24 {
        let text = paragraph.repeat(1_000_000 / paragraph.len());
        sandbox.write(&format!("notes/n{at:02}.md"), format!("# Note {at}\n\nNumber {at}.\n\n{text}"));
    }
    let recall = ["recall", "--vault", "notes", "zebra"];
    let memories = || {
        let ran = sandbox.run(&["stats", "--json", "--store", "notes/.engram"]);
        let stats: Option<Value> = serde_json::from_str(&ran.out).ok();
        stats.and_then(|stats| stats["memories"].as_u64()).unwrap_or(0)
    };
    // Sooner or later after the file has begun to grow, until it is a moment between the first commit and the last.
    let is_between = (0..40).any(|attempt| {
        let _ = fs::remove_dir_all(sandbox.path("notes/.engram"));
        let mut child = sandbox.command(&recall).spawn().unwrap();
        let is_large =
            || fs::metadata(sandbox.path("notes/.engram/data.mdb")).is_ok_and(|m| m.len() > 8 << 20);
        while !is_large() && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(attempt % 8 * 20));
        let was_done = kill(child);
        let lacks_the_last = sandbox.run(&["show", "n23.md", "--store", "notes/.engram"]).code == Some(1);
        !was_done && memories() > 0 && lacks_the_last
    });
    assert!(is_between, "none of 40 calls was killed between two commits");
    fs::remove_file(sandbox.path("notes/n00.md")).unwrap();
    fs::rename(sandbox.path("notes/n01.md"), sandbox.path("notes/renamed.md")).unwrap();
    follows_its_notes(&sandbox);
}

#[test]
fn a_vault_is_killed_at_forty_moments_and_its_notes_change() {
    let sandbox = Sandbox::new();
    let mut random = Random(0xfa17);
    let mut names: Vec<String> = Vec::new();
    let recall = ["recall", "--vault", "notes", "zebra"];
    let mut longest = Duration::from_millis(100);
    let mut killed = 0;
    for round in 0..4 * 40 {
        for step in 0..8 {
            let text =
                format!("# Note {round} {step}\n\nA zebra, a garden and the number {}.\n", random.next());
            let at = random.below(names.len().max(1) as u64) as usize;
            match random.below(4) {
                0 if !names.is_empty() => {
                    fs::remove_file(sandbox.path(&names.swap_remove(at))).unwrap();
                }
                1 if !names.is_empty() => {
                    let name = format!("notes/moved{round}-{step}.md");
                    fs::rename(sandbox.path(&names[at]), sandbox.path(&name)).unwrap();
                    names[at] = name;
                }
                2 if !names.is_empty() => {
                    sandbox.write(&names[at], text);
                }
                _ => {
                    let name = format!("notes/n{round}-{step}.md");
                    sandbox.write(&name, text);
                    names.push(name);
                }
            }
        }
        let child = sandbox.command(&recall).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(random.below(longest.as_micros() as u64)));
        if kill(child) {
            longest = longest * 3 / 4;
        } else {
            longest = longest * 9 / 8;
            killed += 1;
        }
        if killed % 10 == 0 {
            follows_its_notes(&sandbox);
        }
        if killed == 40 {
            return;
        }
    }
    panic!("{killed} of 160 were killed before they were done");
}
