//! Servers that speak the embeddings part of OpenAI's interface: `POST /v1/embeddings`.

mod answer;

use std::fmt;
use std::net::IpAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use engram::embedding::Kind;
use engram::{EmbedError, Embedder};
use serde::Serialize;
use ureq::http::Uri;
use ureq::{Agent, Proxy};

use crate::error::OpenError;
use crate::spec::{Key, Settings, Spec};

/// The most bytes of an answer that are read.
const MAX_ANSWER_BYTES: u64 = 64 << 20;
/// The longest that a server may ask us to wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How long a server is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How long one answer may take.
    pub timeout: Duration,
    /// How often is asked, where the server is busy, fails or cannot be reached.
    pub tries: u32,
    /// How long is waited before the second try; twice as long before each that follows.
    pub wait: Duration,
    /// After this time no further try begins.
    pub whole: Duration,
}

impl Default for Patience {
    /// A minute for an answer, five tries, and three minutes for all of them.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(60),
            tries: 5,
            wait: Duration::from_millis(500),
            whole: Duration::from_secs(180),
        }
    }
}

impl Patience {
    /// For a cue, whose asker waits: a quarter of the time, and two tries.
    fn of_a_cue(self) -> Self {
        Self {
            timeout: self.timeout / 4,
            tries: self.tries.min(2),
            wait: self.wait / 4,
            whole: self.whole / 4,
        }
    }
}

/// A server that embeds.
pub struct OpenAi {
    spec: Spec,
    name: String,
    model: Option<String>,
    endpoint: Uri,
    agent: Agent,
    key: Option<Key>,
    document_prefix: String,
    query_prefix: String,
    dimensions: u32,
    patience: Patience,
}

impl fmt::Debug for OpenAi {
    /// Which server; not its key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAi").field("spec", &self.spec.to_string()).finish_non_exhaustive()
    }
}

/// What a server is asked.
#[derive(Serialize)]
struct Request<'t> {
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'t str>,
    input: &'t [&'t str],
}

/// What became of one try.
enum Tried {
    /// Another may do better, after so long at least.
    Again {
        what: String,
        after: Duration,
    },
    Over(EmbedError),
}

impl OpenAi {
    /// A server. It is asked for one vector where the settings do not say how many dimensions there are.
    ///
    /// # Errors
    /// If the address cannot be used, or the server does not answer.
    pub fn open(spec: &Spec, settings: &Settings, patience: Patience) -> Result<Self, OpenError> {
        let Spec::OpenAi { url, model } = spec else {
            return Err(OpenError::Url { url: spec.to_string(), what: "it is an embedder of another kind" });
        };
        let endpoint = endpoint(url)?;
        let mut server = Self {
            spec: spec.clone(),
            name: spec.name(),
            model: model.clone(),
            agent: agent(url),
            endpoint,
            key: settings.key.clone(),
            document_prefix: settings.document_prefix.clone(),
            query_prefix: settings.query_prefix.clone(),
            dimensions: settings.dimensions.unwrap_or_default(),
            patience,
        };
        if settings.dimensions.is_none() {
            let vectors = server.ask(&["Engram"], patience.of_a_cue())?;
            server.dimensions = vectors.first().map_or(0, |vector| vector.len() as u32);
        }
        Ok(server)
    }

    /// Asks until there is an answer, or no patience left.
    fn ask(&self, texts: &[&str], patience: Patience) -> Result<Vec<Vec<f32>>, EmbedError> {
        let body = serde_json::to_vec(&Request { model: self.model.as_deref(), input: texts });
        let body = body.map_err(|error| self.useless(error.to_string()))?;
        let begun = Instant::now();
        let mut wait = patience.wait;
        for left in (0..patience.tries.max(1)).rev() {
            match self.try_once(&body, texts.len(), patience.timeout) {
                Ok(vectors) => return Ok(vectors),
                Err(Tried::Over(error)) => return Err(error),
                Err(Tried::Again { what, after }) => {
                    let pause = wait.max(after.min(LONGEST_WAIT));
                    if left == 0 || begun.elapsed() + pause > patience.whole {
                        return Err(EmbedError::Unavailable { name: self.name.clone(), what });
                    }
                    sleep(pause);
                    wait *= 2;
                }
            }
        }
        Err(EmbedError::Unavailable { name: self.name.clone(), what: "no try was left".to_owned() })
    }

