//! Plain text files: one memory each, or one for each few paragraphs of a long one.

use super::pieces::{Anchors, day_of, push_pieces, stem};
use crate::memory::{InvalidMemory, MemoryId, NewMemory};

/// The memories of a plain text file. The first has the path as its id and the file's name without the
/// extension as its title; a text longer than 4,000 bytes is cut at ends of paragraphs, and the parts follow
/// one another as `path#part-2`, `path#part-3`…. A name that begins with a date says when it was made.
///
/// `relative_path` is relative to the imported folder, with `/` between its parts. Cost: the text's length.
///
/// # Errors
/// If the path cannot be an id.
pub fn parse(relative_path: &str, contents: &str) -> Result<Vec<NewMemory>, InvalidMemory> {
    let contents = contents.strip_prefix('\u{feff}').unwrap_or(contents);
    let text = if contents.contains('\r') { &contents.replace("\r\n", "\n") } else { contents };
    let id = MemoryId::of_path(relative_path)?;
    let mut memory = NewMemory::new(id.clone(), "");
    let stem = stem(relative_path);
    memory.title = Some(stem.to_owned());
    memory.source = Some(relative_path.to_owned());
    memory.made = day_of(stem);
    let mut memories = Vec::new();
    push_pieces(memory, text, Vec::new(), "part", &mut Anchors::new(id.as_str()), &mut memories)?;
    Ok(memories)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_becomes_a_chain() {
        let text = "One paragraph of some length that says little.\r\n\r\n".repeat(200);
        let memories = parse("log/2026-11-22.txt", &text).unwrap();
        assert_eq!(memories[0].id.as_str(), "log/2026-11-22.txt");
        assert_eq!(memories[0].title.as_deref(), Some("2026-11-22"));
        assert_eq!(memories[1].id.as_str(), "log/2026-11-22.txt#part-2");
        assert_eq!(memories[2].follows.as_ref(), Some(&memories[1].id));
        assert_eq!(memories[2].section_of.as_ref(), Some(&memories[0].id));
        assert!(memories.iter().all(|m| m.text.len() <= 4000 && !m.text.contains('\r') && m.made.is_some()));
        assert_eq!(parse("empty.txt", "\u{feff}").unwrap()[0].text, "");
        assert!(parse("", "x").is_err());
    }
}
