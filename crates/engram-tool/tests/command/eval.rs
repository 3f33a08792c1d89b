//! `engram eval` on notes and on stores, in all its forms.

use std::fs;

use serde_json::{Value, json};

use crate::commands::notes;
use crate::sandbox::Sandbox;

const QUESTIONS: &str = "\
{\"question\":\"how many lanes does a sum run over?\",\"notes\":[\"lanes.md\"],\"kind\":\"fact\"}
{\"question\":\"three hot functions\",\"notes\":[\"gone.md\",\"kernels.md\"],\"kind\":\"keyword\"}
{\"question\":\"what rounds alike?\",\"notes\":[\"missing.md\"]}
";

/// A chat of three turns, of which the second answers what the first asks, and a BEIR folder that asks for it.
fn chat() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "chat.jsonl",
        "{\"id\":\"t1\",\"text\":\"Ada: what does the new sail cost?\",\"time\":\"2026-01-01\"}\n\
         {\"id\":\"t2\",\"text\":\"Ben: nine hundred.\",\"time\":\"2026-01-02\",\"follows\":\"t1\"}\n\
         {\"id\":\"t3\",\"text\":\"Ada: my kettle is broken.\",\"time\":\"2026-03-01\"}\n",
    );
    sandbox.write("set/queries.jsonl", "{\"_id\":\"q1\",\"text\":\"cost of the sail\"}\n");
    sandbox.write("set/qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\tt2\t1\n");
    sandbox.ok(&["import", "--store", "store", "chat.jsonl"]);
    sandbox
}

#[test]
fn notes_are_measured_by_questions() {
    let sandbox = notes();
    sandbox.write("questions.jsonl", QUESTIONS);
    let asked = ["eval", "--vault", "notes", "--questions", "questions.jsonl"];
    let ran = sandbox.run(&[&asked[..], &["--json"]].concat());
    assert_eq!(ran.code, Some(3), "{ran:?}");
    for unknown in ["line 2: there is no note gone.md", "line 3: there is no note missing.md"] {
        assert!(ran.err.contains(unknown), "{ran:?}");
    }
    let measured: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&measured["mode"], &measured["memories"]), (&json!("recall"), &json!(3)));
    // The third question asks for no note that is there, and is left out.
    for (name, value) in [("questions", 2), ("first", 2), ("among_5", 2), ("among_10", 2), ("missed", 0)] {
        assert_eq!(measured[name], value, "{name}");
    }
    assert_eq!(measured["kinds"]["fact"]["mrr"], 1.0);
    assert_eq!(
        measured["unknown"],
        json!([{"line": 2, "note": "gone.md"}, {"line": 3, "note": "missing.md"}])
    );
    let plain = sandbox.run(&asked).out;
    assert!(plain.starts_with("recall on 3 memories and 2 questions\n"), "{plain}");
    for line in ["all ", "fact ", "keyword ", "ingest ", "latency "] {
        assert!(plain.contains(&format!("\n{line}")), "{plain}");
    }
    let words = sandbox.run(&[&asked[..], &["--json", "--mode", "words"]].concat());
    assert!(words.out.starts_with("{\"mode\":\"words\""), "{words:?}");
    // Nothing was written beside the notes.
    assert_eq!(fs::read_dir(sandbox.path("notes")).unwrap().count(), 3);
    assert!(!sandbox.path(".engram").exists());
}

#[test]
fn a_section_stands_for_its_note() {
    let sandbox = Sandbox::new();
    let section = |about: &str| format!("## {about}\n\n{}\n", "It says the same again. ".repeat(60));
    sandbox.write("notes/long.md", format!("# Long\n\n{}{}", section("Herons"), section("Kettles")));
    sandbox.write("notes/other.md", "# Other\n\nWeirs.\n");
    sandbox.write("q.jsonl", "{\"question\":\"kettles\",\"notes\":[\"long.md\"]}\n");
    let measured = sandbox.json(&["eval", "--vault", "notes", "--questions", "q.jsonl"]);
    assert_eq!((&measured["first"], &measured["memories"]), (&json!(1), &json!(4)));
    assert_eq!(measured["kinds"], json!({}));
}

