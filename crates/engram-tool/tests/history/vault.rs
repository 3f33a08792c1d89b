//! What happened to a folder of notes and to the store that follows it, and whether it can have happened.
//!
//! The store follows what each synchronisation found in the folder. So what a note is in the store it was in the folder
//! at some moment since the last synchronisation that is done had begun. One that began still earlier and went on
//! beside it may have been the last to write: then since that one's beginning.

use std::collections::BTreeMap;

use crate::register::{Moment, Span, Token};

/// A change to a file: written, renamed to or away, deleted.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    pub span: Span,
    /// What the file says from then on; `None` where there is none any more.
    pub value: Option<Token>,
}

/// A call that brings the store in step with the folder.
#[derive(Debug, Clone, Copy)]
pub struct Synchronisation {
    pub span: Span,
    /// Whether it was acknowledged; else it was killed, and its end is the moment when it was gone.
    pub is_done: bool,
}

/// What one command showed of the whole store.
#[derive(Debug, Clone)]
pub struct Sight {
    pub span: Span,
    /// Which command.
    pub by: &'static str,
    pub values: BTreeMap<String, Token>,
    /// Whether the same command had synchronised before.
    pub is_synchronised: bool,
}

/// A note: the ids of its memories, and what became of its file.
#[derive(Debug, Clone, Default)]
pub struct Note {
    pub ids: Vec<String>,
    /// One after another, from no file.
    pub changes: Vec<Change>,
}

/// Everything that happened to a vault.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// By path.
    pub notes: BTreeMap<String, Note>,
    pub synchronisations: Vec<Synchronisation>,
    pub sights: Vec<Sight>,
}

impl History {
    pub fn merge(&mut self, other: Self) {
        self.notes.extend(other.notes);
        self.synchronisations.extend(other.synchronisations);
        self.sights.extend(other.sights);
    }

    /// Why it cannot have happened.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let since_each = self.since_each();
        for sight in &self.sights {
            // What it must show: the folder since its own synchronisation, or the last one before it.
            let before = since_each.partition_point(|(end, _)| *end <= sight.span.begin);
            let last = before.checked_sub(1).map_or(0, |at| since_each[at].1);
            let own = if sight.is_synchronised { self.since_synchronised(sight.span.begin) } else { 0 };
            let since = last.max(own);
            for (path, note) in &self.notes {
                let values: Vec<Option<Token>> =
                    note.ids.iter().map(|id| sight.values.get(id).copied()).collect();
                if values.windows(2).any(|pair| pair[0] != pair[1]) {
                    faults.push(format!(
                        "{} from {:?} tears the note {path}: its sections are {values:?}",
                        sight.by, sight.span
                    ));
                } else if !note.states(since, sight.span.end).any(|(_, state)| state == values[0]) {
                    faults.push(format!(
                        "{} from {:?} shows {path} as {:?}, which it was {:?}; from {:.3} ms on it was {:?}",
                        sight.by,
                        sight.span,
                        values[0],
                        note.states(0, Moment::MAX).filter(|(_, state)| *state == values[0]).last(),
                        since as f64 / 1e6,
                        note.states(since, sight.span.end).collect::<Vec<_>>(),
                    ));
                }
            }
            let known = |id: &String| self.notes.values().any(|note| note.ids.contains(id));
            faults.extend(
                sight
                    .values
                    .keys()
                    .filter(|id| !known(id))
                    .map(|id| format!("{} from {:?} shows {id}, which is no note's", sight.by, sight.span)),
            );
        }
        faults
    }

    /// Since when what is in the store was in the folder, once a synchronisation that began then is done: since the
    /// beginning of the earliest that went on beside it.
    fn since_synchronised(&self, begin: Moment) -> Moment {
        let beside = self.synchronisations.iter().filter(|sync| sync.span.end > begin);
        beside.map(|sync| sync.span.begin).min().map_or(begin, |earliest| earliest.min(begin))
    }

    /// After each synchronisation, since when what is in the store was in the folder. By end.
    fn since_each(&self) -> Vec<(Moment, Moment)> {
        let done = self.synchronisations.iter().filter(|sync| sync.is_done);
        let mut since: Vec<(Moment, Moment)> =
            done.map(|sync| (sync.span.end, self.since_synchronised(sync.span.begin))).collect();
        since.sort_unstable();
        let mut latest = 0;
        for (_, since) in &mut since {
            latest = latest.max(*since);
            *since = latest;
        }
        since
    }
}

