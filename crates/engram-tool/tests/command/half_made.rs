//! A process that is killed while it opens a store leaves a half-made lock file. Whoever waited for it must not use that.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, fcntl_lock};

use crate::sandbox::Sandbox;

/// Where LMDB's lock file has the number of the last transaction: behind its magic number and format.
const LAST_TRANSACTION: u64 = 8;

/// Waits until a process waits for a lock.
fn wait_until_blocked(child: &mut Child) {
    let (begun, waiting) = (Instant::now(), format!(" {} ", child.id()));
    loop {
        let locks = fs::read_to_string("/proc/locks").unwrap();
        if locks.lines().any(|line| line.contains("->") && line.contains(&waiting)) {
            return;
        }
        assert!(child.try_wait().unwrap().is_none(), "it did not wait");
        assert!(begun.elapsed() < Duration::from_secs(60), "{locks}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Runs a command that finds the lock file as one process leaves it which LMDB has let in alone, which has begun to
/// make the file anew, and which is killed.
fn run_beside_a_killed_opener(sandbox: &Sandbox, folder: &str, arguments: &[&str]) -> String {
    let path = sandbox.path(folder).join("lock.mdb");
    let opener = File::options().read(true).write(true).open(path).unwrap();
    fcntl_lock(&opener, FlockOperation::LockExclusive).unwrap();
    let mut child = sandbox.command(arguments).spawn().unwrap();
    wait_until_blocked(&mut child);
    opener.write_all_at(&[0; 8], LAST_TRANSACTION).unwrap();
    drop(opener);
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8_lossy(&ended.stdout).into_owned()
}

#[test]
fn a_half_made_lock_file_is_not_used() {
    // After odd and even numbers of transactions, and as a compaction leaves it.
    for writes in 1..=4 {
        for is_compacted in [false, true] {
            let sandbox = Sandbox::new();
            let ids = |writes| (1..=writes).map(|n| n.to_string()).collect::<Vec<_>>();
            for id in ids(writes) {
                sandbox.ok(&["remember", "--id", &id, "a zebra beside the river"]);
            }
            let mut folder = ".engram";
            if is_compacted {
                sandbox.ok(&["consolidate", "--compact"]);
                folder = ".engram/generation-1";
            }
            let listed = run_beside_a_killed_opener(&sandbox, folder, &["export"]);
            assert_eq!(listed.lines().count(), writes, "{listed}");
            let last = (writes + 1).to_string();
            run_beside_a_killed_opener(&sandbox, folder, &["remember", "--id", &last, "another zebra"]);
            assert_eq!(sandbox.ids(), ids(writes + 1));
            sandbox.is_sound();
        }
    }
}
