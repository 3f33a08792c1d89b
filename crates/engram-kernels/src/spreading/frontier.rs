//! Which parts of a graph's nodes a hop has touched: filled in any order, emptied in ascending order.

/// Nodes of a line: the activations of 16 fill a line of the processor's caches.
pub(crate) const LINE_NODES: usize = 16;

/// Lines of a region: their marks fill a line of the caches.
const REGION_LINES: usize = 64;

/// Nodes of a region.
pub(crate) const REGION_NODES: usize = LINE_NODES * REGION_LINES;

/// A byte for each line of 16 nodes, and one for each region of 64 lines, so that emptying it costs by
/// what it holds (and one byte for every 1024 nodes) and not by the size of the graph. A mark is a
/// store of 1: it waits for nothing that was read, and whether the line was marked before decides
/// nothing.
#[derive(Clone, Debug)]
pub(crate) struct TouchedLines {
    num_lines: usize,
    /// In whole regions.
    lines: Vec<u8>,
    /// In whole eights.
    regions: Vec<u8>,
}

impl TouchedLines {
    /// No lines, of a graph of `nodes` nodes.
    pub(crate) fn new(nodes: usize) -> Self {
        let regions = nodes.div_ceil(REGION_NODES);
        Self {
            num_lines: nodes.div_ceil(LINE_NODES),
            lines: vec![0; regions * REGION_LINES],
            regions: vec![0; regions.next_multiple_of(8)],
        }
    }

    /// Marks the line of a node.
    #[inline(always)]
    pub(crate) fn mark(&mut self, node: u32) {
        self.lines[node as usize / LINE_NODES] = 1;
        self.regions[node as usize / REGION_NODES] = 1;
    }

    /// Marks every line.
    pub(crate) fn mark_all(&mut self) {
        self.lines[..self.num_lines].fill(1);
        self.regions[..self.num_lines.div_ceil(REGION_LINES)].fill(1);
    }

    /// The marks of lines and of regions.
    #[cfg_attr(not(engram_zig), expect(dead_code, reason = "only the Zig kernels need them"))]
    pub(crate) fn parts_mut(&mut self) -> (&mut [u8], &mut [u8]) {
        (&mut self.lines, &mut self.regions)
    }

    /// Takes the marks away, and visits their lines in ascending order.
    #[inline(always)]
    pub(crate) fn drain(&mut self, mut visit: impl FnMut(usize)) {
        let Self { lines, regions, .. } = self;
        let (lines, _) = lines.as_chunks_mut::<REGION_LINES>();
        drain_bytes(regions, |region| {
            drain_bytes(&mut lines[region], |line| visit(region * REGION_LINES + line));
        });
    }
}

/// Sets bytes, each 0 or 1, to 0, and visits the places of those that were 1. Looks at 8 at a time.
#[inline(always)]
fn drain_bytes(bytes: &mut [u8], mut visit: impl FnMut(usize)) {
    for (index, chunk) in bytes.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let mut marks = u64::from_le_bytes(std::mem::take(chunk));
        while marks != 0 {
            visit(index * 8 + marks.trailing_zeros() as usize / 8);
            marks &= marks - 1;
        }
    }
}
