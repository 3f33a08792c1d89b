//! Packages that `build.zig.zon` names.

use std::fs;
use std::io;

use zig_build::Error;

use crate::bench::Bench;
use crate::{Checked, GOOD};

#[test]
fn fetched_packages_go_to_the_output_and_given_ones_stay_where_they_are() -> Checked {
    let mut bench = Bench::new()?;
    let zig = bench.zig("zig", "0.17.1", GOOD)?.display().to_string();
    bench.set("ZIG", &zig);
    let folders = |bench: &Bench| -> io::Result<Vec<String>> {
        let environment = bench.seen("zig", "env ZIG_LOCAL_PKG_DIR")?;
        let given = bench.seen("zig", "arg ")?.into_iter().skip_while(|a| a != "--system").skip(1).take(1);
        Ok(environment.into_iter().chain(given).collect())
    };
    let given = bench.path("package/vendored").display().to_string();
    fs::create_dir(&given)?;
    assert!(bench.run(|b| b).result?.is_built());
    assert_eq!(folders(&bench)?, [format!("={}", bench.path("out dir/zig-build/packages").display())]);
    assert!(bench.run(|b| b.packages("vendored")).result?.is_built());
    assert_eq!(folders(&bench)?, [&*given]);
    bench.set("ZIG_LOCAL_PKG_DIR", "/elsewhere");
    assert!(bench.run(|b| b).result?.is_built());
    assert_eq!(folders(&bench)?, ["=/elsewhere"]);
    assert!(bench.run(|b| b.packages("vendored")).result?.is_built());
    assert_eq!(folders(&bench)?, [&*given], "Zig 0.17 would look for them elsewhere");
    Ok(())
}

#[test]
fn missing_packages_are_named_all_at_once() -> Checked {
    let mut bench = Bench::new()?;
    let zig = bench.zig("zig", "0.16.0", GOOD)?.display().to_string();
    bench.set("ZIG", &zig);
    let package =
        |name: &str| format!(".{name} = .{{ .url = \"https://x.example/{name}\", .hash = \"{name}-1-h\" }},");
    let zon = |packages: &str| format!(".{{ .dependencies = .{{ {packages} }} }}");
    let lazy = package("later").replace(" },", ", .lazy = true },");
    fs::write(bench.path("package/zig/build.zig.zon"), zon(&(package("one") + &package("two") + &lazy)))?;
    fs::create_dir_all(bench.path("package/vendored/one-1-h"))?;
    fs::write(bench.path("package/vendored/one-1-h/build.zig.zon"), zon(&package("three")))?;
    let result = bench.run(|b| b.packages("vendored")).result;
    let Err(error @ Error::PackagesMissing { .. }) = result else { panic!("two are missing") };
    let text = error.to_string();
    for part in [
        "two (two-1-h, from https://x.example/two), three (three-1-h, from https://x.example/three)",
        "zig build --fetch=all",
    ] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    assert!(!text.contains("later"), "{text}");
    for name in ["two-1-h", "three-1-h"] {
        fs::create_dir_all(bench.path("package/vendored").join(name))?;
    }
    assert!(bench.run(|b| b.packages("vendored")).result?.is_built());

    fs::remove_dir(bench.path("package/vendored/two-1-h"))?;
    let command = || {
        let folders = ["package/zig", "package/vendored"].map(|folder| bench.path(folder));
        std::process::Command::new(env!("CARGO_BIN_EXE_zig-packages")).args(folders).output()
    };
    let output = command()?;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stdout)?,
        "there   one-1-h\thttps://x.example/one\nmissing two-1-h\thttps://x.example/two\n\
         lazy    later-1-h\thttps://x.example/later\nthere   three-1-h\thttps://x.example/three\n"
    );
    assert!(String::from_utf8(output.stderr)?.contains("zig build --fetch=all"));
    fs::create_dir(bench.path("package/vendored/two-1-h"))?;
    assert_eq!(command()?.status.code(), Some(0));
    Ok(())
}
