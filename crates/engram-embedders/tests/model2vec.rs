//! A small folder of static embeddings, written by the test.
#![cfg(feature = "model2vec")]
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::Path;

use engram::embedding::Kind;
use engram::{Cue, Engram, Mode, NewMemory};
use engram_embedders::{Settings, Spec};

/// A tensor: name, type, shape and bytes.
type Tensor<'t> = (&'t str, &'t str, Vec<usize>, Vec<u8>);

fn safetensors(tensors: &[Tensor<'_>]) -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, dtype, shape, bytes) in tensors {
        let offsets = [data.len(), data.len() + bytes.len()];
        let entry = serde_json::json!({ "dtype": dtype, "shape": shape, "data_offsets": offsets });
        header.insert((*name).to_owned(), entry);
        data.extend_from_slice(bytes);
    }
    let header = serde_json::Value::Object(header).to_string();
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat()
}

fn floats(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn write(folder: &Path, model: &str, tensors: &[Tensor<'_>]) {
    let tokenizer = format!(
        r#"{{"version":"1.0","truncation":{{"max_length":2,"strategy":"LongestFirst","stride":0,"direction":"Right"}},
        "padding":null,"added_tokens":[],"normalizer":{{"type":"Lowercase"}},"pre_tokenizer":{{"type":"Whitespace"}},
        "post_processor":null,"decoder":null,"model":{model}}}"#
    );
    fs::write(folder.join("tokenizer.json"), tokenizer).unwrap();
    fs::write(folder.join("model.safetensors"), safetensors(tensors)).unwrap();
    fs::write(folder.join("config.json"), r#"{"model_type":"model2vec","normalize":true}"#).unwrap();
}

const WORDS: &str =
    r###"{"type":"WordLevel","vocab":{"[UNK]":0,"owl":1,"bird":2,"car":3},"unk_token":"[UNK]"}"###;
const PIECES: &str = r###"{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##",
    "max_input_chars_per_word":100,"vocab":{"[UNK]":0,"owl":1,"##s":2,"car":3}}"###;
const TABLE: [f32; 8] = [9.0, 9.0, 1.0, 0.0, 0.5, 0.5, 0.0, 1.0];

fn opened(folder: &Path) -> std::sync::Arc<dyn engram::Embedder> {
    Spec::Model2Vec { folder: folder.to_owned() }.open(&Settings::default()).unwrap()
}

#[test]
fn a_text_is_the_mean_of_its_tokens() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), WORDS, &[("embeddings", "F32", vec![4, 2], floats(&TABLE))]);
    let model = opened(folder.path());
    assert_eq!(model.dimensions(), 2);
    let texts = ["Owl", "bird owl car owl", "owl zebra", "zebra", ""];
    let expected = [[1.0, 0.0], [0.625, 0.375], [1.0, 0.0], [0.0, 0.0], [0.0, 0.0]];
    assert_eq!(model.embed(&texts, Kind::Document).unwrap(), expected);
    // Many tokens, of which the first 512 count.
    let long = format!("{}{}", "owl ".repeat(512), "car ".repeat(512));
    assert_eq!(model.embed(&[&long], Kind::Document).unwrap(), [[1.0, 0.0]]);
    let spec: Spec = model.spec().unwrap().parse().unwrap();
    assert_eq!(spec.name(), model.name());
}

#[test]
fn weights_mappings_and_other_types_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let tensors = [
        ("embeddings", "I8", vec![2, 2], vec![1, 0, 0, 2]),
        ("mapping", "I64", vec![4], [0_i64, 0, 1, 1].iter().flat_map(|row| row.to_le_bytes()).collect()),
        ("weights", "F64", vec![4], [1.0_f64, 2.0, 0.5, 1.0].iter().flat_map(|w| w.to_le_bytes()).collect()),
    ];
    write(folder.path(), PIECES, &tensors);
    let model = opened(folder.path());
    assert_eq!(model.embed(&["owls", "car"], Kind::Query).unwrap(), [[1.0, 0.5], [0.0, 2.0]]);
}

#[test]
fn what_is_no_model_is_refused_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let refusal = || {
        let error = Spec::Model2Vec { folder: folder.path().to_owned() }.open(&Settings::default());
        error.unwrap_err().to_string()
    };
    assert!(refusal().contains("tokenizer.json cannot be read"));
    let cases: [(&[Tensor<'_>], &str); 4] = [
        (&[("other", "F32", vec![1, 1], floats(&[1.0]))], "no tensor named embeddings"),
        (&[("embeddings", "F32", vec![2], floats(&[1.0, 2.0]))], "no table"),
        (&[("embeddings", "U16", vec![1, 1], vec![0, 0])], "not supported"),
        (
            &[
                ("embeddings", "F32", vec![1, 1], floats(&[1.0])),
                ("mapping", "I32", vec![1], 7_i32.to_le_bytes().to_vec()),
            ],
            "beyond its 1 vectors",
        ),
    ];
    for (tensors, what) in cases {
        write(folder.path(), WORDS, tensors);
        assert!(refusal().contains(what), "{}", refusal());
    }
    fs::write(folder.path().join("model.safetensors"), b"\xff\xff\xff\xff\xff\xff\xff\xff{}").unwrap();
    assert!(refusal().contains("model.safetensors cannot be used"));
    fs::write(folder.path().join("tokenizer.json"), "{}").unwrap();
    assert!(refusal().contains("tokenizer.json cannot be used"));
}

#[test]
fn a_store_recalls_by_it() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), WORDS, &[("embeddings", "F32", vec![4, 2], floats(&TABLE))]);
    let store = tempfile::tempdir().unwrap();
    let engram = Engram::create(store.path()).unwrap().with_embedder(opened(folder.path())).unwrap();
    for (id, text) in [("a", "an owl"), ("b", "a car")] {
        engram.remember(&NewMemory::new(id.parse().unwrap(), text)).unwrap();
    }
    let hits = engram.recall(&Cue::new("bird bird owl").mode(Mode::Vectors)).unwrap().hits;
    assert_eq!(hits[0].id.as_str(), "a");
}
