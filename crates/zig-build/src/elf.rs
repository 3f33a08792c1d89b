//! Symbols of ELF object files, 32 and 64 bits wide, of either byte order, and whether their code is bound to a place.

use crate::bytes::{Bytes, Order};
use crate::object::{Format, Symbols};

const SHT_SYMTAB: u32 = 2;
const SHT_RELA: u32 = 4;
const SHT_REL: u32 = 9;
const SHF_WRITE: usize = 1;
const SHF_ALLOC: usize = 2;
const STB_LOCAL: u8 = 0;
const SHN_UNDEF: u16 = 0;

/// Relocations that no linker can put into a program or library which is loaded anywhere, by machine: those that spell
/// an address out in fewer bits than a pointer has, or in the halves of an instruction. Compilers emit them only
/// where they are not told of position-independent code.
const ABSOLUTE: [(u16, &[u32]); 6] = [
    (EM_S390, &[3, 4]),                                           // 16, 32
    (EM_ARM, &[43, 44, 47, 48]),                                  // MOVW_ABS_NC, MOVT_ABS, and Thumb's
    (EM_X86_64, &[10, 11, 12, 14]),                               // 32, 32S, 16, 8
    (EM_AARCH64, &[258, 259, 263, 264, 265, 266, 267, 268, 269]), // ABS32, ABS16, MOVW_UABS_…
    (EM_RISCV, &[26, 27, 28]),                                    // HI20, LO12_I, LO12_S
    (EM_LOONGARCH, &[67, 68, 69, 70]),                            // ABS_HI20 and on
];

/// Plain addresses, which the loader can fill in, but in memory that stays writable only: in code they are absolute.
const POINTERS: [(u16, u32); 2] = [(EM_386, 1), (EM_ARM, 2)];

const EM_386: u16 = 3;
const EM_S390: u16 = 22;
const EM_ARM: u16 = 40;
const EM_X86_64: u16 = 62;
const EM_AARCH64: u16 = 183;
const EM_RISCV: u16 = 243;
const EM_LOONGARCH: u16 = 258;

/// `None` where the file is damaged.
pub(crate) fn symbols(data: &[u8]) -> Option<Symbols> {
    let wide = *data.get(4)? == 2;
    let order = if *data.get(5)? == 2 { Order::Big } else { Order::Little };
    let file = Bytes::new(data, order);
    let machine = file.u16(0x12)?;
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
        match found.kind {
            SHT_SYMTAB => {
                let names = section(found.link)?;
                read_table(&file, &found, &names, wide, order, &mut symbols)?;
            }
            SHT_REL | SHT_RELA if !symbols.absolute => {
                let flags = section(found.info)?.flags;
                symbols.absolute = flags & SHF_ALLOC != 0
                    && has_absolute(&file, &found, wide, order, machine, flags & SHF_WRITE != 0)?;
            }
            _ => {}
        }
    }
    Some(symbols)
}

struct Section {
    kind: u32,
    flags: usize,
    offset: usize,
    len: usize,
    link: usize,
    info: usize,
}

impl Section {
    fn read(file: &Bytes<'_>, at: usize, wide: bool) -> Option<Self> {
        let field = |offset: usize| at.checked_add(offset);
        Some(if wide {
            Self {
                kind: file.u32(field(0x04)?)?,
                flags: file.place64(field(0x08)?)?,
                offset: file.place64(field(0x18)?)?,
                len: file.place64(field(0x20)?)?,
                link: file.place32(field(0x28)?)?,
                info: file.place32(field(0x2c)?)?,
            }
        } else {
            Self {
                kind: file.u32(field(0x04)?)?,
                flags: file.place32(field(0x08)?)?,
                offset: file.place32(field(0x10)?)?,
                len: file.place32(field(0x14)?)?,
                link: file.place32(field(0x18)?)?,
                info: file.place32(field(0x1c)?)?,
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

fn has_absolute(
    file: &Bytes<'_>,
    table: &Section,
    wide: bool,
    order: Order,
    machine: u16,
    writable: bool,
) -> Option<bool> {
    let absolute = ABSOLUTE.iter().find(|(m, _)| *m == machine).map_or(&[][..], |(_, kinds)| kinds);
    let pointer = POINTERS.iter().find(|(m, _)| *m == machine && !writable).map(|(_, kind)| *kind);
    let entry_len = match (wide, table.kind == SHT_RELA) {
        (true, addend) => {
            if addend {
                24
            } else {
                16
            }
        }
        (false, addend) => {
            if addend {
                12
            } else {
                8
            }
        }
    };
    let entries = file.slice(table.offset, table.len)?;
    for entry in entries.chunks_exact(entry_len) {
        let entry = Bytes::new(entry, order);
        // The place, then symbol and kind in one number: the kind is its lower half, or its lowest byte.
        let kind = if wide { u32::try_from(entry.u64(8)? & 0xffff_ffff).ok()? } else { entry.u32(4)? & 0xff };
        if absolute.contains(&kind) || pointer == Some(kind) {
            return Some(true);
        }
    }
    Some(false)
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
