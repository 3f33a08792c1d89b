//! Which Zig a build finds, and what it says without one.

use std::fs;

use zig_build::{Error, Problem, Skipped, Version, WithoutZig};

use crate::bench::{Bench, Outcome};
use crate::{Checked, GOOD};

#[test]
fn the_places_are_looked_at_in_order() -> Checked {
    let mut bench = Bench::new()?;
    let python = |name: &str, version: &str| {
        bench.script(name, &format!("[ \"$*\" = '-m ziglang version' ] && echo {version}"))
    };
    python("python3 bin/python3", "0.16.1")?;
    python("python bin/python", "0.16.2")?;
    bench.zig("path one/zig", "0.16.3", GOOD)?;
    bench.zig("path two/zig", "0.16.4", GOOD)?;
    for (name, version) in [("plain", "0.16.5"), ("underscored", "0.16.6"), ("exact", "0.16.7")] {
        bench.zig(name, version, GOOD)?;
    }
    // From the last place to the first, each added before the ones already there wins.
    let path_of = |names: &[&str]| {
        let folders: Vec<_> = names.iter().map(|n| bench.path(n).display().to_string()).collect();
        folders.join(":")
    };
    let paths = [
        (path_of(&["python bin"]), 2),
        (path_of(&["python bin", "python3 bin"]), 1),
        (path_of(&["python bin", "python3 bin", "path two"]), 4),
        (path_of(&["python bin", "python3 bin", "path one", "path two"]), 3),
    ];
    let variables = ["ZIG", "ZIG_x86_64_unknown_linux_gnu", "ZIG_x86_64-unknown-linux-gnu"]
        .into_iter()
        .zip(["plain", "underscored", "exact"].map(|name| bench.path(name).display().to_string()))
        .zip([5, 6, 7]);
    let found = |bench: &Bench| match bench.run(|b| b).result {
        Ok(artifact) => artifact.zig_version(),
        // The Pythons here answer `version` only: that the build then fails shows which was chosen.
        Err(Error::BuildFailed { command, .. }) if command.contains("python3") => {
            Some(Version::new(0, 16, 1))
        }
        Err(Error::BuildFailed { command, .. }) if command.contains("python") => Some(Version::new(0, 16, 2)),
        Err(other) => panic!("{other}"),
    };
    for (path, patch) in paths {
        bench.set("PATH", &path);
        assert_eq!(found(&bench), Some(Version::new(0, 16, patch)), "{path}");
    }
    for ((variable, value), patch) in variables {
        bench.set(variable, &value);
        assert_eq!(found(&bench), Some(Version::new(0, 16, patch)), "{variable}");
    }
    Ok(())
}

#[test]
fn a_variable_may_hold_a_command_and_a_path_may_hold_spaces() -> Checked {
    let mut bench = Bench::named("a package")?;
    let zig = bench.zig("my zig/the zig", "0.16.0", GOOD)?.display().to_string();
    bench.set("ZIG", &zig);
    assert_eq!(bench.version_found()?, Some(Version::new(0, 16, 0)));
    bench.set("ZIG", &format!("/bin/sh '{zig}'"));
    assert_eq!(bench.version_found()?, Some(Version::new(0, 16, 0)));
    bench.set("ZIG", "zig");
    let folder = bench.zig("bin/zig", "0.16.9", GOOD)?;
    bench.set("PATH", &folder.parent().map(|p| p.display().to_string()).unwrap_or_default());
    assert_eq!(bench.version_found()?, Some(Version::new(0, 16, 9)));
    bench.set("ZIG", "../my zig/the zig");
    assert_eq!(bench.version_found()?, Some(Version::new(0, 16, 0)), "relative to the package");
    Ok(())
}

#[test]
fn a_version_out_of_range_is_passed_over_and_named_if_none_fits() -> Checked {
    let mut bench = Bench::new()?;
    let old = bench.zig("old", "0.14.1", GOOD)?.display().to_string();
    bench.zig("new/zig", "0.18.0-dev.3+abc", GOOD)?;
    bench.zig("good/zig", "0.15.2", GOOD)?;
    let [new, good] = ["new", "good"].map(|name| bench.path(name).display().to_string());
    bench.set("ZIG", &old);
    bench.set("PATH", &new);
    let Err(error @ Error::ZigNotFound { .. }) = bench.run(|b| b.cargo_feature("zig-kernels")).result else {
        panic!("a Zig out of range was used")
    };
    let text = error.to_string();
    for part in [
        &*format!("ZIG={old}: 0.14.1"),
        &format!("{new}/zig: 0.18.0"),
        "python3 -m ziglang: none",
        "~/zig/bin/pip install ziglang==0.16.0",
        "set ZIG=/path/to/zig",
        "without --features zig-kernels",
    ] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }

    bench.set("PATH", &format!("{new}:{good}"));
    let Outcome { lines, result } = bench.run(|b| b);
    assert_eq!(result?.zig_version(), Some(Version::new(0, 15, 2)));
    let warnings: Vec<_> = lines.iter().filter(|line| line.starts_with("cargo::warning=")).collect();
    assert!(
        matches!(&*warnings, [one] if one.contains("0.14.1") && one.contains("passed over")),
        "{warnings:?}"
    );
    bench.set("ZIG_BUILD_STRICT", "1");
    assert!(matches!(bench.run(|b| b).result, Err(Error::Strict { .. })));
    bench.set("ZIG_BUILD_STRICT", "0");

    let narrow = bench.run(|b| b.zig_versions(Version::new(0, 14, 0)..Version::new(0, 15, 0))).result;
    assert_eq!(narrow?.zig_version(), Some(Version::new(0, 14, 1)));
    Ok(())
}

