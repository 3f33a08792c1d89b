//! Every tier-1 and tier-2 Rust target with the Zig target and processor that make the same kind of object file.
//!
//! The processor is always spelt out. Zig's own word `baseline` is not used, because its meaning moves between Zig
//! releases (0.17 raised it for s390x and powerpc64) and lies above Rust's for some targets (visionOS, watchOS).
//! Where the processor alone does not settle the float calling convention, features are added or taken away as
//! Rust's own target specification does. Features that Rust reports for the build come on top: see `features.rs`.
//!
//! Apple triples carry the oldest system that Rust itself supports, else the linker warns about objects "built for a
//! newer version"; `target.rs` raises it to the `*_DEPLOYMENT_TARGET` variable of the build. Solaris objects are made
//! for illumos, which has the same ABI and, unlike Solaris, a name in every Zig version.
//!
//! Bare-metal and enclave targets, and systems that Zig has no name for but whose objects are plain System V ones,
//! are `freestanding`: code compiled so asks nothing of an operating system.

/// What a Rust target is for Zig.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// The same triple for every Zig version, and the processor.
    Zig(&'static str, &'static str),
    /// Triple before Zig 0.16, triple from 0.16 on, processor. Mac Catalyst got a name of its own then, and 32-bit UEFI
    /// the underscore that Rust expects before each symbol.
    Renamed(&'static str, &'static str, &'static str),
    /// No Zig target makes objects that link into this Rust target, and why.
    Impossible(&'static str),
}

use Row::{Impossible, Renamed, Zig};

const NO_PTX: &str = "Rust's PTX linker takes LLVM bitcode, not a static library";
const NO_ARM64EC: &str = "Zig has no ARM64EC code generator";
const ELF_V1: &str = "Rust uses the ELFv1 calling convention there, Zig only ELFv2";

const ARM_V7_SOFT: &str = "generic+has_v7+aclass+db+dsp+soft_float";
const ARM_V7_HARD: &str = "generic+has_v7+aclass+db+dsp+vfp3d16";
const RV32: &str = "generic_rv32";
const X86_64_SOFT: &str = "x86_64-mmx-sse-sse2+soft_float";

/// Sorted by Rust name, for binary search.
#[rustfmt::skip]
pub(crate) const TABLE: &[(&str, Row)] = &[
    ("aarch64-apple-darwin", Zig("aarch64-macos.11.0", "apple_m1")),
    ("aarch64-apple-ios", Zig("aarch64-ios.10.0", "apple_a7")),
    ("aarch64-apple-ios-macabi", Renamed("aarch64-ios.14.0-macabi", "aarch64-maccatalyst.14.0", "apple_a12")),
    ("aarch64-apple-ios-sim", Zig("aarch64-ios.14.0-simulator", "apple_a7")),
    ("aarch64-apple-tvos", Zig("aarch64-tvos.10.0", "apple_a7")),
    ("aarch64-apple-tvos-sim", Zig("aarch64-tvos.14.0-simulator", "apple_a7")),
    ("aarch64-apple-visionos", Zig("aarch64-visionos.1.0", "apple_a12")),
    ("aarch64-apple-visionos-sim", Zig("aarch64-visionos.1.0-simulator", "apple_a12")),
    ("aarch64-apple-watchos", Zig("aarch64-watchos.26.0", "apple_a7")),
    ("aarch64-apple-watchos-sim", Zig("aarch64-watchos.7.0-simulator", "apple_a7")),
    ("aarch64-linux-android", Zig("aarch64-linux-android", "generic")),
    ("aarch64-pc-windows-gnullvm", Zig("aarch64-windows-gnu", "generic")),
    ("aarch64-pc-windows-msvc", Zig("aarch64-windows-msvc", "generic")),
    ("aarch64-unknown-fuchsia", Zig("aarch64-fuchsia", "generic")),
    ("aarch64-unknown-linux-gnu", Zig("aarch64-linux-gnu", "generic")),
    ("aarch64-unknown-linux-musl", Zig("aarch64-linux-musl", "generic")),
    ("aarch64-unknown-linux-ohos", Zig("aarch64-linux-ohos", "generic")),
    ("aarch64-unknown-none", Zig("aarch64-freestanding", "generic+strict_align")),
    ("aarch64-unknown-none-softfloat", Zig("aarch64-freestanding", "generic+strict_align-neon-fp_armv8")),
    ("aarch64-unknown-uefi", Zig("aarch64-uefi", "generic")),
    ("arm-linux-androideabi", Zig("arm-linux-androideabi", "generic+has_v5te+strict_align+soft_float")),
    ("arm-unknown-linux-gnueabi", Zig("arm-linux-gnueabi", "generic+has_v6+strict_align+soft_float")),
    ("arm-unknown-linux-gnueabihf", Zig("arm-linux-gnueabihf", "generic+has_v6+vfp2+strict_align")),
    ("arm-unknown-linux-musleabi", Zig("arm-linux-musleabi", "generic+has_v6+strict_align+soft_float")),
    ("arm-unknown-linux-musleabihf", Zig("arm-linux-musleabihf", "generic+has_v6+vfp2+strict_align")),
    ("arm64ec-pc-windows-msvc", Impossible(NO_ARM64EC)),
    ("armv5te-unknown-linux-gnueabi", Zig("arm-linux-gnueabi", "generic+has_v5te+strict_align+soft_float")),
    ("armv5te-unknown-linux-musleabi", Zig("arm-linux-musleabi", "generic+has_v5te+strict_align+soft_float")),
    ("armv7-linux-androideabi", Zig("arm-linux-androideabi", ARM_V7_HARD)),
    ("armv7-unknown-linux-gnueabi", Zig("arm-linux-gnueabi", ARM_V7_SOFT)),
    ("armv7-unknown-linux-gnueabihf", Zig("arm-linux-gnueabihf", ARM_V7_HARD)),
    ("armv7-unknown-linux-musleabi", Zig("arm-linux-musleabi", ARM_V7_SOFT)),
    ("armv7-unknown-linux-musleabihf", Zig("arm-linux-musleabihf", ARM_V7_HARD)),
    ("armv7-unknown-linux-ohos", Zig("arm-linux-ohoseabi", ARM_V7_SOFT)),
    ("armv7a-none-eabi", Zig("arm-freestanding-eabi", "generic+has_v7+aclass+db+dsp+soft_float+strict_align")),
    ("armv7a-none-eabihf", Zig("arm-freestanding-eabihf", "generic+has_v7+aclass+db+dsp+vfp3d16+strict_align")),
    ("armv7r-none-eabi", Zig("arm-freestanding-eabi", "generic+v7r+soft_float")),
    ("armv7r-none-eabihf", Zig("arm-freestanding-eabihf", "generic+v7r+vfp3d16")),
    ("armv8r-none-eabihf", Zig("arm-freestanding-eabihf", "generic+has_v8+rclass+db+dsp+fp_armv8d16sp")),
    ("i586-unknown-linux-gnu", Zig("x86-linux-gnu", "pentium")),
    ("i586-unknown-linux-musl", Zig("x86-linux-musl", "pentium")),
    ("i686-linux-android", Zig("x86-linux-android", "pentium4")),
    ("i686-pc-windows-gnu", Zig("x86-windows-gnu", "pentium4")),
    ("i686-pc-windows-gnullvm", Zig("x86-windows-gnu", "pentium4")),
    ("i686-pc-windows-msvc", Zig("x86-windows-msvc", "pentium4")),
    ("i686-unknown-freebsd", Zig("x86-freebsd", "pentium4")),
    ("i686-unknown-linux-gnu", Zig("x86-linux-gnu", "pentium4")),
    ("i686-unknown-linux-musl", Zig("x86-linux-musl", "pentium4")),
    ("i686-unknown-uefi", Renamed("x86-windows-msvc", "x86-uefi", "pentium4-mmx-sse-sse2+soft_float")),
    ("loongarch64-unknown-linux-gnu", Zig("loongarch64-linux-gnu", "generic_la64+f+d+lsx+ual")),
    ("loongarch64-unknown-linux-musl", Zig("loongarch64-linux-musl", "generic_la64+f+d+lsx+ual")),
    ("loongarch64-unknown-none", Zig("loongarch64-freestanding", "generic_la64+f+d+ual")),
    ("loongarch64-unknown-none-softfloat", Zig("loongarch64-freestanding", "generic_la64-f-d+ual")),
    ("nvptx64-nvidia-cuda", Impossible(NO_PTX)),
    ("powerpc-unknown-linux-gnu", Zig("powerpc-linux-gnueabihf", "ppc")),
    ("powerpc64-unknown-linux-gnu", Impossible(ELF_V1)),
    ("powerpc64-unknown-linux-musl", Zig("powerpc64-linux-musl", "ppc64")),
    ("powerpc64le-unknown-linux-gnu", Zig("powerpc64le-linux-gnu", "ppc64le")),
    ("powerpc64le-unknown-linux-musl", Zig("powerpc64le-linux-musl", "ppc64le")),
    ("riscv32i-unknown-none-elf", Zig("riscv32-freestanding", RV32)),
    ("riscv32im-unknown-none-elf", Zig("riscv32-freestanding", "generic_rv32+m")),
    ("riscv32imac-unknown-none-elf", Zig("riscv32-freestanding", "generic_rv32+m+a+c")),
    ("riscv32imafc-unknown-none-elf", Zig("riscv32-freestanding", "generic_rv32+m+a+f+c")),
    ("riscv32imc-unknown-none-elf", Zig("riscv32-freestanding", "generic_rv32+m+c")),
    ("riscv64a23-unknown-linux-gnu", Zig("riscv64-linux-gnu", "generic_rv64+rva23u64")),
    ("riscv64gc-unknown-linux-gnu", Zig("riscv64-linux-gnu", "generic_rv64+m+a+f+d+c+zicsr+zifencei")),
    ("riscv64gc-unknown-linux-musl", Zig("riscv64-linux-musl", "generic_rv64+m+a+f+d+c+zicsr+zifencei")),
    ("riscv64gc-unknown-none-elf", Zig("riscv64-freestanding", "generic_rv64+m+a+f+d+c+zicsr+zifencei")),
    ("riscv64imac-unknown-none-elf", Zig("riscv64-freestanding", "generic_rv64+m+a+c")),
    ("s390x-unknown-linux-gnu", Zig("s390x-linux-gnu", "z10")),
    ("s390x-unknown-none-softfloat", Zig("s390x-freestanding", "z10+soft_float")),
    ("sparc64-unknown-linux-gnu", Zig("sparc64-linux-gnu", "v9")),
    ("sparcv9-sun-solaris", Zig("sparc64-illumos", "v9")),
    ("thumbv6m-none-eabi", Zig("thumb-freestanding-eabi", "generic+v6m+soft_float+strict_align")),
    ("thumbv7em-none-eabi", Zig("thumb-freestanding-eabi", "generic+v7em+soft_float")),
    ("thumbv7em-none-eabihf", Zig("thumb-freestanding-eabihf", "generic+v7em+vfp4d16sp")),
    ("thumbv7m-none-eabi", Zig("thumb-freestanding-eabi", "generic+v7m+soft_float")),
    ("thumbv7neon-linux-androideabi", Zig("arm-linux-androideabi", "generic+has_v7+aclass+db+dsp+vfp3+neon")),
    ("thumbv7neon-unknown-linux-gnueabihf", Zig("arm-linux-gnueabihf", "generic+has_v7+aclass+db+dsp+vfp3+neon")),
    ("thumbv8m.base-none-eabi", Zig("thumb-freestanding-eabi", "generic+v8m+soft_float+strict_align")),
    ("thumbv8m.main-none-eabi", Zig("thumb-freestanding-eabi", "generic+v8m_main+soft_float")),
    ("thumbv8m.main-none-eabihf", Zig("thumb-freestanding-eabihf", "generic+v8m_main+fp_armv8d16sp")),
    ("wasm32-unknown-emscripten", Zig("wasm32-emscripten", "mvp")),
    ("wasm32-unknown-unknown", Zig("wasm32-freestanding", "mvp")),
    ("wasm32-wasip1", Zig("wasm32-wasi", "mvp")),
    ("wasm32-wasip1-threads", Zig("wasm32-wasi", "mvp+atomics+bulk_memory+mutable_globals")),
    ("wasm32-wasip2", Zig("wasm32-wasi", "mvp")),
    ("wasm32v1-none", Zig("wasm32-freestanding", "mvp+mutable_globals")),
    ("x86_64-apple-darwin", Zig("x86_64-macos.10.12", "penryn")),
    ("x86_64-apple-ios", Zig("x86_64-ios.10.0-simulator", "penryn")),
    ("x86_64-apple-ios-macabi", Renamed("x86_64-ios.13.1-macabi", "x86_64-maccatalyst.13.1", "penryn")),
    ("x86_64-fortanix-unknown-sgx", Zig("x86_64-freestanding", "x86_64")),
    ("x86_64-linux-android", Zig("x86_64-linux-android", "x86_64+ssse3+sse4_1+sse4_2+popcnt")),
    ("x86_64-pc-solaris", Zig("x86_64-illumos", "x86_64")),
    ("x86_64-pc-windows-gnu", Zig("x86_64-windows-gnu", "x86_64")),
    ("x86_64-pc-windows-gnullvm", Zig("x86_64-windows-gnu", "x86_64")),
    ("x86_64-pc-windows-msvc", Zig("x86_64-windows-msvc", "x86_64")),
    ("x86_64-unknown-freebsd", Zig("x86_64-freebsd", "x86_64")),
    ("x86_64-unknown-fuchsia", Zig("x86_64-fuchsia", "x86_64")),
    ("x86_64-unknown-illumos", Zig("x86_64-illumos", "x86_64")),
    ("x86_64-unknown-linux-gnu", Zig("x86_64-linux-gnu", "x86_64")),
    ("x86_64-unknown-linux-gnuasan", Zig("x86_64-linux-gnu", "x86_64")),
    ("x86_64-unknown-linux-gnumsan", Zig("x86_64-linux-gnu", "x86_64")),
    ("x86_64-unknown-linux-gnutsan", Zig("x86_64-linux-gnu", "x86_64")),
    ("x86_64-unknown-linux-gnux32", Zig("x86_64-linux-gnux32", "x86_64")),
    ("x86_64-unknown-linux-musl", Zig("x86_64-linux-musl", "x86_64")),
    ("x86_64-unknown-linux-ohos", Zig("x86_64-linux-ohos", "x86_64")),
    ("x86_64-unknown-netbsd", Zig("x86_64-netbsd", "x86_64")),
    ("x86_64-unknown-none", Zig("x86_64-freestanding", X86_64_SOFT)),
    ("x86_64-unknown-redox", Zig("x86_64-freestanding", "x86_64")),
    ("x86_64-unknown-uefi", Zig("x86_64-uefi", X86_64_SOFT)),
];