impl Note {
    /// What the file was between two moments, and when. Each state lasts from the beginning of the change that made it
    /// to the end of the next one.
    fn states(&self, from: Moment, to: Moment) -> impl Iterator<Item = (Span, Option<Token>)> {
        let ends = self.changes.iter().map(|change| change.span.end).chain([Moment::MAX]);
        let begins = std::iter::once((0, None));
        let begins = begins.chain(self.changes.iter().map(|change| (change.span.begin, change.value)));
        let states = begins.zip(ends).map(|((begin, value), end)| (Span { begin, end }, value));
        states.filter(move |(span, _)| span.begin <= to && span.end >= from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(begin: Moment, end: Moment) -> Span {
        Span { begin, end }
    }

    /// A long note that says 1 from 10 on, 2 from 50 on, and is deleted at 90.
    fn vault(synchronisations: &[(Moment, Moment, bool)], sights: &[Sight]) -> History {
        let change = |at, value| Change { span: span(at, at + 1), value };
        let note = Note {
            ids: vec!["n.md".to_owned(), "n.md#alpha".to_owned()],
            changes: vec![change(10, Some(1)), change(50, Some(2)), change(90, None)],
        };
        let synchronisations = synchronisations
            .iter()
            .map(|&(begin, end, is_done)| Synchronisation { span: span(begin, end), is_done })
            .collect();
        History {
            notes: BTreeMap::from([("n.md".to_owned(), note)]),
            synchronisations,
            sights: sights.to_vec(),
        }
    }

    fn recall(begin: Moment, end: Moment, values: &[(&str, Token)]) -> Sight {
        let values = values.iter().map(|&(id, token)| (id.to_owned(), token)).collect();
        Sight { span: span(begin, end), by: "recall", values, is_synchronised: true }
    }

    fn export(begin: Moment, end: Moment, values: &[(&str, Token)]) -> Sight {
        Sight { is_synchronised: false, by: "export", ..recall(begin, end, values) }
    }

    const ONE: [(&str, Token); 2] = [("n.md", 1), ("n.md#alpha", 1)];
    const TWO: [(&str, Token); 2] = [("n.md", 2), ("n.md#alpha", 2)];

    #[track_caller]
    fn right(history: &History) {
        assert_eq!(history.faults(), Vec::<String>::new());
    }

    #[track_caller]
    fn wrong(history: &History, says: &str) {
        let faults = history.faults();
        assert!(faults.iter().any(|fault| fault.contains(says)), "{says:?} is not in {faults:?}");
    }

    #[test]
    fn the_store_follows_the_folder() {
        right(&vault(&[], &[recall(20, 25, &ONE), recall(60, 65, &TWO), recall(95, 99, &[])]));
        // While the file is changed, either may be seen; without a synchronisation, what was seen before.
        right(&vault(&[], &[recall(49, 52, &ONE), recall(49, 52, &TWO)]));
        right(&vault(&[(20, 25, true)], &[export(60, 65, &ONE)]));
    }

    #[test]
    fn a_deleted_note_that_stays_is_refused() {
        wrong(&vault(&[], &[recall(95, 99, &TWO)]), "shows n.md as Some(2)");
        wrong(&vault(&[(60, 65, false), (95, 99, true)], &[export(100, 101, &TWO)]), "shows n.md as Some(2)");
    }

    #[test]
    fn a_stale_note_is_refused_unless_an_older_synchronisation_goes_on() {
        wrong(&vault(&[(20, 25, true)], &[recall(60, 65, &ONE)]), "shows n.md as Some(1)");
        right(&vault(&[(20, 61, true)], &[recall(60, 65, &ONE)]));
        let again = vault(&[(20, 61, true)], &[recall(60, 65, &ONE), recall(70, 75, &ONE)]);
        assert_eq!(again.faults().len(), 1);
        wrong(&again, "shows n.md as Some(1)");
    }

    #[test]
    fn a_torn_or_unknown_note_is_refused() {
        wrong(&vault(&[], &[recall(60, 65, &TWO[..1])]), "tears the note n.md");
        wrong(&vault(&[], &[recall(49, 65, &[("n.md", 1), ("n.md#alpha", 2)])]), "tears the note n.md");
        wrong(&vault(&[], &[recall(5, 6, &[("m.md", 1)])]), "shows m.md, which is no note's");
    }
}