#[test]
fn a_store_is_measured_and_left_alone() {
    let sandbox = chat();
    let before = sandbox.run(&["export", "--store", "store"]).out;
    let file = fs::read(sandbox.path("store/data.mdb")).unwrap();
    let measured = sandbox.json(&["eval", "--store", "store", "set"]);
    assert_eq!(measured["ingest_seconds"], Value::Null);
    assert_eq!((&measured["documents"], &measured["queries"]), (&json!(3), &json!(1)));
    // The answer shares no word with the question: it follows the turn that does.
    assert_eq!(measured["recall@5"], 1.0);
    assert_eq!(sandbox.json(&["eval", "--store", "store", "set", "--mode", "words"])["recall@5"], 0.0);
    let plain = sandbox.ok(&["eval", "--store", "store", "set"]);
    assert!(
        plain.starts_with("recall on 3 documents and 1 queries\n") && !plain.contains("ingest"),
        "{plain}"
    );
    assert_eq!(sandbox.run(&["export", "--store", "store"]).out, before);
    assert_eq!(fs::read(sandbox.path("store/data.mdb")).unwrap(), file);

    sandbox.fails(&["eval", "--store", "nowhere", "set"], 4, &["there is no store in nowhere"]);
    sandbox.write("set/qrels/test.tsv", "q1\tt2\t1\nq1\tt9\t1\n");
    let ran = sandbox.run(&["eval", "--store", "store", "set"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("does not hold 1 of the 2 relevant documents, such as t9"), "{ran:?}");
}

#[test]
fn parts_add_up_and_settings_are_varied() {
    let sandbox = chat();
    let parts = sandbox.json(&["eval", "--store", "store", "set", "--ablate"]);
    let rows = parts["parts"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row["part"].as_str().unwrap()).collect();
    assert_eq!(names, ["words", "names", "vectors", "links", "sequence", "spreading", "forgetting"]);
    // Only what follows what leads to the answer; before that it fills up the places behind what was found, if at all.
    assert_eq!((&rows[0]["mrr"], &rows[4]["mrr"]), (&json!(0.0), &json!(0.5)));
    let plain = sandbox.ok(&["eval", "--store", "store", "set", "--ablate"]);
    assert_eq!(plain.lines().count(), 8, "{plain}");
    assert!(plain.contains("\nwords ") && plain.contains("\n+ forgetting "), "{plain}");

    let varied = sandbox.json(&["eval", "--store", "store", "set", "--sensitivity"]);
    assert_eq!(varied["measure"], "ndcg@10");
    let settings = varied["settings"].as_array().unwrap();
    assert_eq!(settings[0]["setting"], "seeds");
    assert_eq!(settings[0]["values"], json!([30.0, 60.0, 120.0]));
    assert!(settings.iter().all(|line| line["measured"].as_array().unwrap().len() == 3));
    let plain = sandbox.ok(&["eval", "--store", "store", "set", "--sensitivity"]);
    assert_eq!(plain.lines().count(), settings.len() + 2, "{plain}");

    sandbox.write("notes/a.md", "# Kettle\n\nIt is broken.\n");
    sandbox.write("q.jsonl", "{\"question\":\"kettle\",\"notes\":[\"a.md\"]}\n");
    let asked = ["eval", "--vault", "notes", "--questions", "q.jsonl"];
    let parts = sandbox.json(&[&asked[..], &["--ablate"]].concat());
    assert_eq!(parts["parts"][6]["first"], 1);
    assert_eq!(sandbox.json(&[&asked[..], &["--sensitivity"]].concat())["measure"], "mrr");
}

#[test]
fn flags_that_do_not_go_together_are_refused() {
    let sandbox = chat();
    sandbox.write("q.jsonl", "{\"question\":\"kettle\",\"notes\":[\"a.md\"]}\nbroken\n");
    let questions = ["--vault", "notes", "--questions", "q.jsonl"];
    for (arguments, says) in [
        (&[][..], "BEIR_DIR"),
        (&["--vault", "notes"], "--questions"),
        (&["--questions", "q.jsonl"], "--vault"),
        (&["set", "--ablate", "--sensitivity"], "--sensitivity"),
        (&["set", "--ablate", "--mode", "words"], "--mode"),
        (&["set", "--sensitivity", "--run", "r"], "--run"),
        (&[&questions[..], &["set"]].concat(), "BEIR_DIR"),
        (&[&questions[..], &["--split", "dev"]].concat(), "--split"),
        (&[&questions[..], &["--tokens", "t"]].concat(), "--tokens"),
        (&[&questions[..], &["--store", "store"]].concat(), "leave out --store"),
    ] {
        sandbox.fails(&[&["eval"], arguments].concat(), 2, &[says]);
    }
    sandbox.fails(&[&["eval"], &questions[..]].concat(), 3, &["q.jsonl, line 2: ", "write {\"question\""]);
    sandbox.write("q.jsonl", "{\"question\":\"kettle\",\"notes\":[\"a.md\"]}\n");
    sandbox.fails(&[&["eval"], &questions[..]].concat(), 3, &["notes"]);
    sandbox.write("notes/b.md", "Kettles.\n");
    let ran = sandbox.run(&[&["eval"], &questions[..]].concat());
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.err.contains("q.jsonl asks for no note that is there"), "{ran:?}");
}
