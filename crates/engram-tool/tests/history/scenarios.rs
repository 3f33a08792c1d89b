//! Meetings of processes that once destroyed a store or kept what was deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::plain_work::line;
use crate::process::{self, End, Ended, engram};
use crate::sandbox::{Random, announce, memories};
use crate::workers::exported;

const PATIENCE: Duration = Duration::from_secs(60);

fn run(root: &Path, arguments: &[&str]) -> Ended {
    process::run(&mut engram(root, arguments), PATIENCE)
}

#[track_caller]
fn ok(root: &Path, arguments: &[&str]) -> Ended {
    let ended = run(root, arguments);
    assert!(ended.is(0), "{arguments:?}: {ended:?}");
    ended
}

/// An opener that waits while a compaction puts a new file in place must go on with the new one, whatever numbers its
/// transactions have.
#[test]
fn a_compaction_beside_a_writer_loses_nothing() {
    const SECONDS: u64 = 6;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let before: String = (0..50).map(|at| line(&format!("before{at}"), "garden river", "Stone")).collect();
    fs::write(root.join("before.jsonl"), before).unwrap();
    ok(root, &["import", "before.jsonl"]);
    ok(root, &["consolidate"]);

    let until = Instant::now() + Duration::from_secs(SECONDS);
    let (written, compacted) = thread::scope(|scope| {
        let compacting = scope.spawn(|| {
            let mut compacted = 0;
            while Instant::now() < until {
                let ended = run(root, &["consolidate", "--compact"]);
                assert!(ended.is(0) || ended.is_refusal(), "{ended:?}");
                compacted += u32::from(ended.is(0));
            }
            compacted
        });
        let mut written = BTreeSet::new();
        while Instant::now() < until {
            let id = format!("new{}", written.len());
            ok(root, &["remember", "--id", &id, &format!("a new garden {id}")]);
            written.insert(id);
        }
        (written, compacting.join().unwrap())
    });
    let there = exported(&ok(root, &["export"]).out).unwrap();
    let lost: Vec<&String> = written.iter().filter(|id| !there.contains_key(*id)).collect();
    let old = there.keys().filter(|id| id.starts_with("before")).count();
    assert!(
        lost.is_empty() && old == 50,
        "{} of {} acknowledged memories are lost, and {} of 50 that were there before; {compacted} compactions",
        lost.len(),
        written.len(),
        50 - old
    );
    ok(root, &["verify"]);
}

/// Two compactions, one of them killed: the other must not take the half of a copy for its own.
#[test]
fn of_two_compactions_one_is_killed() {
    const ROUNDS: u64 = 45;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("many.jsonl"), memories("m", 8000, 900)).unwrap();
    ok(root, &["import", "many.jsonl"]);
    ok(root, &["consolidate", "--compact"]);
    let complete = ok(root, &["export"]).out;
    let started = Instant::now();
    ok(root, &["consolidate", "--compact"]);
    let whole = started.elapsed();
    let mut random = Random(0xc0);
    // The second begins while the first is at work, and is killed before that one is done.
    let mut within = |most: Duration| Duration::from_micros(random.below(most.as_micros().max(1) as u64));
    let mut killed = 0;
    for round in 0..ROUNDS {
        let compact = || engram(root, &["consolidate", "--compact"]);
        let later = within(whole * 2 / 5);
        let moment = Duration::from_millis(3) + within(whole - later);
        let (other, victim) = thread::scope(|scope| {
            let other = scope.spawn(|| process::run(&mut compact(), PATIENCE));
            thread::sleep(later);
            let victim = process::run_and_kill(&mut compact(), moment, PATIENCE);
            (other.join().unwrap(), victim)
        });
        killed += u32::from(victim.end == End::Killed);
        for ended in [&other, &victim] {
            let is_fine = ended.is(0) || ended.is_refusal() || ended.end == End::Killed;
            assert!(is_fine, "round {round}: {ended:?}");
        }
        let exported = run(root, &["export"]);
        let is_whole = exported.out == complete && exported.is(0);
        assert!(
            is_whole,
            "round {round}: the store is destroyed: {} of {} bytes exported, {}; one compaction ended with {:?}, the other \
             with {:?}",
            exported.out.len(),
            complete.len(),
            exported.err,
            other.end,
            victim.end,
        );
    }
    assert!(killed >= 5, "{killed} of {ROUNDS} were killed in time");
    ok(root, &["consolidate", "--compact"]);
    ok(root, &["verify"]);
    // What killed ones have left behind is cleared, and old files went with their last readers.
    let (all, largest) = sizes(&root.join(".engram"));
    assert!(
        all < largest + largest / 2 + 100_000,
        "{all} bytes in the folder, {largest} in its largest file"
    );
}

