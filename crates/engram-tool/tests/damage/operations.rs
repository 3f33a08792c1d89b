//! Every operation of the command, and what each gives on an undamaged store.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::process::{self, Ended, engram};
use crate::stores::{PATIENCE, Prepared};

/// When forgetting is judged.
const AT: &str = "2026-06-01";
/// Stands for the folder that a backup goes to.
const BACKUP: &str = "backed-up";
/// Cues that have hits in every store.
const CUES: [&str; 4] =
    ["garden by the river", "Carl Rogers in the village", "Old Harbour market music", "Garden note 3"];

/// One call of the command.
#[derive(Debug, Clone)]
pub struct Operation {
    /// What the tables call it.
    pub name: &'static str,
    /// Without `--store`.
    pub arguments: Vec<String>,
}

impl Operation {
    fn new(name: &'static str, arguments: &[&str]) -> Self {
        Self { name, arguments: arguments.iter().map(|&argument| argument.to_owned()).collect() }
    }

    /// Runs it on a store, named relative to `root`.
    pub fn run(&self, root: &Path, store: &str) -> Ended {
        let result = self.result(store);
        if self.is_backup() && root.join(&result).exists() {
            fs::remove_dir_all(root.join(&result)).unwrap();
        }
        let named = |argument| if argument == BACKUP { result.as_str() } else { argument };
        let mut arguments: Vec<&str> = self.arguments.iter().map(|argument| named(argument)).collect();
        arguments.extend(["--store", store]);
        process::run(&mut engram(root, &arguments), PATIENCE)
    }

    pub fn is_export(&self) -> bool {
        self.name == "export"
    }

    pub fn is_backup(&self) -> bool {
        self.name == "backup"
    }

    /// The store that it leaves behind: the one that it ran on, unless it made another.
    pub fn result(&self, store: &str) -> String {
        if self.is_backup() { format!("{store}-{BACKUP}") } else { store.to_owned() }
    }
}

pub fn verify() -> Operation {
    Operation::new("verify", &["verify", "--json"])
}

pub fn export() -> Operation {
    Operation::new("export", &["export"])
}

/// All that only read; of `show` and each mode of `recall` one for every choice that a seed may take.
pub fn reads(store: &Prepared, choice: usize) -> Vec<Operation> {
    let cue = CUES[choice % CUES.len()];
    let id = shown(store)[choice % SHOWN];
    let mut reads = vec![
        export(),
        Operation::new("list", &["list", "--json"]),
        Operation::new("stats", &["stats", "--json"]),
        Operation::new("show", &["show", "--json", id]),
    ];
    for (name, mode) in [("recall", "recall"), ("recall words", "words"), ("recall vectors", "vectors")] {
        let mut recall = Operation::new(name, &["recall", "--json", "--at", AT, "--mode", mode, cue]);
        if store.has_given_vectors && mode != "words" {
            recall.arguments.extend(["--vector".to_owned(), "cue.json".to_owned()]);
        }
        if choice % 3 == 2 {
            recall.arguments.extend(["--since".to_owned(), "2020-01-01".to_owned()]);
        }
        reads.push(recall);
    }
    reads
}

/// How many choices [`reads`] knows.
pub const CHOICES: usize = 12;
const SHOWN: usize = 6;

fn shown(store: &Prepared) -> [&'static str; SHOWN] {
    if store.is_of_vault {
        ["note00.md", "note08.md#first", "note11.md", "note25.md", "note32.md#second", "note39.md"]
    } else {
        ["m00000", "m00008", "m00016", "m00025", "m00057", "m00086"]
    }
}

