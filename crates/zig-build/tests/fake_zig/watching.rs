//! When cargo runs a build again, and that the build leaves its sources alone.

use std::fs;
use std::io;
use std::path::Path;

use zig_build::Error;

use crate::bench::{Bench, Outcome};
use crate::{Checked, GOOD};

#[test]
fn cargo_watches_what_is_there_and_nothing_else() -> Checked {
    let mut bench = Bench::new()?;
    let zig = bench.zig("zig", "0.16.0", GOOD)?.display().to_string();
    bench.set("ZIG", &zig);
    fs::write(bench.path("package/extra.h"), "")?;
    let watched = |outcome: &Outcome| -> Vec<String> {
        let prefix = "cargo::rerun-if-changed=";
        outcome.lines.iter().filter_map(|l| l.strip_prefix(prefix)).map(str::to_owned).collect()
    };
    let outcome = bench.run(|b| b.watch("extra.h"));
    assert_eq!(watched(&outcome), ["zig", "extra.h", &*zig]);
    bench.set("ZIG", &format!("/bin/sh {zig}"));
    assert_eq!(watched(&bench.run(|b| b)), ["zig", &*zig], "the Zig behind a command");
    bench.set("ZIG", &zig);
    fs::create_dir(bench.path("package/zig/.zig-cache"))?;
    let outcome = bench.run(|b| b);
    assert_eq!(watched(&outcome), ["zig/build.zig", "zig/src", &*zig]);
    for path in watched(&outcome) {
        assert!(bench.path("package").join(&path).exists(), "{path}");
    }
    assert!(matches!(bench.run(|b| b.watch("missing")).result, Err(Error::File { .. })));
    fs::create_dir_all(bench.path("package/vendored/hash"))?;
    let outcome = bench.run(|b| b.packages("vendored"));
    assert!(watched(&outcome).contains(&"vendored".to_owned()), "{:?}", watched(&outcome));
    for variable in
        ["ZIG", "ZIG_x86_64-unknown-linux-gnu", "ZIG_x86_64_unknown_linux_gnu", "ZIG_BUILD_STRICT"]
    {
        assert!(outcome.lines.contains(&format!("cargo::rerun-if-env-changed={variable}")), "{variable}");
    }
    assert!(!outcome.lines.contains(&"cargo::rerun-if-env-changed=PATH".to_owned()), "ZIG settled it");
    Ok(())
}

#[test]
fn a_source_that_the_build_writes_itself_is_no_change() -> Checked {
    let mut bench = Bench::new()?;
    let zig = bench.zig("zig", "0.16.0", GOOD)?.display().to_string();
    let body = format!(
        "if [ \"$1\" = build ]; then echo 'pub const x = 1;' > src/generated.zig; fi\nexec '{zig}' \"$@\""
    );
    bench.set("ZIG", &bench.script("writer", &body)?.display().to_string());
    let generated = bench.path("package/zig/src/generated.zig");
    let time = || generated.metadata().and_then(|metadata| metadata.modified());
    assert!(bench.run(|b| b).result?.is_built());
    let first = time()?;
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert!(bench.run(|b| b).result?.is_built());
    assert_eq!(time()?, first, "the second run wrote what was there");
    fs::write(&generated, "pub const x = 2;")?;
    let edited = time()?;
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert!(bench.run(|b| b).result?.is_built());
    assert_ne!(time()?, edited, "it wrote something else");
    Ok(())
}

#[test]
fn the_sources_stay_as_they_are() -> Checked {
    let mut bench = Bench::new()?;
    let zig = bench.zig("zig", "0.16.0", GOOD)?.display().to_string();
    bench.set("ZIG", &zig);
    let list =
        |folder: &Path| -> io::Result<Vec<_>> { fs::read_dir(folder)?.map(|e| Ok(e?.file_name())).collect() };
    let before = list(&bench.path("package/zig"))?;
    assert!(bench.run(|b| b).result?.is_built());
    assert_eq!(list(&bench.path("package/zig"))?, before);
    Ok(())
}
