//! What a static library holds: the object files that are linked, and what else was put in with them.
//!
//! `zig build` puts into a static library whatever the module links: a system library becomes a member that no linker
//! can use there, and a compiler_rt replaces `memcpy` in the whole program. Only object files are kept.

use std::collections::BTreeSet;
use std::path::Path;

use crate::archive::{self, Member};
use crate::check::{self, Rules};
use crate::object::{self, Kind, Symbols};
use crate::obstacle;

/// The object files of one library or several, with the symbols of each, and what they need of the system.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contents<'a> {
    pub(crate) members: Vec<Member<'a>>,
    pub(crate) symbols: Vec<Symbols>,
    /// Each as cargo's `rustc-link-lib` takes it.
    pub(crate) system: Vec<String>,
    /// Where those are that linkers do not look for by themselves.
    pub(crate) folders: Vec<String>,
}

/// A library in a library in a library is somebody's mistake.
const DEPTH_MAX: usize = 3;

pub(crate) fn read(library: &[u8]) -> Result<Contents<'_>, String> {
    let mut contents = Contents::default();
    read_into(&mut contents, library, DEPTH_MAX)?;
    Ok(contents)
}

fn read_into<'a>(contents: &mut Contents<'a>, library: &'a [u8], depth: usize) -> Result<(), String> {
    for member in archive::members(library)? {
        match object::kind(member.data) {
            Kind::Object => {
                let symbols =
                    object::symbols(member.data).map_err(|reason| format!("{}: {reason}", member.name))?;
                contents.members.push(member);
                contents.symbols.push(symbols);
            }
            Kind::Shared => {
                let needed = system_library(&member);
                add_new(&mut contents.system, &needed);
                if is_beside_the_system(&member.folder) {
                    add_new(&mut contents.folders, &member.folder);
                }
            }
            Kind::Archive if depth > 0 => read_into(contents, member.data, depth - 1)?,
            Kind::Archive => return Err(format!("{}: a library in a library", member.name)),
            Kind::Foreign => {}
        }
    }
    Ok(())
}

/// The shared library that a member is or stands for, as cargo is told of it.
fn system_library(member: &Member<'_>) -> String {
    let name = match member.data {
        // A member of a Windows import library: a header of 20 bytes, the symbol, the file that has it.
        [0, 0, 0xff, 0xff, 0, 0, ..] => {
            let names = member.data.get(20..).unwrap_or_default();
            let file = names.split(|byte| *byte == 0).nth(1).unwrap_or_default();
            String::from_utf8_lossy(file).to_lowercase()
        }
        _ => member.name.clone(),
    };
    let stem = [".so", ".dylib", ".tbd", ".dll"]
        .into_iter()
        .find_map(|end| name.find(end).and_then(|at| name.get(..at)))
        .unwrap_or(&name);
    match stem.strip_prefix("lib") {
        Some(stem) => format!("dylib={stem}"),
        None if name.ends_with(".tbd") => format!("framework={stem}"),
        None => format!("dylib={stem}"),
    }
}

impl<'a> Contents<'a> {
    /// Adds what another library holds. Object files that both hold, as two with compiler_rt do, are kept once.
    pub(crate) fn add(&mut self, other: &Contents<'a>) {
        for (member, symbols) in other.members.iter().zip(&other.symbols) {
            if !self.members.iter().any(|known| known.data == member.data) {
                self.members.push(member.clone());
                self.symbols.push(symbols.clone());
            }
        }
        other.system.iter().for_each(|needed| add_new(&mut self.system, needed));
        other.folders.iter().for_each(|folder| add_new(&mut self.folders, folder));
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.members.iter().map(|member| &*member.name).collect()
    }

    /// What the object files define, less compiler_rt's, which is the same in every library.
    pub(crate) fn defined(&self) -> BTreeSet<&str> {
        let objects =
            self.members.iter().zip(&self.symbols).filter(|(member, _)| !is_compiler_rt(&member.name));
        objects.flat_map(|(_, object)| object.defined.iter().map(String::as_str)).collect()
    }

    /// What the object files need and do not define.
    pub(crate) fn needed(&self) -> BTreeSet<&str> {
        let defined = self.defined();
        let needed = self.symbols.iter().flat_map(|object| object.undefined.iter().map(String::as_str));
        needed.filter(|name| !defined.contains(name)).collect()
    }

    /// Why no linker can use it, where that is so.
    pub(crate) fn unusable(&self) -> Option<String> {
        match self.symbols.as_slice() {
            [] => Some("it holds no object files".to_owned()),
            [first, rest @ ..] if rest.iter().any(|other| other.format != first.format) => {
                Some("it holds object files of several formats".to_owned())
            }
            _ => None,
        }
    }

    /// Drops compiler_rt as the rules say: by default where it would replace the C library's functions and nothing
    /// needs what only it has. Rust programs have the rest of it from Rust.
    pub(crate) fn settle_compiler_rt(&mut self, rules: &Rules) {
        let (zigs, others): (Vec<_>, Vec<_>) =
            self.members.iter().zip(&self.symbols).partition(|(member, _)| is_compiler_rt(&member.name));
        let drop = rules.compiler_rt.map_or_else(
            || {
                let others: Vec<Symbols> = others.iter().map(|(_, symbols)| (*symbols).clone()).collect();
                let replaces = zigs.iter().any(|(_, symbols)| check::replaces_libc(symbols));
                let needs = obstacle::undefined(&others).into_iter().any(obstacle::is_of_zigs_runtime);
                replaces && !rules.libc_symbols && !needs
            },
            |keep| !keep,
        );
        if drop && !others.is_empty() {
            let (members, symbols) =
                others.into_iter().map(|(member, symbols)| (member.clone(), symbols.clone())).unzip();
            (self.members, self.symbols) = (members, symbols);
        }
    }
}

fn add_new(list: &mut Vec<String>, text: &str) {
    if !list.iter().any(|known| known == text) {
        list.push(text.to_owned());
    }
}

fn is_beside_the_system(folder: &str) -> bool {
    const SYSTEM: [&str; 4] = ["/lib", "/usr/lib", "/usr/local/lib", "/System"];
    Path::new(folder).is_absolute() && !SYSTEM.iter().any(|start| folder.starts_with(start))
}

fn is_compiler_rt(member: &str) -> bool {
    matches!(member.split('.').next(), Some("compiler_rt" | "libcompiler_rt"))
}
