//! Forgetting: strength × retention, for many memories.
//!
//!     ratio     = max(age, 0) / max(stability, 0)                       in f64
//!     halvings  = f32(ratio)                 half-life                  2^(−t/h)
//!               = f32(ratio · log2 e)        time constant              e^(−t/τ)
//!               = d · log2(f32(1 + ratio))   power                      (1 + t/τ)^(−d)
//!     retention = 2^(−halvings), +0 where halvings is above 126 or no number
//!
//! The fast form does the same to many memories at once, element by element; a tail goes in vectors of
//! half the width, and so on down to one.

const std = @import("std");
const contract = @import("contract.zig");
const prefetch = @import("prefetch.zig").prefetch;

pub const Curve = enum(u32) { half_life = 0, time_constant = 1, power = 2 };

/// Memories of a batch.
const batch = 64;

/// Memories between the fetching of their numbers and their use.
const ahead = 512;

/// Divisions at a time in a batch: two fill a short register.
const divisions = 2;

/// Results for all memories, in vectors of `width` (a power of two). In batches, the divisions of 64
/// memories go first, then their logarithms, if any, then their powers: with short registers, of which each step
/// takes many, a loop so holds one polynomial's constants, and steps that do not wait for one another
/// follow each other. Long registers need no such help.
pub inline fn apply(
    comptime width: comptime_int,
    comptime batches: bool,
    comptime curve: Curve,
    exponent: f32,
    strengths: [*]const f32,
    ages: [*]const f64,
    stabilities: [*]const f64,
    results: [*]f32,
    count: usize,
) void {
    var i: usize = 0;
    while (batches and i + batch <= count) : (i += batch) {
        fetch(batch, strengths + i, ages + i, stabilities + i);
        var numbers: [batch]f32 = undefined;
        var j: usize = 0;
        while (j < batch) : (j += divisions) {
            const age: @Vector(divisions, f64) = ages[i + j ..][0..divisions].*;
            numbers[j..][0..divisions].* = narrowed(divisions, curve, age, stabilities[i + j ..][0..divisions].*);
        }
        j = 0;
        while (curve == .power and j < batch) : (j += width) {
            numbers[j..][0..width].* = halvings(width, curve, exponent, numbers[j..][0..width].*);
        }
        j = 0;
        while (j < batch) : (j += width) {
            const strength: @Vector(width, f32) = strengths[i + j ..][0..width].*;
            results[i + j ..][0..width].* = strength * retention(width, numbers[j..][0..width].*);
        }
    }
    comptime var step = width;
    inline while (step > 0) : (step /= 2) {
        while (i + step <= count) : (i += step) {
            if (step == width) fetch(step, strengths + i, ages + i, stabilities + i);
            const number = narrowed(step, curve, ages[i..][0..step].*, stabilities[i..][0..step].*);
            const retained = retention(step, halvings(step, curve, exponent, number));
            results[i..][0..step].* = @as(@Vector(step, f32), strengths[i..][0..step].*) * retained;
        }
    }
}

/// Fetches the numbers of `memories` memories that come later.
inline fn fetch(
    comptime memories: comptime_int,
    strengths: [*]const f32,
    ages: [*]const f64,
    stabilities: [*]const f64,
) void {
    prefetch(strengths, ahead * @sizeOf(f32), memories * @sizeOf(f32));
    prefetch(ages, ahead * @sizeOf(f64), memories * @sizeOf(f64));
    prefetch(stabilities, ahead * @sizeOf(f64), memories * @sizeOf(f64));
}

/// The ratio as the curve has it in f32: of a power, its base.
inline fn narrowed(
    comptime width: comptime_int,
    comptime curve: Curve,
    ages: @Vector(width, f64),
    stabilities: @Vector(width, f64),
) @Vector(width, f32) {
    const D = @Vector(width, f64);
    const zero: D = @splat(0);
    // Not above 0, or NaN: 0. Then 0 / 0 is a NaN, which `retention` maps to 0.
    const age = @select(f64, ages > zero, ages, zero);
    const stability = @select(f64, stabilities > zero, stabilities, zero);
    const ratio = age / stability;
    return @floatCast(switch (curve) {
        .half_life => ratio,
        .time_constant => ratio * @as(D, @splat(contract.log2_e)),
        .power => @as(D, @splat(1)) + ratio,
    });
}

/// What `retention` takes, of a narrowed ratio.
inline fn halvings(
    comptime width: comptime_int,
    comptime curve: Curve,
    exponent: f32,
    number: @Vector(width, f32),
) @Vector(width, f32) {
    if (curve != .power) return number;
    const F = @Vector(width, f32);
    const finite = number <= @as(F, @splat(std.math.floatMax(f32)));
    const exponents: F = @splat(exponent);
    const infinite: F = @splat(std.math.inf(f32));
    return @select(f32, finite, exponents * log2(width, number), infinite);
}

/// 2^(−halvings) for halvings ≥ 0; +0 above 126 and for a NaN.
inline fn retention(comptime width: comptime_int, number: @Vector(width, f32)) @Vector(width, f32) {
    const F = @Vector(width, f32);
    const U = @Vector(width, u32);
    const greatest: F = @splat(contract.halvings_max);
    const round: F = @splat(contract.round_to_integer);
    const in_range = number <= greatest;
    const exponent = @select(f32, in_range, -number, -greatest);
    const shifted = exponent + round;
    const whole = shifted - round;
    const power = contract.horner(F, &contract.exp2_coefficients, exponent - whole);
    // The low bits of `shifted` hold the whole part, −126..=0: with the bias it is an exponent field.
    const bias: U = @splat(127 -% @as(u32, @bitCast(contract.round_to_integer)));
    const field = (@as(U, @bitCast(shifted)) +% bias) << @splat(23);
    const scaled = power * @as(F, @bitCast(field));
    return @select(f32, in_range, scaled, @as(F, @splat(0)));
}

/// log2 of a number ≥ 1.
inline fn log2(comptime width: comptime_int, number: @Vector(width, f32)) @Vector(width, f32) {
    const F = @Vector(width, f32);
    const U = @Vector(width, u32);
    const I = @Vector(width, i32);
    // Splits off the power of two that leaves a factor in [√½, √2).
    const root: U = @splat(contract.sqrt_half);
    const above = @as(U, @bitCast(number)) -% root;
    const whole: F = @floatFromInt(@as(I, @bitCast(above)) >> @splat(23));
    const factor: F = @bitCast((above & @as(U, @splat(0x007f_ffff))) +% root);
    const excess = factor - @as(F, @splat(1));
    return whole + excess * contract.horner(F, &contract.log2_coefficients, excess);
}
