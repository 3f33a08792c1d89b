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

/// What nobody sees does not reach the terminal; what emoji, Persian and the scripts of India need does.
#[test]
fn nothing_is_hidden_on_the_terminal() {
    const HIDDEN: [char; 12] = [
        '\u{ad}',
        '\u{115f}',
        '\u{200b}',
        '\u{200e}',
        '\u{2060}',
        '\u{2800}',
        '\u{3164}',
        '\u{fe00}',
        '\u{ffa0}',
        '\u{fff9}',
        '\u{e0041}',
        '\u{e0100}',
    ];
    let sandbox = Sandbox::new();
    let hidden: String = HIDDEN.iter().flat_map(|c| ['x', *c, 'y', ' ']).collect();
    let seen = "👩\u{200d}💻 می\u{200c}خواهم क्\u{200d}ष";
    let text = format!("zebra {hidden}{seen}");
    sandbox.ok(&[
        "remember", "--id", "odd", "--title", &text, "--alias", &text, "--tag", &text, "--source", &text,
        &text,
    ]);
    for arguments in
        [&["recall", "zebra"][..], &["recall", "--explain", "zebra"], &["show", "odd"], &["list"]]
    {
        let out = sandbox.ok(arguments);
        assert!(!out.contains(HIDDEN), "{arguments:?}: {}", out.escape_unicode());
        assert!(out.contains(seen), "{arguments:?}: {out}");
    }
    for arguments in [&["recall", "--json", "zebra"][..], &["show", "odd", "--json"], &["list", "--json"]] {
        let out = sandbox.ok(arguments);
        assert!(
            !out.contains(HIDDEN) && out.contains("👩\u{200d}💻"),
            "{arguments:?}: {}",
            out.escape_unicode()
        );
    }
    assert_eq!(sandbox.json(&["show", "odd"])["text"], text.as_str());
    let ran = sandbox.run(&["import", "no\u{200b}th\u{202e}ing"]);
    assert!(!ran.err.contains(['\u{200b}', '\u{202e}']), "{ran:?}");
}

/// The id that is shown is the one to be typed.
#[test]
fn ids_are_typed_as_they_are_shown() {
    let sandbox = Sandbox::new();
    for id in ["user\u{202e}gpj", "a\u{200b}b", "\u{3164}", "a\u{200d}b"] {
        sandbox.fails(&["remember", "--id", id, "text"], 2, &["--id", "which is not shown; leave out"]);
        sandbox.fails(&["remember", "--namespace", id, "text"], 2, &["--namespace", "which is not shown"]);
        sandbox.fails(&["remember", "--link", id, "text"], 2, &["--link", "which is not shown"]);
    }
    sandbox.write("notes/no\u{200b}te\u{ad}.md", "# A note\n\nA zebra.\n");
    sandbox.ok(&["import", "notes"]);
    assert_eq!(sandbox.ids(), ["no%E2%80%8Bte%C2%AD.md"]);
    sandbox.ok(&["forget", "no%E2%80%8Bte%C2%AD.md"]);

    // A store from before, in which ids hold such characters.
    let old = concat!(env!("CARGO_MANIFEST_DIR"), "/../engram/tests/stores/hidden-ids/data.mdb");
    sandbox.write("old/data.mdb", std::fs::read(old).unwrap());
    let listed = sandbox.ok(&["list", "--store", "old"]);
    let shown: Vec<&str> = listed.lines().filter_map(|line| line.split("  ").next()).collect();
    assert_eq!(shown, ["a%E2%80%8Bb", "note%E2%80%8B.md", "other.md", "user%E2%80%AEgpj"]);
    for id in &shown {
        assert!(sandbox.ok(&["show", id, "--store", "old"]).contains(&format!("id          {id}\n")), "{id}");
    }
    sandbox.ok(&["show", "a\u{200b}b", "--store", "old"]);
    let owl = sandbox.ok(&["recall", "--store", "old", "--namespace", "team\u{ad}", "owl"]);
    assert!(owl.contains("user%E2%80%AEgpj"), "{owl}");
    sandbox.ok(&["update", "user%E2%80%AEgpj", "--text", "An owl sleeps.", "--store", "old"]);
    sandbox.ok(&["link", "other.md", "a%E2%80%8Bb", "--store", "old"]);
    assert_eq!(sandbox.ok(&["export", "--store", "old"]).lines().count(), 4);
    sandbox.fails(&["show", "b%E2%80%8Bb", "--store", "old"], 1, &["no memory has the id b%E2%80%8Bb"]);
    sandbox.ok(&["forget", "user%E2%80%AEgpj", "a\u{200b}b", "note%E2%80%8B.md", "--store", "old"]);
    let listed = sandbox.ok(&["list", "--store", "old"]);
    assert!(listed.starts_with("other.md") && listed.lines().count() == 1, "{listed}");
}
