//! Bad input: one sentence that names it, a documented code, and nothing lost.

use std::fs::File;
use std::io::{BufWriter, Write};

use serde_json::json;

use crate::sandbox::{Ran, Sandbox};

/// A store with one memory in it, and that this memory is still all there is.
fn with_one_memory() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.ok(&["remember", "--id", "first", "The first memory."]);
    sandbox
}

/// Checks an import: everything on standard error in sentences, one of which holds all of `says`.
#[track_caller]
fn imported(ran: &Ran, code: i32, says: &[&str]) {
    assert_eq!(ran.code, Some(code), "{ran:?}");
    assert!(ran.err.lines().all(|line| line.starts_with("engram: ")), "{ran:?}");
    assert!(ran.err.lines().any(|line| says.iter().all(|part| line.contains(part))), "{says:?}: {ran:?}");
}

#[test]
fn a_missing_path_is_named_and_the_rest_imported() {
    let sandbox = Sandbox::new();
    sandbox.fails(&["import", "nowhere.md"], 3, &["there is no nowhere.md; check the path"]);
    assert!(!sandbox.path(".engram").exists(), "a mistyped path makes no store");
    sandbox.write("a.md", "# A\n\nText.\n");
    sandbox.fails(&["import", "nowhere.md", "a.md"], 3, &["there is no nowhere.md"]);
    assert_eq!(sandbox.ids(), ["a.md"]);
    sandbox.fails(&["recall", "--vault", "nowhere", "cue"], 3, &["there is no nowhere"]);
    sandbox.fails(&["recall", "--vault", "a.md", "cue"], 3, &["a.md is no folder"]);
    sandbox.fails(&["eval", "nowhere"], 3, &["nowhere", "a BEIR folder holds corpus.jsonl"]);
    sandbox.write("picture.png", b"\x89PNG");
    sandbox.fails(
        &["import", "picture.png"],
        3,
        &["picture.png is of no kind that can be imported", "name a .md"],
    );
}

#[test]
#[cfg(unix)]
fn an_unreadable_path_is_named_and_the_rest_imported() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::unprivileged();
    let closed = |name: &str| {
        std::fs::set_permissions(sandbox.path(name), PermissionsExt::from_mode(0o000)).unwrap();
    };
    sandbox.write("notes/a.md", "# A\n\nText.\n");
    sandbox.write("notes/closed.md", "# Closed\n");
    sandbox.write("notes/folder/b.md", "# B\n");
    sandbox.write("closed.jsonl", "{}");
    closed("notes/closed.md");
    closed("notes/folder");
    closed("closed.jsonl");
    let ran = sandbox.run(&["import", "notes"]);
    imported(&ran, 3, &["notes/closed.md cannot be read", "check its permissions"]);
    imported(&ran, 3, &["notes/folder", "cannot be read"]);
    assert_eq!(sandbox.ids(), ["a.md"]);
    sandbox.fails(&["import", "closed.jsonl"], 3, &["closed.jsonl cannot be read", "check its permissions"]);
    // For the temporary folder to be removed.
    std::fs::set_permissions(sandbox.path("notes/folder"), PermissionsExt::from_mode(0o755)).unwrap();
}

#[test]
#[cfg(unix)]
fn a_vault_that_cannot_be_looked_into_is_named() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let sandbox = Sandbox::unprivileged();
    let mode = |mode| {
        std::fs::set_permissions(sandbox.path("closed"), PermissionsExt::from_mode(mode)).unwrap();
    };
    symlink("loop", sandbox.path("loop")).unwrap();
    sandbox.write("file", "no folder");
    sandbox.write("closed/a.md", "# A\n");
    let recall = |vault: &str, says: &[&str]| {
        let ran = sandbox.fails(&["recall", "--vault", vault, "zebra"], 3, says);
        assert!(!ran.err.contains("no store") && !ran.err.contains(".engram"), "{ran:?}");
    };
    recall("loop", &["loop cannot be read", "symbolic links", "check the path"]);
    recall("loop/below", &["loop/below cannot be read", "symbolic links", "check the path"]);
    recall("file", &["file is no folder"]);
    recall("file/below", &["file/below cannot be read", "check the path"]);
    for bits in [0o000, 0o111] {
        mode(bits);
        recall("closed", &["closed cannot be read", "check its permissions"]);
    }
    mode(0o000);
    recall("closed/below", &["closed/below cannot be read", "check its permissions"]);
    mode(0o755);
}

