//! One Zig file, compiled without a `build.zig`: `zig build-lib`, told what a Rust program needs.
//!
//! It does without Zig's build runner, which each version compiles before the first build: 5 seconds of processor time
//! with Zig 0.15 and 0.16, and more than a minute with 0.17, where this takes half a second.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::find::Zig;
use crate::mend::Attempt;
use crate::mode::Mode;

/// What makes a library fit for Rust: position-independent, and without calls of what nothing defines or symbols that
/// replace the program's own. LLVM, because the code generator of Zig's own is for trying things out.
const FIT_FOR_RUST: [&str; 8] = [
    "-static",
    "-fPIC",
    "-fllvm",
    "-fno-stack-check",
    "-fno-stack-protector",
    "-fno-compiler-rt",
    "-fno-ubsan-rt",
    "-fno-sanitize-c",
];

/// The command that compiles `source`, relative to the folder that it runs in, to a library called `name` in `folder`.
pub(crate) fn words(
    zig: &Zig,
    attempt: &Attempt,
    mode: Option<Mode>,
    source: &Path,
    name: &str,
    folder: &Path,
    cache: PathBuf,
) -> Vec<OsString> {
    let file = match attempt.target.triple.contains("-windows") || attempt.target.triple.contains("-uefi") {
        true => format!("{name}.lib"),
        false => format!("lib{name}.a"),
    };
    let mut emit = OsString::from("-femit-bin=");
    emit.push(folder.join(file));
    let mut words = zig.command.clone();
    words.extend(["build-lib".into(), source.as_os_str().to_owned(), emit]);
    words.extend(["--color", "off", "--name", name, "-target", &attempt.target.triple].map(OsString::from));
    words.extend(["-mcpu", &attempt.target.cpu].map(OsString::from));
    words.extend(FIT_FOR_RUST.map(OsString::from));
    if let Some(mode) = mode {
        words.push(format!("-O{}", mode.name()).into());
        // As rustc's release profile does.
        words.extend((mode != Mode::Debug).then(|| "-fstrip".into()));
    }
    words.extend(["--cache-dir".into(), cache.into_os_string()]);
    words
}
