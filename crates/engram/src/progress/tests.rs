use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow::{Break, Continue};
use std::path::Path;
use std::thread::sleep;

use super::*;
use crate::memory::{MemoryId, NewMemory};
use crate::vault::Vault;
use crate::{Changes, Engram, OpenOptions};

/// More than [`COUNTED_TOGETHER`] memories, so that loops count in the middle.
const MEMORIES: u32 = 3000;

fn memory(at: u32) -> NewMemory {
    let words = ["river", "bank", "kettle", "garden", "violin", "harbour", "winter"];
    let text =
        format!("Old {} and {} number{at}.", words[at as usize % 7], words[at as usize % 5].to_uppercase());
    NewMemory::new(MemoryId::new(format!("m{at:05}")).unwrap(), text)
}

/// A store with something to consolidate.
fn store(folder: &Path) -> Engram {
    let engram = Engram::create(folder).unwrap();
    engram.remember_all((0..MEMORIES).map(memory)).unwrap();
    for more in 0..20 {
        engram.remember(&memory(MEMORIES + more)).unwrap();
    }
    engram
}

fn ids(engram: &Engram) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    engram
        .for_each::<Error>(|stored| {
            ids.insert(stored.memory.id.to_string());
            Ok(())
        })
        .unwrap();
    ids
}

#[track_caller]
fn assert_sound(engram: &Engram) {
    let problems = engram.verify().unwrap().problems;
    assert!(problems.is_empty(), "{problems:?}");
}

/// The stages of a call in their order. Checks that each begins with nothing done, and that neither what is done of it nor
/// what was read ever falls.
#[track_caller]
fn stages(reports: &[Progress]) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    let mut last: Option<&Progress> = None;
    for now in reports {
        assert!(now.done <= now.total, "{now:?}");
        let goes_on = last.is_some_and(|last| last.stage == now.stage && last.total == now.total);
        let falls = last.is_some_and(|last| now.done < last.done);
        if !goes_on {
            stages.push(now.stage);
            assert!(now.done == 0 || now.stage == Stage::Reading, "{now:?} begins a stage");
        } else if falls {
            assert_eq!(now.done, 0, "{now:?} after {last:?}");
        }
        if let Some(last) = last {
            let read = |now: &Progress| (now.bytes_done, now.memories);
            assert!(read(last).0 <= read(now).0 && read(last).1 <= read(now).1, "{now:?} after {last:?}");
        }
        last = Some(now);
    }
    stages
}

const PACKING: [Stage; 5] =
    [Stage::Analysing, Stage::Associating, Stage::Gathering, Stage::Writing, Stage::Committing];

#[test]
fn every_stage_of_upkeep_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let engram = store(&folder.path().join("store"));
    let mut reports = Vec::new();
    engram.consolidate_with(&mut |now| reports.push(now)).unwrap();
    assert_eq!(stages(&reports), [&[Stage::Checking], &PACKING[..]].concat());

    reports.clear();
    engram.rebuild_with(&mut |now| reports.push(now)).unwrap();
    let rebuilding = [
        Stage::Checking,
        Stage::Gathering,
        Stage::Analysing,
        Stage::Associating,
        Stage::Writing,
        Stage::Committing,
    ];
    assert_eq!(stages(&reports), rebuilding);

    reports.clear();
    let bytes = engram.compact_with(&mut |now| reports.push(now)).unwrap();
    assert!(bytes.bytes_after < bytes.bytes_before);
    let copying = [Stage::Copying, Stage::Clearing, Stage::Committing, Stage::Checking];
    assert_eq!(stages(&reports), [&[Stage::Checking], &copying[..], &[Stage::Clearing]].concat());

    reports.clear();
    engram.backup_with(folder.path().join("copy"), &mut |now| reports.push(now)).unwrap();
    assert_eq!(stages(&reports), [&[Stage::Checking], &copying[..], &[Stage::Checking]].concat());
    assert_sound(&Engram::open(folder.path().join("copy")).unwrap());
}

