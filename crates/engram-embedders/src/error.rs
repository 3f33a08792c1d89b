//! Why an embedder cannot be opened.

use std::path::PathBuf;

use engram::EmbedError;

/// Why an embedder cannot be opened, as one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// This build has no such embedder.
    #[error("this build has no {kind} embedders; build it with `--features {feature}`")]
    NotBuilt {
        /// The kind.
        kind: &'static str,
        /// The feature that brings it.
        feature: &'static str,
    },
    /// The address cannot be used.
    #[error(
        "{url} is no address of an embedding server: {what}; write for example http://localhost:11434/v1"
    )]
    Url {
        /// The address.
        url: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The model did not answer when it was asked how many dimensions its vectors have.
    #[error("{0}; check that it runs and is the one that you mean")]
    Silent(#[from] EmbedError),
    /// A model's folder cannot be read.
    #[error("{} is no model2vec folder: {what}; it must hold tokenizer.json and model.safetensors", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
}
