//! The stores that are damaged: packed, with recent writes, segmented, compacted, with given vectors, of a vault, large.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::kinds::below;
use crate::pages::Pages;
use crate::process::{self, Ended, engram};
use crate::sandbox::Random;

/// No command on these stores may take longer.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// The elements of given vectors.
const GIVEN: usize = 24;

/// A store as it is before anything happens to it.
pub struct Prepared {
    pub name: &'static str,
    /// How often it is damaged, in proportion.
    pub share: u64,
    pub has_given_vectors: bool,
    pub is_of_vault: bool,
    /// The data file within the folder.
    pub data: PathBuf,
    pub bytes: Vec<u8>,
    pub pages: Pages,
    /// Everything else in the folder, but for the readers' lock file.
    others: Vec<(PathBuf, Vec<u8>)>,
}

impl Prepared {
    /// Lays a copy of the store into a folder, with `data` as its data file; private, as stores are.
    pub fn lay(&self, folder: &Path, data: &[u8]) {
        if folder.exists() {
            fs::remove_dir_all(folder).unwrap();
        }
        let others = self.others.iter().map(|(path, bytes)| (path, bytes.as_slice()));
        for (path, bytes) in others.chain([(&self.data, data)]) {
            let path = folder.join(path);
            let private = Permissions::from_mode(0o600);
            fs::DirBuilder::new().recursive(true).mode(0o700).create(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
            fs::set_permissions(path, private).unwrap();
        }
    }

    /// As [`Prepared::lay`], when the pages were walked and found sound before `data` took the place of what was there: as
    /// on a disk that forgets bits, the file keeps its length and its times, so that nothing tells that it has changed.
    pub fn lay_unnoticed(&self, root: &Path, copy: &str, data: &[u8]) {
        let folder = root.join(copy);
        self.lay(&folder, &self.bytes);
        assert!(process::run(&mut engram(root, &["stats", "--store", copy]), PATIENCE).is(0));
        let mut file = File::options().write(true).open(folder.join(&self.data)).unwrap();
        let modified = file.metadata().unwrap().modified().unwrap();
        file.write_all(data).unwrap();
        file.set_modified(modified).unwrap();
    }

    /// Whether the file is one of those that a store begins with, and not one that a compaction has made.
    pub fn is_first_generation(&self) -> bool {
        self.data.components().count() == 1
    }
}

/// The data file of the store in a folder: that of the highest generation, or the folder's own.
pub fn data_file(folder: &Path) -> PathBuf {
    let generation = |entry: fs::DirEntry| {
        let number = entry.file_name().to_str()?.strip_prefix("generation-")?.parse::<u64>().ok()?;
        let file = entry.path().join("data.mdb");
        file.exists().then_some((number, file))
    };
    let newest = fs::read_dir(folder).unwrap().filter_map(|entry| generation(entry.unwrap())).max();
    newest.map_or_else(|| folder.join("data.mdb"), |(_, file)| file)
}

/// Makes all stores in a folder of their own, beside which damaged copies may be laid.
pub fn prepare() -> (TempDir, Vec<Prepared>) {
    let root = tempfile::tempdir().unwrap();
    let maker = Maker { root: root.path() };
    let stores = vec![
        maker.packed("packed", 2),
        maker.recent(),
        maker.segmented(),
        maker.compacted(),
        maker.given(),
        maker.vault(),
        maker.large(),
    ];
    maker.write("more.jsonl", &(lines("new", 0..3, 120, 0) + &lines("m", 20..21, 120, 0)));
    maker.write("more-given.jsonl", &lines("new", 0..3, 120, GIVEN));
    maker.write("cue.json", &vector(&mut Random(5), GIVEN));
    (root, stores)
}

struct Maker<'r> {
    root: &'r Path,
}

