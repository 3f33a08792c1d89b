#!/usr/bin/env bash
# zig-build with a real Zig: the example crate in every way that cargo links, libraries that were not made for Rust, and
# every target that rustc lists.
#
#     tests/real_zig/run.sh ZIG...
#
# Each ZIG is a command as the variable ZIG takes it, with an absolute path: `/path/to/zig`, or
# `/path/to/python3 -m ziglang`. Needs cargo, a C compiler and binutils. Everything is written below $CARGO_TARGET_DIR (default: target/ of the workspace), Zig's
# global cache too; that is kept between runs, because Zig 0.17 takes a minute and more to fill it.
#
# Each check says "ok" or ends the run with a failure. What this machine cannot check says "NOT RUN" and why.
set -euo pipefail

[ $# -gt 0 ] || { echo "usage: $0 ZIG..." >&2; exit 2; }

crate=$(cd "$(dirname "$0")/../.." && pwd)
workspace=$(cd "$crate/../.." && pwd)
target_dir=${CARGO_TARGET_DIR:-$workspace/target}
mkdir -p "$target_dir"
scratch=$(cd "$target_dir" && pwd)/"real zig" # with a space, for every check below
export ZIG_GLOBAL_CACHE_DIR=${ZIG_GLOBAL_CACHE_DIR:-$target_dir/zig-cache}
export CARGO_NET_OFFLINE=true CARGO_TERM_COLOR=never ZIG_BUILD_STRICT=1
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS DESTDIR DOCS_RS ZIG_LOCAL_CACHE_DIR
host=$(rustc -vV | sed -n 's/^host: //p')
second=x86_64-unknown-linux-musl

ok() { echo "ok       $*"; }
not_run() { echo "NOT RUN  $*"; }
fail() { echo "FAILED   $*" >&2; exit 1; }

# Runs a command, its output kept in $scratch/log; shows the log only where the command fails.
quietly() {
    "$@" > "$scratch/log" 2>&1 || { cat "$scratch/log" >&2; fail "$*"; }
}

# A build by cargo; whether the build script ran is left in $ran.
build() {
    quietly cargo build -v "$@"
    if grep -q 'Running.*build-script-build' "$scratch/log"; then ran=yes; else ran=no; fi
}

expect_run() { # yes|no, what was done
    sleep 0.05 # the file system's clock is coarser than ours
    build
    [ "$ran" = "$1" ] || fail "$2: the build script ran: $ran, expected: $1"
}

program_works() { # path
    [ "$("$1")" = $'dot: 32\nfill: [7, 7, 7, 7]' ] || fail "$1 gives other results"
}

memory_functions_are_libcs() { # program
    if nm "$1" | grep -E ' [TtWw] (memcpy|memmove|memset|memcmp|strlen)$'; then
        fail "$1 defines functions of the C library"
    fi
    nm -D "$1" | grep -Eq ' U memset(@|$)' || fail "$1 does not take memset from the C library"
}

exports_are_rusts_only() { # shared library
    nm -D --defined-only "$1" | grep -q rust_sum_of_squares || fail "$1 does not export Rust's own function"
    if nm -D --defined-only "$1" | grep example_; then fail "$1 exports Zig's functions"; fi
}

contents() { (cd "$1" && find . -printf '%p %m %y\n' | sort && find . -type f -exec sha256sum {} + | sort); }

check_profiles() {
    for settings in "dev" "release" "thin link-time optimisation" "fat link-time optimisation"; do
        local profile=release folder=release lto=off
        case $settings in
            dev) profile=dev folder=debug ;;
            thin*) lto=thin ;;
            fat*) lto=fat ;;
        esac
        export CARGO_PROFILE_RELEASE_LTO=$lto
        quietly cargo test --profile "$profile"
        build --profile "$profile"
        program_works "target/$folder/zig-build-example"
        memory_functions_are_libcs "target/$folder/zig-build-example"
        exports_are_rusts_only "target/$folder/libzig_build_example.so"
        unset CARGO_PROFILE_RELEASE_LTO
        ok "$settings: tests pass, memset is the C library's, the shared library exports Rust's functions only"
    done
}

