//! Which implementation runs: the portable kernels, or the Zig ones at a processor level. Every hot
//! function is called here and nowhere else.

use std::fmt;
use std::sync::OnceLock;

use crate::decay::Shape;
use crate::graph::{CHUNK_ROWS, InRows, PullRows};
use crate::level::{Level, NoSuchLevel};
use crate::portable::batch::{Lanes, Settled};
use crate::portable::spreading::{Chunks, Factors, Rows};
use crate::spreading::frontier::TouchedLines;
use crate::{portable, zig};

/// The environment variable that chooses kernels.
const VARIABLE: &str = "ENGRAM_KERNELS";

/// Kernels that this processor runs and this build has: the portable ones, or the Zig ones at one
/// level. They all give the same bits.
///
/// The crate's free functions take [`kernels`]'; this type is for tests, and for timing them side by
/// side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernels(Implementation);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Implementation {
    Portable,
    Zig(zig::Supported),
}

/// Why kernels were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KernelsError {
    /// `ENGRAM_KERNELS` names no kernels.
    #[error("{VARIABLE}: {0}; set it to one of those, or unset it")]
    NoSuchLevel(#[from] NoSuchLevel),
    /// The processor, or its operating system, lacks what they need.
    #[error("this processor cannot run the {asked} kernels; unset {VARIABLE}, or set it to {best}")]
    NotOnThisProcessor {
        /// The kernels that were asked for.
        asked: Level,
        /// The best kernels that run here.
        best: Level,
    },
    /// The build has none for the level.
    #[error(
        "this build has no {asked} kernels: they come with `--features zig-kernels`; unset {VARIABLE}, or set it to {best}"
    )]
    NotInThisBuild {
        /// The kernels that were asked for.
        asked: Level,
        /// The best kernels that run here.
        best: Level,
    },
}

/// How the kernels in use were chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Choice {
    /// They are the best that processor and build have.
    Best,
    /// `ENGRAM_KERNELS` names them.
    Asked,
    /// `ENGRAM_KERNELS` names what cannot run, so the portable ones stand in.
    Refused,
}

impl fmt::Display for Choice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Best => "the best that this processor and this build have",
            Self::Asked => "ENGRAM_KERNELS asks for it",
            Self::Refused => "what ENGRAM_KERNELS asks for cannot run",
        })
    }
}

/// A level, as [`kernel_levels`] lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LevelStatus {
    /// The level.
    pub level: Level,
    /// Whether this processor can run it.
    pub runs_here: bool,
    /// Whether this build has it.
    pub built: bool,
    /// Whether it is in use, and why.
    pub chosen: Option<Choice>,
}

/// What the first call finds in the environment.
static CHOSEN: OnceLock<Result<(Kernels, Choice), KernelsError>> = OnceLock::new();

/// The kernels in use: those that `ENGRAM_KERNELS` names, or else the best that this processor and this
/// build have. Decided at the first call of any function, and kept.
///
/// The crate's functions never fail for a wrong `ENGRAM_KERNELS`: the portable kernels stand in, which
/// give the same bits. So a program that takes the variable seriously asks here first.
///
/// # Errors
///
/// If `ENGRAM_KERNELS` names what the processor or the build lacks, or nothing known.
pub fn kernels() -> Result<Kernels, KernelsError> {
    chosen().clone().map(|(kernels, _)| kernels)
}

/// All levels, and which of them is in use.
#[must_use]
pub fn kernel_levels() -> [LevelStatus; Level::ALL.len()] {
    let (current, choice) = match chosen() {
        Ok((kernels, choice)) => (kernels.level(), *choice),
        Err(_) => (Level::Portable, Choice::Refused),
    };
    Level::ALL.map(|level| LevelStatus {
        level,
        runs_here: level.runs_here(),
        built: level == Level::Portable || zig::is_built(level),
        chosen: (level == current).then_some(choice),
    })
}

fn chosen() -> &'static Result<(Kernels, Choice), KernelsError> {
    CHOSEN.get_or_init(|| match std::env::var_os(VARIABLE) {
        Some(name) if !name.is_empty() => {
            Ok((Kernels::at(name.to_string_lossy().parse::<Level>()?)?, Choice::Asked))
        }
        _ => Ok((Kernels::best(), Choice::Best)),
    })
}

