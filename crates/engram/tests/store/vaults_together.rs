//! Several processes synchronise one vault while its notes change.

use std::sync::atomic::{AtomicBool, Ordering};

use engram::Vault;

use crate::folder::{Notes, cut_off, holds, long_note};
use crate::world::{NOW, id};

/// Runs `meanwhile` within one synchronisation, when it reports that it has found so many memories.
fn synchronise_around(vault: &Vault, memories: u64, meanwhile: impl Fn()) {
    let mut is_done = false;
    vault
        .synchronise(&mut |progress| {
            if progress.memories >= memories && !is_done {
                is_done = true;
                meanwhile();
            }
        })
        .unwrap();
    assert!(is_done);
}

fn text(vault: &Vault, name: &str) -> Option<String> {
    vault.engram().get(&id(name)).unwrap().map(|stored| stored.memory.text)
}

/// What another process has taken in later is not put back to what this one had read before.
#[test]
fn an_older_reading_does_not_undo_a_newer_one() {
    let notes = Notes::new();
    for name in ["a.md", "b.md", "c.md"] {
        notes.write(name, &format!("{name} as it was."));
    }
    let (vault, other) = (notes.vault(), notes.vault());
    vault.synchronise(&mut |_| {}).unwrap();
    for name in ["a.md", "b.md", "c.md"] {
        notes.write(name, &long_note("Edited", &["Once"]));
    }
    for memories in 1..=6 {
        synchronise_around(&vault, memories, || {
            for name in ["a.md", "b.md", "c.md"] {
                notes.write(name, &format!("{name}, edited by {memories} others."));
            }
            other.synchronise(&mut |_| {}).unwrap();
        });
        for name in ["a.md", "b.md", "c.md"] {
            let expected = format!("{name}, edited by {memories} others.");
            assert_eq!(text(&vault, name), Some(expected), "{name}, {memories}");
        }
        notes.is_followed_by(&vault, "after both");
        for name in ["a.md", "b.md", "c.md"] {
            notes.write(name, &long_note("Edited", &[&format!("Again {memories}")]));
        }
    }
}

/// A note that was gone when this process looked, and that another has taken in since, stays.
#[test]
fn a_note_that_is_back_is_not_forgotten() {
    let notes = Notes::new();
    notes.write("a.md", "Away and back.");
    notes.write("z.md", "Stays.");
    let (vault, other) = (notes.vault(), notes.vault());
    vault.synchronise(&mut |_| {}).unwrap();
    notes.remove("a.md");
    notes.write("m.md", "New.");
    synchronise_around(&vault, 1, || {
        notes.write("a.md", "Back with another text.");
        other.synchronise(&mut |_| {}).unwrap();
    });
    assert_eq!(text(&vault, "a.md").as_deref(), Some("Back with another text."));
    notes.is_followed_by(&vault, "after both");
}

/// The same where it comes back at the last moment: between the decision to forget it and the commit of that.
#[test]
fn a_note_that_is_back_at_the_last_moment_is_not_forgotten() {
    let notes = Notes::new();
    notes.write("a.md", "Away and back.");
    let (vault, other) = (notes.vault(), notes.vault());
    vault.synchronise(&mut |_| {}).unwrap();
    notes.remove("a.md");
    synchronise_around(&vault, 0, || {
        notes.write("a.md", "Back with another text.");
        other.synchronise(&mut |_| {}).unwrap();
    });
    assert_eq!(text(&vault, "a.md").as_deref(), Some("Back with another text."));
    notes.is_followed_by(&vault, "after both");
}

/// What was taken for the old name of a note is a note again, and another process has taken that in.
#[test]
fn a_note_that_took_back_its_old_name_is_not_forgotten() {
    let notes = Notes::new();
    notes.write("a.md", "What was renamed.");
    let (vault, other) = (notes.vault(), notes.vault());
    vault.synchronise(&mut |_| {}).unwrap();
    notes.rename("a.md", "b.md");
    synchronise_around(&vault, 1, || {
        notes.remove("b.md");
        notes.write("a.md", "Something else.");
        other.synchronise(&mut |_| {}).unwrap();
        notes.write("b.md", "What was renamed.");
    });
    assert_eq!(text(&vault, "a.md").as_deref(), Some("Something else."));
    notes.is_followed_by(&vault, "after both");
}

