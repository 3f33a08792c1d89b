//! Names: the keys under which titles, aliases and phrases are found again.

use std::borrow::Cow;

use super::Tokens;

/// The most tokens a name has; a longer title is not looked for in other texts.
pub const MAX_NAME_TOKENS: usize = 8;

/// The key of a name: its folded tokens joined by one space. [`Tokens::key`] gives the same from a text.
#[must_use]
pub fn name_key<'a>(tokens: impl IntoIterator<Item = &'a str>) -> String {
    let mut key = String::new();
    for token in tokens {
        if !key.is_empty() {
            key.push(' ');
        }
        key.push_str(token);
    }
    key
}

/// The names that a title gives: the whole, what is left without parentheses, and the part before the first
/// comma. Each is a key of 1 to [`MAX_NAME_TOKENS`] tokens; none comes twice; the whole comes first.
///
/// ```
/// use engram::text::title_names;
/// assert_eq!(title_names("Mercury (planet)"), ["mercury planet", "mercury"]);
/// assert_eq!(title_names("Springfield, Illinois"), ["springfield illinois", "springfield"]);
/// ```
#[must_use]
pub fn title_names(title: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(3);
    let mut tokens = Tokens::new();
    let mut add = |form: &str| {
        tokens.read(form);
        if (1..=MAX_NAME_TOKENS).contains(&tokens.len()) {
            let key = tokens.key(0..tokens.len());
            if names.iter().all(|name| name != key) {
                names.push(key.to_owned());
            }
        }
    };
    add(title);
    for form in shorter_titles(title) {
        add(&form);
    }
    names
}

/// A title without parentheses, and the part before its first comma, where it has them.
pub(crate) fn shorter_titles(title: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let without = title.contains('(').then(|| Cow::Owned(without_parentheses(title)));
    let start = title.split_once(',').map(|(start, _)| Cow::Borrowed(start));
    without.into_iter().chain(start)
}

/// A title without what stands in parentheses; one that is never closed stays.
fn without_parentheses(title: &str) -> String {
    let mut rest = title;
    let mut kept = String::with_capacity(title.len());
    while let Some(open) = rest.find('(') {
        let Some(close) = rest[open..].find(')') else { break };
        kept.push_str(&rest[..open]);
        kept.push(' ');
        rest = &rest[open + close + 1..];
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_give_their_forms() {
        assert_eq!(title_names("Journal of Physics"), ["journal of physics"]);
        assert_eq!(title_names("Lyon, France (city)"), ["lyon france city", "lyon france", "lyon"]);
        assert_eq!(title_names("A (b) C (d)"), ["a b c d", "a c"]);
        assert_eq!(title_names("Open (never closed"), ["open never closed"]);
        assert_eq!(title_names("(!)"), Vec::<String>::new());
        assert_eq!(title_names("one two three four five six seven eight nine, ten"), Vec::<String>::new());
        assert_eq!(title_names("Short, and then a title that goes on and on"), ["short"]);
        assert_eq!(name_key(["carl", "rogers"]), "carl rogers");
    }
}
