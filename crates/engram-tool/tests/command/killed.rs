//! Killed at any moment: the store opens, is sound, holds what was committed, and the work goes on.

use std::collections::BTreeSet;
use std::fs;
use std::process::Child;
use std::time::{Duration, Instant};

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