impl Maker<'_> {
    fn packed(&self, name: &'static str, share: u64) -> Prepared {
        self.import(name, &lines("m", 0..150, 160, 0), &[]);
        self.ok(&["consolidate", "--store", name]);
        self.done(name, share)
    }

    fn recent(&self) -> Prepared {
        self.import("recent", &lines("m", 0..150, 160, 0), &[]);
        for at in 0..5 {
            let (id, title) = (format!("late{at}"), format!("Late note {at}"));
            let link = format!("m{:05}", 7 * at);
            let text = "A Winter Market beside the Old Harbour, where the river meets another garden.";
            self.ok(&[
                "remember",
                "--store",
                "recent",
                "--id",
                &id,
                "--title",
                &title,
                "--link",
                &link,
                "--time",
                "2026-01-05",
                text,
            ]);
        }
        self.ok(&["link", "--store", "recent", "m00004", "late2"]);
        self.ok(&["forget", "--store", "recent", "m00140"]);
        self.done("recent", 3)
    }

    fn segmented(&self) -> Prepared {
        self.import("segmented", &lines("m", 0..90, 300, 0), &[]);
        self.import("segmented", &lines("n", 0..90, 200, 0), &[]);
        let gone: Vec<String> = (30..90).map(|i| format!("n{i:05}")).collect();
        let mut forget = vec!["forget", "--store", "segmented"];
        forget.extend(gone.iter().map(String::as_str));
        self.ok(&forget);
        self.import("segmented", &lines("m", 0..30, 90, 0), &["--commit-every", "0.001"]);
        self.ok(&["consolidate", "--store", "segmented"]);
        self.ok(&[
            "remember",
            "--store",
            "segmented",
            "--id",
            "late",
            "--time",
            "2026-01-05",
            "A late garden.",
        ]);
        self.ok(&["forget", "--store", "segmented", "m00060"]);
        self.done("segmented", 3)
    }

    fn compacted(&self) -> Prepared {
        self.import("compacted", &lines("m", 0..150, 160, 0), &[]);
        self.ok(&["forget", "--store", "compacted", "m00077", "m00078"]);
        self.ok(&["consolidate", "--store", "compacted", "--compact"]);
        self.done("compacted", 3)
    }

    fn given(&self) -> Prepared {
        let model = format!("some-model:{GIVEN}");
        self.import("given", &lines("m", 0..150, 160, GIVEN), &["--vectors", &model]);
        self.import("given", &lines("late", 0..4, 160, GIVEN), &[]);
        Prepared { has_given_vectors: true, ..self.done("given", 2) }
    }

    /// A store of notes, of which some have changed since it was made: the next synchronisation has work to do.
    fn vault(&self) -> Prepared {
        let note = |i: usize, version: usize| {
            let random = &mut Random((100 * i + version) as u64);
            let (words, next) = (text(random, 90), (i + 1) % 40);
            let sections = if i.is_multiple_of(8) {
                format!("\n\n## First\n\n{}\n\n## Second\n\n{}", text(random, 1200), text(random, 1300))
            } else {
                String::new()
            };
            let body = format!(
                "---\ntitle: Garden note {i}\naliases: [Plot {i}]\ndate: 2026-01-01\n---\n\
                 {words}, see [[Garden note {next}]]{sections}\n"
            );
            self.write(&format!("notes/note{i:02}.md"), &body);
            let settled = SystemTime::now() - Duration::from_secs(1000 - version as u64);
            let file = fs::File::options().write(true).open(self.root.join(format!("notes/note{i:02}.md")));
            file.unwrap().set_modified(settled).unwrap();
        };
        (0..40).for_each(|i| note(i, 0));
        self.ok(&["recall", "--vault", "notes", "--store", "vault", "garden"]);
        self.ok(&["consolidate", "--store", "vault"]);
        (3..5).for_each(|i| note(i, 1));
        note(40, 1);
        for gone in ["notes/note16.md", "notes/note17.md"] {
            fs::remove_file(self.root.join(gone)).unwrap();
        }
        fs::rename(self.root.join("notes/note20.md"), self.root.join("notes/moved.md")).unwrap();
        Prepared { is_of_vault: true, ..self.done("vault", 3) }
    }

    fn large(&self) -> Prepared {
        self.import("large", &lines("m", 0..1500, 500, 0), &[]);
        self.ok(&["consolidate", "--store", "large"]);
        self.import("large", &lines("late", 0..20, 300, 0), &[]);
        self.ok(&["forget", "--store", "large", "m00500"]);
        self.done("large", 1)
    }

    fn done(&self, name: &'static str, share: u64) -> Prepared {
        let folder = self.root.join(name);
        let file = data_file(&folder);
        let mut others = Vec::new();
        collect(&folder, &mut |path| {
            let is_lock = path.file_name().is_some_and(|name| name == "lock.mdb");
            if path != file && !is_lock {
                others.push((path.strip_prefix(&folder).unwrap().to_owned(), fs::read(path).unwrap()));
            }
        });
        let bytes = fs::read(&file).unwrap();
        let (pages, data) = (Pages::of(&bytes), file.strip_prefix(&folder).unwrap().to_owned());
        Prepared { name, share, has_given_vectors: false, is_of_vault: false, data, bytes, pages, others }
    }

    fn import(&self, store: &str, lines: &str, options: &[&str]) {
        self.write("lines.jsonl", lines);
        self.ok(&[&["import", "--store", store, "lines.jsonl"], options].concat());
    }

    fn write(&self, name: &str, contents: &str) {
        let path = self.root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    fn ok(&self, arguments: &[&str]) -> Ended {
        let ended = process::run(&mut engram(self.root, arguments), 6 * PATIENCE);
        assert!(ended.is(0), "{arguments:?}: {ended:?}");
        ended
    }
}

