//! Where the structure of a file lies, found by a reader of its own: what a walk must not miss a bit of.

use super::Made;

fn number(bytes: &[u8], at: usize, width: usize) -> u64 {
    bytes[at..at + width].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The bits of a file whose change must be found, as byte and bit; and the pages in use, those of trees first.
#[derive(Default)]
pub(super) struct Structure {
    pub(super) bits: Vec<(usize, u32)>,
    pub(super) tree_pages: Vec<u64>,
    pub(super) leaves_of_memories: Vec<u64>,
    pub(super) branches_of_postings: Vec<u64>,
    pub(super) overflow_pages: Vec<u64>,
}

impl Structure {
    fn bytes(&mut self, at: usize, length: usize) {
        self.bits.extend((at..at + length).flat_map(|at| (0..8).map(move |bit| (at, bit))));
    }
}

/// Reads a sound file.
pub(super) fn structure(made: &Made) -> Structure {
    let bytes = &made.bytes[..];
    let page_bytes = number(bytes, 40, 4) as usize;
    let mut found = Structure::default();
    let newest = usize::from(number(bytes, page_bytes + 144, 8) > number(bytes, 144, 8)) * page_bytes;
    for meta in [0, page_bytes] {
        found.bytes(meta, 32); // all before the size of the map, which is not used
        found.bytes(meta + 40, if meta == newest { 112 } else { 6 });
        found.bytes(meta + 88, 6);
        found.bytes(meta + 144, 8);
    }
    tree(bytes, page_bytes, newest + 40, "free", &mut found);
    tree(bytes, page_bytes, newest + 88, "", &mut found);
    found
}

/// Reads the tree whose record begins at `record`.
fn tree(bytes: &[u8], page_bytes: usize, record: usize, name: &str, found: &mut Structure) {
    let (depth, root) = (number(bytes, record + 6, 2), number(bytes, record + 40, 8));
    let mut pages = if root == u64::MAX { Vec::new() } else { vec![(root, 1)] };
    while let Some((page, level)) = pages.pop() {
        let start = page as usize * page_bytes;
        let count = (number(bytes, start + 12, 2) as usize - 16) / 2;
        found.bytes(start, 16 + 2 * count);
        found.tree_pages.push(page);
        match name {
            "memories" if level == depth => found.leaves_of_memories.push(page),
            "postings" if level < depth => found.branches_of_postings.push(page),
            _ => {}
        }
        for index in 0..count {
            let node = start + number(bytes, start + 16 + 2 * index, 2) as usize;
            let key_bytes = number(bytes, node + 6, 2) as usize;
            found.bytes(node, 8);
            if level < depth {
                pages.push((number(bytes, node, 6), level + 1));
                continue;
            }
            let (size, flags, value) =
                (number(bytes, node, 4), number(bytes, node + 4, 2), node + 8 + key_bytes);
            let length = if flags == 1 { 8 } else { size as usize };
            // Where key and value have an odd length together, one of them may be longer by one and nothing moves; and
            // a long value may be shorter, or longer up to the end of its pages.
            let is_hidden = |at: usize, bit: u32| match at - node {
                0..4 if flags == 1 => true,
                0 => bit == 0 && (key_bytes + length) % 2 == usize::from(size.is_multiple_of(2)),
                6 => bit == 0 && (key_bytes + length) % 2 == usize::from(key_bytes.is_multiple_of(2)),
                _ => false,
            };
            found.bits.retain(|(at, bit)| !(node..node + 8).contains(at) || !is_hidden(*at, *bit));
            match flags {
                0 if name == "free" => {
                    found.bytes(value, 8 + 8 * number(bytes, value, 8) as usize);
                }
                1 => {
                    let first = number(bytes, value, 8);
                    let at = first as usize * page_bytes;
                    found.bytes(value, 8);
                    found.bytes(at, 16);
                    found.overflow_pages.extend(first..first + number(bytes, at + 12, 4));
                    if name == "free" {
                        found.bytes(at + 16, 8 + 8 * number(bytes, at + 16, 8) as usize);
                    }
                }
                2 => {
                    found.bytes(value, 48);
                    let name = std::str::from_utf8(&bytes[node + 8..value]).unwrap();
                    tree(bytes, page_bytes, value, name, found);
                }
                _ => {}
            }
        }
    }
}
