//! Where a store's vectors come from, and whether a vector fits.

use crate::engram::Engram;
use crate::error::{Error, Result};
use crate::memory::StoredMemory;
use crate::random_indexing;
use crate::store::state::{self, Model};

/// The most dimensions of a vector.
pub(crate) const MOST_DIMENSIONS: u32 = 65_536;

/// Where the vectors of a store come from; settled when the store is made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum VectorModel {
    /// Learnt from the store's own texts by random indexing: nothing to download.
    #[default]
    RandomIndexing,
    /// Memories and cues bring vectors from a model of your own.
    Given {
        /// The model's name, so that vectors of different models are never mixed unnoticed.
        name: String,
        /// The dimension of its vectors, 1 to 65,536.
        dimensions: u32,
    },
}

impl Engram {
    /// Gives a store that nothing was written to this model; refuses one that has another.
    pub(crate) fn settle_model(&self, wanted: &Model) -> Result<()> {
        self.write(|_, _, state| {
            if state.version == 0 {
                state.model = wanted.clone();
                state.version = 1; // written, even where the model is the usual one
            }
            if state.model == *wanted {
                return Ok(());
            }
            Err(Error::OtherModel { found: state.model.to_string(), wanted: wanted.to_string() })
        })
    }

    /// The store's vector model; `None` while nothing was written.
    pub(crate) fn vector_model(&self) -> Result<Option<Model>> {
        let store = self.store()?;
        let txn = store.read()?;
        Ok(state::read(&store, &txn)?.map(|state| state.model))
    }
}

pub(crate) fn stored_model(model: &VectorModel) -> Result<Model> {
    match model {
        VectorModel::RandomIndexing => Ok(Model {
            given: false,
            name: random_indexing::NAME.into(),
            dimensions: random_indexing::DIMENSIONS as u32,
        }),
        VectorModel::Given { name, dimensions } => {
            if !(1..=MOST_DIMENSIONS).contains(dimensions) {
                let value = dimensions.to_string();
                return Err(Error::Parameter { name: "dimensions", value, bound: "from 1 to 65536" });
            }
            Ok(Model { given: true, name: name.clone(), dimensions: *dimensions })
        }
    }
}

/// The model that a new store gets when its first vector comes with a memory.
pub(crate) fn model_of(stored: &StoredMemory) -> Option<Model> {
    let dimensions = stored.memory.vector.as_ref()?.len() as u32;
    let name = stored.model.clone().unwrap_or_else(|| "given".into());
    (1..=MOST_DIMENSIONS).contains(&dimensions).then_some(Model { given: true, name, dimensions })
}

/// Refuses a vector that does not fit the store's model.
pub(crate) fn check_vector(stored: &StoredMemory, model: &Model) -> Result<()> {
    let dimensions = stored.memory.vector.as_ref().map(Vec::len);
    check_dimensions(stored.memory.id.as_str(), dimensions, stored.model.as_deref(), model)
}

/// Refuses the vector of the memory `id`, of that length and from that model, if it does not fit the store's model.
pub(crate) fn check_dimensions(
    id: &str,
    dimensions: Option<usize>,
    of: Option<&str>,
    model: &Model,
) -> Result<()> {
    let Some(found) = dimensions else { return Ok(()) };
    let what = || format!("the memory {id}");
    if !model.given {
        return Err(Error::OwnVectors { what: what(), model: model.name.clone() });
    }
    let expected = model.dimensions as usize;
    if found != expected {
        return Err(Error::Dimension { what: what(), found, model: model.name.clone(), expected });
    }
    match of {
        Some(wanted) if wanted != model.name => {
            Err(Error::OtherModel { found: model.to_string(), wanted: wanted.to_owned() })
        }
        _ => Ok(()),
    }
}
