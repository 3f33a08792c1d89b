//! What this processor can run: cpuid says what it has, xgetbv which registers the system saves.

const builtin = @import("builtin");
const Level = @import("abi.zig").Level;

/// The best level of this library that this processor runs, or `.portable` for none. On x86-64 it runs
/// the levels below it, too. Costs a few hundred cycles, more in a virtual machine: ask once.
pub fn bestLevel() Level {
    return switch (builtin.cpu.arch) {
        .x86_64 => x86Level(),
        .aarch64 => .neon, // part of the architecture
        .wasm32 => .wasm_simd128, // an engine without it refuses the module
        else => .portable,
    };
}

const Leaf = struct { eax: u32, ebx: u32, ecx: u32, edx: u32 };

/// The levels of the x86-64 psABI, "Micro-architecture levels".
fn x86Level() Level {
    const highest = cpuid(0).eax;
    const highest_extended = cpuid(0x8000_0000).eax;
    if (highest < 1 or highest_extended < 0x8000_0001) return .portable;
    const basic = cpuid(1).ecx;
    const extended = cpuid(0x8000_0001).ecx;

    // SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT; LAHF.
    if (!has(basic, &.{ 0, 9, 13, 19, 20, 23 }) or !has(extended, &.{0})) return .portable;
    // FMA, MOVBE, XSAVE, OSXSAVE, AVX, F16C; LZCNT.
    if (highest < 7 or !has(basic, &.{ 12, 22, 26, 27, 28, 29 }) or !has(extended, &.{5})) return .x86_64_v2;
    const saved = xgetbv();
    const structured = cpuid(7).ebx;
    // BMI1, AVX2, BMI2; the system saves the xmm and ymm registers.
    if (!has(structured, &.{ 3, 5, 8 }) or !has(saved, &.{ 1, 2 })) return .x86_64_v2;
    // AVX-512 F, DQ, CD, BW, VL; the system saves the mask and zmm registers.
    if (!has(structured, &.{ 16, 17, 28, 30, 31 }) or !has(saved, &.{ 5, 6, 7 })) return .x86_64_v3;
    return .x86_64_v4;
}

fn has(word: u32, comptime bits: []const u5) bool {
    comptime var mask: u32 = 0;
    inline for (bits) |bit| mask |= 1 << bit;
    return word & mask == mask;
}

/// Sub-leaf 0 of a leaf.
fn cpuid(leaf: u32) Leaf {
    var eax: u32 = undefined;
    var ebx: u32 = undefined;
    var ecx: u32 = undefined;
    var edx: u32 = undefined;
    asm volatile ("cpuid"
        : [_] "={eax}" (eax),
          [_] "={ebx}" (ebx),
          [_] "={ecx}" (ecx),
          [_] "={edx}" (edx),
        : [_] "{eax}" (leaf),
          [_] "{ecx}" (@as(u32, 0)),
    );
    return .{ .eax = eax, .ebx = ebx, .ecx = ecx, .edx = edx };
}

/// The low half of extended control register 0.
fn xgetbv() u32 {
    return asm volatile (
        \\ xorl %%ecx, %%ecx
        \\ xgetbv
        : [_] "={eax}" (-> u32),
        :
        : .{ .edx = true, .ecx = true });
}
