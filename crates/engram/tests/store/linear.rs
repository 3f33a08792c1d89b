//! Work that grows with the input, and no faster.

use engram::Cue;
use engram::import::markdown;

use crate::world::{NOW, filled, note};

/// How long a call takes at best, in seconds of this thread on a processor where the system tells, so that other
/// processes do not count.
fn seconds(mut call: impl FnMut()) -> f64 {
    let started = std::time::Instant::now();
    let now = || {
        let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        let running = schedule.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok());
        running
            .filter(|nanoseconds| *nanoseconds > 0.0)
            .map_or_else(|| started.elapsed().as_secs_f64(), |nanoseconds| nanoseconds / 1e9)
    };
    let times = (0..5).map(|_| {
        let before = now();
        call();
        now() - before
    });
    times.fold(f64::INFINITY, f64::min)
}

/// For four times the input, linear work takes four times as long, and quadratic work 16 times.
#[track_caller]
fn grows_with_its_input(name: &str, mut seconds_for: impl FnMut(usize) -> f64) {
    let (some, more) = (seconds_for(1), seconds_for(4));
    assert!(more < 11.0 * some, "{name}: {some} s, and {more} s for four times as much");
}

/// Each fault is told with its line, and none makes a pass of its own over the note.
#[test]
fn a_note_of_many_faults() {
    for fault in ["[x](%00.md)\n\n", "[x](%00.md) "] {
        grows_with_its_input(fault, |times| {
            let text = fault.repeat(20_000 * times);
            seconds(|| assert!(!markdown::parse("a.md", &text).unwrap().warnings.is_empty()))
        });
    }
}

/// Different words are looked up and no more, in a store of one language and of several.
#[test]
fn a_cue_of_many_words() {
    let (_folder, engram) = filled();
    for languages in [1, 2] {
        if languages == 2 {
            let mut german = note("de", "", "Worte");
            german.language = Some(engram::Language::German);
            engram.remember(&german).unwrap();
        }
        grows_with_its_input(&format!("{languages} languages"), |times| {
            let words = (0..12_000 * times as u32).map(|at| format!("w{} ", at.wrapping_mul(2_654_435_761)));
            let cue = Cue::new(words.collect::<String>()).at(NOW);
            seconds(|| drop(engram.recall(&cue).unwrap()))
        });
    }
}
