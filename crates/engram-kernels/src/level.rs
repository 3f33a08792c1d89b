//! Processor levels: what kernels can be compiled for, and whether this processor runs it.

use std::fmt;
use std::str::FromStr;

/// What kernels are compiled for. All give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Level {
    /// Safe Rust, for whatever the whole program is compiled for. Always there.
    Portable,
    /// Zig for x86-64-v2: 128-bit registers, from 2009 on.
    X86_64V2,
    /// Zig for x86-64-v3: 256-bit registers (AVX2), from 2013 on.
    X86_64V3,
    /// Zig for x86-64-v4: 512-bit registers (AVX-512).
    X86_64V4,
    /// Zig for aarch64: 128-bit registers, which are part of the architecture.
    Neon,
    /// Zig for WebAssembly with 128-bit registers.
    WasmSimd128,
}

impl Level {
    /// All levels; on one architecture, later ones are faster.
    pub const ALL: [Self; 6] =
        [Self::Portable, Self::X86_64V2, Self::X86_64V3, Self::X86_64V4, Self::Neon, Self::WasmSimd128];

    /// The name that `ENGRAM_KERNELS` takes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::X86_64V2 => "x86_64_v2",
            Self::X86_64V3 => "x86_64_v3",
            Self::X86_64V4 => "x86_64_v4",
            Self::Neon => "neon",
            Self::WasmSimd128 => "wasm_simd128",
        }
    }

    /// Whether this processor, and the system that saves its registers, can run the level.
    #[must_use]
    pub fn runs_here(self) -> bool {
        match self {
            Self::Portable => true,
            Self::X86_64V2 | Self::X86_64V3 | Self::X86_64V4 => x86_64_runs(self),
            Self::Neon => cfg!(all(target_arch = "aarch64", target_endian = "little")),
            // An engine without it would have refused the module.
            Self::WasmSimd128 => cfg!(target_arch = "wasm32"),
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn x86_64_runs(level: Level) -> bool {
    macro_rules! all {
        ($($feature:tt)*) => { $(std::arch::is_x86_feature_detected!($feature))&&* };
    }
    let v2 = all!("sse3" "ssse3" "sse4.1" "sse4.2" "popcnt" "cmpxchg16b");
    let v3 = v2 && all!("avx" "avx2" "bmi1" "bmi2" "f16c" "fma" "lzcnt" "movbe");
    match level {
        Level::X86_64V2 => v2,
        Level::X86_64V3 => v3,
        _ => v3 && all!("avx512f" "avx512bw" "avx512cd" "avx512dq" "avx512vl"),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn x86_64_runs(_: Level) -> bool {
    false
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// A name is that of no level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no kernels: they are portable, x86_64_v2, x86_64_v3, x86_64_v4, neon and wasm_simd128")]
pub struct NoSuchLevel(String);

impl FromStr for Level {
    type Err = NoSuchLevel;

    fn from_str(name: &str) -> Result<Self, NoSuchLevel> {
        Self::ALL.into_iter().find(|level| level.name() == name).ok_or_else(|| NoSuchLevel(name.to_owned()))
    }
}
