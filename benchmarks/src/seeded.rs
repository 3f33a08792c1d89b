//! Numbers that are the same everywhere: splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom
//! number generators", 2014).

/// A sequence from a seed.
#[derive(Clone, Debug)]
pub struct Numbers(pub u64);

impl Numbers {
    /// The next 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform from 0 up to, not including, 1.
    pub fn unit(&mut self) -> f32 {
        (self.draw() >> 40) as f32 / 16_777_216.0
    }

    /// Uniform below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.draw() % bound
    }

    /// A vector of numbers from −0.5 up to 0.5.
    pub fn centred(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.unit() - 0.5).collect()
    }
}
