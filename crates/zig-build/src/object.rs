//! The global symbols of an object file, whatever its format.

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
}

impl Symbols {
    pub(crate) fn new(format: Format, underscored: bool) -> Self {
        Self { format, defined: Vec::new(), undefined: Vec::new(), underscored }
    }

    pub(crate) fn push(&mut self, name: String, defined: bool) {
        if defined { self.defined.push(name) } else { self.undefined.push(name) }
    }

    /// A name as the source gave it.
    pub(crate) fn source_name<'a>(&self, name: &'a str) -> &'a str {
        if self.underscored { name.strip_prefix('_').unwrap_or(name) } else { name }
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
