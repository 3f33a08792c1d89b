//! The builder against a stand-in for Zig: a shell script that writes down what it was called with and makes a
//! library with the system's C compiler, so that lookup, arguments and environment can be seen without a Zig.
#![cfg(unix)]

mod bench;
mod finding;
mod mending;
mod modes;
mod packages;
mod versions;
mod watching;

use std::fs;
use std::io;

use bench::{Bench, Outcome};
use zig_build::{Build, Cpu, Error, Optimize, Skipped, WithoutZig};

const GOOD: &str = "int my_f(int x) { return x + 1; }";
type Settings = fn(&mut Build) -> &mut Build;
type Checked = Result<(), Box<dyn std::error::Error>>;

#[test]
fn zig_gets_the_right_arguments_and_environment() -> Checked {
    let mut bench = Bench::new()?;
    let zig = bench.zig("zig", "0.16.0", GOOD)?.display().to_string();
    bench.set("ZIG", &zig);
    bench.set("DESTDIR", "/elsewhere");
    bench.set("ZIG_LOCAL_CACHE_DIR", "/elsewhere");
    bench.set("KEPT", "yes");
    let settings: Settings =
        |b| b.option("simd", true).option("name", "a b").step("lib").argument("-fsys=z").argument("--libc=x");
    assert!(bench.run(settings).result?.is_built());
    let out = bench.path("out dir/zig-build").display().to_string();
    let arguments = bench.seen("zig", "arg ")?;
    let [prefix] = arguments.iter().skip_while(|a| *a != "--prefix").skip(1).take(1).collect::<Vec<_>>()[..]
    else {
        panic!("no prefix in {arguments:?}")
    };
    assert!(prefix.starts_with(&out), "{prefix}");
    let expected = [
        "build",
        "lib",
        "--color",
        "off",
        "--prefix",
        prefix,
        "--cache-dir",
        &format!("{out}/cache"),
        "-j2",
        "-fsys=z",
        "--libc=x",
        "-Dtarget=x86_64-linux-gnu",
        "-Dcpu=x86_64+fxsr+sse+sse2",
        "-Doptimize=ReleaseFast",
        "-Dsimd=true",
        "-Dname=a b",
    ];
    assert_eq!(arguments, expected);
    let environment = bench.seen("zig", "env ")?;
    let global = bench.path("global cache");
    assert!(environment.contains(&format!("ZIG_GLOBAL_CACHE_DIR={}", global.display())));
    assert!(global.is_dir(), "made before Zig starts");
    assert!(environment.contains(&"KEPT=yes".to_owned()));
    for scrubbed in ["DESTDIR=", "ZIG_LOCAL_CACHE_DIR="] {
        assert!(!environment.iter().any(|line| line.starts_with(scrubbed)), "{scrubbed}");
    }
    let folder = bench.path("package/zig").canonicalize()?;
    assert_eq!(bench.seen("zig", "pwd ")?, [folder.display().to_string()]);
    Ok(())
}

#[test]
fn one_file_needs_no_build_zig() -> Checked {
    let mut bench = Bench::new()?;
    fs::remove_file(bench.path("package/zig/build.zig"))?;
    let zig = bench.zig("zig", "0.17.1", GOOD)?.display().to_string();
    let body = format!(
        "case \"$1\" in build-lib) for a in \"$@\"; do\n\
             case \"$a\" in -femit-bin=*) prefix=\"${{a#-femit-bin=}}\"; prefix=\"${{prefix%/lib/*}}\" ;; esac\n\
         done; exec '{zig}' \"$@\" --prefix \"$prefix\" ;; esac\nexec '{zig}' \"$@\""
    );
    bench.set("ZIG", &bench.script("direct", &body)?.display().to_string());
    assert!(bench.run(|b| b.source("src/kernel.zig").library("kernels").argument("-lc")).result?.is_built());
    let given = bench.seen("zig", "arg ")?;
    for expected in
        ["src/kernel.zig", "-fPIC", "-fno-stack-check", "-OReleaseFast", "-lc", "x86_64-linux-gnu"]
    {
        assert!(given.iter().any(|argument| argument == expected), "{expected}: {given:?}");
    }
    assert!(given.iter().any(|argument| argument.ends_with("/lib/libkernels.a")), "{given:?}");
    let Err(error) = bench.run(|b| b.source("src/missing.zig")).result else { panic!("there is none") };
    assert!(error.to_string().contains("src/missing.zig does not exist"), "{error}");
    assert!(matches!(bench.run(|b| b).result, Err(Error::NoBuildFile { .. })));
    Ok(())
}

