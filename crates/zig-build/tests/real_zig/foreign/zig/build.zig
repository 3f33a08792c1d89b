//! What somebody else's build.zig does: two C libraries, one of which needs the other, and one in Zig. Nothing is set
//! for Rust; the options turn on what makes it hard to link.
const std = @import("std");

pub fn build(b: *std.Build) void {
    const target = b.standardTargetOptions(.{});
    const optimize = b.standardOptimizeOption(.{});
    const system = b.option([]const u8, "system", "A library of the system, which the outer one links");
    const compiler_rt = b.option(bool, "compiler-rt", "Bring compiler_rt along") orelse false;
    const cpp = b.option(bool, "cpp", "C++ code in the outer library") orelse false;
    const tool = b.option(bool, "tool", "Install a program and a dynamic library in C++ only") orelse false;
    const kernel = b.option(bool, "kernel", "Install the library in Zig only") orelse false;
    const apart = b.option(bool, "apart", "Do not install the inner library") orelse false;
    const fixed = b.option(bool, "fixed", "Code for one address, whatever anybody wants") orelse false;
    const switches = b.option(bool, "switches", "Code for one address, unless -Dpic is set") orelse false;
    const pic: ?bool = if (switches) b.option(bool, "pic", "Position-independent code") orelse false else if (fixed) false else null;

    if (kernel) {
        const module = b.createModule(.{
            .root_source_file = b.path("kernel.zig"),
            .target = target,
            .optimize = optimize,
            .pic = pic,
        });
        b.installArtifact(b.addLibrary(.{ .name = "kernel", .linkage = .static, .root_module = module }));
        return;
    }
    if (tool) {
        const module = b.createModule(.{ .target = target, .optimize = optimize, .link_libcpp = true });
        module.addCSourceFile(.{ .file = b.path("inner.c") });
        module.addCSourceFile(.{ .file = b.path("outer.c") });
        module.addCSourceFile(.{ .file = b.path("outer.cpp") });
        b.installArtifact(b.addLibrary(.{ .name = "outer", .linkage = .dynamic, .root_module = module }));
        const program = b.createModule(.{ .target = target, .optimize = optimize, .link_libc = true });
        program.addCSourceFile(.{ .file = b.path("tool.c") });
        b.installArtifact(b.addExecutable(.{ .name = "tool", .root_module = program }));
        return;
    }
    const inner = b.createModule(.{ .target = target, .optimize = optimize, .link_libc = true });
    inner.addCSourceFile(.{ .file = b.path("inner.c") });
    const inner_library = b.addLibrary(.{ .name = "inner", .linkage = .static, .root_module = inner });
    const outer = b.createModule(.{ .target = target, .optimize = optimize, .link_libc = true });
    outer.addCSourceFile(.{ .file = b.path("outer.c"), .flags = if (system != null) &.{"-DSYSTEM"} else &.{} });
    if (cpp) {
        outer.link_libcpp = true;
        outer.addCSourceFile(.{ .file = b.path("outer.cpp") });
    }
    outer.linkLibrary(inner_library);
    if (system) |name| outer.linkSystemLibrary(name, .{});
    const outer_library = b.addLibrary(.{ .name = "outer", .linkage = .static, .root_module = outer });
    outer_library.bundle_compiler_rt = compiler_rt;
    if (!apart) b.installArtifact(inner_library);
    b.installArtifact(outer_library);
}
