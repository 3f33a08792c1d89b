//! What happened to a store that commands write to, and whether it can have happened.

use std::collections::BTreeMap;

use crate::register::{Act, Operation, Span, Token, explain};

/// The memories that a whole sight showed or a look at one was for, each with what tells its contents from all others.
pub type Values = BTreeMap<String, Option<Token>>;

/// A write of one command, to all of its memories at once.
#[derive(Debug, Clone)]
pub struct Write {
    pub span: Span,
    pub ids: Vec<String>,
    pub act: Act,
    /// Whether it was acknowledged; else it was killed.
    pub is_certain: bool,
}

/// What one command showed.
#[derive(Debug, Clone)]
pub struct Sight {
    pub span: Span,
    /// Which command.
    pub by: &'static str,
    pub values: Values,
    /// Whether it showed one state of the whole store, so that what it did not show was not there.
    pub is_whole: bool,
}

/// Everything that happened.
#[derive(Debug, Clone, Default)]
pub struct History {
    pub writes: Vec<Write>,
    pub sights: Vec<Sight>,
}

impl History {
    pub fn merge(&mut self, other: Self) {
        self.writes.extend(other.writes);
        self.sights.extend(other.sights);
    }

    /// Why it cannot have happened; empty where some order of the writes explains all that was seen. `groups` are
    /// memories that are only ever written together.
    pub fn faults(&self, groups: &[Vec<String>]) -> Vec<String> {
        [self.registers(), self.torn(groups), self.out_of_order()].concat()
    }

    fn whole_sights(&self) -> impl Iterator<Item = &Sight> {
        self.sights.iter().filter(|sight| sight.is_whole)
    }

    /// Each memory for itself.
    fn registers(&self) -> Vec<String> {
        let mut registers: BTreeMap<&str, Vec<Operation>> = BTreeMap::new();
        for write in &self.writes {
            for id in &write.ids {
                let (span, act, is_certain) = (write.span, write.act, write.is_certain);
                registers.entry(id).or_default().push(Operation { span, act, is_certain });
            }
        }
        let mut faults = Vec::new();
        for sight in &self.sights {
            for id in sight.values.keys().filter(|id| !registers.contains_key(id.as_str())) {
                faults.push(format!("{} shows {id}, which nobody has written", sight.by));
            }
        }
        for (id, operations) in &mut registers {
            for sight in &self.sights {
                let seen = match sight.values.get(*id) {
                    Some(seen) => *seen,
                    None if sight.is_whole => None,
                    None => continue,
                };
                operations.push(Operation { span: sight.span, act: Act::Read(seen), is_certain: true });
            }
            if let Err(why) = explain(operations) {
                faults.push(format!("{id}: {why}"));
            }
        }
        faults
    }

    /// What is written together is seen together.
    fn torn(&self, groups: &[Vec<String>]) -> Vec<String> {
        let mut faults = Vec::new();
        for sight in self.whole_sights() {
            for group in groups {
                let values: Vec<Option<Token>> =
                    group.iter().map(|id| sight.values.get(id).copied().flatten()).collect();
                if values.windows(2).any(|pair| pair[0] != pair[1]) {
                    faults.push(format!(
                        "{} from {:?} tears what was written together: {group:?} are {values:?}",
                        sight.by, sight.span
                    ));
                }
            }
        }
        faults
    }

