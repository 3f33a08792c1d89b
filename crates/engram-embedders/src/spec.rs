//! How an embedder is named, in one line that holds no secret.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use engram::Embedder;

use crate::error::OpenError;

/// Which embedder: `openai:URL[#MODEL]` or `model2vec:DIR`.
///
/// ```
/// use engram_embedders::Spec;
///
/// let spec: Spec = "openai:http://localhost:11434/v1#nomic-embed-text".parse()?;
/// assert_eq!(spec.name(), "nomic-embed-text");
/// assert!("nomic-embed-text".parse::<Spec>().is_err());
/// # Ok::<(), engram_embedders::SpecError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Spec {
    /// A server with `/v1/embeddings`.
    OpenAi {
        /// Its address, with or without the path.
        url: String,
        /// The model to ask for, where the server has several.
        model: Option<String>,
    },
    /// A folder of static embeddings.
    Model2Vec {
        /// The folder.
        folder: PathBuf,
    },
}

/// A text is no [`Spec`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// It has neither form.
    #[error("write openai:URL#MODEL, as openai:http://localhost:11434/v1#nomic-embed-text, or model2vec:DIR")]
    Form,
    /// The address may hold a secret, and a store remembers it.
    #[error(
        "leave user, password and everything after ? out of the address; a key comes from ENGRAM_EMBEDDER_KEY"
    )]
    Secret,
}

/// A server's key. It is sent, and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// A key, without the white space around it.
    #[must_use]
    pub fn new(key: &str) -> Self {
        Self(key.trim().to_owned())
    }

    /// The key itself.
    #[cfg(feature = "openai")]
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    /// That there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// What an embedder needs to know beside its [`Spec`].
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The server's key.
    pub key: Option<Key>,
    /// What the model wants in front of a memory's text, such as `passage: `.
    pub document_prefix: String,
    /// What it wants in front of a cue, such as `query: `.
    pub query_prefix: String,
    /// The dimension of its vectors, where it is known; a server is asked otherwise.
    pub dimensions: Option<u32>,
}

impl FromStr for Spec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let (kind, rest) =
            text.split_once(':').filter(|(_, rest)| !rest.is_empty()).ok_or(SpecError::Form)?;
        match kind {
            "openai" => {
                let (url, model) = match rest.split_once('#') {
                    Some((url, model)) => (url, Some(model.to_owned()).filter(|model| !model.is_empty())),
                    None => (rest, None),
                };
                let after = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
                let after = after.ok_or(SpecError::Form)?;
                if after.contains(['@', '?']) {
                    return Err(SpecError::Secret);
                }
                Ok(Self::OpenAi { url: url.trim_end_matches('/').to_owned(), model })
            }
            "model2vec" => Ok(Self::Model2Vec { folder: PathBuf::from(rest) }),
            _ => Err(SpecError::Form),
        }
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenAi { url, model: Some(model) } => write!(f, "openai:{url}#{model}"),
            Self::OpenAi { url, model: None } => write!(f, "openai:{url}"),
            Self::Model2Vec { folder } => write!(f, "model2vec:{}", folder.display()),
        }
    }
}

impl Spec {
    /// The name that the embedder has: the model's, the server's address where it names none, or the folder's.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::OpenAi { model: Some(model), .. } => model.clone(),
            Self::OpenAi { url, model: None } => url.clone(),
            Self::Model2Vec { folder } => {
                let folder = folder.canonicalize().unwrap_or_else(|_| folder.clone());
                folder
                    .file_name()
                    .map_or_else(|| "model2vec".to_owned(), |name| name.to_string_lossy().into_owned())
            }
        }
    }

    /// Whether it sends nothing to another machine: a folder, or a server at a loopback address.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            #[cfg(feature = "openai")]
            Self::OpenAi { url, .. } => crate::openai::is_loopback(url),
            #[cfg(not(feature = "openai"))]
            Self::OpenAi { .. } => false,
            // On Windows, such a path leads to another machine.
            Self::Model2Vec { folder } => {
                let path = folder.to_string_lossy();
                !path.starts_with(r"\\") && !path.starts_with("//")
            }
        }
    }

    /// Opens it. A server is asked for one vector where the dimension is not known.
    ///
    /// # Errors
    /// If this build has no such embedder, or there is no model where the spec says.
    pub fn open(&self, settings: &Settings) -> Result<Arc<dyn Embedder>, OpenError> {
        let _ = settings;
        match self {
            #[cfg(feature = "openai")]
            Self::OpenAi { .. } => {
                Ok(Arc::new(crate::OpenAi::open(self, settings, crate::Patience::default())?))
            }
            #[cfg(not(feature = "openai"))]
            Self::OpenAi { .. } => Err(OpenError::NotBuilt { kind: "openai", feature: "openai" }),
            #[cfg(feature = "model2vec")]
            Self::Model2Vec { folder } => Ok(Arc::new(crate::Model2Vec::open(folder, settings)?)),
            #[cfg(not(feature = "model2vec"))]
            Self::Model2Vec { .. } => Err(OpenError::NotBuilt { kind: "model2vec", feature: "model2vec" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_is_read_as_it_is_written() {
        for text in ["openai:http://h:1/v1#a:b", "openai:https://h", "model2vec:/models/potion"] {
            assert_eq!(text.parse::<Spec>().unwrap().to_string(), text);
        }
        for text in ["", "openai:", "openai:h", "openai:ftp://h", "ollama:x", "model2vec:"] {
            assert_eq!(text.parse::<Spec>(), Err(SpecError::Form), "{text}");
        }
        for text in ["openai:http://me:secret@h/v1", "openai:http://h/v1?key=secret"] {
            assert_eq!(text.parse::<Spec>(), Err(SpecError::Secret), "{text}");
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        let settings = Settings { key: Some(Key::new(" sk-hidden\n")), ..Settings::default() };
        assert!(!format!("{settings:?}").contains("hidden"));
    }

    #[cfg(feature = "openai")]
    #[test]
    fn only_loopback_addresses_are_local() {
        let is_local = |url: &str| format!("openai:{url}").parse::<Spec>().unwrap().is_local();
        for url in
            ["http://localhost:1", "http://127.0.0.1/v1", "http://127.3.2.1:80", "http://[::1]:8080/v1"]
        {
            assert!(is_local(url), "{url}");
        }
        for url in
            ["http://localhost.example.org", "http://10.0.0.1", "https://api.openai.com/v1", "http://::1"]
        {
            assert!(!is_local(url), "{url}");
        }
    }
}
