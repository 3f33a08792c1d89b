//! Embedding models: what a store asks of one, and what it does with the answers.
//!
//! ```text
//! memories are committed ──► those without a vector, in batches ──► the model ──► vectors are committed
//! cue ──► the model ──► recall (by words and names where the model does not answer)
//! ```
//!
//! A store that was opened with an [`Embedder`] is one whose vectors are given
//! ([`VectorModel::Given`](crate::VectorModel::Given)), and remembers which model they are from. No transaction is open
//! while a model is asked.

mod filling;
mod reembedding;
mod settings;

use std::fmt;
use std::sync::{Arc, PoisonError};

pub(crate) use filling::Filling;
pub use reembedding::Reembedding;
pub use settings::Embedding;

use crate::engram::{Engram, OpenOptions};
use crate::error::Result;
use crate::recall::{Cue, Mode};
use crate::vault::Vault;

/// The most texts that a model is given at once.
pub const MAX_BATCH_TEXTS: usize = 32;
/// The most characters that a model is given at once, unless a single text has more.
pub const MAX_BATCH_CHARS: usize = 32_000;
/// The most characters of a memory that are embedded; few models read more.
pub const MAX_EMBEDDED_CHARS: usize = 8_000;

/// What a text is to a model; some models tell the two apart by a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A memory, which is to be found.
    Document,
    /// A cue, which asks.
    Query,
}

/// An embedding model.
///
/// ```
/// use std::sync::Arc;
/// use engram::embedding::{EmbedError, Embedder, Kind};
/// use engram::{Cue, Engram, NewMemory};
///
/// struct Lengths;
///
/// impl Embedder for Lengths {
///     fn name(&self) -> &str {
///         "lengths"
///     }
///     fn dimensions(&self) -> u32 {
///         2
///     }
///     fn embed(&self, texts: &[&str], _: Kind) -> Result<Vec<Vec<f32>>, EmbedError> {
///         Ok(texts.iter().map(|text| vec![text.len() as f32, 1.0]).collect())
///     }
/// }
///
/// let folder = tempfile::tempdir()?;
/// let memory = Engram::create(folder.path())?.with_embedder(Arc::new(Lengths))?;
/// memory.remember(&NewMemory::new("lanes".parse()?, "Sums run over 32 lanes."))?;
/// assert!(memory.recall(&Cue::new("how wide?"))?.hits[0].why.similarity.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Embedder: Send + Sync {
    /// The model's name. Vectors of models with different names are never compared.
    fn name(&self) -> &str;

    /// The dimension of its vectors, 1 to 65,536.
    fn dimensions(&self) -> u32;

    /// What the model wants in front of a text, such as `query: `; nothing unless it says so. The store puts it there.
    fn prefix(&self, kind: Kind) -> &str {
        let _ = kind;
        ""
    }

    /// How a program can make the same embedder again. It lies in the store, so it must hold no secret.
    fn spec(&self) -> Option<String> {
        None
    }

    /// The vectors of some texts, one for each, in their order. They need not be of unit length.
    ///
    /// At most [`MAX_BATCH_TEXTS`] texts are given at once.
    ///
    /// # Errors
    /// If the model does not answer, or not with what it was asked for. Whether it is worth to try again is up to the
    /// embedder: after an error, a call that embeds many texts asks it for no more.
    fn embed(&self, texts: &[&str], kind: Kind) -> std::result::Result<Vec<Vec<f32>>, EmbedError>;
}

impl fmt::Debug for dyn Embedder + '_ {
    /// The name; what else there is may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedder").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// Why a model gave no vectors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmbedError {
    /// It could not be reached, was too slow, or failed.
    #[error("the embedder {name} does not answer ({what})")]
    Unavailable {
        /// The model.
        name: String,
        /// What happened.
        what: String,
    },
    /// It does not serve us: the key is wrong, or it has no such model.
    #[error("the embedder {name} refuses to answer ({what})")]
    Denied {
        /// The model.
        name: String,
        /// What it said.
        what: String,
    },
    /// It takes none or not all of these texts, of which one may be too long for it. Others it may take.
    #[error("the embedder {name} does not take a text ({what})")]
    Text {
        /// The model.
        name: String,
        /// What it said.
        what: String,
    },
    /// It answered something else than vectors that fit.
    #[error("the embedder {name} gave an answer of no use ({what})")]
    Answer {
        /// The model.
        name: String,
        /// What is wrong with it.
        what: String,
    },
}

/// Memories that were put in and have no vector, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} no vector yet: {error}; `engram reembed` fills that in, and until then words and names find {}",
    if *memories == 1 { "1 memory has".to_owned() } else { format!("{memories} memories have") },
    if *memories == 1 { "it" } else { "them" }
)]
#[non_exhaustive]
pub struct MissingVectors {
    /// How many.
    pub memories: u64,
    /// Why the first of them has none.
    pub error: EmbedError,
}

