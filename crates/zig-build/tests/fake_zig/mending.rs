//! The second run: for the machine as it is, as a dependency, and in another mode.

use std::fs;

use super::bench::Bench;
use super::{Checked, GOOD};
use zig_build::{Error, Obstacle};

const SANITIZED: &str =
    "void __ubsan_handle_add_overflow(void); void my_f(void) { __ubsan_handle_add_overflow(); }";

/// A bench whose Zig is `front`, a script that runs `good` or `bad`.
fn bench(front: &str) -> Result<Bench, Box<dyn std::error::Error>> {
    let mut bench = Bench::new()?;
    for (name, c) in [("good", GOOD), ("bad", SANITIZED)] {
        bench.zig(name, "0.16.0", c)?;
    }
    let front = format!("[ \"$1\" = build ] || exec '{}' \"$@\"\n{front}", bench.path("good").display())
        .replace("GOOD", &format!("exec '{}' \"$@\"", bench.path("good").display()))
        .replace("BAD", &format!("exec '{}' \"$@\"", bench.path("bad").display()));
    let zig = bench.script("front", &front)?.display().to_string();
    bench.set("ZIG", &zig);
    Ok(bench)
}

#[test]
fn libraries_of_the_system_are_looked_for_on_this_machine() -> Checked {
    let mut bench = bench(
        "case $* in *-Dtarget=native*) GOOD ;; esac\n\
         echo \"error: unable to find dynamic system library 'z' using strategy 'paths_first'\" >&2\nexit 1",
    )?;
    assert!(bench.run(|b| b).result?.is_built());
    let given = bench.seen("good", "arg -D")?;
    assert!(given.iter().any(|option| option == "target=native"), "{given:?}");
    assert!(
        given.iter().any(|option| option.starts_with("cpu=x86_64")),
        "never the machine's own: {given:?}"
    );

    bench.set("HOST", "aarch64-unknown-linux-gnu");
    let Err(error @ Error::BuildFailed { .. }) = bench.run(|b| b).result else {
        panic!("for another machine")
    };
    assert!(error.to_string().contains("install the library z"), "{error}");
    Ok(())
}

#[test]
fn what_build_zig_leaves_unsaid_is_said_around_it() -> Checked {
    let bench = bench("if /bin/grep -q mended build.zig.zon 2> /dev/null; then GOOD; else BAD; fi")?;
    assert!(bench.run(|b| b.option("a \"b\"", "c")).result?.is_built());
    assert_eq!(bench.seen("good", "arg -D")?, [""; 0], "they are options of the dependency");
    let [folder] = &*bench.seen("good", "pwd ")? else { panic!("one folder") };
    let folder = std::path::Path::new(folder);
    let text = fs::read_to_string(folder.join("build.zig"))?;
    for option in
        [r#".@"target" = "x86_64-linux-gnu""#, r#".@"optimize" = "ReleaseFast""#, r#".@"a \"b\"" = "c""#]
    {
        assert!(text.contains(option), "{option}: {text}");
    }
    let package = fs::read_to_string(folder.join("build.zig.zon"))?;
    let way = package.split(".path = \"").nth(1).and_then(|rest| rest.split('"').next()).ok_or("no path")?;
    assert_eq!(folder.join(way).canonicalize()?, bench.path("package/zig").canonicalize()?);
    Ok(())
}

#[test]
fn where_that_fails_the_mode_may_do_and_else_the_first_error_counts() -> Checked {
    let mut bench = bench(
        "if /bin/grep -q mended build.zig.zon 2> /dev/null; then echo 'error: no dependency' >&2; exit 1; fi\n\
         case $* in *-Doptimize=ReleaseFast*) GOOD ;; *) BAD ;; esac",
    )?;
    bench.set("OPT_LEVEL", "0");
    assert!(bench.run(|b| b).result?.is_built());
    let found = bench.run(|b| b.optimize(zig_build::Optimize::Debug)).result;
    assert!(matches!(
        found,
        Err(Error::Unlinkable { obstacles, .. }) if matches!(&*obstacles, [Obstacle::Sanitizer { .. }])
    ));
    Ok(())
}

#[test]
fn a_message_that_zig_loses_is_asked_for_again() -> Checked {
    let bench =
        bench("[ -e ../lost ] && GOOD\n/usr/bin/touch ../lost\necho 'error: BrokenPipe' >&2\nexit 1")?;
    assert!(bench.run(|b| b).result?.is_built());
    assert!(bench.path("package/lost").exists());
    Ok(())
}