#[test]
fn every_stage_of_an_import_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut out = Vec::new();
    store(&folder.path().join("store")).export(&mut out).unwrap();
    let lines = folder.path().join("lines.jsonl");
    fs::write(&lines, &out).unwrap();
    let engram = Engram::create(folder.path().join("other")).unwrap().with_portion_bytes(out.len() / 3);
    let mut reports = Vec::new();
    engram.import(&lines, &mut |now| reports.push(now)).unwrap();
    let stages = stages(&reports);
    for stage in [&[Stage::Reading, Stage::Comparing], &PACKING[..]].concat() {
        assert!(stages.contains(&stage), "{stage}: {stages:?}");
    }
    assert!(stages.iter().filter(|stage| **stage == Stage::Reading).count() >= 3, "{stages:?}");
    // While a portion is packed, what was read is told as well.
    let packing: Vec<_> = reports.iter().filter(|now| now.stage == Stage::Writing).collect();
    assert!(packing.iter().all(|now| now.memories > 0 && now.bytes_done > 0 && now.bytes_total > 0));
    assert_eq!(reports.last().map(|last| (last.stage, last.done)), Some((Stage::Reading, out.len() as u64)));
}

#[test]
fn a_long_stage_is_told_ten_times_a_second() {
    let mut reports = Vec::new();
    let done = watch(
        &mut |now| {
            reports.push(now);
            Continue(())
        },
        |monitor| {
            monitor.begin(Stage::Writing, 100)?;
            while monitor.watched.as_ref().unwrap().account().now.done < 100 {
                monitor.advance(5);
                sleep(BEAT / 5);
            }
            monitor.begin(Stage::Committing, 0)?;
            sleep(BEAT * 3);
            Ok(())
        },
    );
    done.unwrap();
    assert_eq!(stages(&reports), [Stage::Writing, Stage::Committing]);
    let of = |stage| reports.iter().filter(|now| now.stage == stage).count();
    assert!(of(Stage::Writing) >= 3 && of(Stage::Committing) >= 2, "{reports:?}");
}

/// Ends a call at each of its reports in turn, until it is done before; checks after each end.
#[track_caller]
fn end_at_each_report(
    mut call: impl FnMut(&mut dyn FnMut(Progress) -> ControlFlow<()>) -> Result<()>,
    mut after: impl FnMut(&str),
) -> BTreeSet<Stage> {
    let mut ended = BTreeSet::new();
    // A stage may be told of several times before it is left, if the machine is slow.
    for most in 0..10_000 {
        let (mut told, mut last) = (0, None);
        let result = call(&mut |now| {
            last = Some(now);
            told += 1;
            if told > most { Break(()) } else { Continue(()) }
        });
        let what = format!("ended at {last:?}, report {told}");
        match result {
            Ok(()) if told <= most => return ended,
            // What was done could not be ended any more.
            Ok(()) => {}
            Err(Error::Cancelled) => {
                assert!(told > most, "{what}");
                ended.extend(last.map(|last| last.stage));
            }
            Err(Error::Incomplete { source, committed }) => {
                assert!(matches!(*source, Error::Cancelled) && committed.any(), "{what}: {source}");
                ended.extend(last.map(|last| last.stage));
            }
            Err(error) => panic!("{what}: {error}"),
        }
        after(&what);
    }
    panic!("it was never done");
}

#[test]
fn upkeep_that_was_ended_has_changed_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let engram = store(folder.path());
    let all = ids(&engram);
    let generation = || engram.stats().unwrap().generation;
    let before = generation();
    let ended = end_at_each_report(
        |progress| engram.consolidate_with(progress),
        |what| assert!(generation() == before && ids(&engram) == all, "{what}"),
    );
    assert!(ended.is_superset(&PACKING.into()), "{ended:?}");
    assert_eq!(generation(), before + 1);
    assert_sound(&engram);

    let ended = end_at_each_report(
        |progress| engram.rebuild_with(progress),
        |what| assert_eq!(generation(), before + 1, "{what}"),
    );
    assert!(ended.is_superset(&PACKING.into()), "{ended:?}");
    assert_sound(&engram);

    let drafts = || {
        let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with("new-")).count()
    };
    let ended = end_at_each_report(
        |progress| engram.compact_with(progress).map(drop),
        |what| assert!(drafts() == 0 && ids(&engram) == all, "{what}"),
    );
    assert!(ended.is_superset(&[Stage::Copying, Stage::Clearing].into()), "{ended:?}");
    assert_sound(&engram);
    assert_eq!(ids(&engram), all);
}

