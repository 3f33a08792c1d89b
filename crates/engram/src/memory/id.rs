//! Ids and namespaces: names that are shown as they are, so that what is seen can be typed.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::{InvalidMemory, MAX_ID_BYTES, MAX_NAMESPACE_BYTES};
use crate::text::{abridged, percent_decoded, percent_form, unprintable};

/// The name by which the outside knows a memory: 1 to 400 bytes of printable text, unique in its store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemoryId(Box<str>);

impl MemoryId {
    /// Checks an id. Cost: its length.
    ///
    /// # Errors
    /// If it is empty, longer than [`MAX_ID_BYTES`], holds a control character, or holds anything else that
    /// [`printable_line`](crate::text::printable_line) does not show as it is.
    pub fn new(id: impl Into<String>) -> Result<Self, InvalidMemory> {
        let id = Self::existing(id)?;
        check_shown("id", &id.0)?;
        Ok(id)
    }

    /// Checks an id by which a memory is looked up. Unlike [`MemoryId::new`] it takes characters that are not shown,
    /// which ids in older stores may hold.
    ///
    /// # Errors
    /// If it is empty, longer than [`MAX_ID_BYTES`], or holds a control character.
    pub fn existing(id: impl Into<String>) -> Result<Self, InvalidMemory> {
        let id: String = id.into();
        if id.is_empty() {
            return Err(InvalidMemory::EmptyId);
        }
        if id.len() > MAX_ID_BYTES {
            return Err(InvalidMemory::LongId { start: id.chars().take(24).collect(), bytes: id.len() });
        }
        if id.chars().any(char::is_control) {
            return Err(InvalidMemory::ControlCharacter { value: id });
        }
        Ok(Self(id.into()))
    }

    /// An id for what already has a name, such as a file: what is not shown becomes its bytes in percent form
    /// (`a\u{200b}b` becomes `a%E2%80%8Bb`), the same each time.
    ///
    /// # Errors
    /// If it is empty, longer than [`MAX_ID_BYTES`], or holds a control character.
    pub(crate) fn escaped(id: impl Into<String>) -> Result<Self, InvalidMemory> {
        let id = Self::existing(id)?;
        match percent_form(&id.0) {
            Cow::Borrowed(_) => Ok(id),
            Cow::Owned(shown) => Self::new(shown),
        }
    }

    /// Makes the id of a file from its path: what is not shown becomes its bytes in percent form. A `%` does too if the
    /// path holds something hidden, or could be taken for the percent form of something hidden. So no two paths
    /// have the same id.
    ///
    /// # Errors
    /// As [`MemoryId::escaped`].
    pub(crate) fn of_path(path: impl Into<String>) -> Result<Self, InvalidMemory> {
        let id = Self::existing(path)?;
        if !stands_for_hidden(&id.0) {
            return Ok(id);
        }
        Self::new(percent_form(&id.0.replace('%', "%25")))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as people see it: as it is, but that what is not shown stands in percent form.
    /// [`Engram::resolve`](crate::Engram::resolve) finds the memory by either.
    #[must_use]
    pub fn shown(&self) -> Cow<'_, str> {
        percent_form(&self.0)
    }
}

impl fmt::Display for MemoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for MemoryId {
    type Err = InvalidMemory;
    fn from_str(s: &str) -> Result<Self, InvalidMemory> {
        Self::new(s)
    }
}

/// A part of a store that recalls for itself: names, words and activation never cross its border.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(Box<str>);

impl Namespace {
    /// Checks a namespace.
    ///
    /// # Errors
    /// If it is empty, longer than [`MAX_NAMESPACE_BYTES`], holds a control character, or holds anything else that
    /// [`printable_line`](crate::text::printable_line) does not show as it is.
    pub fn new(namespace: impl Into<String>) -> Result<Self, InvalidMemory> {
        let namespace = Self::existing(namespace)?;
        check_shown("namespace", &namespace.0)?;
        Ok(namespace)
    }

    /// Checks a namespace whose memories are looked up. Unlike [`Namespace::new`] it takes characters that are not
    /// shown, which namespaces in older stores may hold.
    ///
    /// # Errors
    /// If it is empty, longer than [`MAX_NAMESPACE_BYTES`], or holds a control character.
    pub fn existing(namespace: impl Into<String>) -> Result<Self, InvalidMemory> {
        let value: String = namespace.into();
        if value.is_empty() || value.len() > MAX_NAMESPACE_BYTES {
            let bytes = value.len();
            return Err(InvalidMemory::NamespaceLength { bytes, value: abridged(&value, 80).into_owned() });
        }
        if value.chars().any(char::is_control) {
            return Err(InvalidMemory::ControlCharacter { value });
        }
        Ok(Self(value.into()))
    }

    /// A namespace for what already has a name: what is not shown becomes its bytes in percent form.
    ///
    /// # Errors
    /// As [`Namespace::existing`].
    pub(crate) fn escaped(namespace: impl Into<String>) -> Result<Self, InvalidMemory> {
        let namespace = Self::existing(namespace)?;
        match percent_form(&namespace.0) {
            Cow::Borrowed(_) => Ok(namespace),
            Cow::Owned(shown) => Self::new(shown),
        }
    }

