#!/bin/sh
# What cargo's tests do not show on this processor: Zig's own tests natively and on aarch64, the kernels
# in WebAssembly, and this crate's tests on older x86-64 processors.
#
#     crates/engram-kernels/tests/cross.sh ZIG...        a command, such as: python3 -m ziglang
#
# Needs qemu-user (qemu-aarch64, qemu-x86_64) and node; says what it leaves out where one is missing, or
# fails if STRICT=1. Everything that it makes lies in cargo's target folder, Zig's global cache included
# unless ZIG_GLOBAL_CACHE_DIR says otherwise.
set -eu

[ $# -gt 0 ] || {
    echo "usage: $0 ZIG..." >&2
    exit 2
}
package=$(cd "$(dirname "$0")/.." && pwd)
root=$(cd "$package/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
out=$target/cross
mkdir -p "$out"
export ZIG_GLOBAL_CACHE_DIR="${ZIG_GLOBAL_CACHE_DIR:-$out/zig-global}"

# have PROGRAM WHAT: whether WHAT, which needs PROGRAM, can be run.
have() {
    command -v "$1" >/dev/null && return
    echo "== not run, for want of $1: $2"
    [ "${STRICT:-0}" != 1 ] || exit 1
    return 1
}

cd "$package/zig"
echo "== Zig's tests, natively"
"$@" build test --cache-dir "$out/cache" --prefix "$out/native"

if have qemu-aarch64 "Zig's tests on aarch64"; then
    echo "== Zig's tests on aarch64"
    "$@" build test -Dtarget=aarch64-linux -fqemu --cache-dir "$out/cache" --prefix "$out/aarch64"
fi

if have node "the golden vectors in WebAssembly"; then
    echo "== The golden vectors in WebAssembly"
    "$@" build wasm -Dtarget=wasm32-freestanding --cache-dir "$out/cache" --prefix "$out/wasm"
    node "$package/tests/wasm.mjs" "$out/wasm/bin/engram_kernels.wasm" "$package/vectors"
fi

[ "$(uname -m)" = x86_64 ] || exit 0
if have qemu-x86_64 "this crate's tests on older processors"; then
    cd "$root"
    # The words of a command with spaces in its words would need quoting; none so far has any.
    binary=$(ZIG="$*" cargo test --release -p engram-kernels --features zig-kernels --test kernels --no-run \
        2>&1 | tee "$out/build.log" | sed -n 's/^ *Executable .*(\(.*\))$/\1/p')
    # A processor without x86-64-v2 runs the portable kernels, Nehalem v2, and Haswell v3.
    for model in core2duo Nehalem Haswell,-pcid,-x2apic,-tsc-deadline,-invpcid,-hle,-rtm; do
        echo "== This crate's tests on $model"
        # A child process would run on the real processor, so the test that makes some is left out.
        qemu-x86_64 -cpu "$model" "$binary" levels vectors similarity::zeros spreading::every \
            --skip levels::the_environment
    done
fi