/// All that write.
pub fn writes(store: &Prepared) -> Vec<Operation> {
    let [a, b, c, _, d, e] = shown(store);
    let mut remember = Operation::new(
        "remember",
        &[
            "remember",
            "--json",
            "--id",
            "new",
            "--title",
            "Quiet Lantern",
            "--time",
            "2026-02-01",
            "A Blue Lantern by the river.",
        ],
    );
    let import = if store.has_given_vectors {
        remember.arguments.extend(["--vector".to_owned(), "cue.json".to_owned()]);
        "more-given.jsonl"
    } else {
        "more.jsonl"
    };
    let recall = &["recall", "--json", "--reinforce", "--at", AT, "--mode", "words", CUES[0]];
    let mut writes = vec![
        remember,
        Operation::new("update", &["update", "--json", b, "--text", "A new text of the Winter Market."]),
        Operation::new("link", &["link", "--json", a, c, "--weight", "3"]),
        Operation::new("forget", &["forget", "--json", d, e]),
        Operation::new("import", &["import", "--json", import]),
        Operation::new("consolidate", &["consolidate", "--json"]),
        Operation::new("rebuild", &["consolidate", "--rebuild", "--json"]),
        Operation::new("compact", &["consolidate", "--compact", "--json"]),
        Operation::new("reinforce", recall),
        Operation::new("backup", &["backup", "--json", BACKUP]),
    ];
    if store.is_of_vault {
        let sync = &["recall", "--json", "--vault", "notes", "--at", AT, "--mode", "words", CUES[0]];
        writes.push(Operation::new("synchronise", sync));
    }
    writes
}

/// What one call gave, without what is never the same twice.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub code: i32,
    pub out: String,
}

impl Answer {
    /// The answer of a process that ended by itself.
    pub fn of(operation: &Operation, ended: &Ended) -> Option<Self> {
        let process::End::Code(code) = ended.end else { return None };
        let out = String::from_utf8_lossy(&ended.out).into_owned();
        let out = if operation.is_export() { out } else { masked(&out).unwrap_or(out) };
        Some(Self { code, out })
    }
}

fn masked(out: &str) -> Option<String> {
    let mut value: Value = serde_json::from_str(out).ok()?;
    let object = value.as_object_mut()?;
    for key in ["took_us", "store", "folder", "bytes", "bytes_before", "bytes_after"] {
        object.remove(key);
    }
    Some(value.to_string())
}

/// What is true of a store.
pub struct Truth {
    /// By arguments.
    reads: BTreeMap<Vec<String>, Answer>,
    pub writes: Vec<AfterWrite>,
}

/// What an operation that writes gives on the undamaged store, and what the store gives then.
pub struct AfterWrite {
    pub operation: Operation,
    pub answer: Answer,
    pub export: Answer,
    /// The recall of the first choice, in the mode that uses everything.
    pub recall: Answer,
}

/// The recall that is asked after each write.
pub fn recall_after(store: &Prepared) -> Operation {
    reads(store, 0).swap_remove(4)
}

impl Truth {
    /// Asks the undamaged store everything that will be asked of damaged ones.
    pub fn of(store: &Prepared, root: &Path) -> Self {
        let name = format!("truth-{}", store.name);
        let folder = root.join(&name);
        store.lay(&folder, &store.bytes);
        let ask_of = |operation: &Operation, name: &str| {
            let ended = operation.run(root, name);
            assert!(ended.is(0), "{operation:?} on the sound store {}: {ended:?}", store.name);
            Answer::of(operation, &ended).unwrap()
        };
        let ask = |operation: &Operation| ask_of(operation, &name);
        let all = (0..CHOICES).flat_map(|choice| reads(store, choice)).chain([verify()]);
        let mut reads = BTreeMap::new();
        for operation in all {
            reads.entry(operation.arguments.clone()).or_insert_with(|| ask(&operation));
        }
        let writes = writes(store).into_iter().map(|operation| {
            store.lay(&folder, &store.bytes);
            let (answer, result) = (ask(&operation), operation.result(&name));
            let (export, recall) = (ask_of(&export(), &result), ask_of(&recall_after(store), &result));
            AfterWrite { operation, answer, export, recall }
        });
        Self { writes: writes.collect(), reads }
    }

    pub fn of_read(&self, operation: &Operation) -> &Answer {
        &self.reads[&operation.arguments]
    }
}