    /// The namespace as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The namespace as people see it: as it is, but that what is not shown stands in percent form.
    #[must_use]
    pub fn shown(&self) -> Cow<'_, str> {
        percent_form(&self.0)
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self("default".into())
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Namespace {
    type Err = InvalidMemory;
    fn from_str(s: &str) -> Result<Self, InvalidMemory> {
        Self::new(s)
    }
}

/// Returns whether a path holds something hidden, as it is or decoded, however often. The percent form of a path is
/// decoded to that path, so no path for which this is false is the percent form of one for which it is true.
fn stands_for_hidden(path: &str) -> bool {
    let mut path = Cow::Borrowed(path);
    loop {
        if unprintable(&path).next().is_some() {
            return true;
        }
        match percent_decoded(&path) {
            Some(decoded) => path = Cow::Owned(decoded),
            None => return false,
        }
    }
}

/// Refuses what is not shown as it is.
fn check_shown(what: &'static str, value: &str) -> Result<(), InvalidMemory> {
    let hidden = unprintable(value).next().and_then(|hidden| value[hidden].chars().next());
    match hidden {
        Some(character) => {
            Err(InvalidMemory::HiddenCharacter { what, shown: percent_form(value).into_owned(), character })
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::printable_line;

    #[test]
    fn what_is_not_shown_is_refused_and_named() {
        for (id, says) in [
            ("user\u{202e}gpj", "U+202E"),
            ("a\u{200b}b", "U+200B"),
            ("a\u{ad}b", "U+00AD"),
            ("\u{3164}", "U+3164"),
            ("a\u{2800}b", "U+2800"),
            ("a\u{e0041}", "U+E0041"),
            ("a\u{200d}b", "U+200D"),
        ] {
            for error in [MemoryId::new(id).unwrap_err(), Namespace::new(id).unwrap_err()] {
                let sentence = error.to_string();
                assert!(
                    sentence.contains(says) && sentence.ends_with("leave out what nobody sees"),
                    "{sentence}"
                );
                assert_eq!(printable_line(&sentence), sentence);
            }
            assert_eq!(MemoryId::existing(id).unwrap().as_str(), id);
            assert_eq!(Namespace::existing(id).unwrap().as_str(), id);
        }
        assert_eq!(MemoryId::existing("a\u{200b}b").unwrap().shown(), "a%E2%80%8Bb");
        assert_eq!(MemoryId::escaped("notes/a\u{ad}.md").unwrap().as_str(), "notes/a%C2%AD.md");
        assert_eq!(MemoryId::escaped("100%.md").unwrap().as_str(), "100%.md");
        assert!(MemoryId::escaped("a\u{7}").is_err() && MemoryId::escaped("\u{200b}".repeat(133)).is_err());
        for id in ["می\u{200c}خواهم.md", "👩\u{200d}💻 work.md", "⚡\u{fe0f}", "Café.md", "日本/東京.md"]
        {
            assert_eq!(MemoryId::new(id).unwrap().shown(), id);
        }
    }

    #[test]
    fn the_ids_of_paths_differ_where_paths_do() {
        for (path, id) in [
            ("notes/100% sure.md", "notes/100% sure.md"),
            ("a%20b.md", "a%20b.md"),
            ("a\u{200b}b.md", "a%E2%80%8Bb.md"),
            ("a%E2%80%8Bb.md", "a%25E2%2580%258Bb.md"),
            ("a%25E2%2580%258Bb.md", "a%2525E2%252580%25258Bb.md"),
            ("100%\u{ad}.md", "100%25%C2%AD.md"),
        ] {
            assert_eq!(MemoryId::of_path(path).unwrap().as_str(), id, "{path}");
        }
        // The way in for ids that were given leaves alone what it has made before.
        assert_eq!(MemoryId::escaped("a%E2%80%8Bb.md").unwrap().as_str(), "a%E2%80%8Bb.md");
    }

    #[test]
    fn a_huge_namespace_is_named_by_its_ends() {
        let sentence = Namespace::new("x".repeat(1 << 20)).unwrap_err().to_string();
        assert!(sentence.contains("1048576 bytes") && sentence.len() < 200, "{sentence}");
    }

    /// A path out of parts that percent forms and their likes are made of.
    fn path() -> impl Strategy<Value = String> {
        let part = prop::sample::select(vec![
            "a", "%", "25", "%25", "E2%80%8B", "\u{200b}", "\u{ad}", "AD", "C2", "#",
        ]);
        prop::collection::vec(part, 1..8).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn no_two_paths_have_one_id(one in path(), other in path()) {
            let ids = [&one, &other].map(|path| MemoryId::of_path(path.as_str()).unwrap());
            prop_assert_eq!(ids[0] == ids[1], one == other, "{:?} {:?}", ids[0], ids[1]);
            // What could be taken for the path of the other, or for its percent form, is neither.
            let form = MemoryId::of_path(ids[0].as_str()).unwrap();
            prop_assert!(ids[0].as_str() == one || form != ids[0], "{:?}", ids[0]);
            prop_assert!(MemoryId::new(ids[0].as_str()).is_ok());
        }

        #[test]
        fn an_id_is_shown_as_it_is(id in "(\\PC|[a\u{200b}-\u{200f}\u{fe0f}👩کب]){1,20}") {
            if let Ok(id) = MemoryId::new(id.clone()) {
                prop_assert_eq!(printable_line(id.as_str()), id.as_str());
                prop_assert_eq!(id.shown(), id.as_str());
                prop_assert_eq!(MemoryId::escaped(id.as_str()), Ok(id.clone()));
            }
            if let Ok(id) = MemoryId::existing(id) {
                let shown = id.shown();
                prop_assert_eq!(printable_line(&shown), &*shown);
                let typed = crate::text::percent_decoded(&shown).unwrap_or_else(|| shown.to_string());
                prop_assert!(typed == id.as_str() || id.as_str().contains('%'));
            }
        }
    }
}
