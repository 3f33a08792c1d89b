//! The language of a text, guessed from its script and its function words.

use super::script::start_of;
use super::{Language, Tokens};

/// How many Latin letters a text needs before its language is guessed at all.
const MIN_LETTERS: usize = 100;
/// How many bytes of a text are looked at.
const SAMPLE_BYTES: usize = 4096;
/// The share of function words below which a text is not taken for prose in a language.
const LEAST_FUNCTION_WORDS: f64 = 0.1;
/// The share of its letters that a script other than Latin needs to decide.
const LEAST_OF_SCRIPT: f64 = 0.3;

impl Language {
    /// The language of a text, guessed carefully.
    ///
    /// Another script than Latin decides by itself, whatever the length. A text in Latin letters needs a hundred of them;
    /// a detector proposes a language, and the function words of that and of English decide between the two: code and
    /// lists of names have those of neither. `None` where nothing decides. Cost: about a tenth of a millisecond; only
    /// the first 4 KiB are looked at.
    ///
    /// ```
    /// use engram::Language;
    /// assert_eq!(Language::detect("Я живу в Москве."), Some(Language::Russian));
    /// assert_eq!(Language::detect("Kurzer Satz."), None);
    /// ```
    #[must_use]
    pub fn detect(text: &str) -> Option<Self> {
        let sample = start_of(text, SAMPLE_BYTES);
        let letters = Letters::of(sample);
        if let Some(language) = letters.decided(sample) {
            return Some(language);
        }
        if letters.latin < MIN_LETTERS {
            return None;
        }
        let mut tokens = Tokens::new();
        tokens.read(sample);
        let share = |language: Self| {
            let words = tokens.iter().filter(|token| language.is_stop(token)).count();
            words as f64 / tokens.len().max(1) as f64
        };
        let english = share(Self::English);
        let proposed = whatlang::detect(sample)
            .filter(|info| info.is_reliable() && info.confidence() >= 0.9)
            .map(|info| Self::from_lang(info.lang()))
            .filter(|language| language.is_latin() && *language != Self::English);
        if let Some(language) = proposed {
            let own = share(language);
            let is_prose = own >= LEAST_FUNCTION_WORDS && own > english;
            if is_prose || (!language.has_stop_words() && english < LEAST_FUNCTION_WORDS) {
                return Some(language);
            }
        }
        (english >= LEAST_FUNCTION_WORDS).then_some(Self::English)
    }

    /// Whether it is written in Latin letters.
    pub(crate) fn is_latin(self) -> bool {
        !matches!(
            self,
            Self::Arabic
                | Self::Armenian
                | Self::Bengali
                | Self::Bulgarian
                | Self::Burmese
                | Self::Chinese
                | Self::Georgian
                | Self::Greek
                | Self::Hebrew
                | Self::Hindi
                | Self::Japanese
                | Self::Khmer
                | Self::Korean
                | Self::Macedonian
                | Self::Nepali
                | Self::Persian
                | Self::Russian
                | Self::Serbian
                | Self::Tamil
                | Self::Thai
                | Self::Ukrainian
                | Self::Urdu
                | Self::Yiddish
                | Self::Other
        )
    }
}

/// How many letters of each script a text has.
#[derive(Default)]
struct Letters {
    all: usize,
    latin: usize,
    cyrillic: usize,
    arabic: usize,
    devanagari: usize,
    hebrew: usize,
    han: usize,
    kana: usize,
    hangul: usize,
    /// Of scripts that one language alone has here.
    single: [usize; SINGLE.len()],
}

/// Scripts that stand for one language, by the range of their letters.
const SINGLE: [(char, char, Language); 9] = [
    ('\u{370}', '\u{3ff}', Language::Greek),
    ('\u{1f00}', '\u{1fff}', Language::Greek),
    ('\u{531}', '\u{58f}', Language::Armenian),
    ('\u{980}', '\u{9ff}', Language::Bengali),
    ('\u{b80}', '\u{bff}', Language::Tamil),
    ('\u{e00}', '\u{e7f}', Language::Thai),
    ('\u{1000}', '\u{109f}', Language::Burmese),
    ('\u{10a0}', '\u{10ff}', Language::Georgian),
    ('\u{1780}', '\u{17ff}', Language::Khmer),
];

impl Letters {
    fn of(text: &str) -> Self {
        let mut letters = Self::default();
        for c in text.chars().filter(|c| c.is_alphabetic()) {
            letters.all += 1;
            match c {
                '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => letters.latin += 1,
                '\u{400}'..='\u{52f}' => letters.cyrillic += 1,
                '\u{590}'..='\u{5ff}' => letters.hebrew += 1,
                '\u{600}'..='\u{6ff}' | '\u{750}'..='\u{77f}' => letters.arabic += 1,
                '\u{900}'..='\u{97f}' => letters.devanagari += 1,
                '\u{3040}'..='\u{30ff}' | '\u{ff66}'..='\u{ff9f}' => letters.kana += 1,
                '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' => {
                    letters.han += 1
                }
                '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7a3}' => {
                    letters.hangul += 1
                }
                _ => {
                    if let Some(at) = SINGLE.iter().position(|(first, last, _)| (*first..=*last).contains(&c))
                    {
                        letters.single[at] += 1;
                    }
                }
            }
        }
        letters
    }

