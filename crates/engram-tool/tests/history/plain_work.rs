//! What workers do with a store that commands write to.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::plain::{Sight, Values, Write};
use crate::register::{Act, Moment, Span, Token};
use crate::workers::{BALLAST, Outcome, Worker, exported, text, token_in};

/// The store.
pub const STORE: &str = "store";
/// Memories that are written one by one.
const SINGLES: u64 = 12;
/// Groups of memories that are only ever written together, and how many each has.
const GROUPS: u64 = 5;
const GROUP: u64 = 6;
/// Memories that stay, and are linked.
const HUBS: u64 = 3;
/// What one step of a link's weight is, so that each weight can be told from all others.
const STEP: f64 = 1.0 / 16.0;

/// The ids of each group.
pub fn groups() -> Vec<Vec<String>> {
    (0..GROUPS).map(|group| (0..GROUP).map(|at| format!("group{group}-{at}")).collect()).collect()
}

/// One JSON line.
pub fn line(id: &str, text: &str, title: &str) -> String {
    format!("{{\"id\":\"{id}\",\"title\":\"{title}\",\"text\":\"{text}\",\"time\":\"2026-01-01\"}}\n")
}

impl Worker<'_> {
    /// Puts in what is there from the beginning.
    pub fn begin_store(&mut self) {
        let words = "garden letter winter market music bridge teacher village paper ";
        let ballast: String =
            (0..BALLAST).map(|at| line(&format!("ballast{at:03}"), words, &format!("Stone {at}"))).collect();
        fs::write(self.shared.root.join("ballast.jsonl"), ballast).unwrap();
        self.call("import", &["import", "--store", STORE, "ballast.jsonl"], &[0]);
        for hub in 0..HUBS {
            self.put(&format!("hub{hub}"));
        }
    }

    /// One call, of whatever kind.
    pub fn work_on_store(&mut self) {
        match self.random.below(34) {
            0..5 => {
                let id = self.single();
                self.put(&id);
            }
            5..8 => self.update(),
            8..10 => {
                let id = self.single();
                self.forget(vec![id]);
            }
            10..13 => self.import(),
            13 => {
                let group = self.group();
                self.forget(group);
            }
            14..16 => self.link(),
            16 => drop(self.call("consolidate", &["consolidate", "--store", STORE], &[0])),
            17..19 => drop(self.call("compact", &["consolidate", "--compact", "--store", STORE], &[0])),
            19..22 => self.export(),
            22..24 => self.list(),
            24..27 => self.show(),
            27..29 => self.recall_all(),
            29..31 => self.recall(),
            31..33 => self.back_up(),
            _ => drop(self.call("verify", &["verify", "--store", STORE], &[0])),
        }
    }

    /// What can be seen when all is done.
    pub fn end_store(&mut self) {
        self.call("verify", &["verify", "--store", STORE], &[0]);
        self.export();
        self.recall_all();
        self.call("compact", &["consolidate", "--compact", "--store", STORE], &[0]);
        self.call("verify", &["verify", "--store", STORE], &[0]);
        self.export();
        self.list();
        self.recall_all();
    }

    fn single(&mut self) -> String {
        format!("single{}", self.random.below(SINGLES))
    }

    fn group(&mut self) -> Vec<String> {
        groups().swap_remove(self.random.below(GROUPS) as usize)
    }

    fn wrote(&mut self, ids: Vec<String>, act: Act, span: Span, outcome: &Outcome) {
        let is_certain = match outcome {
            Outcome::Done(_) => true,
            Outcome::Killed => false,
            Outcome::Refused => return,
        };
        let span = if is_certain { span } else { Span { end: Moment::MAX, ..span } };
        self.journal.plain.writes.push(Write { span, ids, act, is_certain });
    }

    fn saw(&mut self, by: &'static str, span: Span, values: Values, is_whole: bool) {
        self.journal.plain.sights.push(Sight { span, by, values, is_whole });
    }

    fn put(&mut self, id: &str) {
        let token = self.shared.token();
        let (text, title) = (text(token), format!("Kept {token}"));
        let arguments = ["remember", "--store", STORE, "--id", id, "--title", &title, &text];
        let (span, outcome) = self.call("remember", &arguments, &[0]);
        self.wrote(vec![id.to_owned()], Act::Put(token), span, &outcome);
    }

    fn update(&mut self) {
        let (id, token) = (self.single(), self.shared.token());
        let (text, title) = (text(token), format!("Kept {token}"));
        let arguments = ["update", "--store", STORE, &id, "--title", &title, "--text", &text];
        let (span, outcome) = self.call("update", &arguments, &[0, 1]);
        match &outcome {
            // There was nothing to change.
            Outcome::Done(ended) if ended.is(1) => {
                self.saw("update", span, BTreeMap::from([(id, None)]), false);
            }
            outcome => self.wrote(vec![id], Act::Replace(token), span, outcome),
        }
    }

    fn forget(&mut self, ids: Vec<String>) {
        let mut arguments = vec!["forget", "--store", STORE];
        arguments.extend(ids.iter().map(String::as_str));
        // Code 1 where some were not there. Whether they were is asked a moment before.
        let (span, outcome) = self.call("forget", &arguments, &[0, 1]);
        self.wrote(ids, Act::Delete, span, &outcome);
    }

    /// A small import, which is one portion: all of it, or nothing.
    fn import(&mut self) {
        let (ids, token) = (self.group(), self.shared.token());
        let lines: String = ids.iter().map(|id| line(id, &text(token), &format!("Kept {token}"))).collect();
        let name = format!("import{token}.jsonl");
        fs::write(self.shared.root.join(&name), lines).unwrap();
        let (span, outcome) = self.call("import", &["import", "--store", STORE, &name], &[0]);
        self.wrote(ids, Act::Put(token), span, &outcome);
        fs::remove_file(self.shared.root.join(&name)).unwrap();
    }

    fn link(&mut self) {
        let from = self.random.below(HUBS);
        let to = (from + 1 + self.random.below(HUBS - 1)) % HUBS;
        let token = self.shared.weights.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (from, to, weight) = (format!("hub{from}"), format!("hub{to}"), token as f64 * STEP);
        let weight = weight.to_string();
        let arguments = ["link", "--store", STORE, &from, &to, "--weight", &weight];
        let (span, outcome) = self.call("link", &arguments, &[0]);
        let is_certain = matches!(outcome, Outcome::Done(_));
        if is_certain || matches!(outcome, Outcome::Killed) {
            let span = if is_certain { span } else { Span { end: Moment::MAX, ..span } };
            let write =
                Write { span, ids: vec![format!("{from} → {to}")], act: Act::Put(token), is_certain };
            self.journal.links.writes.push(write);
        }
    }

    fn export(&mut self) {
        let (span, outcome) = self.call("export", &["export", "--store", STORE], &[0]);
        self.whole_of_export("export", span, &outcome);
    }

    /// A copy of the store, which holds what was there at one moment while it was made.
    fn back_up(&mut self) {
        let copy = format!("backup{}", self.shared.token());
        let (span, outcome) = self.call("backup", &["backup", "--store", STORE, &copy], &[0]);
        if let Outcome::Done(_) = outcome {
            let (_, outcome) = self.call("export", &["export", "--store", &copy], &[0]);
            self.whole_of_export("backup", span, &outcome);
        }
        // A killed one may have left nothing, or what is complete.
        let _ = fs::remove_dir_all(self.shared.root.join(copy));
    }

    fn whole_of_export(&mut self, by: &'static str, span: Span, outcome: &Outcome) {
        let Outcome::Done(ended) = outcome else { return };
        let memories = match exported(&ended.out) {
            Ok(memories) => memories,
            Err(why) => return self.fault(format!("an export ({by} at {span:?}): {why}")),
        };
        let mut links = Values::new();
        for (id, memory) in memories.iter().filter(|(id, _)| id.starts_with("hub")) {
            links.extend(links_of(id, memory));
        }
        self.journal.links.sights.push(Sight { span, by, values: links, is_whole: true });
        self.whole(by, span, memories.iter().map(|(id, memory)| (id.as_str(), memory)));
    }

    fn list(&mut self) {
        let (span, outcome) = self.call("list", &["list", "--json", "--store", STORE], &[0]);
        self.whole_of_array("list", "memories", span, &outcome);
    }

    /// Everything that holds the word, by the rows of words.
    fn recall_all(&mut self) {
        let arguments =
            ["recall", "--json", "--mode", "words", "-k", "10000", "--store", STORE, "zebra stone"];
        let (span, outcome) = self.call("recall words", &arguments, &[0]);
        self.whole_of_array("recall", "hits", span, &outcome);
    }

    /// What the best hits say; of what is no hit nothing is known.
    fn recall(&mut self) {
        let cue = format!("kept{} zebra", self.random.below(self.shared.token()));
        let (span, outcome) = self.call("recall", &["recall", "--json", "--store", STORE, &cue], &[0]);
        let Outcome::Done(ended) = outcome else { return };
        let Ok(answer) = serde_json::from_slice::<Value>(&ended.out) else {
            return self.fault(format!("a recall at {span:?} gave no JSON"));
        };
        let hits = answer["hits"].as_array().into_iter().flatten();
        let values = hits.filter_map(|hit| Some((hit["id"].as_str()?.to_owned(), Some(token_of(hit)?))));
        let values = values.collect();
        self.saw("recall", span, values, false);
    }

    fn show(&mut self) {
        let id = self.single();
        let (span, outcome) = self.call("show", &["show", "--json", "--store", STORE, &id], &[0, 1]);
        let Outcome::Done(ended) = outcome else { return };
        let token = match ended.is(1) {
            true => None,
            false => serde_json::from_slice(&ended.out).ok().and_then(|memory| self.checked(&id, &memory)),
        };
        self.saw("show", span, BTreeMap::from([(id, token)]), false);
    }

    fn whole_of_array(&mut self, by: &'static str, key: &str, span: Span, outcome: &Outcome) {
        let Outcome::Done(ended) = outcome else { return };
        let answer: Value = match serde_json::from_slice(&ended.out) {
            Ok(answer) => answer,
            Err(error) => return self.fault(format!("a {by} at {span:?} gave no JSON: {error}")),
        };
        let memories = answer[key].as_array().into_iter().flatten();
        self.whole(by, span, memories.map(|memory| (memory["id"].as_str().unwrap_or_default(), memory)));
    }

    /// Writes down one state of the whole store.
    fn whole<'m>(
        &mut self,
        by: &'static str,
        span: Span,
        memories: impl Iterator<Item = (&'m str, &'m Value)>,
    ) {
        let (mut ballast, mut values) = (0, Values::new());
        for (id, memory) in memories {
            if id.starts_with("ballast") {
                ballast += 1;
            } else {
                values.insert(id.to_owned(), self.checked(id, memory));
            }
        }
        if ballast != BALLAST {
            self.fault(format!("{by} at {span:?} shows {ballast} of {BALLAST} memories that nobody touches"));
        }
        self.saw(by, span, values, true);
    }

    /// The token of a memory, which its title and its text must agree upon.
    fn checked(&mut self, id: &str, memory: &Value) -> Option<Token> {
        let token = token_of(memory);
        let in_title = memory["title"].as_str().and_then(|title| title.strip_prefix("Kept ")?.parse().ok());
        if token.is_none() || in_title.is_some_and(|in_title| token != Some(in_title)) {
            self.fault(format!("{id} is torn: {memory}"));
        }
        token
    }
}

fn token_of(memory: &Value) -> Option<Token> {
    let field = |name: &str| memory[name].as_str();
    match field("text").or_else(|| field("snippet")) {
        Some(text) => token_in(text),
        // A list has titles.
        None => field("title")?.strip_prefix("Kept ")?.parse().ok(),
    }
}

/// The weights of a memory's links.
fn links_of(id: &str, memory: &Value) -> Vec<(String, Option<Token>)> {
    let links = memory["links"].as_array().into_iter().flatten();
    links
        .map(|link| {
            let (to, weight) = match link.as_str() {
                Some(to) => (to, 1.0),
                None => (link["to"].as_str().unwrap_or_default(), link["weight"].as_f64().unwrap_or(1.0)),
            };
            (format!("{id} → {to}"), Some((weight / STEP) as Token))
        })
        .collect()
}
