//! With the feature `zig-kernels`, builds the Zig kernels and links them; else does nothing.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(engram_zig)");
    #[cfg(feature = "zig-kernels")]
    zig();
    #[cfg(not(feature = "zig-kernels"))]
    println!("cargo::rerun-if-changed=build.rs");
}

#[cfg(feature = "zig-kernels")]
fn zig() {
    use zig_build::{Build, Cpu, Optimize};

    let artifact = Build::new("zig")
        .library("engram_kernels")
        .cargo_feature("zig-kernels")
        .optimize(Optimize::ReleaseFast)
        .cpu(Cpu::Baseline)
        .symbol_prefix("engram_")
        .allow_undefined([""; 0])
        .watch("include/engram_kernels.h")
        .build();
    artifact.link();
    // docs.rs and Miri build without: the portable kernels stand in.
    if let Some(library) = artifact.path() {
        println!("cargo::rustc-cfg=engram_zig");
        println!("cargo::rustc-env=ENGRAM_KERNELS_ARCHIVE={}", library.display());
    }
}
