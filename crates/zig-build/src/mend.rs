//! A second try where the first one shows what it takes.
//!
//! Somebody else's `build.zig` may make a library that Rust cannot link although it can make one: in another mode, with an
//! option that it has, or for the machine as it is. Such a choice is made here, and said on standard error.

use std::io::{self, Write};

use crate::builder::Optimize;
use crate::error::Error;
use crate::find::Zig;
use crate::obstacle::Obstacle;
use crate::run::Run;
use crate::target::ZigTarget;

/// What may differ from one run of `zig build` to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) target: ZigTarget,
    pub(crate) optimize: Optimize,
    /// More `-D` options, each `name=value`.
    pub(crate) options: Vec<String>,
    /// How often Zig has lost what its compiler had to say.
    pub(crate) lost: u32,
}

/// The target that stands for the building machine, in which alone Zig looks for the libraries of the system.
const NATIVE: &str = "native";

/// What Zig says where a library of the system is not found, of either kind.
const NO_SYSTEM_LIBRARY: [&str; 2] =
    ["unable to find dynamic system library", "unable to find static system library"];

/// What Zig says, now and then, in place of why its compiler ended: that it ended before it was told everything.
const LOST: &str = "error: BrokenPipe";
const LOST_MAX: u32 = 5;

/// Options that make code position-independent, by the names that `build.zig` files give them.
const PIC_OPTIONS: [&str; 2] = ["pic", "pie"];

impl<W: Write> Run<'_, W> {
    /// What to try after `attempt` came to `error`; `None` where nothing else is promising.
    pub(crate) fn next_attempt(&mut self, zig: &Zig, attempt: &Attempt, error: &Error) -> Option<Attempt> {
        let (next, why) = match error {
            Error::BuildFailed { output, .. } if output.contains(LOST) && attempt.lost < LOST_MAX => {
                let why = "Zig lost its compiler's message: run again".to_owned();
                (Attempt { lost: attempt.lost + 1, ..attempt.clone() }, why)
            }
            Error::BuildFailed { output, .. } => self.natively(attempt, output)?,
            Error::Unlinkable { obstacles, .. } => {
                let sanitized = obstacles.iter().any(|o| matches!(o, Obstacle::Sanitizer { .. }));
                let absolute = obstacles.iter().any(|o| matches!(o, Obstacle::NotPositionIndependent { .. }));
                let optimized = if sanitized { self.unsanitized(attempt) } else { None };
                let movable = if absolute { self.position_independent(zig, attempt) } else { None };
                optimized.or(movable)?
            }
            _ => return None,
        };
        let next = (next != *attempt).then_some(next)?;
        writeln!(io::stderr().lock(), "zig-build: {why}").ok();
        Some(next)
    }

    /// With libraries of the system, where the target is the machine at hand.
    fn natively(&self, attempt: &Attempt, output: &str) -> Option<(Attempt, String)> {
        let missing = NO_SYSTEM_LIBRARY.iter().any(|sign| output.contains(sign));
        let may = self.build.zig_target.is_none() && self.environment.text("HOST") == Some(&*self.target);
        if !missing || !may || attempt.target.triple == NATIVE {
            return None;
        }
        let target = ZigTarget { triple: NATIVE.to_owned(), ..attempt.target.clone() };
        let why = "build.zig links a library of the system, which Zig finds for -Dtarget=native only: built so, for \
                   the same processor"
            .to_owned();
        Some((Attempt { target, ..attempt.clone() }, why))
    }

    /// C code without its sanitizer, where only cargo's profile says that it should be `Debug`.
    fn unsanitized(&self, attempt: &Attempt) -> Option<(Attempt, String)> {
        // At other levels Zig lets the sanitizer trap, or leaves it out.
        if attempt.optimize != Optimize::Profile || self.environment.text("OPT_LEVEL") != Some("0") {
            return None;
        }
        let why = "there is C code in the library, which Zig's Debug mode links with a sanitizer that Rust programs \
                   lack: built with ReleaseFast"
            .to_owned();
        Some((Attempt { optimize: Optimize::ReleaseFast, ..attempt.clone() }, why))
    }

    /// With the option for it, where `build.zig` has one.
    fn position_independent(&mut self, zig: &Zig, attempt: &Attempt) -> Option<(Attempt, String)> {
        let (_, help) = self.zig_build(zig, attempt, &["--help"]).ok()?;
        let is_set = |name: &str| self.build.options.iter().any(|(set, _)| set == name);
        let name = PIC_OPTIONS.into_iter().find(|name| has_switch(&help, name) && !is_set(name))?;
        let option = format!("{name}=true");
        if attempt.options.contains(&option) {
            return None;
        }
        let why =
            format!("Rust programs are position-independent: built with -D{option}, which build.zig has");
        let mut next = attempt.clone();
        next.options.push(option);
        Some((next, why))
    }
}

/// Whether the text of `zig build --help` lists a switch called `name`.
fn has_switch(help: &str, name: &str) -> bool {
    let start = format!("-D{name}=[bool]");
    help.lines().any(|line| line.trim_start().starts_with(&start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_told_from_other_options() {
        let help =
            "Project-Specific Options:\n  -Dpic=[bool]                 Code that\n  -Dpie-x=[bool]  other\n";
        assert!(has_switch(help, "pic"));
        assert!(!has_switch(help, "pie"));
        assert!(!has_switch("  -Dpic=[string] a level", "pic"));
    }
}
