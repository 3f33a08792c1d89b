//! Front matter: the YAML between `---` lines at the top of a note.

use saphyr_parser::{Event, Parser};

/// More front matter than this is no front matter.
const MAX_BYTES: usize = 64 << 10;

/// A note's front matter, and what is left of the note.
#[derive(Debug, Default, PartialEq)]
pub(super) struct FrontMatter<'a> {
    /// Each top-level key in lower case, with its values: one for a scalar, any number for a list. What is
    /// nested deeper is left out.
    pub(super) entries: Vec<Entry>,
    /// The note without it.
    pub(super) body: &'a str,
    /// What is wrong with it and on which line of the note; it then has no entries, and is in `rejected`.
    pub(super) problem: Option<(usize, String)>,
    /// Front matter that could not be read, to be kept as text.
    pub(super) rejected: Option<&'a str>,
}

/// One key of front matter.
#[derive(Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) values: Vec<String>,
    pub(super) is_list: bool,
    pub(super) line: usize,
}

/// Takes the front matter off a note.
pub(super) fn take(note: &str) -> FrontMatter<'_> {
    let Some((yaml, body)) = cut(note) else { return FrontMatter { body: note, ..FrontMatter::default() } };
    match read(yaml) {
        Ok(entries) => FrontMatter { entries, body, ..FrontMatter::default() },
        Err((line, message)) => FrontMatter {
            body,
            // The line of the opening dashes comes before it.
            problem: Some((line + 1, message)),
            rejected: Some(yaml),
            ..FrontMatter::default()
        },
    }
}

/// The YAML and the rest; `None` where no `---` opens the note or none closes it.
fn cut(note: &str) -> Option<(&str, &str)> {
    let mut lines = note.split_inclusive('\n');
    let opening = lines.next().filter(|line| line.trim_end() == "---" && line.ends_with('\n'))?;
    let mut end = opening.len();
    for line in lines {
        if matches!(line.trim_end(), "---" | "...") {
            return Some((&note[opening.len()..end], &note[end + line.len()..]));
        }
        end += line.len();
        if end > MAX_BYTES {
            return None;
        }
    }
    None
}

/// Reads the events of the parser rather than a tree: however deep the nesting and whatever the aliases, the
/// work and the memory stay within the length of the text.
fn read(yaml: &str) -> Result<Vec<Entry>, (usize, String)> {
    let mut entries: Vec<Entry> = Vec::new();
    let (mut depth, mut expects_key, mut in_mapping) = (0_usize, true, false);
    for event in Parser::new_from_str(yaml) {
        let (event, span) = event.map_err(|error| (error.marker().line(), error.info().to_owned()))?;
        let line = span.start.line();
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                if depth == 0 {
                    if !matches!(event, Event::MappingStart(..)) {
                        return Err((line, "it is a list, not `key: value` lines".to_owned()));
                    }
                    in_mapping = true;
                } else if depth == 1 {
                    if expects_key {
                        return Err((line, "a key is not plain text".to_owned()));
                    }
                    if let Some(entry) = entries.last_mut() {
                        entry.is_list = matches!(event, Event::SequenceStart(..));
                    }
                }
                depth += 1;
            }
            Event::MappingEnd | Event::SequenceEnd => {
                depth -= 1;
                if depth == 1 {
                    expects_key = true;
                }
            }
            Event::Scalar(value, style, ..) => match depth {
                0 if !value.is_empty() => {
                    return Err((line, "it is text, not `key: value` lines".to_owned()));
                }
                0 => {}
                1 if expects_key => {
                    entries.push(Entry {
                        key: value.trim().to_lowercase(),
                        values: Vec::new(),
                        is_list: false,
                        line: line + 1,
                    });
                    expects_key = false;
                }
                _ => {
                    let null =
                        style == saphyr_parser::ScalarStyle::Plain && matches!(&*value, "" | "~" | "null");
                    if let Some(entry) = entries.last_mut()
                        && (depth == 1 || (depth == 2 && entry.is_list))
                        && !null
                    {
                        entry.values.push(value.trim().to_owned());
                    }
                    expects_key |= depth == 1;
                }
            },
            Event::Alias(_) if depth == 1 => {
                if expects_key {
                    return Err((line, "a key is an alias".to_owned()));
                }
                expects_key = true;
            }
            // A second document would be no front matter; `cut` has ended the first.
            _ => {}
        }
    }
    if in_mapping || yaml.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        Ok(entries)
    } else {
        Err((1, "it holds no `key: value` lines".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entries(yaml: &str) -> Vec<(String, Vec<String>)> {
        take(&format!("---\n{yaml}\n---\nbody")).entries.into_iter().map(|e| (e.key, e.values)).collect()
    }

    #[test]
    fn keys_and_values_are_read() {
        let found = entries(
            "title: \"A: b\"\r\nAliases:\r\n  - One\r\n  - 'Two'\r\ntags: [x, y]\ndeep: {a: {b: c}}\nn: 5\ne:",
        );
        let expected: Vec<(String, Vec<String>)> = [
            ("title", vec!["A: b"]),
            ("aliases", vec!["One", "Two"]),
            ("tags", vec!["x", "y"]),
            ("deep", vec![]),
            ("n", vec!["5"]),
            ("e", vec![]),
        ]
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v.into_iter().map(str::to_owned).collect()))
        .collect();
        assert_eq!(found, expected);
        assert_eq!(take("---\na: 1\n---\nbody").body, "body");
        assert_eq!(take("---\n---\nbody").body, "body");
    }

    #[test]
    fn what_is_no_front_matter_stays() {
        for note in ["", "---", "text", "---\nnever closed", " ---\na: b\n---\n"] {
            assert_eq!(take(note), FrontMatter { body: note, ..FrontMatter::default() });
        }
        let broken = take("---\ntitle: a\nb: [1\n---\nbody");
        assert_eq!(broken.body, "body");
        assert_eq!(broken.rejected, Some("title: a\nb: [1\n"));
        assert!(broken.problem.is_some_and(|(line, _)| (2..=4).contains(&line)));
        for yaml in ["just text", "- a\n- list", "a: b: c", "[a]: b"] {
            let note = format!("---\n{yaml}\n---\n");
            assert!(take(&note).problem.is_some(), "{yaml}");
        }
    }

    #[test]
    fn hostile_yaml_costs_no_more_than_its_length() {
        let deep = format!("---\na: {}\n---\n", "[".repeat(50_000));
        assert!(take(&deep).problem.is_some());
        let mut bomb = String::from("---\na0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for i in 1..40 {
            let aliases = vec![format!("*a{}", i - 1); 9].join(", ");
            bomb.push_str(&format!("a{i}: &a{i} [{aliases}]\n"));
        }
        bomb.push_str("---\n");
        assert_eq!(take(&bomb).entries.len(), 40);
    }

    proptest! {
        #[test]
        fn any_front_matter_is_read_or_named(yaml in "([a-z]{0,3}[:\\-\\[\\]{}&*!|>'\"#%@,? \n\t]{0,3}){0,30}") {
            let note = format!("---\n{yaml}\n---\nbody");
            let taken = take(&note);
            prop_assert!(taken.problem.is_none() || taken.rejected.is_some());
        }
    }
}
