//! Optimisation modes: how each is asked for, and which one `build.zig` chose.
//!
//! `b.standardOptimizeOption(.{})` takes both `-Doptimize=ReleaseFast` and `--release=fast`. With a
//! `preferred_optimize_mode` it refuses the first and takes its own mode for the second. A `build.zig` with an option
//! of its own called `optimize` takes the first only. One with no option at all refuses the first and ignores the
//! second. So the first is tried first, and the second where that is refused.

use crate::builder::Optimize;

/// A mode as Zig knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Debug,
    Safe,
    Fast,
    Small,
}

impl Mode {
    /// The mode to ask for; `None` leaves it to `build.zig`. `opt_level` is cargo's.
    pub(crate) fn asked(optimize: Optimize, opt_level: &str) -> Option<Self> {
        Some(match (optimize, opt_level) {
            (Optimize::BuildFile, _) => return None,
            (Optimize::Debug, _) | (Optimize::Profile, "0") => Self::Debug,
            (Optimize::ReleaseSafe, _) | (Optimize::Profile, "1") => Self::Safe,
            (Optimize::ReleaseSmall, _) | (Optimize::Profile, "s" | "z") => Self::Small,
            (Optimize::ReleaseFast | Optimize::Profile, _) => Self::Fast,
        })
    }

    /// Zig's long name, which every version up to 0.17 understands.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Debug => "Debug",
            Self::Safe => "ReleaseSafe",
            Self::Fast => "ReleaseFast",
            Self::Small => "ReleaseSmall",
        }
    }

    /// The argument that asks for it without a `-D` option. Debug is what Zig does without one.
    pub(crate) fn release(self) -> Option<&'static str> {
        match self {
            Self::Debug => None,
            Self::Safe => Some("--release=safe"),
            Self::Fast => Some("--release=fast"),
            Self::Small => Some("--release=small"),
        }
    }
}

/// Whether Zig refused `-Doptimize`, by what it said. Zig 0.17 names options in quotes.
pub(crate) fn is_refused(output: &str) -> bool {
    ["invalid option: -Doptimize", "invalid option: \"optimize\""].iter().any(|sign| output.contains(sign))
}

/// The modes of the libraries and objects that were compiled, by what `zig build --verbose` said. Programs are left
/// out: they are tools that the build itself runs.
pub(crate) fn used(output: &str) -> Vec<Mode> {
    let mut modes = Vec::new();
    for line in output.lines().filter(|line| line.contains(" build-lib ") || line.contains(" build-obj ")) {
        let mode = line.split_whitespace().find_map(|word| match word {
            "-ODebug" | "-Odebug" => Some(Mode::Debug),
            "-OReleaseSafe" | "-Osafe" => Some(Mode::Safe),
            "-OReleaseFast" | "-Ofast" => Some(Mode::Fast),
            "-OReleaseSmall" | "-Osmall" => Some(Mode::Small),
            _ => None,
        });
        // Zig leaves the word out for Debug in some versions.
        let mode = mode.unwrap_or(Mode::Debug);
        if !modes.contains(&mode) {
            modes.push(mode);
        }
    }
    modes
}

/// `output` without the commands that `--verbose` adds to it.
pub(crate) fn without_commands(output: &str) -> String {
    let is_command = |line: &&str| line.contains("--listen=-") || line.starts_with("info(verbose): ");
    output.lines().filter(|line| !is_command(line)).flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_follows_the_profile_unless_told_otherwise() {
        for (level, expected) in [
            ("0", Mode::Debug),
            ("1", Mode::Safe),
            ("2", Mode::Fast),
            ("3", Mode::Fast),
            ("s", Mode::Small),
            ("z", Mode::Small),
        ] {
            assert_eq!(Mode::asked(Optimize::Profile, level), Some(expected));
            assert_eq!(Mode::asked(Optimize::ReleaseFast, level), Some(Mode::Fast));
            assert_eq!(Mode::asked(Optimize::Debug, level), Some(Mode::Debug));
            assert_eq!(Mode::asked(Optimize::BuildFile, level), None);
        }
    }

    #[test]
    fn the_modes_used_are_those_of_libraries_and_objects() {
        let output = "/zig build-exe -ODebug -Mroot=tool.zig --listen=- \n\
                      /zig build-lib -fPIC -OReleaseSmall -Mroot=a.zig --listen=- \n\
                      info(verbose): /zig build-obj -Osmall -Mroot=b.zig --listen=-\n\
                      a.zig:1:1: note: -OReleaseFast";
        assert_eq!(used(output), [Mode::Small]);
        assert_eq!(used("/zig build-lib -Mroot=a.zig"), [Mode::Debug]);
        assert_eq!(used(""), []);
        assert_eq!(without_commands(output), "a.zig:1:1: note: -OReleaseFast\n");
    }
}
