//! What goes into a store: memories, their ids, namespaces and links, parsed once into types that cannot
//! be wrong.

mod id;

pub use id::{MemoryId, Namespace};

use crate::text::Language;
use crate::time::Time;

/// The most bytes an external id may have; a store key holds no more.
pub const MAX_ID_BYTES: usize = 400;
/// The most bytes a namespace may have.
pub const MAX_NAMESPACE_BYTES: usize = 64;
/// The most bytes the text of one memory may have (16 MiB).
pub const MAX_TEXT_BYTES: usize = 16 << 20;
/// The most bytes a title, an alias or a tag may have.
pub const MAX_TITLE_BYTES: usize = 4096;
/// The longest stability, about 3,000 years.
pub(crate) const MAX_STABILITY_SECONDS: f32 = 1e11;

/// Why a value cannot become part of a memory.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidMemory {
    /// An id is empty.
    #[error("the id is empty; give each memory an id of 1 to {MAX_ID_BYTES} bytes")]
    EmptyId,
    /// An id is too long for a store key.
    #[error("the id {start:?}… has {bytes} bytes; an id may have at most {MAX_ID_BYTES}")]
    LongId {
        /// How the id begins.
        start: String,
        /// How long it is.
        bytes: usize,
    },
    /// An id or a namespace holds a control character.
    #[error("{value:?} holds a control character; ids and namespaces are printable text")]
    ControlCharacter {
        /// The offending value.
        value: String,
    },
    /// An id or a namespace holds a character that is not shown, so that nobody could type what they see.
    #[error(
        "the {what} {shown:?} holds U+{:04X}, which is not shown; leave out what nobody sees",
        u32::from(*character)
    )]
    HiddenCharacter {
        /// What it is: an id or a namespace.
        what: &'static str,
        /// The offending value, with what is not shown in percent form.
        shown: String,
        /// The first character that is not shown.
        character: char,
    },
    /// A namespace is empty or too long.
    #[error("the namespace {value:?} has {bytes} bytes; a namespace has 1 to {MAX_NAMESPACE_BYTES}")]
    NamespaceLength {
        /// The offending value, or both ends of a long one.
        value: String,
        /// How long it is.
        bytes: usize,
    },
    /// A weight is not a finite number above zero, or is absurdly large.
    #[error("{weight} is no weight; an association's weight is above 0 and at most 1000")]
    Weight {
        /// The offending weight.
        weight: f32,
    },
    /// A strength, stability or vector element is not a finite number in range.
    #[error("the memory's {field} is {value}; it must be a finite number{bound}")]
    Number {
        /// Which field.
        field: &'static str,
        /// What it is.
        value: f64,
        /// The bound it breaks, as the end of the sentence.
        bound: &'static str,
    },
    /// The text, title or an alias is too long.
    #[error("the memory's {field} has {bytes} bytes; at most {most} fit, so split it")]
    LongText {
        /// Which field.
        field: &'static str,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        most: usize,
    },
}

/// The weight of an explicit association: above 0, at most 1000; 1 is the usual.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Weight(f32);

impl Weight {
    /// The usual weight, 1.
    pub const ONE: Self = Self(1.0);

    /// Checks a weight.
    ///
    /// # Errors
    /// If it is NaN, infinite, not above 0, or above 1000.
    pub fn new(weight: f32) -> Result<Self, InvalidMemory> {
        if weight > 0.0 && weight <= 1000.0 {
            Ok(Self(weight))
        } else {
            Err(InvalidMemory::Weight { weight })
        }
    }

    /// The weight as a number.
    #[must_use]
    pub fn get(self) -> f32 {
        self.0
    }
}

/// Where a link leads: to a memory by its id, or to whatever memory bears a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkTarget {
    /// The memory of this id. It need not exist yet.
    Id(MemoryId),
    /// Each memory that bears this as its title or an alias, now or later (`[[wiki link]]`).
    Name(String),
}

/// An explicit association from one memory to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Where it leads.
    pub to: LinkTarget,
    /// How strongly.
    pub weight: Weight,
}

