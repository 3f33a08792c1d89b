//! Which embedding model a command uses: the one that it is told, or the one that the store remembers.

use std::sync::Arc;

use clap::Args;
use engram::{Embedder, Embedding, Engram, Vault};
use engram_embedders::{Key, OpenError, Settings, Spec};

use crate::exit::{Exit, Failure};
use crate::output;

/// The environment variable that stands for `--embedder`.
pub const EMBEDDER_VARIABLE: &str = "ENGRAM_EMBEDDER";
/// The environment variable that holds the key of an embedding server.
pub const KEY_VARIABLE: &str = "ENGRAM_EMBEDDER_KEY";

/// Which embedding model is used, and how.
#[derive(Debug, Args)]
pub struct EmbedderArguments {
    /// The embedding model: openai:URL#MODEL (Ollama, llama.cpp and other servers with /v1/embeddings) or model2vec:DIR;
    /// $ENGRAM_EMBEDDER_KEY holds a server's key [default: $ENGRAM_EMBEDDER, or the store's own, if it is on this machine]
    #[arg(long, value_name = "SPEC", help_heading = "Embedding model")]
    pub embedder: Option<Spec>,
    /// What the model wants in front of a memory, as 'passage: ' [default: as the store has it]
    #[arg(long, value_name = "TEXT", help_heading = "Embedding model")]
    pub document_prefix: Option<String>,
    /// What the model wants in front of a cue, as 'query: ' [default: as the store has it]
    #[arg(long, value_name = "TEXT", help_heading = "Embedding model")]
    pub query_prefix: Option<String>,
}

/// Where the choice of an embedder comes from.
enum Choice {
    /// The command line or the environment.
    Named(Spec),
    /// The store, which may have come from somebody else: it gets no key.
    Remembered(Spec),
}

impl EmbedderArguments {
    /// A store with the embedder that it is to have, if any.
    pub fn attach(&self, engram: Engram) -> Result<Engram, Failure> {
        match self.of(&engram)? {
            Some(embedder) => Ok(engram.with_embedder(embedder)?),
            None => Ok(engram),
        }
    }

    /// [`EmbedderArguments::attach`], for a vault.
    pub fn attach_to_vault(&self, vault: Vault) -> Result<Vault, Failure> {
        match self.of(vault.engram())? {
            Some(embedder) => Ok(vault.with_embedder(embedder)?),
            None => Ok(vault),
        }
    }

    /// The embedder that a store is to have, if any. One that is only remembered and cannot be opened is done without.
    fn of(&self, engram: &Engram) -> Result<Option<Arc<dyn Embedder>>, Failure> {
        let known = engram.embedding()?;
        match self.choice(known.as_ref())? {
            None => Ok(None),
            Some(Choice::Named(spec)) => {
                // The environment speaks of all stores, also of those that make their own vectors.
                let is_own = known.is_none() && self.embedder.is_none() && !engram.stats()?.model.is_empty();
                if is_own { Ok(None) } else { Ok(Some(self.open_known(&spec, known.as_ref(), key())?)) }
            }
            Some(Choice::Remembered(spec)) => match self.open_known(&spec, known.as_ref(), None) {
                Ok(embedder) => Ok(Some(embedder)),
                Err(Failure { sentence, .. }) => {
                    output::note(&format!("the store's embedder {spec} cannot be used: {sentence}"));
                    Ok(None)
                }
            },
        }
    }

    /// The embedder that a store is to be moved to, or whose vectors are to be completed.
    pub fn wanted(&self, engram: &Engram) -> Result<Arc<dyn Embedder>, Failure> {
        let known = engram.embedding()?;
        match self.choice(known.as_ref())? {
            // It may have other dimensions than the model that had its name.
            Some(Choice::Named(spec)) => self.open(&spec, known.as_ref(), None, key()),
            Some(Choice::Remembered(spec)) => self.open_known(&spec, known.as_ref(), None),
            None => {
                let sentence =
                    "no embedding model is named; give --embedder openai:URL#MODEL or model2vec:DIR";
                Err(Failure::new(Exit::Usage, sentence))
            }
        }
    }

    fn choice(&self, known: Option<&Embedding>) -> Result<Option<Choice>, Failure> {
        if let Some(spec) = &self.embedder {
            return Ok(Some(Choice::Named(spec.clone())));
        }
        if let Some(text) = variable(EMBEDDER_VARIABLE) {
            let spec = text.parse().map_err(|error| {
                Failure::new(Exit::Usage, format_args!("{EMBEDDER_VARIABLE} names no embedder; {error}"))
            })?;
            return Ok(Some(Choice::Named(spec)));
        }
        let Some(spec) = known.and_then(|known| known.spec.as_deref()?.parse::<Spec>().ok()) else {
            return Ok(None);
        };
        if spec.is_local() {
            return Ok(Some(Choice::Remembered(spec)));
        }
        // A store may come from anywhere, and where it points to, texts and cues would go.
        output::note(&format!(
            "the store's embedder {spec} is on another machine, so it is asked only where it is named; give --embedder \
             '{spec}', or set {EMBEDDER_VARIABLE} to it"
        ));
        Ok(None)
    }

    /// Opens the embedder of a store, whose dimension is that of the vectors that the store has.
    fn open_known(
        &self,
        spec: &Spec,
        known: Option<&Embedding>,
        key: Option<Key>,
    ) -> Result<Arc<dyn Embedder>, Failure> {
        let dimensions = known.filter(|known| known.name == spec.name()).map(|known| known.dimensions);
        self.open(spec, known, dimensions, key)
    }

    fn open(
        &self,
        spec: &Spec,
        known: Option<&Embedding>,
        dimensions: Option<u32>,
        key: Option<Key>,
    ) -> Result<Arc<dyn Embedder>, Failure> {
        let prefix = |given: &Option<String>, known: Option<&String>| {
            given.clone().or_else(|| known.cloned()).unwrap_or_default()
        };
        // What is known of another model says nothing of this one.
        let known = known.filter(|known| known.name == spec.name());
        let settings = Settings {
            key,
            document_prefix: prefix(&self.document_prefix, known.map(|known| &known.document_prefix)),
            query_prefix: prefix(&self.query_prefix, known.map(|known| &known.query_prefix)),
            dimensions,
        };
        spec.open(&settings).map_err(|error| {
            let exit = if matches!(error, OpenError::Silent(_)) { Exit::Embedder } else { Exit::Usage };
            Failure::new(exit, error)
        })
    }
}

/// Says in one line which memories got no vector, and why.
pub fn say_missing(engram: &Engram) {
    if let Some(missing) = engram.take_missing_vectors() {
        output::note(&missing.to_string());
    }
}

fn key() -> Option<Key> {
    variable(KEY_VARIABLE).map(|key| Key::new(&key))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}
