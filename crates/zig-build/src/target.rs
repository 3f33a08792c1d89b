//! From a Rust target to what `-Dtarget` and `-Dcpu` say. It never falls back to the building machine's processor.

use std::ffi::OsStr;

use crate::environment::Environment;
use crate::error::Error;
use crate::features;
use crate::target_table::{Row, TABLE};
use crate::version::Version;

/// From this Zig version on the second triple of a `Row::Renamed` holds.
const RENAMED: Version = Version::new(0, 16, 0);

/// Which processor the Zig code is compiled for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cpu {
    /// What Rust itself assumes for the target, and the target features that Rust was told to use (`-C
    /// target-feature`, `-C target-cpu`). The default.
    #[default]
    Baseline,
    /// The processor of the building machine. The result may die of an illegal instruction elsewhere. Refused where
    /// the target is not the host.
    Native,
    /// A processor by Zig's name for it (`x86_64_v3`, `apple_m1`, `cortex_a72`), with Rust's target features on top.
    /// Zig's own additions and subtractions may follow the name: `x86_64_v4-prefer_256_bit`.
    Model(String),
}

/// A target as Zig takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ZigTarget {
    pub(crate) triple: String,
    pub(crate) cpu: String,
}

/// The row of a Rust target, or the error that names it.
pub(crate) fn row(rust: &str) -> Result<Row, Error> {
    match TABLE.binary_search_by_key(&rust, |(name, _)| name).ok().and_then(|at| TABLE.get(at)) {
        Some((_, Row::Impossible(reason))) => {
            Err(Error::UnsupportedTarget { target: rust.to_owned(), reason: (*reason).to_owned() })
        }
        Some((_, row)) => Ok(*row),
        None => Err(Error::UnsupportedTarget {
            target: rust.to_owned(),
            reason: "it is not among the tier-1 and tier-2 targets that zig-build knows".to_owned(),
        }),
    }
}

/// What Zig is told for `row`. `rust_features` is cargo's comma-separated `CARGO_CFG_TARGET_FEATURE`.
pub(crate) fn resolve(
    row: Row,
    zig: Version,
    cpu: &Cpu,
    rust_features: &str,
    environment: &Environment,
) -> ZigTarget {
    let (triple, model) = match row {
        Row::Zig(triple, model) => (triple, model),
        Row::Renamed(old, new, model) => (if zig < RENAMED { old } else { new }, model),
        // `row` has refused these.
        Row::Impossible(_) => ("", ""),
    };
    let triple = with_deployment_target(triple, environment);
    let cpu = with_features(cpu, model, &triple, rust_features, zig);
    ZigTarget { triple, cpu }
}

/// As [`resolve`], for a Zig target that the build script has named itself.
pub(crate) fn with_features(
    cpu: &Cpu,
    model: &str,
    triple: &str,
    rust_features: &str,
    zig: Version,
) -> String {
    let model = match cpu {
        Cpu::Baseline => model,
        Cpu::Native => return "native".to_owned(),
        Cpu::Model(name) => name,
    };
    let architecture = triple.split('-').next().unwrap_or_default();
    let mut text = model.to_owned();
    for name in features::zig_names(architecture, rust_features, zig) {
        // A feature that the row spells out, or takes away, is settled.
        if !spelt_out(model, &name) {
            text.push('+');
            text.push_str(&name);
        }
    }
    text
}

fn spelt_out(model: &str, feature: &str) -> bool {
    model.split(['+', '-']).skip(1).any(|part| part == feature)
}

/// Raises the system version of an Apple triple (`aarch64-macos.11.0`) to what the build asks for, as rustc does.
fn with_deployment_target(triple: &str, environment: &Environment) -> String {
    let mut parts = triple.splitn(3, '-');
    let (Some(architecture), Some(system)) = (parts.next(), parts.next()) else { return triple.to_owned() };
    let Some((name, oldest)) = system.split_once('.') else { return triple.to_owned() };
    let wanted = deployment_variable(name).and_then(|variable| environment.get(variable));
    let version = match wanted.and_then(OsStr::to_str) {
        Some(wanted) if numbers(wanted) > numbers(oldest) => wanted,
        _ => oldest,
    };
    match parts.next() {
        Some(abi) => format!("{architecture}-{name}.{version}-{abi}"),
        None => format!("{architecture}-{name}.{version}"),
    }
}

/// The variable that sets the oldest system a program shall run on, by Zig's name for the system.
fn deployment_variable(system: &str) -> Option<&'static str> {
    Some(match system {
        "macos" => "MACOSX_DEPLOYMENT_TARGET",
        "ios" | "maccatalyst" => "IPHONEOS_DEPLOYMENT_TARGET",
        "tvos" => "TVOS_DEPLOYMENT_TARGET",
        "watchos" => "WATCHOS_DEPLOYMENT_TARGET",
        "visionos" => "XROS_DEPLOYMENT_TARGET",
        _ => return None,
    })
}

/// The variables that [`resolve`] may read, for cargo.
pub(crate) const DEPLOYMENT_VARIABLES: [&str; 5] = [
    "MACOSX_DEPLOYMENT_TARGET",
    "IPHONEOS_DEPLOYMENT_TARGET",
    "TVOS_DEPLOYMENT_TARGET",
    "WATCHOS_DEPLOYMENT_TARGET",
    "XROS_DEPLOYMENT_TARGET",
];

