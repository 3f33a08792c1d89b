//! The kinds of association and what each weighs.
//!
//! Every association has its counterpart in the other direction, so that the ways *into* a memory can be
//! read off its own row.

use crate::store::nodes::NameNode;

/// The kind of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum Kind {
    /// From a memory to a name that it bears as title or alias.
    Bears = 0,
    /// From a name to a memory that bears it.
    Home = 1,
    /// From a memory to a name in its text.
    Mentions = 2,
    /// From a name to a memory with it in its text.
    MentionedIn = 3,
    /// From a memory to one that it links to.
    Link = 4,
    /// From a memory to one that links to it.
    Backlink = 5,
    /// From a memory to the one before it.
    Follows = 6,
    /// From a memory to the one after it.
    FollowedBy = 7,
    /// From a section to the memory that it is a section of.
    SectionOf = 8,
    /// From a memory to a section of it.
    HasSection = 9,
}

/// From a name to the memory that bears it, compared with one that only mentions it. A name leads home.
const HOME_WEIGHT: f32 = 15.0;
/// Toward a name that is nobody's title, compared with one that is.
const PHRASE_SHARE: f32 = 0.3;
/// Against the direction of a link, compared with along it.
const BACKLINK_SHARE: f32 = 0.5;
/// To a neighbour in a sequence.
const SEQUENCE_WEIGHT: f32 = 0.5;
/// Between a section and its whole.
const SECTION_WEIGHT: f32 = 0.3;

/// Whether a packed edge of this weight, from a name to a memory, says that the memory bears the name.
pub(crate) fn leads_home(weight: f32) -> bool {
    weight >= HOME_WEIGHT
}

impl Kind {
    const ALL: [Self; 10] = [
        Self::Bears,
        Self::Home,
        Self::Mentions,
        Self::MentionedIn,
        Self::Link,
        Self::Backlink,
        Self::Follows,
        Self::FollowedBy,
        Self::SectionOf,
        Self::HasSection,
    ];

    /// The kind of a stored number.
    pub(crate) fn of(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The kind of the same association seen from its other end.
    pub(crate) fn reversed(self) -> Self {
        match self {
            Self::Bears => Self::Home,
            Self::Home => Self::Bears,
            Self::Mentions => Self::MentionedIn,
            Self::MentionedIn => Self::Mentions,
            Self::Link => Self::Backlink,
            Self::Backlink => Self::Link,
            Self::Follows => Self::FollowedBy,
            Self::FollowedBy => Self::Follows,
            Self::SectionOf => Self::HasSection,
            Self::HasSection => Self::SectionOf,
        }
    }

    /// What an edge of this kind weighs. `given` is the weight that the association was made with, and
    /// `name` the name at one of its ends, where it has one.
    ///
    /// Toward a name: 1/√(memories that mention it), and less where it is nobody's title. A common name
    /// gets nothing but its way home.
    pub(crate) fn weight(self, given: f32, name: Option<&NameNode>, is_common: bool) -> f32 {
        match self {
            Self::Mentions | Self::MentionedIn if is_common => 0.0,
            Self::Bears | Self::Mentions => name.map_or(0.0, |name| {
                let rarity = 1.0 / f64::from(name.memories.max(1)).sqrt();
                rarity as f32 * if name.homes > 0 { 1.0 } else { PHRASE_SHARE }
            }),
            Self::Home => HOME_WEIGHT,
            Self::MentionedIn => 1.0,
            Self::Link => given,
            Self::Backlink => given * BACKLINK_SHARE,
            Self::Follows | Self::FollowedBy => SEQUENCE_WEIGHT,
            Self::SectionOf | Self::HasSection => SECTION_WEIGHT,
        }
    }
}
