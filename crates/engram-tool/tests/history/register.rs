//! Whether some order of the writes to one memory explains what was read of it.
//!
//! A memory is a register that is put, replaced, deleted and read. An order explains a history if each operation stands
//! between its beginning and its end, and each read gives what the last write before it left (linearizability: Herlihy
//! and Wing, 1990). A write that was killed may have happened at any time after its beginning, or never.
//!
//! The search is that of Wing and Gong (1993): take any operation that may come next, go back where none fits, and never
//! look at the same state twice. A read that fits is taken at once, since it changes nothing. A killed write is taken
//! just before the first operation that needs it. So the search branches only where writes overlap.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::{self, Debug, Formatter};

/// What tells one written value from all others.
pub type Token = u64;

/// A moment, in nanoseconds since the test began.
pub type Moment = u64;

/// From when to when.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub begin: Moment,
    pub end: Moment,
}

impl Debug for Span {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let milliseconds = |moment: Moment| moment as f64 / 1e6;
        match self.end {
            Moment::MAX => write!(f, "{:.3} ms to nobody knows when", milliseconds(self.begin)),
            end => write!(f, "{:.3} to {:.3} ms", milliseconds(self.begin), milliseconds(end)),
        }
    }
}

/// What is done to a register, or seen of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Put(Token),
    /// A write that is refused where there is nothing.
    Replace(Token),
    Delete,
    Read(Option<Token>),
}

/// An operation on a register.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    pub span: Span,
    pub act: Act,
    /// Whether it is known to have happened. Where it is not, the end says nothing.
    pub is_certain: bool,
}

/// How far an order was found.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct State {
    /// All certain operations before this one are done.
    base: usize,
    /// Those after it that are done too.
    done: BTreeSet<usize>,
    value: Option<Token>,
    /// The uncertain operations that are taken to have happened.
    used: BTreeSet<usize>,
}

struct Search {
    /// By beginning.
    certain: Vec<Operation>,
    uncertain: Vec<Operation>,
    /// Which uncertain operation writes a token.
    writers: HashMap<Token, usize>,
    read: HashSet<Token>,
}

