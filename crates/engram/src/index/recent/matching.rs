//! The names that stand in a text.

use heed::RoTxn;
use rustc_hash::FxHashMap;

use super::Step;
use crate::index::work::{self, Meter};
use crate::store::nodes;
use crate::store::tables::Store;
use crate::text::{Language, MAX_NAME_TOKENS, Tokens};

/// The names of a namespace.
pub(super) struct Names<'n> {
    pub(super) store: &'n Store,
    pub(super) txn: &'n RoTxn<'n>,
    pub(super) namespace: u32,
    /// How names begin with single tokens that were asked for.
    pub(super) begins: &'n mut FxHashMap<Box<str>, Beginning>,
}

/// How names begin with some words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beginning {
    /// No name does.
    OfNone,
    /// Only longer names do.
    OfLonger,
    /// Some name is just these words, in some namespace.
    Whole,
}

impl Beginning {
    /// How names begin with the words of this key. Cost: a look-up.
    fn of(store: &Store, txn: &RoTxn<'_>, words: &str, meter: &mut Meter) -> Step<Self> {
        // Where it is not there, its neighbours are looked at as well.
        meter.charge(2 * work::READ)?;
        let next = store.tables.names.first_key_from(txn, words.as_bytes())?;
        // The first key not before the words is the words themselves (then 0) or the words and more (then a space), if
        // there is either: both sort before every longer word.
        Ok(match next.and_then(|key| key.strip_prefix(words.as_bytes())?.first()) {
            Some(0) => Self::Whole,
            Some(b' ') => Self::OfLonger,
            _ => Self::OfNone,
        })
    }
}

impl Names<'_> {
    /// The longest name that begins at a token: how many tokens it has, and its number. Cost: one or two look-ups for each
    /// token with which the longest beginning of a name goes on.
    pub(super) fn longest(
        &mut self,
        tokens: &Tokens,
        at: usize,
        language: Language,
        meter: &mut Meter,
    ) -> Step<Option<(usize, u32)>> {
        let first = tokens.folded(at);
        let mut longest = None;
        for length in 1..=MAX_NAME_TOKENS.min(tokens.len() - at) {
            let key = tokens.key(at..at + length);
            // A store key holds no more, and no name is that long.
            if key.len() > crate::memory::MAX_ID_BYTES {
                break;
            }
            let known = if length == 1 { self.begins.get(first).copied() } else { None };
            let beginning = match known {
                Some(known) => known,
                None => Beginning::of(self.store, self.txn, key, meter)?,
            };
            if length == 1 && known.is_none() {
                self.begins.insert(first.into(), beginning);
            }
            match beginning {
                Beginning::OfNone => break,
                Beginning::OfLonger => {}
                Beginning::Whole if length == 1 && language.is_stop(first) => {}
                Beginning::Whole => {
                    meter.charge(work::READ)?;
                    let number = nodes::name_number(self.store, self.txn, key, self.namespace)?;
                    longest = number.map(|number| (length, number)).or(longest);
                }
            }
        }
        Ok(longest)
    }
}