/// The bytes of all files below a folder, and of the largest.
fn sizes(folder: &Path) -> (u64, u64) {
    let (mut all, mut largest) = (0, 0);
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let (below, most) = if path.is_dir() {
            sizes(&path)
        } else {
            let bytes = path.metadata().unwrap().len();
            (bytes, bytes)
        };
        (all, largest) = (all + below, largest.max(most));
    }
    (all, largest)
}

/// A synchronisation that is killed between two of its commits: what it had put in and is then deleted or renamed in the
/// folder goes with the next one.
#[test]
fn a_synchronisation_is_killed_after_its_first_commit() {
    const NOTES: usize = 24;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("notes")).unwrap();
    let paragraph = "garden river letter winter market music bridge teacher village paper. ".repeat(50);
    for at in 0..NOTES {
        let rest = format!("{paragraph}\n\n").repeat(1_000_000 / paragraph.len());
        let note = format!("---\ntitle: Plot {at}\n---\n\nzebra number{at}\n\n{rest}");
        fs::write(root.join(format!("notes/note{at:02}.md")), note).unwrap();
    }
    let recall = ["recall", "--json", "--mode", "words", "--vault", "notes", "-k", "100", "zebra"];
    let is_over = AtomicBool::new(false);
    let (committed, ended) = thread::scope(|scope| {
        let mut child = engram(root, &recall).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let watching = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let ended = run(root, &["stats", "--json", "--store", "notes/.engram"]);
                let stats: Option<Value> = serde_json::from_slice(&ended.out).ok();
                let memories = stats.and_then(|stats| stats["memories"].as_u64()).unwrap_or(0);
                if ended.is(0) && memories > 0 {
                    return memories;
                }
                thread::sleep(Duration::from_millis(5));
            }
            0
        });
        let started = Instant::now();
        let ended = loop {
            if watching.is_finished() {
                // It may have ended a moment ago, which is no failure.
                let _ = child.kill();
                break child.wait().unwrap();
            }
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            assert!(started.elapsed() < PATIENCE);
            thread::sleep(Duration::from_millis(1));
        };
        is_over.store(true, Ordering::Relaxed);
        (watching.join().unwrap(), ended)
    });
    if committed == 0 || ended.success() {
        announce("a synchronisation of 24 MB had no commit before its last, so none was killed after one");
    }
    fs::remove_file(root.join("notes/note00.md")).unwrap();
    fs::rename(root.join("notes/note01.md"), root.join("notes/renamed.md")).unwrap();
    let answer: Value = serde_json::from_slice(&ok(root, &recall).out).unwrap();
    let hits = answer["hits"].as_array().unwrap().iter();
    let mut found: Vec<&str> = hits.map(|hit| hit["id"].as_str().unwrap()).collect();
    found.sort_unstable();
    let mut expected: Vec<String> = (2..NOTES).map(|at| format!("note{at:02}.md")).collect();
    expected.push("renamed.md".to_owned());
    assert_eq!(found, expected, "killed when {committed} memories were there");
    let exported = exported(&ok(root, &["export", "--store", "notes/.engram"]).out).unwrap();
    let gone = exported.keys().filter(|id| id.starts_with("note00.md") || id.starts_with("note01.md"));
    assert_eq!(gone.count(), 0, "nothing of what is gone is exported");
    let mut sources: BTreeMap<&str, u32> = BTreeMap::new();
    for memory in exported.values() {
        *sources.entry(memory["source"].as_str().unwrap()).or_default() += 1;
    }
    assert_eq!(sources.len(), NOTES - 1);
    ok(root, &["verify", "--store", "notes/.engram"]);
}
