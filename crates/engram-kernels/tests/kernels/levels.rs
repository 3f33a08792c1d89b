//! Every level that runs here, through the shared suite.

use engram_kernels::{Kernels, KernelsError, Level, check, kernel_levels, kernels};

#[test]
fn every_level_passes_the_suite() {
    for kernels in Kernels::all() {
        let report = check::check(kernels);
        assert!(report.passed(), "{report}");
        assert!(report.checks > 1_000_000, "{report}");
    }
}

#[test]
fn levels_are_listed_with_the_one_in_use() {
    let levels = kernel_levels();
    assert_eq!(levels.iter().filter(|status| status.chosen.is_some()).count(), 1);
    for status in levels {
        let usable = status.runs_here && status.built;
        assert_eq!(Kernels::at(status.level).is_ok(), usable, "{status:?}");
        if status.chosen.is_some() {
            assert_eq!(kernels().map_or(Level::Portable, Kernels::level), status.level);
        }
    }
}

#[test]
fn what_cannot_run_is_refused_with_a_sentence() {
    let elsewhere = if cfg!(target_arch = "aarch64") { Level::X86_64V3 } else { Level::Neon };
    let error = Kernels::at(elsewhere).unwrap_err();
    assert!(matches!(error, KernelsError::NotOnThisProcessor { .. }));
    let text = error.to_string();
    assert!(text.starts_with("this processor cannot run the ") && text.contains("unset ENGRAM_KERNELS"));
    for level in Level::ALL.into_iter().filter(|level| level.runs_here()) {
        if let Err(error) = Kernels::at(level) {
            assert!(error.to_string().contains("--features zig-kernels"), "{error}");
        }
    }
    assert!("sse9".parse::<Level>().unwrap_err().to_string().starts_with("`sse9` names no kernels"));
}

/// What the child processes of the next test run: compares the kernels in use with what is expected.
#[test]
fn child_of_the_override() {
    let Ok(expected) = std::env::var("EXPECTED_KERNELS") else { return };
    let found = kernels().map_or_else(|error| error.to_string(), |kernels| kernels.level().to_string());
    assert!(found.starts_with(&expected), "{found}, not {expected}");
    // Whatever was asked for, the functions work.
    assert_eq!(engram_kernels::vector_dot(&[1.0, 2.0], &[3.0, 4.0]), [11.0]);
}

#[test]
fn the_environment_has_its_way_or_a_sentence() {
    let best = Kernels::best().level().name();
    let elsewhere = if cfg!(target_arch = "aarch64") { "x86_64_v3" } else { "neon" };
    let levels = Kernels::all().map(|kernels| (kernels.level().name(), kernels.level().name()));
    let others = [
        ("", best),
        ("sse9", "ENGRAM_KERNELS: `sse9` names no kernels"),
        (elsewhere, "this processor cannot run the "),
    ];
    for (asked, expected) in levels.chain(others) {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "levels::child_of_the_override"])
            .env("ENGRAM_KERNELS", asked)
            .env("EXPECTED_KERNELS", expected)
            .output()
            .unwrap();
        assert!(child.status.success(), "{asked}: {}", String::from_utf8_lossy(&child.stdout));
    }
}
