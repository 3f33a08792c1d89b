//! The arithmetic contract: what every implementation shares to give the same bits. The Rust half
//! describes it in `src/contract.rs`; the golden vectors hold both to it.

/// Lanes of a reduction: element i belongs to lane i mod 32.
pub const lanes = 32;

/// 1.5 · 2^23: adding and subtracting it rounds to the nearest integer, ties to even; the low bits of
/// the sum are that integer.
pub const round_to_integer: f32 = 12_582_912.0;

/// log2(e).
pub const log2_e: f64 = @bitCast(@as(u64, 0x3ff7_1547_652b_82fe));

/// More halvings than this give +0: 2^-126 is the smallest normal number.
pub const halvings_max: f32 = 126.0;

/// 2^f for |f| ≤ ½, lowest power first, as bits.
pub const exp2_coefficients = [7]u32{
    0x3f80_0000, 0x3f31_7218, 0x3e75_fdca, 0x3d63_57cf, 0x3c1d_b40b, 0x3aaf_7a6e, 0x390b_cd27,
};

/// log2(1 + f) / f for 1 + f in [√½, √2), lowest power first, as bits.
pub const log2_coefficients = [10]u32{
    0x3fb8_aa3b, 0xbf38_aa37, 0x3ef6_3922, 0xbeb8_ae9f, 0x3e93_93a7,
    0xbe74_d92c, 0x3e57_3238, 0xbe4d_5fc9, 0x3e1f_d3c4, 0xbd50_ef81,
};

/// Bits of the f32 just below √½, where the interval of `log2_coefficients` begins.
pub const sqrt_half: u32 = 0x3f35_04f3;

/// A polynomial at each element of `x`, in Horner order: multiply, then add, never fused.
pub inline fn horner(comptime V: type, comptime coefficients: []const u32, x: V) V {
    var sum: V = @splat(@bitCast(coefficients[coefficients.len - 1]));
    comptime var power = coefficients.len - 1;
    inline while (power > 0) {
        power -= 1;
        sum = sum * x + @as(V, @splat(@bitCast(coefficients[power])));
    }
    return sum;
}
