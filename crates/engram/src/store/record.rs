//! How a memory lies in the store: its fields, which the table seals.

use std::borrow::Cow;

use heed::RoTxn;
use serde::{Deserialize, Serialize};

use super::tables::Store;
use crate::error::{Error, Result};
use crate::memory::{History, LinkTarget, MemoryId, Namespace, NewMemory, Weight};
use crate::text::Language;
use crate::time::Time;

/// Everything that was put in about one memory, and what recalling it left behind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record<'a> {
    #[serde(borrow)]
    pub(crate) text: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) title: Option<Cow<'a, str>>,
    pub(crate) aliases: Vec<String>,
    pub(crate) tags: Vec<String>,
    #[serde(borrow)]
    pub(crate) source: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) namespace: Cow<'a, str>,
    #[serde(with = "language_code")]
    /// `None` where neither the text nor who put it in says: it is then that of its namespace.
    pub(crate) language: Option<Language>,
    pub(crate) made: i64,
    pub(crate) last_recalled: Option<i64>,
    pub(crate) recalls: u32,
    pub(crate) strength: f32,
    pub(crate) stability: f32,
    #[serde(borrow)]
    pub(crate) links: Vec<StoredLink<'a>>,
    pub(crate) section_of: Option<String>,
    pub(crate) follows: Option<String>,
    pub(crate) vector: Option<Vec<f32>>,
}

/// An explicit association, as it was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredLink<'a> {
    pub(crate) by_name: bool,
    #[serde(borrow)]
    pub(crate) to: Cow<'a, str>,
    pub(crate) weight: f32,
}

/// Why bytes are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadRecord {
    #[error("its checksum does not match")]
    Checksum,
    #[error("its fields cannot be read")]
    Fields,
}

impl BadRecord {
    /// The error that the memory `id` of a store has this record.
    pub(crate) fn of(self, store: &Store, id: &str) -> Error {
        store.damaged(self.sentence(id))
    }

    /// What is wrong with the memory `id`.
    pub(crate) fn sentence(self, id: &str) -> String {
        format!("the memory {id} is unreadable: {self}")
    }
}