fn collect(folder: &Path, each: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, each) } else { each(&path) }
    }
}

/// JSON lines of memories with titles, aliases, links, phrases and two namespaces; some have texts of several pages.
fn lines(prefix: &str, range: std::ops::Range<usize>, bytes: usize, dimensions: usize) -> String {
    let mut random = Random(bytes as u64 + prefix.len() as u64);
    let mut lines = String::new();
    for i in range {
        let bytes = match i % 50 {
            7 => 2600,
            8 => 9000,
            _ => bytes / 2 + below(&mut random, bytes),
        };
        let (text, link) = (text(&mut random, bytes), i / 2);
        let title = format!("{} note {i}", ["Harbour", "Garden", "Village"][i % 3]);
        let alias = if i % 9 == 0 { format!(",\"aliases\":[\"{prefix} plot {i}\"]") } else { String::new() };
        let namespace = if i % 7 == 0 { ",\"namespace\":\"work\"" } else { "" };
        let vector = match dimensions {
            0 => String::new(),
            dimensions => format!(",\"vector\":{}", vector(&mut random, dimensions)),
        };
        lines.push_str(&format!(
            "{{\"id\":\"{prefix}{i:05}\",\"title\":\"{title}\",\"text\":\"{text}\",\"source\":\"books/{}.txt\",\
             \"links\":[\"{prefix}{link:05}\",{{\"name\":\"Village note {}\",\"weight\":2}}],\
             \"time\":\"2026-01-01\"{alias}{namespace}{vector}}}\n",
            i % 4,
            3 * (i / 3) + 2,
        ));
    }
    lines
}

fn vector(random: &mut Random, dimensions: usize) -> String {
    let elements = (0..dimensions).map(|_| (random.below(2001) as f64 / 1000.0 - 1.0).to_string());
    format!("[{}]", elements.collect::<Vec<_>>().join(","))
}

/// Words that many texts share, some that few do, and names that several mention.
fn text(random: &mut Random, bytes: usize) -> String {
    const COMMON: [&str; 16] = [
        "garden", "river", "letter", "winter", "market", "music", "bridge", "teacher", "village", "paper",
        "engine", "island", "mirror", "forest", "signal", "window",
    ];
    const NAMES: [&str; 5] = ["Old Harbour", "Winter Market", "Carl Rogers", "Blue Lantern", "Stone Bridge"];
    const SYLLABLES: [&str; 8] = ["ba", "ku", "lo", "mi", "ne", "ra", "so", "tu"];
    let mut text = String::new();
    while text.len() < bytes {
        match random.below(12) {
            0 => text.push_str(NAMES[below(random, NAMES.len())]),
            1 => (0..3).for_each(|_| text.push_str(SYLLABLES[below(random, SYLLABLES.len())])),
            _ => text.push_str(COMMON[below(random, COMMON.len())]),
        }
        text.push(' ');
    }
    text.truncate(text.trim_end().len());
    text
}