#[test]
fn what_is_no_text_is_named_and_the_rest_imported() {
    let sandbox = with_one_memory();
    sandbox.write("notes/good.md", "# Good\n\nText.\n");
    sandbox.write("notes/latin.md", b"# Caf\xe9\n");
    sandbox.write("notes/program.txt", b"\x7fELF\0\0\0");
    let ran = sandbox.run(&["import", "notes"]);
    imported(&ran, 3, &["latin.md is not UTF-8 at byte 5; convert it"]);
    imported(&ran, 3, &["program.txt is a binary file"]);
    assert_eq!(sandbox.ids(), ["first", "good.md"]);
    sandbox.fails(&["import", "notes/latin.md"], 3, &["latin.md is not UTF-8"]);
    let vault = sandbox.run(&["recall", "--vault", "notes", "good"]);
    imported(&vault, 0, &["latin.md is not UTF-8"]);
    sandbox
        .run_with_input(&["remember", "-"], b"caf\xe9")
        .failed(3, &["standard input is not UTF-8 at byte 3"]);
    sandbox.is_sound();
}

#[test]
fn a_broken_line_is_numbered_and_the_rest_imported() {
    let sandbox = with_one_memory();
    let lines = [
        r#"{"id":"a","text":"one"}"#,
        r#"{"id":"b","text":"#,
        r#"{"id":"","text":"no id"}"#,
        r#"{"text":"none either"}"#,
        r#"{"id":"c","text":"two","links":[{"to":"a","weight":NaN}]}"#,
        r#"{"id":"d","text":"two","links":[{"to":"a","weight":1e999}]}"#,
        r#"{"id":"e","text":"two","links":[{"to":"a","weight":-1}]}"#,
        r#"{"id":"f","text":"two","strength":1e999}"#,
        r#"{"id":"g","text":"two","vector":[1,2]}"#,
        r#"{"id":"h","text":"two","time":"yesterday"}"#,
        r#"{"id":"z","text":"three"}"#,
    ];
    sandbox.write("lines.jsonl", lines.join("\n"));
    let ran = sandbox.run(&["import", "lines.jsonl"]);
    imported(&ran, 3, &["lines.jsonl, line 2: it is no JSON"]);
    imported(&ran, 3, &["line 3: the id is empty"]);
    imported(&ran, 3, &["line 4: missing field `id`"]);
    for line in [5, 6, 7, 8] {
        imported(&ran, 3, &[&format!("lines.jsonl, line {line}: ")]);
    }
    imported(&ran, 3, &["memory g brings a vector", "leave the vector out"]);
    imported(&ran, 3, &["line 10: \"yesterday\" is no time"]);
    assert_eq!(sandbox.ids(), ["a", "first", "z"]);
    let answer = sandbox.run(&["import", "--json", "lines.jsonl"]);
    let answer: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!((&answer["unchanged"], answer["refused"].as_array().unwrap().len()), (&json!(2), 9));
}

