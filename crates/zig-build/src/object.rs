//! The global symbols of an object file, whatever its format.

use crate::archive::{MAGIC, THIN_MAGIC};
use crate::{coff, elf, macho, wasm};

/// The kinds of object file that Rust targets use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Elf,
    MachO,
    Coff,
    Wasm,
}

/// The symbols of an object file that other object files can see, weak and hidden ones included, spelt as the file
/// spells them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Symbols {
    pub(crate) format: Format,
    pub(crate) defined: Vec<String>,
    pub(crate) undefined: Vec<String>,
    /// The system puts `_` before the name that the source gave.
    pub(crate) underscored: bool,
    /// Its code holds addresses that are settled when it is linked, so that it cannot be part of what is loaded anywhere.
    pub(crate) absolute: bool,
}

impl Symbols {
    pub(crate) fn new(format: Format, underscored: bool) -> Self {
        Self { format, defined: Vec::new(), undefined: Vec::new(), underscored, absolute: false }
    }

    pub(crate) fn push(&mut self, name: String, defined: bool) {
        if defined { self.defined.push(name) } else { self.undefined.push(name) }
    }

    /// A name as the source gave it.
    pub(crate) fn source_name<'a>(&self, name: &'a str) -> &'a str {
        if self.underscored { name.strip_prefix('_').unwrap_or(name) } else { name }
    }
}

/// What a member of a library is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An object file, or one that claims to be.
    Object,
    /// A shared library, or a stand-in for one: what the object files need when the program runs.
    Shared,
    /// A library within the library.
    Archive,
    /// Neither: a resource, a text.
    Foreign,
}

/// Tells what a member of a library is by how it starts.
pub(crate) fn kind(data: &[u8]) -> Kind {
    const ELF_SHARED: [u8; 2] = [3, 0];
    const MACH_O_SHARED: u8 = 6;
    match data {
        [0x7f, b'E', b'L', b'F', rest @ ..] => {
            let big = rest.get(1) == Some(&2);
            let found = rest.get(12..14).unwrap_or_default();
            let shared = if big { found.iter().rev().eq(&ELF_SHARED) } else { found == ELF_SHARED };
            if shared { Kind::Shared } else { Kind::Object }
        }
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, rest @ ..] if rest.get(8) == Some(&MACH_O_SHARED) => Kind::Shared,
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] | [0, b'a', b's', b'm', ..] => Kind::Object,
        [b'B', b'C', 0xc0, 0xde, ..] => Kind::Object,
        [0, 0, 0xff, 0xff, 0, 0, ..] | [b'-', b'-', b'-', b' ', b'!', b't', b'a', b'p', b'i', ..] => {
            Kind::Shared
        }
        _ if data.starts_with(MAGIC) || data.starts_with(THIN_MAGIC) => Kind::Archive,
        _ if coff::is_coff(data) => Kind::Object,
        _ => Kind::Foreign,
    }
}

/// Reads the symbols of an object file.
pub(crate) fn symbols(data: &[u8]) -> Result<Symbols, String> {
    let symbols = match data {
        [0x7f, b'E', b'L', b'F', ..] => elf::symbols(data),
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] => macho::symbols(data),
        [0, b'a', b's', b'm', ..] => wasm::symbols(data),
        [b'B', b'C', 0xc0, 0xde, ..] => return Err("it holds LLVM bitcode, not machine code".to_owned()),
        _ if coff::is_coff(data) => coff::symbols(data),
        _ => return Err("it holds a file that is not ELF, Mach-O, COFF or WebAssembly".to_owned()),
    };
    symbols.ok_or_else(|| "it holds an object file that is cut short or damaged".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::archive::members;
    use crate::repack;

    /// One object of each kind, made by Zig from the example's kernel, and what else it needs than `memset`.
    const OBJECTS: [(&[u8], Format, &[&str]); 7] = [
        (include_bytes!("../tests/objects/elf-x86_64.o"), Format::Elf, &[]),
        (include_bytes!("../tests/objects/elf-s390x.o"), Format::Elf, &[]),
        (include_bytes!("../tests/objects/elf-armv7.o"), Format::Elf, &[]),
        (include_bytes!("../tests/objects/macho-aarch64.o"), Format::MachO, &[]),
        (include_bytes!("../tests/objects/coff-x86_64.obj"), Format::Coff, &["_fltused"]),
        (include_bytes!("../tests/objects/coff-i686.obj"), Format::Coff, &["_fltused"]),
        (include_bytes!("../tests/objects/wasm32.o"), Format::Wasm, &["__linear_memory"]),
    ];

    fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn every_format_gives_the_same_symbols() -> Result<(), String> {
        for (data, format, more) in OBJECTS {
            let found = symbols(data)?;
            let names = |names: &[String]| -> Vec<String> {
                sorted(names.iter().map(|name| found.source_name(name)))
                    .into_iter()
                    .map(str::to_owned)
                    .collect()
            };
            assert_eq!(found.format, format);
            assert_eq!(names(&found.defined), ["example_dot", "example_fill"], "{format:?}");
            let undefined: Vec<_> = names(&found.undefined);
            let memory = undefined.iter().filter(|name| name.ends_with("memset")).count();
            assert!(memory <= 1, "{undefined:?}");
            let rest: Vec<_> = undefined.iter().filter(|name| !name.ends_with("memset")).collect();
            assert!(rest.iter().all(|name| more.contains(&&***name)), "{format:?}: {rest:?}");
        }
        Ok(())
    }

    #[test]
    fn a_rewritten_library_keeps_its_symbols() -> Result<(), String> {
        for (data, format, _) in OBJECTS {
            let member = crate::archive::Member::new("kernel_of_the_example.o", data);
            let found = symbols(data)?;
            let library =
                repack::write(format, &[member], std::slice::from_ref(&found)).ok_or("too large")?;
            let read = members(&library)?;
            let [only] = &*read else { return Err(format!("{} members", read.len())) };
            assert_eq!(symbols(only.data)?, found);
        }
        Ok(())
    }

    #[test]
    fn foreign_files_are_refused_with_a_reason() {
        for (data, part) in [(&b"BC\xc0\xde"[..], "bitcode"), (b"plain text", "not ELF"), (b"", "not ELF")] {
            assert!(symbols(data).is_err_and(|reason| reason.contains(part)));
        }
        assert!(members(b"!<thin>\n").is_err_and(|reason| reason.contains("thin")));
        assert!(members(b"text").is_err_and(|reason| reason.contains("not an ar")));
    }

    proptest! {
        #[test]
        fn damaged_objects_never_panic(
            which in 0..OBJECTS.len(), cut in 0_usize..2000, changes in prop::collection::vec((0_usize..2000, any::<u8>()), 0..8),
        ) {
            let (data, ..) = OBJECTS[which];
            let mut data = data[..data.len().min(cut.max(4))].to_vec();
            for (at, byte) in changes {
                let len = data.len();
                data[at % len] = byte;
            }
            // Either answer is right; coming back at all is the point.
            drop(symbols(&data));
        }

        #[test]
        fn damaged_libraries_never_panic(changes in prop::collection::vec((0_usize..4000, any::<u8>()), 0..8)) {
            let (data, format, _) = OBJECTS[0];
            let objects = [
                crate::archive::Member::new("a.o", data),
                crate::archive::Member::new("a_name_beyond_fifteen.o", data),
            ];
            let found = [Symbols::new(format, false), Symbols::new(format, false)];
            let mut library = repack::write(format, &objects, &found).unwrap_or_default();
            for (at, byte) in changes {
                let len = library.len();
                library[at % len] = byte;
            }
            drop(members(&library));
        }
    }
}