impl Kernels {
    /// The portable kernels.
    #[must_use]
    pub const fn portable() -> Self {
        Self(Implementation::Portable)
    }

    /// The best kernels that this processor and this build have, whatever the environment says.
    #[must_use]
    pub fn best() -> Self {
        Self::all().last().unwrap_or(Self::portable())
    }

    /// All kernels that this processor and this build have, the portable ones first.
    pub fn all() -> impl Iterator<Item = Self> {
        Level::ALL.into_iter().filter_map(|level| Self::at(level).ok())
    }

    /// The kernels of a level.
    ///
    /// # Errors
    ///
    /// If the processor or the build lacks it.
    pub fn at(level: Level) -> Result<Self, KernelsError> {
        if level == Level::Portable {
            return Ok(Self::portable());
        }
        match zig::supported(level) {
            Some(supported) => Ok(Self(Implementation::Zig(supported))),
            None if level.runs_here() => {
                Err(KernelsError::NotInThisBuild { asked: level, best: Self::best_level() })
            }
            None => Err(KernelsError::NotOnThisProcessor { asked: level, best: Self::best_level() }),
        }
    }

    fn best_level() -> Level {
        let supported = Level::ALL.into_iter().rfind(|&level| zig::supported(level).is_some());
        supported.unwrap_or(Level::Portable)
    }

    /// What these kernels are compiled for.
    #[must_use]
    pub fn level(self) -> Level {
        match self.0 {
            Implementation::Portable => Level::Portable,
            Implementation::Zig(supported) => supported.level(),
        }
    }

    /// The kernels of the free functions.
    #[inline]
    pub(crate) fn current() -> Self {
        match chosen() {
            Ok((kernels, _)) => *kernels,
            Err(_) => Self::portable(),
        }
    }

    pub(crate) fn dot(self, query: &[f32], rows: &[f32], scores: &mut [f32]) {
        match self.0 {
            Implementation::Portable => portable::similarity::vector_dot(query, rows, scores),
            Implementation::Zig(level) => zig::vector_dot(level, query, rows, scores),
        }
    }

    /// Offers the dot products of `query` with the rows, whose ids ascend from `first_id`, to the best `k`.
    pub(crate) fn dot_top_k(self, query: &[f32], rows: &[f32], first_id: u32, k: usize, keys: &mut Vec<u64>) {
        match self.0 {
            _ if k == 0 || rows.is_empty() => {}
            Implementation::Portable => portable::top_k::vector_dot_top_k(query, rows, first_id, k, keys),
            Implementation::Zig(level) => zig::vector_dot_top_k(level, query, rows, first_id, k, keys),
        }
    }

    pub(crate) fn similarity(self, query: &[f32], query_norm: f32, rows: &[f32], scores: &mut [f32]) {
        match self.0 {
            Implementation::Portable => {
                portable::similarity::vector_similarity(query, query_norm, rows, scores);
            }
            Implementation::Zig(level) => zig::vector_similarity(level, query, query_norm, rows, scores),
        }
    }

    pub(crate) fn norms(self, rows: &[f32], dimensions: usize, norms: &mut [f32]) {
        match self.0 {
            Implementation::Portable => portable::similarity::vector_norms(rows, dimensions, norms),
            Implementation::Zig(level) => zig::vector_norms(level, rows, dimensions, norms),
        }
    }

    pub(crate) fn dot_i8(self, query: &[i16], codes: &[i8], dots: &mut [i32]) {
        match self.0 {
            Implementation::Portable => portable::quantised::vector_dot_i8(query, codes, dots),
            Implementation::Zig(level) => zig::vector_dot_i8(level, query, codes, dots),
        }
    }

    pub(crate) fn decay(
        self,
        shape: Shape,
        strengths: &[f32],
        ages: &[f64],
        stabilities: &[f64],
        out: &mut [f32],
    ) {
        match (self.0, shape) {
            (Implementation::Zig(level), _) => {
                zig::apply_decay(level, shape, strengths, ages, stabilities, out);
            }
            (_, Shape::HalfLife) => portable::decay::half_life(strengths, ages, stabilities, out),
            (_, Shape::TimeConstant) => portable::decay::time_constant(strengths, ages, stabilities, out),
            (_, Shape::Power(exponent)) => {
                portable::decay::power(exponent, strengths, ages, stabilities, out);
            }
        }
    }