check_flags() {
    local program="target/$host/release/zig-build-example"
    RUSTFLAGS="-C target-feature=+crt-static" build --release --target "$host"
    program_works "$program"
    readelf -h "$program" | grep -q 'Type:.*DYN' || fail "crt-static: not position-independent"
    if readelf -l "$program" | grep -q INTERP; then fail "crt-static: needs a dynamic loader"; fi
    ok "static-pie"
    RUSTFLAGS="-C target-cpu=native" build --release --target "$host"
    program_works "$program"
    ok "target-cpu=native"
    DESTDIR="$scratch/destdir" build --release --target-dir target/destdir
    program_works target/destdir/release/zig-build-example
    [ ! -e "$scratch/destdir" ] || fail "DESTDIR was used"
    ok "DESTDIR set"
    # With this cache any run of Zig would fail, so none may happen.
    DOCS_RS=1 ZIG_GLOBAL_CACHE_DIR=/dev/null/none quietly cargo doc --target-dir target/docs
    ok "docs.rs"
}

check_reruns() {
    build
    expect_run no "nothing changed"
    touch zig/src/kernel.zig
    expect_run yes "a file was touched"
    expect_run no "nothing changed"
    echo '//! Another file.' > zig/src/another.zig
    expect_run yes "a file was added"
    expect_run no "nothing changed"
    rm zig/src/another.zig
    expect_run yes "a file was deleted"
    expect_run no "nothing changed"
    mkdir zig/.zig-cache
    build # the folder changed
    touch zig/.zig-cache/by-hand
    expect_run no "only Zig's own cache among the sources changed"
    echo '//! Another file.' > zig/src/another.zig
    expect_run yes "a file was added, with a cache among the sources"
    rm -r zig/.zig-cache zig/src/another.zig
    ok "reruns: on touch, add and delete; not otherwise"
}

check_sources() {
    local before
    before=$(contents zig)
    build --release --target-dir target/untouched
    [ "$before" = "$(contents zig)" ] || fail "the sources changed"
    ok "the sources stay as they are"
    if unshare -m true 2> /dev/null; then
        quietly unshare -m bash -c 'mount --bind zig zig && mount -o remount,bind,ro zig && ! touch zig/new 2> /dev/null \
            && cargo build --release --target-dir target/read-only'
        ok "read-only sources (a read-only mount)"
    elif [ "$(id -u)" != 0 ]; then
        chmod -R a-w zig
        quietly cargo build --release --target-dir target/read-only
        chmod -R u+w zig
        ok "read-only sources (permissions)"
    else
        not_run "read-only sources: root may write everywhere, and mounts are not allowed here"
    fi
    if unshare -n true 2> /dev/null; then
        quietly unshare -n cargo build --release --target-dir target/offline
        ok "offline (no network)"
    else
        not_run "offline: this machine does not let a process give up its network"
    fi
}

# Zig packages, fetched (from a file, as there may be no network) and given with Build::packages.
check_zig_packages() {
    local dep="$scratch/$version/dep" copy="$scratch/$version/with packages" hash
    mkdir -p "$dep"
    echo 'pub fn build(_: *@import("std").Build) void {}' > "$dep/build.zig"
    echo '.{ .name = .dep, .version = "0.0.1", .fingerprint = 0xf81054308e10a340, .paths = .{""} }' > "$dep/build.zig.zon"
    tar czf "$scratch/$version/dep.tar.gz" -C "$scratch/$version" dep
    hash=$(cd "$dep" && eval "$zig fetch '$scratch/$version/dep.tar.gz'")
    rm -rf "${ZIG_GLOBAL_CACHE_DIR:?}/p/$hash"* "$dep/.zig-cache" "$dep/zig-pkg"
    cp -R . "$copy"
    sed -i 's|^pub fn build(b: .*|&\n    _ = b.dependency("dep", .{});|' "$copy/zig/build.zig"
    # Zig takes no spaces in such an address.
    ln -sfn "$scratch/$version" "$target_dir/real-zig"
    printf '.{ .name = .pkgc, .version = "0.0.1", .fingerprint = 0xf0fe96c3bbf64af1, .paths = .{""},
        .dependencies = .{ .dep = .{ .url = "file://%s", .hash = "%s" } } }\n' \
        "$target_dir/real-zig/dep.tar.gz" "$hash" > "$copy/zig/build.zig.zon"
    (cd "$copy" && quietly cargo build --target-dir target/fetched)
    if [ -e "$copy/zig/zig-pkg" ]; then
        not_run "fetched packages out of the sources: Zig $version puts them there"
        rm -r "$copy/zig/zig-pkg"
    fi
    rm -rf "${ZIG_GLOBAL_CACHE_DIR:?}/p/$hash"* "$scratch/$version/dep.tar.gz"
    mkdir "$copy/vendored"
    cp -R "$dep" "$copy/vendored/$hash"
    sed -i 's|^        .build()|        .packages("vendored")\n&|' "$copy/build.rs"
    (cd "$copy" && quietly cargo build --target-dir target/vendored)
    ok "Zig packages: fetched, and given with Build::packages"
}

