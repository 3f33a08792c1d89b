//! Where the links of a note lead.

use super::paths::{NotePaths, joined, place_of};
use crate::memory::{LinkTarget, MemoryId};

/// Extensions of what a note embeds but is no note.
const ATTACHMENTS: [&str; 24] = [
    "png",
    "jpg",
    "jpeg",
    "gif",
    "svg",
    "webp",
    "bmp",
    "avif",
    "ico",
    "pdf",
    "mp3",
    "mp4",
    "wav",
    "m4a",
    "ogg",
    "flac",
    "webm",
    "mov",
    "mkv",
    "zip",
    "canvas",
    "base",
    "excalidraw",
    "csv",
];
/// Extensions of what an import takes for a memory.
const NOTES: [&str; 6] = ["md", "markdown", "txt", "text", "org", "rst"];

/// Where a link leads, as far as its text says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Target {
    /// To another memory.
    To(LinkTarget),
    /// To a heading of the same note.
    Heading(String),
    /// Out of the notes, or to something that is no note.
    Elsewhere,
    /// To a path that cannot be a memory's id.
    Unusable,
}

/// Where `[[this]]` leads: to the note of that name, whatever folder it is in.
pub(super) fn of_wiki_link(target: &str) -> Target {
    let (note, heading) = target.split_once('#').map_or((target, ""), |(note, heading)| (note, heading));
    // In a table the bar before the label is escaped, and the parser leaves the backslash here.
    let note = note.trim_end_matches('\\').trim();
    if note.is_empty() {
        // `[[#Part#Detail]]` names the path of headings; `[[#^block]]` names a paragraph.
        let heading = heading.rsplit('#').next().unwrap_or_default().trim();
        return if heading.is_empty() || heading.starts_with('^') {
            Target::Elsewhere
        } else {
            Target::Heading(heading.to_owned())
        };
    }
    let name = note.trim_end_matches('/').rsplit('/').next().unwrap_or(note).trim();
    let name = match name.rsplit_once('.') {
        Some((stem, extension)) if is_one_of(&NOTES, extension) => stem,
        Some((_, extension)) if is_one_of(&ATTACHMENTS, extension) => return Target::Elsewhere,
        _ => name,
    };
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    if name.is_empty() { Target::Elsewhere } else { Target::To(LinkTarget::Name(name)) }
}

/// Where `[text](this)` leads, from the note at `path` in a folder of these notes. Where that depends on which notes there
/// are, the place where they are looked for goes to `places`.
pub(super) fn of_link(path: &str, destination: &str, notes: &NotePaths, places: &mut Vec<u32>) -> Target {
    let (file, heading) =
        destination.split_once('#').map_or((destination, ""), |(file, heading)| (file, heading));
    let file = file.split_once('?').map_or(file, |(file, _)| file);
    if let Some(published) = notes.behind_site(file) {
        let published = percent_decoded(published);
        places.push(place_of(&published));
        return of_path(notes.find("", &published));
    }
    if file.is_empty() {
        return if heading.is_empty() {
            Target::Elsewhere
        } else {
            Target::Heading(percent_decoded(heading))
        };
    }
    // A scheme is letters before a colon; a host follows two slashes.
    let scheme = file.split_once(':').is_some_and(|(scheme, _)| {
        !scheme.is_empty()
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    });
    if scheme || file.starts_with("//") {
        return Target::Elsewhere;
    }
    let file = percent_decoded(file).replace('\\', "/");
    places.push(place_of(&file));
    if let Some(found) = notes.find(path, &file) {
        return of_path(Some(found));
    }
    if !file.rsplit_once('.').is_some_and(|(_, extension)| is_one_of(&NOTES, extension)) {
        return Target::Elsewhere;
    }
    // A note that is not there yet. Above the imported folder there is nothing to lead to.
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    of_path(joined(if file.starts_with('/') { "" } else { folder }, &file))
}

fn of_path(path: Option<String>) -> Target {
    let Some(path) = path else { return Target::Elsewhere };
    MemoryId::of_path(path).map_or(Target::Unusable, |id| Target::To(LinkTarget::Id(id)))
}

/// The targets of all `[[wiki links]]` in a plain string, such as a value of front matter.
pub(super) fn wiki_links(text: &str) -> impl Iterator<Item = Target> {
    text.split("[[").skip(1).filter_map(|part| {
        let (inner, _) = part.split_once("]]")?;
        Some(of_wiki_link(inner.split('|').next().unwrap_or(inner)))
    })
}

fn is_one_of(list: &[&str], extension: &str) -> bool {
    list.iter().any(|known| known.eq_ignore_ascii_case(extension))
}

fn percent_decoded(text: &str) -> String {
    crate::text::percent_decoded(text).unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(name: &str) -> Target {
        Target::To(LinkTarget::Name(name.to_owned()))
    }

    fn id(id: &str) -> Target {
        Target::To(LinkTarget::Id(MemoryId::new(id).unwrap()))
    }

    #[test]
    fn wiki_links_lead_to_names() {
        assert_eq!(of_wiki_link("The arithmetic contract"), name("The arithmetic contract"));
        assert_eq!(of_wiki_link("kernels/Lanes.md#Tails"), name("Lanes"));
        assert_eq!(of_wiki_link("v1.2 notes"), name("v1.2 notes"));
        assert_eq!(of_wiki_link("#Tails"), Target::Heading("Tails".into()));
        assert_eq!(of_wiki_link("#^a1b2"), Target::Elsewhere);
        assert_eq!(of_wiki_link("picture.PNG"), Target::Elsewhere);
        assert_eq!(wiki_links("see [[A|b]] and [[C]], [[open").collect::<Vec<_>>(), [name("A"), name("C")]);
    }

    #[test]
    fn links_lead_to_paths() {
        assert_eq!(at("a/b/c.md", "d.md"), id("a/b/d.md"));
        assert_eq!(at("a/b/c.md", "../x/My%20note.md#frag"), id("a/x/My note.md"));
        assert_eq!(at("c.md", "./d.markdown"), id("d.markdown"));
        assert_eq!(at("a/c.md", "/d.md"), id("d.md"));
        assert_eq!(at("a/c.md", "#part"), Target::Heading("part".into()));
        for out in [
            "https://x.org/a.md",
            "mailto:a@b.md",
            "//host/a.md",
            "../../up.md",
            "x.png",
            "folder/",
            "C:/a.md",
        ] {
            assert_eq!(at("a/c.md", out), Target::Elsewhere, "{out}");
        }
        assert_eq!(at("c.md", &format!("{}.md", "x".repeat(500))), Target::Unusable);
        assert_eq!(at("c.md", "%00.md"), Target::Unusable);
        assert_eq!(at("c.md", "100%.md"), id("100%.md"));
    }

    fn at(path: &str, destination: &str) -> Target {
        of_link(path, destination, &NotePaths::default(), &mut Vec::new())
    }

    proptest! {
        #[test]
        fn no_target_panics(path in "\\PC{0,30}", target in "(\\PC|%[0-9a-f]{2}|\\.\\./|#|\\.md){0,20}") {
            let _ = at(&path, &target);
            let _ = of_wiki_link(&target);
        }
    }
}
