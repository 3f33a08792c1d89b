//! A page of the map that cannot be read ends a program in the way that it asked for.
#![cfg(unix)]

use std::fs::OpenOptions;
use std::process::Command;

use crate::world::{filled, id, note};

const CHILD: &str = "ENGRAM_TEST_FAULT";

/// Reads from a store whose file is cut off under it; run by the test below, in a process of its own.
#[test]
fn reads_a_store_that_is_cut_off() {
    let Ok(what) = std::env::var(CHILD) else { return };
    let (folder, engram) = filled();
    for at in 0..60 {
        engram.remember(&note(&format!("more{at}"), "", &"a long text ".repeat(500))).unwrap();
    }
    engram::exit_on_fault("the first sentence", 1).unwrap();
    engram::exit_on_fault("a page cannot be read", 42).unwrap();
    let file = OpenOptions::new().write(true).open(folder.path().join("store/data.mdb")).unwrap();
    match what.as_str() {
        "store" => {
            file.set_len(4 * 4096).unwrap();
            let _ = engram.get(&id("more7"));
        }
        "elsewhere" => {
            // Rust's own handler takes the first for a fault that will come again, and leaves the second to the system.
            for _ in 0..2 {
                let status = Command::new("kill").args(["-SEGV", &std::process::id().to_string()]).status();
                assert!(status.unwrap().success());
            }
            // It may come a little later, on another thread.
            std::thread::sleep(std::time::Duration::from_secs(30));
        }
        _ => {}
    }
    unreachable!("the fault came");
}

#[test]
fn a_fault_is_reported_and_those_of_others_are_left_to_them() {
    let child = |what: &str| {
        Command::new(std::env::current_exe().unwrap())
            .args(["faults::reads_a_store_that_is_cut_off", "--exact", "--nocapture"])
            .env(CHILD, what)
            .output()
            .unwrap()
    };
    let ended = child("store");
    assert_eq!(ended.status.code(), Some(42), "{ended:?}");
    assert!(String::from_utf8_lossy(&ended.stderr).ends_with("a page cannot be read\n"), "{ended:?}");
    let ended = child("elsewhere");
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended.status), Some(11), "{ended:?}");
}
