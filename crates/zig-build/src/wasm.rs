//! Symbols of WebAssembly object files: the `linking` section, with names of imports from the import section.

use crate::bytes::{Bytes, Order};
use crate::object::{Format, Symbols};

const SECTION_CUSTOM: u8 = 0;
const SECTION_IMPORT: u8 = 2;
const SYMBOL_TABLE: u8 = 8;

const KIND_DATA: u8 = 1;
const KIND_SECTION: u8 = 3;

const BINDING_LOCAL: u32 = 0x02;
const UNDEFINED: u32 = 0x10;
const EXPLICIT_NAME: u32 = 0x40;

/// `None` where the file is damaged.
pub(crate) fn symbols(data: &[u8]) -> Option<Symbols> {
    let mut file = Cursor { data, at: 8 };
    let mut symbols = Symbols::new(Format::Wasm, false);
    let mut imports = Imports::default();
    while file.at < data.len() {
        let kind = file.byte()?;
        let len = file.number()?;
        let mut section = Cursor { data: file.bytes(len)?, at: 0 };
        match kind {
            SECTION_IMPORT => imports = Imports::read(&mut section)?,
            SECTION_CUSTOM if section.name()? == "linking" => {
                section.number()?; // the version
                while section.at < section.data.len() {
                    let kind = section.byte()?;
                    let len = section.number()?;
                    let part = section.bytes(len)?;
                    if kind == SYMBOL_TABLE {
                        read_table(&mut Cursor { data: part, at: 0 }, &imports, &mut symbols)?;
                    }
                }
            }
            _ => {}
        }
    }
    Some(symbols)
}

fn read_table(table: &mut Cursor<'_>, imports: &Imports, symbols: &mut Symbols) -> Option<()> {
    for _ in 0..table.number()? {
        let kind = table.byte()?;
        let flags = table.number()?;
        let undefined = flags & UNDEFINED != 0;
        let name = match kind {
            KIND_SECTION => {
                table.number()?;
                continue;
            }
            KIND_DATA => {
                let name = table.name()?;
                if !undefined {
                    // Segment, place and length.
                    for _ in 0..3 {
                        table.number()?;
                    }
                }
                name
            }
            _ => {
                let index = table.number()?;
                if undefined && flags & EXPLICIT_NAME == 0 {
                    imports.name(kind, index)?
                } else {
                    table.name()?
                }
            }
        };
        if flags & BINDING_LOCAL == 0 {
            symbols.push(name, !undefined);
        }
    }
    Some(())
}

/// The names of imports, by the kind that the symbol table gives them.
#[derive(Default)]
struct Imports {
    functions: Vec<String>,
    globals: Vec<String>,
    tags: Vec<String>,
    tables: Vec<String>,
}

impl Imports {
    fn read(section: &mut Cursor<'_>) -> Option<Self> {
        let mut imports = Self::default();
        for _ in 0..section.number()? {
            section.name()?; // the module
            let name = section.name()?;
            match section.byte()? {
                0 => {
                    section.number()?;
                    imports.functions.push(name);
                }
                1 => {
                    section.byte()?;
                    section.limits()?;
                    imports.tables.push(name);
                }
                2 => section.limits()?,
                3 => {
                    section.bytes(2)?; // value type and mutability
                    imports.globals.push(name);
                }
                4 => {
                    section.byte()?;
                    section.number()?;
                    imports.tags.push(name);
                }
                _ => return None,
            }
        }
        Some(imports)
    }

    fn name(&self, kind: u8, index: u32) -> Option<String> {
        let names = match kind {
            0 => &self.functions,
            2 => &self.globals,
            4 => &self.tags,
            5 => &self.tables,
            _ => return None,
        };
        names.get(usize::try_from(index).ok()?).cloned()
    }
}

struct Cursor<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.data.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    /// An unsigned number in LEB128, of 64 bits at most on the wire; none that matters here exceeds 32.
    fn number(&mut self) -> Option<u32> {
        let mut value: u64 = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).ok();
            }
        }
        None
    }

    fn bytes(&mut self, len: u32) -> Option<&'a [u8]> {
        let bytes = Bytes::new(self.data, Order::Little).slice(self.at, len.try_into().ok()?)?;
        self.at += bytes.len();
        Some(bytes)
    }

    fn name(&mut self) -> Option<String> {
        let len = self.number()?;
        Some(String::from_utf8_lossy(self.bytes(len)?).into_owned())
    }

    /// The sizes of a table or memory: flags, the least, and with bit 0 the most.
    fn limits(&mut self) -> Option<()> {
        let flags = self.number()?;
        self.number()?;
        if flags & 1 != 0 {
            self.number()?;
        }
        Some(())
    }
}
