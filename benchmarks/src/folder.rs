//! Where data files and environments lie, and numbers in files: raw, little endian, as all processes read them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use bytemuck::Pod;

/// The folder of this workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What benchmarks make and keep.
pub fn data() -> PathBuf {
    workspace().join("target").join("data")
}

/// The first numbers of a file, at most so many.
pub fn read<T: Pod>(file: &Path, at_most: usize) -> Result<Vec<T>> {
    let context = || format!("cannot read {}", file.display());
    let mut open = File::open(file).with_context(context)?;
    let whole = open.metadata().with_context(context)?.len() as usize / size_of::<T>();
    let mut numbers = vec![T::zeroed(); whole.min(at_most)];
    open.read_exact(bytemuck::cast_slice_mut(&mut numbers)).with_context(context)?;
    Ok(numbers)
}

/// Numbers that begin at a cache line, as those of a store do.
pub struct Aligned<T> {
    room: Vec<T>,
    first: usize,
}

impl<T: Pod> Aligned<T> {
    const LINE: usize = 64;

    /// The first numbers of a file, so many.
    pub fn read(file: &Path, count: usize) -> Result<Self> {
        let mut room = vec![T::zeroed(); count + Self::LINE / size_of::<T>()];
        let first = room.as_ptr().align_offset(Self::LINE);
        let context = || format!("cannot read {}", file.display());
        let numbers = bytemuck::cast_slice_mut(&mut room[first..first + count]);
        File::open(file).with_context(context)?.read_exact(numbers).with_context(context)?;
        room.truncate(first + count);
        Ok(Self { room, first })
    }
}

impl<T> std::ops::Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.room[self.first..]
    }
}

/// Writes numbers to a file.
pub fn write<T: Pod>(file: &Path, numbers: &[T]) -> Result<()> {
    std::fs::write(file, bytemuck::cast_slice(numbers))
        .with_context(|| format!("cannot write {}", file.display()))
}

/// The file of a name, made unless it is there already.
pub fn file<T: Pod>(name: &str, make: impl FnOnce() -> Vec<T>) -> Result<PathBuf> {
    std::fs::create_dir_all(data())?;
    let file = data().join(name);
    if !file.exists() {
        // Under another name first, so that an interrupted run leaves no half file.
        let part = data().join(format!("{name}.part"));
        write(&part, &make())?;
        std::fs::rename(&part, &file)?;
    }
    Ok(file)
}