#[test]
fn a_line_of_140_megabytes_is_refused_and_the_rest_imported() {
    let sandbox = with_one_memory();
    let mut file = BufWriter::new(File::create(sandbox.path("long.jsonl")).unwrap());
    writeln!(file, "{{\"id\":\"before\",\"text\":\"one\"}}").unwrap();
    write!(file, "{{\"id\":\"long\",\"text\":\"").unwrap();
    let megabyte = "lanes and kernels ".repeat(1_000_000 / 18);
    for _ in 0..140 {
        file.write_all(megabyte.as_bytes()).unwrap();
    }
    writeln!(file, "\"}}\n{{\"id\":\"after\",\"text\":\"two\"}}").unwrap();
    file.flush().unwrap();
    let ran = sandbox.run(&["import", "long.jsonl"]);
    imported(&ran, 3, &["long.jsonl, line 2: the line is longer than", "split"]);
    assert_eq!(sandbox.ids(), ["after", "before", "first"]);
    File::create(sandbox.path("long.md")).unwrap().set_len(100 << 20).unwrap();
    sandbox.fails(&["import", "long.md"], 3, &["long.md has 104857600 bytes", "split it"]);
    let text = "word ".repeat(4 << 20);
    sandbox.write("text.jsonl", format!("{{\"id\":\"text\",\"text\":\"{text}\"}}\n"));
    imported(&sandbox.run(&["import", "text.jsonl"]), 3, &["text.jsonl, line 1: ", "so split it"]);
}

#[test]
fn odd_notes_are_imported_with_a_warning() {
    let sandbox = Sandbox::new();
    sandbox.write("notes/odd.md", "---\ntitle: [unclosed\n: :\n---\n# Odd\n\nA zebra.\n");
    sandbox.write("notes/lost.md", "# Lost\n\nLeads to [[Nowhere]], [nothing](gone.md) and [[Round]].\n");
    sandbox.write("notes/round.md", "# Round\n\nBack to [[Lost]] and to [[Round]].\n");
    let ran = sandbox.run(&["import", "notes"]);
    imported(&ran, 0, &["odd.md, line", "the front matter is not YAML"]);
    assert_eq!(sandbox.ids(), ["lost.md", "odd.md", "round.md"]);
    assert_eq!(sandbox.json(&["recall", "zebra"])["hits"][0]["id"], "odd.md");
    assert_eq!(sandbox.json(&["recall", "round"])["hits"][0]["id"], "round.md");
    sandbox.is_sound();
}

