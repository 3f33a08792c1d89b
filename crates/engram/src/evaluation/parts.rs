//! What each part of a recall adds: the same questions, asked with one part more each time.

use std::path::Path;

use super::BEFORE_ANYTHING;
use crate::engram::Engram;
use crate::error::{Error, Result};
use crate::memory::StoredMemory;
use crate::recall::{Cue, Mode};

/// How many bytes of texts are copied at a time.
const COPIED_BYTES: usize = 128 << 20;

/// A part of a recall, in the order in which they are added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Part {
    /// BM25 alone, [`Mode::Words`].
    Words,
    /// Words and names seed, and activation goes one hop: from a name to the memories that bear or mention it, and from
    /// a memory to its names. Where the cue names nothing, a memory's own words count beside it. No memory is associated
    /// with another.
    Names,
    /// The vector seeds, too.
    Vectors,
    /// Memories lead to those that they link to, to those that link to them, and sections to their whole and back.
    Links,
    /// Memories lead to the one before and the one after them.
    Sequence,
    /// Activation goes as many hops as usual.
    Spreading,
    /// What is old and was not recalled counts less: the whole.
    Forgetting,
}

/// Which associations between memories a copy keeps. Those with names are in every copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Associations {
    /// None.
    None,
    /// Links, and what is a section of what.
    Links,
    /// All: also what follows what.
    All,
}

impl Part {
    /// All parts, in order.
    pub const ALL: [Self; 7] = [
        Self::Words,
        Self::Names,
        Self::Vectors,
        Self::Links,
        Self::Sequence,
        Self::Spreading,
        Self::Forgetting,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Names => "names",
            Self::Vectors => "vectors",
            Self::Links => "links",
            Self::Sequence => "sequence",
            Self::Spreading => "spreading",
            Self::Forgetting => "forgetting",
        }
    }

    /// How a recall asks that uses this part and those before it, in a store that keeps [`Part::associations`].
    #[must_use]
    pub fn cue(self, whole: &Cue) -> Cue {
        let mut cue = whole.clone();
        cue.mode = if self == Self::Words { Mode::Words } else { Mode::Associative };
        cue.settings.vectors &= self >= Self::Vectors;
        if self < Self::Spreading {
            cue.settings.hops = cue.settings.hops.min(1);
        }
        if self < Self::Forgetting {
            cue.at = Some(BEFORE_ANYTHING);
        }
        cue
    }

    /// The associations between memories that it and those before it use.
    #[must_use]
    pub const fn associations(self) -> Associations {
        match self {
            Self::Words | Self::Names | Self::Vectors => Associations::None,
            Self::Links => Associations::Links,
            Self::Sequence | Self::Spreading | Self::Forgetting => Associations::All,
        }
    }
}

impl Engram {
    /// Copies the memories into a store in another folder, without some of their associations, and consolidates it.
    ///
    /// Cost: that of importing them.
    ///
    /// # Errors
    /// If this store cannot be read or the other not be written.
    pub fn copy_with(&self, folder: impl AsRef<Path>, kept: Associations) -> Result<Engram> {
        let copy = Engram::create(folder)?;
        if let Some(model) = self.vector_model()? {
            copy.settle_model(&model)?;
        }
        let (mut portion, mut bytes) = (Vec::new(), 0);
        self.for_each(|mut stored| {
            strip(&mut stored, kept);
            bytes += stored.memory.text.len();
            portion.push(stored);
            if bytes >= COPIED_BYTES {
                bytes = 0;
                copy.remember_all(portion.drain(..))?;
            }
            Ok::<(), Error>(())
        })?;
        copy.remember_all(portion)?;
        copy.consolidate()?;
        Ok(copy)
    }
}

fn strip(StoredMemory { memory, .. }: &mut StoredMemory, kept: Associations) {
    if kept < Associations::All {
        memory.follows = None;
    }
    if kept < Associations::Links {
        memory.links.clear();
        memory.section_of = None;
    }
}

#[cfg(test)]
mod tests;