/// `11.0` as `[11, 0]`; nothing, and so less than any version, where it is not one.
fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map(str::parse).collect::<Result<_, _>>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::process::Command;

    use super::*;

    const ZIG: Version = Version::new(0, 16, 0);

    fn empty() -> Environment {
        Environment::from_variables([])
    }

    fn resolved(rust: &str, cpu: &Cpu, rust_features: &str) -> Result<(String, String), Error> {
        let ZigTarget { triple, cpu } = resolve(row(rust)?, ZIG, cpu, rust_features, &empty());
        Ok((triple, cpu))
    }

    #[test]
    fn the_table_is_sorted_without_repeats() {
        assert!(TABLE.is_sorted_by(|(a, _), (b, _)| a < b));
    }

    #[test]
    fn rustc_knows_every_target_of_the_table() -> std::io::Result<()> {
        // Targets that became tier 2 after the oldest compiler this crate supports.
        let newer = ["riscv64a23-unknown-linux-gnu", "s390x-unknown-none-softfloat"];
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let listed = Command::new(rustc).args(["--print", "target-list"]).output()?.stdout;
        let listed = String::from_utf8_lossy(&listed).into_owned();
        let known: HashSet<&str> = listed.lines().collect();
        let missing: Vec<_> = TABLE
            .iter()
            .map(|(name, _)| *name)
            .filter(|n| !known.contains(n) && !newer.contains(n))
            .collect();
        // Sanitiser targets come and go with the compiler's release.
        let missing: Vec<_> = missing.into_iter().filter(|n| !n.ends_with("san")).collect();
        assert_eq!(missing, Vec::<&str>::new());
        Ok(())
    }

    #[test]
    fn every_row_resolves_to_an_explicit_processor_or_errs() {
        let mut impossible = 0;
        for (rust, _) in TABLE {
            match resolved(rust, &Cpu::Baseline, "crt-static") {
                Ok((triple, cpu)) => {
                    assert!(triple.contains('-'), "{rust}: {triple}");
                    assert!(!cpu.is_empty() && cpu != "native" && cpu != "baseline", "{rust}: {cpu}");
                    assert!(!cpu.contains("crt"), "{rust}: {cpu}");
                }
                Err(Error::UnsupportedTarget { .. }) => impossible += 1,
                Err(other) => panic!("{rust}: {other}"),
            }
        }
        assert_eq!(impossible, 3);
    }

    #[test]
    fn an_unknown_target_is_an_error() {
        for name in ["", "x86_64-unknown-nothing", "native"] {
            assert!(matches!(row(name), Err(Error::UnsupportedTarget { .. })), "{name}");
        }
    }

    #[test]
    fn features_follow_the_model_once() -> Result<(), Error> {
        let features = "crt-static,fxsr,sse,sse2,avx2,bmi1";
        let (_, cpu) = resolved("x86_64-unknown-linux-gnu", &Cpu::Baseline, features)?;
        assert_eq!(cpu, "x86_64+fxsr+sse+sse2+avx2+bmi");
        let (_, cpu) = resolved("x86_64-unknown-none", &Cpu::Baseline, "fxsr,sse")?;
        assert_eq!(cpu, "x86_64-mmx-sse-sse2+soft_float+fxsr");
        let model = Cpu::Model("x86_64_v4-prefer_256_bit".to_owned());
        let (_, cpu) = resolved("x86_64-unknown-linux-gnu", &model, "avx2")?;
        assert_eq!(cpu, "x86_64_v4-prefer_256_bit+avx2");
        let (_, cpu) = resolved("x86_64-unknown-linux-gnu", &Cpu::Native, "avx2")?;
        assert_eq!(cpu, "native");
        Ok(())
    }

    #[test]
    fn apple_versions_are_rusts_or_higher() -> Result<(), Error> {
        for (set, triple) in [
            (None, "aarch64-macos.11.0"),
            (Some("13.3"), "aarch64-macos.13.3"),
            (Some("10.15"), "aarch64-macos.11.0"),
            (Some("nonsense"), "aarch64-macos.11.0"),
        ] {
            let variables = set.map(|v| ("MACOSX_DEPLOYMENT_TARGET".into(), v.into()));
            let environment = Environment::from_variables(variables);
            let found = resolve(row("aarch64-apple-darwin")?, ZIG, &Cpu::Baseline, "", &environment);
            assert_eq!(found.triple, triple);
        }
        let environment = Environment::from_variables([("IPHONEOS_DEPLOYMENT_TARGET".into(), "16.4".into())]);
        let simulator = resolve(row("aarch64-apple-ios-sim")?, ZIG, &Cpu::Baseline, "", &environment);
        assert_eq!(simulator.triple, "aarch64-ios.16.4-simulator");
        Ok(())
    }

    #[test]
    fn catalyst_has_the_name_its_zig_version_knows() -> Result<(), Error> {
        let row = row("aarch64-apple-ios-macabi")?;
        for (zig, triple) in [
            (Version::new(0, 15, 2), "aarch64-ios.14.0-macabi"),
            (Version::new(0, 16, 0), "aarch64-maccatalyst.14.0"),
        ] {
            assert_eq!(resolve(row, zig, &Cpu::Baseline, "", &empty()).triple, triple);
        }
        Ok(())
    }
}
