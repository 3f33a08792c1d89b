#!/usr/bin/env bash
# zig-build with a real Zig and small projects of several kinds: optimisation modes, reruns, versions, packages.
#
#     tests/real_zig/running.sh ZIG...
#
# ZIG and what is written where: as for run.sh beside this file.
set -euo pipefail

[ $# -gt 0 ] || { echo "usage: $0 ZIG..." >&2; exit 2; }

crate=$(cd "$(dirname "$0")/../.." && pwd)
target_dir=${CARGO_TARGET_DIR:-$(cd "$crate/../.." && pwd)/target}
mkdir -p "$target_dir"
scratch=$(cd "$target_dir" && pwd)/"real zig running"
export ZIG_GLOBAL_CACHE_DIR=${ZIG_GLOBAL_CACHE_DIR:-$target_dir/zig-cache}
export CARGO_NET_OFFLINE=true CARGO_TERM_COLOR=never CARGO_TARGET_DIR="$scratch/target"
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS DESTDIR DOCS_RS ZIG_LOCAL_CACHE_DIR ZIG_BUILD_STRICT ZIG_BUILD_SKIP

ok() { echo "ok       $*"; }
fail() { cat "$scratch/log" >&2; echo "FAILED   $*" >&2; exit 1; }

# A crate in folder $1 whose build script says `Build::new("zig")$2.build().link()`, and which adds two numbers in Zig.
crate() { # folder, settings
    rm -rf "$scratch/$1"
    mkdir -p "$scratch/$1/src" "$scratch/$1/zig"
    cd "$scratch/$1"
    printf '[package]\nname = "%s"\nversion = "0.1.0"\nedition = "2024"\n[build-dependencies]\nzig-build = { path = "%s" }\n[workspace]\n' \
        "$1" "$crate" > Cargo.toml
    echo "fn main() { zig_build::Build::new(\"zig\")$2.build().link(); }" > build.rs
    cat > src/main.rs <<'RS'
unsafe extern "C" { fn zig_add(a: u32, b: u32) -> u32; }
fn main() { println!("{}", unsafe { zig_add(40, 2) }); }
RS
    echo 'export fn zig_add(a: u32, b: u32) u32 { return a +% b; }' > zig/add.zig
}

# Its build.zig, with the optimisation mode $1 and the lines $2 before the library.
build_file() { # mode, lines
    cat > zig/build.zig <<ZIG
const std = @import("std");
pub fn build(b: *std.Build) void {
    const target = b.standardTargetOptions(.{});
    $2
    const lib = b.addLibrary(.{ .name = "add", .linkage = .static, .root_module = b.createModule(.{
        .root_source_file = b.path("add.zig"),
        .target = target,
        .optimize = $1,
        .pic = true,
        .stack_check = false,
    }) });
    lib.bundle_compiler_rt = false;
    b.installArtifact(lib);
}
ZIG
}

# A build by cargo that works; whether the build script ran is left in $ran.
build() {
    cargo build -vv "$@" > "$scratch/log" 2>&1 || fail "cargo build $*"
    if grep -q 'Running.*build-script-build' "$scratch/log"; then ran=yes; else ran=no; fi
}

works() { [ "$("$CARGO_TARGET_DIR/$1/${PWD##*/}")" = 42 ] || fail "${PWD##*/}: the program gives another result"; }
says() { grep -Fq -- "$1" "$scratch/log" || fail "it does not say: $1"; }
is_silent_on() { if grep -Fq -- "$1" "$scratch/log"; then fail "it says: $1"; fi; }

expect_run() { # yes|no, what was done
    sleep 0.05 # the file system's clock is coarser than ours
    build
    [ "$ran" = "$1" ] || fail "${PWD##*/}: $2: the build script ran: $ran, expected: $1"
}

check_modes() {
    crate mode-plain ''
    build_file 'b.standardOptimizeOption(.{})' ''
    build && works debug
    build --release && works release

    crate mode-preferred ''
    build_file "b.standardOptimizeOption(.{ .preferred_optimize_mode = $safe })" ''
    build && works debug
    is_silent_on 'takes no -Doptimize'
    build --release && works release
    says 'note: build.zig takes no -Doptimize and compiles with ReleaseSafe, not with ReleaseFast'

    crate mode-fixed '.optimize(zig_build::Optimize::ReleaseFast)'
    build_file "$safe" ''
    build && works debug
    says 'warning: mode-fixed@0.1.0: build.zig takes no -Doptimize and compiles with ReleaseSafe, not with ReleaseFast'
    ok "optimisation modes: an option, a preferred mode, a fixed mode"
}

check_source() {
    crate source-alone '.source("add.zig")'
    echo 'const more = @import("more.zig");
export fn zig_add(a: u32, b: u32) u32 { return more.add(a, b); }' > zig/add.zig
    echo 'pub fn add(a: u32, b: u32) u32 { return a + b; }' > zig/more.zig
    build && works debug
    build --release && works release
    echo '// changed' >> zig/more.zig
    expect_run yes "an imported file was edited"
    expect_run no "nothing changed"
    local target=x86_64-unknown-linux-musl
    if [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
        build --target "$target"
    else
        echo "NOT RUN  one file for $target: it is not installed (rustup target add $target)"
    fi
    ok "one file without a build.zig"
}

check_reruns() {
    # build.zig beside Cargo.toml, and Zig beside Rust in src.
    crate reruns-beside ''
    mv zig/add.zig src/add.zig && rmdir zig
    sed -i 's|"zig"|"."|' build.rs
    mkdir zig && build_file 'b.standardOptimizeOption(.{})' '' && mv zig/build.zig . && rmdir zig
    sed -i 's|"add.zig"|"src/add.zig"|' build.zig
    build && build && works debug
    echo '// changed' >> src/main.rs
    expect_run no "a file of Rust's was edited"
    echo '// a module' > src/other.rs
    expect_run no "a file of Rust's was added"
    echo '// changed' >> src/add.zig
    expect_run yes "a file of Zig's was edited"
    expect_run no "nothing changed"

    crate reruns-written ''
    build_file 'b.standardOptimizeOption(.{})' 'const written = b.addUpdateSourceFiles();
    written.addBytesToSource("pub const x = 1;\n", "written.zig");
    b.getInstallStep().dependOn(&written.step);'
    build
    expect_run yes "the build added a file"
    expect_run no "the build wrote a file as it was"
    echo 'pub const x = 2;' > zig/written.zig
    expect_run yes "somebody edited the file"
    expect_run yes "the build wrote the file otherwise"
    expect_run no "the build wrote the file as it was"

    crate reruns-packages '.packages("vendored")'
    build_file 'b.standardOptimizeOption(.{})' ''
    mkdir -p vendored/a-package && echo 1 > vendored/a-package/file
    build && expect_run no "nothing changed"
    echo 2 > vendored/a-package/file
    expect_run yes "a package was edited"
    expect_run no "nothing changed"
    ok "reruns: not for Rust files, nor for what the build writes itself; for packages"
}

# Packages, from the list to the build without a network. Zig 0.15 has no folder for them of its own.
check_packages() {
    crate packages '.packages("vendored")'
    local dep hash
    for dep in inner outer; do
        mkdir -p "$scratch/src/$dep"
        echo 'pub fn build(_: *@import("std").Build) void {}' > "$scratch/src/$dep/build.zig"
    done
    ln -sfn "$scratch/src" "$target_dir/real-zig-running" # Zig takes no spaces in such an address
    pack() { # package, dependencies
        echo ".{ .name = .$1, .version = \"0.0.1\", .paths = .{\"\"}, .dependencies = .{ $2 }, .fingerprint = 0x1 }" > "$3/build.zig.zon"
        local right
        right=$(cd "$3" && eval "$ZIG build" 2>&1 | sed -n 's/.*use this value: \(0x[0-9a-f]*\).*/\1/p' | head -1 || true)
        sed -i "s/0x1 /$right /" "$3/build.zig.zon"
        rm -rf "$3/.zig-cache" "$3/zig-pkg"
    }
    entry() { # package
        tar czf "$scratch/src/$1.tar.gz" -C "$scratch/src" "$1"
        mkdir -p "$scratch/nothing"
        hash=$(cd "$scratch/nothing" && echo 'pub fn build(_: anytype) void {}' > build.zig && eval "$ZIG fetch '$scratch/src/$1.tar.gz'")
        rm -rf "${ZIG_GLOBAL_CACHE_DIR:?}/p/$hash"* # what `zig fetch` of 0.17.1 leaves there, its `zig build` cannot read
        dep=".$1 = .{ .url = \"file://$target_dir/real-zig-running/$1.tar.gz\", .hash = \"$hash\" }"
    }
    local inner
    pack inner '' "$scratch/src/inner" && entry inner && inner=$dep
    pack outer '' "$scratch/src/outer" && entry outer
    dep="$dep, $inner" # in a package Zig 0.17 takes no address of a file outside, so neither names the other
    build_file 'b.standardOptimizeOption(.{})' '_ = b.dependency("outer", .{});'
    pack project "$dep" zig
    mkdir vendored
    cargo build > "$scratch/log" 2>&1 && fail "packages are missing"
    says 'vendored lacks packages that build.zig.zon names: outer (outer-0.0.1-'
    sed -n 's/.*Fetch them with `\(.*\)`\.$/\1/p' "$scratch/log" | sed "s|zig build|$ZIG build|" | head -1 > fetch.sh
    bash -e fetch.sh > "$scratch/log" 2>&1 || fail "$(cat fetch.sh)"
    rm -f "$scratch"/src/*.tar.gz
    rm -rf zig/zig-pkg zig/.zig-cache
    build && works debug
    "$CARGO_TARGET_DIR/zig-packages/debug/zig-packages" zig vendored > "$scratch/log" 2>&1 || fail "one is missing still"
    [ "$(grep -c ^there "$scratch/log")" = 2 ] || fail "two packages are there"
    ok "packages: missing ones are named with the command that fetches them, and serve without a network"
}

# With every Zig of the command line on PATH, as `zig`, and none in a variable: each project gets its own.
check_versions() {
    local path="" zig version folder
    for zig in "$@"; do
        version=$(eval "$zig version" 2> /dev/null || "$zig" version)
        folder="$scratch/path/$version"
        mkdir -p "$folder"
        printf '#!/bin/sh\nexec %s "$@"\n' "$zig" > "$folder/zig"
        chmod +x "$folder/zig"
        path="$path$folder:"
    done
    crate versions ''
    echo 'fn main() {
        let built = zig_build::Build::new("zig").build();
        built.link();
        println!("cargo::rustc-env=BUILT_BY={}", built.zig_version().unwrap());
    }' > build.rs
    echo 'fn main() { println!("{}", env!("BUILT_BY")); }' > src/main.rs
    build_file 'b.standardOptimizeOption(.{})' ''
    for folder in "$scratch"/path/*; do
        version=${folder##*/}
        echo ".{ .name = .versions, .version = \"0.0.1\", .paths = .{\"\"}, .minimum_zig_version = \"$version\", .fingerprint = 0x1 }" > zig/build.zig.zon
        # A wrong fingerprint is an error, which names the right one.
        env -u ZIG PATH="$path$PATH" cargo build > "$scratch/log" 2>&1 && fail "a wrong fingerprint"
        sed -i "s/0x1 /$(sed -n 's/.*use this value: \(0x[0-9a-f]*\).*/\1/p' "$scratch/log" | head -1) /" zig/build.zig.zon
        env -u ZIG PATH="$path$PATH" cargo build > "$scratch/log" 2>&1 || fail "the project of Zig $version"
        [ "$("$CARGO_TARGET_DIR/debug/versions")" = "$version" ] || fail "the project of Zig $version got another"
    done
    env -u ZIG PATH="$PATH" cargo build -v > "$scratch/log" 2>&1 || fail "another PATH"
    if grep -q 'Running.*build-script-build' "$scratch/log"; then fail "another PATH, with the same Zig, ran the build again"; fi
    ZIG="$scratch/path" cargo build > "$scratch/log" 2>&1 && fail "ZIG is a directory"
    says "ZIG=$scratch/path is a directory"
    rm zig/build.zig.zon
    sed -i 's/addLibrary/addStaticLibrary/' zig/build.zig
    cargo build > "$scratch/log" 2>&1 && fail "an old build.zig"
    says 'It is written for Zig 0.14 or older, and this was'
    ok "versions: each project gets the Zig that it asks for"
}

rm -rf "$scratch"
mkdir -p "$scratch"
(cd "$crate" && cargo build -q --bin zig-packages --target-dir "$CARGO_TARGET_DIR/zig-packages")
for zig in "$@"; do
    export ZIG=$zig
    version=$(eval "$zig version" 2> /dev/null || "$zig" version)
    echo "zig $version ($zig)"
    case $version in 0.15.* | 0.16.*) safe=.ReleaseSafe ;; *) safe=.safe ;; esac
    check_modes
    check_source
    check_reruns
    case $version in 0.15.*) ;; *) check_packages ;; esac
done
check_versions "$@"