/// The text of a memory that is embedded: its title and its text, as far as [`MAX_EMBEDDED_CHARS`]. `None` where there is
/// nothing to embed.
pub(crate) fn embedded_text(title: Option<&str>, text: &str) -> Option<String> {
    let (title, text) = (title.unwrap_or_default().trim(), text.trim());
    let between = if title.is_empty() || text.is_empty() { "" } else { "\n" };
    let all: String =
        [title, between, text].into_iter().flat_map(str::chars).take(MAX_EMBEDDED_CHARS).collect();
    (!all.is_empty()).then_some(all)
}

/// Asks a model, and checks that it gave what a store can hold.
pub(crate) fn ask(
    embedder: &dyn Embedder,
    texts: &[&str],
    kind: Kind,
) -> std::result::Result<Vec<Vec<f32>>, EmbedError> {
    let prefix = embedder.prefix(kind);
    let prefixed: Vec<String>;
    let prefixed: Vec<&str> = if prefix.is_empty() {
        texts.to_vec()
    } else {
        prefixed = texts.iter().map(|text| format!("{prefix}{text}")).collect();
        prefixed.iter().map(String::as_str).collect()
    };
    let vectors = embedder.embed(&prefixed, kind)?;
    let name = || embedder.name().to_owned();
    let (asked, found) = (texts.len(), vectors.len());
    if found != asked {
        return Err(EmbedError::Answer { name: name(), what: format!("{found} vectors for {asked} texts") });
    }
    let expected = embedder.dimensions() as usize;
    if let Some(vector) = vectors.iter().find(|vector| vector.len() != expected) {
        let found = vector.len();
        let what = format!(
            "a vector of {found} dimensions, and the model had {expected}; if it is another now, `engram reembed \
             --embedder` moves the store to it"
        );
        return Err(EmbedError::Answer { name: name(), what });
    }
    if vectors.iter().flatten().any(|element| !element.is_finite()) {
        return Err(EmbedError::Text { name: name(), what: "its vector is not finite".to_owned() });
    }
    Ok(vectors)
}

impl OpenOptions {
    /// Opens the store with an embedding model; see [`Engram::with_embedder`].
    #[must_use]
    pub fn embedder(mut self, embedder: Arc<dyn Embedder>) -> Self {
        self.embedder = Some(embedder);
        self
    }
}

impl Engram {
    /// Embeds memories that are put in, and cues, with a model.
    ///
    /// A store that nothing was written to becomes one of that model. Memories are committed before the model is asked,
    /// and get their vectors in further transactions: what a failing model leaves undone, [`Engram::reembed`] does, and
    /// [`Engram::take_missing_vectors`] tells. A memory that brings a vector along keeps it.
    ///
    /// # Errors
    /// If the store has vectors of another model, or makes its own ([`Error::OtherEmbedder`](crate::Error::OtherEmbedder));
    /// [`Engram::reembed`] moves it.
    pub fn with_embedder(mut self, embedder: Arc<dyn Embedder>) -> Result<Self> {
        self.settle_embedder(&*embedder)?;
        self.embedder = Some(embedder);
        Ok(self)
    }

    /// The memories that were put in through this handle since it was last asked and got no vector, and why.
    #[must_use]
    pub fn take_missing_vectors(&self) -> Option<MissingVectors> {
        self.missing_vectors.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn note_missing_vectors(&self, missing: Option<MissingVectors>) {
        let Some(MissingVectors { memories, error }) = missing else { return };
        let mut noted = self.missing_vectors.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *noted {
            Some(noted) => noted.memories += memories,
            None => *noted = Some(MissingVectors { memories, error }),
        }
    }

    /// The vector of a cue that needs one, by the model that the store was opened with; or why there is none.
    pub(crate) fn embed_cue(&self, cue: &Cue) -> Option<std::result::Result<Vec<f32>, EmbedError>> {
        let embedder = self.embedder.as_deref()?;
        if cue.vector.is_some() || cue.mode == Mode::Words {
            return None;
        }
        let text = embedded_text(None, &cue.text)?;
        Some(ask(embedder, &[&text], Kind::Query).and_then(|vectors| {
            vectors.into_iter().next().ok_or_else(|| {
                let what = "no vector".to_owned();
                EmbedError::Answer { name: embedder.name().to_owned(), what }
            })
        }))
    }
}

impl Vault {
    /// Embeds notes and cues with a model; see [`Engram::with_embedder`].
    ///
    /// # Errors
    /// As [`Engram::with_embedder`].
    pub fn with_embedder(self, embedder: Arc<dyn Embedder>) -> Result<Self> {
        self.map_engram(|engram| engram.with_embedder(embedder))
    }
}

#[cfg(test)]
mod tests;
