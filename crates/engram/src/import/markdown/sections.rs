//! Sections: what a note says under each heading, as plain text, with its links and tags.

use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd};

use super::paths::NotePaths;
use super::targets::{Target, of_link, of_wiki_link};
use crate::memory::MAX_TITLE_BYTES;

/// The most sections that one note is divided into; the headings after them are text of the last.
pub const MAX_SECTIONS: usize = 1 << 16;

/// What stands under one heading, up to the next.
#[derive(Debug, Default)]
pub(super) struct Section {
    /// 0 for what stands before the first heading.
    pub(super) level: u8,
    pub(super) title: String,
    /// Readable text, without the heading.
    pub(super) text: String,
    /// Where each link stands in the text, and where it leads.
    pub(super) links: Vec<(usize, Target)>,
    pub(super) tags: Vec<String>,
    pub(super) words: Words,
}

/// How many words of a text stand in links, and how many do not.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Words {
    pub(super) in_links: usize,
    pub(super) own: usize,
}

/// What a memory of links alone keeps of its strength.
const LEAST_STRENGTH: f32 = 0.05;

impl Words {
    /// The strength of a memory of these words: 1 where at least half of them are its own. A list of links, or a heading
    /// with nothing under it, leads to answers and is none.
    pub(super) fn strength(self) -> f32 {
        let all = self.own + self.in_links;
        if all == 0 {
            return LEAST_STRENGTH;
        }
        (2.0 * self.own as f32 / all as f32).clamp(LEAST_STRENGTH, 1.0)
    }
}

/// A note read to its end.
#[derive(Debug, Default)]
pub(super) struct Sections {
    /// At least one: what stands before the first heading, or under the first heading if it is of level 1.
    pub(super) all: Vec<Section>,
    /// The first heading of level 1.
    pub(super) first_h1: Option<String>,
    /// Where links stand, in bytes of the source, that no memory can be the end of.
    pub(super) unusable: Vec<usize>,
    /// The places where links look for notes by their paths.
    pub(super) places: Vec<u32>,
}

/// Reads Markdown. Cost: about its length.
pub(super) fn read(path: &str, markdown: &str, notes: &NotePaths) -> Sections {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_GFM
        | Options::ENABLE_WIKILINKS;
    let mut reader = Reader {
        path,
        notes,
        sections: Sections { all: vec![Section::default()], ..Sections::default() },
        pending: String::new(),
        heading: None,
        html: None,
        containers: 0,
        lists: 0,
        verbatim: 0,
        links: 0,
        row_begins: false,
    };
    for (event, range) in Parser::new_ext(markdown, options).into_offset_iter() {
        reader.take(event, range);
    }
    reader.flush();
    reader.sections
}

struct Heading {
    level: u8,
    text: String,
    /// How many links the section before it has.
    links: usize,
    tags: usize,
}

struct Reader<'a> {
    path: &'a str,
    notes: &'a NotePaths,
    sections: Sections,
    /// Text that the parser gives in several events, until another kind of event comes.
    pending: String,
    heading: Option<Heading>,
    /// An HTML block, as far as it has been read.
    html: Option<String>,
    /// How many block quotes, lists and footnotes are open; headings inside them begin no section.
    containers: usize,
    lists: usize,
    /// How many code blocks and links are open, in which `#this` is no tag.
    verbatim: usize,
    /// How many links are open.
    links: usize,
    row_begins: bool,
}

