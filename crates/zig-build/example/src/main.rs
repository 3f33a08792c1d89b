//! Calls both functions from a program: `cargo run`.

fn main() {
    let mut bytes = [0_u8; 4];
    zig_build_example::fill(&mut bytes, 7);
    println!("dot: {}", zig_build_example::dot(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]));
    println!("fill: {bytes:?}");
}
