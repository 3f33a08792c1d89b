//! What a server answered.

use serde::Deserialize;

/// The most characters of a server's own words that are passed on.
const MAX_MESSAGE_CHARS: usize = 200;

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    index: Option<usize>,
    /// Some servers write `null` for what is no number.
    embedding: Vec<Option<f32>>,
}

/// The vectors of an answer, in the order of the texts that were asked for; or what is wrong with it.
pub(super) fn vectors(answer: &[u8], texts: usize) -> Result<Vec<Vec<f32>>, String> {
    let Answer { mut data } = serde_json::from_slice(answer)
        .map_err(|error| format!("it is not of the form {{\"data\": […]}}: {error}"))?;
    if data.len() != texts {
        return Err(format!("{} vectors for {texts} texts", data.len()));
    }
    if data.iter().all(|item| item.index.is_some()) {
        data.sort_by_key(|item| item.index);
        let is_complete = data.iter().enumerate().all(|(at, item)| item.index == Some(at));
        if !is_complete {
            return Err("its vectors are numbered wrongly".to_owned());
        }
    }
    let vector = |item: Item| item.embedding.into_iter().map(|element| element.unwrap_or(f32::NAN)).collect();
    Ok(data.into_iter().map(vector).collect())
}

/// What a server says went wrong, shortened to one line.
pub(super) fn message(said: &str) -> Option<String> {
    let json: Option<serde_json::Value> = serde_json::from_str(said).ok();
    let inner = json.as_ref().and_then(|json| {
        let error = json.get("error").unwrap_or(json);
        error.as_str().or_else(|| error.get("message")?.as_str()).or_else(|| json.get("message")?.as_str())
    });
    let line: Vec<&str> = inner.unwrap_or(said).split_whitespace().collect();
    let line: String = line.join(" ").chars().take(MAX_MESSAGE_CHARS).collect();
    (!line.is_empty()).then_some(line)
}

/// Whether what a server says is about the length of a text.
pub(super) fn is_about_length(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    ["too large", "too long", "context size", "context length"].iter().any(|words| said.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_come_in_the_order_of_the_texts() {
        let answer =
            br#"{"object":"list","data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1,null]}]}"#;
        let found = vectors(answer, 2).unwrap();
        assert_eq!((found[0][0], found[0][1].is_nan(), found[1][0]), (1.0, true, 2.0));
        assert_eq!(vectors(br#"{"data":[{"embedding":[1]},{"embedding":[2]}]}"#, 2).unwrap(), [[1.0], [2.0]]);
        for (answer, what) in [
            (&br#"{"data":[{"index":0,"embedding":[1]}]}"#[..], "1 vectors for 2"),
            (br#"{"data":[{"index":1,"embedding":[1]},{"index":1,"embedding":[1]}]}"#, "numbered"),
            (br#"{"data":[{"embedding":[NaN]},{"embedding":[1]}]}"#, "not of the form"),
            (b"<html>", "not of the form"),
        ] {
            assert!(vectors(answer, 2).unwrap_err().contains(what));
        }
    }

    #[test]
    fn a_message_is_found_wherever_servers_put_it() {
        for said in [
            r#"{"error":{"message":"no\n such"}}"#,
            r#"{"error":"no such"}"#,
            r#"{"message":"no such"}"#,
            "no such",
        ] {
            assert_eq!(message(said).unwrap(), "no such", "{said}");
        }
        assert_eq!(message(" \n"), None);
    }
}