impl Reader<'_> {
    fn take(&mut self, event: Event<'_>, range: Range<usize>) {
        if let Event::Text(text) = &event {
            self.pending.push_str(text);
            return;
        }
        self.flush();
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(tag),
            Event::Code(code) => self.write(&code),
            Event::SoftBreak => self.out().push(' '),
            Event::HardBreak => self.out().push('\n'),
            Event::Html(html) => match &mut self.html {
                Some(block) => block.push_str(&html),
                None => self.push_html(&html),
            },
            Event::InlineHtml(html) => self.push_html(&html),
            Event::TaskListMarker(done) => self.out().push_str(if done { "[x] " } else { "[ ] " }),
            Event::InlineMath(math) | Event::DisplayMath(math) => self.out().push_str(&math),
            Event::Text(_) | Event::FootnoteReference(_) | Event::Rule => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: Range<usize>) {
        match tag {
            Tag::Heading { level, .. } if self.containers == 0 => {
                let section = self.section();
                let (links, tags) = (section.links.len(), section.tags.len());
                self.heading = Some(Heading { level: level as u8, text: String::new(), links, tags });
            }
            Tag::BlockQuote(_) | Tag::FootnoteDefinition(_) => self.containers += 1,
            Tag::List(_) => {
                self.containers += 1;
                self.lists += 1;
                self.end_line();
            }
            Tag::Item => {
                self.end_line();
                let depth = self.lists.saturating_sub(1).min(16);
                let out = self.out();
                out.extend(std::iter::repeat_n("  ", depth));
                out.push_str("- ");
            }
            Tag::CodeBlock(_) => self.verbatim += 1,
            Tag::HtmlBlock => self.html = Some(String::new()),
            Tag::TableHead | Tag::TableRow => self.row_begins = true,
            Tag::TableCell => {
                let separator = if std::mem::take(&mut self.row_begins) { "" } else { " | " };
                self.out().push_str(separator);
            }
            Tag::Link { link_type, dest_url, .. } => {
                self.verbatim += 1;
                self.links += 1;
                let target = match link_type {
                    LinkType::WikiLink { .. } => of_wiki_link(&dest_url),
                    LinkType::Autolink | LinkType::Email => Target::Elsewhere,
                    _ => of_link(self.path, &dest_url, self.notes, &mut self.sections.places),
                };
                self.link(target, range);
            }
            Tag::Image { link_type, dest_url, .. } => {
                self.verbatim += 1;
                if let LinkType::WikiLink { .. } = link_type {
                    self.link(of_wiki_link(&dest_url), range);
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => self.end_heading(),
            TagEnd::Paragraph | TagEnd::Table => self.end_block(),
            TagEnd::CodeBlock => {
                self.verbatim = self.verbatim.saturating_sub(1);
                self.end_block();
            }
            TagEnd::HtmlBlock => {
                if let Some(html) = self.html.take() {
                    self.push_html(&html);
                    self.end_block();
                }
            }
            TagEnd::BlockQuote(_) | TagEnd::FootnoteDefinition => {
                self.containers = self.containers.saturating_sub(1);
                self.end_block();
            }
            TagEnd::List(_) => {
                self.containers = self.containers.saturating_sub(1);
                self.lists = self.lists.saturating_sub(1);
                if self.lists == 0 { self.end_block() } else { self.end_line() }
            }
            TagEnd::Item | TagEnd::TableHead | TagEnd::TableRow => self.end_line(),
            TagEnd::Link => {
                self.links = self.links.saturating_sub(1);
                self.verbatim = self.verbatim.saturating_sub(1);
            }
            TagEnd::Image => self.verbatim = self.verbatim.saturating_sub(1),
            _ => {}
        }
    }

    fn end_heading(&mut self) {
        let Some(heading) = self.heading.take() else { return self.end_block() };
        let title = heading.text.split_whitespace().collect::<Vec<_>>().join(" ");
        if title.is_empty() {
            return;
        }
        // A paragraph above a line of dashes is a heading to Markdown; one that no title can hold is text. So is what
        // a note has too many of: a memory takes a hundred times what a short heading does.
        if title.len() > MAX_TITLE_BYTES || self.sections.all.len() >= MAX_SECTIONS {
            self.section().text.push_str(&title);
            return self.end_block();
        }
        let top = heading.level == 1 && self.sections.first_h1.is_none();
        if top {
            self.sections.first_h1 = Some(title.clone());
        }
        let first = self.sections.all.len() == 1 && self.sections.all[0].level == 0;
        if top && first {
            // The title of the whole: what stands before and after it is one.
            return;
        }
        let before = self.section();
        let links =
            before.links.split_off(heading.links).into_iter().map(|(_, target)| (0, target)).collect();
        let tags = before.tags.split_off(heading.tags);
        self.sections.all.push(Section { level: heading.level, title, links, tags, ..Section::default() });
    }

    fn link(&mut self, target: Target, range: Range<usize>) {
        match target {
            Target::Elsewhere => {}
            Target::Unusable => self.sections.unusable.push(range.start),
            target => {
                let section = self.section();
                section.links.push((section.text.len(), target));
            }
        }
    }

    /// The section that is being read. There is always one.
    fn section(&mut self) -> &mut Section {
        let last = self.sections.all.len() - 1;
        &mut self.sections.all[last]
    }

    fn out(&mut self) -> &mut String {
        // Two looks, because the borrow of one would outlast its branch.
        if self.heading.is_some() {
            return self.heading.as_mut().map(|heading| &mut heading.text).unwrap_or(&mut self.pending);
        }
        &mut self.section().text
    }

    /// Writes the pending text, and takes the tags in it.
    fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let text = std::mem::take(&mut self.pending);
        if self.verbatim == 0 && text.contains('#') {
            let before = self.out().chars().next_back();
            let tags = tags(&text, before);
            self.section().tags.extend(tags);
        }
        self.write(&text);
    }

    fn push_html(&mut self, html: &str) {
        let text = without_tags(html);
        self.write(&text);
    }

    /// Writes text, and counts its words: those with a letter in them, outside headings.
    fn write(&mut self, text: &str) {
        if self.heading.is_none() {
            let found = text.split_whitespace().filter(|word| word.contains(char::is_alphabetic)).count();
            let is_link = self.links > 0;
            let words = &mut self.section().words;
            *(if is_link { &mut words.in_links } else { &mut words.own }) += found;
        }
        self.out().push_str(text);
    }

    fn end_line(&mut self) {
        let out = self.out();
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
    }

    fn end_block(&mut self) {
        self.end_line();
        let nested = self.lists > 0;
        let out = self.out();
        if !nested && !out.is_empty() && !out.ends_with("\n\n") {
            out.push('\n');
        }
    }
}

/// The `#tags` of a text that follows the character `before`.
fn tags(text: &str, before: Option<char>) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices('#') {
        let previous = text[..at].chars().next_back().or(before);
        if previous.is_some_and(|c| !c.is_whitespace() && !matches!(c, '(' | '[' | ',' | ';')) {
            continue;
        }
        let rest = &text[at + 1..];
        let end =
            rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '/'))).unwrap_or(rest.len());
        let tag = rest[..end].trim_matches(['-', '/']);
        if tag.contains(char::is_alphabetic) {
            found.push(tag.to_owned());
        }
    }
    found
}

/// HTML without its tags and comments.
fn without_tags(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        text.push_str(&rest[..open]);
        let tag = &rest[open..];
        let close = if tag.starts_with("<!--") {
            tag.find("-->").map(|at| at + 3)
        } else {
            tag.find('>').map(|at| at + 1)
        };
        match close {
            Some(close) => rest = &tag[close..],
            None => {
                // Never closed: it is text after all.
                text.push_str(tag);
                rest = "";
            }
        }
    }
    text.push_str(rest);
    text
}
