//! Builds `zig/build.zig` and links the library that it installs.

fn main() {
    zig_build::Build::new("zig")
        .library("example_kernels")
        .symbol_prefix("example_")
        .allow_undefined(["memset"])
        .build()
        .link();
}
