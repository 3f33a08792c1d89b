//! Which kernels run: listed, checked, chosen by the environment, refused in a sentence.

use crate::sandbox::{Sandbox, finish};

#[test]
fn the_levels_are_listed_and_one_is_in_use() {
    let sandbox = Sandbox::new();
    let plain = sandbox.ok(&["kernels"]);
    assert_eq!(plain.lines().filter(|line| line.starts_with('→')).count(), 1, "{plain}");
    let answer = sandbox.json(&["kernels"]);
    let levels = answer["levels"].as_array().unwrap();
    assert_eq!(levels.iter().filter(|level| level["chosen"] == true).count(), 1);
    assert_eq!(levels[0]["level"], "portable");
    assert!(levels[0]["built"] == true && levels[0]["runs_here"] == true);
    let zig = levels.iter().any(|level| level["built"] == true && level["level"] != "portable");
    assert_eq!(zig, cfg!(feature = "zig-kernels"), "{answer}");
}

#[test]
fn the_environment_chooses_and_is_refused_in_a_sentence() {
    let sandbox = Sandbox::new();
    let with = |level: &str| {
        let mut command = sandbox.command(&["kernels", "--json"]);
        finish(command.env("ENGRAM_KERNELS", level), b"")
    };
    let portable = with("portable");
    assert_eq!(portable.code, Some(0), "{portable:?}");
    assert!(
        portable.out.contains("\"chosen\":true,\"why\":\"in use: ENGRAM_KERNELS asks for it\""),
        "{portable:?}"
    );
    with("sse9").failed(2, &["`sse9` names no kernels", "unset it"]);
    let elsewhere = if cfg!(target_arch = "aarch64") { "x86_64_v3" } else { "neon" };
    with(elsewhere).failed(2, &["this processor cannot run the", "unset ENGRAM_KERNELS"]);
}
