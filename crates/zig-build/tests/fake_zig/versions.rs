//! Which of several Zigs a project gets, and what is said where a build fails for its version.

use std::fs;
use std::io;

use zig_build::{Error, Version};

use crate::bench::Bench;
use crate::{Checked, GOOD};

/// A bench with `zig` of each version in a folder of its own on PATH, in this order.
fn with_zigs(versions: &[&str]) -> io::Result<Bench> {
    let mut bench = Bench::new()?;
    let mut folders = Vec::new();
    for version in versions {
        bench.zig(&format!("{version}/zig"), version, GOOD)?;
        folders.push(bench.path(version).display().to_string());
    }
    bench.set("PATH", &folders.join(":"));
    Ok(bench)
}

#[test]
fn the_project_says_which_version_it_gets() -> Checked {
    let bench = with_zigs(&["0.16.0", "0.15.2", "0.17.1", "0.15.3"])?;
    let found = |bench: &Bench| bench.version_found().map(|version| version.map(|v| v.to_string()));
    assert_eq!(found(&bench)?.as_deref(), Some("0.16.0"), "the first, where the project names none");
    let zon = bench.path("package/zig/build.zig.zon");
    for (minimum, expected) in [
        ("0.15.1", "0.15.2"),
        ("0.15.3", "0.15.3"),
        ("0.16.0", "0.16.0"),
        ("0.17.0-dev.7+abc", "0.17.1"),
        ("0.14.1", "0.15.2"), // the nearest that is newer
        ("0.18.0", "0.17.1"), // the nearest
        ("no version", "0.16.0"),
    ] {
        fs::write(&zon, format!(".{{ .name = .x, .minimum_zig_version = \"{minimum}\" }}"))?;
        assert_eq!(found(&bench)?.as_deref(), Some(expected), "minimum {minimum}");
    }
    let pin = bench.path("package/.zigversion");
    fs::write(&pin, "0.15.3\n")?;
    assert_eq!(found(&bench)?.as_deref(), Some("0.15.3"), "pinned, beside Cargo.toml");
    let lines = bench.run(|b| b).lines;
    assert!(lines.contains(&"cargo::rerun-if-changed=.zigversion".to_owned()), "{lines:?}");
    Ok(())
}

#[test]
fn zig_0_16_comes_before_a_newer_one_unless_the_newer_is_asked_for() -> Checked {
    for (order, expected) in [
        (&["0.17.1", "0.16.0"][..], "0.16.0"),
        (&["0.17.1", "0.15.2"], "0.17.1"),
        (&["0.15.2", "0.16.0"], "0.15.2"),
        (&["0.17.1"], "0.17.1"),
    ] {
        let found = with_zigs(order)?.version_found()?;
        assert_eq!(found.map(|v| v.to_string()).as_deref(), Some(expected), "{order:?}");
    }
    let bench = with_zigs(&["0.17.1", "0.16.0"])?;
    let only_new = bench.run(|b| b.zig_versions(Version::new(0, 17, 0)..Version::new(0, 18, 0)));
    assert_eq!(only_new.result?.zig_version(), Some(Version::new(0, 17, 1)));
    Ok(())
}

