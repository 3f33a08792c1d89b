//! The bar on a terminal: it names each long stage, moves while the stage goes on, and Ctrl-C ends the command in any of
//! them.

use std::fs::File;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::sandbox::{Sandbox, memories};

const INTERRUPT: i32 = 2;
/// Enough for each of the stages to take longer than the bar waits before it is drawn again.
const MANY: usize = 100_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// Memories that say their language, so that most of the time goes into packing them.
fn many() -> String {
    memories("m", MANY, 200).replace("\"time\"", "\"language\":\"en\",\"time\"")
}

/// A command whose standard error is a terminal.
struct OnTerminal {
    child: Child,
    drawn: Receiver<String>,
    seen: String,
}

impl OnTerminal {
    fn run(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let other_end = rustix::fs::open(&name, flags, Mode::empty()).unwrap();
        let plain = sandbox.command(arguments);
        // A shell that runs tests in the background has them ignore the signal.
        let mut command = Command::new("env");
        command.arg("--default-signal=INT").arg(plain.get_program()).args(plain.get_args());
        command.current_dir(sandbox.path("")).env_remove("ENGRAM_STORE").env("TERM", "xterm");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(other_end);
        let child = command.spawn().unwrap();
        let (sender, drawn) = channel();
        thread::spawn(move || {
            let (mut terminal, mut buffer) = (File::from(terminal), [0; 4096]);
            // It ends with an error when nobody has the other end open.
            while let Ok(bytes @ 1..) = terminal.read(&mut buffer) {
                let _ = sender.send(String::from_utf8_lossy(&buffer[..bytes]).into_owned());
            }
        });
        Self { child, drawn, seen: String::new() }
    }

    /// Waits until the terminal shows a text; `false` if the command ends before.
    fn shows(&mut self, text: &str) -> bool {
        let begun = Instant::now();
        while !self.seen.contains(text) {
            match self.drawn.recv_timeout(PATIENCE) {
                Ok(drawn) => self.seen.push_str(&drawn),
                Err(_) => return false,
            }
            assert!(begun.elapsed() < PATIENCE, "{text} does not come: {}", self.seen);
        }
        true
    }

    /// Sends one signal, and says whether that has ended the command; otherwise it was done before.
    #[track_caller]
    fn interrupt(mut self) -> bool {
        Command::new("sh").args(["-c", &format!("kill -INT {}", self.child.id())]).status().unwrap();
        while self.drawn.recv_timeout(PATIENCE).is_ok() {}
        let status = self.child.wait().unwrap();
        assert!(status.success() || status.signal() == Some(INTERRUPT), "{status}: {}", self.seen);
        !status.success()
    }
}

#[test]
#[cfg(target_os = "linux")]
fn each_long_stage_shows_and_can_be_interrupted() {
    let sandbox = Sandbox::new();
    sandbox.write("many.jsonl", many());
    // The last stages may be over before the signal comes.
    for (stage, is_long) in
        [("memories", true), ("analysing", true), ("associating", true), ("writing", false)]
    {
        let mut import = OnTerminal::run(&sandbox, &["import", "many.jsonl"]);
        assert!(import.shows(stage), "{stage} is not shown: {}", import.seen);
        let was_ended = import.interrupt();
        assert!(was_ended || !is_long, "{stage} went on");
        let there = sandbox.run(&["list", "--json"]).out.matches("\"id\"").count();
        assert!(there == 0 || (there == MANY && !is_long), "one portion is one transaction: {there}");
        if there > 0 {
            std::fs::remove_dir_all(sandbox.path(".engram")).unwrap();
        }
    }
    sandbox.ok(&["import", "many.jsonl"]);
    let acknowledged = sandbox.ok(&["export"]);
    for (flag, stage, is_long) in [
        ("--rebuild", "rebuilding: analysing", true),
        ("--rebuild", "rebuilding: associating", true),
        ("--rebuild", "rebuilding: writing", false),
        ("--compact", "consolidating: copying", false),
    ] {
        let mut upkeep = OnTerminal::run(&sandbox, &["consolidate", flag]);
        let is_shown = upkeep.shows(stage);
        assert!(is_shown || !is_long, "{stage} is not shown: {}", upkeep.seen);
        assert!(upkeep.interrupt() || !is_long, "{stage} went on");
        sandbox.is_sound();
        assert!(sandbox.ok(&["export"]) == acknowledged, "interrupted while {stage}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_bar_moves_and_leaves_nothing_behind() {
    let sandbox = Sandbox::new();
    sandbox.write("many.jsonl", many());
    let mut import = OnTerminal::run(&sandbox, &["import", "many.jsonl"]);
    while import.shows("nothing says this") {}
    assert!(import.child.wait().unwrap().success(), "{}", import.seen);
    let shares = |stage: &str| {
        let lines =
            import.seen.split(['\r', '\n']).filter(|line| line.contains(stage) && line.contains(" %"));
        let mut shares: Vec<&str> =
            lines.filter_map(|line| line.split(" %").next()?.split(' ').next_back()).collect();
        shares.dedup();
        shares.into_iter().map(|share| share.parse::<u32>().unwrap()).collect::<Vec<_>>()
    };
    let of_stages = ["analysing", "associating", "writing"].map(shares);
    assert!(of_stages.iter().all(|shares| shares.is_sorted()), "{of_stages:?}");
    assert!(
        of_stages.iter().flatten().count() > of_stages.len(),
        "no more than their beginnings: {of_stages:?}"
    );
    // The last that is drawn clears the line.
    assert!(
        import.seen.ends_with("\u{1b}[2K"),
        "{:?}",
        import.seen.chars().rev().take(200).collect::<String>()
    );
}
