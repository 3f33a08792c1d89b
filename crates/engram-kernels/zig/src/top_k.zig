//! The greatest k of the keys of scored candidates, kept in a heap whose least is first.
//!
//!     key(id, score) = the score's bits, made to ascend with the score, then the id from the top down
//!     for each row: if key(row) is among the k greatest so far: keep it, in place of the least of k
//!
//! Keys are distinct numbers that order as the candidates do, so the k greatest are the same in whatever
//! order rows are offered. Most candidates are not among them, which the fast form sees for 16 at once.

const std = @import("std");

/// Scores that are compared at once.
const together = 16;
const Scores = @Vector(together, f32);
const Mask = u16;

/// A key that orders as the candidates do, the better the greater: NaN lowest, −0 as +0.
inline fn keyOf(id: u32, score: f32) u64 {
    const bits: u32 = @bitCast(score + 0.0);
    const ascending = if (score != score) 0 else if (bits >> 31 == 1) ~bits else bits | 1 << 31;
    return @as(u64, ascending) << 32 | ~id;
}

/// The score of a key; NaN of the lowest.
inline fn scoreOf(key: u64) f32 {
    const ascending: u32 = @truncate(key >> 32);
    return @bitCast(if (ascending >> 31 == 1) ascending & ~(@as(u32, 1) << 31) else ~ascending);
}

/// The best `k` so far: `keys[0..kept]`.
pub const Best = struct {
    keys: [*]u64,
    kept: usize,
    /// At least 1.
    k: usize,

    /// Offers the scores of candidates with ids from `first_id` on.
    pub fn offerAll(best: *Best, first_id: u32, scores: []const f32) void {
        var i: usize = 0;
        while (i + together <= scores.len) : (i += together) {
            var may_be_kept: Mask = std.math.maxInt(Mask);
            if (best.kept == best.k) {
                const least: Scores = @splat(scoreOf(best.keys[0]));
                const some: Scores = scores[i..][0..together].*;
                // Whatever is not less; of NaNs, nothing is.
                may_be_kept = ~@as(Mask, @bitCast(some < least));
            }
            while (may_be_kept != 0) : (may_be_kept &= may_be_kept - 1) {
                best.offer(first_id, scores, i + @ctz(may_be_kept));
            }
        }
        while (i < scores.len) : (i += 1) best.offer(first_id, scores, i);
    }

    inline fn offer(best: *Best, first_id: u32, scores: []const f32, at: usize) void {
        const key = keyOf(first_id +% @as(u32, @truncate(at)), scores[at]);
        if (best.kept < best.k) best.add(key) else if (key > best.keys[0]) best.replaceLeast(key);
    }

    fn add(best: *Best, key: u64) void {
        const keys = best.keys;
        var at = best.kept;
        best.kept += 1;
        while (at > 0 and keys[(at - 1) / 2] > key) : (at = (at - 1) / 2) keys[at] = keys[(at - 1) / 2];
        keys[at] = key;
    }

    fn replaceLeast(best: *Best, key: u64) void {
        const keys = best.keys;
        var at: usize = 0;
        // The lesser child moves up until neither is less than the key.
        while (2 * at + 1 < best.kept) {
            const left = 2 * at + 1;
            const child = if (left + 1 < best.kept and keys[left + 1] < keys[left]) left + 1 else left;
            if (keys[child] >= key) break;
            keys[at] = keys[child];
            at = child;
        }
        keys[at] = key;
    }
};
