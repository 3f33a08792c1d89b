//! The notes of a folder by their paths: where links lead that people and programs write in other ways than from note to
//! note.

use std::collections::{HashMap, HashSet};

use xxhash_rust::xxh3::xxh3_64;

use crate::import::front_matter;

/// The notes of a folder, by path: what links in them can lead to.
///
/// A link is looked for from the note's own folder, then from the root, then as the end of one path alone; with `.md`
/// behind it where it has no extension. A whole URL leads to a note where it begins with a site that the folder is
/// published as: the `site` in the front matter of `README.md`, `index.md` or `home.md` at the root. Cost: a few look-ups
/// a link, whatever the number of notes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotePaths {
    paths: HashSet<String>,
    /// The paths that end with each file name, ascending.
    named: HashMap<String, Vec<String>>,
    sites: Vec<String>,
}

impl NotePaths {
    /// The notes of these paths, relative to the folder, with `/` between their parts, published as these sites.
    pub fn new(paths: impl IntoIterator<Item = String>, sites: Vec<String>) -> Self {
        let mut notes = Self { paths: paths.into_iter().collect(), sites, ..Self::default() };
        let mut sorted: Vec<&String> = notes.paths.iter().collect();
        sorted.sort_unstable();
        for path in sorted {
            notes.named.entry(file_name(path).to_owned()).or_default().push(path.clone());
        }
        notes
    }

    /// The path behind a site's address in a URL, if the folder is published there.
    pub(super) fn behind_site<'u>(&self, url: &'u str) -> Option<&'u str> {
        self.sites.iter().find_map(|site| url.strip_prefix(site.as_str())?.strip_prefix('/'))
    }

    /// The note that a decoded path leads to from the note at `from`, if there is one.
    pub(super) fn find(&self, from: &str, link: &str) -> Option<String> {
        let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        let candidates = [joined(if link.starts_with('/') { "" } else { folder }, link), joined("", link)];
        let with_extension = |path: &str| [path.to_owned(), format!("{path}.md"), format!("{path}/index.md")];
        for path in candidates.iter().flatten() {
            if let Some(found) = with_extension(path).into_iter().find(|path| self.paths.contains(path)) {
                return Some(found);
            }
        }
        let end = joined("", link)?;
        for end in [end.clone(), format!("{end}.md")] {
            let named = self.named.get(file_name(&end)).into_iter().flatten();
            let mut fitting =
                named.filter(|path| path.strip_suffix(&end).is_some_and(|before| before.ends_with('/')));
            if let (Some(found), None) = (fitting.next(), fitting.next()) {
                return Some(found.clone());
            }
        }
        None
    }
}

/// The last part of a path without `.md`, hashed: links and notes that can fit together share it.
///
/// Notes have it by [`places_of`], links by what they say.
pub(super) fn place_of(link: &str) -> u32 {
    let last = link.rsplit('/').find(|part| !matches!(*part, "" | "." | "..")).unwrap_or("");
    xxh3_64(last.strip_suffix(".md").unwrap_or(last).as_bytes()) as u32
}

/// The places at which links look for the note of a path: by its own name, and by its folder's if it is the index of that.
pub(crate) fn places_of(path: &str) -> impl Iterator<Item = u32> {
    let folder = path.strip_suffix("index.md").map(place_of);
    std::iter::once(place_of(path)).chain(folder)
}

/// Whether a note at this path may say in its front matter which sites the folder is published as.
pub(crate) fn may_name_sites(path: &str) -> bool {
    ["readme.md", "index.md", "home.md"].iter().any(|name| path.eq_ignore_ascii_case(name))
}

/// The sites that a note's front matter names as `site`.
pub(crate) fn sites_of(note: &str) -> Vec<String> {
    let note = note.strip_prefix('\u{feff}').unwrap_or(note);
    let entries = front_matter::take(note).entries;
    let sites = entries.into_iter().filter(|entry| entry.key == "site").flat_map(|entry| entry.values);
    sites.map(|site| site.trim_end_matches('/').to_owned()).filter(|site| site.contains("://")).collect()
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A path below a folder, without `.` and `..`; `None` where it leads out of the root, or to the root itself.
pub(super) fn joined(folder: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes() -> NotePaths {
        let paths =
            ["README.md", "sub/Q.md", "sub/deep/R.md", "a/S.md", "b/S.md", "docs/index.md", "My note.md"];
        let sites = "---\nsite: [\"https://til.example.net/\", https://github.com/x/til/blob/main]\n---\n";
        NotePaths::new(paths.map(String::from), sites_of(sites))
    }

    #[test]
    fn links_are_found_as_people_write_them() {
        let notes = notes();
        for (from, link, found) in [
            ("sub/deep/R.md", "../Q.md", Some("sub/Q.md")),
            ("sub/deep/R.md", "sub/Q.md", Some("sub/Q.md")),
            ("sub/deep/R.md", "/sub/Q.md", Some("sub/Q.md")),
            ("README.md", "Q.md", Some("sub/Q.md")),
            ("README.md", "Q", Some("sub/Q.md")),
            ("README.md", "deep/R", Some("sub/deep/R.md")),
            ("a/S.md", "S.md", Some("a/S.md")),
            // Two notes have the name.
            ("README.md", "S.md", None),
            ("README.md", "docs", Some("docs/index.md")),
            ("a/S.md", "My note", Some("My note.md")),
            ("README.md", "../up.md", None),
            ("README.md", "eep/R.md", None),
            ("README.md", "", None),
        ] {
            assert_eq!(notes.find(from, link).as_deref(), found, "{link} from {from}");
        }
    }

    #[test]
    fn a_published_note_is_found_by_its_address() {
        let notes = notes();
        assert_eq!(notes.sites.len(), 2);
        assert_eq!(notes.behind_site("https://til.example.net/sub/Q"), Some("sub/Q"));
        assert_eq!(notes.behind_site("https://til.example.network/sub/Q"), None);
        assert!(may_name_sites("Index.md") && !may_name_sites("sub/index.md"));
    }
}
