//! Languages: which stemmer and which stop words a text gets.

use std::fmt;
use std::str::FromStr;

use frostem::Algorithm;
use whatlang::Lang;

use super::stop_words;

/// How many letters a text needs before its language is guessed at all.
const MIN_LETTERS: usize = 100;
/// How many bytes of a text the guess looks at.
const SAMPLE_BYTES: usize = 2048;
/// Function words that are common in English and rare in every other language of the list.
const ENGLISH_MARKERS: [&str; 24] = [
    "the", "and", "to", "of", "with", "that", "which", "from", "by", "are", "this", "it", "was", "is", "you",
    "not", "have", "has", "had", "his", "their", "they", "been", "what",
];

macro_rules! languages {
    ($($(#[doc = $doc:literal])* $variant:ident $code:literal $lang:expr;)*) => {
        /// A language with a stemmer, or [`Language::Other`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[non_exhaustive]
        pub enum Language {
            $($(#[doc = $doc])* $variant,)*
            /// Any language without a stemmer: words stay as they are written.
            Other,
            /// English, which a text is unless it says otherwise.
            #[default]
            English,
        }

        impl Language {
            /// Every language, in the order of their names, then `Other` and `English`.
            pub const ALL: [Self; languages!(@count $($variant)*) + 2] =
                [$(Self::$variant,)* Self::Other, Self::English];

            /// The ISO 639-1 code (`de`); `und` for [`Language::Other`].
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                    Self::Other => "und",
                    Self::English => "en",
                }
            }

            pub(super) fn algorithm(self) -> Option<Algorithm> {
                match self {
                    $(Self::$variant => Some(Algorithm::$variant),)*
                    Self::Other => None,
                    Self::English => Some(Algorithm::English),
                }
            }

            fn from_lang(lang: Lang) -> Self {
                $(if $lang == Some(lang) { return Self::$variant; })*
                if lang == Lang::Eng { Self::English } else { Self::Other }
            }
        }
    };
    (@count) => { 0 };
    (@count $first:ident $($rest:ident)*) => { 1 + languages!(@count $($rest)*) };
}

languages! {
    /// Arabic.
    Arabic "ar" Some(Lang::Ara);
    /// Armenian.
    Armenian "hy" Some(Lang::Hye);
    /// Basque.
    Basque "eu" None;
    /// Catalan.
    Catalan "ca" Some(Lang::Cat);
    /// Czech.
    Czech "cs" Some(Lang::Ces);
    /// Danish.
    Danish "da" Some(Lang::Dan);
    /// Dutch.
    Dutch "nl" Some(Lang::Nld);
    /// Esperanto.
    Esperanto "eo" Some(Lang::Epo);
    /// Estonian.
    Estonian "et" Some(Lang::Est);
    /// Finnish.
    Finnish "fi" Some(Lang::Fin);
    /// French.
    French "fr" Some(Lang::Fra);
    /// German.
    German "de" Some(Lang::Deu);
    /// Greek.
    Greek "el" Some(Lang::Ell);
    /// Hindi.
    Hindi "hi" Some(Lang::Hin);
    /// Hungarian.
    Hungarian "hu" Some(Lang::Hun);
    /// Indonesian.
    Indonesian "id" Some(Lang::Ind);
    /// Irish.
    Irish "ga" None;
    /// Italian.
    Italian "it" Some(Lang::Ita);
    /// Lithuanian.
    Lithuanian "lt" Some(Lang::Lit);
    /// Nepali.
    Nepali "ne" Some(Lang::Nep);
    /// Norwegian (Bokmål).
    Norwegian "no" Some(Lang::Nob);
    /// Persian.
    Persian "fa" Some(Lang::Pes);
    /// Polish.
    Polish "pl" Some(Lang::Pol);
    /// Portuguese.
    Portuguese "pt" Some(Lang::Por);
    /// Romanian.
    Romanian "ro" Some(Lang::Ron);
    /// Russian.
    Russian "ru" Some(Lang::Rus);
    /// Serbian.
    Serbian "sr" Some(Lang::Srp);
    /// Sesotho.
    Sesotho "st" None;
    /// Spanish.
    Spanish "es" Some(Lang::Spa);
    /// Swedish.
    Swedish "sv" Some(Lang::Swe);
    /// Tamil.
    Tamil "ta" Some(Lang::Tam);
    /// Turkish.
    Turkish "tr" Some(Lang::Tur);
    /// Ukrainian.
    Ukrainian "uk" Some(Lang::Ukr);
    /// Yiddish.
    Yiddish "yi" Some(Lang::Yid);
}

impl Language {
    /// The language of a text, guessed carefully: English unless the text has a hundred letters or more,
    /// is not full of English function words, and another language is all but certain. English that is
    /// full of foreign names stays English. Cost: a few microseconds for English, about a tenth of a
    /// millisecond otherwise; only the first 2 KiB are looked at.
    #[must_use]
    pub fn detect(text: &str) -> Self {
        let sample = super::script::start_of(text, SAMPLE_BYTES);
        if sample.chars().filter(|c| c.is_alphabetic()).take(MIN_LETTERS).count() < MIN_LETTERS {
            return Self::English;
        }
        let (mut words, mut english) = (0_usize, 0_usize);
        for word in sample.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            words += 1;
            english +=
                usize::from(word.len() <= 5 && ENGLISH_MARKERS.iter().any(|m| word.eq_ignore_ascii_case(m)));
        }
        if english * 10 >= words {
            return Self::English;
        }
        match whatlang::detect(sample) {
            Some(info) if info.is_reliable() && info.confidence() >= 0.9 => Self::from_lang(info.lang()),
            _ => Self::English,
        }
    }

    /// Whether a folded token is one of the language's function words; none is in a language without a
    /// list.
    #[must_use]
    pub fn is_stop(self, folded: &str) -> bool {
        stop_words::contains(self, folded)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A code that names no language here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{code:?} is no language code that is known here; write one such as en, de or fr, or und for any other"
)]
pub struct UnknownLanguage {
    code: String,
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    /// Reads an ISO 639-1 code, in either case, with or without a region (`de`, `DE`, `de-AT`).
    fn from_str(code: &str) -> Result<Self, UnknownLanguage> {
        let primary = code.split(['-', '_']).next().unwrap_or(code);
        let primary = if primary.eq_ignore_ascii_case("nb") { "no" } else { primary };
        Self::ALL
            .into_iter()
            .find(|language| language.code().eq_ignore_ascii_case(primary))
            .ok_or_else(|| UnknownLanguage { code: code.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_and_written() {
        for language in Language::ALL {
            assert_eq!(language.to_string().parse(), Ok(language));
        }
        assert_eq!("de-AT".parse(), Ok(Language::German));
        assert!("tlh".parse::<Language>().is_err());
        assert_eq!(Language::default(), Language::English);
    }

    #[test]
    fn the_language_of_a_text_is_found() {
        let cases = [
            (
                Language::German,
                "Die Erinnerung ist ein Geflecht von Assoziationen, in dem jede Vorstellung mit vielen \
                anderen verbunden ist und von ihnen aus wieder aufgerufen werden kann.",
            ),
            (
                Language::French,
                "La mémoire est un réseau d'associations dans lequel chaque idée est liée à beaucoup \
                d'autres et peut être rappelée à partir de chacune d'elles.",
            ),
            (
                Language::Russian,
                "Память представляет собой сеть ассоциаций, в которой каждая мысль связана со многими \
                другими и может быть вызвана из любой из них.",
            ),
            (
                Language::English,
                "Memory is a web of associations in which each idea is bound to many others and can be \
                called back from any one of them.",
            ),
            (Language::English, "Kurzer Satz."),
            (
                Language::English,
                "Wolfgang Amadeus Mozart, Ludwig van Beethoven, Johann Sebastian Bach and Franz Schubert \
                were composers of the classical era in Wien, Salzburg and Bonn.",
            ),
        ];
        for (language, text) in cases {
            assert_eq!(Language::detect(text), language, "{text}");
        }
    }
}