#[test]
fn zigs_are_found_where_version_managers_and_variables_have_them() -> Checked {
    let mut bench = with_zigs(&["0.16.0"])?;
    bench.set("HOME", &bench.path("home").display().to_string());
    let zon = bench.path("package/zig/build.zig.zon");
    for (index, place) in [
        "home/.zvm/0.15.2/zig",
        "home/.local/share/mise/installs/zig/0.15.2/bin/zig",
        "home/.local/share/mise/installs/zig/0.15.3/zig",
        "home/.local/share/pipx/venvs/ziglang-15/lib/python3.11/site-packages/ziglang/zig",
        "home/.local/share/uv/tools/ziglang/lib/python3.13/site-packages/ziglang/zig",
        "home/.asdf/installs/zig/0.15.2/zig",
        "global cache/p/N-V-abc/zig",
    ]
    .iter()
    .enumerate()
    {
        let version = format!("0.15.{}", 10 + index);
        let zig = bench.zig(place, &version, GOOD)?;
        fs::write(&zon, format!(".{{ .minimum_zig_version = \"{version}\" }}"))?;
        assert_eq!(bench.version_found()?.map(|v| v.to_string()), Some(version), "{place}");
        fs::remove_file(zig)?;
    }
    fs::write(&zon, ".{ .minimum_zig_version = \"0.15.2\" }")?;
    assert_eq!(bench.version_found()?, Some(Version::new(0, 16, 0)), "there is no other");
    let zig = bench.zig("elsewhere/zig", "0.15.2", GOOD)?.display().to_string();
    bench.set("ZIG_0_15", &zig);
    assert_eq!(bench.version_found()?, Some(Version::new(0, 15, 2)));
    let lines = bench.run(|b| b).lines;
    assert!(lines.contains(&"cargo::rerun-if-env-changed=ZIG_0_15".to_owned()), "{lines:?}");
    bench.set("ZIG_0_15", "/no/such/zig");
    assert!(matches!(
        bench.run(|b| b).result,
        Err(Error::ZigVariable { variable, .. }) if variable == "ZIG_0_15"
    ));
    Ok(())
}

#[test]
fn each_python_is_asked() -> Checked {
    let mut bench = Bench::new()?;
    let python = |name: &str, version: &str| {
        let zig = bench.zig(&format!("{name} zig"), version, GOOD)?.display().to_string();
        bench.script(name, &format!("[ \"$1 $2\" = '-m ziglang' ] || exit 1; shift 2; exec '{zig}' \"$@\""))
    };
    python("one/python3", "0.16.0")?;
    python("two/python3", "0.15.2")?;
    let path = format!("{}:{}", bench.path("one").display(), bench.path("two").display());
    bench.set("PATH", &path);
    assert_eq!(bench.version_found()?, Some(Version::new(0, 16, 0)));
    fs::write(bench.path("package/zig/.zig-version"), "0.15.2")?;
    assert_eq!(bench.version_found()?, Some(Version::new(0, 15, 2)));
    Ok(())
}

