//! The packages that a `build.zig.zon` names, and those that they name in turn.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::zon::Value;
use crate::{wish, words};

/// A package that Zig fetches, or takes from the folder of [`Build::packages`](crate::Build::packages).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Package {
    /// The name by which `build.zig` asks for it.
    pub name: String,
    /// Where it comes from.
    pub url: String,
    /// What is in it: the name of its folder among the packages.
    pub hash: String,
    /// Whether it is fetched only where `build.zig` turns out to need it.
    pub lazy: bool,
    /// The `build.zig.zon` that names it.
    pub named_by: PathBuf,
    /// Where it lies, if it is in one of the folders that were looked at. Without it nobody knows what it names itself.
    pub found: Option<PathBuf>,
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, from {}{})", self.name, self.hash, self.url, if self.lazy { ", lazy" } else { "" })
    }
}

/// The packages that the `build.zig.zon` in `folder` names, each once, with those that they name themselves as far as
/// they lie in one of the folders `among`. Without a `build.zig.zon` there are none.
///
/// The program `zig-packages` of this crate prints them.
///
/// # Errors
///
/// A `build.zig.zon` that cannot be read.
pub fn packages(folder: &Path, among: &[&Path]) -> io::Result<Vec<Package>> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let file = folder.join("build.zig.zon");
        if !seen.insert(file.clone()) || !file.exists() {
            continue;
        }
        let no_zon = || io::Error::new(io::ErrorKind::InvalidData, format!("{} is not ZON", file.display()));
        let manifest = wish::manifest(&folder).ok_or_else(no_zon)?;
        for (name, dependency) in manifest.field("dependencies").map(Value::fields).unwrap_or_default() {
            let text = |field| dependency.field(field).and_then(Value::text);
            if let Some(path) = text("path") {
                folders.push(folder.join(path));
            }
            let (Some(url), Some(hash)) = (text("url"), text("hash")) else { continue };
            let place = among.iter().map(|among| among.join(hash)).find(|place| place.is_dir());
            folders.extend(place.clone());
            let package = Package {
                name: name.clone(),
                url: url.to_owned(),
                hash: hash.to_owned(),
                lazy: dependency.field("lazy") == Some(&Value::Other("true".to_owned())),
                named_by: file.clone(),
                found: place,
            };
            match found.iter_mut().find(|other: &&mut Package| other.hash == package.hash) {
                Some(other) => other.lazy &= package.lazy,
                None => found.push(package),
            }
        }
    }
    Ok(found)
}

/// The command that fetches every package that the `build.zig.zon` in `zig` needs, into the folder `packages`. It is for
/// Zig 0.16 and newer, which alone put them into one folder beside `build.zig`; what they put there serves 0.15 too.
pub fn how_to_fetch(zig: &Path, packages: &Path) -> String {
    let own = words::quoted(&zig.join("zig-pkg").display().to_string());
    let [zig, packages] = [zig, packages].map(|folder| words::quoted(&folder.display().to_string()));
    let fetch = format!("(cd {zig} && ZIG_LOCAL_PKG_DIR=\"$PWD/zig-pkg\" zig build --fetch=all)");
    if own == packages {
        return fetch;
    }
    format!("{fetch} && mkdir -p {packages} && cp -R {own}/. {packages}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn packages_name_packages() -> io::Result<()> {
        let root = tempfile::tempdir()?;
        let path = |name: &str| root.path().join(name);
        let zon = |folder: &str, dependencies: &str| {
            fs::create_dir_all(path(folder))?;
            fs::write(
                path(folder).join("build.zig.zon"),
                format!(".{{ .dependencies = .{{ {dependencies} }} }}"),
            )
        };
        let remote = |name: &str, more: &str| {
            format!(".{name} = .{{ .url = \"u:{name}\", .hash = \"h-{name}\"{more} }},")
        };
        fs::create_dir_all(path("zig"))?;
        assert_eq!(packages(&path("zig"), &[])?, [], "no build.zig.zon");
        zon(
            "zig",
            &(remote("a", "") + ".local = .{ .path = \"../local\" }," + &remote("b", ", .lazy = true")),
        )?;
        zon("local", &(remote("c", "") + &remote("b", "")))?;
        zon("vendored/h-a", &(remote("d", ", .lazy = true") + ".up = .{ .path = \".\" },"))?;
        let found = packages(&path("zig"), &[&path("none"), &path("vendored")])?;
        let mut names: Vec<_> = found.iter().map(|p| (&*p.name, p.lazy, p.found.is_some())).collect();
        names.sort_unstable();
        let expected = [("a", false, true), ("b", false, false), ("c", false, false), ("d", true, false)];
        assert_eq!(names, expected);
        fs::write(path("local/build.zig.zon"), "nonsense {")?;
        assert!(packages(&path("zig"), &[]).is_err());
        Ok(())
    }
}
