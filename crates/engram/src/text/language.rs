//! Languages: which stemmer and which stop words a text gets.

use std::fmt;
use std::str::FromStr;

use frostem::Algorithm;
use whatlang::Lang;

use super::stop_words;

macro_rules! languages {
    ($($(#[doc = $doc:literal])* $variant:ident $code:literal $lang:expr;)*
     / $($plain:ident $plain_code:literal $plain_lang:expr;)*) => {
        /// A language of a text, as far as it matters here, or [`Language::Other`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[non_exhaustive]
        pub enum Language {
            $($(#[doc = $doc])* $variant,)*
            $(#[doc = concat!(stringify!($plain), "; words stay as they are written.")] $plain,)*
            /// Any other language: words stay as they are written.
            Other,
            /// English, which a text in Latin letters is where nothing says otherwise.
            #[default]
            English,
        }

        impl Language {
            /// Every language: those with a stemmer in the order of their names, those without, `Other`, `English`.
            pub const ALL: [Self; languages!(@count $($variant)* $($plain)*) + 2] =
                [$(Self::$variant,)* $(Self::$plain,)* Self::Other, Self::English];

            /// The ISO 639-1 code (`de`); `und` for [`Language::Other`].
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                    $(Self::$plain => $plain_code,)*
                    Self::Other => "und",
                    Self::English => "en",
                }
            }

            /// Whether it has a list of function words.
            pub(super) fn has_stop_words(self) -> bool {
                stop_words::has_list(self)
            }

            pub(super) fn algorithm(self) -> Option<Algorithm> {
                match self {
                    $(Self::$variant => Some(Algorithm::$variant),)*
                    $(Self::$plain)|* | Self::Other => None,
                    Self::English => Some(Algorithm::English),
                }
            }

            pub(super) fn from_lang(lang: Lang) -> Self {
                $(if $lang == Some(lang) { return Self::$variant; })*
                $(if $plain_lang == Some(lang) { return Self::$plain; })*
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
    // Without a stemmer.
    /
    Bengali "bn" Some(Lang::Ben);
    Bulgarian "bg" Some(Lang::Bul);
    Burmese "my" Some(Lang::Mya);
    Chinese "zh" Some(Lang::Cmn);
    Croatian "hr" Some(Lang::Hrv);
    Georgian "ka" Some(Lang::Kat);
    Hebrew "he" Some(Lang::Heb);
    Japanese "ja" Some(Lang::Jpn);
    Khmer "km" Some(Lang::Khm);
    Korean "ko" Some(Lang::Kor);
    Latin "la" Some(Lang::Lat);
    Latvian "lv" Some(Lang::Lav);
    Macedonian "mk" Some(Lang::Mkd);
    Slovak "sk" Some(Lang::Slk);
    Slovene "sl" Some(Lang::Slv);
    Thai "th" Some(Lang::Tha);
    Urdu "ur" Some(Lang::Urd);
    Vietnamese "vi" Some(Lang::Vie);
}

impl Language {
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

/// What is no language code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code:?} is not a language code; write one such as en, pt-BR or zh, or und for an unknown language")]
pub struct InvalidLanguage {
    code: String,
}

impl FromStr for Language {
    type Err = InvalidLanguage;

    /// Reads a BCP 47 code, in either case, of which the first part counts (`de`, `DE`, `de-AT`, `zh-Hant-TW`). A
    /// language that Engram does not know is [`Language::Other`].
    fn from_str(code: &str) -> Result<Self, InvalidLanguage> {
        let mut parts = code.split(['-', '_']);
        let primary = parts.next().unwrap_or(code);
        let is_part =
            |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
        let is_language =
            (2..=3).contains(&primary.len()) && primary.bytes().all(|b| b.is_ascii_alphabetic());
        if !is_language || !parts.all(is_part) {
            return Err(InvalidLanguage { code: code.to_owned() });
        }
        let primary = match primary.to_ascii_lowercase().as_str() {
            "nb" | "nn" => "no".to_owned(),
            "iw" => "he".to_owned(),
            "cmn" | "yue" => "zh".to_owned(),
            other => other.to_owned(),
        };
        let known = Self::ALL.into_iter().find(|language| language.code() == primary);
        Ok(known.unwrap_or(Self::Other))
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
        for (code, language) in [
            ("de-AT", Language::German),
            ("zh-Hant-TW", Language::Chinese),
            ("zh-CN", Language::Chinese),
            ("ja", Language::Japanese),
            ("ko", Language::Korean),
            ("vi", Language::Vietnamese),
            ("he", Language::Hebrew),
            ("nn", Language::Norwegian),
            ("tlh", Language::Other),
            ("PT_br", Language::Portuguese),
        ] {
            assert_eq!(code.parse(), Ok(language), "{code}");
        }
        for bad in ["", "e", "klingon", "de-", "12", "a language", "абв"] {
            assert!(bad.parse::<Language>().is_err(), "{bad}");
        }
        assert_eq!(Language::default(), Language::English);
    }
}
