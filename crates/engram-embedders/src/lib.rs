//! Embedding models for Engram, named by a [`Spec`]: servers that speak the embeddings part of OpenAI's interface, and
//! folders of static embeddings in the form of model2vec.
//!
//! Each kind is a feature of this crate. A spec of a kind that was not built in is still read, and refused with a sentence
//! when it is opened.

mod error;
#[cfg(feature = "model2vec")]
mod model2vec;
#[cfg(feature = "openai")]
mod openai;
mod spec;

pub use error::OpenError;
#[cfg(feature = "model2vec")]
pub use model2vec::Model2Vec;
#[cfg(feature = "openai")]
pub use openai::{OpenAi, Patience};
pub use spec::{Key, Settings, Spec, SpecError};

/// The example of the README, which compiles as it is printed.
#[cfg(doctest)]
mod examples {
    #[doc = include_str!("../README.md")]
    mod readme {}
}
