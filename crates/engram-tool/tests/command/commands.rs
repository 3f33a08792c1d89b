//! The commands that put in, change, show and look after memories, plain and in JSON.

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, holds};

/// Three notes that lead to one another.
pub fn notes() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "notes/lanes.md",
        "# Lanes\n\nEvery sum runs over 32 lanes, as [[The arithmetic contract]] says.\n",
    );
    sandbox.write(
        "notes/contract.md",
        "---\ntitle: The arithmetic contract\naliases: [same bits]\ntags: [arithmetic]\n---\nBoth [[Kernels]] round alike.\n",
    );
    sandbox.write("notes/kernels.md", "# Kernels\n\nThree hot functions, written twice.\n");
    sandbox
}

#[test]
fn memories_are_put_in_changed_and_taken_out() {
    let sandbox = Sandbox::new();
    let made = sandbox.ok(&["remember", "The kettle", "is descaled in May."]);
    assert_eq!(made.trim().len(), 16);
    assert_eq!(sandbox.run_with_input(&["remember", "-"], b"The kettle is descaled in May.").out, made);
    let new = sandbox.json(&[
        "remember",
        "--id",
        "rogers",
        "--title",
        "Carl Rogers",
        "--alias",
        "Rogers",
        "--tag",
        "psychology",
        "--link",
        "[[Therapy]]",
        "--time",
        "1951-01-01",
        "Founder of a school.",
    ]);
    assert_eq!(new, json!({"id": "rogers", "change": "added"}));
    sandbox.ok(&["remember", "--id", "therapy", "--title", "Therapy", "It listens."]);

    let updated = sandbox.json(&["update", "rogers", "--text", "Founded it.", "--alias", ""]);
    assert_eq!(updated, json!({"id": "rogers", "change": "updated"}));
    assert_eq!(sandbox.json(&["update", "rogers", "--text", "Founded it."])["change"], "unchanged");
    let linked = sandbox.json(&["link", "rogers", "therapy", "--weight", "2.5"]);
    assert_eq!(linked, json!({"from": "rogers", "to": "therapy", "weight": 2.5, "change": "updated"}));
    assert_eq!(sandbox.ok(&["link", "therapy", "rogers"]), "therapy → rogers\n");

    let shown = sandbox.json(&["show", "rogers"]);
    assert_eq!(shown["text"], "Founded it.");
    assert_eq!(shown["title"], "Carl Rogers");
    assert_eq!(shown.get("aliases"), None);
    assert_eq!(shown["time"], "1951-01-01T00:00:00Z");
    assert_eq!(shown["links"], json!([{"name": "Therapy"}, {"to": "therapy", "weight": 2.5}]));
    let shown = sandbox.ok(&["show", "rogers"]);
    for part in [
        "Carl Rogers\n",
        "id          rogers\n",
        "links       [[Therapy]], therapy (weight 2.5)\n",
        "\nFounded it.\n",
    ] {
        assert!(shown.contains(part), "{part:?} is missing in {shown}");
    }

    let listed = sandbox.json(&["list"]);
    assert_eq!(listed["memories"].as_array().unwrap().len(), 3);
    assert_eq!(keys(&listed["memories"][0]), ["id", "namespace", "source", "time", "title"]);
    assert!(sandbox.ok(&["list"]).contains("rogers  Carl Rogers\n"));

    assert_eq!(sandbox.json(&["forget", "rogers"]), json!({"forgotten": ["rogers"], "unknown": []}));
    let partly = sandbox.run(&["forget", "rogers", "therapy"]);
    partly.failed(1, &["no memory has the id rogers"]);
    assert_eq!(partly.out, "1 memory forgotten\n");
    assert_eq!(sandbox.ids(), [made.trim()]);
}

#[test]
fn the_store_is_named_by_option_or_environment() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["--store", "one", "remember", "--id", "a", "first"]);
    let mut command = sandbox.command(&["list"]);
    let listed = crate::sandbox::finish(command.env("ENGRAM_STORE", "one"), b"");
    assert_eq!(listed.out, "a  first\n");
    sandbox.ok(&["remember", "--id", "b", "second"]);
    assert!(sandbox.path(".engram/data.mdb").exists());
}

