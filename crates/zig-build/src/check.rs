//! What a library may define and what it may need.
//!
//! A static library shares one name space with the whole Rust program: a stray global can replace another library's
//! function, or `memcpy` itself, and a stray need fails to link on the one system that nobody tried.

use std::collections::BTreeSet;
use std::path::Path;

use crate::error::Error;
use crate::object::{Format, Symbols};

/// The rules for a library.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// What every global must start with one of; any name will do where there is none.
    pub(crate) prefixes: Vec<String>,
    /// What may be undefined, `*` standing for anything; anything where there is none.
    pub(crate) undefined: Option<BTreeSet<String>>,
    /// Whether `memcpy` and its kin may be defined.
    pub(crate) libc_symbols: bool,
    /// Whether compiler_rt is kept; where that is not said, it depends on what the library needs.
    pub(crate) compiler_rt: Option<bool>,
}

impl Rules {
    /// Whether the build script asked for a look at the symbols.
    pub(crate) fn demand_symbols(&self) -> bool {
        !self.prefixes.is_empty() || self.undefined.is_some()
    }

    /// Whether the build script allows `name` to be undefined by a rule that says so.
    pub(crate) fn allow(&self, name: &str) -> bool {
        self.undefined.as_ref().is_some_and(|allowed| is_allowed(name, allowed))
    }
}

/// Functions that compilers call by themselves and the C library, or Rust's own, defines. Zig's compiler_rt brings
/// them along as weak symbols, and a linker that has once opened it takes them all from there.
const LIBC: [&str; 7] = ["bcmp", "memcmp", "memcpy", "memmove", "memset", "strlen", "__stack_chk_fail"];

/// What `memset` to zero becomes on Apple systems, the first on `x86_64`, the second on `aarch64`: the C library's too.
const APPLE_ZEROING: [&str; 2] = ["__bzero", "bzero"];

/// Names that the linker itself defines, or that say something to it.
const BY_LINKER: [&str; 12] = [
    "_GLOBAL_OFFSET_TABLE_",
    ".TOC.",
    "__dso_handle",
    "__ImageBase",
    "_fltused",
    "dyld_stub_binder",
    "__indirect_function_table",
    "__linear_memory",
    "__memory_base",
    "__stack_pointer",
    "__table_base",
    "__tls_base",
];

/// Whether an object defines a function that belongs to the C library.
pub(crate) fn replaces_libc(symbols: &Symbols) -> bool {
    symbols.defined.iter().any(|name| is_libc(symbols.source_name(name), symbols.format))
}

fn is_libc(name: &str, format: Format) -> bool {
    LIBC.contains(&name) || format == Format::MachO && APPLE_ZEROING.contains(&name)
}

/// Holds the symbols of a library at `path` against the rules.
pub(crate) fn check(path: &Path, symbols: &[Symbols], rules: &Rules) -> Result<(), Error> {
    let defined = names(symbols, |s| &s.defined);
    let undefined = names(symbols, |s| &s.undefined);
    let path = || path.to_owned();
    let format = symbols.first().map_or(Format::Elf, |object| object.format);
    let is_zeroing = |name: &str| format == Format::MachO && APPLE_ZEROING.contains(&name);
    let replaced: Vec<String> =
        defined.iter().filter(|name| is_libc(name, format)).map(|name| (*name).to_owned()).collect();
    let may_replace = rules.libc_symbols || rules.compiler_rt == Some(true);
    if !may_replace && !replaced.is_empty() {
        return Err(Error::ReplacesLibc { path: path(), symbols: replaced });
    }
    if !rules.prefixes.is_empty() {
        let stray: Vec<String> = defined
            .iter()
            .filter(|name| !rules.prefixes.iter().any(|prefix| name.starts_with(&**prefix)))
            .map(|name| (*name).to_owned())
            .collect();
        if !stray.is_empty() {
            let prefixes = rules.prefixes.clone();
            return Err(Error::UnexpectedGlobals { path: path(), prefixes, symbols: stray });
        }
    }
    if let Some(allowed) = &rules.undefined {
        let stray: Vec<String> = undefined
            .iter()
            .filter(|name| {
                let is_memset = is_zeroing(name) && allowed.contains("memset");
                !(defined.contains(*name)
                    || BY_LINKER.contains(name)
                    || is_memset
                    || is_allowed(name, allowed))
            })
            .map(|name| (*name).to_owned())
            .collect();
        if !stray.is_empty() {
            return Err(Error::UnexpectedUndefined { path: path(), symbols: stray });
        }
    }
    Ok(())
}

fn names<'a>(symbols: &'a [Symbols], part: impl Fn(&'a Symbols) -> &'a Vec<String>) -> BTreeSet<&'a str> {
    symbols.iter().flat_map(|object| part(object).iter().map(|name| object.source_name(name))).collect()
}

/// Whether `name` is what `pattern` says, in which each `*` stands for any text, or for none.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(start) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return name.ends_with(part);
        }
        let Some(at) = name.find(part) else { return false };
        name = name.get(at + part.len()..).unwrap_or_default();
    }
    true
}

