//! The build of somebody else's build.zig, with what Rust needs added where that says nothing: position-independent
//! code, and C code without its sanitizer. It installs what that does, and the static libraries that those link.
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
        for (module.link_objects.items) |object| switch (object) {
            .other_step => |other| if (other.kind == .lib and other.linkage == .static) mend(b, other),
            else => {},
        };
    }
}
