//! A folder of its own for each test, and the command run in it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// No command of these tests should take longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The user that tests become who must not be root.
const NOBODY: u32 = 65_534;

/// A folder in which commands run.
pub struct Sandbox {
    folder: TempDir,
    program: PathBuf,
    user: Option<u32>,
}

/// What a command gave.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Sandbox {
    pub fn new() -> Self {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_engram"));
        Self { folder: tempfile::tempdir().unwrap(), program, user: None }
    }

    /// A sandbox whose commands do not run as root: permissions count for them.
    #[cfg(unix)]
    pub fn unprivileged() -> Self {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let mut sandbox = Self::new();
        if sandbox.path("").metadata().unwrap().uid() == 0 {
            // The program may lie where only root can go. A process of its own copies it: what this one holds open
            // for writing, a child that another test starts at that moment holds too, and then it cannot be run.
            let program = sandbox.path("engram-program");
            let copied = Command::new("cp").args([&sandbox.program, &program]).status().unwrap();
            assert!(copied.success(), "{copied}");
            for path in [&sandbox.path(""), &program] {
                fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
            }
            std::os::unix::fs::chown(sandbox.path(""), Some(NOBODY), Some(NOBODY)).unwrap();
            (sandbox.program, sandbox.user) = (program, Some(NOBODY));
        }
        sandbox
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, with the folders that lead to it, for whoever the commands run as.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        path
    }

    /// The command with arguments, not yet started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(self.folder.path());
        command
            .env_remove("ENGRAM_STORE")
            .env_remove("ENGRAM_VAULT")
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR_FORCE");
        command.env_remove("ENGRAM_EMBEDDER").env_remove("ENGRAM_EMBEDDER_KEY");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        if let Some(user) = self.user {
            std::os::unix::process::CommandExt::uid(&mut command, user);
            std::os::unix::process::CommandExt::gid(&mut command, user);
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        finish(&mut self.command(arguments), b"")
    }

    pub fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Ran {
        finish(&mut self.command(arguments), input)
    }

    /// Runs a command that must succeed; gives its output.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:?}");
        ran.out
    }

    /// Runs a command that must succeed with `--json`; gives its answer.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let out = self.ok(&[arguments, &["--json"]].concat());
        assert_eq!(out.lines().count(), 1, "{out}");
        serde_json::from_str(&out).unwrap()
    }

    /// Runs a command that must fail with a code and one sentence that holds all of `says`.
    #[track_caller]
    pub fn fails(&self, arguments: &[&str], code: i32, says: &[&str]) -> Ran {
        let ran = self.run(arguments);
        ran.failed(code, says);
        ran
    }

    /// The ids of all memories in the store.
    pub fn ids(&self) -> Vec<String> {
        let listed = self.json(&["list"]);
        let memories = listed["memories"].as_array().unwrap().iter();
        memories.map(|memory| memory["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Whether `verify` finds nothing.
    #[track_caller]
    pub fn is_sound(&self) {
        let ran = self.run(&["verify", "--json"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }

    pub fn data_file(&self) -> PathBuf {
        self.path(".engram/data.mdb")
    }
}

impl Ran {
    /// Checks a failure: its code, and one sentence on standard error that holds all of `says`.
    #[track_caller]
    pub fn failed(&self, code: i32, says: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.err.lines().count(), 1, "one sentence: {self:?}");
        let sentence = self.err.trim_end();
        assert!(sentence.starts_with("engram: "), "{self:?}");
        for part in says {
            assert!(sentence.contains(part), "{part:?} is missing in {sentence:?}");
        }
        assert!(!sentence.contains("fault in engram"), "{self:?}");
    }
}

/// Runs a command to its end, which must come in time.
#[track_caller]
pub fn finish(command: &mut Command, input: &[u8]) -> Ran {
    if !input.is_empty() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn().unwrap();
    if let Some(mut stdin) = child.stdin.take() {
        // A command that refuses early does not read all of it.
        let _ = stdin.write_all(input);
    }
    // The pipes are emptied meanwhile, so that a long answer does not stop the command.
    let id = child.id();
    let (done, wait) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(child.wait_with_output()));
    match wait.recv_timeout(PATIENCE) {
        Ok(output) => output.unwrap().into(),
        Err(_) => panic!("process {id} ({command:?}) did not end within {PATIENCE:?}"),
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A generator of numbers that are random enough, the same in every run.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        // SplitMix64 (Steele, Lea and Flood, 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// JSON lines of `count` memories whose ids begin with `prefix`, of about `bytes` bytes each.
pub fn memories(prefix: &str, count: usize, bytes: usize) -> String {
    const WORDS: [&str; 24] = [
        "lane", "kernel", "memory", "name", "garden", "river", "letter", "vector", "winter", "market",
        "music", "bridge", "harbour", "teacher", "village", "paper", "engine", "island", "mirror", "forest",
        "signal", "window", "journey", "colour",
    ];
    let mut random = Random(prefix.bytes().map(u64::from).sum());
    let mut lines = String::new();
    for i in 0..count {
        let mut text = String::new();
        while text.len() < bytes {
            text.push_str(WORDS[random.below(24) as usize]);
            text.push(' ');
        }
        let (title, link) = (format!("{prefix} note {i}"), i / 2);
        lines.push_str(&format!(
            "{{\"id\":\"{prefix}{i:05}\",\"title\":\"{title}\",\"text\":\"{text}\",\"links\":[\"{prefix}{link:05}\"],\
             \"time\":\"2026-01-01\"}}\n"
        ));
    }
    lines
}

/// Says something past the test harness, which keeps the output of tests that pass to itself.
pub fn announce(sentence: &str) {
    let _ = writeln!(std::io::stderr(), "NOTE: {sentence}");
}

/// Whether a file holds some bytes.
pub fn holds(path: &Path, bytes: &[u8]) -> bool {
    fs::read(path).unwrap().windows(bytes.len()).any(|window| window == bytes)
}
