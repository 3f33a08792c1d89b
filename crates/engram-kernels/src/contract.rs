//! The arithmetic contract: everything that two implementations must share to give the same bits.
//!
//! - Reductions in `f32` run over [`LANES`] lanes: element *i* belongs to lane *i mod 32*, lanes start
//!   at +0, each element is multiplied and then added (two roundings, never fused), and a tail adds
//!   only to the lanes that it has. [`sum_lanes`] then folds the lanes by halving.
//! - Division and square root are IEEE's. Subnormal numbers are kept.
//! - Polynomials are evaluated in Horner order from the coefficients below, which are given as bit
//!   patterns so that no decimal conversion stands between two languages.
//! - Weights are at most [`WEIGHT_MAX`]; seeds, activations and reciprocals of out-weights saturate at
//!   [`ACTIVATION_MAX`], so that no product with a zero (a padding, say) can be a NaN.

/// Lanes of a reduction: two AVX-512 registers, four AVX, eight SSE or NEON.
pub const LANES: usize = 32;

/// The greatest weight of an edge: 2^40.
pub const WEIGHT_MAX: f32 = 1_099_511_627_776.0;

/// Where seeds, activations and reciprocals of out-weights saturate: 2^60.
pub const ACTIVATION_MAX: f32 = 1_152_921_504_606_846_976.0;

/// 1.5 · 2^23: adding and subtracting it rounds an `f32` of magnitude below 2^22 to the nearest
/// integer, ties to even; the sum's low mantissa bits *are* that integer.
pub const ROUND_TO_INTEGER: f32 = 12_582_912.0;

/// Bits of log2(e) in `f64`, the factor that turns e^(−u) into 2^(−u·log2 e).
pub const LOG2_E: u64 = 0x3ff7_1547_652b_82fe;

/// Exponents above this many halvings give +0: 2^-126 is the smallest normal `f32`.
pub const HALVINGS_MAX: f32 = 126.0;

/// 2^f for |f| ≤ ½, lowest power first.
pub const EXP2_COEFFICIENTS: [u32; 7] =
    [0x3f80_0000, 0x3f31_7218, 0x3e75_fdca, 0x3d63_57cf, 0x3c1d_b40b, 0x3aaf_7a6e, 0x390b_cd27];

/// log2(1 + f) / f for 1 + f in [√½, √2), lowest power first.
pub const LOG2_COEFFICIENTS: [u32; 10] = [
    0x3fb8_aa3b,
    0xbf38_aa37,
    0x3ef6_3922,
    0xbeb8_ae9f,
    0x3e93_93a7,
    0xbe74_d92c,
    0x3e57_3238,
    0xbe4d_5fc9,
    0x3e1f_d3c4,
    0xbd50_ef81,
];

/// Bits of the `f32` just below √½: where [`LOG2_COEFFICIENTS`]' interval begins.
pub const SQRT_HALF: u32 = 0x3f35_04f3;

/// Folds 32 lanes into one sum: lane *j* += lane *j + 16*, then + 8, + 4, + 2, + 1.
#[inline(always)]
pub fn sum_lanes(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// The lesser of `value` and [`ACTIVATION_MAX`]; a NaN (which 0 · ∞ could make) gives the maximum.
#[inline(always)]
pub fn saturate(value: f32) -> f32 {
    if value < ACTIVATION_MAX { value } else { ACTIVATION_MAX }
}

/// A polynomial with `coefficients` (bits, lowest power first) at `x`, in Horner order.
#[inline(always)]
pub fn horner<const N: usize>(coefficients: &[u32; N], x: f32) -> f32 {
    let mut sum = f32::from_bits(coefficients[N - 1]);
    for power in (0..N - 1).rev() {
        sum = sum * x + f32::from_bits(coefficients[power]);
    }
    sum
}
