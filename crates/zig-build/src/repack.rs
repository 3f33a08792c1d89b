//! Writing static libraries anew, from the objects that Zig made.
//!
//! Zig's own archives carry the absolute paths of its cache as member names, so that the same sources give other
//! libraries in another folder; and before 0.17 the members of Apple archives start at places that Apple's linker
//! refuses (it wants multiples of eight). Here every name is plain and every Apple member lies right.
//!
//! The dialects: GNU for ELF and WebAssembly, Microsoft for COFF, Darwin (BSD with padding) for Mach-O. One symbol
//! table, or two for COFF, leads the members, with all fields that would differ between builds zero.

use std::collections::BTreeMap;

use crate::archive::{MAGIC, Member};
use crate::object::{Format, Symbols};

const HEADER_LEN: usize = 60;

/// The library with `members`, whose symbols are `symbols`, all of one format. `None` beyond 4 GiB, which the 32-bit
/// places of the symbol table do not reach.
pub(crate) fn write(format: Format, members: &[Member<'_>], symbols: &[Symbols]) -> Option<Vec<u8>> {
    let names = distinct_names(members);
    match format {
        Format::MachO => darwin(&names, members, symbols),
        Format::Coff => gnu(&names, members, symbols, true),
        Format::Elf | Format::Wasm => gnu(&names, members, symbols, false),
    }
}

/// Two members of one name confuse tools that unpack: the later ones get a number.
fn distinct_names(members: &[Member<'_>]) -> Vec<String> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    members
        .iter()
        .map(|member| {
            let times = seen.entry(&member.name).and_modify(|n| *n += 1).or_insert(1);
            if *times == 1 { member.name.clone() } else { format!("{times}-{}", member.name) }
        })
        .collect()
}

fn header(out: &mut Vec<u8>, name: &str, len: usize) {
    out.extend_from_slice(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{len:<10}`\n", 0, 0, 0, 644).as_bytes());
}

fn even(out: &mut Vec<u8>) {
    if out.len() % 2 == 1 {
        out.push(b'\n');
    }
}

fn word(number: usize) -> Option<u32> {
    u32::try_from(number).ok()
}

fn gnu(names: &[String], members: &[Member<'_>], symbols: &[Symbols], microsoft: bool) -> Option<Vec<u8>> {
    let mut long_names = Vec::new();
    let mut fields = Vec::new();
    for name in names {
        if name.len() <= 15 {
            fields.push(format!("{name}/"));
        } else {
            fields.push(format!("/{}", long_names.len()));
            long_names.extend_from_slice(name.as_bytes());
            long_names.extend_from_slice(if microsoft { b"\0" } else { b"/\n" });
        }
    }
    let defined: Vec<(usize, &str)> = defined(symbols);
    let texts_len: usize = defined.iter().map(|(_, name)| name.len() + 1).sum();
    let first_len = 4 + 4 * defined.len() + texts_len;
    let second_len = 4 + 4 * members.len() + 4 + 2 * defined.len() + texts_len;

    let mut at = MAGIC.len() + HEADER_LEN + first_len.next_multiple_of(2);
    if microsoft {
        at += HEADER_LEN + second_len.next_multiple_of(2);
    }
    if !long_names.is_empty() {
        at += HEADER_LEN + long_names.len().next_multiple_of(2);
    }
    let mut places = Vec::new();
    for member in members {
        places.push(word(at)?);
        at += HEADER_LEN + member.data.len().next_multiple_of(2);
    }

    let mut out = MAGIC.to_vec();
    header(&mut out, "/", first_len);
    out.extend_from_slice(&word(defined.len())?.to_be_bytes());
    for (member, _) in &defined {
        out.extend_from_slice(&places.get(*member)?.to_be_bytes());
    }
    defined.iter().for_each(|(_, name)| text(&mut out, name));
    even(&mut out);
    if microsoft {
        header(&mut out, "/", second_len);
        out.extend_from_slice(&word(members.len())?.to_le_bytes());
        places.iter().for_each(|place| out.extend_from_slice(&place.to_le_bytes()));
        let mut sorted = defined.clone();
        sorted.sort_by_key(|(_, name)| *name);
        out.extend_from_slice(&word(sorted.len())?.to_le_bytes());
        for (member, _) in &sorted {
            out.extend_from_slice(&u16::try_from(member + 1).ok()?.to_le_bytes());
        }
        sorted.iter().for_each(|(_, name)| text(&mut out, name));
        even(&mut out);
    }
    if !long_names.is_empty() {
        header(&mut out, "//", long_names.len());
        out.extend_from_slice(&long_names);
        even(&mut out);
    }
    for (field, member) in fields.iter().zip(members) {
        header(&mut out, field, member.data.len());
        out.extend_from_slice(member.data);
        even(&mut out);
    }
    Some(out)
}

fn darwin(names: &[String], members: &[Member<'_>], symbols: &[Symbols]) -> Option<Vec<u8>> {
    const TABLE_NAME: &str = "__.SYMDEF";
    let defined = defined(symbols);
    let mut texts = Vec::new();
    let mut text_places = Vec::new();
    for (_, name) in &defined {
        text_places.push(word(texts.len())?);
        text(&mut texts, name);
    }
    texts.resize(texts.len().next_multiple_of(8), 0);
    let table_len = 4 + 8 * defined.len() + 4 + texts.len();

    let mut at = MAGIC.len() + darwin_len(TABLE_NAME, table_len);
    let mut places = Vec::new();
    for (name, member) in names.iter().zip(members) {
        places.push(word(at)?);
        at += darwin_len(name, member.data.len());
    }

    let mut table = Vec::with_capacity(table_len);
    table.extend_from_slice(&word(8 * defined.len())?.to_le_bytes());
    for (place, (member, _)) in text_places.iter().zip(&defined) {
        table.extend_from_slice(&place.to_le_bytes());
        table.extend_from_slice(&places.get(*member)?.to_le_bytes());
    }
    table.extend_from_slice(&word(texts.len())?.to_le_bytes());
    table.extend_from_slice(&texts);

    let mut out = MAGIC.to_vec();
    darwin_member(&mut out, TABLE_NAME, &table);
    for (name, member) in names.iter().zip(members) {
        darwin_member(&mut out, name, member.data);
    }
    Some(out)
}

/// The bytes before a member's data: its header and its name, filled up so that the data starts at a multiple of 8.
fn darwin_lead(name: &str) -> usize {
    // The archive's own first 8 bytes, and every member before, end at a multiple of 8.
    (HEADER_LEN + name.len() + 1).next_multiple_of(8)
}

fn darwin_len(name: &str, data_len: usize) -> usize {
    darwin_lead(name) + data_len.next_multiple_of(8)
}

fn darwin_member(out: &mut Vec<u8>, name: &str, data: &[u8]) {
    let name_len = darwin_lead(name) - HEADER_LEN;
    header(out, &format!("#1/{name_len}"), name_len + data.len().next_multiple_of(8));
    let data_at = out.len() + name_len;
    out.extend_from_slice(name.as_bytes());
    out.resize(data_at, 0);
    out.extend_from_slice(data);
    out.resize(out.len().next_multiple_of(8), b'\n');
}

/// Every defined symbol with the number of its member.
fn defined(symbols: &[Symbols]) -> Vec<(usize, &str)> {
    symbols
        .iter()
        .enumerate()
        .flat_map(|(member, object)| object.defined.iter().map(move |name| (member, name.as_str())))
        .collect()
}

fn text(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(name.as_bytes());
    out.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::members;

    const FORMATS: [Format; 4] = [Format::Elf, Format::Wasm, Format::Coff, Format::MachO];

    fn member<'a>(name: &str, data: &'a [u8]) -> Member<'a> {
        Member::new(name, data)
    }

    fn object(format: Format, defined: &[&str]) -> Symbols {
        let mut symbols = Symbols::new(format, false);
        defined.iter().for_each(|name| symbols.push((*name).to_owned(), true));
        symbols
    }

    #[test]
    fn what_is_written_reads_back() -> Result<(), String> {
        let objects =
            [member("a.o", b"odd"), member("a_name_beyond_fifteen.o", b"12345678"), member("a.o", b"")];
        for format in FORMATS {
            let symbols = [object(format, &["f", "long_g"]), object(format, &[]), object(format, &["e"])];
            let library = write(format, &objects, &symbols).ok_or("too large")?;
            let read = members(&library)?;
            let names: Vec<_> = read.iter().map(|m| &*m.name).collect();
            assert_eq!(names, ["a.o", "a_name_beyond_fifteen.o", "2-a.o"], "{format:?}");
            for (read, object) in read.iter().zip(&objects) {
                assert!(read.data.starts_with(object.data), "{format:?}");
                let padding = read.data.len() - object.data.len();
                assert!(padding == 0 || format == Format::MachO && padding < 8, "{format:?}");
            }
        }
        Ok(())
    }

    #[test]
    fn apple_members_lie_at_multiples_of_eight() -> Result<(), String> {
        for len in 0..20 {
            let (name, data) = ("n".repeat(len + 1), vec![7; len]);
            let objects = [member(&name, &data), member("b.o", &data)];
            let symbols = [object(Format::MachO, &["_f"]), object(Format::MachO, &["_gg"])];
            let library = write(Format::MachO, &objects, &symbols).ok_or("too large")?;
            for read in members(&library)? {
                let at = read.data.as_ptr() as usize - library.as_ptr() as usize;
                assert_eq!(at % 8, 0, "name of {}, data of {len}", len + 1);
            }
            assert_eq!(library.len() % 8, 0);
        }
        Ok(())
    }
}