/// A note that moves into a folder that was looked at, from one that was not yet, is not seen in either.
#[test]
fn a_note_that_moves_while_the_folder_is_looked_at_keeps_its_history() {
    let notes = Notes::new();
    for folder in ["one", "two"] {
        for at in 0..300 {
            notes.write(&format!("{folder}/{at}.md"), &format!("What {folder} {at} says."));
        }
    }
    let vault = Vault::open(notes.path("")).unwrap();
    vault.synchronise(&mut |_| {}).unwrap();
    // Which of them is looked at first is up to the file system.
    let folders = std::fs::read_dir(notes.path("")).unwrap();
    let mut folders = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let first = folders.find(|name| !name.starts_with('.')).unwrap();
    let second = if first == "one" { "two" } else { "one" };
    let (from, to) = (format!("{second}/7.md"), format!("{first}/moved.md"));
    vault.engram().reinforce(&[id(&from)], NOW).unwrap();
    // The first report comes after 256 files.
    synchronise_around(&vault, 0, || notes.rename(&from, &to));
    vault.synchronise(&mut |_| {}).unwrap();
    let stored = vault.engram().get(&id(&to)).unwrap();
    assert_eq!(stored.map(|stored| stored.history.recalls), Some(1));
    notes.is_followed_by(&vault, "after both");
}

/// A note that is renamed while the folder is looked at, or read, keeps its history.
#[test]
fn a_note_that_is_renamed_meanwhile_keeps_its_history() {
    let notes = Notes::new();
    for name in ["a.md", "b.md", "k.md"] {
        notes.write(name, &format!("What {name} says."));
    }
    let (vault, other) = (notes.vault(), notes.vault());
    vault.synchronise(&mut |_| {}).unwrap();
    vault.engram().reinforce(&["a.md", "b.md", "k.md"].map(id), NOW).unwrap();
    // Gone when the one process looks; the other sees it arrive.
    notes.rename("a.md", "c.md");
    notes.write("new.md", "New.");
    synchronise_around(&vault, 1, || {
        notes.rename("c.md", "d.md");
        other.synchronise(&mut |_| {}).unwrap();
        notes.rename("k.md", "0.md");
    });
    vault.synchronise(&mut |_| {}).unwrap();
    for name in ["d.md", "b.md", "0.md"] {
        let stored = vault.engram().get(&id(name)).unwrap();
        assert_eq!(stored.map(|stored| stored.history.recalls), Some(1), "{name}");
    }
    notes.is_followed_by(&vault, "after all");
}

/// SplitMix64 (Steele, Lea and Flood, 2014): the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

/// Two synchronise again and again, are cut off now and then, and notes come, go, move and change all the while.
#[test]
fn two_follow_a_folder_that_never_rests() {
    for seed in 0..4 {
        let notes = Notes::new();
        let names: Vec<String> = (0..12).map(|at| format!("{}/{at}.md", ["one", "two"][at % 2])).collect();
        for name in &names {
            notes.write(name, &format!("# {name}\n\nThe first text of {name}."));
        }
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for thread in 0..2 {
                let (notes, done) = (&notes, &done);
                scope.spawn(move || {
                    let mut random = Random(100 * seed + thread);
                    while !done.load(Ordering::Relaxed) {
                        let vault = notes.vault();
                        cut_off(&vault, random.below(30));
                    }
                });
            }
            let mut random = Random(1000 + seed);
            for step in 0..150 {
                let name = &names[random.below(names.len())];
                let is_there = holds(&notes.path(""), name);
                match random.below(4) {
                    0 if is_there => notes.remove(name),
                    1 if is_there => {
                        let to = &names[random.below(names.len())];
                        notes.rename(name, to);
                    }
                    2 => notes.write(name, &long_note(name, &["Same", &format!("Step {step}")])),
                    _ => notes.write(name, &format!("# {name}\n\nThe text of step {step}.")),
                }
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            done.store(true, Ordering::Relaxed);
        });
        let vault = notes.vault();
        vault.synchronise(&mut |_| {}).unwrap();
        notes.is_followed_by(&vault, &format!("seed {seed}"));
    }
}