    /// The language that the script decides, if it is not Latin.
    fn decided(&self, text: &str) -> Option<Language> {
        let has = |letters: &[char]| text.chars().any(|c| letters.contains(&c));
        let candidates = [
            (self.cyrillic, 0),
            (self.arabic, 1),
            (self.devanagari, 2),
            (self.hebrew, 3),
            (self.han + self.kana, 4),
            (self.hangul, 5),
        ];
        let single = (0..SINGLE.len()).map(|at| (self.single[at], 6 + at));
        let (count, script) =
            candidates.into_iter().chain(single).max_by_key(|(count, at)| (*count, usize::MAX - at))?;
        if count == 0 || (count as f64) < LEAST_OF_SCRIPT * self.all as f64 {
            return None;
        }
        Some(match script {
            0 if has(&['і', 'ї', 'є', 'ґ', 'І', 'Ї', 'Є', 'Ґ']) && !has(&['ы', 'э', 'ё']) => {
                Language::Ukrainian
            }
            0 if has(&['ѓ', 'ќ', 'ѕ']) => Language::Macedonian,
            0 if has(&['ђ', 'ћ', 'џ', 'љ', 'њ', 'ј']) => Language::Serbian,
            // Bulgarian writes the hard sign as a vowel, and has no ы and э.
            0 if !has(&['ы', 'э', 'ё', 'Э'])
                && text.matches('ъ').count() * 200 > self.cyrillic
                && self.cyrillic >= MIN_LETTERS =>
            {
                Language::Bulgarian
            }
            0 => Language::Russian,
            1 if has(&['ٹ', 'ڈ', 'ں', 'ے', 'ڑ']) => Language::Urdu,
            1 if has(&['پ', 'چ', 'ژ', 'گ']) => Language::Persian,
            1 => Language::Arabic,
            2 => whatlang::detect(text)
                .filter(|info| info.is_reliable() && self.devanagari >= MIN_LETTERS)
                .map(|info| Language::from_lang(info.lang()))
                .filter(|language| *language == Language::Nepali)
                .unwrap_or(Language::Hindi),
            3 if has(&['\u{5f0}', '\u{5f1}', '\u{5f2}']) => Language::Yiddish,
            3 => Language::Hebrew,
            4 if self.kana * 20 >= count => Language::Japanese,
            4 => Language::Chinese,
            5 => Language::Korean,
            at => SINGLE[at - 6].2,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_language_of_a_text_is_found() {
        let cases = [
            (
                Some(Language::German),
                "Die Erinnerung ist ein Geflecht von Assoziationen, in dem jede Vorstellung mit vielen \
                anderen verbunden ist und von ihnen aus wieder aufgerufen werden kann.",
            ),
            (
                Some(Language::French),
                "La mémoire est un réseau d'associations dans lequel chaque idée est liée à beaucoup \
                d'autres et peut être rappelée à partir de chacune d'elles.",
            ),
            (
                Some(Language::English),
                "Memory is a web of associations in which each idea is bound to many others and can be \
                called back, in time, from any one of the others that it is bound to.",
            ),
            (None, "Kurzer Satz."),
            (
                Some(Language::English),
                "Wolfgang Amadeus Mozart, Ludwig van Beethoven, Johann Sebastian Bach and Franz Schubert \
                were composers of the classical era in Wien, Salzburg and Bonn.",
            ),
            (
                None,
                "let total = items.iter().map(|item| item.price * item.count).sum::<u64>(); \
                println!(\"{total}\"); assert_eq!(total, expected_total); return Ok(total);",
            ),
            (Some(Language::Russian), "Я живу в Москве."),
            (Some(Language::Ukrainian), "Мій кіт спить."),
            (Some(Language::Greek), "Η γάτα κοιμάται"),
            (Some(Language::Japanese), "東京タワーに行きました"),
            (Some(Language::Chinese), "北京是中国的首都"),
            (Some(Language::Korean), "서울은 대한민국의 수도이다"),
            (Some(Language::Hebrew), "החתול ישן"),
            (Some(Language::Persian), "گربه خوابیده است"),
            (Some(Language::Thai), "แมวนอนหลับ"),
            (Some(Language::Hindi), "बिल्ली सो रही है"),
            (None, ""),
            (None, "1234 — !"),
        ];
        for (language, text) in cases {
            assert_eq!(Language::detect(text), language, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,300}") {
            let _ = Language::detect(&text);
        }
    }
}
