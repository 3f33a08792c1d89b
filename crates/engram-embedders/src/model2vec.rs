//! Static embeddings in the form of model2vec: a text's vector is the mean of its tokens' vectors.

mod tensors;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use engram::embedding::Kind;
use engram::{EmbedError, Embedder};
use tokenizers::Tokenizer;

use crate::error::OpenError;
use crate::spec::{Settings, Spec};
use tensors::Tensors;

/// How many tokens of a text count, as in model2vec itself.
const MAX_TOKENS: usize = 512;

/// A folder of static embeddings: `tokenizer.json` and `model.safetensors`. Nothing is downloaded.
pub struct Model2Vec {
    folder: PathBuf,
    name: String,
    tokenizer: Tokenizer,
    /// The token that stands for what the tokenizer does not know, which says nothing of a text.
    unknown: Option<u32>,
    tensors: Tensors,
    document_prefix: String,
    query_prefix: String,
}

impl fmt::Debug for Model2Vec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model2Vec").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Model2Vec {
    /// Reads a folder. Cost: reading its files, and four bytes of memory for each element.
    ///
    /// # Errors
    /// If a file is missing or is not of this form.
    pub fn open(folder: &Path, settings: &Settings) -> Result<Self, OpenError> {
        let wrong = |what: String| OpenError::Folder { path: folder.to_owned(), what };
        let read = |name: &str| {
            fs::read(folder.join(name)).map_err(|error| wrong(format!("{name} cannot be read: {error}")))
        };
        let json = read("tokenizer.json")?;
        let mut tokenizer = Tokenizer::from_bytes(&json)
            .map_err(|error| wrong(format!("tokenizer.json cannot be used: {error}")))?;
        tokenizer.with_padding(None);
        // It is cut after the unknown tokens are left out.
        tokenizer
            .with_truncation(None)
            .map_err(|error| wrong(format!("tokenizer.json cannot be used: {error}")))?;
        let tensors = Tensors::read(&read("model.safetensors")?)
            .map_err(|what| wrong(format!("model.safetensors cannot be used: {what}")))?;
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        Ok(Self {
            name: Spec::Model2Vec { folder: folder.clone() }.name(),
            folder,
            unknown: unknown_token(&json, &tokenizer),
            tokenizer,
            tensors,
            document_prefix: settings.document_prefix.clone(),
            query_prefix: settings.query_prefix.clone(),
        })
    }

    fn vector(&self, text: &str) -> Result<Vec<f32>, EmbedError> {
        let encoding = self
            .tokenizer
            .encode_fast(text, false)
            .map_err(|error| EmbedError::Text { name: self.name.clone(), what: error.to_string() })?;
        let known = encoding.get_ids().iter().filter(|token| Some(**token) != self.unknown);
        Ok(self.tensors.mean(known.take(MAX_TOKENS).copied()))
    }
}

/// The number of the token that stands for what is not known.
fn unknown_token(json: &[u8], tokenizer: &Tokenizer) -> Option<u32> {
    let json: serde_json::Value = serde_json::from_slice(json).ok()?;
    let model = json.get("model")?;
    if let Some(number) = model.get("unk_id").and_then(serde_json::Value::as_u64) {
        return number.try_into().ok();
    }
    tokenizer.token_to_id(model.get("unk_token")?.as_str()?)
}

impl Embedder for Model2Vec {
    fn name(&self) -> &str {
        &self.name
    }

    fn dimensions(&self) -> u32 {
        self.tensors.dimensions() as u32
    }

    fn prefix(&self, kind: Kind) -> &str {
        match kind {
            Kind::Document => &self.document_prefix,
            Kind::Query => &self.query_prefix,
        }
    }

    /// `None` for a folder whose path is no text, which a spec cannot say.
    fn spec(&self) -> Option<String> {
        self.folder.to_str()?;
        Some(Spec::Model2Vec { folder: self.folder.clone() }.to_string())
    }

    fn embed(&self, texts: &[&str], _: Kind) -> Result<Vec<Vec<f32>>, EmbedError> {
        texts.iter().map(|text| self.vector(text)).collect()
    }
}
