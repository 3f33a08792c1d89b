//! A set of nodes that is filled in any order and emptied in ascending order.

/// A bitmap over nodes, and a bitmap over its words, so that emptying it costs by what it holds (and
/// one bit for every 4096 nodes) and not by the size of the graph.
#[derive(Clone, Debug)]
pub(crate) struct NodeSet {
    /// Bit `node % 64` of word `node / 64`.
    words: Vec<u64>,
    /// Bit `word % 64` of entry `word / 64`: whether that word holds any node.
    summary: Vec<u64>,
}

impl NodeSet {
    /// An empty set of nodes below `nodes`.
    pub(crate) fn new(nodes: usize) -> Self {
        let words = nodes.div_ceil(64);
        Self { words: vec![0; words], summary: vec![0; words.div_ceil(64)] }
    }

    /// Adds a node.
    #[inline(always)]
    pub(crate) fn insert(&mut self, node: u32) {
        let word = &mut self.words[node as usize / 64];
        *word |= 1 << (node % 64);
        self.summary[node as usize / 4096] |= 1 << (node / 64 % 64);
    }

    /// The words and their summary: 64 nodes a word, 64 words a summary entry.
    #[cfg_attr(not(engram_zig), expect(dead_code, reason = "only the Zig kernels need them"))]
    pub(crate) fn parts_mut(&mut self) -> (&mut [u64], &mut [u64]) {
        (&mut self.words, &mut self.summary)
    }

    /// Takes the nodes out, in ascending order.
    #[inline(always)]
    pub(crate) fn drain(&mut self, mut visit: impl FnMut(u32)) {
        for (index, entry) in self.summary.iter_mut().enumerate() {
            let mut filled = std::mem::take(entry);
            while filled != 0 {
                let word_index = index * 64 + filled.trailing_zeros() as usize;
                filled &= filled - 1;
                let mut word = std::mem::take(&mut self.words[word_index]);
                while word != 0 {
                    visit(word_index as u32 * 64 + word.trailing_zeros());
                    word &= word - 1;
                }
            }
        }
    }
}
