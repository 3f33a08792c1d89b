//! A second try where the first one shows what it takes.
//!
//! Somebody else's `build.zig` may make a library that Rust cannot link although it can make one: in another mode, with an
//! option that it has, or for the machine as it is. Such a choice is made here, and said on standard error.

use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use crate::artifact::Artifact;
use crate::builder::Optimize;
use crate::error::Error;
use crate::find::Zig;
use crate::invoke::fingerprint;
use crate::obstacle::Obstacle;
use crate::run::Run;
use crate::target::ZigTarget;
use crate::version::Version;

/// What may differ from one run of `zig build` to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) target: ZigTarget,
    pub(crate) optimize: Optimize,
    /// More `-D` options, each `name=value`.
    pub(crate) options: Vec<String>,
    /// `build.zig` is run as a dependency of a build that adds what Rust needs.
    pub(crate) mended: bool,
    /// That has failed.
    pub(crate) unmendable: bool,
    /// Nobody looks for a library that was built and not installed.
    pub(crate) unsought: bool,
    /// How often Zig has lost what its compiler had to say.
    pub(crate) lost: u32,
}

impl Attempt {
    pub(crate) fn new(target: ZigTarget, optimize: Optimize) -> Self {
        let options = Vec::new();
        Self { target, optimize, options, mended: false, unmendable: false, unsought: false, lost: 0 }
    }

    /// A number of its own for each way to build what lies in `folder`.
    pub(crate) fn fingerprint(&self, folder: &Path, settings: &[String]) -> u64 {
        let mended = self.mended.then(|| "mended".to_owned());
        let settings: Vec<String> = settings.iter().cloned().chain(mended).collect();
        fingerprint(folder, &settings)
    }
}

/// The target that stands for the building machine, in which alone Zig looks for the libraries of the system.
const NATIVE: &str = "native";

/// What Zig says where a library of the system is not found, of either kind.
const NO_SYSTEM_LIBRARY: [&str; 2] =
    ["unable to find dynamic system library", "unable to find static system library"];

/// What it says where a header is not found, as that of such a library.
const NO_HEADER: &str = "' file not found";

/// From this version on Zig puts nothing of the system's libraries into a static library, nor looks for them.
const LEAVES_OUT_SYSTEM_LIBRARIES: Version = Version::new(0, 17, 0);

/// What Zig says, now and then, in place of why its compiler ended: that it ended before it was told everything.
const LOST: &str = "error: BrokenPipe";
const LOST_MAX: u32 = 5;

/// Options that make code position-independent, by the names that `build.zig` files give them.
const PIC_OPTIONS: [&str; 2] = ["pic", "pie"];

/// How somebody else's build is run with what Rust needs: as the only dependency of this one.
const MENDED: &str = include_str!("mended.zig");

/// Zig wants a name and, made from it, a fingerprint.
const MENDED_PACKAGE: &str = ".name = .mended, .version = \"0.0.0\", .fingerprint = 0x92089c7500000001";

