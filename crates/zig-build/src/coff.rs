//! Symbols of COFF object files, the `/bigobj` kind included, as Windows and UEFI have them.

use crate::bytes::{Bytes, Order};
use crate::object::{Format, Symbols};

const I386: u16 = 0x014c;
const MACHINES: [u16; 6] = [I386, 0x8664, 0xaa64, 0xa641, 0x01c4, 0x01c0];
const CLASS_EXTERNAL: u8 = 2;
const CLASS_WEAK_EXTERNAL: u8 = 105;
const SECTION_LEN: usize = 40;
const SECTION_IS_COMDAT: u32 = 0x1000;

/// What the names of pooled constants start with, on i686 too; their value follows in hexadecimal.
const CONSTANTS: [&str; 4] = ["__real@", "__xmm@", "__ymm@", "__zmm@"];

/// COFF has no magic number, only a machine; the big kind hides behind machine 0 and 0xffff sections.
pub(crate) fn is_coff(data: &[u8]) -> bool {
    let file = Bytes::new(data, Order::Little);
    match (file.u16(0), file.u16(2), file.u16(4)) {
        (Some(0), Some(0xffff), Some(version)) => version >= 2,
        (Some(machine), ..) => MACHINES.contains(&machine) && data.len() >= 20,
        _ => false,
    }
}

/// `None` where the file is damaged.
///
/// Left out are floating-point and vector constants that compilers for MSVC pool: globals by class, but each in a
/// COMDAT section of its own under a name that spells its value, of which the linker keeps one. They can replace
/// nothing but themselves, and no object needs another's.
pub(crate) fn symbols(data: &[u8]) -> Option<Symbols> {
    let file = Bytes::new(data, Order::Little);
    let big = file.u16(0)? == 0;
    let (machine, table, count) = if big {
        (file.u16(6)?, file.place32(48)?, file.place32(52)?)
    } else {
        (file.u16(0)?, file.place32(8)?, file.place32(12)?)
    };
    let entry_len = if big { 20 } else { 18 };
    let mut symbols = Symbols::new(Format::Coff, machine == I386);
    let table_len = count.checked_mul(entry_len)?;
    let entries = file.slice(table, table_len)?;
    let names = table.checked_add(table_len)?;
    let mut skipped = 0;
    for entry in entries.chunks_exact(entry_len) {
        if skipped > 0 {
            skipped -= 1;
            continue;
        }
        let entry = Bytes::new(entry, Order::Little);
        // Name (8), value (4), section (2, or 4 in the big kind), type (2), class (1), auxiliary entries (1).
        let section = if big { entry.place32(12)? } else { entry.u16(12)?.into() };
        let (class, auxiliary) = (entry.u8(entry_len - 2)?, entry.u8(entry_len - 1)?);
        skipped = auxiliary;
        let name = if entry.u32(0)? == 0 {
            file.name(names.checked_add(entry.place32(4)?)?)?
        } else {
            Bytes::new(entry.slice(0, 8)?, Order::Little).name(0)?
        };
        match class {
            // An external symbol without a section but with a value is a common one: the linker makes room for it.
            CLASS_EXTERNAL if !(is_constant(&name) && is_comdat(&file, big, section)) => {
                symbols.push(name, section != 0 || entry.u32(8)? != 0);
            }
            // Its auxiliary entry names what stands in where nothing else defines it.
            CLASS_WEAK_EXTERNAL => symbols.push(name, true),
            _ => {}
        }
    }
    Some(symbols)
}

fn is_constant(name: &str) -> bool {
    CONSTANTS.iter().any(|start| name.starts_with(start))
}

/// Whether the section of this number is a COMDAT one. Numbers count from one; those that stand for no section lie
/// outside the table, or are zero.
fn is_comdat(file: &Bytes<'_>, big: bool, number: usize) -> bool {
    let characteristics = || {
        let sections = if big { 56 } else { 20 + usize::from(file.u16(16)?) };
        let count = if big { file.place32(44)? } else { file.u16(2)?.into() };
        let index = number.checked_sub(1).filter(|index| *index < count)?;
        file.u32(index.checked_mul(SECTION_LEN)?.checked_add(sections + 36)?)
    };
    characteristics().is_some_and(|found| found & SECTION_IS_COMDAT != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pooled_constants_are_left_out_where_they_are_comdats() -> Result<(), &'static str> {
        let mut data = include_bytes!("../tests/objects/coff-constants.obj").to_vec();
        let functions = ["example_scale", "example_blend"];
        let constants = ["__real@3fb999999999999a", "__xmm@3ecccccd3e99999a3e4ccccd3dcccccd"];
        let defined = |data: &[u8]| symbols(data).map(|found| found.defined).ok_or("damaged");
        let is_in = |found: &[String], name: &str| found.iter().any(|other| other == name);

        let found = defined(&data)?;
        assert!(functions.iter().all(|name| is_in(&found, name)), "{found:?}");
        assert!(!constants.iter().any(|name| is_in(&found, name)), "{found:?}");

        // The same names in ordinary sections are globals like any other. The flag is in the second byte of four.
        for section in 0..usize::from(data[2]) {
            data[20 + section * SECTION_LEN + 37] &= !0x10;
        }
        let found = defined(&data)?;
        assert!(functions.iter().chain(&constants).all(|name| is_in(&found, name)), "{found:?}");
        Ok(())
    }
}
