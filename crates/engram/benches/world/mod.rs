//! A made world of memories for benchmarks: words by Zipf's law, titles, mentions and links, all seeded.

use engram::{Link, LinkTarget, MemoryId, NewMemory, StoredMemory, Time, Weight};

/// Words in the language of the world.
const VOCABULARY: u64 = 40_000;
/// Words in a text.
const WORDS: u64 = 60;
/// Links from each memory.
const LINKS: u64 = 5;

/// A sequence of numbers that is the same everywhere (splitmix64).
pub struct Numbers(pub u64);

impl Numbers {
    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A word's rank: rank r about as often as 1/r.
    fn rank(&mut self) -> u64 {
        // exp(u · ln V) by repeated halving of the exponent range: a uniform power of two, then uniform in it.
        let octave = self.draw() % VOCABULARY.ilog2() as u64;
        ((1 << octave) + self.draw() % (1 << octave)).min(VOCABULARY - 1)
    }
}

/// The word of a rank: pronounceable, and no two alike.
pub fn word(rank: u64) -> String {
    const ONSETS: [&str; 16] =
        ["b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "br", "st"];
    const VOWELS: [&str; 5] = ["a", "e", "i", "o", "u"];
    let mut rest = rank;
    let mut word = String::new();
    loop {
        word.push_str(ONSETS[(rest % 16) as usize]);
        word.push_str(VOWELS[(rest / 16 % 5) as usize]);
        rest /= 80;
        if rest == 0 {
            return word;
        }
    }
}

/// A rarer word with a capital.
fn capital(numbers: &mut Numbers) -> String {
    let word = word(2_000 + numbers.draw() % (VOCABULARY - 2_000));
    word[..1].to_uppercase() + &word[1..]
}

/// The title of a memory: two capitalised words of its own.
pub fn title(at: u64) -> String {
    let mut numbers = Numbers(at.wrapping_mul(7919) + 13);
    format!("{} {}", capital(&mut numbers), capital(&mut numbers))
}

fn id(at: u64) -> MemoryId {
    MemoryId::new(format!("m{at:07}")).expect("a plain id")
}

/// The memories of a world of this size.
pub fn memories(size: u64) -> impl Iterator<Item = StoredMemory> {
    (0..size).map(move |at| memory(at, size))
}

/// One memory of a world of this size.
pub fn memory(at: u64, size: u64) -> StoredMemory {
    let mut numbers = Numbers(at);
    let mut text = String::new();
    for position in 0..WORDS {
        if position % 25 == 12 {
            text.push_str(&title(numbers.draw() % size)); // a mention
        } else {
            text.push_str(&word(numbers.rank()));
        }
        text.push(if position % 12 == 11 { '.' } else { ' ' });
    }
    let mut memory = NewMemory::new(id(at), text);
    memory.title = Some(title(at));
    memory.language = Some(engram::Language::English);
    memory.made = Some(Time::from_milliseconds(1_700_000_000_000 + (at as i64) * 60_000));
    for _ in 0..LINKS {
        // Most links stay near, as in a folder of notes; some lead far away.
        let near = (at + 1 + numbers.draw() % 50) % size;
        let target = if numbers.draw().is_multiple_of(4) { numbers.draw() % size } else { near };
        memory.links.push(Link { to: LinkTarget::Id(id(target)), weight: Weight::ONE });
    }
    memory.into()
}

/// Words in the text of an entry, mentions apart.
const ENTRY_WORDS: u64 = 17;
/// Links from each entry.
const ENTRY_LINKS: u64 = 10;

/// The entries of a dense reference work of this size: short, named, and much linked.
pub fn entries(size: u64) -> impl Iterator<Item = StoredMemory> {
    (0..size).map(move |at| entry(at, size))
}

/// One entry of a reference work: a title of two words, an alias of three, a sentence or two (17 words and three
/// mentions of other entries' titles) and ten links, seven or eight of which stay near. Gives three nodes (itself
/// and two names) and 15 associations, each of which is an edge in either direction.
pub fn entry(at: u64, size: u64) -> StoredMemory {
    let mut numbers = Numbers(at ^ 0x00e7_7271);
    let mut text = String::new();
    for position in 0..ENTRY_WORDS {
        text.push_str(&word(numbers.rank()));
        if position % 6 == 3 {
            text.push(' ');
            text.push_str(&title(numbers.draw() % size)); // a mention
        }
        text.push(if position % 10 == 9 { '.' } else { ' ' });
    }
    let mut memory = NewMemory::new(id(at), text);
    memory.title = Some(title(at));
    let [first, second, third] = std::array::from_fn(|_| capital(&mut numbers));
    memory.aliases.push(format!("{first} {second} {third}"));
    memory.language = Some(engram::Language::English);
    memory.made = Some(Time::from_milliseconds(1_700_000_000_000 + (at as i64) * 60_000));
    for link in 0..ENTRY_LINKS {
        let near = (at + 1 + 5 * link + numbers.draw() % 5) % size;
        let target = if numbers.draw().is_multiple_of(4) { numbers.draw() % size } else { near };
        memory.links.push(Link { to: LinkTarget::Id(id(target)), weight: Weight::ONE });
    }
    memory.into()
}

/// The cues: a few words of a memory's text and, every second time, its title.
pub fn cues(count: u64, size: u64) -> Vec<String> {
    (0..count)
        .map(|at| {
            let mut numbers = Numbers(at ^ 0xc0ffee);
            let target = numbers.draw() % size;
            let mut cue: Vec<String> = (0..6).map(|_| word(numbers.rank())).collect();
            if at % 2 == 0 {
                cue.push(title(target));
            }
            cue.join(" ")
        })
        .collect()
}
