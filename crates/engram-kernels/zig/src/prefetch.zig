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

/// Fetches the line of element `index` of an array of 4-byte elements, which may lie beyond it. A locality
/// of 0 is past the caches, for what is used once.
pub inline fn fetch(array: anytype, index: usize, comptime locality: u2) void {
    const address = @intFromPtr(array) +% index *% 4;
    @prefetch(@as([*]allowzero const u8, @ptrFromInt(address)), .{ .locality = locality });
}
