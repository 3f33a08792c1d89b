//! The archives for other systems: built here, and their symbols read. They are not linked or run here.
#![cfg(feature = "zig-kernels")]
#![allow(clippy::unwrap_used, reason = "the helpers of tests may panic, as tests do")]

use std::ffi::OsString;
use std::path::Path;

use zig_build::{Build, Optimize};

const FUNCTIONS: [&str; 15] = [
    "engram_apply_decay",
    "engram_kernels_abi_version",
    "engram_kernels_best_level",
    "engram_spread_activation_hop",
    "engram_spread_activation_hop_batch",
    "engram_spread_activation_pull",
    "engram_spread_activation_pull_batch",
    "engram_spread_activation_pull_rows",
    "engram_spread_activation_push",
    "engram_spread_activation_settle",
    "engram_vector_dot",
    "engram_vector_dot_i8",
    "engram_vector_dot_top_k",
    "engram_vector_norms",
    "engram_vector_similarity",
];

/// As the build script builds it, but for another target.
fn archive(target: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("archives").join(target);
    let replaced = ["TARGET", "HOST", "OUT_DIR", "CARGO_CFG_TARGET_FEATURE"];
    let kept = std::env::vars_os().filter(|(name, _)| replaced.iter().all(|replaced| name != replaced));
    let environment = kept.chain([
        ("TARGET".into(), target.into()),
        ("OUT_DIR".into(), OsString::from(folder)),
        ("CARGO_MANIFEST_DIR".into(), env!("CARGO_MANIFEST_DIR").into()),
    ]);
    let artifact = Build::new("zig")
        .library("engram_kernels")
        .optimize(Optimize::ReleaseFast)
        .symbol_prefix("engram_")
        .allow_undefined([""; 0])
        .environment(environment)
        .try_build_to(&mut std::io::sink())
        .unwrap_or_else(|error| panic!("{target}: {error}"));
    std::fs::read(artifact.path().unwrap()).unwrap()
}

fn contains(archive: &[u8], symbol: &str) -> bool {
    archive.windows(symbol.len()).any(|window| window == symbol.as_bytes())
}

#[test]
fn other_systems_get_the_same_functions_and_nothing_else() {
    for (target, levels) in [
        ("x86_64-pc-windows-gnu", &["x86_64_v2", "x86_64_v3", "x86_64_v4"][..]),
        ("aarch64-pc-windows-gnullvm", &["neon"]),
        ("x86_64-pc-windows-msvc", &["x86_64_v2", "x86_64_v3", "x86_64_v4"]),
        ("aarch64-pc-windows-msvc", &["neon"]),
        ("x86_64-apple-darwin", &["x86_64_v2", "x86_64_v3", "x86_64_v4"]),
        ("aarch64-apple-darwin", &["neon"]),
        ("x86_64-unknown-linux-musl", &["x86_64_v2", "x86_64_v3", "x86_64_v4"]),
        ("aarch64-unknown-linux-gnu", &["neon"]),
        ("riscv64gc-unknown-linux-gnu", &[]),
        ("wasm32-unknown-unknown", &["wasm_simd128"]),
    ] {
        // zig-build itself refuses any other global, and any need.
        let archive = archive(target);
        for function in FUNCTIONS {
            assert!(contains(&archive, function), "{target}: no {function}");
            let kernel = function.strip_prefix("engram_").unwrap();
            for level in levels.iter().filter(|_| !kernel.starts_with("kernels_")) {
                assert!(
                    contains(&archive, &format!("engram_{level}_{kernel}")),
                    "{target}: no {level} {kernel}"
                );
            }
        }
        assert_eq!(contains(&archive, "engram_neon_"), levels == ["neon"], "{target}");
    }
}
