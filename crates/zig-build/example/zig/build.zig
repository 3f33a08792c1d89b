//! One static library for a Rust program, with nothing in it that the program did not ask for.
const std = @import("std");

pub fn build(b: *std.Build) void {
    const lib = b.addLibrary(.{
        .name = "example_kernels",
        .linkage = .static,
        .use_llvm = true,
        .root_module = b.createModule(.{
            .root_source_file = b.path("src/kernel.zig"),
            .target = b.standardTargetOptions(.{}),
            .optimize = b.standardOptimizeOption(.{}),
            .pic = true, // Rust links position-independent programs
            .strip = true,
            .link_libc = false,
            .single_threaded = true,
            .unwind_tables = .none,
            .stack_check = false, // these three call functions that nothing here defines
            .stack_protector = false,
            .sanitize_c = .off,
        }),
    });
    // Either would put hundreds of weak symbols, memcpy among them, into the Rust program.
    lib.bundle_compiler_rt = false;
    lib.bundle_ubsan_rt = false;
    b.installArtifact(lib);
}
