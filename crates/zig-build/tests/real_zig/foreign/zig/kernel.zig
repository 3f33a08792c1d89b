//! Without the C library, Zig's code is bound to a place unless `.pic` says otherwise.

const names = [_][*:0]const u8{ "zero", "one", "two" };
var counter: c_int = 0;

export fn outer_name(i: c_int) [*:0]const u8 {
    return names[@intCast(@mod(i, 3))];
}

export fn outer_f(i: c_int) c_int {
    counter +%= i;
    return counter +% 7;
}
