//! Lines good and bad, and the way there and back.

use std::io::{BufReader, Read};

use proptest::prelude::*;

use super::*;
use crate::import::MAX_LINE_BYTES;
use crate::memory::{History, Link, LinkTarget, MemoryId, Namespace, NewMemory, Weight};
use crate::text::Language;
use crate::time::Time;

fn read(bytes: &[u8]) -> Vec<Result<StoredMemory, String>> {
    Reader::new(bytes).map(|entry| entry.map_err(|error| error.to_string())).collect()
}

#[test]
fn the_whole_form_is_read() {
    let line = "\u{feff}{\"id\":\"a\",\"title\":null,\"text\":\"t\",\"links\":[\"b\",{\"name\":\"C d\",\"weight\":2.5},{\"to\":\"e\"}],\
        \"time\":\"2026-11-22\",\"aliases\":null,\"tags\":[\"x\"],\"language\":\"de\",\"recalls\":3,\"other\":{\"deep\":[1]}}\r\n\r\n";
    let entries = read(line.as_bytes());
    assert_eq!(entries.len(), 1);
    let entry = entries[0].as_ref().unwrap();
    assert_eq!(entry.memory.links.len(), 3);
    assert_eq!(entry.memory.links[1].to, LinkTarget::Name("C d".into()));
    assert_eq!(entry.memory.links[1].weight.get(), 2.5);
    assert_eq!(entry.memory.language, Some(Language::German));
    assert_eq!(entry.memory.made, "2026-11-22".parse().ok());
    assert_eq!(entry.history.recalls, 3);
}

#[test]
fn broken_lines_are_named_and_passed_over() {
    let mut bytes = Vec::new();
    for line in [
        "{\"id\":\"a\",\"text\":\"t\"}",
        "{\"id\":\"a\"",
        "{\"text\":\"t\"}",
        "{\"id\":\"\",\"text\":\"t\"}",
        "{\"id\":\"a\",\"text\":\"t\",\"strength\":1e999}",
        "{\"id\":\"a\",\"text\":\"t\",\"strength\":1e39}",
        "{\"id\":\"a\",\"text\":\"t\",\"vector\":[1,1e39]}",
        "{\"id\":\"a\",\"text\":\"t\",\"links\":[{\"to\":\"b\",\"weight\":-1}]}",
        "{\"id\":\"a\",\"text\":\"t\",\"links\":[{}]}",
        "{\"id\":\"a\",\"text\":\"t\",\"links\":[5]}",
        "{\"id\":\"a\",\"text\":\"t\",\"time\":\"never\"}",
        "[1,2]",
        "5",
        "{\"id\":\"z\",\"text\":\"t\",\"strength\":NaN}",
    ] {
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(b"{\"id\":\"caf\xe9\"}\n{\"id\":\"last\",\"text\":\"\"}");
    let entries = read(&bytes);
    assert_eq!(entries.len(), 16);
    assert!(entries[0].is_ok() && entries[15].is_ok());
    for (i, entry) in entries.iter().enumerate().take(15).skip(1) {
        let error = entry.as_ref().unwrap_err();
        assert!(error.starts_with(&format!("line {}: ", i + 1)), "{error}");
    }
    let says = |i: usize, what: &str| {
        let error = entries[i].as_ref().unwrap_err();
        assert!(error.contains(what), "{error}");
    };
    says(2, "missing field `id`");
    says(4, "out of range");
    says(5, "out of range");
    says(8, "neither");
    says(9, "a link is");
    says(14, "not UTF-8 at its byte 10");
}

#[test]
fn a_line_without_end_is_refused_without_being_held() {
    let long = std::io::repeat(b'x').take(MAX_LINE_BYTES as u64 + 10);
    let input = BufReader::new(long.chain(&b"\n{\"id\":\"a\",\"text\":\"t\"}\n"[..]));
    let entries: Vec<_> = Reader::new(input).collect();
    assert!(matches!(entries[0].as_ref().unwrap_err().kind, JsonlErrorKind::Line(LineError::TooLong)));
    assert!(entries[1].is_ok());
}

fn finite() -> impl Strategy<Value = f32> {
    any::<f32>().prop_filter("JSON has finite numbers only", |x| x.is_finite())
}

fn id() -> impl Strategy<Value = MemoryId> {
    "[^\\p{Cc}]{1,40}".prop_map(|id| MemoryId::escaped(id).unwrap())
}

fn link() -> impl Strategy<Value = Link> {
    let to = prop_oneof![id().prop_map(LinkTarget::Id), any::<String>().prop_map(LinkTarget::Name)];
    (to, 0.001_f32..1000.0).prop_map(|(to, weight)| Link { to, weight: Weight::new(weight).unwrap() })
}

prop_compose! {
    fn entry()(
        (id, text, title, aliases, tags) in (id(), any::<String>(), any::<Option<String>>(), any::<Vec<String>>(), any::<Vec<String>>()),
        (source, namespace, made) in (any::<Option<String>>(), "[a-z]{1,9}", any::<Option<i64>>()),
        (links, section_of, follows) in (prop::collection::vec(link(), 0..4), prop::option::of(id()), prop::option::of(id())),
        (language, strength) in (prop::option::of(prop::sample::select(Language::ALL.to_vec())), 0.001_f32..9.0),
        (vector, model) in (prop::option::of(prop::collection::vec(finite(), 0..9)), any::<Option<String>>()),
        (recalled, stability, recalls) in (any::<Option<i64>>(), 0.001_f32..1e10, any::<u32>()),
    ) -> StoredMemory {
        let mut memory = NewMemory::new(id, text);
        (memory.title, memory.aliases, memory.tags, memory.source) = (title, aliases, tags, source);
        memory.namespace = Namespace::new(namespace).unwrap();
        (memory.made, memory.links) = (made.map(Time::from_milliseconds), links);
        (memory.section_of, memory.follows, memory.language) = (section_of, follows, language);
        (memory.strength, memory.vector) = (strength, vector);
        let last_recalled = recalled.map(Time::from_milliseconds);
        let history = History { last_recalled, recalls, stability_seconds: stability };
        StoredMemory { memory, history, model }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(entry in entry()) {
        let mut bytes = Vec::new();
        write(&mut bytes, &entry).unwrap();
        prop_assert_eq!(bytes.iter().filter(|b| **b == b'\n').count(), 1);
        prop_assert_eq!(read(&bytes), vec![Ok(entry)]);
    }

    #[test]
    fn any_bytes_are_read(bytes in any::<Vec<u8>>(), at in any::<prop::sample::Index>()) {
        let _ = read(&bytes);
        let mut line = b"{\"id\":\"a\",\"text\":\"t\",\"links\":[\"b\",{\"to\":\"c\",\"weight\":1.5}],\"time\":\"2026-11-22\"}\n{\"id\":\"b\",\"text\":\"\"}".to_vec();
        let at = at.index(line.len());
        line.splice(at..at, bytes);
        let _ = read(&line);
    }
}
