//! Adds up the time that a program spends in each of its `tracing` spans.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::span::{Attributes, Id};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry, prelude::*};

/// When a span was entered.
struct Entered(Instant);

/// The time spent in spans so far, by their names.
#[derive(Clone, Default)]
pub struct Spans(Arc<Mutex<BTreeMap<&'static str, Duration>>>);

impl Spans {
    /// Listens to every span of this program from now on.
    ///
    /// # Panics
    ///
    /// If something else in the program listens already.
    #[must_use]
    pub fn listen() -> Self {
        let spans = Self::default();
        tracing::subscriber::set_global_default(Registry::default().with(spans.clone()))
            .expect("nothing else listens");
        spans
    }

    /// Takes what was added up since the last call.
    #[must_use]
    pub fn take(&self) -> BTreeMap<&'static str, Duration> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.is_span() && metadata.level() <= &Level::DEBUG
    }

    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Entered(Instant::now()));
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            span.extensions_mut().replace(Entered(Instant::now()));
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        let now = Instant::now();
        let Some(span) = context.span(id) else { return };
        let Some(entered) = span.extensions().get::<Entered>().map(|entered| entered.0) else { return };
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *sums.entry(span.name()).or_default() += now - entered;
    }
}
