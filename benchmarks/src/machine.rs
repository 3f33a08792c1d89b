//! What the figures were measured on.

use engram_kernels::Kernels;
use serde::{Deserialize, Serialize};

use crate::session::PACKAGES;

#[derive(Serialize, Deserialize)]
pub struct Machine {
    pub processor: String,
    pub threads_available: usize,
    pub caches: String,
    pub system: String,
    /// The kernels that Engram's figures are of.
    pub kernels: String,
    /// Rust's crates among the peers.
    pub crates: Vec<String>,
    pub packages: Vec<String>,
    /// All work runs in one thread, unless its name says otherwise.
    pub threads_used: usize,
}

impl Default for Machine {
    fn default() -> Self {
        let first = |file: &str, key: &str| {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
            line.split_once(':').map_or("unknown", |(_, value)| value).trim().to_owned()
        };
        let caches = (0..4).filter_map(|index| {
            let read = |what: &str| {
                let folder = format!("/sys/devices/system/cpu/cpu0/cache/index{index}");
                std::fs::read_to_string(format!("{folder}/{what}")).ok().map(|text| text.trim().to_owned())
            };
            Some(format!("L{} {} {}", read("level")?, read("type")?.to_lowercase(), read("size")?))
        });
        Self {
            processor: first("/proc/cpuinfo", "model name"),
            threads_available: std::thread::available_parallelism().map_or(1, usize::from),
            caches: caches.collect::<Vec<_>>().join(", "),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            kernels: Kernels::best().level().to_string(),
            crates: crates(),
            packages: PACKAGES.map(str::to_owned).to_vec(),
            threads_used: 1,
        }
    }
}

/// This process' memory in megabytes, and the share of it that lies in huge pages: that is the system's choice in the
/// end, and memory is read more slowly without. Nothing where the system does not say.
pub fn huge_pages() -> Option<(f64, f64)> {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let kilobytes = |key: &str| {
        let line = text.lines().find(|line| line.starts_with(key))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok()
    };
    let whole = kilobytes("Rss:")?;
    Some((whole / 1e3, kilobytes("AnonHugePages:")? / whole))
}

/// The versions of the crates that were linked, as the lock file has them.
fn crates() -> Vec<String> {
    const PEERS: [&str; 9] = [
        "graph",
        "matrixmultiply",
        "ndarray",
        "numkong",
        "petgraph",
        "simsimd",
        "sprs",
        "tantivy",
        "usearch",
    ];
    let mut name = None;
    let mut found = Vec::new();
    for line in include_str!("../Cargo.lock").lines() {
        if let Some(value) = line.strip_prefix("name = ") {
            name = Some(value.trim_matches('"'));
        } else if let (Some(version), Some(name)) = (line.strip_prefix("version = "), name)
            && PEERS.contains(&name)
        {
            found.push(format!("{name} {}", version.trim_matches('"')));
        }
    }
    found
}
