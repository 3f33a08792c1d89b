//! Symbols of Mach-O object files (little-endian, as every Apple system that Rust supports has them).

use crate::bytes::{Bytes, Order};
use crate::object::{Format, Symbols};

const MAGIC_64: u32 = 0xfeed_facf;
const LC_SYMTAB: u32 = 2;
const N_STAB: u8 = 0xe0;
const N_TYPE: u8 = 0x0e;
const N_EXT: u8 = 0x01;
const N_UNDF: u8 = 0;

/// `None` where the file is damaged.
pub(crate) fn symbols(data: &[u8]) -> Option<Symbols> {
    let file = Bytes::new(data, Order::Little);
    let wide = file.u32(0)? == MAGIC_64;
    let commands = file.u32(16)?;
    let mut at: usize = if wide { 32 } else { 28 };
    let mut symbols = Symbols::new(Format::MachO, true);
    for _ in 0..commands {
        let len = file.place32(at.checked_add(4)?)?;
        if len < 8 {
            return None;
        }
        if file.u32(at)? == LC_SYMTAB {
            read_table(&file, at, wide, &mut symbols)?;
        }
        at = at.checked_add(len)?;
    }
    Some(symbols)
}

fn read_table(file: &Bytes<'_>, command: usize, wide: bool, symbols: &mut Symbols) -> Option<()> {
    let entry_len = if wide { 16 } else { 12 };
    let count = file.place32(command + 12)?;
    let entries = file.slice(file.place32(command + 8)?, count.checked_mul(entry_len)?)?;
    let names = file.slice(file.place32(command + 16)?, file.place32(command + 20)?)?;
    let names = Bytes::new(names, Order::Little);
    for entry in entries.chunks_exact(entry_len) {
        let entry = Bytes::new(entry, Order::Little);
        let kind = entry.u8(4)?;
        if kind & N_STAB != 0 || kind & N_EXT == 0 {
            continue;
        }
        // An undefined symbol with a value is a common one: the linker makes room for it.
        let value = if wide { entry.u64(8)? } else { entry.u32(8)?.into() };
        symbols.push(names.name(entry.place32(0)?)?, kind & N_TYPE != N_UNDF || value != 0);
    }
    Some(())
}
