//! What the tests put in and ask for.

use engram::{Cue, Engram, Link, LinkTarget, MemoryId, NewMemory, Time, Weight};

pub(crate) const NOW: Time = Time::from_milliseconds(1_790_000_000_000);

pub(crate) fn id(text: &str) -> MemoryId {
    text.parse().unwrap()
}

pub(crate) fn note(name: &str, title: &str, text: &str) -> NewMemory {
    let mut memory = NewMemory::new(id(name), text);
    memory.title = (!title.is_empty()).then(|| title.to_owned());
    memory.made = Some(NOW);
    memory
}

pub(crate) fn fresh() -> (tempfile::TempDir, Engram) {
    let folder = tempfile::tempdir().unwrap();
    let engram = Engram::create(folder.path().join("store")).unwrap();
    (folder, engram)
}

/// A small world of people, places and works that mention one another.
pub(crate) fn world() -> Vec<NewMemory> {
    let mut all = vec![
        note(
            "rogers",
            "Carl Rogers",
            "Carl Rogers was a psychologist who founded person-centred therapy in Chicago.",
        ),
        note(
            "therapy",
            "Person-centred therapy",
            "A form of psychotherapy developed by Carl Rogers in the 1940s.",
        ),
        note(
            "chicago",
            "Chicago",
            "Chicago lies on Lake Michigan in Illinois. The University of Chicago was founded in 1890.",
        ),
        note(
            "michigan",
            "Lake Michigan",
            "One of the Great Lakes of North America, the only one wholly within the United States.",
        ),
        note(
            "lanes",
            "Lanes",
            "A sum of floating point numbers runs over thirty-two lanes; the lanes are added by halving.",
        ),
        note(
            "contract",
            "The arithmetic contract",
            "Both kernels give the same bits because every sum runs over [[Lanes]] in one order.",
        ),
        note(
            "kernels",
            "Kernels",
            "Similarity, spreading and decay. The arithmetic contract says what they compute.",
        ),
        note("tea", "Tea", "Water just off the boil, four minutes, no milk."),
        note(
            "boats",
            "",
            "We rowed across the lake near Chicago last summer, and Carl Rogers was not there.",
        ),
        note("empty", "", ""),
    ];
    all[5].links.push(Link { to: LinkTarget::Name("Lanes".into()), weight: Weight::ONE });
    all[6].links.push(Link { to: LinkTarget::Id(id("contract")), weight: Weight::new(2.0).unwrap() });
    all[8].follows = Some(id("tea"));
    all
}

pub(crate) fn filled() -> (tempfile::TempDir, Engram) {
    let (folder, engram) = fresh();
    engram.remember_all(world()).unwrap();
    (folder, engram)
}

/// A store so large that a few writes stay beside what is packed.
pub(crate) fn large() -> (tempfile::TempDir, Engram) {
    let (folder, engram) = fresh();
    let filler = (0..400).map(|i| {
        note(
            &format!("filler-{i:03}"),
            "",
            &format!("ordinary sentence number {i} about nothing of any interest at all"),
        )
    });
    engram.remember_all(world().into_iter().chain(filler)).unwrap();
    assert_eq!(engram.stats().unwrap().recent_writes, 0);
    (folder, engram)
}

/// Ids and the bits of the scores.
pub(crate) fn answer(engram: &Engram, cue: &str) -> Vec<(String, u32)> {
    let recollection = engram.recall(&Cue::new(cue).at(NOW).k(20)).unwrap();
    recollection.hits.iter().map(|hit| (hit.id.to_string(), hit.score.to_bits())).collect()
}

pub(crate) const CUES: [&str; 5] = [
    "who founded person-centred therapy?",
    "why do both kernels give the same bits?",
    "the lake near Chicago",
    "Carl Rogers",
    "how long does tea take",
];

pub(crate) fn first(engram: &Engram, cue: &str) -> String {
    engram
        .recall(&Cue::new(cue).at(NOW))
        .unwrap()
        .hits
        .first()
        .map(|hit| hit.id.to_string())
        .unwrap_or_default()
}