#[test]
fn an_import_that_was_ended_has_put_in_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let lines: String =
        (0..40).map(|at| format!("{{\"id\":\"m{at}\",\"text\":\"A violin, {at} rivers.\"}}\n")).collect();
    let path = folder.path().join("lines.jsonl");
    fs::write(&path, &lines).unwrap();
    let engram = Engram::create(folder.path().join("store")).unwrap().with_portion_bytes(lines.len() / 2);
    let mut there = 0;
    let ended = end_at_each_report(
        |progress| {
            let done = engram.import(&path, progress);
            let committed = match &done {
                Ok(report) => report.changes,
                Err(Error::Incomplete { committed, .. }) => *committed,
                Err(_) => Changes::default(),
            };
            there += committed.added;
            done.map(drop)
        },
        |_| (),
    );
    assert!(ended.contains(&Stage::Reading) && ended.contains(&Stage::Committing), "{ended:?}");
    assert_eq!((there, ids(&engram).len()), (40, 40));
    assert_sound(&engram);
}

#[test]
fn a_synchronisation_that_was_ended_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    for at in 0..12 {
        fs::write(folder.path().join(format!("n{at:02}.md")), format!("# Note {at}\n\nA violin.\n")).unwrap();
    }
    let vault = Vault::open(folder.path()).unwrap().with_portion_bytes(1 << 10);
    let mut seen = 0;
    let ended = end_at_each_report(
        |progress| vault.synchronise(progress).map(drop),
        |what| {
            let now = ids(vault.engram()).len();
            assert!(now >= seen, "{what}: {now} after {seen}");
            seen = now;
        },
    );
    assert!(ended.contains(&Stage::Reading) && ended.contains(&Stage::Committing), "{ended:?}");
    assert_eq!(ids(vault.engram()).len(), 12);
    assert_sound(vault.engram());
}

#[test]
fn a_store_of_an_older_format_tells_of_each_stage() {
    let folder = tempfile::tempdir().unwrap();
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stores/format-1/data.mdb");
    fs::copy(old, folder.path().join("data.mdb")).unwrap();
    let engram = OpenOptions::new().open(folder.path()).unwrap();
    let mut reports = Vec::new();
    engram.consolidate_with(&mut |now| reports.push(now)).unwrap();
    let stages = stages(&reports);
    for stage in [Stage::Checking, Stage::Gathering, Stage::Analysing, Stage::Writing] {
        assert!(stages.contains(&stage), "{stages:?}");
    }
}

#[test]
fn a_watcher_that_panics_ends_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let engram = store(folder.path());
    let before = engram.stats().unwrap().generation;
    let watched = std::panic::AssertUnwindSafe(|| {
        engram.consolidate_with(&mut |now| {
            if now.stage == Stage::Associating {
                resume_unwind(Box::new("ended"));
            }
        })
    });
    assert!(std::panic::catch_unwind(watched).is_err());
    assert_eq!(engram.stats().unwrap().generation, before);
    engram.consolidate().unwrap();
    assert_sound(&engram);
}

#[test]
fn the_shares_of_a_loop_add_up_to_its_part() {
    for (part, all, done) in
        [(5_000, 10, 10), (10, 5_000, 5_000), (3_000_000, 70_000, 65_000), (0, 0, 3), (7, 9, 0)]
    {
        let mut reports = Vec::new();
        let watched = watch(
            &mut |now| {
                reports.push(now);
                Continue(())
            },
            |monitor| {
                monitor.begin(Stage::Writing, 2 * part)?;
                let mut shares = monitor.shares(part, all);
                (0..done).for_each(|_| shares.add(1));
                drop(shares);
                Ok(monitor.watched.as_ref().map(|watched| watched.account().now.done))
            },
        );
        assert_eq!(watched.unwrap(), Some(part), "{part} {all} {done}");
        stages(&reports);
    }
}
