//! Builds the example's kernel with a real Zig for every target that rustc lists, and holds each library against the
//! symbol rules: the proof of the target table, of the feature table, and of the readers of object files. `libraries.txt` in the folder
//! for output then lists each target with the path of its library.
//!
//! Zig is found as in any build. Run by `tests/real_zig/run.sh`:
//!
//! ```sh
//! cargo run -p zig-build --example every_target -- FOLDER_FOR_OUTPUT
//! ```
#![allow(clippy::print_stdout, reason = "a program: its output is its result")]

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use zig_build::{Build, Error};

/// The table holds 108 that Zig serves; a compiler at hand may be older or newer than the table. Tier-3 targets are
/// refused, and not counted.
const SERVED_MIN: usize = 100;

/// What the kernel needs: `memset`, and addition and multiplication where the target has no floating-point unit.
const ALLOWED: [&str; 5] = ["memset", "__addsf3", "__mulsf3", "__aeabi_fadd", "__aeabi_fmul"];

fn rustc(arguments: &[&str]) -> Result<String, Box<dyn std::error::Error>> {
    let output = Command::new("rustc").args(arguments).output()?;
    Ok(String::from_utf8(output.stdout)?)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let out = std::env::args_os().nth(1).ok_or("usage: every_target FOLDER_FOR_OUTPUT")?;
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("example");
    let (mut served, mut zig) = (Vec::new(), None);
    for target in rustc(&["--print", "target-list"])?.lines() {
        let cfg = rustc(&["--print", "cfg", "--target", target])?;
        let features: Vec<_> =
            cfg.lines().filter_map(|l| l.strip_prefix("target_feature=\"")?.strip_suffix('"')).collect();
        let mut variables: Vec<(OsString, OsString)> = std::env::vars_os().collect();
        variables.extend([
            ("CARGO_MANIFEST_DIR".into(), package.clone().into()),
            // One local cache serves every target, and Zig compiles its build runner once.
            ("OUT_DIR".into(), out.clone()),
            ("TARGET".into(), target.into()),
            ("HOST".into(), "not the target".into()),
            ("OPT_LEVEL".into(), "3".into()),
            ("CARGO_CFG_TARGET_FEATURE".into(), features.join(",").into()),
        ]);
        let mut build = Build::new("zig");
        build.library("example_kernels").symbol_prefix("example_").allow_undefined(ALLOWED);
        match build.environment(variables).try_build_to(&mut Vec::new()) {
            Ok(artifact) => {
                zig = artifact.zig_version();
                served.push(format!("{target} {}", artifact.path().unwrap_or(Path::new("")).display()));
            }
            Err(Error::UnsupportedTarget { .. }) => {}
            Err(error) => return Err(format!("{target}: {error}").into()),
        }
    }
    if served.len() < SERVED_MIN {
        return Err(format!("only {} targets were served: {served:?}", served.len()).into());
    }
    std::fs::write(Path::new(&out).join("libraries.txt"), served.join("\n") + "\n")?;
    println!("zig {}: {} targets built and checked", zig.ok_or("no target was served")?, served.len());
    Ok(())
}
