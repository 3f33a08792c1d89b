//! What a store remembers of the model that its vectors are from.

use std::fmt;

use heed::RoTxn;
use serde::{Deserialize, Serialize};

use super::{Embedder, Kind};
use crate::engram::Engram;
use crate::error::{Error, Result};
use crate::store::state::{self, Model, State};
use crate::store::tables::Store;
use crate::store::write_txn::WriteTxn;
use crate::vector_model::{VectorModel, stored_model};

/// The key of its row in the table `meta`. Its value is JSON, so that fields can be added.
const KEY: &[u8] = b"embedder";

/// How vectors are scaled before they are compared. There is one way, which is written down should there be another.
const NORMALISATION: &str = "unit";

/// The embedding model of a store, and how its texts are put to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Embedding {
    /// The model's name.
    pub name: String,
    /// The dimension of its vectors.
    pub dimensions: u32,
    /// What stands in front of a memory's text.
    #[serde(default)]
    pub document_prefix: String,
    /// What stands in front of a cue.
    #[serde(default)]
    pub query_prefix: String,
    /// How vectors are scaled: to `unit` length.
    #[serde(default = "unit")]
    pub normalisation: String,
    /// How a program can make the embedder again.
    #[serde(default)]
    pub spec: Option<String>,
}

fn unit() -> String {
    NORMALISATION.to_owned()
}

impl fmt::Display for Embedding {
    /// Name and dimension, and the prefixes where there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.dimensions)?;
        for (what, prefix) in [("document", &self.document_prefix), ("query", &self.query_prefix)] {
            if !prefix.is_empty() {
                write!(f, ", {what} prefix {prefix:?}")?;
            }
        }
        Ok(())
    }
}

impl Embedding {
    /// That of an embedder.
    pub(crate) fn of(embedder: &dyn Embedder) -> Result<Self> {
        let embedding = Self {
            name: embedder.name().to_owned(),
            dimensions: embedder.dimensions(),
            document_prefix: embedder.prefix(Kind::Document).to_owned(),
            query_prefix: embedder.prefix(Kind::Query).to_owned(),
            normalisation: unit(),
            spec: embedder.spec(),
        };
        embedding.model()?;
        Ok(embedding)
    }

    /// The vector model of a store with these vectors.
    pub(super) fn model(&self) -> Result<Model> {
        stored_model(&VectorModel::Given { name: self.name.clone(), dimensions: self.dimensions })
    }

    /// Whether vectors of both can be compared.
    fn is_same_model(&self, other: &Self) -> bool {
        let Self { name, dimensions, document_prefix, query_prefix, normalisation, spec: _ } = self;
        *name == other.name
            && *dimensions == other.dimensions
            && *document_prefix == other.document_prefix
            && *query_prefix == other.query_prefix
            && *normalisation == other.normalisation
    }

    /// Reads what a store remembers. `None` where its vectors come from elsewhere.
    pub(crate) fn read(store: &Store, txn: &RoTxn<'_>, state: &State) -> Result<Option<Self>> {
        if !state.model.given {
            return Ok(None);
        }
        let Some(bytes) = store.tables.meta.get(txn, KEY)? else { return Ok(None) };
        let embedding: Self = serde_json::from_slice(bytes)
            .map_err(|_| store.damaged("what it remembers of its embedder cannot be read"))?;
        let fits = (&embedding.name, embedding.dimensions) == (&state.model.name, state.model.dimensions);
        Ok(fits.then_some(embedding))
    }

    /// Refuses a store whose vectors are not from this model; says what the store remembers.
    pub(crate) fn check(&self, store: &Store, txn: &RoTxn<'_>, state: &State) -> Result<Option<Self>> {
        let found = Self::read(store, txn, state)?;
        let fits = match &found {
            Some(found) => found.is_same_model(self),
            // Vectors that were given without an embedder name no prefixes.
            None => state.model == self.model()?,
        };
        if fits {
            return Ok(found);
        }
        let found = found.map_or_else(|| state.model.to_string(), |found| found.to_string());
        Err(Error::OtherEmbedder { found, wanted: self.to_string() })
    }

    /// Writes it, unless the store remembers the same.
    pub(super) fn settle(&self, store: &Store, txn: &mut WriteTxn<'_>, state: &mut State) -> Result<()> {
        let found = Self::read(store, txn, state)?;
        let mut embedding = self.clone();
        if embedding.spec.is_none() {
            embedding.spec = found.as_ref().and_then(|found| found.spec.clone());
        }
        if found.as_ref() != Some(&embedding) {
            let bytes = serde_json::to_vec(&embedding).expect("strings and numbers are JSON");
            store.tables.meta.put(txn, KEY, &bytes)?;
        }
        Ok(())
    }
}

impl Engram {
    /// The embedding model that the store's vectors are from; `None` where it makes its own, or was given vectors only.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn embedding(&self) -> Result<Option<Embedding>> {
        let store = self.store()?;
        let txn = store.read()?;
        let Some(state) = state::read(&store, &txn)? else { return Ok(None) };
        Embedding::read(&store, &txn, &state)
    }

    /// Gives a store that nothing was written to this model; refuses one that has another.
    pub(crate) fn settle_embedder(&self, embedder: &dyn Embedder) -> Result<()> {
        let wanted = Embedding::of(embedder)?;
        let known = self.embedding()?;
        if known.as_ref() == Some(&wanted) {
            return Ok(());
        }
        self.write(|store, txn, state| {
            if state.version == 0 {
                state.model = wanted.model()?;
                state.version = 1;
            }
            wanted.check(store, txn, state)?;
            wanted.settle(store, txn, state)
        })
    }
}
