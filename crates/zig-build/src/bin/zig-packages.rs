//! Prints the packages that a `build.zig.zon` names, for who wants to have them beside the crate.

use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: zig-packages ZIG-FOLDER [PACKAGES]

Prints the packages that ZIG-FOLDER/build.zig.zon names, each with its hash, its address and the state of it, and those
that they name in turn, as far as they are there. PACKAGES is the folder of `Build::packages`; without it they are looked
for in ZIG-FOLDER/zig-pkg, where Zig 0.16 puts them. The exit code is 1 where one is missing that is not lazy.";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    // Where nobody reads what is said, the exit code still tells.
    run(&arguments, &mut io::stdout().lock(), &mut io::stderr().lock()).unwrap_or(ExitCode::from(2))
}

fn run(arguments: &[String], out: &mut impl Write, error: &mut impl Write) -> io::Result<ExitCode> {
    let (zig, vendored) = match arguments {
        [zig] if !zig.starts_with('-') => (Path::new(zig), Path::new(zig).join("zig-pkg")),
        [zig, packages] if !zig.starts_with('-') => (Path::new(zig), packages.into()),
        _ => {
            writeln!(error, "{USAGE}")?;
            return Ok(ExitCode::from(2));
        }
    };
    let packages = match zig_build::packages(zig, &[&vendored]) {
        Ok(packages) => packages,
        Err(reason) => {
            writeln!(error, "zig-packages: {reason}")?;
            return Ok(ExitCode::from(2));
        }
    };
    for package in &packages {
        let state = match (&package.found, package.lazy) {
            (Some(_), _) => "there",
            (None, true) => "lazy",
            (None, false) => "missing",
        };
        writeln!(out, "{state:8}{}\t{}", package.hash, package.url)?;
    }
    if !packages.iter().any(|package| package.found.is_none() && !package.lazy) {
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(error, "To fetch them: {}", zig_build::how_to_fetch(zig, &vendored))?;
    Ok(ExitCode::FAILURE)
}
