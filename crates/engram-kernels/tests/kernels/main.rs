//! The kernels against naive oracles, over shapes and values of all sorts.
#![allow(clippy::unwrap_used, reason = "the helpers of tests may panic, as tests do")]

mod checked_rows;
mod decay;
mod graph;
mod levels;
mod mapped_blocks;
mod quantised;
mod similarity;
mod spreading;
mod spreading_settings;
mod top_k;
mod vectors;

/// A small deterministic generator (xorshift) for the tests that sweep sizes.
struct Numbers(u64);

impl Numbers {
    fn next_bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Uniform in [−1, 1).
    fn next_signed(&mut self) -> f32 {
        (self.next_bits() >> 40) as f32 / 8_388_608.0 - 1.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next_bits() >> 11) % bound
    }
}

/// The bits of each number, all NaNs as one.
fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|x| if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() }).collect()
}
