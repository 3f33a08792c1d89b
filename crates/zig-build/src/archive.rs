//! Reading static libraries: `ar` archives in the GNU, BSD and Microsoft dialects.

use crate::bytes::{Bytes, Order};

pub(crate) const MAGIC: &[u8] = b"!<arch>\n";
pub(crate) const THIN_MAGIC: &[u8] = b"!<thin>\n";
const HEADER_LEN: usize = 60;

/// An object file in a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member<'a> {
    /// Its name without folders: Zig writes a whole path there.
    pub(crate) name: String,
    /// The folders before the name.
    pub(crate) folder: String,
    pub(crate) data: &'a [u8],
}

impl<'a> Member<'a> {
    /// The member whose name in the library is `path`.
    pub(crate) fn new(path: &str, data: &'a [u8]) -> Self {
        let (folder, name) = path.rsplit_once(['/', '\\']).unwrap_or(("", path));
        Self { name: name.to_owned(), folder: folder.to_owned(), data }
    }
}

/// The members of a library, without symbol tables and name tables.
pub(crate) fn members(archive: &[u8]) -> Result<Vec<Member<'_>>, String> {
    if archive.starts_with(THIN_MAGIC) {
        return Err("it is a thin archive, which holds no object files".to_owned());
    }
    if !archive.starts_with(MAGIC) {
        return Err("it is not an ar archive".to_owned());
    }
    let bytes = Bytes::new(archive, Order::Little);
    let mut long_names: &[u8] = &[];
    let mut members = Vec::new();
    let mut at = MAGIC.len();
    while at < bytes.len() {
        let cut_short = || format!("it is cut short at byte {at}");
        let header = bytes.slice(at, HEADER_LEN).ok_or_else(cut_short)?;
        let len =
            header.get(48..58).and_then(decimal).ok_or_else(|| format!("no member starts at byte {at}"))?;
        let data = bytes.slice(at + HEADER_LEN, len).ok_or_else(cut_short)?;
        match Name::read(header.get(..16).unwrap_or_default()) {
            Name::SymbolTable => {}
            Name::LongNames => long_names = data,
            Name::Short(name) => push(&mut members, name, data),
            Name::LongAt(offset) => {
                let rest = long_names.get(offset..).ok_or_else(cut_short)?;
                // GNU ends a name with "/\n", Microsoft with a zero byte.
                let end = rest.iter().position(|b| matches!(b, b'\n' | 0)).unwrap_or(rest.len());
                push(&mut members, &rest[..end], data);
            }
            Name::InData(name_len) => {
                let (name, data) = data.split_at_checked(name_len).ok_or_else(cut_short)?;
                let end = name.iter().position(|b| *b == 0).unwrap_or(name.len());
                push(&mut members, &name[..end], data);
            }
        }
        // Members start at even places.
        at += HEADER_LEN + len + len % 2;
    }
    Ok(members)
}

fn push<'a>(members: &mut Vec<Member<'a>>, name: &[u8], data: &'a [u8]) {
    let name = String::from_utf8_lossy(name);
    let name = name.strip_suffix('/').unwrap_or(&name);
    if name.starts_with("__.SYMDEF") {
        return;
    }
    members.push(Member::new(name, data));
}

enum Name<'a> {
    SymbolTable,
    LongNames,
    Short(&'a [u8]),
    /// GNU and Microsoft: `/123`, a place in the table of long names.
    LongAt(usize),
    /// BSD: `#1/20`, the name is the first 20 bytes of the data.
    InData(usize),
}

impl<'a> Name<'a> {
    fn read(field: &'a [u8]) -> Self {
        let field = field.trim_ascii_end();
        match field {
            b"/" | b"/SYM64/" | b"/<ECSYMBOLS>/" | b"/<XFGHASHMAP>/" => return Self::SymbolTable,
            b"//" => return Self::LongNames,
            _ => {}
        }
        if let Some(offset) = field.strip_prefix(b"/").and_then(decimal) {
            return Self::LongAt(offset);
        }
        match field.strip_prefix(b"#1/").and_then(decimal) {
            Some(len) => Self::InData(len),
            None => Self::Short(field),
        }
    }
}

fn decimal(field: &[u8]) -> Option<usize> {
    std::str::from_utf8(field.trim_ascii()).ok()?.parse().ok()
}