check_parallel() {
    # Two cargos side by side, one of them for two targets where the second is installed: its build scripts run at once.
    local targets=(--target "$host")
    if [ -d "$(rustc --print sysroot)/lib/rustlib/$second" ] && [ "$second" != "$host" ]; then
        targets+=(--target "$second")
    else
        not_run "two targets in one build: $second is not installed (rustup target add $second)"
    fi
    cargo build --release "${targets[@]}" --target-dir target/one > "$scratch/log one" 2>&1 &
    local one=$!
    cargo build --release "${targets[@]}" --target-dir target/two > "$scratch/log two" 2>&1 &
    local two=$!
    wait "$one" || { cat "$scratch/log one" >&2; fail "two builds side by side"; }
    wait "$two" || { cat "$scratch/log two" >&2; fail "two builds side by side"; }
    for folder in one two; do
        for built in "target/$folder"/*-*/release/zig-build-example; do program_works "$built"; done
    done
    ok "two builds side by side, each with ${targets[*]}"
}

# As published: from its .crate file, in a workspace with zig-build. Cargo itself fails where a build script writes
# among the sources.
check_package() {
    rm -rf "$scratch/published"
    mkdir -p "$scratch/published/crates"
    (cd "$crate" && tar chf - --exclude=target .) | (mkdir "$scratch/published/crates/zig-build" && cd "$_" && tar xf -)
    mv "$scratch/published/crates/zig-build/example" "$scratch/published/crates/example"
    sed -e 's|^members = .*|members = ["crates/zig-build", "crates/example"]|' -e '/^default-members/d' \
        -e '/^exclude/d' -e '/^engram/d' -e '/^zig-build = /d' "$workspace/Cargo.toml" > "$scratch/published/Cargo.toml"
    sed -i -e '/^\[workspace\]/d' -e '/^publish/d' -e 's|path = ".."|path = "../zig-build"|' \
        "$scratch/published/crates/example/Cargo.toml"
    rm -f "$scratch/published/crates/example/Cargo.lock"
    cp "$workspace/Cargo.lock" "$scratch/published/Cargo.lock"
    (cd "$scratch/published" && quietly cargo package --workspace --allow-dirty --target-dir "$scratch/published/target")
    ok "cargo package"
}

# shellcheck source=linking.sh
source "$crate/tests/real_zig/linking.sh"

rm -rf "$scratch"
for zig in "$@"; do
    export ZIG=$zig
    version=$(eval "$zig version" 2> /dev/null || "$zig" version)
    echo "zig $version ($zig)"
    mkdir -p "$scratch/$version"
    cp -R "$crate/example" "$scratch/$version/example crate"
    cd "$scratch/$version/example crate"
    rm -rf target zig/.zig-cache zig/zig-out
    sed -i "s|path = \"..\"|path = \"$crate\"|" Cargo.toml
    export CARGO_TARGET_DIR=$PWD/target
    check_profiles
    check_flags
    check_reruns
    check_sources
    check_zig_packages
    check_parallel
    check_package
    check_linking
    cd "$workspace"
    export CARGO_TARGET_DIR=$target_dir
    cargo run -q -p zig-build --example every_target -- "$scratch/$version/targets"
    ok "every target"
done