#[test]
fn targets_processors_and_modes() -> Checked {
    let mut bench = Bench::new()?;
    let zig = bench.zig("zig", "0.16.0", GOOD)?.display().to_string();
    bench.set("ZIG", &zig);
    let options = |bench: &Bench, settings: Settings| -> Result<String, Box<dyn std::error::Error>> {
        assert!(bench.run(settings).result?.is_built());
        let given = bench.seen("zig", "arg ")?;
        Ok(given.into_iter().filter(|a| a.starts_with("-D")).collect::<Vec<_>>().join(" "))
    };
    bench.set("CARGO_CFG_TARGET_FEATURE", "avx2,bmi1,crt-static,sse4.1");
    assert_eq!(
        options(&bench, |b| b)?,
        "-Dtarget=x86_64-linux-gnu -Dcpu=x86_64+avx2+bmi+sse4_1 -Doptimize=ReleaseFast"
    );
    assert_eq!(
        options(&bench, |b| b.cpu(Cpu::Native).optimize(Optimize::BuildFile))?,
        "-Dtarget=x86_64-linux-gnu -Dcpu=native"
    );
    assert_eq!(
        options(&bench, |b| b.zig_target("x86_64-haiku", "x86_64_v2").optimize(Optimize::ReleaseSmall))?,
        "-Dtarget=x86_64-haiku -Dcpu=x86_64_v2+avx2+bmi+sse4_1 -Doptimize=ReleaseSmall"
    );
    bench.set("TARGET", "aarch64-unknown-linux-musl");
    bench.set("CARGO_CFG_TARGET_FEATURE", "neon");
    bench.set("OPT_LEVEL", "0");
    assert_eq!(options(&bench, |b| b)?, "-Dtarget=aarch64-linux-musl -Dcpu=generic+neon -Doptimize=Debug");
    assert!(matches!(bench.run(|b| b.cpu(Cpu::Native)).result, Err(Error::NativeAcrossTargets { .. })));

    bench.set("TARGET", "arm64ec-pc-windows-msvc");
    assert!(matches!(bench.run(|b| b).result, Err(Error::UnsupportedTarget { .. })));
    let warned = bench.run(|b| b.without_zig(WithoutZig::Warn)).result?;
    assert!(matches!(warned.skipped(), Some(Skipped::WithoutZig(Error::UnsupportedTarget { .. }))));
    Ok(())
}

#[test]
fn the_library_is_linked_from_its_own_folder_without_cache_paths() -> Checked {
    let mut bench = Bench::new()?;
    let zig = bench.zig("zig", "0.17.1", GOOD)?.display().to_string();
    bench.set("ZIG", &zig);
    let artifact =
        bench.run(|b| b.library("kernels").symbol_prefix("my_").allow_undefined(["memcpy"])).result?;
    let path = artifact.path().ok_or("no path")?.to_owned();
    assert!(path.starts_with(bench.path("out dir")) && path.ends_with("libkernels.a"), "{path:?}");
    let mut linked = Vec::new();
    artifact.link_to(&mut linked)?;
    assert_eq!(
        String::from_utf8(linked)?.lines().collect::<Vec<_>>(),
        [
            format!("cargo::rustc-link-search=native={}", path.parent().ok_or("no folder")?.display()),
            "cargo::rustc-link-lib=static=kernels".to_owned()
        ]
    );
    // The system's own tool reads what was written, symbol table included.
    let listed =
        std::process::Command::new("nm").args(["--print-armap".as_ref(), path.as_os_str()]).output()?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("my_f in out_with_a_long_name.o"), "{listed}");
    assert!(matches!(
        bench.run(|b| b.library("other")).result,
        Err(Error::NoLibrary { found, .. }) if found == ["libkernels.a"]
    ));
    Ok(())
}

