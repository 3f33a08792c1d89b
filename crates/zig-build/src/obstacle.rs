//! What keeps a library from being linked into a Rust program, told from its symbols and relocations: better here, in
//! a sentence, than in a linker's pages.

use std::collections::BTreeSet;
use std::fmt;

use crate::check::Rules;
use crate::error::list;
use crate::object::Symbols;

/// Why a library cannot be linked into a Rust program.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// Nothing in it can be called from outside.
    NothingExported,
    /// C code that calls the undefined-behaviour sanitizer's run-time library, as Zig compiles it in `Debug`.
    Sanitizer {
        /// What it needs.
        symbols: Vec<String>,
    },
    /// Code that works at one address only, while Rust programs for the target are loaded anywhere.
    NotPositionIndependent {
        /// The object files in the library.
        members: Vec<String>,
    },
    /// Functions that only Zig's compiler_rt has, such as `__zig_probe_stack`.
    CompilerRt {
        /// What it needs.
        symbols: Vec<String>,
    },
    /// Another library, which `build.zig` builds and does not install.
    Library {
        /// The library.
        name: String,
        /// What it has that is needed.
        symbols: Vec<String>,
    },
    /// C++ code, and no C++ library among [`Build::system_library`](crate::Build::system_library).
    Cpp {
        /// What it needs.
        symbols: Vec<String>,
    },
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingExported => write!(
                f,
                "It exports no symbol, so there is nothing that Rust could call: mark what it shall call `export fn`. \
                 Where the library is made for Zig programs only, write a build.zig of your own, with a file that imports \
                 its module and exports functions around it."
            ),
            Self::Sanitizer { symbols } => write!(
                f,
                "Its C code is compiled with the undefined-behaviour sanitizer, whose run-time library Rust lacks: \
                 say `Build::optimize(Optimize::ReleaseFast)` in build.rs, or set `.sanitize_c = .off` in the module \
                 of build.zig. (It needs {}.)",
                list(symbols)
            ),
            Self::NotPositionIndependent { members } => write!(
                f,
                "Its code is not position-independent, and Rust programs are: set `.pic = true` in the module of \
                 build.zig; `dependency.artifact(…).root_module.pic = true` serves for somebody else's. (In {}.)",
                list(members)
            ),
            Self::CompilerRt { symbols } => {
                write!(f, "It needs what only Zig's compiler_rt has: ")?;
                if symbols.iter().any(|name| name == STACK_PROBE) {
                    write!(
                        f,
                        "against `{STACK_PROBE}` set `.stack_check = false` in the module of build.zig; "
                    )?;
                }
                write!(
                    f,
                    "else set `lib.bundle_compiler_rt = true` in build.zig and say `Build::compiler_rt(true)` in \
                     build.rs. (It needs {}.)",
                    list(symbols)
                )
            }
            Self::Library { name, symbols } => write!(
                f,
                "It needs the library {name}, which is built and not installed: call `b.installArtifact({name})` in \
                 build.zig. (It needs {}.)",
                list(symbols)
            ),
            Self::Cpp { symbols } => write!(
                f,
                "It needs a C++ library, which Zig leaves out of static libraries: build a dynamic library, for which \
                 say `Build::dynamic_library` in build.rs; or install LLVM's C++ library, as new as Zig's, and say \
                 `Build::system_library(\"c++\")`. (It needs {}.)",
                list(symbols)
            ),
        }
    }
}

pub(crate) const STACK_PROBE: &str = "__zig_probe_stack";

/// Names of C++ libraries for the linker: with one of them, C++ is the crate's own business.
const CPP_LIBRARIES: [&str; 6] = ["c++", "stdc++", "c++_static", "c++_shared", "libc++", "supc++"];

/// What a program for the target asks of a library, more than its symbols.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program<'a> {
    /// It is loaded anywhere.
    pub(crate) position_independent: bool,
    /// What it links of the system, as the build script says.
    pub(crate) system_libraries: &'a [String],
}

/// Everything that keeps the objects, named `members`, out of the program.
pub(crate) fn find(
    members: &[&str],
    symbols: &[Symbols],
    program: Program<'_>,
    rules: &Rules,
) -> Vec<Obstacle> {
    let mut found = Vec::new();
    if symbols.iter().all(|object| object.defined.is_empty()) {
        found.push(Obstacle::NothingExported);
    }
    // What the build script allows by name, the program has.
    let undefined: Vec<&str> = undefined(symbols).into_iter().filter(|name| !rules.allow(name)).collect();
    let needs = |test: fn(&str) -> bool| -> Option<Vec<String>> {
        let names: Vec<String> =
            undefined.iter().filter(|name| test(name)).map(|name| (*name).to_owned()).collect();
        (!names.is_empty()).then_some(names)
    };
    if let Some(symbols) = needs(|name| name.starts_with("__ubsan_handle_")) {
        found.push(Obstacle::Sanitizer { symbols });
    }
    let absolute: Vec<String> = members
        .iter()
        .zip(symbols)
        .filter(|(_, object)| object.absolute)
        .map(|(name, _)| (*name).to_owned())
        .collect();
    if program.position_independent && !absolute.is_empty() {
        found.push(Obstacle::NotPositionIndependent { members: absolute });
    }
    if let Some(symbols) = needs(is_of_zigs_runtime) {
        found.push(Obstacle::CompilerRt { symbols });
    }
    let links_cpp = program.system_libraries.iter().any(|name| CPP_LIBRARIES.contains(&&**name));
    if let Some(symbols) = needs(is_cpp).filter(|_| !links_cpp) {
        found.push(Obstacle::Cpp { symbols });
    }
    found
}

