//! An embedded associative memory.

mod engram;
mod error;
pub mod evaluation;
mod exchange;
pub mod import;
mod index;
pub mod memory;
mod random_indexing;
mod recall;
mod store;
pub mod text;
pub mod time;
mod upkeep;
mod vault;
mod verify;

pub use engram::{Change, Changes, Engram, VectorModel};
pub use engram_kernels::Curve;
pub use error::{Error, Result};
pub use exchange::{ImportReport, Progress};
pub use memory::{
    History, InvalidMemory, Link, LinkTarget, MemoryId, Namespace, NewMemory, StoredMemory, Weight,
};
pub use recall::{
    Cue, DEFAULT_FORGETTING_EXPONENT, Hit, Mode, Part, Parts, Recollection, SeedShares, Step, Why,
};
pub use text::Language;
pub use time::Time;
pub use upkeep::Stats;
pub use vault::{STORE_FOLDER, Vault};
pub use verify::Verification;
