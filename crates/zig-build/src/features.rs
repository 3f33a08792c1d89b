//! Rust target features under Zig's names.
//!
//! Cargo tells a build script in `CARGO_CFG_TARGET_FEATURE` what the Rust code may use: the target's own features and
//! what `RUSTFLAGS` added, `-C target-cpu=native` included. Zig gets the same, as far as it knows the names; a name
//! that it does not know would be fatal.

use crate::feature_tables::{self as tables, Family};
use crate::version::Version;

/// Zig's names for the comma-separated `rust_features`, in that order, without repeats and without unknown ones.
pub(crate) fn zig_names(architecture: &str, rust_features: &str, zig: Version) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let Some(family) = family(architecture) else { return names };
    for feature in rust_features.split(',').map(str::trim) {
        let same = family.same.split_whitespace().find(|name| *name == feature);
        let renamed = family.renamed.iter().filter(|(rust, _, from, before)| {
            *rust == feature && zig.major == 0 && (*from..*before).contains(&zig.minor)
        });
        let same = same.map(|name| name.replace(['-', '.'], "_"));
        for name in same.into_iter().chain(renamed.map(|(_, name, ..)| (*name).to_owned())) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// The family of a Zig architecture name.
fn family(architecture: &str) -> Option<&'static Family> {
    Some(match architecture {
        "x86" | "x86_64" => &tables::X86,
        "aarch64" => &tables::AARCH64,
        "arm" | "thumb" => &tables::ARM,
        "riscv32" | "riscv64" => &tables::RISCV,
        "wasm32" => &tables::WASM,
        "loongarch64" => &tables::LOONGARCH,
        "powerpc" | "powerpc64" | "powerpc64le" => &tables::POWERPC,
        "s390x" => &tables::S390X,
        "sparc64" => &tables::SPARC,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target_table::{Row, TABLE};

    const ZIG: Version = Version::new(0, 16, 0);

    #[test]
    fn names_change_where_zig_spells_them_otherwise() {
        assert_eq!(zig_names("x86_64", "sse4.2,bmi1,cmpxchg16b", ZIG), ["sse4_2", "bmi", "cx16"]);
        assert_eq!(zig_names("aarch64", "neon,dpb,sve2-aes", ZIG), ["neon", "ccpp", "sve2_aes"]);
        assert_eq!(zig_names("thumb", "v7,thumb2", ZIG), ["has_v7", "thumb2"]);
    }

    #[test]
    fn what_zig_does_not_know_is_dropped() {
        assert_eq!(zig_names("x86_64", "crt-static,apxf,,", ZIG), Vec::<String>::new());
        assert_eq!(zig_names("aarch64", "outline-atomics", ZIG), Vec::<String>::new());
        assert_eq!(zig_names("x86_64", "neon", ZIG), Vec::<String>::new(), "another family's");
        assert_eq!(zig_names("unknown", "sse", ZIG), Vec::<String>::new());
    }

    #[test]
    fn two_rust_features_that_are_one_for_zig_go_once() {
        assert_eq!(zig_names("aarch64", "paca,pacg", ZIG), ["pauth"]);
    }

    #[test]
    fn a_feature_goes_only_to_the_versions_that_know_it() {
        // 512-bit registers need a feature of their own before Zig 0.17, as they do in LLVM before 22.
        assert_eq!(zig_names("x86_64", "avx512f", ZIG), ["avx512f", "evex512"]);
        assert_eq!(zig_names("x86_64", "avx512f", Version::new(0, 17, 1)), ["avx512f"]);
        assert_eq!(zig_names("wasm32", "gc", ZIG), Vec::<String>::new());
        assert_eq!(zig_names("wasm32", "gc", Version::new(0, 17, 1)), ["gc"]);
    }

    #[test]
    fn every_target_of_the_table_has_a_family() {
        for (rust, row) in TABLE {
            let (Row::Zig(triple, _) | Row::Renamed(triple, ..)) = row else { continue };
            assert!(family(triple.split('-').next().unwrap_or_default()).is_some(), "{rust}");
        }
    }
}
