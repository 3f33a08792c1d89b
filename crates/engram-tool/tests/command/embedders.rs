//! Embedding models behind the command: a server that answers, fails, recovers, and is named by the store or not.

use std::time::{Duration, Instant};

use crate::sandbox::{Ran, Sandbox, finish, holds, memories};
use crate::server::{Reply, Server};

const KEY: &str = "sk-hidden";

fn with_key(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let ran = finish(sandbox.command(arguments).env("ENGRAM_EMBEDDER_KEY", KEY), b"");
    assert!(!ran.out.contains(KEY) && !ran.err.contains(KEY), "{ran:?}");
    ran
}

fn spec(server: &Server) -> String {
    format!("openai:{}#letters", server.url())
}

fn failing(_: usize) -> Reply {
    Reply::Status(500, "", "broken".into())
}

/// How many memories have a vector.
fn embedded(sandbox: &Sandbox) -> usize {
    sandbox.ok(&["export"]).lines().filter(|line| line.contains("\"vector\":")).count()
}

#[test]
fn a_store_is_embedded_and_remembers_by_what() {
    let (sandbox, server) = (Sandbox::new(), Server::start(|_| Reply::Vectors));
    sandbox.write("many.jsonl", memories("m", 100, 120));
    let ran = with_key(&sandbox, &["import", "--embedder", &spec(&server), "many.jsonl"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let requests = server.requests();
    assert_eq!(requests.iter().map(|request| request.texts.len()).sum::<usize>(), 101);
    assert!(requests.iter().all(|request| request.texts.len() <= 32));
    assert!(requests.iter().all(|request| request.authorization.as_deref() == Some("Bearer sk-hidden")));
    assert!(requests[1].texts[0].starts_with("m note 0\n"), "{:?}", requests[1].texts[0]);
    assert_eq!(embedded(&sandbox), 100);
    assert!(!holds(&sandbox.data_file(), KEY.as_bytes()));

    // The store's own embedder is asked, without the key: nobody named it in this call.
    let ran = with_key(&sandbox, &["recall", "--mode", "vectors", "harbour"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let requests = server.requests();
    assert_eq!(
        (requests.len(), &requests[0].authorization, requests[0].texts.as_slice()),
        (1, &None, &["harbour".to_owned()][..])
    );
    let ran = with_key(&sandbox, &["recall", "--embedder", &spec(&server), "harbour"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(server.requests()[0].authorization.is_some());

    sandbox.ok(&["import", "many.jsonl"]);
    assert!(server.requests().is_empty());
    sandbox.ok(&["remember", "--id", "new", "a new memory"]);
    sandbox.ok(&["update", "new", "--text", "an older memory"]);
    sandbox.ok(&["update", "new", "--tag", "old"]);
    let texts: Vec<String> = server.requests().into_iter().flat_map(|request| request.texts).collect();
    assert_eq!(texts, ["a new memory", "an older memory"]);
    sandbox.is_sound();
}

#[test]
fn prefixes_are_kept_and_another_model_is_refused() {
    let (sandbox, server) = (Sandbox::new(), Server::start(|_| Reply::Vectors));
    let named = ["--embedder", &spec(&server)];
    let prefixes = ["--document-prefix", "passage: ", "--query-prefix", "query: "];
    sandbox.ok(&[&["remember", "an owl"], &named[..], &prefixes[..]].concat());
    sandbox.ok(&["recall", "owls"]);
    let last: Vec<String> = server.requests().into_iter().flat_map(|request| request.texts).skip(1).collect();
    assert_eq!(last, ["passage: an owl", "query: owls"]);
    let other = format!("openai:{}#others", server.url());
    let refusal = ["letters:26, document prefix \"passage: \"", "others:26", "`engram reembed --embedder`"];
    sandbox.fails(&["recall", "--embedder", &other, "owls"], 3, &refusal);
    sandbox.fails(&["recall", "--query-prefix", "q: ", "owls"], 3, &["query prefix \"q: \""]);
    let ran = sandbox.run(&["reembed", "--embedder", &other, "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&report["embedded"], &report["missing"]), (&1.into(), &0.into()));
    assert!(report["moved_from"].as_str().unwrap().starts_with("letters:26"));
    sandbox.ok(&["recall", "owls"]);
    sandbox.is_sound();
}

#[test]
fn a_server_that_fails_loses_nothing() {
    let (sandbox, server) = (Sandbox::new(), Server::start(|_| Reply::Vectors));
    sandbox.ok(&["remember", "--embedder", &spec(&server), "the first"]);
    server.now(|_| Reply::Status(404, "", r#"{"error":"no such model"}"#.into()));
    sandbox.write("many.jsonl", memories("m", 100, 120));
    let ran = sandbox.run(&["import", "many.jsonl"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran_says(&ran, &["100 memories have no vector yet", "no such model", "`engram reembed`"]);
    server.now(failing);
    let ran = sandbox.run(&["recall", "harbour"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran_says(&ran, &["the cue has no vector", "HTTP 500: broken", "words and names"]);
    let ran = sandbox.run(&["recall", "--json", "harbour"]);
    assert!(ran.out.contains("\"notes\":[\"the cue has no vector"), "{ran:?}");
    sandbox.fails(&["recall", "--mode", "vectors", "harbour"], 6, &["HTTP 500"]);
    let ran = sandbox.run(&["remember", "--id", "late", "one more"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "late\n"));
    ran_says(&ran, &["1 memory has no vector yet"]);
    let ran = sandbox.run(&["reembed"]);
    assert_eq!(ran.code, Some(6), "{ran:?}");
    ran_says(&ran, &["101 memories have no vector yet"]);
    sandbox.is_sound();

    let model = &sandbox.json(&["stats"])["model"];
    assert_eq!((&model["without_vector"], &model["embedder"]), (&101.into(), &spec(&server).into()));

    // It recovers half-way.
    server.now(|number| if number % 2 == 0 { Reply::Vectors } else { failing(number) });
    let report = sandbox.json(&["reembed"]);
    assert_eq!((&report["embedded"], &report["moved_from"]), (&101.into(), &serde_json::Value::Null));
    assert_eq!(embedded(&sandbox), 102);
    sandbox.is_sound();
}

#[track_caller]
fn ran_says(ran: &Ran, parts: &[&str]) {
    assert_eq!(ran.err.lines().count(), 1, "{ran:?}");
    assert!(parts.iter().all(|part| ran.err.contains(part)), "{ran:?}");
}

#[test]
fn an_import_that_is_killed_is_finished_by_reembed() {
    let (sandbox, server) = (Sandbox::new(), Server::start(|_| Reply::Slow(Duration::from_millis(300))));
    sandbox.write("many.jsonl", memories("m", 600, 120));
    let mut child = sandbox.command(&["import", "--embedder", &spec(&server), "many.jsonl"]).spawn().unwrap();
    let started = Instant::now();
    let mut seen = 0;
    while seen < 12 && started.elapsed() < Duration::from_secs(50) {
        std::thread::sleep(Duration::from_millis(20));
        seen += server.requests().len();
    }
    child.kill().unwrap();
    child.wait_with_output().unwrap();
    sandbox.is_sound();
    assert_eq!(sandbox.ids().len(), 600, "all were committed before the first was embedded");
    let before = embedded(&sandbox);
    assert!((32..600).contains(&before), "{before}");
    server.now(|_| Reply::Vectors);
    server.requests();
    let report = sandbox.json(&["reembed"]);
    assert_eq!(report["embedded"], 600 - before);
    let texts: usize = server.requests().iter().map(|request| request.texts.len()).sum();
    assert_eq!(texts, 600 - before, "what was there is not embedded again");
    assert_eq!(embedded(&sandbox), 600);
    sandbox.is_sound();
}

#[test]
fn answers_that_do_not_fit_leave_memories_without_vectors() {
    let (sandbox, server) = (Sandbox::new(), Server::start(|_| Reply::Vectors));
    let spec = spec(&server);
    sandbox.ok(&["remember", "--embedder", &spec, "the first"]);
    let numbers = |count: usize, number: &str| format!("[{}]", vec![number; count].join(","));
    let one = |vector: String| format!("{{\"data\":[{{\"index\":0,\"embedding\":{vector}}}]}}");
    let cases = [
        (one(numbers(25, "1")), "a vector of 25 dimensions, and the model had 26"),
        (one(numbers(26, "null")), "its vector is not finite"),
        (one(numbers(26, "1e39")), "number out of range"),
        (one(numbers(26, "NaN")), "not of the form"),
        ("{\"data\":[]}".to_owned(), "0 vectors for 1 texts"),
    ];
    for (number, (body, says)) in cases.into_iter().enumerate() {
        server.now(move |_| Reply::Body(body.clone()));
        let ran = sandbox.run(&["remember", &format!("memory {number}")]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran_says(&ran, &["1 memory has no vector yet", says]);
    }
    // If that was no accident but another model of the same name, the store moves to it.
    let sandbox = Sandbox::new();
    server.now(|_| Reply::Vectors);
    sandbox.ok(&["remember", "--embedder", &spec, "the first"]);
    let other = one(numbers(25, "1"));
    server.now(move |_| Reply::Body(other.clone()));
    let ran = sandbox.run(&["reembed"]);
    assert_eq!((ran.code, ran.out.contains("0 memories")), (Some(0), true), "{ran:?}");
    let report = sandbox.json(&["reembed", "--embedder", &spec]);
    assert_eq!((&report["embedded"], &report["moved_from"]), (&1.into(), &"letters:26".into()));

    server.now(|_| Reply::Status(401, "", format!("wrong key {KEY}")));
    let ran = with_key(&sandbox, &["remember", "--embedder", &spec, "denied"]);
    ran_says(&ran, &["HTTP 401", "ENGRAM_EMBEDDER_KEY"]);
    sandbox.is_sound();
}

#[test]
fn a_store_of_its_own_vectors_moves_when_it_is_told() {
    let (sandbox, server) = (Sandbox::new(), Server::start(|_| Reply::Vectors));
    sandbox.write("notes/owl.md", "# Owl\n\nIt hoots.\n");
    let vault = ["recall", "--vault", "notes", "hoots"];
    sandbox.ok(&vault);
    let named = ["--embedder", &spec(&server)];
    sandbox.fails(&[&vault[..], &named].concat(), 3, &["random-indexing", "letters:26", "`engram reembed"]);
    // The environment speaks of stores that have a model.
    let ran = finish(sandbox.command(&vault).env("ENGRAM_EMBEDDER", named[1]), b"");
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let reembed = ["--store", "notes/.engram", "reembed"];
    sandbox.fails(&reembed, 2, &["no embedding model is named"]);
    server.requests();
    assert_eq!(sandbox.json(&[&reembed[..], &named].concat())["embedded"], 1);
    sandbox.write("notes/fox.md", "# Fox\n\nIt barks.\n");
    sandbox.ok(&vault);
    let texts: Vec<String> = server.requests().into_iter().flat_map(|request| request.texts).collect();
    // The dimension, the trial, the two notes, the cue.
    assert_eq!(texts, ["Engram", "Engram", "Owl\nIt hoots.", "Fox\nIt barks.", "hoots"]);
}

/// The address 0.0.0.0 reaches this machine, and is none of the loopback addresses.
#[cfg(unix)]
#[test]
fn a_server_elsewhere_is_asked_only_where_it_is_named() {
    let (sandbox, server) = (Sandbox::new(), Server::start(|_| Reply::Vectors));
    let spec = spec(&server).replace("127.0.0.1", "0.0.0.0");
    sandbox.ok(&["remember", "--embedder", &spec, "an owl"]);
    server.requests();
    let ran = sandbox.run(&["recall", "owl"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("on another machine") && ran.err.contains(&spec), "{ran:?}");
    assert!(server.requests().is_empty());
    let ran = finish(sandbox.command(&["recall", "owl"]).env("ENGRAM_EMBEDDER", &spec), b"");
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_wrong_name_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.fails(&["recall", "--embedder", "nomic", "owl"], 2, &["openai:URL#MODEL"]);
    let secret = sandbox.run(&["recall", "--embedder", "openai:http://me:pass@h/v1", "owl"]);
    assert_eq!(secret.code, Some(2), "{secret:?}");
    sandbox.fails(
        &["remember", "--embedder", "openai:http://127.0.0.1:9#letters", "an owl"],
        6,
        &["the embedder letters does not answer (connection refused)"],
    );
    let model2vec = ["remember", "--embedder", "model2vec:nowhere", "an owl"];
    let says =
        if cfg!(feature = "model2vec") { "tokenizer.json cannot be read" } else { "--features model2vec" };
    sandbox.fails(&model2vec, 2, &[says]);
}
