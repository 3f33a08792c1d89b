//! The build of somebody else's build.zig, with what Rust needs added where that says nothing: position-independent
//! code, and C code without its sanitizer. It installs what that does, and the static libraries that those link, with a
//! list of the system's libraries that they need.
const std = @import("std");

pub fn build(b: *std.Build) void {
    const it = b.dependency("it", .{
        // OPTIONS
    });
    for (it.builder.install_tls.step.dependencies.items) |step| {
        if (step.cast(std.Build.Step.InstallArtifact)) |install| {
            mend(b, install.artifact);
        } else if (step.cast(std.Build.Step.InstallFile)) |install| {
            const file = b.addInstallFileWithDir(install.source, install.dir, install.dest_rel_path);
            b.getInstallStep().dependOn(&file.step);
        } else if (step.cast(std.Build.Step.InstallDir)) |install| {
            b.getInstallStep().dependOn(&b.addInstallDirectory(install.options).step);
        }
    }
    const list = b.addWriteFiles().add("list", system.items);
    const file = b.addInstallFileWithDir(list, .prefix, "system-libraries.txt");
    b.getInstallStep().dependOn(&file.step);
}

var system: std.ArrayList(u8) = .empty;

fn need(b: *std.Build, kind: []const u8, name: []const u8) void {
    system.appendSlice(b.allocator, b.fmt("{s}={s}\n", .{ kind, name })) catch @panic("OOM");
}

fn mend(b: *std.Build, artifact: *std.Build.Step.Compile) void {
    for (b.getInstallStep().dependencies.items) |step| {
        const known = step.cast(std.Build.Step.InstallArtifact) orelse continue;
        if (known.artifact == artifact) return;
    }
    b.installArtifact(artifact);
    for (artifact.root_module.getGraph().modules) |module| {
        if (module.pic == null) module.pic = true;
        if (module.sanitize_c == null) module.sanitize_c = .off;
        const static = artifact.kind == .lib and artifact.linkage == .static;
        if (static) for (module.frameworks.keys()) |name| need(b, "framework", name);
        for (module.link_objects.items) |object| switch (object) {
            .other_step => |other| if (other.kind == .lib and other.linkage == .static) mend(b, other),
            .system_lib => |library| if (static) need(b, "dylib", library.name),
            else => {},
        };
    }
}
