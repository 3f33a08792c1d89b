//! The C interface: a program in C includes the header, links the archive that this build linked, and
//! runs the golden vectors.
#![cfg(all(engram_zig, unix))]
#![allow(clippy::unwrap_used, reason = "the helpers of tests may panic, as tests do")]

use std::path::Path;
use std::process::Command;

#[test]
fn a_program_in_c_gets_the_golden_vectors() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("golden_vectors");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let compiled = Command::new(&compiler)
        .args(["-std=c11", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"])
        .arg(package.join("include"))
        .arg("-o")
        .arg(&program)
        .arg(package.join("tests/golden_vectors.c"))
        .arg(env!("ENGRAM_KERNELS_ARCHIVE"))
        .output()
        .unwrap_or_else(|error| panic!("cannot run the C compiler `{compiler}`: {error}; set CC to one"));
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));

    let run = Command::new(&program).arg(package.join("vectors")).output().unwrap();
    let printed = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{printed}{}", String::from_utf8_lossy(&run.stderr));
    assert!(printed.contains(" 0 wrong"), "{printed}");
}
