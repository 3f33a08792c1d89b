//! Two processes that import and recall at once: nothing lost, no wrong answer, no dead-lock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::sandbox::{Sandbox, memories};

#[test]
fn two_importers_and_two_readers_get_along() {
    let sandbox = Sandbox::new();
    sandbox.write("one.jsonl", memories("one", 500, 200));
    sandbox.write("two.jsonl", memories("two", 500, 200));
    sandbox.ok(&["remember", "--id", "zebra", "--title", "Zebra", "A zebra is striped."]);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let import = |file: &'static str| {
            let sandbox = &sandbox;
            scope.spawn(move || sandbox.ok(&["import", file, "--commit-every", "0.02"]))
        };
        let importers = [import("one.jsonl"), import("two.jsonl")];
        let readers = [false, true].map(|reinforce| {
            let (sandbox, done) = (&sandbox, &done);
            scope.spawn(move || {
                // Some at least, however late the machine begins with them.
                for at in 0.. {
                    if at >= 2 && done.load(Ordering::Relaxed) {
                        break;
                    }
                    let mut arguments = vec!["recall", "striped zebra"];
                    if reinforce {
                        arguments.push("--reinforce");
                    }
                    let answer = sandbox.json(&arguments);
                    assert_eq!(answer["hits"][0]["id"], "zebra", "{answer}");
                }
            })
        });
        let imported: Vec<String> = importers.into_iter().map(|importer| importer.join().unwrap()).collect();
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            reader.join().unwrap();
        }
        assert!(
            imported.iter().all(|line| line.starts_with("500 added, 0 updated, 0 unchanged")),
            "{imported:?}"
        );
    });
    assert_eq!(sandbox.ids().len(), 1001);
    sandbox.is_sound();
    let shown: serde_json::Value = sandbox.json(&["show", "zebra"]);
    assert!(shown["recalls"].as_u64().unwrap() > 0, "{shown}");
}

#[test]
fn two_processes_keep_one_vault_in_step() {
    let sandbox = Sandbox::new();
    for i in 0..40 {
        sandbox.write(&format!("notes/note{i}.md"), format!("# Note {i}\n\nAbout zebra number {i}.\n"));
    }
    thread::scope(|scope| {
        let calls: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| sandbox.json(&["recall", "--vault", "notes", "zebra number 7"])))
            .collect();
        for call in calls {
            assert_eq!(call.join().unwrap()["hits"].as_array().unwrap().len(), 10);
        }
    });
    sandbox.ok(&["verify", "--store", "notes/.engram"]);
    assert_eq!(sandbox.json(&["stats", "--store", "notes/.engram"])["memories"], 40);
}

/// Two processes follow one folder in which notes go, move and change; then a third finds nothing amiss.
#[test]
fn two_processes_follow_notes_that_move() {
    let sandbox = Sandbox::new();
    for i in 0..30 {
        sandbox.write(&format!("notes/note{i}.md"), format!("# Note {i}\n\nAbout zebra number {i}.\n"));
    }
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let followers = [0, 1].map(|_| {
            scope.spawn(|| {
                let mut calls = 0;
                while calls < 3 || !done.load(Ordering::Relaxed) {
                    let ran = sandbox.run(&["recall", "--vault", "notes", "zebra number 7"]);
                    assert_eq!(ran.code, Some(0), "{ran:?}");
                    calls += 1;
                }
            })
        });
        for i in 0..30 {
            let note = sandbox.path(&format!("notes/note{i}.md"));
            match i % 3 {
                0 => std::fs::remove_file(note).unwrap(),
                1 => std::fs::rename(note, sandbox.path(&format!("notes/moved{i}.md"))).unwrap(),
                _ => drop(sandbox.write(&format!("notes/note{i}.md"), format!("Now a lion, number {i}.\n"))),
            }
            thread::sleep(std::time::Duration::from_millis(10));
        }
        done.store(true, Ordering::Relaxed);
        for follower in followers {
            follower.join().unwrap();
        }
    });
    sandbox.ok(&["recall", "--vault", "notes", "zebra"]);
    sandbox.ok(&["recall", "--vault", "notes", "--store", "fresh", "zebra"]);
    let held = |store: &str| {
        let listed = sandbox.json(&["list", "--store", store]);
        let memories = listed["memories"].as_array().unwrap().iter();
        memories.map(|memory| (memory["id"].to_string(), memory["title"].to_string())).collect::<Vec<_>>()
    };
    let followed = held("notes/.engram");
    assert_eq!((followed.len(), followed), (20, held("fresh")));
    sandbox.ok(&["verify", "--store", "notes/.engram"]);
}
