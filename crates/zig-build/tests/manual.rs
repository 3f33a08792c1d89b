//! The manual's build script, which compiles as it is printed.
#![allow(dead_code, reason = "it is compiled, not run")]

const MANUAL: &str = include_str!("../../../docs/build-zig.md");
const THIS: &str = include_str!("manual.rs");

fn main() {
    zig_build::Build::new("zig")
        .library("my_kernels")
        .symbol_prefix("my_")
        .allow_undefined(["memcpy", "memset"])
        .build()
        .link();
}

#[test]
fn the_manual_prints_this_build_script() {
    let mut blocks = MANUAL.split("```rust,no_run\n").skip(1).filter_map(|rest| rest.split("```").next());
    let printed = blocks.next().unwrap_or_default();
    assert!(printed.starts_with("fn main() {\n") && THIS.contains(printed), "{printed}");
    assert_eq!(blocks.next(), None, "every example is compiled");
}
