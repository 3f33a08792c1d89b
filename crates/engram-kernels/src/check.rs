//! The suite that every implementation passes, on any machine: bit for bit what the portable kernels
//! give, over every length, alignment and kind of value, and close to what `f64` arithmetic gives. And
//! [`bench()`], which times the implementations side by side.
//!
//! ```
//! use engram_kernels::{Kernels, check};
//!
//! for kernels in Kernels::all() {
//!     let report = check::check_decay(kernels);
//!     assert!(report.passed(), "{report}");
//! }
//! ```

mod bench;
mod decay;
mod golden;
mod hops;
mod numbers;
mod similarity;
mod spreading;

use std::fmt;

pub use bench::{Timing, bench};

use crate::backend::Kernels;
use crate::level::Level;

/// Mismatches that a report describes; it counts the others.
const DESCRIBED: usize = 8;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// The kernels that were checked.
    pub level: Level,
    /// How many results were compared.
    pub checks: u64,
    /// How many of them were wrong.
    pub mismatches: u64,
    /// The first few wrong ones.
    pub described: Vec<String>,
}

impl CheckReport {
    fn new(kernels: Kernels) -> Self {
        Self { level: kernels.level(), checks: 0, mismatches: 0, described: Vec::new() }
    }

    /// Whether all was right.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.mismatches == 0
    }

    fn add(&mut self, other: Self) {
        self.checks += other.checks;
        self.mismatches += other.mismatches;
        self.described.extend(other.described);
        self.described.truncate(DESCRIBED);
    }

    /// Counts one result.
    fn expect(&mut self, good: bool, describe: impl FnOnce() -> String) {
        self.checks += 1;
        if !good {
            self.mismatches += 1;
            if self.described.len() < DESCRIBED {
                self.described.push(describe());
            }
        }
    }

    /// Counts a result for each number, which must have the bits expected; all NaNs are one.
    fn expect_bits(&mut self, found: &[f32], expected: &[f32], describe: impl Fn() -> String) {
        assert_eq!(found.len(), expected.len());
        for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
            self.expect(bits(found) == bits(expected), || {
                let (found_bits, expected_bits) = (bits(found), bits(expected));
                format!(
                    "{}, [{i}]: {found:e} ({found_bits:08x}), not {expected:e} ({expected_bits:08x})",
                    describe()
                )
            });
        }
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { level, checks, mismatches, described } = self;
        write!(formatter, "{level}: {checks} results compared, {mismatches} wrong")?;
        described.iter().try_for_each(|line| write!(formatter, "\n  {line}"))
    }
}

/// The bits of a number, all NaNs as one.
fn bits(number: f32) -> u32 {
    if number.is_nan() { 0x7fc0_0000 } else { number.to_bits() }
}

/// Everything: some seconds in a release build.
#[must_use]
pub fn check(kernels: Kernels) -> CheckReport {
    let mut report = check_golden(kernels);
    report.add(check_similarity(kernels));
    report.add(check_spreading(kernels));
    report.add(check_decay(kernels));
    report
}

/// The golden vectors (`vectors/`).
#[must_use]
pub fn check_golden(kernels: Kernels) -> CheckReport {
    let mut report = CheckReport::new(kernels);
    golden::check(kernels, &mut report);
    report
}

/// Cosines, dot products, norms and top-k: every length from 0 to 260, every alignment of an `f32`
/// within 64 bytes, over random, huge, tiny, subnormal, zero, infinite and NaN values.
#[must_use]
pub fn check_similarity(kernels: Kernels) -> CheckReport {
    let mut report = CheckReport::new(kernels);
    similarity::check(kernels, &mut report);
    report
}

/// Pushing and pulling over graphs of every shape.
#[must_use]
pub fn check_spreading(kernels: Kernels) -> CheckReport {
    let mut report = CheckReport::new(kernels);
    spreading::check(kernels, &mut report);
    report
}

/// Decay: every length from 0 to 260, every alignment, and every pair of edge values.
#[must_use]
pub fn check_decay(kernels: Kernels) -> CheckReport {
    let mut report = CheckReport::new(kernels);
    decay::check(kernels, &mut report);
    report
}
