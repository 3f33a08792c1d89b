//! What each setting does: the same questions, asked with one of them changed.

use engram_kernels::Curve;

use crate::recall::{Cue, DEFAULT_FORGETTING_EXPONENT, Settings};

/// A setting, and a recall with less and with more of it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Variation {
    /// The setting's name.
    pub setting: &'static str,
    /// Its usual value.
    pub usual: f32,
    /// A lower value, and how a recall asks with it.
    pub lower: (f32, Cue),
    /// A higher value, and how a recall asks with it.
    pub higher: (f32, Cue),
}

/// The settings of a cue, each varied: to half its value and twice, and a share, which is at most 1, to half of it and
/// to half the way from it to 1. The exponent of forgetting is varied as well, around [`DEFAULT_FORGETTING_EXPONENT`].
#[must_use]
pub fn variations(usual: &Cue) -> Vec<Variation> {
    let amount = |setting, value, set: fn(&mut Cue, f32)| {
        Variation::new(usual, setting, [value / 2.0, value, value * 2.0], set)
    };
    let share = |setting, value, set: fn(&mut Cue, f32)| {
        Variation::new(usual, setting, [value / 2.0, value, f32::midpoint(value, 1.0)], set)
    };
    // Named one by one, so that a new setting is not forgotten here. Without vectors is a row of the parts.
    let Settings {
        seeds,
        word_exponent,
        vectors: _,
        word_share,
        given_share,
        vector_floor,
        vector_exponent,
        name_share,
        name_evidence,
        direct_share,
        damping,
        hops,
        firing_threshold,
    } = usual.settings;
    vec![
        amount("seeds", seeds as f32, |cue, value| cue.settings.seeds = (value as usize).max(1)),
        amount("word_exponent", word_exponent, |cue, value| cue.settings.word_exponent = value),
        share("word_share", word_share, |cue, value| cue.settings.word_share = value),
        share("given_share", given_share, |cue, value| cue.settings.given_share = value),
        share("vector_floor", vector_floor, |cue, value| cue.settings.vector_floor = value),
        amount("vector_exponent", vector_exponent, |cue, value| cue.settings.vector_exponent = value),
        share("name_share", name_share, |cue, value| cue.settings.name_share = value),
        share("name_evidence", name_evidence, |cue, value| cue.settings.name_evidence = value),
        amount("direct_share", direct_share, |cue, value| cue.settings.direct_share = value),
        share("damping", damping, |cue, value| cue.settings.damping = value),
        amount("hops", hops as f32, |cue, value| cue.settings.hops = (value as u32).max(1)),
        amount("firing_threshold", firing_threshold, |cue, value| cue.settings.firing_threshold = value),
        amount("forgetting_exponent", DEFAULT_FORGETTING_EXPONENT, |cue, value| {
            cue.forgetting = Curve::power(value).unwrap_or(cue.forgetting);
        }),
    ]
}

impl Variation {
    fn new(usual: &Cue, setting: &'static str, values: [f32; 3], set: fn(&mut Cue, f32)) -> Self {
        let with = |value: f32| {
            let mut cue = usual.clone();
            set(&mut cue, value);
            (value, cue)
        };
        let [low, value, high] = values;
        Self { setting, usual: value, lower: with(low), higher: with(high) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_variation_changes_one_thing() {
        let usual = Cue::new("why?");
        let variations = variations(&usual);
        let cues: Vec<&Cue> = variations.iter().flat_map(|v| [&v.lower.1, &v.higher.1]).collect();
        for (at, cue) in cues.iter().enumerate() {
            assert_ne!(**cue, usual);
            assert!(cues[..at].iter().all(|other| other != cue), "{cue:?}");
        }
        for Variation { setting, usual, lower, higher } in &variations {
            assert!(lower.0 < *usual && *usual < higher.0, "{setting}");
        }
    }
}