#[test]
fn importing_twice_changes_nothing_and_export_loses_nothing() {
    let sandbox = notes();
    let lines = crate::sandbox::memories("m", 30, 60);
    sandbox.write("more.jsonl", &lines);
    let first = sandbox.json(&["import", "notes", "more.jsonl"]);
    assert_eq!(
        keys(&first),
        [
            "added",
            "forgotten",
            "more_refused",
            "more_warnings",
            "refused",
            "took_us",
            "unchanged",
            "updated",
            "warnings"
        ]
    );
    assert_eq!(
        (&first["added"], &first["refused"], &first["warnings"]),
        (&json!(33), &json!([]), &json!([]))
    );
    let again = sandbox.ok(&["import", "notes", "more.jsonl"]);
    assert!(again.starts_with("0 added, 0 updated, 33 unchanged, in "), "{again}");

    sandbox.ok(&["recall", "--reinforce", "lanes"]);
    let exported = sandbox.ok(&["export"]);
    assert_eq!(exported.lines().count(), 33);
    assert_eq!(sandbox.ok(&["export", "all.jsonl"]), "33 memories in all.jsonl\n");
    assert_eq!(std::fs::read_to_string(sandbox.path("all.jsonl")).unwrap(), exported);
    assert_eq!(sandbox.json(&["export", "all.jsonl"]), json!({"memories": 33, "file": "all.jsonl"}));
    sandbox.ok(&["--store", "copy", "import", "all.jsonl"]);
    assert_eq!(sandbox.ok(&["--store", "copy", "export"]), exported);
    let recall = |store: &str| {
        sandbox.ok(&["--store", store, "consolidate"]);
        let mut answer = sandbox.json(&["--store", store, "recall", "--at", "2027-01-01", "lane garden"]);
        answer["took_us"] = json!(0);
        answer
    };
    assert_eq!(recall(".engram"), recall("copy"));
}

#[test]
fn a_store_is_looked_after() {
    let sandbox = notes();
    sandbox.ok(&["import", "notes"]);
    let stats = sandbox.json(&["stats"]);
    assert_eq!(
        keys(&stats),
        [
            "associations",
            "bytes",
            "generation",
            "languages",
            "memories",
            "model",
            "names",
            "namespaces",
            "recent_writes",
            "store",
            "terms",
        ]
    );
    assert_eq!(stats["memories"], 3);
    assert_eq!(stats["namespaces"], json!([{"name": "default", "memories": 3}]));
    assert!(sandbox.ok(&["stats"]).contains("memories      3\n"));

    assert!(sandbox.ok(&["verify"]).starts_with("no problems: 3 memories in "));
    let verified = sandbox.json(&["verify"]);
    assert_eq!(keys(&verified), ["entries", "memories", "problems", "rebuilt"]);
    assert_eq!(verified["problems"], json!([]));

    sandbox.ok(&["remember", "--id", "secret", "The password is xyzzyplugh."]);
    sandbox.ok(&["forget", "secret"]);
    assert!(sandbox.ok(&["consolidate"]).starts_with("consolidated in "));
    let compacted = sandbox.json(&["consolidate", "--compact"]);
    assert_eq!(keys(&compacted), ["bytes_after", "bytes_before", "compacted", "rebuilt", "took_us"]);
    assert_eq!((&compacted["compacted"], &compacted["rebuilt"]), (&json!(true), &json!(false)));
    assert_eq!(sandbox.json(&["consolidate", "--rebuild"])["rebuilt"], true);
    assert!(!holds(&sandbox.data_file(), b"xyzzyplugh"));
    sandbox.is_sound();
    assert_eq!(sandbox.ids().len(), 3);
}

#[test]
fn help_shows_commands_examples_and_exit_codes() {
    let sandbox = Sandbox::new();
    let help = sandbox.ok(&["--help"]);
    assert_eq!(help, sandbox.ok(&["-h"]));
    assert!(help.contains("Examples:") && help.contains("Exit codes:"), "{help}");
    for command in [
        "recall",
        "import",
        "remember",
        "update",
        "link",
        "forget",
        "show",
        "list",
        "stats",
        "export",
        "consolidate",
        "verify",
        "eval",
    ] {
        assert!(help.contains(&format!("  {command} ")), "{command}");
        let help = sandbox.ok(&[command, "--help"]);
        assert!(help.contains("Usage: engram ") && !help.contains("--here"), "{help}");
        assert!(command == "stats" || help.contains("Example"), "{help}");
    }
    assert!(sandbox.ok(&["--version"]).starts_with("engram "));
    let nothing = sandbox.run(&[]);
    assert_eq!(nothing.code, Some(2));
    assert!(nothing.err.contains("Usage: engram"));
}

/// The keys of an object, sorted.
pub fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}