/// The record of an id; `None` where there is none.
pub(crate) fn get(store: &Store, txn: &RoTxn<'_>, id: &str) -> Result<Option<Record<'static>>> {
    let Some(bytes) = store.tables.memories.get(txn, id.as_bytes())? else {
        return Ok(None);
    };
    Ok(Some(Record::read(bytes).map_err(|bad| bad.of(store, id))?.into_owned()))
}

impl<'a> Record<'a> {
    /// The record of a memory that is put in at `now`, with the history that it brings.
    pub(crate) fn of(memory: &'a NewMemory, history: &History, now: Time) -> Self {
        Self {
            text: Cow::Borrowed(&memory.text),
            title: memory.title.as_deref().map(Cow::Borrowed),
            aliases: memory.aliases.clone(),
            tags: memory.tags.clone(),
            source: memory.source.as_deref().map(Cow::Borrowed),
            namespace: Cow::Borrowed(memory.namespace.as_str()),
            language: memory.language.or_else(|| Language::detect(&memory.text)),
            made: memory.made.unwrap_or(now).milliseconds(),
            last_recalled: history.last_recalled.map(Time::milliseconds),
            recalls: history.recalls,
            strength: memory.strength,
            stability: history.stability_seconds,
            links: memory.links.iter().map(StoredLink::of).collect(),
            section_of: memory.section_of.as_ref().map(MemoryId::to_string),
            follows: memory.follows.as_ref().map(MemoryId::to_string),
            vector: memory.vector.clone(),
        }
    }

    /// Reads the value of a row of `memories`.
    pub(crate) fn read(value: &'a [u8]) -> std::result::Result<Self, BadRecord> {
        postcard::from_bytes(value).map_err(|_| BadRecord::Fields)
    }

    /// The bytes that [`Record::read`] reads.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.append_to(Vec::new())
    }

    /// Puts the bytes that [`Record::read`] reads behind some others.
    pub(crate) fn append_to(&self, bytes: Vec<u8>) -> Vec<u8> {
        postcard::to_extend(self, bytes).expect("a record is plain data, and a vector grows")
    }

    /// The moment from which forgetting counts: when it was made or last recalled.
    pub(crate) fn refreshed(&self) -> i64 {
        self.last_recalled.map_or(self.made, |recalled| recalled.max(self.made))
    }

    /// Whether this and another say the same, but for what they link to.
    pub(crate) fn is_same_but_for_links(&self, other: &Record<'_>) -> bool {
        // All fields are named, so that a new one is not forgotten here.
        let Self {
            text,
            title,
            aliases,
            tags,
            source,
            namespace,
            language,
            made,
            last_recalled,
            recalls,
            strength,
            stability,
            links: _,
            section_of: _,
            follows: _,
            vector,
        } = self;
        (text, title, aliases, tags, source, namespace)
            == (&other.text, &other.title, &other.aliases, &other.tags, &other.source, &other.namespace)
            && (language, made, last_recalled, recalls)
                == (&other.language, &other.made, &other.last_recalled, &other.recalls)
            && (strength, stability, vector) == (&other.strength, &other.stability, &other.vector)
    }

    /// The record without its borrow.
    pub(crate) fn into_owned(self) -> Record<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Record {
            text: own(self.text),
            title: self.title.map(own),
            source: self.source.map(own),
            namespace: own(self.namespace),
            aliases: self.aliases,
            tags: self.tags,
            language: self.language,
            made: self.made,
            last_recalled: self.last_recalled,
            recalls: self.recalls,
            strength: self.strength,
            stability: self.stability,
            links: self.links.into_iter().map(StoredLink::into_owned).collect(),
            section_of: self.section_of,
            follows: self.follows,
            vector: self.vector,
        }
    }

    /// What recalling the memory has left behind.
    pub(crate) fn history(&self) -> History {
        History {
            last_recalled: self.last_recalled.map(Time::from_milliseconds),
            recalls: self.recalls,
            stability_seconds: self.stability,
        }
    }

    /// Replaces what recalling the memory has left behind.
    pub(crate) fn set_history(&mut self, history: &History) {
        self.last_recalled = history.last_recalled.map(Time::milliseconds);
        self.recalls = history.recalls;
        self.stability = history.stability_seconds;
    }

    /// Whether its numbers are some that a memory may have: all finite.
    fn has_numbers(&self) -> bool {
        let mut vector = self.vector.iter().flatten();
        self.strength.is_finite() && self.stability.is_finite() && vector.all(|x| x.is_finite())
    }

    /// The memory that was put in, under its id; `None` where a field cannot be.
    pub(crate) fn to_memory(&self, id: MemoryId) -> Option<NewMemory> {
        if !self.has_numbers() {
            return None;
        }
        Some(NewMemory {
            id,
            text: self.text.to_string(),
            title: self.title.as_ref().map(ToString::to_string),
            aliases: self.aliases.clone(),
            tags: self.tags.clone(),
            source: self.source.as_ref().map(ToString::to_string),
            namespace: Namespace::existing(self.namespace.as_ref()).ok()?,
            made: Some(Time::from_milliseconds(self.made)),
            links: self.links.iter().map(StoredLink::to_link).collect::<Option<_>>()?,
            section_of: self.section_of.as_deref().map(MemoryId::existing).transpose().ok()?,
            follows: self.follows.as_deref().map(MemoryId::existing).transpose().ok()?,
            language: self.language,
            strength: self.strength,
            vector: self.vector.clone(),
        })
    }
}

impl<'a> StoredLink<'a> {
    /// A link as it is stored.
    pub(crate) fn of(link: &'a crate::memory::Link) -> Self {
        let (by_name, to) = match &link.to {
            LinkTarget::Id(id) => (false, id.as_str()),
            LinkTarget::Name(name) => (true, name.as_str()),
        };
        Self { by_name, to: Cow::Borrowed(to), weight: link.weight.get() }
    }

    fn into_owned(self) -> StoredLink<'static> {
        StoredLink { to: Cow::Owned(self.to.into_owned()), ..self }
    }

    fn to_link(&self) -> Option<crate::memory::Link> {
        let to = if self.by_name {
            LinkTarget::Name(self.to.to_string())
        } else {
            LinkTarget::Id(MemoryId::existing(self.to.as_ref()).ok()?)
        };
        Some(crate::memory::Link { to, weight: Weight::new(self.weight).ok()? })
    }
}

/// A language lies in the store as its code, which stays the same when languages are added; none as no code.
mod language_code {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::text::Language;

    pub(super) fn serialize<S: Serializer>(
        language: &Option<Language>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(language.map_or("", Language::code))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Language>, D::Error> {
        let code = <&str>::deserialize(deserializer)?;
        if code.is_empty() {
            return Ok(None);
        }
        code.parse().map(Some).map_err(serde::de::Error::custom)
    }
}