/// What no object defines, as the source spells it.
pub(crate) fn undefined(symbols: &[Symbols]) -> BTreeSet<&str> {
    let defined: BTreeSet<&str> = symbols
        .iter()
        .flat_map(|object| object.defined.iter().map(|name| object.source_name(name)))
        .collect();
    symbols
        .iter()
        .flat_map(|object| object.undefined.iter().map(|name| object.source_name(name)))
        .filter(|name| !defined.contains(name))
        .collect()
}

/// Functions that Zig's code generator calls and neither Rust's run-time library nor the system's has: probes of large
/// stack frames, and arithmetic on integers of any width.
pub(crate) fn is_of_zigs_runtime(name: &str) -> bool {
    let Some(bare) = name.strip_prefix("__") else { return false };
    name == STACK_PROBE
        || bare.ends_with("_limb64")
        || matches!(bare, "divei4" | "modei4" | "udivei4" | "umodei4")
        || (bare.starts_with("fix") && bare.ends_with("fei"))
        || ["floatei", "floatunei"].iter().any(|start| {
            bare.strip_prefix(start).is_some_and(|kind| matches!(kind, "hf" | "sf" | "df" | "xf" | "tf"))
        })
}

/// The start of `std` in mangled names, of its own names for built-in types, of `operator new` and `delete`, and what
/// compilers call by themselves.
fn is_cpp(name: &str) -> bool {
    const STARTS: [&str; 12] = [
        "_ZNSt",
        "_ZNKSt",
        "_ZSt",
        "_ZTVSt",
        "_ZTISt",
        "_ZTVN10__cxxabiv",
        "_Znwm",
        "_Znam",
        "_Znwj",
        "_ZdlPv",
        "_ZdaPv",
        "__cxa_throw",
    ];
    name == "__gxx_personality_v0" || STARTS.iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Format;

    const ANYWHERE: Program<'_> = Program { position_independent: true, system_libraries: &[] };

    fn needing(names: &[&str]) -> Symbols {
        let mut symbols = Symbols::new(Format::Elf, false);
        symbols.push("a".to_owned(), true);
        names.iter().for_each(|name| symbols.push((*name).to_owned(), false));
        symbols
    }

    fn obstacles(symbols: &[Symbols], program: Program<'_>) -> Vec<Obstacle> {
        let names = vec!["a.o"; symbols.len()];
        find(&names, symbols, program, &Rules::default())
    }

    #[test]
    fn needs_that_nothing_meets_are_named_with_the_way_out() {
        for (need, way_out) in [
            ("__ubsan_handle_add_overflow", "Optimize::ReleaseFast"),
            ("__zig_probe_stack", ".stack_check = false"),
            ("__udivei4", "Build::compiler_rt(true)"),
            ("__floatuneidf", "Build::compiler_rt(true)"),
            ("__addo_limb64", "Build::compiler_rt(true)"),
            ("_ZNSt3__16vectorIiE", "Build::system_library(\"c++\")"),
            ("_Znwm", "Build::system_library(\"c++\")"),
        ] {
            let [only] = &*obstacles(&[needing(&[need, "memcpy", "puts"])], ANYWHERE) else {
                panic!("{need} passed")
            };
            let text = only.to_string();
            assert!(text.contains(way_out) && text.contains(need) && !text.contains("puts"), "{text}");
            let mut definer = Symbols::new(Format::Elf, false);
            definer.push(need.to_owned(), true);
            assert_eq!(obstacles(&[needing(&[need]), definer], ANYWHERE), [], "another member has it");
        }
        let harmless = ["__udivti3", "__extendhfsf2", "__floattidf", "__stack_chk_fail", "__fixdfti", "f"];
        assert_eq!(obstacles(&[needing(&harmless)], ANYWHERE), []);
    }

    #[test]
    fn a_library_that_exports_nothing_is_refused() {
        assert_eq!(obstacles(&[Symbols::new(Format::Elf, false)], ANYWHERE), [Obstacle::NothingExported]);
    }

    #[test]
    fn cpp_is_the_crates_own_business_where_it_links_a_library_for_it() {
        let libraries = ["stdc++".to_owned()];
        let program = Program { system_libraries: &libraries, ..ANYWHERE };
        assert_eq!(obstacles(&[needing(&["_Znwm", "__gxx_personality_v0"])], program), []);
    }

    #[test]
    fn absolute_code_matters_where_programs_are_loaded_anywhere() {
        let mut object = needing(&[]);
        object.absolute = true;
        assert!(matches!(
            &*obstacles(std::slice::from_ref(&object), ANYWHERE),
            [Obstacle::NotPositionIndependent { members }] if *members == ["a.o"]
        ));
        let fixed = Program { position_independent: false, ..ANYWHERE };
        assert_eq!(obstacles(&[object], fixed), []);
    }
}
