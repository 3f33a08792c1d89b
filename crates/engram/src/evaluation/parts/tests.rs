//! Each row of the parts uses what it says and nothing else.

use super::*;
use crate::memory::{Link, LinkTarget, NewMemory, Weight};
use crate::recall::Recollection;
use crate::time::Time;

/// A chain: the subject links to a second memory, which a third follows, to which a fourth is linked; each has words of
/// its own.
fn chain(folder: &Path) -> Engram {
    let engram = Engram::create(folder).unwrap();
    let memory = |id: &str, title: &str, text: &str| {
        let mut memory = NewMemory::new(id.parse().unwrap(), text);
        memory.title = Some(title.to_owned());
        memory.made = Some("2026-01-01".parse().unwrap());
        memory
    };
    let link = |to: &str| Link { to: LinkTarget::Id(to.parse().unwrap()), weight: Weight::ONE };
    let mut subject = memory("subject", "Grey Heron", "It stands in the shallows.");
    subject.links.push(link("linked"));
    let linked = memory("linked", "Weir", "Water falls over concrete.");
    let mut next = memory("next", "Ferry", "Tickets cost two coins.");
    next.follows = Some("subject".parse().unwrap());
    let mut far = memory("far", "Bakery", "Bread rises overnight.");
    far.links.push(link("linked"));
    far.made = Some("2026-03-01".parse().unwrap());
    engram.remember_all([subject, linked, next, far]).unwrap();
    engram
}

fn asked(engram: &Engram, part: Part) -> Recollection {
    let folder = tempfile::tempdir().unwrap();
    let copy = engram.copy_with(folder.path(), part.associations()).unwrap();
    let at: Time = "2026-03-01".parse().unwrap();
    copy.recall(&part.cue(&Cue::new("grey heron").at(at))).unwrap()
}

#[test]
fn each_part_adds_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let engram = chain(folder.path());
    let ids = |part| -> Vec<String> {
        let hits = asked(&engram, part).hits.into_iter().filter(|hit| hit.why.activation > 0.0);
        let mut ids: Vec<String> = hits.map(|hit| hit.id.to_string()).collect();
        ids.sort();
        ids
    };
    let names: Vec<&str> = Part::ALL.iter().map(|part| part.name()).collect();
    assert_eq!(names[..3], ["words", "names", "vectors"]);
    assert_eq!(ids(Part::Words), ["subject"]);
    assert_eq!(ids(Part::Names), ["subject"]);
    assert_eq!(ids(Part::Links), ["linked", "subject"]);
    assert_eq!(ids(Part::Sequence), ["linked", "next", "subject"]);
    assert_eq!(ids(Part::Spreading), ["far", "linked", "next", "subject"]);
    let seeded = |part| asked(&engram, part).hits[0].why.seed;
    assert!(seeded(Part::Names).vectors == 0.0 && seeded(Part::Vectors).vectors > 0.0);
    let retained = |part| asked(&engram, part).hits[0].why.retention;
    assert_eq!(retained(Part::Spreading), 1.0);
    assert!(retained(Part::Forgetting) < 1.0);
    // The store itself is as it was.
    assert!(engram.get(&"next".parse().unwrap()).unwrap().unwrap().memory.follows.is_some());
}
