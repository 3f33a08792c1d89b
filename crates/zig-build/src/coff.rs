//! Symbols of COFF object files, the `/bigobj` kind included, as Windows and UEFI have them.

use crate::bytes::{Bytes, Order};
use crate::object::{Format, Symbols};

const I386: u16 = 0x014c;
const MACHINES: [u16; 6] = [I386, 0x8664, 0xaa64, 0xa641, 0x01c4, 0x01c0];
const CLASS_EXTERNAL: u8 = 2;
const CLASS_WEAK_EXTERNAL: u8 = 105;

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
        let defined_in_section = if big { entry.u32(12)? != 0 } else { entry.u16(12)? != 0 };
        let (class, auxiliary) = (entry.u8(entry_len - 2)?, entry.u8(entry_len - 1)?);
        skipped = auxiliary;
        let name = if entry.u32(0)? == 0 {
            file.name(names.checked_add(entry.place32(4)?)?)?
        } else {
            Bytes::new(entry.slice(0, 8)?, Order::Little).name(0)?
        };
        match class {
            // An external symbol without a section but with a value is a common one: the linker makes room for it.
            CLASS_EXTERNAL => symbols.push(name, defined_in_section || entry.u32(8)? != 0),
            // Its auxiliary entry names what stands in where nothing else defines it.
            CLASS_WEAK_EXTERNAL => symbols.push(name, true),
            _ => {}
        }
    }
    Some(symbols)
}
