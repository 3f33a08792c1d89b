//! Builds the kernels: one object per processor level from one source, and the functions of the C
//! interface, which pick among them, in one static library.
//!
//!     zig build                      lib/libengram_kernels.a and include/engram_kernels.h
//!     zig build test                 the golden vectors, at every level that this machine runs
//!     zig build test -Dtarget=aarch64-linux -fqemu
//!     zig build wasm -Dtarget=wasm32-freestanding
//!                                    bin/engram_kernels.wasm, a module that exports the functions
const std = @import("std");
const Optimize = std.builtin.OptimizeMode;
const x86 = std.Target.x86;

pub fn build(b: *std.Build) void {
    var query = b.standardTargetOptionsQueryOnly(.{});
    // Never the building machine's own processor by accident.
    if (query.cpu_model == .determined_by_arch_os) query.cpu_model = .baseline;
    const optimize = b.option(Optimize, "optimize", "ReleaseFast unless said otherwise") orelse Optimize.ReleaseFast;

    const kernels: Kernels = .{ .b = b, .query = query, .optimize = optimize };
    const lib = b.addLibrary(.{
        .name = "engram_kernels",
        .linkage = .static,
        .use_llvm = true,
        .root_module = kernels.interface(.hidden),
    });
    lib.bundle_compiler_rt = false; // would bring memcpy and hundreds more into the user's program
    lib.bundle_ubsan_rt = false;
    lib.installHeader(b.path("../include/engram_kernels.h"), "engram_kernels.h");
    b.installArtifact(lib);

    const tests = b.addTest(.{
        .name = "golden_vectors",
        .use_llvm = true,
        .root_module = kernels.module("src/tests.zig", query),
    });
    tests.root_module.linkLibrary(lib);
    for ([_][]const u8{ "similarity", "decay", "spreading" }) |name| {
        tests.root_module.addAnonymousImport(b.fmt("{s}.txt", .{name}), .{
            .root_source_file = b.path(b.fmt("../vectors/{s}.txt", .{name})),
        });
    }
    const run = b.addRunArtifact(tests);
    run.skip_foreign_checks = false;
    b.step("test", "Compare the kernels with the golden vectors").dependOn(&run.step);

    const wasm = b.step("wasm", "A WebAssembly module that exports the kernels");
    if (kernels.arch() == .wasm32) {
        const module = b.addExecutable(.{
            .name = "engram_kernels",
            .use_llvm = true,
            .root_module = kernels.interface(.default),
        });
        module.entry = .disabled;
        module.rdynamic = true;
        wasm.dependOn(&b.addInstallArtifact(module, .{}).step);
    } else {
        wasm.dependOn(&b.addFail("the wasm step needs -Dtarget=wasm32-freestanding").step);
    }
}

const Kernels = struct {
    b: *std.Build,
    query: std.Target.Query,
    optimize: Optimize,

    fn arch(kernels: Kernels) std.Target.Cpu.Arch {
        return kernels.b.resolveTargetQuery(kernels.query).result.cpu.arch;
    }

    /// The functions of the C interface, with the objects of the levels that they pick among.
    fn interface(kernels: Kernels, visibility: std.builtin.SymbolVisibility) *std.Build.Module {
        const b = kernels.b;
        const exports = kernels.module("src/exports.zig", kernels.query);
        const config = b.addOptions();
        config.addOption(bool, "hidden", visibility == .hidden);
        exports.addOptions("config", config);

        var query = kernels.query;
        switch (kernels.arch()) {
            .x86_64 => {
                query.cpu_features_add = .empty;
                query.cpu_features_sub = .empty;
                query.cpu_model = .{ .explicit = &x86.cpu.x86_64_v2 };
                exports.addObject(kernels.level(query, "x86_64_v2"));
                query.cpu_model = .{ .explicit = &x86.cpu.x86_64_v3 };
                exports.addObject(kernels.level(query, "x86_64_v3"));
                query.cpu_model = .{ .explicit = &x86.cpu.x86_64_v4 };
                query.cpu_features_sub = x86.featureSet(&.{.prefer_256_bit}); // else no 512-bit registers
                exports.addObject(kernels.level(query, "x86_64_v4"));
            },
            .aarch64 => exports.addObject(kernels.level(query, "neon")),
            .wasm32 => {
                query.cpu_features_add.addFeatureSet(std.Target.wasm.featureSet(&.{.simd128}));
                exports.addObject(kernels.level(query, "wasm_simd128"));
            },
            else => {}, // no level: `engram_kernels_best_level` returns 0
        }
        return exports;
    }

    /// One object with the kernels as compiled for one processor level.
    fn level(kernels: Kernels, query: std.Target.Query, name: []const u8) *std.Build.Step.Compile {
        const b = kernels.b;
        const config = b.addOptions();
        config.addOption([]const u8, "level", name);
        const root = kernels.module("src/level.zig", query);
        root.addOptions("config", config);
        const object = b.addObject(.{
            .name = b.fmt("engram_kernels_{s}", .{name}),
            .use_llvm = true,
            .root_module = root,
        });
        object.bundle_compiler_rt = false;
        object.bundle_ubsan_rt = false;
        return object;
    }

    fn module(kernels: Kernels, path: []const u8, query: std.Target.Query) *std.Build.Module {
        const b = kernels.b;
        return b.createModule(.{
            .root_source_file = b.path(path),
            .target = b.resolveTargetQuery(query),
            .optimize = kernels.optimize,
            .pic = true, // Rust links position-independent programs
            .strip = true,
            .link_libc = false,
            .single_threaded = true,
            .unwind_tables = .none,
            .stack_check = false,
            .stack_protector = false,
            .sanitize_c = .off,
        });
    }
};
