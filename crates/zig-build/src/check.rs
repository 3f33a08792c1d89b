//! What a library may define and what it may need.
//!
//! A static library shares one name space with the whole Rust program: a stray global can replace another library's
//! function, or `memcpy` itself, and a stray need fails to link on the one system that nobody tried.

use std::collections::BTreeSet;
use std::path::Path;

use crate::archive::Member;
use crate::error::Error;
use crate::object::{self, Format, Symbols};

/// The rules for a library.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// What every global must start with; any name will do where there is none.
    pub(crate) prefix: Option<String>,
    /// What may be undefined; anything where there is none.
    pub(crate) undefined: Option<BTreeSet<String>>,
    /// Whether `memcpy` and its kin may be defined.
    pub(crate) libc_symbols: bool,
}

impl Rules {
    /// Whether the build script asked for a look at the symbols.
    pub(crate) fn demand_symbols(&self) -> bool {
        self.prefix.is_some() || self.undefined.is_some()
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

/// The symbols of each member, in order.
pub(crate) fn read(members: &[Member<'_>]) -> Result<Vec<Symbols>, String> {
    members
        .iter()
        .map(|member| object::symbols(member.data).map_err(|reason| format!("{}: {reason}", member.name)))
        .collect()
}

/// Holds the symbols of a library at `path` against the rules.
pub(crate) fn check(path: &Path, symbols: &[Symbols], rules: &Rules) -> Result<(), Error> {
    let defined = names(symbols, |s| &s.defined);
    let undefined = names(symbols, |s| &s.undefined);
    let path = || path.to_owned();
    let is_apple = symbols.iter().any(|object| object.format == Format::MachO);
    let is_zeroing = |name: &str| is_apple && APPLE_ZEROING.contains(&name);
    let replaced: Vec<String> = defined
        .iter()
        .filter(|name| LIBC.contains(name) || is_zeroing(name))
        .map(|name| (*name).to_owned())
        .collect();
    if !rules.libc_symbols && !replaced.is_empty() {
        return Err(Error::ReplacesLibc { path: path(), symbols: replaced });
    }
    if let Some(prefix) = &rules.prefix {
        let stray: Vec<String> = defined
            .iter()
            .filter(|name| !name.starts_with(&**prefix))
            .map(|name| (*name).to_owned())
            .collect();
        if !stray.is_empty() {
            return Err(Error::UnexpectedGlobals { path: path(), prefix: prefix.clone(), symbols: stray });
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

/// ARM's run-time library has its own names for the memory functions (`__aeabi_memcpy4`: aligned to four bytes), and
/// clearing is one of them.
fn is_allowed(name: &str, allowed: &BTreeSet<String>) -> bool {
    if allowed.contains(name) {
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
            prefix: Some("my_".to_owned()),
            undefined: Some(["memcpy".to_owned(), "memset".to_owned()].into()),
            libc_symbols: false,
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
    fn without_rules_anything_else_passes() {
        let library = object(&["anything"], &["everything"], false);
        assert!(verdict(&[library], &Rules::default()).is_ok());
    }
}
