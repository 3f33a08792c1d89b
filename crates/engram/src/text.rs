//! Text: what a piece of text is made of, and how it is shown.
//!
//! Everything that reads text goes through [`Tokens`]: one pass that cuts a text into words and folds them
//! (compatibility decomposition, no diacritics, lower case), so that "Čapek", "CAPEK" and "capek" are the same
//! word. On tokens stand [`Words`] (stop words and stems, for postings and vectors), [`phrases`] and
//! [`title_names`] (for names), and [`snippet`] (for people). [`printable`] keeps whatever a text holds from
//! steering a terminal or hiding in it.

mod compounds;
mod detection;
mod fold;
mod language;
mod names;
mod phrases;
mod printable;
mod script;
mod snippet;
mod stop_words;
mod tokens;
mod unicode;
mod words;

pub(crate) use compounds::compounds;
pub use fold::fold;
pub use language::{InvalidLanguage, Language};
pub(crate) use names::shorter_titles;
pub use names::{MAX_NAME_TOKENS, name_key, title_names};
pub use phrases::{Phrases, phrases};
pub use printable::{abridged, printable, printable_line, unprintable};
pub(crate) use printable::{is_steering, percent_decoded, percent_form};
pub(crate) use script::{is_half_of_pair, start_of};
pub use snippet::{Snippet, snippet};
pub use tokens::{MAX_TOKEN_BYTES, Tokens};
pub use words::Words;
