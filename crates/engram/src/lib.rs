//! An embedded associative memory: put in notes, facts and documents; a cue brings back what is associated
//! with it, not only what resembles it. No server, no language model, no download.
//!
//! [`Engram`] is a store on disk. [`NewMemory`] goes in, a [`Cue`] asks, a [`Recollection`] comes back, and
//! each [`Hit`] in it says [`Why`]. [`Vault`] keeps a store in step with a folder of Markdown notes.
//!
//! ```
//! use engram::{Cue, Engram, Link, LinkTarget, NewMemory, Weight};
//!
//! let folder = tempfile::tempdir()?;
//! let memory = Engram::create(folder.path())?;
//!
//! let mut contract = NewMemory::new("contract".parse()?, "Both kernels give the same bits.");
//! contract.title = Some("The arithmetic contract".into());
//! contract.links.push(Link { to: LinkTarget::Name("Lanes".into()), weight: Weight::ONE });
//! let mut lanes = NewMemory::new("lanes".parse()?, "A sum runs over thirty-two partial sums.");
//! lanes.title = Some("Lanes".into());
//! memory.remember_all([contract, lanes])?;
//!
//! let hits = memory.recall(&Cue::new("why the same bits?"))?.hits;
//! assert_eq!(hits[0].id.as_str(), "contract");
//! // No word of the cue is in the second note: the link leads there.
//! assert_eq!(hits[1].id.as_str(), "lanes");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where the time goes
//!
//! A recall runs in spans of the crate `tracing`, at level `DEBUG`: `recall`, in it `cue`, `words`, `vectors`,
//! `names`, `spreading`, `ranking` and `account`, and in those `similarity`, `spread_activation` and `decay`
//! around the calls of the kernels. `cargo bench -p engram-recall --bench recall` adds them up.
//!
//! # Where to look
//!
//! | to find out | follow |
//! |---|---|
//! | how a recall runs | [`Engram::recall`], then the modules of `recall` in the order of its diagram |
//! | what is derived from memories, all at once or one by one | `index::packed`, `index::recent` |
//! | what weighs how much in the association graph | `index::associations` |
//! | how vectors come about without a model | `random_indexing` |
//! | how vectors of a model come in | [`embedding`] |
//! | how things lie on disk | `store::tables`, `store::block`, `store::record` |
//! | how files become memories | [`import`], [`Engram::import`], [`Vault::synchronise`] |
//! | how recall is measured | [`evaluation`] |

mod backup;
mod beside;
mod compaction;
mod consolidation;
pub mod embedding;
mod engram;
mod error;
pub mod evaluation;
mod exchange;
pub mod import;
mod index;
pub mod memory;
mod packed_graph;
mod progress;
mod random_indexing;
mod rebuild;
mod recall;
mod rescue;
mod rewriting;
mod source;
mod store;
pub mod text;
pub mod time;
mod upkeep;
mod vault;
mod vector_model;
mod verify;
mod writing;

pub use compaction::Compaction;
pub use embedding::{EmbedError, Embedder, Embedding, MissingVectors, Reembedding};
pub use engram::{Engram, OpenOptions};
pub use engram_kernels::{Curve, CurveError, GraphBlock, GraphError};
pub use error::{Error, Result};
pub use exchange::{ExportReport, ImportReport, Importer};
pub use memory::{
    History, InvalidMemory, Link, LinkTarget, MemoryId, Namespace, NewMemory, StoredMemory, Weight,
};
pub use packed_graph::PackedGraph;
pub use progress::{Answer, Progress, Stage};
pub use recall::{
    Cue, DEFAULT_FORGETTING_EXPONENT, Hit, Mode, Recollection, SeedShares, Settings, Step, Why,
};
pub use source::{MAX_PATTERN_BYTES, SourcePattern};
#[cfg(unix)]
pub use store::open::fault::{exit_on_abort, exit_on_fault};
pub use text::Language;
pub use time::Time;
pub use upkeep::Stats;
pub use vault::{STORE_FOLDER, Vault};
pub use vector_model::VectorModel;
pub use verify::Verification;
pub use writing::{Change, Changes};

/// The examples of the READMEs and the manual, which compile as they are printed.
#[cfg(doctest)]
mod examples {
    #[doc = include_str!("../../../README.md")]
    mod readme {}
    #[doc = include_str!("../README.md")]
    mod readme_of_the_crate {}
    #[doc = include_str!("../../../docs/rust.md")]
    mod rust {}
    #[doc = include_str!("../../../docs/own-vectors.md")]
    mod own_vectors {}
    #[doc = include_str!("../../../docs/embedders.md")]
    mod embedders {}
}
