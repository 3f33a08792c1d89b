//! The types of the C interface: `include/engram_kernels.h` describes each function. The functions of
//! each level have the same types, without the level and the result.

pub const version: u32 = 2;

pub const Status = enum(u32) { done = 0, no_such_level = 1, no_such_curve = 2, bad_graph = 3 };

pub const Level = enum(u32) {
    portable = 0,
    x86_64_v2 = 2,
    x86_64_v3 = 3,
    x86_64_v4 = 4,
    neon = 16,
    wasm_simd128 = 32,
    _,
};

pub const Numbers = ?[*]const f32;
pub const Indices = ?[*]const u32;
pub const Codes = ?[*]const i8;

/// The kernels as each level exports them, as `engram_<level>_<name>`.
pub const kernels = struct {
    pub const vector_similarity = fn (Numbers, f32, Numbers, ?[*]f32, usize, usize) callconv(.c) Status;
    pub const vector_dot = fn (Numbers, Numbers, ?[*]f32, usize, usize) callconv(.c) Status;
    pub const vector_dot_top_k = fn (Numbers, Numbers, usize, usize, u32, ?[*]u64, *usize, usize) callconv(.c) Status;
    pub const vector_norms = fn (Numbers, ?[*]f32, usize, usize) callconv(.c) Status;
    pub const vector_dot_i8 = fn (?[*]const i16, Codes, ?[*]i32, usize, usize) callconv(.c) Status;
    pub const spread_activation_push = fn (
        Indices,
        Numbers,
        usize,
        Indices,
        usize,
        Indices,
        Numbers,
        usize,
        ?[*]f32,
        usize,
        ?[*]u8,
        ?[*]u8,
    ) callconv(.c) Status;
    pub const spread_activation_settle = fn (
        Indices,
        usize,
        ?[*]f32,
        ?[*]f32,
        f32,
        f32,
        ?[*]u32,
        *usize,
        *f32,
    ) callconv(.c) Status;
    pub const spread_activation_pull = fn (Indices, Indices, Numbers, Indices, usize, Numbers, ?[*]f32) callconv(.c) Status;
    pub const spread_activation_pull_rows = spread_activation_pull;
    pub const spread_activation_pull_batch = fn (Indices, usize, Indices, Numbers, usize, Numbers, ?[*]f32) callconv(.c) Status;
    pub const spread_activation_hop = fn (
        Indices,
        usize,
        Indices,
        Numbers,
        Numbers,
        ?[*]f32,
        f32,
        f32,
        Numbers,
        Numbers,
        usize,
        ?[*]f32,
        *usize,
        *f32,
    ) callconv(.c) Status;
    pub const spread_activation_hop_batch = fn (
        Indices,
        usize,
        Indices,
        Numbers,
        usize,
        Numbers,
        ?[*]f32,
        f32,
        f32,
        Numbers,
        usize,
        ?[*]f32,
        *[8]f32,
    ) callconv(.c) Status;
    pub const apply_decay = fn (Numbers, ?[*]const f64, ?[*]const f64, ?[*]f32, usize, u32, f32) callconv(.c) Status;
};

pub const kernel_names = [_][]const u8{
    "vector_similarity",
    "vector_dot",
    "vector_dot_top_k",
    "vector_norms",
    "vector_dot_i8",
    "spread_activation_push",
    "spread_activation_settle",
    "spread_activation_pull",
    "spread_activation_pull_rows",
    "spread_activation_pull_batch",
    "spread_activation_hop",
    "spread_activation_hop_batch",
    "apply_decay",
};

/// What a pointer that may be null points to: nothing is read through it where its length is 0.
pub inline fn many(pointer: anytype) @typeInfo(@TypeOf(pointer)).optional.child {
    return pointer orelse @ptrFromInt(64);
}
