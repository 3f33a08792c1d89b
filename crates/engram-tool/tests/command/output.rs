//! What reaches a terminal or a pipe: colours where they belong, and nothing that steers.

use crate::sandbox::{Sandbox, finish};

#[test]
fn colours_come_when_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["remember", "--title", "Zebra", "A zebra runs."]);
    let coloured = sandbox.ok(&["recall", "--color", "always", "zebra"]);
    assert!(coloured.contains("\u{1b}[1mZebra\u{1b}[0m"), "{coloured:?}");
    assert!(coloured.contains("A \u{1b}[1m\u{1b}[4mzebra\u{1b}[0m runs."), "{coloured:?}");
    let mut command = sandbox.command(&["recall", "zebra"]);
    let forced = finish(command.env("CLICOLOR_FORCE", "1"), b"");
    assert!(forced.out.contains("\u{1b}["));
    let mut command = sandbox.command(&["recall", "zebra"]);
    let without = finish(command.env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1"), b"");
    assert!(!without.out.contains('\u{1b}'), "NO_COLOR wins");
    assert!(!sandbox.ok(&["recall", "zebra"]).contains('\u{1b}'));
}

#[test]
fn memories_never_steer_the_terminal() {
    let sandbox = Sandbox::new();
    let evil = "zebra \u{1b}[2J\u{1b}]0;owned\u{7} \u{9b}31m \u{202e}txt.exe \r gone";
    sandbox.ok(&[
        "remember", "--id", "evil", "--title", evil, "--alias", evil, "--tag", evil, "--source", evil, evil,
    ]);
    for arguments in [
        &["recall", "zebra"][..],
        &["recall", "--explain", "zebra"],
        &["recall", "--json", "zebra"],
        &["show", "evil"],
        &["show", "evil", "--json"],
        &["list"],
        &["list", "--json"],
        &["stats"],
    ] {
        let out = sandbox.ok(arguments);
        assert!(!out.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{7}', '\r']), "{arguments:?}: {out:?}");
        assert!(out.contains("zebra") || arguments == ["stats"], "{out}");
    }
    // The JSON says the same all the same.
    assert_eq!(sandbox.json(&["show", "evil"])["text"], evil);
    let file = sandbox.write("notes/\u{1b}[31m.md", "---\n: [\n---\n");
    let ran = sandbox.run(&["import", file.parent().unwrap().to_str().unwrap(), "no\u{1b}[31mthing"]);
    assert!(!ran.err.contains('\u{1b}'), "{ran:?}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let sandbox = Sandbox::new();
    sandbox.write("many.jsonl", crate::sandbox::memories("m", 3000, 100));
    sandbox.ok(&["import", "many.jsonl"]);
    for arguments in [&["export"][..], &["list"], &["list", "--json"]] {
        let mut child = sandbox.command(arguments).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_is_said() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["remember", "--id", "a", "A zebra."]);
    let answers =
        [&["export"][..], &["list"], &["recall", "zebra"], &["recall", "--json", "zebra"], &["--help"]];
    for arguments in answers {
        let full = std::fs::File::create("/dev/full").unwrap();
        let ran = finish(sandbox.command(arguments).stdout(full), b"");
        ran.failed(5, &["the output cannot be written"]);
    }
    sandbox.fails(&["export", "no/such/folder.jsonl"], 5, &["no/such/folder.jsonl cannot be written"]);
}
