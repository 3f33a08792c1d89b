//! Optimisation modes with each kind of `build.zig`: one that takes `-Doptimize`, and those that refuse it.

use std::io;

use zig_build::{Build, Error, Optimize};

use crate::bench::{Bench, Outcome};
use crate::{Checked, GOOD};

/// A Zig that refuses `-Doptimize` in the words of its version, and whose `build.zig` then uses `mode`.
fn refusing(bench: &Bench, refusal: &str, mode: &str) -> io::Result<String> {
    let zig = bench.zig("zig", "0.16.0", GOOD)?.display().to_string();
    let body = format!(
        r#"verbose=no
for a in "$@"; do
    case "$a" in
        -Doptimize=*) echo 'error: {refusal}' >&2; exit 1 ;;
        --verbose) verbose=yes ;;
    esac
done
if [ $verbose = yes ]; then echo 'zig build-lib -O{mode} -Mroot=a.zig --listen=-' >&2; fi
exec '{zig}' "$@""#
    );
    Ok(bench.script("refusing", &body)?.display().to_string())
}

#[test]
fn where_optimize_is_refused_the_release_is_asked_for() -> Checked {
    let mut bench = Bench::new()?;
    for (refusal, mode) in [
        ("invalid option: -Doptimize", "ReleaseSmall"), // Zig 0.15 and 0.16
        ("invalid option: \"optimize\"", "small"),      // Zig 0.17
    ] {
        let zig = refusing(&bench, refusal, mode)?;
        bench.set("ZIG", &zig);
        for (level, expected) in
            [("3", Some("--release=fast")), ("s", Some("--release=small")), ("1", Some("--release=safe"))]
        {
            bench.set("OPT_LEVEL", level);
            let Outcome { lines, result } = bench.run(|b| b);
            assert!(result?.is_built(), "{refusal}");
            let given = bench.seen("zig", "arg ")?;
            assert_eq!(given.iter().find(|a| a.starts_with("--release")).map(|a| &**a), expected);
            assert!(!given.iter().any(|a| a.starts_with("-Doptimize")), "{given:?}");
            assert!(
                !lines.iter().any(|l| l.starts_with("cargo::warning")),
                "a release mode is a release mode"
            );
        }
        bench.set("OPT_LEVEL", "0");
        assert!(bench.run(|b| b).result?.is_built());
        let given = bench.seen("zig", "arg ")?;
        assert!(!given.iter().any(|a| a.starts_with("--release")), "{given:?}");
    }
    Ok(())
}

#[test]
fn a_mode_that_build_zig_sets_otherwise_than_asked_is_said() -> Checked {
    let mut bench = Bench::new()?;
    let zig = refusing(&bench, "invalid option: -Doptimize", "ReleaseSafe")?;
    bench.set("ZIG", &zig);
    let said = |bench: &Bench, settings: fn(&mut Build) -> &mut Build| -> Result<String, Error> {
        let Outcome { lines, result } = bench.run(settings);
        assert!(result?.is_built());
        Ok(lines.into_iter().filter(|l| l.starts_with("cargo::warning")).collect())
    };
    let warning = said(&bench, |b| b.optimize(Optimize::ReleaseSmall))?;
    for part in ["ReleaseSafe", "ReleaseSmall", "Optimize::BuildFile"] {
        assert!(warning.contains(part), "{part} is not in: {warning}");
    }
    assert_eq!(said(&bench, |b| b.optimize(Optimize::ReleaseSafe))?, "");
    assert_eq!(said(&bench, |b| b.optimize(Optimize::BuildFile))?, "");
    assert_eq!(said(&bench, |b| b)?, "", "the profile asks for a release, and it is one");
    let zig = refusing(&bench, "invalid option: -Doptimize", "Debug")?;
    bench.set("ZIG", &zig);
    assert!(said(&bench, |b| b)?.contains("Debug"), "a release profile with a library for debugging");
    bench.set("OPT_LEVEL", "0");
    assert_eq!(said(&bench, |b| b)?, "");
    Ok(())
}

#[test]
fn the_error_of_the_second_try_is_the_error() -> Checked {
    let mut bench = Bench::new()?;
    let body = r#"[ "$1" = version ] && echo 0.16.0 && exit
case "$*" in *-Doptimize*) echo 'error: invalid option: -Doptimize' >&2; exit 1 ;; esac
echo 'zig build-lib -ODebug --listen=-' >&2
echo 'a.zig:1:1: error: no such thing' >&2
exit 1"#;
    bench.set("ZIG", &bench.script("zig", body)?.display().to_string());
    let Err(error @ Error::BuildFailed { .. }) = bench.run(|b| b).result else { panic!("it fails") };
    let text = error.to_string();
    assert!(text.starts_with("zig build failed: a.zig:1:1: error: no such thing."), "{text}");
    assert!(!text.contains("--listen=-"), "{text}");
    Ok(())
}
