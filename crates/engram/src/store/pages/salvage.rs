//! Reads what can still be read of a damaged file.

mod orphans;
mod rows;

use std::fs::File;

use super::claims::Claims;
use super::layout::TreeRecord;
use super::newest::{LOST_HEADER, newest};
use super::tree::table_of;
use super::walk::Walker;
use super::{Contents, Damage, Header, Tree, Walk};
use orphans::has_rival;
pub(crate) use rows::Rows;

/// An entry of a table that may be damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its key.
    pub(crate) key: Vec<u8>,
    /// Its value.
    pub(crate) value: Vec<u8>,
    /// Whether every page that led to it, and its own, is as LMDB writes it. The bytes of key and value
    /// may be changed even so.
    pub(crate) intact: bool,
}

/// A file that may be damaged, read for what is left of it.
///
/// Where the trees of all tables are whole, rows are those that LMDB would read. Else they come from pages that are not
/// free, so that what was deleted does not come back: neither a free page nor what deletions leave behind on a page that
/// is in use is ever read. Rows may be wrong all the same: their keys and values must be checked by their own checksums.
///
/// Nobody may write to the file meanwhile.
pub(crate) struct Salvage<'f> {
    file: &'f File,
    header: Header,
    damage: Vec<Damage>,
    claims: Claims,
    /// The last page by the header; the file may have more, to which no transaction has put its name.
    last_page: u64,
    what_is_left: Left,
    tables: Vec<(String, TreeRecord)>,
}

/// What a walk says of the trees of the tables and of the list of free pages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// The trees are whole.
    Everything,
    /// They are not, and the list of free pages tells what was lost from what was deleted.
    WithOrphans,
    /// They are not, and it does not.
    WithoutOrphans,
}

impl<'f> Salvage<'f> {
    /// Finds the newest state of a file and walks it. `None` for a file to which nothing was ever written.
    ///
    /// Cost: as [`walk`](super::walk), and as much again where the trees of the tables are damaged.
    ///
    /// # Errors
    ///
    /// If the system cannot read the file, or if neither of its header pages leads to anything.
    pub(crate) fn new(file: &'f File) -> Result<Option<Self>, Damage> {
        let Some((mut header, mut damage)) = newest(file).map_err(Damage::of_file)? else {
            return match Header::read(file).map_err(Damage::of_file)? {
                Contents::Damaged(damage) => Err(damage),
                _ => Ok(None),
            };
        };
        let length = file.metadata().map_err(Damage::of_file)?.len();
        let last_of_file = (length / u64::from(header.page_bytes)).saturating_sub(1);
        if Claims::new(header.last_page, u64::from(header.page_bytes), length).is_err() {
            header.last_page = last_of_file;
        }
        let mut walker = Walker::new(file, &header, false)?;
        walker.everything();
        damage.append(&mut walker.found.damage);
        let (last_page, mut what_is_left) = (header.last_page, Left::Everything);
        if !damage.is_empty() {
            // The header may say too little; what lies beyond may be led to all the same.
            header.last_page = last_page.max(last_of_file);
            walker = Walker::new(file, &header, false)?;
            walker.free_pages();
            walker.found = Walk::default();
            walker.believes_trees = true;
            walker.tables();
            let is_whole = walker.found.damaged == 0;
            if !is_whole || has_rival(file, header.page_bytes, &walker.claims, last_page, &walker.doubts) {
                walker = Walker::new(file, &header, false)?;
                walker.free_pages();
                let is_free_known = walker.found.damaged == 0;
                walker.tables();
                let is_clear = is_free_known && walker.doubts.is_empty();
                what_is_left = if is_clear { Left::WithOrphans } else { Left::WithoutOrphans };
            }
        }
        let claims = walker.claims;
        let mut salvage = Self { file, header, damage, claims, last_page, what_is_left, tables: Vec::new() };
        let tables = Rows::new(&salvage, Tree::Tables, &header.tables);
        salvage.tables = tables.filter_map(|row| table_of(&row.key, &row.value)).collect();
        Ok(Some(salvage))
    }

    /// The header of the state that is read.
    #[cfg(test)]
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// Whether the state that is read may be the one before the last change.
    pub(crate) fn may_be_outdated(&self) -> bool {
        let lost = Damage::of_header(LOST_HEADER);
        self.damage.contains(&lost)
    }

    /// What is wrong with the file, at most some hundred things.
    pub(crate) fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// The names of the tables whose records can be read.
    #[cfg(test)]
    pub(crate) fn tables(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().map(|(name, _)| name.as_str())
    }

    /// The rows of a table that can be read, each once; in the order of their keys where nothing is damaged. None for
    /// a table whose record is lost. Cost: a read a page, and a read a long value.
    pub(crate) fn rows(&self, table: &str) -> Rows<'_, 'f> {
        match self.tables.iter().find(|(name, _)| name == table) {
            Some((name, record)) => Rows::new(self, Tree::Table(name.clone()), record),
            None => Rows::new(self, Tree::Table(table.into()), &TreeRecord::EMPTY),
        }
    }
}
