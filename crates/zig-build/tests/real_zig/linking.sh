# Part of run.sh: libraries that were not made for Rust, each linked at the first try or refused in a sentence. The
# project is `foreign`; a case is a build script.

# Writes the build script of a case: the calls after `Build::new("zig")`.
script() {
    printf 'fn main() {\n    zig_build::Build::new("zig")%s.build().link();\n}\n' "$1" > build.rs
}

# A case that works in both profiles: what it is, the calls, what the program says.
links() {
    script "$2"
    local profile
    for profile in dev release; do
        quietly cargo run -q --profile "$profile" --target "$host"
        [ "$(tail -n 1 "$scratch/log")" = "$3" ] || { cat "$scratch/log" >&2; fail "$1 ($profile): expected $3"; }
    done
    ok "$1"
}

# A case that is refused: what it is, the calls, the profile, what the error must say, as a pattern.
refused() {
    script "$2"
    if cargo build --profile "$3" > "$scratch/log" 2>&1; then fail "$1: it was not refused"; fi
    grep -Eq "^error: foreign@.*: .*($4)|^  (error|cargo::error).*($4)|($4)" "$scratch/log" ||
        { cat "$scratch/log" >&2; fail "$1: expected $4"; }
    if grep -q 'linking with' "$scratch/log"; then cat "$scratch/log" >&2; fail "$1: it came to the linker"; fi
    ok "$1"
}

check_linking() {
    cp -R "$crate/tests/real_zig/foreign" "$scratch/$version/foreign"
    cd "$scratch/$version/foreign"
    sed -i "s|path = \"../../..\"|path = \"$crate\"|" Cargo.toml
    export CARGO_TARGET_DIR=$PWD/target

    links "C code and two libraries, one of which needs the other" '' '9 two'
    # All members are linked into a crate's own tests, needed or not.
    quietly cargo test -q --target "$host"
    links "the needed library comes along unasked" '.library("outer")' '9 two'
    links "a C library with link-time optimisation of Rust" '.library("inner").library("outer")' '9 two'
    links "compiler_rt is dropped" '.option("compiler-rt", true)' '9 two'
    memory_functions_are_libcs "target/$host/release/foreign"
    links "compiler_rt is kept where it is asked for" '.option("compiler-rt", true).compiler_rt(true)' '9 two'
    links "the needed library comes along although it is not installed" '.option("apart", true)' '9 two'
    links "Zig code that is not position-independent" '.option("kernel", true)' '9 two'
    links "Zig code that is not position-independent, with an option for it" \
        '.option("kernel", true).option("switches", true)' '9 two'
    refused "Zig code that build.zig wants to be not position-independent" \
        '.option("kernel", true).option("fixed", true)' release '\.pic = true'
    links "a dynamic library, with C++ code in it" '.option("tool", true).dynamic_library("outer")' '9 two'
    script '.option("tool", true).program("tool")'
    sed -i 's|\.build().link()|.build()|; s|^    \(.*\);|    let tool = \1;\n    let path = tool.path().unwrap();\n    assert_eq!(std::process::Command::new(path).output().unwrap().stdout, b"made by a tool\\n");|' build.rs
    quietly cargo check --target "$host"
    refused "a program that is not there" '.program("tool")' dev 'installed no .*bin/tool'
    ok "a program, run by the build script"
    refused "C++ code" '.option("cpp", true)' release 'system_library\("c\+\+"\)'
    if [ -e /usr/include/zlib.h ]; then
        links "a library of the system" '.option("system", "z")' '9 two'
        readelf -d "target/$host/release/foreign" | grep -q 'NEEDED.*libz\.so' || fail "libz is not linked"
    else
        not_run "a library of the system: zlib's development files are not installed"
    fi
    case $version in
        0.1[56].*)
            refused "a library of the system that is not there" '.option("system", "not_there")' release \
                'install the library not_there'
            ;;
        *) not_run "a library of the system that is not there: Zig $version leaves that to Rust's linker" ;;
    esac
    check_foreign_targets
}

runs_as_wasi() { # program, what it says
    if ! command -v node > /dev/null; then not_run "$1: there is no node"; return; fi
    [ "$(node --no-warnings -e '
        const { WASI } = require("node:wasi");
        const wasi = new WASI({ version: "preview1", args: ["foreign"] });
        WebAssembly.instantiate(require("node:fs").readFileSync(process.argv[1]), wasi.getImportObject())
            .then(({ instance }) => wasi.start(instance));' "$1")" = "$2" ] || fail "$1 says something else"
}

# LLVM's linker for Apple systems, which looks for libraries as Apple's does, with stand-ins for those of the system.
links_with_apples_linker() {
    local lld sdk="$scratch/$version/sdk"
    lld=$(find "$(rustc --print sysroot)" -name rust-lld | head -n 1)
    if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$1" ] || [ -z "$lld" ]; then
        not_run "$1: not installed (rustup target add $1)"
        return
    fi
    mkdir -p "$sdk"
    for name in System c m; do
        printf '%s\n' '--- !tapi-tbd' 'tbd-version: 4' 'targets: [ x86_64-macos ]' \
            "install-name: '/usr/lib/lib$name.dylib'" '...' > "$sdk/lib$name.tbd"
    done
    # What the stand-ins lack is left to the loader; the library's own texts show that it is in the program.
    SDKROOT="$sdk" RUSTFLAGS="-Clinker=$lld -Clinker-flavor=ld64.lld" quietly cargo rustc --release --target "$1" -- \
        -L "native=$sdk" -C link-arg=-undefined -C link-arg=dynamic_lookup
    grep -aqP 'zero\x00one\x00two' "target/$1/release/foreign" || fail "$1: the library is not in the program"
    ok "$1, with LLVM's linker"
}

links_with_zigbuild() {
    if ! command -v cargo-zigbuild > /dev/null || [ ! -d "$(rustc --print sysroot)/lib/rustlib/$1" ]; then
        not_run "cargo zigbuild: it, or $1, is not installed"
        return
    fi
    CARGO_ZIGBUILD_ZIG_PATH=$(eval "$ZIG env" | sed -n 's/.*zig_exe"\?[ :=]*"\([^"]*\)".*/\1/p') \
        quietly cargo-zigbuild zigbuild --release --target "$1"
    ok "cargo zigbuild for $1"
}

# Where the linker is not GNU's. The crate that links is itself linked: no library lies between that would hold the
# objects.
check_foreign_targets() {
    local target kernel='.option("kernel", true)'
    for target in wasm32-unknown-unknown wasm32-wasip1 x86_64-unknown-linux-musl; do
        if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
            not_run "$target: not installed (rustup target add $target)"
            continue
        fi
        if [ "$target" = wasm32-unknown-unknown ]; then
            script ''
            if cargo build --release --target "$target" > "$scratch/log" 2>&1; then fail "$target has a C library"; fi
            grep -q 'error: foreign@.* do without the C library' "$scratch/log" || fail "no C library, and no word of it"
        else
            script ''
            quietly cargo build --release --target "$target"
            case $target in *-musl) [ "$("target/$target/release/foreign")" = '9 two' ] || fail "$target" ;; esac
            [ "$target" != wasm32-wasip1 ] || runs_as_wasi "target/$target/release/foreign.wasm" '9 two'
        fi
        script "$kernel"
        quietly cargo build --release --target "$target"
        ok "$target: Zig's code, and C's where there is a C library"
    done
    script ''
    links_with_apples_linker x86_64-apple-darwin
    links_with_zigbuild aarch64-unknown-linux-gnu
}