#[test]
fn the_symbols_are_checked() -> Checked {
    let mut bench = Bench::new()?;
    let outcome = |bench: &mut Bench, c: &str, settings: Settings| -> io::Result<_> {
        let zig = bench.zig("zig", "0.16.0", c)?.display().to_string();
        bench.set("ZIG", &zig);
        Ok(bench.run(settings).result)
    };
    let found = outcome(&mut bench, "int my_f; int other; static int hidden;", |b| b.symbol_prefix("my_"))?;
    assert!(matches!(found, Err(Error::UnexpectedGlobals { symbols, .. }) if symbols == ["other"]));

    const CALLS: &str = "void puts(char *); void *memcpy(void *, void *, unsigned long);\n\
                         void my_f(char *a, char *b, unsigned long n) { memcpy(a, b, n); puts(a); }";
    let found = outcome(&mut bench, CALLS, |b| b.allow_undefined(["memcpy"]))?;
    assert!(matches!(found, Err(Error::UnexpectedUndefined { symbols, .. }) if symbols == ["puts"]));
    assert!(outcome(&mut bench, CALLS, |b| b.allow_undefined(["memcpy", "puts"]))?.is_ok());
    const CHECKS: &str = "void __zig_probe_stack(void), __ubsan_handle_add_overflow(void);\n\
                          void my_f(void) { __zig_probe_stack(); __ubsan_handle_add_overflow(); }";
    for rules in [(|b| b.allow_undefined(["memcpy"])) as Settings, |b| b] {
        let Err(error @ Error::Unlinkable { .. }) = outcome(&mut bench, CHECKS, rules)? else {
            panic!("passed")
        };
        let text = error.to_string();
        assert!(text.contains(".stack_check = false") && text.contains(".sanitize_c = .off"), "{text}");
    }
    assert!(outcome(&mut bench, CHECKS, |b| b.allow_undefined(["__*"]))?.is_ok(), "the program has them");
    assert!(
        outcome(&mut bench, CALLS, |b| b)?.is_ok(),
        "unless asked, needs are the build script's business"
    );

    const MEMCPY: &str =
        "__attribute__((weak)) void *memcpy(void *a, void *b, unsigned long n) { return a; }";
    let found = outcome(&mut bench, MEMCPY, |b| b)?;
    assert!(matches!(found, Err(Error::ReplacesLibc { symbols, .. }) if symbols == ["memcpy"]));
    assert!(outcome(&mut bench, MEMCPY, |b| b.allow_libc_symbols(true))?.is_ok());
    Ok(())
}

#[test]
fn docs_rs_and_miri_build_nothing() -> Checked {
    let mut bench = Bench::new()?;
    bench.set("DOCS_RS", "1");
    assert!(matches!(bench.run(|b| b).result?.skipped(), Some(Skipped::DocsRs)));
    bench.set("DOCS_RS", "");
    assert!(matches!(bench.run(|b| b).result, Err(Error::ZigNotFound { .. })), "empty is unset");
    bench.unset("DOCS_RS");
    bench.set("CARGO_CFG_MIRI", "");
    assert!(matches!(bench.run(|b| b).result?.skipped(), Some(Skipped::Miri)));
    Ok(())
}

#[test]
fn a_check_need_not_wait_for_zig() -> Checked {
    let mut bench = Bench::new()?;
    let zig = bench.zig("zig", "0.16.0", GOOD)?.display().to_string();
    bench.set("ZIG", &zig);
    bench.set("ZIG_BUILD_SKIP", "1");
    let Outcome { lines, result } = bench.run(|b| b);
    let artifact = result?;
    assert!(matches!(artifact.skipped(), Some(Skipped::Check)));
    assert!(artifact.is_expected() && !artifact.is_built(), "what calls it is checked");
    let mut linked = Vec::new();
    artifact.link_to(&mut linked)?;
    assert!(linked.is_empty());
    assert!(lines.contains(&"cargo::rerun-if-env-changed=ZIG_BUILD_SKIP".to_owned()), "a build builds");
    assert!(bench.seen("zig", "arg ").is_err(), "Zig was run");
    bench.set("ZIG_BUILD_SKIP", "0");
    let artifact = bench.run(|b| b).result?;
    assert!(artifact.is_built() && artifact.is_expected());
    bench.set("CARGO_CFG_MIRI", "");
    assert!(!bench.run(|b| b).result?.is_expected(), "Miri calls no foreign function");
    Ok(())
}

