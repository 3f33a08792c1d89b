//! The form of one line: a serde structure for both directions, and its checks.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::{Deserialize, Deserializer, Serialize};

use super::{JsonlErrorKind, json_error};
use crate::memory::{
    History, InvalidMemory, Link, LinkTarget, MAX_TITLE_BYTES, MemoryId, Namespace, NewMemory, StoredMemory,
    Weight,
};
use crate::text::InvalidLanguage;
use crate::time::{InvalidTime, Time};

/// Values that do not make a memory.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRecord {
    /// An id, a namespace, a weight or a number is out of bounds.
    #[error(transparent)]
    Memory(#[from] InvalidMemory),
    /// A time is none.
    #[error(transparent)]
    Time(#[from] InvalidTime),
    /// A language code is malformed.
    #[error(transparent)]
    Language(#[from] InvalidLanguage),
    /// A link has neither or both of `to` and `name`.
    #[error("a link has either \"to\" (an id) or \"name\", and this one has {has}")]
    Link {
        /// What it has instead.
        has: &'static str,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(expecting = "a memory, {\"id\": …, \"text\": …}")]
struct Record<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    title: Option<Cow<'a, str>>,
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(default, deserialize_with = "or_nothing", skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<Cow<'a, str>>,
    #[serde(default, deserialize_with = "or_nothing", skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<TimeValue>,
    #[serde(default, deserialize_with = "or_nothing", skip_serializing_if = "Vec::is_empty")]
    links: Vec<LinkValue<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    section_of: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    follows: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    strength: Option<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vector: Option<Vec<f32>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_recalled: Option<TimeValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stability: Option<f32>,
    #[serde(default, skip_serializing_if = "is_zero")]
    recalls: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a link is an id, or an object with \"to\" or \"name\" and perhaps a number \"weight\""
)]
enum LinkValue<'a> {
    Id(Cow<'a, str>),
    Object {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Cow<'a, str>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<Cow<'a, str>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        weight: Option<f32>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a time is a text such as \"2026-11-22T09:30:00Z\", or whole milliseconds since 1970"
)]
enum TimeValue {
    Text(String),
    Milliseconds(i64),
}

impl TimeValue {
    fn new(time: Time) -> Self {
        let text = time.to_string();
        // Times beyond the calendar have no date to write.
        if text.parse() == Ok(time) { Self::Text(text) } else { Self::Milliseconds(time.milliseconds()) }
    }

    fn read(self) -> Result<Time, InvalidTime> {
        match self {
            Self::Text(text) => text.parse(),
            Self::Milliseconds(milliseconds) => Ok(Time::from_milliseconds(milliseconds)),
        }
    }
}

/// A list, where `null` is an empty one.
fn or_nothing<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads one line.
pub(super) fn read(line: &str) -> Result<StoredMemory, JsonlErrorKind> {
    let record: Record<'_> =
        serde_json::from_str(line).map_err(|error| JsonlErrorKind::NotJson(json_error(&error)))?;
    Ok(record.check()?)
}

/// Writes one line without its end.
pub(super) fn write(output: &mut impl Write, stored: &StoredMemory) -> io::Result<()> {
    let StoredMemory { memory, history, model } = stored;
    let finite = memory.strength.is_finite()
        && history.stability_seconds.is_finite()
        && memory.vector.iter().flatten().all(|x| x.is_finite());
    if !finite {
        let message =
            format!("the memory {} holds a number that is not finite, which JSON cannot say", memory.id);
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let cow = |text| Cow::<str>::Borrowed(text);
    let record = Record {
        id: cow(memory.id.as_str()),
        title: memory.title.as_deref().map(cow),
        text: cow(&memory.text),
        aliases: memory.aliases.iter().map(|alias| cow(alias)).collect(),
        tags: memory.tags.iter().map(|tag| cow(tag)).collect(),
        source: memory.source.as_deref().map(cow),
        namespace: (memory.namespace != Namespace::default()).then(|| cow(memory.namespace.as_str())),
        time: memory.made.map(TimeValue::new),
        links: memory.links.iter().map(LinkValue::new).collect(),
        section_of: memory.section_of.as_ref().map(|id| cow(id.as_str())),
        follows: memory.follows.as_ref().map(|id| cow(id.as_str())),
        language: memory.language.map(|language| cow(language.code())),
        strength: (memory.strength != 1.0).then_some(memory.strength),
        vector: memory.vector.clone(),
        model: model.as_deref().map(cow),
        last_recalled: history.last_recalled.map(TimeValue::new),
        stability: (history.stability_seconds != History::default().stability_seconds)
            .then_some(history.stability_seconds),
        recalls: history.recalls,
    };
    Ok(serde_json::to_writer(output, &record)?)
}

impl<'a> LinkValue<'a> {
    fn new(link: &'a Link) -> Self {
        let weight = (link.weight != Weight::ONE).then_some(link.weight.get());
        match (&link.to, weight) {
            (LinkTarget::Id(id), None) => Self::Id(id.as_str().into()),
            (LinkTarget::Id(id), weight) => Self::Object { to: Some(id.as_str().into()), name: None, weight },
            (LinkTarget::Name(name), weight) => Self::Object { to: None, name: Some(name.into()), weight },
        }
    }

    fn check(self) -> Result<Link, InvalidRecord> {
        let (to, name, weight) = match self {
            Self::Id(id) => (Some(id), None, None),
            Self::Object { to, name, weight } => (to, name, weight),
        };
        let to = match (to, name) {
            (Some(id), None) => LinkTarget::Id(MemoryId::escaped(id)?),
            (None, Some(name)) => LinkTarget::Name(name.into_owned()),
            (None, None) => return Err(InvalidRecord::Link { has: "neither" }),
            (Some(_), Some(_)) => return Err(InvalidRecord::Link { has: "both" }),
        };
        Ok(Link { to, weight: weight.map_or(Ok(Weight::ONE), Weight::new)? })
    }
}

impl Record<'_> {
    fn check(self) -> Result<StoredMemory, InvalidRecord> {
        let id = |id: Option<Cow<'_, str>>| id.map(MemoryId::escaped).transpose();
        let strings = |list: Vec<Cow<'_, str>>| list.into_iter().map(Cow::into_owned).collect();
        let mut memory = NewMemory::new(MemoryId::escaped(self.id)?, self.text);
        memory.title = self.title.map(Cow::into_owned);
        memory.aliases = strings(self.aliases);
        memory.tags = strings(self.tags);
        memory.source = self.source.map(Cow::into_owned);
        memory.namespace = self.namespace.map(Namespace::escaped).transpose()?.unwrap_or_default();
        memory.made = self.time.map(TimeValue::read).transpose()?;
        memory.links = self.links.into_iter().map(LinkValue::check).collect::<Result<_, _>>()?;
        memory.section_of = id(self.section_of)?;
        memory.follows = id(self.follows)?;
        memory.language = self.language.map(|code| code.parse()).transpose()?;
        memory.strength = self.strength.unwrap_or(1.0);
        memory.vector = self.vector;
        let history = History {
            last_recalled: self.last_recalled.map(TimeValue::read).transpose()?,
            recalls: self.recalls,
            stability_seconds: self.stability.unwrap_or(History::default().stability_seconds),
        };
        memory.check()?;
        history.check()?;
        let model = self.model.map(Cow::into_owned);
        if let Some(bytes) = model.as_ref().map(String::len).filter(|bytes| *bytes > MAX_TITLE_BYTES) {
            return Err(InvalidMemory::LongText { field: "model", bytes, most: MAX_TITLE_BYTES }.into());
        }
        Ok(StoredMemory { memory, history, model })
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}