    /// A sight that shows one write, and misses another that was acknowledged before that one began, is of no state
    /// that there was.
    fn out_of_order(&self) -> Vec<String> {
        let mut by_id: BTreeMap<&str, Vec<&Write>> = BTreeMap::new();
        let mut by_token: BTreeMap<(&str, Token), &Write> = BTreeMap::new();
        for write in &self.writes {
            for id in &write.ids {
                if write.is_certain {
                    by_id.entry(id).or_default().push(write);
                }
                if let Act::Put(token) | Act::Replace(token) = write.act {
                    by_token.insert((id, token), write);
                }
            }
        }
        // The write after one on the same memory that is done first: what shows the one misses the other.
        let next_done = |id: &str, seen: &Write| {
            let later = by_id.get(id)?.iter().filter(|write| write.span.begin > seen.span.end);
            later.min_by_key(|write| write.span.end).copied()
        };
        let mut faults = Vec::new();
        for sight in self.whole_sights() {
            let shown = sight.values.iter().filter_map(|(id, token)| {
                let id = id.as_str();
                by_token.get(&(id, (*token)?)).map(|write| (id, *write))
            });
            let shown: Vec<(&str, &Write)> = shown.collect();
            let certain = shown.iter().filter(|(_, write)| write.is_certain);
            let missed = certain.filter_map(|(id, write)| Some((*id, next_done(id, write)?)));
            let missed = missed.min_by_key(|(_, write)| write.span.end);
            let newest = shown.iter().max_by_key(|(_, write)| write.span.begin);
            if let (Some((missed_id, missed)), Some((newest_id, newest))) = (missed, newest)
                && missed.span.end < newest.span.begin
            {
                faults.push(format!(
                    "{} from {:?} shows {newest_id} as written at {:?}, and {missed_id} as it was before {:?}",
                    sight.by, sight.span, newest.span, missed.span
                ));
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(begin: u64, end: u64, ids: &[&str], act: Act) -> Write {
        let ids = ids.iter().map(|&id| id.to_owned()).collect();
        Write { span: Span { begin, end }, ids, act, is_certain: true }
    }

    fn export(begin: u64, end: u64, values: &[(&str, Token)]) -> Sight {
        let values = values.iter().map(|&(id, token)| (id.to_owned(), Some(token))).collect();
        Sight { span: Span { begin, end }, by: "export", values, is_whole: true }
    }

    fn faults(writes: &[Write], sights: &[Sight]) -> Vec<String> {
        let groups = [vec!["a".to_owned(), "b".to_owned()]];
        History { writes: writes.to_vec(), sights: sights.to_vec() }.faults(&groups)
    }

    #[track_caller]
    fn refused(writes: &[Write], sights: &[Sight], says: &str) {
        let faults = faults(writes, sights);
        assert!(faults.iter().any(|fault| fault.contains(says)), "{says:?} is not in {faults:?}");
    }

    #[test]
    fn what_can_have_happened_is_no_fault() {
        let both = |begin, token| write(begin, begin + 3, &["a", "b"], Act::Put(token));
        let writes = [both(0, 1), write(4, 5, &["c"], Act::Put(2)), both(10, 3)];
        let sights = [
            export(6, 7, &[("a", 1), ("b", 1), ("c", 2)]),
            export(9, 20, &[("a", 1), ("b", 1), ("c", 2)]),
            export(9, 20, &[("a", 3), ("b", 3), ("c", 2)]),
        ];
        assert_eq!(faults(&writes, &sights), Vec::<String>::new());
        assert_eq!(faults(&[], &[export(0, 1, &[])]), Vec::<String>::new());
    }

    #[test]
    fn a_lost_write_and_an_unknown_memory_are_refused() {
        let writes = [write(0, 1, &["c"], Act::Put(1))];
        refused(&writes, &[export(2, 3, &[])], "c: no order of the writes explains");
        refused(&writes, &[export(2, 3, &[("c", 1), ("d", 2)])], "shows d, which nobody has written");
    }

    #[test]
    fn a_torn_import_is_refused() {
        let killed = Write { is_certain: false, ..write(0, 9, &["a", "b"], Act::Put(1)) };
        refused(
            std::slice::from_ref(&killed),
            &[export(3, 4, &[("a", 1)])],
            "tears what was written together",
        );
        assert!(faults(&[killed], &[export(3, 4, &[("a", 1), ("b", 1)])]).is_empty());
        let whole = [write(0, 1, &["a", "b"], Act::Put(1)), write(2, 9, &["a", "b"], Act::Put(2))];
        refused(&whole, &[export(3, 4, &[("a", 1), ("b", 2)])], "tears what was written together");
    }

    #[test]
    fn a_sight_of_two_states_is_refused() {
        let writes = [
            write(0, 1, &["c"], Act::Put(1)),
            write(10, 11, &["c"], Act::Put(2)),
            write(12, 13, &["d"], Act::Put(3)),
        ];
        // Each memory for itself could have been so while this was read, but not both at one moment.
        refused(&writes, &[export(5, 20, &[("c", 1), ("d", 3)])], "shows d as written at");
        assert!(faults(&writes, &[export(5, 20, &[("c", 2), ("d", 3)])]).is_empty());
        assert!(faults(&writes, &[export(5, 20, &[("c", 1)])]).is_empty());
    }
}