impl<W: Write> Run<'_, W> {
    /// Tries until there is a library, or nothing else to try.
    pub(crate) fn attempts(&mut self, zig: &Zig, mut attempt: Attempt) -> Result<Artifact, Error> {
        let mut unmended = None;
        // Only the build itself tells of the system's libraries: earlier versions put them into the library.
        attempt.mended = zig.version >= LEAVES_OUT_SYSTEM_LIBRARIES && self.names_system_libraries();
        loop {
            let mut error = match self.attempt(zig, &attempt) {
                Ok(artifact) => return Ok(artifact),
                Err(error) => error,
            };
            let natively = match &error {
                Error::BuildFailed { output, .. } => self.natively(&attempt, output).is_some(),
                _ => false,
            };
            // A build that does not serve as a dependency is none that we can change: what was wrong with it counts.
            if attempt.mended && fails_for_good(&attempt, &error) && !natively {
                (attempt.mended, attempt.unmendable) = (false, true);
                match unmended.take() {
                    Some(before) => error = before,
                    None => continue,
                }
            }
            let Some((next, why)) = self.next_attempt(zig, &attempt, &error) else { return Err(error) };
            writeln!(io::stderr().lock(), "zig-build: {why}").ok();
            if next.mended && !attempt.mended {
                unmended = Some(error);
            }
            attempt = next;
        }
    }

    /// What to try after `attempt` came to `error`, and why; `None` where nothing else is promising.
    fn next_attempt(&mut self, zig: &Zig, attempt: &Attempt, error: &Error) -> Option<(Attempt, String)> {
        match error {
            Error::BuildFailed { .. } if !fails_for_good(attempt, error) => {
                let why = "Zig lost its compiler's message: run again".to_owned();
                Some((Attempt { lost: attempt.lost + 1, ..attempt.clone() }, why))
            }
            Error::BuildFailed { output, .. } => self.natively(attempt, output),
            Error::Unlinkable { obstacles, .. } => {
                let sanitized = obstacles.iter().any(|o| matches!(o, Obstacle::Sanitizer { .. }));
                let absolute = obstacles.iter().any(|o| matches!(o, Obstacle::NotPositionIndependent { .. }));
                let missing = obstacles.iter().any(|o| matches!(o, Obstacle::Library { .. }));
                let alone = self.build.source.is_some(); // there is no build.zig to mend
                if !(attempt.mended || attempt.unmendable || alone) && (sanitized || absolute || missing) {
                    let why = "the library cannot be linked into a Rust program as build.zig makes it: built again, as a \
                               dependency, with position-independent code, with C code that has no sanitizer in it, and \
                               with the libraries that it needs"
                        .to_owned();
                    return Some((Attempt { mended: true, ..attempt.clone() }, why));
                }
                if sanitized && let Some(next) = self.unsanitized(attempt) {
                    return Some(next);
                }
                if absolute
                    && !alone
                    && let Some(next) = self.position_independent(zig, attempt)
                {
                    return Some(next);
                }
                // Only a guess: the library may be another program's.
                (missing && obstacles.len() == 1 && !attempt.unsought)
                    .then(|| (Attempt { unsought: true, ..attempt.clone() }, "Built without it.".to_owned()))
            }
            _ => None,
        }
    }

    /// Writes the build around somebody else's; returns its folder, or `None` where there can be none.
    pub(crate) fn write_mended(&self, attempt: &Attempt, settings: &[String]) -> Option<PathBuf> {
        let folder =
            self.out_folder.join(format!("mended-{:016x}", attempt.fingerprint(&self.folder, settings)));
        fs::create_dir_all(&folder).ok()?;
        self.rewrite_mended(settings, &folder)?;
        Some(folder)
    }

    /// Writes it to `folder`, with these settings.
    pub(crate) fn rewrite_mended(&self, settings: &[String], folder: &Path) -> Option<()> {
        let path = relative(&folder.canonicalize().ok()?, &self.folder.canonicalize().ok()?)?;
        let options: String = settings
            .iter()
            .filter_map(|setting| setting.strip_prefix("-D")?.split_once('='))
            .map(|(name, value)| format!(".@{} = {}, ", quoted(name), quoted(value)))
            .collect();
        let package = format!(
            ".{{ {MENDED_PACKAGE}, .paths = .{{\"\"}},\n    .dependencies = .{{ .it = .{{ .path = {} }} }} }}\n",
            quoted(&path)
        );
        fs::write(folder.join("build.zig"), MENDED.replace("// OPTIONS", &options)).ok()?;
        fs::write(folder.join("build.zig.zon"), package).ok()
    }

    /// With libraries of the system, where the target is the machine at hand.
    fn natively(&self, attempt: &Attempt, output: &str) -> Option<(Attempt, String)> {
        let missing = NO_SYSTEM_LIBRARY.iter().any(|sign| output.contains(sign))
            || output.contains(NO_HEADER) && self.names_system_libraries();
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

    /// Whether `build.zig` has a word of the system's libraries.
    fn names_system_libraries(&self) -> bool {
        let text = fs::read_to_string(self.folder.join("build.zig")).unwrap_or_default();
        ["linkSystemLibrary", "linkFramework"].iter().any(|call| text.contains(call))
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
        let plain = Attempt { mended: false, ..attempt.clone() };
        let (_, help) = self.zig_build(zig, &plain, &["--help"]).ok()?;
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

/// Whether `zig build` failed, and not only because its compiler's message went lost.
fn fails_for_good(attempt: &Attempt, error: &Error) -> bool {
    match error {
        Error::BuildFailed { output, .. } => attempt.lost >= LOST_MAX || !output.contains(LOST),
        _ => false,
    }
}

/// The way from one folder to another, with `/` between, as `build.zig.zon` takes it.
fn relative(from: &Path, to: &Path) -> Option<String> {
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (from.components().collect(), to.components().collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    // Where nothing is shared they lie on two drives.
    let up = (shared > 0).then(|| from.len() - shared)?;
    let down = to.get(shared..)?.iter().map(|part| part.as_os_str().to_str()).collect::<Option<Vec<_>>>()?;
    Some([vec![".."; up], down].concat().join("/"))
}

/// Text as Zig's source spells it.
fn quoted(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|c| match c {
            '"' | '\\' => format!("\\{c}"),
            c if c.is_control() => format!("\\x{:02x}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
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
    fn a_way_leads_up_and_down() {
        let way = |from, to| relative(Path::new(from), Path::new(to));
        assert_eq!(way("/a/b/out", "/a/c d/zig").as_deref(), Some("../../c d/zig"));
        assert_eq!(way("/a/b", "/a/b/zig").as_deref(), Some("zig"));
        assert_eq!(way("/a/b/c", "/a").as_deref(), Some("../.."));
    }

    #[test]
    fn text_is_spelt_for_zig() {
        assert_eq!(quoted("a \"b\" \\ \n"), r#""a \"b\" \\ \x0a""#);
    }

    #[test]
    fn switches_are_told_from_other_options() {
        let help =
            "Project-Specific Options:\n  -Dpic=[bool]                 Code that\n  -Dpie-x=[bool]  other\n";
        assert!(has_switch(help, "pic"));
        assert!(!has_switch(help, "pie"));
        assert!(!has_switch("  -Dpic=[string] a level", "pic"));
    }
}