/// Looks for an order that explains the operations on a register that is empty at first. Errors with the operations
/// around the place where none was found.
pub fn explain(operations: &[Operation]) -> Result<(), String> {
    let search = Search::new(operations);
    let first = State { base: 0, done: BTreeSet::new(), value: None, used: BTreeSet::new() };
    let mut furthest = first.clone();
    let mut seen = HashSet::from([first.clone()]);
    let mut open = vec![first];
    while let Some(mut state) = open.pop() {
        search.take_reads(&mut state);
        if state.base == search.certain.len() {
            return Ok(());
        }
        if state.base > furthest.base {
            furthest = state.clone();
        }
        for next in search.successors(&state) {
            if seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    Err(search.around(&furthest))
}

impl Search {
    fn new(operations: &[Operation]) -> Self {
        let (mut certain, uncertain): (Vec<Operation>, Vec<Operation>) =
            operations.iter().partition(|op| op.is_certain);
        certain.sort_by_key(|op| op.span);
        let writers = uncertain.iter().enumerate().filter_map(|(at, op)| match op.act {
            Act::Put(token) | Act::Replace(token) => Some((token, at)),
            Act::Delete | Act::Read(_) => None,
        });
        let writers = writers.collect();
        let read = certain.iter().filter_map(|op| match op.act {
            Act::Read(token) => token,
            _ => None,
        });
        let read = read.collect();
        Self { certain, uncertain, writers, read }
    }

    /// The certain operations that may come next: nothing that is not done yet has ended before they begin.
    fn candidates(&self, state: &State) -> (Vec<usize>, Moment) {
        let mut horizon = Moment::MAX;
        let mut candidates = Vec::new();
        for (at, op) in self.certain.iter().enumerate().skip(state.base) {
            if op.span.begin > horizon {
                break;
            }
            if !state.done.contains(&at) {
                horizon = horizon.min(op.span.end);
                candidates.push(at);
            }
        }
        candidates.retain(|at| self.certain[*at].span.begin <= horizon);
        (candidates, horizon)
    }

    fn take_reads(&self, state: &mut State) {
        loop {
            let (candidates, _) = self.candidates(state);
            let fits = |at: &usize| self.certain[*at].act == Act::Read(state.value);
            let Some(at) = candidates.into_iter().find(fits) else { return };
            state.finish(at);
        }
    }

    /// The states after each operation that may come next; the one that ends first comes last.
    fn successors(&self, state: &State) -> Vec<State> {
        let (mut candidates, horizon) = self.candidates(state);
        candidates.sort_by_key(|at| std::cmp::Reverse(self.certain[*at].span.end));
        let mut next = Vec::new();
        for at in candidates {
            match self.certain[at].act {
                Act::Put(token) => next.push(state.after(at, Some(token), &[])),
                Act::Delete => next.push(state.after(at, None, &[])),
                Act::Replace(token) if state.value.is_some() => next.push(state.after(at, Some(token), &[])),
                Act::Replace(token) => {
                    let puts = self.uncertain_puts(state, horizon);
                    next.extend(puts.into_iter().map(|put| state.after(at, Some(token), &[put])));
                }
                Act::Read(Some(token)) => {
                    let Some(writer) = self.writers.get(&token).copied() else { continue };
                    if !self.may_use(state, writer, horizon) {
                        continue;
                    }
                    if state.value.is_some() || matches!(self.uncertain[writer].act, Act::Put(_)) {
                        next.push(state.after(at, Some(token), &[writer]));
                        continue;
                    }
                    let puts = self.uncertain_puts(state, horizon);
                    next.extend(puts.into_iter().map(|put| state.after(at, Some(token), &[put, writer])));
                }
                Act::Read(None) => {
                    let is_delete = |at: &usize| self.uncertain[*at].act == Act::Delete;
                    let mut deletes = (0..self.uncertain.len()).filter(is_delete);
                    if let Some(delete) = deletes.find(|delete| self.may_use(state, *delete, horizon)) {
                        next.push(state.after(at, None, &[delete]));
                    }
                }
            }
        }
        next
    }

    fn may_use(&self, state: &State, uncertain: usize, horizon: Moment) -> bool {
        !state.used.contains(&uncertain) && self.uncertain[uncertain].span.begin <= horizon
    }

    /// The killed puts that may have made something be there. Of those that nobody has read one is as good as another.
    fn uncertain_puts(&self, state: &State, horizon: Moment) -> Vec<usize> {
        let mut has_unread = false;
        (0..self.uncertain.len())
            .filter(|at| self.may_use(state, *at, horizon))
            .filter(|at| match self.uncertain[*at].act {
                Act::Put(token) => self.read.contains(&token) || !std::mem::replace(&mut has_unread, true),
                _ => false,
            })
            .collect()
    }

    fn around(&self, state: &State) -> String {
        let (candidates, _) = self.candidates(state);
        let shown = |op: &Operation| format!("{:?} from {:?}", op.act, op.span);
        let next: Vec<String> = candidates.iter().map(|at| shown(&self.certain[*at])).collect();
        let from = state.base.saturating_sub(6);
        let before: Vec<String> = self.certain[from..state.base].iter().map(shown).collect();
        let missing: BTreeSet<Token> = candidates
            .iter()
            .filter_map(|at| match self.certain[*at].act {
                Act::Read(token) => token,
                _ => None,
            })
            .collect();
        let writers =
            self.certain.iter().chain(&self.uncertain).filter(
                |op| matches!(op.act, Act::Put(token) | Act::Replace(token) if missing.contains(&token)),
            );
        let writers: Vec<String> = writers.map(shown).collect();
        let killed = state.used.len();
        format!(
            "no order of the writes explains {next:?}, where the value was {:?} after {before:?} ({killed} killed \
             writes taken as done); what was read was written by {writers:?}",
            state.value
        )
    }
}

impl State {
    fn finish(&mut self, at: usize) {
        self.done.insert(at);
        while self.done.remove(&self.base) {
            self.base += 1;
        }
    }

    fn after(&self, at: usize, value: Option<Token>, used: &[usize]) -> Self {
        let mut next = self.clone();
        next.value = value;
        next.used.extend(used);
        next.finish(at);
        next
    }
}

#[cfg(test)]
mod tests;