#[test]
fn a_failed_build_names_its_version_and_those_that_would_fit() -> Checked {
    let failing = |name: &str, version: &str, says: &str| {
        format!("[ \"$1\" = version ] && echo {version} && exit\n# {name}\necho '{says}' >&2; exit 1")
    };
    let mut bench = with_zigs(&["0.15.2"])?;
    let zig = bench.script("bad/zig", &failing("bad", "0.16.0", "build.zig:1:1: error: expected type"))?;
    bench.set("ZIG", &zig.display().to_string());
    let said = |bench: &Bench| match bench.run(|b| b).result {
        Err(error @ Error::BuildFailed { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let text = said(&bench);
    assert!(text.contains("This was Zig 0.16.0, and there are others here: 0.15.2. "), "{text}");
    assert!(text.contains(" with Zig 0.16.0, failed"), "{text}");

    let zon = bench.path("package/zig/build.zig.zon");
    fs::write(&zon, ".{ .minimum_zig_version = \"0.15.0\" }")?;
    let text = said(&bench);
    let way = format!(
        "build.zig.zon asks for Zig 0.15.0, and this was 0.16.0: set ZIG=\"{}\".",
        bench.path("0.15.2/zig").display()
    );
    assert!(text.lines().next().is_some_and(|line| line.contains(&way)), "{text}");
    fs::write(&zon, ".{ .minimum_zig_version = \"0.17.0\" }")?;
    let text = said(&bench);
    assert!(text.contains("asks for Zig 0.17.0, and this was 0.16.0: run `python3 -m venv ~/zig"), "{text}");
    assert!(text.contains("ziglang==0.17.1"), "{text}");
    Ok(())
}

#[test]
fn the_way_to_a_zig_is_one_that_this_machine_has() -> Checked {
    let mut bench = Bench::new()?;
    bench.set("PATH", &bench.path("bin").display().to_string());
    let said = |bench: &Bench| match bench.run(|b| b).result {
        Err(error @ Error::ZigNotFound { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(said(&bench).contains("python3 -m venv"), "{}", said(&bench));
    bench.script("bin/pipx", "exit 0")?;
    assert!(said(&bench).contains("`pipx install ziglang==0.16.0`"), "{}", said(&bench));
    bench.script("bin/uv", "exit 0")?;
    assert!(said(&bench).contains("`uv tool install ziglang==0.16.0`"), "{}", said(&bench));
    Ok(())
}

#[test]
fn the_first_build_with_zig_0_17_says_what_took_so_long() -> Checked {
    let mut bench = Bench::new()?;
    for (version, times) in [("0.17.1", 1), ("0.16.0", 0)] {
        let zig = bench.zig("zig", version, GOOD)?.display().to_string();
        let body = format!(
            "if [ \"$1\" = build ]; then\n\
                 PATH=/usr/bin:/bin; mkdir -p \"$ZIG_GLOBAL_CACHE_DIR/o/{version}\"\n\
                 echo > \"$ZIG_GLOBAL_CACHE_DIR/o/{version}/maker\"\nfi\nexec '{zig}' \"$@\""
        );
        bench.set("ZIG", &bench.script("maker", &body)?.display().to_string());
        bench.set("ZIG_BUILD_STRICT", "1");
        let said = || -> Result<usize, Error> {
            let outcome = bench.run(|b| b);
            assert!(outcome.result?.is_built());
            let is_said = |line: &&String| line.contains("for the build runner of Zig 0.17.1");
            Ok(outcome.lines.iter().filter(is_said).count())
        };
        assert_eq!((said()?, said()?), (times, 0), "{version}");
    }
    Ok(())
}

#[test]
fn a_build_file_that_names_no_version_gets_the_one_that_its_errors_tell() -> Checked {
    let mut bench = with_zigs(&["0.16.0", "0.15.2"])?;
    let refusing = format!(
        "[ \"$1\" = version ] && echo 0.16.0 && exit\necho \"{}\" >&2; exit 1",
        "build.zig:6:8: error: no field or member function named 'linkLibC' in 'Build.Step.Compile'"
    );
    let zig = bench.script("0.16.0/zig", &refusing)?;
    let outcome = bench.run(|b| b);
    assert_eq!(outcome.result?.zig_version(), Some(Version::new(0, 15, 2)));
    let warnings: Vec<_> = outcome.lines.iter().filter(|line| line.starts_with("cargo::warning=")).collect();
    let way = "`.zig_versions(Version::new(0, 15, 0)..Version::new(0, 16, 0))`";
    assert!(matches!(&*warnings, [one] if one.contains(way)), "{warnings:?}");

    // One that was written for a version between two releases: only the oldest takes it.
    let refusing = |version: &str, says: &str| {
        let body = format!(
            "[ \"$1\" = version ] && echo {version} && exit\necho \"build.zig:1:1: error: {says}\" >&2; exit 1"
        );
        bench.script(&format!("between/{version}/zig"), &body)
    };
    let zigs = [
        refusing("0.16.0", "no field named 'root' in struct 'Build'")?,
        refusing("0.17.1", "no field named 'Debug' in enum 'lang.Optimize'")?,
        bench.path("0.15.2/zig"),
    ];
    let folders = zigs.iter().filter_map(|zig| Some(zig.parent()?.display().to_string()));
    let path = folders.collect::<Vec<_>>().join(":");
    bench.set("PATH", &path);
    assert_eq!(bench.run(|b| b).result?.zig_version(), Some(Version::new(0, 15, 2)));

    bench.set("ZIG", &zig.display().to_string());
    let Err(error @ Error::BuildFailed { .. }) = bench.run(|b| b).result else { panic!("ZIG says which") };
    assert!(
        error.to_string().contains("It is written for Zig 0.15 or older, and this was 0.16.0"),
        "{error}"
    );
    bench.unset("ZIG");
    bench.set("PATH", &bench.path("0.16.0").display().to_string());
    let Err(error @ Error::BuildFailed { .. }) = bench.run(|b| b).result else { panic!("there is one only") };
    assert!(error.to_string().contains("ziglang==0.15.2"), "{error}");
    Ok(())
}
