//! What several processes do to shared stores at once, while some of them are killed, and whether it can have happened.
//!
//! Four workers call the real command: `remember`, `update`, `forget`, `link`, `import`, `consolidate`, `consolidate
//! --compact`, `recall`, `recall --vault`, `export`, `backup`, `list`, `show` and `verify`, on one store and on one folder of notes
//! that they change meanwhile. Some calls are killed with SIGKILL at random moments. Each call is written down with its
//! beginning, its end and what came of it. Then it is asked, as Jepsen does:
//!
//! - Does some order of the acknowledged writes, and of any of the killed ones, explain all that was seen of each memory
//!   ([`register`])? So nothing acknowledged is lost, and nothing forgotten comes back.
//! - Was what is written in one transaction (an import of one portion, the sections of a note) seen whole or not at all?
//! - Did each export, list and recall see one state of the store ([`plain`])?
//! - Did the store of the vault follow the folder ([`vault`])?
//! - Did every `verify` find nothing?
//!
//! ```sh
//! cargo test -p engram-tool --test history                                                    # twenty seconds
//! ENGRAM_HISTORY_SECONDS=300 cargo test -p engram-tool --test history -- --nocapture          # five minutes
//! ENGRAM_HISTORY_SEED=7 cargo test -p engram-tool --test history                              # other moments
//! ```
//!
//! A seed fixes what each worker does and when it kills; the system decides how calls meet. `scenarios` holds meetings
//! that once went wrong.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod plain;
mod plain_work;
#[path = "../process/mod.rs"]
mod process;
mod register;
#[path = "../command/sandbox.rs"]
#[allow(dead_code, reason = "shared with tests that use more of it")]
mod sandbox;
mod scenarios;
mod vault;
mod vault_work;
mod workers;

use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::{Duration, Instant};

use sandbox::announce;
use workers::{Journal, Shared, Worker};

const WORKERS: u64 = 4;
/// How many of a hundred calls are killed.
const KILLS: u64 = 15;
/// The most faults of each sort that are told.
const SHOWN: usize = 8;

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |value| value.parse().expect(name))
}

#[test]
fn every_sight_is_explained_by_an_order_of_the_writes() {
    let seconds = setting("ENGRAM_HISTORY_SECONDS", 20);
    let seed = setting("ENGRAM_HISTORY_SEED", 1);
    let folder = tempfile::tempdir().unwrap();
    let shared = Shared {
        root: folder.path(),
        started: Instant::now(),
        tokens: AtomicU64::new(1),
        weights: AtomicU64::new(17),
    };
    let mut journal = Journal::default();
    let mut first = Worker::new(&shared, WORKERS, seed, 0);
    first.begin_store();
    first.begin_vault();
    journal.merge(first.journal);
    let until = Instant::now() + Duration::from_secs(seconds);
    thread::scope(|scope| {
        let work = |number| {
            let mut worker = Worker::new(&shared, number, seed, KILLS);
            scope.spawn(move || {
                worker.notes_are_known();
                while Instant::now() < until {
                    if worker.chance(65) { worker.work_on_store() } else { worker.work_on_vault() }
                }
                worker.journal
            })
        };
        for worker in (0..WORKERS).map(work).collect::<Vec<_>>() {
            journal.merge(worker.join().unwrap());
        }
    });
    let mut last = Worker::new(&shared, WORKERS + 1, seed, 0);
    last.end_store();
    last.end_vault();
    journal.merge(last.journal);

    let faults = [
        std::mem::take(&mut journal.faults),
        journal.plain.faults(&plain_work::groups()),
        journal.links.faults(&[]),
        journal.vault.faults(),
    ];
    let sums = journal.counts.values().fold([0; 3], |sums, counts| [0, 1, 2].map(|at| sums[at] + counts[at]));
    let summary = format!(
        "seed {seed}, {seconds} s: {} calls done, {} killed, {} refused; {} writes and {} sights of the store, {} \
         synchronisations and {} sights of the vault; by command (done, killed, refused): {:?}",
        sums[0],
        sums[1],
        sums[2],
        journal.plain.writes.len() + journal.links.writes.len(),
        journal.plain.sights.len(),
        journal.vault.synchronisations.len(),
        journal.vault.sights.len(),
        journal.counts,
    );
    announce(&summary);
    let numbers = faults.each_ref().map(Vec::len);
    let shown: Vec<&String> = faults.iter().flat_map(|faults| faults.iter().take(SHOWN)).collect();
    assert!(
        shown.is_empty(),
        "{numbers:?} faults in calls, memories, links and vault; {summary}\n{shown:#?}"
    );
    // What is not done proves nothing.
    assert!(sums[1] >= 10 && journal.counts.values().all(|counts| counts[0] > 0), "{summary}");
    let [done, _, refused] = journal.counts["compact"];
    // The last two had the stores for themselves.
    assert!(done.saturating_sub(2) > refused, "compacting works beside other processes: {summary}");
}
