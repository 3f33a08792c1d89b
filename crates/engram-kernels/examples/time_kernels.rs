//! Times every implementation that runs here, side by side:
//!
//! ```text
//! cargo run --release -p engram-kernels --features zig-kernels --example time_kernels
//! ```

use std::io::Write as _;

use engram_kernels::{Kernels, check};

fn main() -> std::io::Result<()> {
    let kernels: Vec<Kernels> = Kernels::all().collect();
    let mut out = std::io::stdout().lock();
    for timing in check::bench(&kernels) {
        writeln!(out, "{}, ns for each {}:", timing.what, timing.unit)?;
        let portable = timing.nanoseconds.first().map_or(0.0, |&(_, nanoseconds)| nanoseconds);
        for (level, nanoseconds) in &timing.nanoseconds {
            writeln!(out, "  {level:12} {nanoseconds:8.2}  {:5.2} times", portable / nanoseconds)?;
        }
    }
    Ok(())
}
