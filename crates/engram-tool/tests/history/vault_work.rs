//! What workers do with a folder of notes and its store.

use std::fs;

use serde_json::Value;

use crate::register::{Span, Token};
use crate::vault::{Change, Sight, Synchronisation};
use crate::workers::{Outcome, Worker, exported, text, token_in};

/// The folder.
pub const VAULT: &str = "notes";
const STORE: &str = "notes/.engram";
/// The notes of each worker. Each may have one of two names.
const NOTES: u64 = 5;

impl Worker<'_> {
    /// Makes the folder and its store.
    pub fn begin_vault(&mut self) {
        fs::create_dir(self.shared.root.join(VAULT)).unwrap();
        self.notes_are_known();
        self.change_note();
        self.synchronise();
    }

    /// Says which files there may be, so that all of them are looked for in each sight.
    pub fn notes_are_known(&mut self) {
        for note in 0..NOTES {
            for name in self.names(note) {
                let mut ids = vec![name.clone()];
                if is_long(note) {
                    ids.extend(["alpha", "beta"].map(|section| format!("{name}#{section}")));
                }
                self.journal.vault.notes.entry(name).or_default().ids = ids;
            }
        }
    }

    /// A change to the folder, or none, and one call.
    pub fn work_on_vault(&mut self) {
        if self.chance(60) {
            self.change_note();
        }
        match self.random.below(20) {
            0..11 => self.synchronise(),
            11..15 => self.export_vault(),
            15 => drop(self.call("consolidate", &["consolidate", "--store", STORE], &[0])),
            16..18 => drop(self.call("compact", &["consolidate", "--compact", "--store", STORE], &[0])),
            _ => drop(self.call("verify", &["verify", "--store", STORE], &[0])),
        }
    }

    /// What can be seen when all is done: exactly the folder.
    pub fn end_vault(&mut self) {
        self.synchronise();
        self.export_vault();
        self.call("verify", &["verify", "--store", STORE], &[0]);
        self.call("compact", &["consolidate", "--compact", "--store", STORE], &[0]);
        self.synchronise();
        self.export_vault();
        self.call("verify", &["verify", "--store", STORE], &[0]);
    }

    fn names(&self, note: u64) -> [String; 2] {
        ["first", "second"].map(|name| format!("{name}{}-{note}.md", self.number))
    }

    fn changed(&mut self, name: &str, span: Span, value: Option<Token>) {
        let note = self.journal.vault.notes.get_mut(name).unwrap();
        note.changes.push(Change { span, value });
    }

    fn current(&self, name: &str) -> Option<Token> {
        self.journal.vault.notes[name].changes.last().and_then(|change| change.value)
    }

    /// Writes, renames or deletes one of this worker's own notes.
    fn change_note(&mut self) {
        let note = self.random.below(NOTES);
        let names = self.names(note);
        let folder = self.shared.root.join(VAULT);
        let here = usize::from(self.current(&names[0]).is_none() && self.current(&names[1]).is_some());
        let (name, other) = (&names[here], &names[1 - here]);
        match (self.current(name), self.random.below(10)) {
            (Some(_), 0..2) => {
                let begin = self.shared.now();
                fs::remove_file(folder.join(name)).unwrap();
                let span = Span { begin, end: self.shared.now() };
                self.changed(name, span, None);
            }
            (Some(token), 2..4) => {
                let begin = self.shared.now();
                fs::rename(folder.join(name), folder.join(other)).unwrap();
                let span = Span { begin, end: self.shared.now() };
                self.changed(name, span, None);
                self.changed(other, span, Some(token));
            }
            _ => {
                let token = self.shared.token();
                let written = folder.join(format!("{name}.new"));
                fs::write(&written, contents(token, is_long(note))).unwrap();
                let begin = self.shared.now();
                // At once and whole, as editors save.
                fs::rename(&written, folder.join(name)).unwrap();
                let span = Span { begin, end: self.shared.now() };
                self.changed(name, span, Some(token));
            }
        }
    }

    /// A recall from the folder, of all that holds the word.
    fn synchronise(&mut self) {
        let arguments = ["recall", "--json", "--vault", VAULT, "--mode", "words", "-k", "10000", "zebra"];
        let (span, outcome) = self.call("synchronise", &arguments, &[0, 1]);
        let is_done = matches!(outcome, Outcome::Done(_));
        self.journal.vault.synchronisations.push(Synchronisation { span, is_done });
        let Outcome::Done(ended) = outcome else { return };
        let Ok(answer) = serde_json::from_slice::<Value>(&ended.out) else {
            return self.fault(format!("a recall from the vault at {span:?} gave no JSON"));
        };
        let hits = answer["hits"].as_array().into_iter().flatten();
        let hits = hits.map(|hit| (hit["id"].as_str().unwrap_or_default(), &hit["snippet"]));
        self.saw_vault("recall", span, true, hits);
    }

    fn export_vault(&mut self) {
        let (span, outcome) = self.call("export", &["export", "--store", STORE], &[0]);
        let Outcome::Done(ended) = outcome else { return };
        match exported(&ended.out) {
            Ok(memories) => {
                let memories = memories.iter().map(|(id, memory)| (id.as_str(), &memory["text"]));
                self.saw_vault("export", span, false, memories);
            }
            Err(why) => self.fault(format!("an export of the vault at {span:?}: {why}")),
        }
    }

    fn saw_vault<'m>(
        &mut self,
        by: &'static str,
        span: Span,
        is_synchronised: bool,
        texts: impl Iterator<Item = (&'m str, &'m Value)>,
    ) {
        let mut values = std::collections::BTreeMap::new();
        for (id, text) in texts {
            match text.as_str().and_then(token_in) {
                Some(token) => drop(values.insert(id.to_owned(), token)),
                None => self.fault(format!("{id} says {text}, which nobody has written")),
            }
        }
        self.journal.vault.sights.push(Sight { span, by, values, is_synchronised });
    }
}

/// Whether a note is long enough to become several memories.
fn is_long(note: u64) -> bool {
    note.is_multiple_of(2)
}

fn contents(token: Token, is_long: bool) -> String {
    let says = text(token);
    let mut contents = format!("---\ntitle: Kept {token}\n---\n\n{says}\n");
    if is_long {
        let rest = "garden letter winter market music bridge teacher village paper ".repeat(17);
        for section in ["Alpha", "Beta"] {
            contents.push_str(&format!("\n## {section}\n\n{says} {rest}\n"));
        }
    }
    contents
}