    fn try_once(&self, body: &[u8], texts: usize, timeout: Duration) -> Result<Vec<Vec<f32>>, Tried> {
        let again =
            |error: ureq::Error| Tried::Again { what: sentence(&error, timeout), after: Duration::ZERO };
        let mut request = self.agent.post(self.endpoint.clone()).header("content-type", "application/json");
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {}", key.reveal()));
        }
        let request = request.config().timeout_global(Some(timeout)).build();
        let mut response = match request.send(body) {
            Ok(response) => response,
            Err(ureq::Error::Http(_)) => {
                let what = "its address or key holds what no header may".to_owned();
                return Err(Tried::Over(EmbedError::Denied { name: self.name.clone(), what }));
            }
            Err(error @ (ureq::Error::BadUri(_) | ureq::Error::Tls(_))) => {
                let what = sentence(&error, timeout);
                return Err(Tried::Over(EmbedError::Denied { name: self.name.clone(), what }));
            }
            Err(error) => return Err(again(error)),
        };
        let status = response.status().as_u16();
        let after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let after = Duration::from_secs(after.unwrap_or_default());
        let read = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec();
        if status != 200 {
            let said = self.redacted(&String::from_utf8_lossy(&read.unwrap_or_default()));
            return Err(self.refusal(status, &said, after));
        }
        let answer = read.map_err(again)?;
        answer::vectors(&answer, texts).map_err(|what| Tried::Over(self.useless(what)))
    }

    /// What an answer other than 200 means.
    fn refusal(&self, status: u16, said: &str, after: Duration) -> Tried {
        let name = self.name.clone();
        let what = match answer::message(said) {
            Some(message) => format!("HTTP {status}: {message}"),
            None => format!("HTTP {status}"),
        };
        let over = Tried::Over;
        match status {
            // What it says may quote the key.
            401 | 403 => over(EmbedError::Denied {
                name,
                what: format!("HTTP {status}; set ENGRAM_EMBEDDER_KEY to a key that it takes"),
            }),
            400 | 413 | 422 => over(EmbedError::Text { name, what }),
            // llama.cpp answers so to a text that is too long for it.
            500 if answer::is_about_length(said) => over(EmbedError::Text { name, what }),
            408 | 425 | 429 | 500..=599 => Tried::Again { what, after },
            300..=399 => {
                over(EmbedError::Denied { name, what: format!("{what}; it points to another address") })
            }
            _ => over(EmbedError::Denied { name, what }),
        }
    }

    /// What a server said, without our key, should it quote that.
    fn redacted(&self, said: &str) -> String {
        match &self.key {
            Some(key) if !key.reveal().is_empty() => said.replace(key.reveal(), "…"),
            _ => said.to_owned(),
        }
    }

    fn useless(&self, what: String) -> EmbedError {
        EmbedError::Answer { name: self.name.clone(), what }
    }
}

impl Embedder for OpenAi {
    fn name(&self) -> &str {
        &self.name
    }

    fn dimensions(&self) -> u32 {
        self.dimensions
    }

    fn prefix(&self, kind: Kind) -> &str {
        match kind {
            Kind::Document => &self.document_prefix,
            Kind::Query => &self.query_prefix,
        }
    }

    fn spec(&self) -> Option<String> {
        Some(self.spec.to_string())
    }

    fn embed(&self, texts: &[&str], kind: Kind) -> Result<Vec<Vec<f32>>, EmbedError> {
        let patience = match kind {
            Kind::Document => self.patience,
            Kind::Query => self.patience.of_a_cue(),
        };
        self.ask(texts, patience)
    }
}

/// Whether an address is one of this machine's own.
pub(crate) fn is_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let Some(host) = uri.host() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Where embeddings are to be had at an address that may or may not say so.
fn endpoint(url: &str) -> Result<Uri, OpenError> {
    let wrong = |what| OpenError::Url { url: url.to_owned(), what };
    let uri: Uri = url.parse().map_err(|_| wrong("it cannot be read"))?;
    if uri.host().is_none_or(str::is_empty) {
        return Err(wrong("it names no host"));
    }
    if uri.scheme_str() == Some("https") && !cfg!(feature = "tls") {
        return Err(wrong("this build speaks plain http:// only, unless it is built with `--features tls`"));
    }
    let path = match uri.path() {
        "" | "/" => "/v1/embeddings",
        path if path.ends_with("/embeddings") => "",
        _ => "/embeddings",
    };
    format!("{url}{path}").parse().map_err(|_| wrong("it cannot be read"))
}

fn agent(url: &str) -> Agent {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        // A key goes to the server that was named, and no further.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("engram/", env!("CARGO_PKG_VERSION")));
    if is_loopback(url) {
        config = config.proxy(None::<Proxy>);
    }
    config.build().new_agent()
}

/// What went wrong on the way, in a few words.
fn sentence(error: &ureq::Error, timeout: Duration) -> String {
    match error {
        ureq::Error::Timeout(_) => format!("no answer within {} s", timeout.as_secs_f64()),
        ureq::Error::HostNotFound => "its host is not known".to_owned(),
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            "connection refused".to_owned()
        }
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "its answer was cut off".to_owned()
        }
        ureq::Error::BodyExceedsLimit(most) => format!("its answer has more than {most} bytes"),
        other => other.to_string(),
    }
}
