//! Which store a command uses: named by an option, by a variable, or found above; and which notes it keeps in step.

use std::fs;

use crate::sandbox::{Ran, Sandbox, finish};

/// A vault with two notes, whose store is there.
fn vault() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("v/zebra.md", "# Zebra\n\nA zebra is striped.\n");
    sandbox.write("v/deep/er/river.md", "# River\n\nThe river is wide.\n");
    sandbox.ok(&["recall", "--vault", "v", "zebra"]);
    sandbox
}

/// Runs a command in a folder of the sandbox, with a variable.
fn run_in(sandbox: &Sandbox, folder: &str, variable: (&str, &str), arguments: &[&str]) -> Ran {
    let mut command = sandbox.command(arguments);
    command.current_dir(sandbox.path(folder)).env(variable.0, variable.1);
    finish(&mut command, b"")
}

const NO_VARIABLE: (&str, &str) = ("ENGRAM_VAULT", "");

#[test]
fn a_question_alone_is_a_cue_and_a_mistyped_command_is_not() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["remember", "--id", "zebra", "A zebra is striped."]);
    assert_eq!(
        sandbox.ok(&["what is striped?"]).lines().next(),
        sandbox.ok(&["recall", "striped"]).lines().next()
    );
    sandbox.fails(&["recal"], 2, &["unrecognized subcommand 'recal'"]);
    sandbox.fails(&["what is", "striped"], 2, &["unrecognized subcommand"]);
    assert_eq!(sandbox.ok(&["help", "recall"]), sandbox.ok(&["recall", "--help"]));
}

#[test]
fn every_command_takes_a_vault() {
    let sandbox = vault();
    for arguments in [&["list"][..], &["show", "zebra.md"], &["stats"], &["export"], &["verify"]] {
        let out = sandbox.ok(&[arguments, &["--vault", "v"]].concat());
        assert_eq!(out, sandbox.ok(&[arguments, &["--store", "v/.engram"]].concat()));
        let ran = run_in(&sandbox, ".", ("ENGRAM_VAULT", "v"), arguments);
        assert_eq!((ran.code, ran.out), (Some(0), out), "{arguments:?}");
    }
    sandbox.ok(&["link", "--vault", "v", "zebra.md", "deep/er/river.md"]);
    assert!(!sandbox.path(".engram").exists());
}

#[test]
fn options_go_before_variables_and_variables_before_folders() {
    let sandbox = vault();
    sandbox.ok(&["remember", "--id", "other", "--store", "s", "A zebra in a store of its own."]);
    let ids = |folder: &str, variable, arguments: &[&str]| {
        let ran = run_in(&sandbox, folder, variable, &[&["list", "--json"], arguments].concat());
        let listed: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        listed["memories"].as_array().unwrap().len()
    };
    assert_eq!(ids(".", ("ENGRAM_VAULT", "v"), &["--store", "s"]), 1);
    assert_eq!(ids(".", ("ENGRAM_STORE", "s"), &["--vault", "v"]), 2);
    assert_eq!(ids("v/deep", ("ENGRAM_STORE", "../../s"), &[]), 1);
    assert_eq!(ids("v/deep", NO_VARIABLE, &[]), 2);
}

#[test]
fn a_recall_within_a_vault_keeps_it_in_step() {
    let sandbox = vault();
    for folder in ["v", "v/deep/er"] {
        sandbox.write("v/new.md", format!("# New\n\nA heron stands in {folder}.\n"));
        let ran = run_in(&sandbox, folder, NO_VARIABLE, &["recall", "heron"]);
        assert!(ran.code == Some(0) && ran.out.contains(&format!("stands in {folder}")), "{ran:?}");
        fs::remove_file(sandbox.path("v/new.md")).unwrap();
        let ran = run_in(&sandbox, folder, NO_VARIABLE, &["recall", "heron"]);
        assert!(!ran.out.contains("heron"), "{ran:?}");
    }
    // A store that no vault made takes in nothing.
    sandbox.ok(&["remember", "--id", "own", "--store", "w/.engram", "A kettle."]);
    sandbox.write("w/deep/note.md", "A kettle in a note.\n");
    let ran = run_in(&sandbox, "w/deep", NO_VARIABLE, &["recall", "kettle"]);
    assert!(ran.out.contains("own") && !ran.out.contains("note"), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn folders_that_others_may_write_to_are_passed_over() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = vault();
    for (mode, code) in [(0o777, 4), (0o775, 4), (0o755, 0)] {
        fs::set_permissions(sandbox.path("v"), fs::Permissions::from_mode(mode)).unwrap();
        let ran = run_in(&sandbox, "v/deep", NO_VARIABLE, &["list"]);
        assert_eq!(ran.code, Some(code), "{mode:o}: {ran:?}");
    }
    fs::rename(sandbox.path("v/.engram"), sandbox.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", sandbox.path("v/.engram")).unwrap();
    assert_eq!(run_in(&sandbox, "v/deep", NO_VARIABLE, &["list"]).code, Some(4));
}
