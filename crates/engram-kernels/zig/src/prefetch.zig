//! Fetching what a scan will read soon.

/// Fetches the lines of `bytes` bytes from `offset` on, in bytes from `block`. They may lie beyond the
/// block: a prefetch reads nothing that a program could notice.
pub inline fn prefetch(block: *const anyopaque, offset: usize, comptime bytes: comptime_int) void {
    const lines = (bytes + 63) / 64;
    inline for (0..lines) |line| {
        const address = @intFromPtr(block) +% offset +% line * 64;
        @prefetch(@as([*]allowzero const u8, @ptrFromInt(address)), .{ .locality = 3 });
    }
}
