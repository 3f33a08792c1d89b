//! Symbols of ELF object files, 32 and 64 bits wide, of either byte order.

use crate::bytes::{Bytes, Order};
use crate::object::{Format, Symbols};

const SHT_SYMTAB: u32 = 2;
const STB_LOCAL: u8 = 0;
const SHN_UNDEF: u16 = 0;

/// `None` where the file is damaged.
pub(crate) fn symbols(data: &[u8]) -> Option<Symbols> {
    let wide = *data.get(4)? == 2;
    let order = if *data.get(5)? == 2 { Order::Big } else { Order::Little };
    let file = Bytes::new(data, order);
    let (table, entry_len, count) = if wide {
        (file.place64(0x28)?, file.u16(0x3a)?, file.u16(0x3c)?)
    } else {
        (file.place32(0x20)?, file.u16(0x2e)?, file.u16(0x30)?)
    };
    // Headers that lie within one another would let a small file claim symbols without end.
    if table != 0 && usize::from(entry_len) < if wide { 64 } else { 40 } {
        return None;
    }
    let section = |index: usize| -> Option<Section> {
        let at = table.checked_add(index.checked_mul(entry_len.into())?)?;
        Section::read(&file, at, wide)
    };
    // 0xff00 sections and more are counted in the first section's size.
    let count = if count == 0 && table != 0 { section(0)?.len } else { count.into() };
    let mut symbols = Symbols::new(Format::Elf, false);
    for index in 0..count {
        let found = section(index)?;
        if found.kind == SHT_SYMTAB {
            let names = section(found.link)?;
            read_table(&file, &found, &names, wide, order, &mut symbols)?;
        }
    }
    Some(symbols)
}

struct Section {
    kind: u32,
    offset: usize,
    len: usize,
    link: usize,
}

impl Section {
    fn read(file: &Bytes<'_>, at: usize, wide: bool) -> Option<Self> {
        let field = |offset: usize| at.checked_add(offset);
        Some(if wide {
            Self {
                kind: file.u32(field(0x04)?)?,
                offset: file.place64(field(0x18)?)?,
                len: file.place64(field(0x20)?)?,
                link: file.place32(field(0x28)?)?,
            }
        } else {
            Self {
                kind: file.u32(field(0x04)?)?,
                offset: file.place32(field(0x10)?)?,
                len: file.place32(field(0x14)?)?,
                link: file.place32(field(0x18)?)?,
            }
        })
    }
}

fn read_table(
    file: &Bytes<'_>,
    table: &Section,
    names: &Section,
    wide: bool,
    order: Order,
    symbols: &mut Symbols,
) -> Option<()> {
    let entries = file.slice(table.offset, table.len)?;
    let names = Bytes::new(file.slice(names.offset, names.len)?, order);
    // (entry, info, section index): the two layouts order their fields differently.
    let (entry_len, info_at, section_at) = if wide { (24, 4, 6) } else { (16, 12, 14) };
    for entry in entries.chunks_exact(entry_len) {
        let entry = Bytes::new(entry, order);
        let name = names.name(entry.place32(0)?)?;
        let binding = entry.u8(info_at)? >> 4;
        if binding != STB_LOCAL && !name.is_empty() {
            symbols.push(name, entry.u16(section_at)? != SHN_UNDEF);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_headers_of_no_length_are_damage() {
        let mut data = include_bytes!("../tests/objects/elf-x86_64.o").to_vec();
        assert!(symbols(&data).is_some());
        // Headers of length zero, and the number of them in the size field of the first: 2^40, all in one place.
        data[0x3a..0x3e].fill(0);
        let table = Bytes::new(&data, Order::Little).place64(0x28).unwrap_or_default();
        data[table + 0x20..table + 0x28].copy_from_slice(&(1_u64 << 40).to_le_bytes());
        assert!(symbols(&data).is_none());
    }
}
