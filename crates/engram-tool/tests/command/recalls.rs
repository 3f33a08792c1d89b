//! Recall and its measurement, plain and in JSON.

use serde_json::{Value, json};

use crate::commands::{keys, notes};
use crate::sandbox::Sandbox;

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
    assert_eq!(keys(&hits[0]), ["id", "score", "snippet", "source", "title", "weak", "why"]);
    assert_eq!(hits[0]["id"], "contract.md");
    let why = &hits[0]["why"];
    assert_eq!(keys(why), ["activation", "direct", "path", "retention", "seed", "similarity", "words"]);
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
        "{\"_id\":\"d1\",\"tokens\":[\"zebra\",\"zebra\",\"run\",\"zebra\"]}\n{\"_id\":\"d2\",\"tokens\":[\"whale\",\"swim\"]}\n"
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