#[test]
fn without_zig_it_fails_or_warns_and_strict_always_fails() -> Checked {
    let mut bench = Bench::new()?;
    let Err(error @ Error::ZigNotFound { .. }) = bench.run(|b| b).result else { panic!("there is no Zig") };
    assert!(error.to_string().starts_with("zig not found (looked at: zig on PATH: none;"), "{error}");
    let way = "Run `python3 -m venv ~/zig && ~/zig/bin/pip install ziglang==0.16.0 && export \
               ZIG=~/zig/bin/python-zig`, set ZIG=/path/to/zig or put zig on PATH.";
    assert!(error.to_string().contains(way), "{error}");

    let Outcome { lines, result } = bench.run(|b| b.without_zig(WithoutZig::Warn));
    let artifact = result?;
    assert!(!artifact.is_built() && artifact.path().is_none());
    assert!(matches!(artifact.skipped(), Some(Skipped::WithoutZig(Error::ZigNotFound { .. }))));
    assert!(lines.iter().any(|line| line.starts_with("cargo::warning=zig not found")));
    assert!(lines.contains(&"cargo::rerun-if-env-changed=PATH".to_owned()));
    let mut linked = Vec::new();
    artifact.link_to(&mut linked)?;
    assert!(linked.is_empty(), "nothing to link");

    bench.set("ZIG_BUILD_STRICT", "1");
    let strict = bench.run(|b| b.without_zig(WithoutZig::Warn)).result;
    assert!(matches!(strict, Err(Error::ZigNotFound { .. })));
    Ok(())
}

#[test]
fn a_variable_that_names_no_zig_is_an_error_of_its_own() -> Checked {
    let mut bench = Bench::new()?;
    let good = bench.zig("bin/zig", "0.16.0", GOOD)?.display().to_string();
    bench.set("PATH", &bench.path("bin").display().to_string());
    let broken = bench.script("broken", "echo 'error: no such file' >&2; exit 7")?.display().to_string();
    let talker = bench.script("talker", "echo hello")?.display().to_string();
    let folder = bench.path("bin").display().to_string();
    fs::create_dir(bench.path("a folder"))?;
    let (empty, missing) = (bench.path("a folder").display().to_string(), "/no/such/zig".to_owned());
    for (value, expected) in [
        (&missing, "ZIG=/no/such/zig names no program. Set ZIG=/path/to/zig, or run `unset ZIG`".to_owned()),
        (&"no-such-zig".to_owned(), "ZIG=no-such-zig names no program.".to_owned()),
        (&"  ".to_owned(), "ZIG=   names no program.".to_owned()),
        (&folder, format!("ZIG={folder} is a directory. Set ZIG={good}.")),
        (&empty, format!("ZIG={empty} is a directory. Set ZIG to the zig program itself")),
        (
            &broken,
            format!("ZIG={broken} is no usable Zig: `version` failed (exit status: 7) error: no such file."),
        ),
        (&talker, format!("ZIG={talker} is no usable Zig: `version` said \"hello\"")),
    ] {
        bench.set("ZIG", value);
        let Outcome { lines, result } = bench.run(|b| b.without_zig(WithoutZig::Warn));
        let Err(error @ Error::ZigVariable { .. }) = result else { panic!("{value} was passed over") };
        assert!(error.to_string().starts_with(&expected), "{error}");
        assert!(lines.contains(&"cargo::rerun-if-env-changed=ZIG".to_owned()));
    }
    bench.set("ZIG", &good);
    bench.set("ZIG_x86_64_unknown_linux_gnu", &missing);
    let Err(Error::ZigVariable { variable, problem, .. }) = bench.run(|b| b).result else {
        panic!("passed over")
    };
    assert_eq!((&*variable, problem), ("ZIG_x86_64_unknown_linux_gnu", Problem::Missing));
    Ok(())
}

#[test]
fn a_change_of_path_is_no_reason_to_build_again_where_a_zig_was_found() -> Checked {
    let mut bench = Bench::new()?;
    let zig = bench.zig("bin/zig", "0.16.0", GOOD)?.display().to_string();
    bench.set("PATH", &bench.path("bin").display().to_string());
    for value in ["zig", "", &*zig] {
        bench.set("ZIG", value);
        let Outcome { lines, result } = bench.run(|b| b);
        assert!(result?.is_built());
        assert!(!lines.contains(&"cargo::rerun-if-env-changed=PATH".to_owned()), "ZIG={value}");
        assert!(lines.contains(&format!("cargo::rerun-if-changed={zig}")), "its file is watched instead");
    }
    bench.set("ZIG", "another-zig");
    let lines = bench.run(|b| b).lines;
    assert!(
        lines.contains(&"cargo::rerun-if-env-changed=PATH".to_owned()),
        "a name that was looked up in vain may be there tomorrow"
    );
    Ok(())
}

#[test]
fn a_zig_is_asked_where_it_will_build() -> Checked {
    let mut bench = Bench::new()?;
    let zig = bench.zig("zig", "0.16.0", GOOD)?.display().to_string();
    // A version manager's stand-in, which knows of a version in the folder of build.zig only.
    let body = format!("[ -e build.zig ] && exec '{zig}' \"$@\"\necho 'no build.zig here' >&2; exit 1");
    bench.set("ZIG", &bench.script("manager", &body)?.display().to_string());
    assert_eq!(bench.version_found()?, Some(Version::new(0, 16, 0)));
    Ok(())
}