    pub(crate) fn spread_push(
        self,
        sources: &[u32],
        released: &[f32],
        rows: Rows<'_>,
        accumulator: &mut [f32],
        touched: Option<&mut TouchedLines>,
    ) {
        match self.0 {
            Implementation::Portable => {
                portable::spreading::push(sources, released, rows, accumulator, touched);
            }
            Implementation::Zig(level) => {
                zig::spread_push(level, sources, released, rows, accumulator, touched);
            }
        }
    }

    pub(crate) fn spread_settle(
        self,
        lines: &[u32],
        activation: &mut [f32],
        accumulator: &mut [f32],
        factors: Factors,
        active: Option<&mut [u32]>,
    ) -> (usize, f32) {
        match self.0 {
            Implementation::Portable => {
                portable::spreading::settle(lines, activation, accumulator, factors, active)
            }
            Implementation::Zig(level) => {
                zig::spread_settle(level, lines, activation, accumulator, factors, active)
            }
        }
    }

    pub(crate) fn spread_pull_batch(
        self,
        rows: &InRows,
        first: usize,
        released: &[Lanes],
        arrived: &mut [Lanes],
    ) {
        match self.0 {
            Implementation::Portable => {
                portable::batch::pull(rows, first, released, arrived);
            }
            Implementation::Zig(level) => {
                zig::spread_pull_batch(level, rows, first, released, arrived);
            }
        }
    }

    /// Pulls into the nodes from slot `first` on, none of which is a seed, and gives them their next
    /// activation. Raises `greatest` to each lane's greatest change.
    pub(crate) fn spread_hop_batch(
        self,
        rows: &InRows,
        first: usize,
        released: &[Lanes],
        settled: Settled<'_>,
        factors: Factors,
        greatest: &mut Lanes,
    ) {
        match self.0 {
            Implementation::Portable => {
                portable::batch::hop(rows, first, released, settled, factors, greatest);
            }
            Implementation::Zig(level) => {
                zig::spread_hop_batch(level, rows, first, released, settled, factors, greatest);
            }
        }
    }

    pub(crate) fn spread_pull(self, rows: &PullRows, released: &[f32], accumulator: &mut [f32]) {
        match self.0 {
            Implementation::Portable => portable::spreading::pull(rows, released, accumulator),
            Implementation::Zig(level) => zig::spread_pull(level, rows, released, accumulator),
        }
    }

    /// Sets the sums of the long rows, by their slots.
    pub(crate) fn spread_pull_long(self, rows: &PullRows, released: &[f32], sums: &mut [f32]) {
        match self.0 {
            Implementation::Portable => {
                portable::spreading::pull_long(rows, rows.long_slots(), released, sums)
            }
            Implementation::Zig(level) => zig::spread_pull_long(level, rows, released, sums),
        }
    }

    /// What arrives at the rows of one chunk, of which long ones get nothing.
    pub(crate) fn spread_pull_chunk(
        self,
        rows: &PullRows,
        chunk: usize,
        released: &[f32],
    ) -> [f32; CHUNK_ROWS] {
        match self.0 {
            Implementation::Portable => portable::spreading::pull_chunk(rows, chunk, released),
            Implementation::Zig(level) => zig::spread_pull_chunk(level, rows, chunk, released),
        }
    }

    /// Pulls into chunks from `first` on, in which there is neither a seed nor a long row, and gives their
    /// nodes their next activation. Returns how many are active, and the greatest change.
    pub(crate) fn spread_hop(
        self,
        rows: &PullRows,
        first: usize,
        released: &[f32],
        chunks: Chunks<'_>,
        factors: Factors,
    ) -> (usize, f32) {
        match self.0 {
            Implementation::Portable => portable::spreading::hop(rows, first, released, chunks, factors),
            Implementation::Zig(level) => zig::spread_hop(level, rows, first, released, chunks, factors),
        }
    }
}
