//! Every command, plain and in JSON.

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
fn a_folder_of_notes_answers() {
    let sandbox = notes();
    let first = sandbox.run(&["recall", "--vault", "notes", "why", "the same bits?"]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(first.err.starts_with("engram: notes: 3 added, 0 updated, 0 forgotten"), "{first:?}");
    assert_eq!(first.err.lines().count(), 1);
    assert!(first.out.contains("The arithmetic contract  contract.md"), "{}", first.out);
    assert!(first.out.contains("cue → \"same bits\" → [[The arithmetic contract]]"), "{}", first.out);
    assert!(!first.out.contains('\u{1b}'), "no colours in a pipe");
    let ignored = sandbox.path("notes/.engram/.gitignore");
    assert_eq!(std::fs::read_to_string(ignored).unwrap(), "*\n");

    let again = sandbox.run(&["recall", "--vault", "notes", "why the same bits?"]);
    assert_eq!((again.code, again.err.as_str()), (Some(0), ""));

    sandbox.write("notes/lanes.md", "# Lanes\n\nNow there are 64 of them, and a zebra.\n");
    std::fs::rename(sandbox.path("notes/kernels.md"), sandbox.path("notes/engines.md")).unwrap();
    std::fs::remove_file(sandbox.path("notes/contract.md")).unwrap();
    let changed = sandbox.run(&["recall", "--vault", "notes", "zebra"]);
    assert!(changed.err.contains("1 added, 1 updated, 2 forgotten"), "{changed:?}");
    assert!(changed.out.contains(" 1. Lanes  lanes.md"), "{changed:?}");

    let elsewhere = sandbox.run(&["recall", "--vault", "notes", "--store", "other", "zebra"]);
    assert!(elsewhere.err.contains("2 added") && sandbox.path("other/data.mdb").exists(), "{elsewhere:?}");
}

#[test]
fn recall_explains_itself() {
    let sandbox = notes();
    sandbox.ok(&["import", "notes"]);
    let out = sandbox.ok(&["recall", "--explain", "--at", "2027-01-01", "same bits of a sum over lanes"]);
    for part in ["path   cue → ", "score  ", " = activation ", " × retention ", "seed   ", "BM25", "cosine"]
    {
        assert!(out.contains(part), "{part:?} is missing in {out}");
    }
    assert!(out.contains("names in the cue: ") && out.contains("activation reached "), "{out}");

    let answer = sandbox.json(&["recall", "-k", "2", "same bits"]);
    assert_eq!(keys(&answer), ["cue", "hits", "took_us"]);
    assert_eq!(answer["cue"], "same bits");
    assert!(answer["took_us"].as_u64().unwrap() > 0);
    let hits = answer["hits"].as_array().unwrap();
    assert_eq!(hits.len(), 2);
    assert_eq!(keys(&hits[0]), ["id", "score", "snippet", "source", "title", "why"]);
    assert_eq!(hits[0]["id"], "contract.md");
    let why = &hits[0]["why"];
    assert_eq!(keys(why), ["activation", "path", "retention", "seed", "similarity", "words"]);
    assert_eq!(keys(&why["seed"]), ["vectors", "words"]);
    assert_eq!(
        why["path"],
        json!([
            {"kind": "cue"},
            {"kind": "name", "name": "same bits"},
            {"kind": "memory", "id": "contract.md", "title": "The arithmetic contract"},
        ])
    );

    let words = sandbox.json(&["recall", "--mode", "words", "lanes"]);
    assert_eq!(words["hits"][0]["id"], "lanes.md");
    let vectors = sandbox.json(&["recall", "--mode", "vectors", "lanes"]);
    assert!(!vectors["hits"].as_array().unwrap().is_empty());
    sandbox.ok(&["recall", "--reinforce", "lanes"]);
    assert!(sandbox.ok(&["show", "lanes.md"]).contains("recalled    1 time, last at "));
}

#[test]
fn recall_keeps_within_its_bounds() {
    let sandbox = Sandbox::new();
    let remember = |arguments: &[&str]| sandbox.ok(&[&["remember"], arguments].concat());
    remember(&["--id", "a", "--namespace", "ada", "--source", "in/a.md", "--time", "2026-01-01", "a zebra"]);
    remember(&[
        "--id",
        "b",
        "--namespace",
        "bob",
        "--source",
        "in/sub/b.md",
        "--time",
        "2026-06-01",
        "a zebra",
    ]);
    let ids = |bounds: &[&str]| -> Vec<String> {
        let answer = sandbox.json(&[&["recall", "zebra"], bounds].concat());
        let hits = answer["hits"].as_array().unwrap().iter();
        hits.map(|hit| hit["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&["--namespace", "ada"]), ["a"]);
    assert_eq!(ids(&["--source", "in/*.md"]), ["a"]);
    assert_eq!(ids(&["--source", "in/**"]).len(), 2);
    assert_eq!(ids(&["--since", "2026-03-01"]), ["b"]);
    assert_eq!(ids(&["--until", "2026-03-01T00:00:00Z"]), ["a"]);
    assert_eq!(ids(&["-k", "1"]).len(), 1);
    let none = sandbox.run(&["recall", "zebra", "--namespace", "eve", "--json"]);
    none.failed(1, &["nothing came back within these bounds", "try without --namespace"]);
    assert_eq!(serde_json::from_str::<Value>(&none.out).unwrap()["hits"], json!([]));
    sandbox.fails(&["recall", "qqqqq"], 1, &["nothing came back", "other words"]);
    assert_eq!(sandbox.ok(&["list", "--namespace", "ada"]), "a  a zebra\n");
    assert_eq!(sandbox.ok(&["list", "--source", "in/*"]), "a  a zebra\n");
    assert_eq!(sandbox.ok(&["list", "--limit", "1"]), "a  a zebra\n");
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
        ["added", "forgotten", "refused", "took_us", "unchanged", "updated", "warnings"]
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
    assert_eq!(keys(&compacted), ["bytes_after", "bytes_before", "compacted", "took_us"]);
    assert_eq!(compacted["compacted"], true);
    assert!(!holds(&sandbox.data_file(), b"xyzzyplugh"));
    sandbox.is_sound();
    assert_eq!(sandbox.ids().len(), 3);
}

#[test]
fn recall_is_measured() {
    let sandbox = Sandbox::new();
    sandbox.write("set/corpus.jsonl", "{\"_id\":\"d1\",\"title\":\"Zebra\",\"text\":\"Zebras run.\"}\n{\"_id\":\"d2\",\"text\":\"Whales swim.\"}\n");
    sandbox.write("set/queries.jsonl", "{\"_id\":\"q1\",\"text\":\"which zebra runs\"}\n");
    sandbox.write("set/qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t1\n");
    let measured =
        sandbox.json(&["eval", "set", "--mode", "words", "--run", "words.trec", "--tokens", "tokens"]);
    assert_eq!(
        keys(&measured),
        [
            "all_gold@10",
            "all_gold@5",
            "all_gold@8",
            "documents",
            "ingest_seconds",
            "latency_us",
            "mode",
            "mrr",
            "ndcg@10",
            "queries",
            "recall@10",
            "recall@5",
        ]
    );
    for name in ["recall@5", "recall@10", "ndcg@10", "mrr", "all_gold@5", "all_gold@8", "all_gold@10"] {
        assert_eq!(measured[name], 1.0, "{name}");
    }
    assert_eq!((&measured["documents"], &measured["queries"]), (&json!(2), &json!(1)));
    assert_eq!(keys(&measured["latency_us"]), ["p50", "p95", "p99"]);
    let run = std::fs::read_to_string(sandbox.path("words.trec")).unwrap();
    assert!(run.starts_with("q1 Q0 d1 1 ") && run.ends_with(" engram-words\n"), "{run}");
    let tokens = |name: &str| std::fs::read_to_string(sandbox.path("tokens").join(name)).unwrap();
    assert_eq!(
        tokens("corpus.jsonl"),
        "{\"_id\":\"d1\",\"tokens\":[\"zebra\",\"zebra\",\"run\"]}\n{\"_id\":\"d2\",\"tokens\":[\"whale\",\"swim\"]}\n"
    );
    assert_eq!(tokens("queries.jsonl"), "{\"_id\":\"q1\",\"tokens\":[\"run\",\"zebra\"]}\n");
    let plain = sandbox.ok(&["eval", "set"]);
    assert!(plain.starts_with("recall on 2 documents and 1 queries\n"), "{plain}");
    assert!(!sandbox.path(".engram").exists());
}

#[test]
fn vectors_of_ones_own_are_used() {
    let sandbox = Sandbox::new();
    sandbox.write("v.jsonl", "{\"id\":\"east\",\"text\":\"one\",\"vector\":[1,0]}\n{\"id\":\"north\",\"text\":\"two\",\"vector\":[0,1]}\n");
    sandbox.ok(&["import", "--vectors", "mine:2", "v.jsonl"]);
    sandbox.write("cue.json", "[0.1, 0.9]");
    let answer = sandbox.json(&["recall", "--mode", "vectors", "--vector", "cue.json", "where"]);
    assert_eq!(answer["hits"][0]["id"], "north");
    let west = sandbox.run_with_input(&["remember", "--id", "west", "--vector", "-", "three"], b"[-1, 0]");
    assert_eq!(west.code, Some(0), "{west:?}");
    assert!(sandbox.ok(&["show", "west"]).contains("vector      2 numbers\n"));
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
fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}