/// ARM's run-time library has its own names for the memory functions (`__aeabi_memcpy4`: aligned to four bytes), and
/// clearing is one of them.
fn is_allowed(name: &str, allowed: &BTreeSet<String>) -> bool {
    if allowed.iter().any(|pattern| matches(pattern, name)) {
        return true;
    }
    let Some(arm) = name.strip_prefix("__aeabi_") else { return false };
    match arm.trim_end_matches(['4', '8']) {
        "memclr" => allowed.contains("memset"),
        memory @ ("memcpy" | "memmove" | "memset") => allowed.contains(memory),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(defined: &[&str], undefined: &[&str], underscored: bool) -> Symbols {
        let mut symbols = Symbols::new(Format::Elf, underscored);
        defined.iter().for_each(|name| symbols.push((*name).to_owned(), true));
        undefined.iter().for_each(|name| symbols.push((*name).to_owned(), false));
        symbols
    }

    fn strict() -> Rules {
        Rules {
            prefixes: vec!["my_".to_owned()],
            undefined: Some(["memcpy".to_owned(), "memset".to_owned()].into()),
            ..Rules::default()
        }
    }

    fn verdict(objects: &[Symbols], rules: &Rules) -> Result<(), Error> {
        check(Path::new("lib.a"), objects, rules)
    }

    #[test]
    fn prefixed_globals_and_allowed_needs_pass() {
        let first = object(&["my_a"], &["my_b", "memcpy", "__aeabi_memclr8", "_GLOBAL_OFFSET_TABLE_"], false);
        let second = object(&["my_b"], &["memset"], false);
        assert!(verdict(&[first, second], &strict()).is_ok());
        assert!(verdict(&[object(&["_my_a"], &["_memcpy", "__fltused"], true)], &strict()).is_ok());
    }

    #[test]
    fn strays_are_named() {
        let Err(Error::UnexpectedGlobals { symbols, .. }) =
            verdict(&[object(&["my_a", "b"], &[], false)], &strict())
        else {
            panic!("a global without the prefix passed")
        };
        assert_eq!(symbols, ["b"]);
        let needs = object(&["my_a"], &["fmaf", "__aeabi_fadd", "memcpy"], false);
        let Err(Error::UnexpectedUndefined { symbols, .. }) = verdict(&[needs], &strict()) else {
            panic!("an undefined symbol passed")
        };
        assert_eq!(symbols, ["__aeabi_fadd", "fmaf"]);
    }

    #[test]
    fn libc_is_not_replaced_unless_allowed() {
        let mut rules = Rules::default();
        for library in [object(&["memcpy", "f"], &[], false), object(&["_memcpy", "_f"], &[], true)] {
            assert!(matches!(
                verdict(std::slice::from_ref(&library), &rules),
                Err(Error::ReplacesLibc { symbols, .. }) if symbols == ["memcpy"]
            ));
            rules.libc_symbols = true;
            assert!(verdict(&[library], &rules).is_ok());
            rules.libc_symbols = false;
        }
    }

    #[test]
    fn zeroing_counts_as_memset_on_apple_systems_only() {
        for name in ["__bzero", "bzero"] {
            let mut needs = object(&["my_a"], &[name], false);
            let mut defines = object(&[name], &[], false);
            assert!(matches!(
                verdict(std::slice::from_ref(&needs), &strict()),
                Err(Error::UnexpectedUndefined { .. })
            ));
            assert!(verdict(std::slice::from_ref(&defines), &Rules::default()).is_ok());
            (needs.format, defines.format) = (Format::MachO, Format::MachO);
            assert!(verdict(std::slice::from_ref(&needs), &strict()).is_ok());
            let nothing = Rules { undefined: Some(BTreeSet::new()), ..Rules::default() };
            assert!(matches!(verdict(&[needs], &nothing), Err(Error::UnexpectedUndefined { .. })));
            assert!(matches!(verdict(&[defines], &Rules::default()), Err(Error::ReplacesLibc { .. })));
        }
    }

    #[test]
    fn one_of_several_prefixes_will_do_and_a_star_stands_for_anything() {
        let library = object(&["my_a", "your_b"], &["pthread_create", "_ZNSt3__14coutE"], false);
        let rules = |undefined: &[&str]| Rules {
            prefixes: vec!["my_".to_owned(), "your_".to_owned()],
            undefined: Some(undefined.iter().map(|name| (*name).to_owned()).collect()),
            ..Rules::default()
        };
        assert!(verdict(std::slice::from_ref(&library), &rules(&["pthread_*", "_ZNSt*"])).is_ok());
        assert!(verdict(std::slice::from_ref(&library), &rules(&["*"])).is_ok());
        assert!(matches!(
            verdict(&[library], &rules(&["thread_*", "_ZNSt*"])),
            Err(Error::UnexpectedUndefined { symbols, .. }) if symbols == ["pthread_create"]
        ));
        for (pattern, name, expected) in [
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "acd", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("*", "", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn without_rules_anything_else_passes() {
        let library = object(&["anything"], &["everything"], false);
        assert!(verdict(&[library], &Rules::default()).is_ok());
    }
}