/// Many faults, or a huge one, fill neither the terminal nor the memory, and all are counted.
#[test]
fn what_is_said_about_input_is_bounded() {
    let sandbox = Sandbox::new();
    sandbox.write("faults.md", "[x](%00.md)\n\n".repeat(5000));
    let ran = sandbox.run(&["import", "faults.md"]);
    imported(&ran, 0, &["faults.md, line 39: the link leads to a path that is no id"]);
    imported(&ran, 0, &["and 1 more warnings; --json shows all"]);
    assert_eq!(ran.err.lines().count(), 21);
    let answer = sandbox.json(&["import", "faults.md"]);
    assert_eq!((answer["warnings"].as_array().unwrap().len(), &answer["more_warnings"]), (21, &json!(0)));
    let last = answer["warnings"][20].as_str().unwrap();
    assert!(last.starts_with("faults.md, line 41: 4980 more warnings about this note"), "{last}");

    sandbox.write("faults.jsonl", "broken\n".repeat(5000));
    let ran = sandbox.run(&["import", "faults.jsonl"]);
    imported(&ran, 3, &["and 4980 more that were refused; --json shows the first 1000"]);
    assert_eq!(ran.err.lines().count(), 21);
    assert!(ran.out.contains(", 5000 refused, in "), "{ran:?}");
    let ran = sandbox.run(&["import", "--json", "faults.jsonl"]);
    let answer: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((answer["refused"].as_array().unwrap().len(), &answer["more_refused"]), (1000, &json!(4000)));

    let huge = "x".repeat(1 << 20);
    let lines = [
        format!(r#"{{"id":"a","text":"b","strength":"{huge}"}}"#),
        format!(r#"{{"id":"a","text":"b","time":"{huge}"}}"#),
        format!(r#"{{"id":"a","text":"b","language":"{huge}"}}"#),
        format!(r#"{{"id":"a","text":"b","namespace":"{huge}"}}"#),
        format!(r#"{{"id":"a","text":"b","vector":[1],"model":"{huge}"}}"#),
    ];
    sandbox.write("huge.jsonl", lines.join("\n"));
    let ran = sandbox.run(&["import", "huge.jsonl"]);
    assert_eq!((ran.code, ran.err.lines().count()), (Some(3), 5), "{ran:?}");
    assert!(ran.err.lines().all(|line| line.len() < 4200), "{ran:?}");
    assert!(ran.err.lines().all(|line| !line.ends_with('x')), "each says what to do: {ran:?}");
    let ran = sandbox.run(&["recall", "--since", &huge[..100_000], "cue"]);
    assert!(ran.code == Some(2) && ran.err.len() < 800 && ran.err.contains("--help"), "{ran:?}");
    for pattern in ["*".repeat(100_000), format!("{}a{}", "{".repeat(250), "}".repeat(250)), "{".repeat(250)]
    {
        for arguments in [&["list", "--source", &pattern][..], &["recall", "--source", &pattern, "cue"]] {
            let ran = sandbox.fails(arguments, 2, &["is no file pattern: "]);
            assert!(ran.err.len() < 800, "{ran:?}");
        }
    }
    sandbox.is_sound();
}

#[test]
fn a_cue_needs_words() {
    let sandbox = with_one_memory();
    for cue in ["", "   ", "\n"] {
        sandbox.fails(&["recall", cue], 2, &["the cue is empty; say what to recall"]);
    }
    sandbox.fails(&["recall"], 2, &["<CUE>", "engram recall --help"]);
    // No words that count, and none that are known: no hit, and no fault.
    for cue in ["?!…", "the of and", "\u{1f600}", "\u{202e}\u{feff}", "日本"] {
        let ran = sandbox.run(&["recall", "--mode", "words", cue]);
        assert!(matches!(ran.code, Some(0 | 1)), "{cue:?}: {ran:?}");
    }
    let long = "zebra ".repeat(20_000);
    let ran = sandbox.run(&["recall", &long]);
    assert!(matches!(ran.code, Some(0 | 1)), "{ran:?}");
}

#[test]
fn an_empty_or_missing_store_says_how_to_fill_it() {
    let sandbox = Sandbox::new();
    for arguments in [
        &["recall", "cue"][..],
        &["list"],
        &["stats"],
        &["export"],
        &["show", "a"],
        &["forget", "a"],
        &["update", "a", "--text", "b"],
        &["link", "a", "b"],
        &["consolidate"],
        &["verify"],
    ] {
        sandbox.fails(arguments, 4, &["there is no store in .engram", "engram import"]);
    }
    assert!(!sandbox.path(".engram").exists());
    sandbox.write("empty.jsonl", "\n");
    sandbox.ok(&["import", "empty.jsonl"]);
    sandbox.fails(&["recall", "cue"], 1, &["is empty; put something in with `engram import PATH`"]);
    let listed = sandbox.run(&["list"]);
    assert_eq!((listed.code, listed.out.as_str()), (Some(0), ""));
    assert_eq!(sandbox.json(&["list"]), json!({"memories": []}));
    assert_eq!(sandbox.ok(&["export"]), "");
    assert_eq!(sandbox.json(&["stats"])["memories"], 0);
    sandbox.ok(&["consolidate"]);
    sandbox.is_sound();
    std::fs::create_dir(sandbox.path("vault")).unwrap();
    sandbox.fails(&["recall", "--vault", "vault", "cue"], 1, &["is empty; put something in"]);
}

#[test]
fn an_unknown_id_is_named() {
    let sandbox = with_one_memory();
    for arguments in [
        &["show", "nobody"][..],
        &["update", "nobody", "--text", "x"],
        &["link", "first", "nobody"],
        &["link", "nobody", "first"],
    ] {
        sandbox.fails(arguments, 1, &["no memory has the id nobody; `engram list` shows the ids"]);
    }
    let ran = sandbox.fails(&["forget", "nobody"], 1, &["no memory has the id nobody"]);
    assert_eq!(ran.out, "0 memories forgotten\n");
    assert_eq!(sandbox.ids(), ["first"]);
}

#[test]
fn values_out_of_range_are_named() {
    let sandbox = with_one_memory();
    sandbox.ok(&["remember", "--id", "second", "The second memory."]);
    for weight in ["NaN", "inf", "-inf", "-1", "0", "1e9", "heavy"] {
        sandbox.fails(&["link", "first", "second", "--weight", weight], 2, &["--weight", "at most 1000"]);
    }
    let long = "x".repeat(401);
    for (arguments, says) in [
        (&["remember", "--id", "", "text"][..], &["--id", "the id is empty"][..]),
        (&["remember", "--id", &long, "text"], &["401 bytes"]),
        (&["remember", "--id", "a\nb", "text"], &["control character"]),
        (&["remember", ""], &["the text is empty"]),
        (&["remember", "--time", "yesterday", "text"], &["--time", "is no time; write 2026-11-22"]),
        (&["remember", "--namespace", "", "text"], &["--namespace", "1 to 64"]),
        (&["remember", "--language", "klingon", "text"], &["--language", "not a language code"]),
        (&["update", "first"], &["nothing to change"]),
        (&["recall", "-k", "0", "cue"], &["-k", "1..=10000"]),
        (&["recall", "--source", "[", "cue"], &["is no file pattern"]),
        (&["list", "--source", "["], &["--source", "no file pattern"]),
        (&["recall", "--since", "x", "cue"], &["--since", "is no time"]),
        (&["recall", "--mode", "psychic", "cue"], &["--mode", "vectors"]),
        (&["import", "--vectors", "mine", "x"], &["--vectors", "write the model's name"]),
        (&["import", "--vectors", "mine:0", "x"], &["--vectors", "from 1 to 65536"]),
        (&["import", "--commit-every", "NaN", "x"], &["--commit-every", "megabytes above 0"]),
        (&["rcall", "cue"], &["rcall", "recall"]),
        (&["recall", "--explian", "cue"], &["--explian", "--explain"]),
    ] {
        sandbox.fails(arguments, 2, says);
    }
    assert_eq!(sandbox.ids(), ["first", "second"]);
}

#[test]
fn a_vector_that_does_not_fit_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "v.jsonl",
        "{\"id\":\"good\",\"text\":\"one\",\"vector\":[1,0]}\n{\"id\":\"bad\",\"text\":\"two\",\"vector\":[1,0,0]}\n",
    );
    let ran = sandbox.run(&["import", "--vectors", "mine:2", "v.jsonl"]);
    imported(&ran, 3, &["vector of the memory bad has 3 elements", "\"mine\" has 2"]);
    assert_eq!(sandbox.ids(), ["good"]);
    sandbox.write("three.json", "[1, 2, 3]");
    sandbox.write("no.json", "[1, \"two\"]");
    sandbox.write("huge.json", "[1e30, 1e39]");
    let recall = |file: &str, code, says: &[&str]| {
        sandbox.fails(&["recall", "--vector", file, "cue"], code, says);
    };
    recall("three.json", 3, &["has 3 elements", "has 2"]);
    recall("no.json", 3, &["no.json holds no vector", "JSON array of numbers"]);
    recall("huge.json", 3, &["huge.json holds no vector"]);
    recall("none.json", 3, &["there is no none.json"]);
    sandbox.fails(&["remember", "--vector", "three.json", "text"], 3, &["has 3 elements"]);
    sandbox.fails(&["import", "--vectors", "other:2", "v.jsonl"], 3, &["mine:2", "other:2"]);
    assert_eq!(sandbox.ids(), ["good"]);
    sandbox.is_sound();
}

/// A pipe gives its lines once.
#[test]
#[cfg(unix)]
fn json_lines_come_from_a_pipe_too() {
    let sandbox = Sandbox::new();
    let pipe = sandbox.path("pipe.jsonl");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let writer = std::thread::spawn(move || std::fs::write(pipe, "{\"id\":\"a\",\"text\":\"one\"}\n"));
    sandbox.ok(&["import", "pipe.jsonl"]);
    writer.join().unwrap().unwrap();
    assert_eq!(sandbox.ids(), ["a"]);
}