/// A memory to be put into a store.
///
/// Only `id` and `text` are needed; [`NewMemory::new`] sets the rest to nothing, and each field may then
/// be set by hand.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMemory {
    /// The name by which the outside knows it. Putting in the same id again replaces the memory.
    pub id: MemoryId,
    /// What it says.
    pub text: String,
    /// Its title, which is a name that leads home to it.
    pub title: Option<String>,
    /// Other names that lead home to it.
    pub aliases: Vec<String>,
    /// Tags, which are names that several memories may share.
    pub tags: Vec<String>,
    /// Where it came from, such as a file's path; `--source` filters by it.
    pub source: Option<String>,
    /// The part of the store that it belongs to.
    pub namespace: Namespace,
    /// When it was made; the time of writing where this is `None`.
    pub made: Option<Time>,
    /// Explicit associations to other memories, in the order of the text.
    pub links: Vec<Link>,
    /// The memory that this one is a section of.
    pub section_of: Option<MemoryId>,
    /// The memory that this one follows directly (the previous section, chat turn or journal day).
    pub follows: Option<MemoryId>,
    /// The language of the text; where this is `None` it is detected, and a text that does not tell has that of most
    /// memories in its namespace.
    pub language: Option<Language>,
    /// How strong it is at first; 1 is the usual.
    pub strength: f32,
    /// A vector from a model of your own; only for a store that was made for such vectors.
    pub vector: Option<Vec<f32>>,
}

impl NewMemory {
    /// A memory with an id and a text and nothing else.
    #[must_use]
    pub fn new(id: MemoryId, text: impl Into<String>) -> Self {
        Self {
            id,
            text: text.into(),
            title: None,
            aliases: Vec::new(),
            tags: Vec::new(),
            source: None,
            namespace: Namespace::default(),
            made: None,
            links: Vec::new(),
            section_of: None,
            follows: None,
            language: None,
            strength: 1.0,
            vector: None,
        }
    }
}

/// The stability of a new memory: 30 days. What it means is up to the forgetting curve.
pub const NEW_STABILITY_SECONDS: f32 = 30.0 * 86_400.0;

/// What recalling a memory has left behind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct History {
    /// When it was last recalled with reinforcement.
    pub last_recalled: Option<Time>,
    /// How often it was.
    pub recalls: u32,
    /// How slowly it is forgotten, in seconds: the half-life, time constant or time scale of the curve.
    pub stability_seconds: f32,
}

impl Default for History {
    /// A memory that was never recalled.
    fn default() -> Self {
        Self { last_recalled: None, recalls: 0, stability_seconds: NEW_STABILITY_SECONDS }
    }
}

/// A memory as a store holds it: what was put in, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredMemory {
    /// What was put in. `made` is always set, and `language` where the text tells it.
    pub memory: NewMemory,
    /// What recalling it has left behind.
    pub history: History,
    /// The name of the model that its vector is from, where it has one. A store that nothing was written to
    /// takes the model of the first vector that comes.
    pub model: Option<String>,
}

impl NewMemory {
    /// Checks what the types do not: lengths and numbers.
    pub(crate) fn check(&self) -> Result<(), InvalidMemory> {
        let names = self.title.iter().map(|title| ("title", title));
        let names = names.chain(self.aliases.iter().map(|alias| ("alias", alias)));
        for (field, text) in names.chain(self.tags.iter().map(|tag| ("tag", tag))) {
            if text.len() > MAX_TITLE_BYTES {
                return Err(InvalidMemory::LongText { field, bytes: text.len(), most: MAX_TITLE_BYTES });
            }
        }
        if self.text.len() > MAX_TEXT_BYTES {
            let bytes = self.text.len();
            return Err(InvalidMemory::LongText { field: "text", bytes, most: MAX_TEXT_BYTES });
        }
        if !(self.strength > 0.0 && self.strength <= 1e6) {
            let value = f64::from(self.strength);
            return Err(InvalidMemory::Number {
                field: "strength",
                value,
                bound: " above 0 and at most 1000000",
            });
        }
        let broken = self.vector.iter().flatten().find(|element| !element.is_finite());
        if let Some(element) = broken {
            return Err(InvalidMemory::Number {
                field: "vector element",
                value: f64::from(*element),
                bound: "",
            });
        }
        Ok(())
    }
}

impl History {
    /// Checks the stability, which may come from outside.
    pub(crate) fn check(&self) -> Result<(), InvalidMemory> {
        if self.stability_seconds > 0.0 && self.stability_seconds <= MAX_STABILITY_SECONDS {
            return Ok(());
        }
        let value = f64::from(self.stability_seconds);
        Err(InvalidMemory::Number {
            field: "stability",
            value,
            bound: " of seconds, above 0 and at most 1e11",
        })
    }
}
