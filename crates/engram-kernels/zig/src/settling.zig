//! The end of a hop: what has arrived at nodes becomes their next activation.
//!
//!     for each node of each line: next = min(retention · x + hop_decay · a, 2^60)
//!         greatest change = max(that, |next - x|); x = next; a = 0; active += node if next > 0

const fetch = @import("prefetch.zig").fetch;

/// Nodes of a line: their activations fill one of the caches.
const line_nodes = 16;
const Line = @Vector(line_nodes, f32);

/// Lines between the fetching of a line and its use.
const ahead = 16;

/// Where activations saturate: 2^60.
const activation_max: Line = @splat(0x1p60);

/// The members of each set of 8 lanes, ascending, and then zeros.
const members: [256][8]u8 = blk: {
    @setEvalBranchQuota(10_000);
    var all: [256][8]u8 = @splat(@splat(0));
    for (&all, 0..) |*set, bits| {
        var count: usize = 0;
        for (0..8) |lane| {
            if (bits >> lane & 1 == 1) {
                set[count] = lane;
                count += 1;
            }
        }
    }
    break :blk all;
};

pub const Settle = struct {
    lines: [*]const u32,
    num_lines: usize,
    activation: [*]f32,
    accumulator: [*]f32,
    retention: f32,
    hop_decay: f32,
    active: [*]u32,
};

pub const Settled = struct { num_active: usize, greatest_change: f32 };

/// Gives the nodes of each line their next activation, and collects the active ones if they are to be `listed`,
/// or else counts them.
pub inline fn settle(s: Settle, comptime listed: bool) Settled {
    const retention: Line = @splat(s.retention);
    const hop_decay: Line = @splat(s.hop_decay);
    // Numbers that are not negative are ordered as their bits are.
    var greatest: @Vector(line_nodes, u32) = @splat(0);
    var count: usize = 0;
    for (0..s.num_lines) |index| {
        if (index + ahead < s.num_lines) {
            const next: usize = s.lines[index + ahead];
            fetch(s.activation, next * line_nodes, 3);
            fetch(s.accumulator, next * line_nodes, 3);
        }
        const line: usize = s.lines[index];
        const activation = s.activation[line * line_nodes ..][0..line_nodes];
        const accumulator = s.accumulator[line * line_nodes ..][0..line_nodes];
        const x: Line = activation.*;
        const sum = retention * x + hop_decay * @as(Line, accumulator.*);
        const next = @select(f32, sum < activation_max, sum, activation_max);
        greatest = @max(greatest, @as(@Vector(line_nodes, u32), @bitCast(@abs(next - x))));
        activation.* = next;
        accumulator.* = @as(Line, @splat(0));
        // Collected without a branch, because which nodes are active cannot be predicted.
        const set: u16 = @bitCast(next > @as(Line, @splat(0)));
        inline for (0..2) |half| {
            const lanes: u8 = @truncate(set >> (8 * half));
            const first: @Vector(8, u32) = @splat(@intCast(line * line_nodes + 8 * half));
            const nodes = first + @as(@Vector(8, u32), @as(@Vector(8, u8), members[lanes]));
            if (listed) s.active[count..][0..8].* = nodes;
            count += @popCount(lanes);
        }
    }
    return .{ .num_active = count, .greatest_change = @bitCast(@reduce(.Max, greatest)) };
}