#[test]
fn a_failing_a_hanging_and_a_misdirected_build_say_what_to_do() -> Checked {
    let mut bench = Bench::new()?;
    let script = |bench: &mut Bench, body: &str| -> io::Result<()> {
        let body = format!("if [ \"$1\" = version ]; then echo 0.16.0; exit; fi\n{body}");
        let zig = bench.script("zig", &body)?.display().to_string();
        bench.set("ZIG", &zig);
        Ok(())
    };
    for (said, first_line) in [
        ("error: invalid option: -Dcpu", "b.standardTargetOptions"), // Zig 0.15 and 0.16
        ("error: invalid option: \"target\"", "b.standardTargetOptions"), // Zig 0.17
        ("install\nmain.zig:1:48: error: no c\nerror: 1", "zig build failed: main.zig:1:48: error: no c."),
        ("thread 7 panic: boom\nat build.zig", "zig build failed: thread 7 panic: boom."),
        ("u16.h:1:2: error: 'f' requires target feature 'evex512', but", "Cpu::Model(\"x86_64+evex512\""),
        ("nothing known", "zig build failed (exit status: 3)."),
    ] {
        script(&mut bench, &format!("/bin/cat >&2 <<'END'\n{said}\nEND\nexit 3"))?;
        let Err(error @ Error::BuildFailed { .. }) = bench.run(|b| b).result else { panic!("it fails") };
        let text = error.to_string();
        assert!(text.lines().next().is_some_and(|line| line.contains(first_line)), "{text}");
        assert!(text.contains(said), "{text}");
        assert!(text.contains(&format!("run in {}", bench.path("package/zig").display())), "{text}");
    }

    script(&mut bench, "PATH=/usr/bin:/bin; sleep 1000")?;
    bench.set("ZIG_BUILD_TIMEOUT_SECONDS", "1");
    let Err(error @ Error::TimedOut { .. }) = bench.run(|b| b).result else { panic!("it hangs") };
    assert!(error.to_string().contains("ZIG_BUILD_TIMEOUT_SECONDS="), "{error}");

    script(&mut bench, "exit 0")?;
    bench.set("ZIG_BUILD_TIMEOUT_SECONDS", "soon");
    let Outcome { lines, result } = bench.run(|b| b);
    assert!(matches!(result, Err(Error::NoLibrary { .. })));
    assert!(lines.iter().any(|line| line.starts_with("cargo::warning=ZIG_BUILD_TIMEOUT_SECONDS=soon")));

    bench.set("ZIG_GLOBAL_CACHE_DIR", "/dev/null/cache");
    let Err(error @ Error::GlobalCache { .. }) = bench.run(|b| b).result else { panic!("no such folder") };
    assert!(error.to_string().contains("unset ZIG_GLOBAL_CACHE_DIR"), "{error}");

    let mut elsewhere = Build::new("nowhere");
    let elsewhere = elsewhere.environment(bench.variables.clone()).try_build_to(&mut Vec::new());
    assert!(matches!(elsewhere, Err(Error::NoBuildFile { .. })));
    bench.unset("OUT_DIR");
    assert!(matches!(bench.run(|b| b).result, Err(Error::NotInBuildScript { variable: "OUT_DIR", .. })));
    Ok(())
}

#[test]
fn what_a_zig_that_succeeds_says_goes_to_standard_error() -> Checked {
    let build = || -> Checked {
        let mut bench = Bench::new()?;
        let zig = bench.zig("zig", "0.16.0", GOOD)?.display().to_string();
        let body = format!("[ \"$1\" = build ] && echo 'warning: unused' >&2\nexec '{zig}' \"$@\"");
        bench.set("ZIG", &bench.script("talker", &body)?.display().to_string());
        assert!(bench.run(|b| b).result?.is_built());
        Ok(())
    };
    // Only another process's standard error can be read: this test again, there.
    const CHILD: &str = "ZIG_BUILD_TEST_IS_CHILD";
    if std::env::var_os(CHILD).is_some() {
        return build();
    }
    let output = std::process::Command::new(std::env::current_exe()?)
        .args(["--exact", "what_a_zig_that_succeeds_says_goes_to_standard_error", "--nocapture"])
        .env(CHILD, "1")
        .output()?;
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("warning: unused"));
    Ok(())
}
