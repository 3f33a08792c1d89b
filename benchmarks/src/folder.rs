//! Where data files and environments lie, and numbers in files: raw, little endian, as all processes read them.

use std::fs::File;
use std::io::Read;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use bytemuck::Pod;
use memmap2::MmapMut;

/// Bytes of a huge page.
const HUGE_PAGE: usize = 2 << 20;

/// The folder of this workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What benchmarks make and keep.
pub fn data() -> PathBuf {
    workspace().join("target").join("data")
}

/// How many numbers a file holds.
pub fn count<T>(file: &Path) -> Result<usize> {
    let metadata = std::fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(metadata.len() as usize / size_of::<T>())
}

/// The first numbers of a file, at most so many.
pub fn read<T: Pod>(file: &Path, at_most: usize) -> Result<Vec<T>> {
    let context = || format!("cannot read {}", file.display());
    let mut numbers = vec![T::zeroed(); count::<T>(file)?.min(at_most)];
    let mut open = File::open(file).with_context(context)?;
    open.read_exact(bytemuck::cast_slice_mut(&mut numbers)).with_context(context)?;
    Ok(numbers)
}

/// Numbers in memory of their own, which begins at a page and is asked for in huge pages: as NumPy's does, so that
/// everybody reads at the same speed.
pub struct Block<T> {
    memory: MmapMut,
    numbers: PhantomData<T>,
}

impl<T: Pod> Block<T> {
    /// The first numbers of a file, so many.
    pub fn read(file: &Path, count: usize) -> Result<Self> {
        let context = || format!("cannot read {}", file.display());
        let mut open = File::open(file).with_context(context)?;
        Self::fill(count, |bytes| open.read_exact(bytes).with_context(context))
    }

    /// A copy of these numbers.
    pub fn copy_of(numbers: &[T]) -> Result<Self> {
        Self::fill(numbers.len(), |bytes| {
            bytes.copy_from_slice(bytemuck::cast_slice(numbers));
            Ok(())
        })
    }

    fn fill(count: usize, fill: impl FnOnce(&mut [u8]) -> Result<()>) -> Result<Self> {
        let bytes = count * size_of::<T>();
        let mut memory = MmapMut::map_anon(bytes.max(1)).context("no memory")?;
        #[cfg(target_os = "linux")]
        if bytes >= HUGE_PAGE {
            // Where a system has none, everybody does without.
            let _ = memory.advise(memmap2::Advice::HugePage);
        }
        fill(&mut memory[..bytes])?;
        Ok(Self { memory, numbers: PhantomData })
    }
}

impl<T: Pod> std::ops::Deref for Block<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        bytemuck::cast_slice(&self.memory[..self.memory.len() / size_of::<T>() * size_of::<T>()])
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
