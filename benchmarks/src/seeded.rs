//! Numbers that are the same everywhere: those of the made world, as vectors and graphs need them.

pub use crate::world::Numbers;

impl Numbers {
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
