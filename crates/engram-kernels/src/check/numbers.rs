//! Numbers for the checks: the same on every machine.

/// A xorshift generator.
pub(super) struct Numbers(pub(super) u64);

/// Kinds of values, each of which has broken some kernel somewhere.
pub(super) const KINDS: [&str; 7] =
    ["random", "huge", "tiny", "subnormal", "zero", "of any magnitude", "of any bits"];

impl Numbers {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 11) % bound
    }

    /// Uniform in [0, 1).
    pub(super) fn share(&mut self) -> f32 {
        (self.next() >> 40) as f32 / 16_777_216.0
    }

    /// Uniform in [−1, 1).
    pub(super) fn signed(&mut self) -> f32 {
        2.0 * self.share() - 1.0
    }

    /// Random bits, with an exponent within 2^±`spread`.
    pub(super) fn wide(&mut self, spread: u64) -> f64 {
        let exponent = 1023 - spread + self.below(2 * spread);
        f64::from_bits(self.next() >> 12 | exponent << 52)
    }

    /// A number of one of the [`KINDS`].
    pub(super) fn of_kind(&mut self, kind: usize) -> f32 {
        let sign = (self.next() as u32) << 31;
        match kind {
            0 => self.signed(),
            1 => self.signed() * 3e38,
            2 => self.signed() * 1e-37,
            3 => f32::from_bits(sign | self.below(1 << 23) as u32),
            4 => f32::from_bits(sign),
            5 => f32::from_bits(sign | self.below(0x7f80_0000) as u32),
            _ => match self.below(24) {
                0 => f32::from_bits(self.next() as u32),
                1 => f32::INFINITY.copysign(f32::from_bits(sign)),
                2 => f32::NAN,
                _ => self.signed(),
            },
        }
    }
}
