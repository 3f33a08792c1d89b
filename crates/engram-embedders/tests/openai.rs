//! What becomes of an embedding server's answers, good and bad.
#![cfg(feature = "openai")]
#![allow(clippy::unwrap_used, missing_docs)]

mod server;

use std::time::{Duration, Instant};

use engram::embedding::Kind;
use engram::{EmbedError, Embedder};
use engram_embedders::{Key, OpenAi, OpenError, Patience, Settings};
use server::{DIMENSIONS, Reply, Server, letters};

fn patience() -> Patience {
    let wait = Duration::from_millis(5);
    Patience { timeout: Duration::from_millis(800), tries: 4, wait, whole: Duration::from_secs(20) }
}

fn settings() -> Settings {
    Settings { key: Some(Key::new("sk-hidden")), dimensions: Some(DIMENSIONS as u32), ..Settings::default() }
}

fn opened(server: &Server) -> OpenAi {
    let spec = format!("openai:{}#letters", server.url()).parse().unwrap();
    OpenAi::open(&spec, &settings(), patience()).unwrap()
}

fn embed(
    manner: impl Fn(usize) -> Reply + Send + Sync + 'static,
) -> (Result<Vec<Vec<f32>>, EmbedError>, usize) {
    let server = Server::start(manner);
    let found = opened(&server).embed(&["owl", "bee"], Kind::Document);
    if let Err(error) = &found {
        assert!(!format!("{error} {error:?}").contains("hidden"), "{error}");
    }
    (found, server.requests().len())
}

#[test]
fn vectors_come_back_in_order_and_the_dimension_is_found_out() {
    let server = Server::start(|_| Reply::Vectors);
    let plain = Settings { dimensions: None, ..settings() };
    for (path, asked) in
        [("", "/v1/embeddings"), ("/v1/", "/v1/embeddings"), ("/api/embeddings", "/api/embeddings")]
    {
        let spec = format!("openai:{}{path}#letters", server.url()).parse().unwrap();
        let model = OpenAi::open(&spec, &plain, patience()).unwrap();
        assert_eq!((model.name(), model.dimensions()), ("letters", 26));
        assert_eq!(model.embed(&["owl", "bee"], Kind::Query).unwrap(), [letters("owl"), letters("bee")]);
        let requests = server.requests();
        assert_eq!(requests.len(), 2);
        assert_eq!(requests[1].path, asked);
        assert_eq!(requests[1].authorization.as_deref(), Some("Bearer sk-hidden"));
        assert_eq!(requests[1].model.as_deref(), Some("letters"));
        assert!(!format!("{model:?}").contains("hidden"));
        assert_eq!(model.spec(), Some(spec.to_string()));
    }
    let spec = format!("openai:{}", server.url()).parse().unwrap();
    OpenAi::open(&spec, &Settings::default(), patience()).unwrap();
    let requests = server.requests();
    assert_eq!((&requests[0].model, &requests[0].authorization), (&None, &None));
}

#[test]
fn a_server_that_recovers_is_asked_again() {
    let busy = |status| {
        move |number| match number {
            0 | 1 => Reply::Status(status, "", String::new()),
            _ => Reply::Vectors,
        }
    };
    for status in [429, 500, 503] {
        let (found, requests) = embed(busy(status));
        assert_eq!((found.unwrap().len(), requests), (2, 3));
    }
    let flaky = |number: usize| [Reply::CutOff, Reply::HangUp, Reply::Vectors][number].clone();
    assert_eq!(embed(flaky).1, 3);
    let (found, requests) = embed(|_| Reply::Status(500, "", r#"{"error":"out of memory"}"#.into()));
    assert_eq!((found.unwrap_err().to_string().contains("HTTP 500: out of memory"), requests), (true, 4));
}

#[test]
fn a_server_may_say_how_long_to_wait() {
    let begun = Instant::now();
    let (found, requests) = embed(|number| match number {
        0 => Reply::Status(429, "retry-after: 1\r\n", String::new()),
        _ => Reply::Vectors,
    });
    assert!(found.is_ok() && requests == 2 && begun.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_slow_server_is_not_waited_for() {
    let begun = Instant::now();
    let (found, requests) = embed(|_| Reply::Slow(Duration::from_secs(30)));
    let error = found.unwrap_err();
    assert!(matches!(error, EmbedError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("no answer within 0.8 s"), "{error}");
    assert_eq!(requests, 4);
    assert!(begun.elapsed() < Duration::from_secs(15));
    // Who asks waits less for a cue.
    let server = Server::start(|_| Reply::Slow(Duration::from_secs(30)));
    opened(&server).embed(&["owl"], Kind::Query).unwrap_err();
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn what_is_wrong_for_good_is_not_tried_again() {
    let cases = [
        (Reply::Status(401, "", "no such key: sk-hidden".into()), "ENGRAM_EMBEDDER_KEY"),
        (
            Reply::Status(
                404,
                "",
                r#"{"error":{"message":"model \"letters\" not found, sk-hidden"}}"#.into(),
            ),
            "not found",
        ),
        (Reply::Status(307, "location: http://example.org/\r\n", String::new()), "another address"),
        (Reply::Status(400, "", r#"{"error":"input too long"}"#.into()), "does not take a text (HTTP 400"),
        (
            Reply::Status(500, "", r#"{"error":"input is too large to process"}"#.into()),
            "does not take a text",
        ),
        (Reply::Body(r#"{"data":[{"embedding":[1]}]}"#.into()), "1 vectors for 2 texts"),
        (Reply::Body(r#"{"data":[{"embedding":[NaN]},{"embedding":[1]}]}"#.into()), "not of the form"),
        (Reply::Body("<html>".into()), "not of the form"),
    ];
    for (reply, what) in cases {
        let (found, requests) = embed(move |_| reply.clone());
        let error = found.unwrap_err().to_string();
        assert!(error.contains(what) && requests == 1, "{error}, {requests}");
    }
}

#[test]
fn nobody_at_the_address_is_said_in_a_sentence() {
    let spec = "openai:http://127.0.0.1:9/v1#letters".parse().unwrap();
    let error = OpenAi::open(&spec, &Settings::default(), patience()).unwrap_err();
    assert!(
        error.to_string().starts_with("the embedder letters does not answer (connection refused)"),
        "{error}"
    );
    let spec = "openai:https://127.0.0.1:9".parse().unwrap();
    let error = OpenAi::open(&spec, &settings(), patience());
    assert_eq!(matches!(error, Err(OpenError::Url { .. })), !cfg!(feature = "tls"), "{error:?}");
}
