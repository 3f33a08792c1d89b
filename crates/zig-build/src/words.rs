//! A command in an environment variable: `ZIG=/opt/zig/zig`, `ZIG="python3 -m ziglang"`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Splits the value of a variable into a program and its first arguments.
///
/// A value that names an existing file is one word, spaces and all. Otherwise words are parted by white space, and
/// single or double quotes keep what they hold together. A program given by a relative path is taken from `base`,
/// because Zig runs in another folder than the build script; a bare name is left for PATH.
pub(crate) fn split(value: &OsStr, base: &Path) -> Vec<OsString> {
    let whole = base.join(value);
    if whole.is_file() {
        return vec![whole.into_os_string()];
    }
    let Some(text) = value.to_str() else { return vec![value.to_owned()] };
    let mut words: Vec<OsString> = split_text(text).into_iter().map(OsString::from).collect();
    if let Some(program) = words.first_mut()
        && !is_bare(program)
    {
        *program = base.join(&*program).into_os_string();
    }
    words
}

/// `word` as a shell takes it: in quotes where it holds white space.
pub(crate) fn quoted(word: &str) -> String {
    if word.is_empty() || word.contains(char::is_whitespace) { format!("'{word}'") } else { word.to_owned() }
}

/// Whether `program` is a name for PATH to look up, not a path.
pub(crate) fn is_bare(program: &OsStr) -> bool {
    Path::new(program).components().count() <= 1
}

fn split_text(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    for c in text.chars() {
        match quote {
            Some(q) if c == q => quote = None,
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_quotes() {
        assert_eq!(split_text("python3 -m ziglang"), ["python3", "-m", "ziglang"]);
        assert_eq!(split_text("  '/a b/zig'\t--x \"\" "), ["/a b/zig", "--x", ""]);
        assert_eq!(split_text("   "), Vec::<String>::new());
        assert_eq!(split_text("a\"b c\"d"), ["ab cd"]);
    }

    #[test]
    fn an_existing_path_with_spaces_is_one_word() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let zig = folder.path().join("my zig");
        std::fs::write(&zig, "")?;
        assert_eq!(split(zig.as_os_str(), folder.path()), [zig.clone().into_os_string()]);
        assert_eq!(split(OsStr::new("my zig"), folder.path()), [zig.into_os_string()]);
        assert_eq!(split(OsStr::new("my zag"), folder.path()), ["my", "zag"]);
        let nested = folder.path().join("bin/zig").into_os_string();
        assert_eq!(split(OsStr::new("bin/zig -x"), folder.path()), [nested, "-x".into()]);
        Ok(())
    }
}
