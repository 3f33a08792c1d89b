//! Running a program for a bounded time, its output kept.
//!
//! Zig can spin for ever (on a cache folder that cannot be made, for one), and a build script that never ends tells
//! nobody anything. On a timeout the program goes down with everything that it started.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::environment::Environment;
use crate::words;

/// What a program that ended by itself said.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Both streams, standard output first.
    pub(crate) fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// Why there is no [`Ended`].
pub(crate) enum Failure {
    Start(io::Error),
    TimedOut,
}

/// Variables of the caller that would lead Zig astray.
///
/// `DESTDIR` is put before even an absolute `--prefix`. `ZIG_LOCAL_CACHE_DIR` would compete with `--cache-dir`.
const SCRUBBED: [&str; 2] = ["DESTDIR", "ZIG_LOCAL_CACHE_DIR"];

/// Runs `command` in `folder` with `environment`, less what is scrubbed and more `extra`, for at most `limit`.
pub(crate) fn run(
    command: &[OsString],
    folder: &Path,
    environment: &Environment,
    extra: &[(&str, OsString)],
    limit: Duration,
) -> Result<Ended, Failure> {
    let (program, arguments) = command
        .split_first()
        .ok_or_else(|| Failure::Start(io::Error::new(io::ErrorKind::InvalidInput, "the command is empty")))?;
    let program = if !words::is_bare(program) {
        program.clone()
    } else {
        let mut found = program.to_str().map(|name| environment.programs(name)).unwrap_or_default();
        if found.is_empty() {
            return Err(Failure::Start(io::Error::new(io::ErrorKind::NotFound, "not on PATH")));
        }
        found.swap_remove(0).into_os_string()
    };
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs(environment.all())
        .envs(extra.iter().map(|(name, value)| (name, value)))
        .env_remove(SCRUBBED[0])
        .env_remove(SCRUBBED[1])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(Failure::Start)?;
    let stdout = read_aside(child.stdout.take());
    let stderr = read_aside(child.stderr.take());
    match wait(&mut child, limit).map_err(Failure::Start)? {
        Some(status) => {
            let until = Instant::now() + GRACE;
            Ok(Ended { status, stdout: stdout.text(until), stderr: stderr.text(until) })
        }
        None => Err(Failure::TimedOut),
    }
}

/// Waits with growing pauses (std has no wait with a limit); `None` after the limit, with the child gone.
fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let left = limit.saturating_sub(start.elapsed());
        if left.is_zero() {
            kill_tree(child.id());
            // The child may have ended in between; either way it is gone and only its status is left to collect.
            child.kill().ok();
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(pause.min(left));
        pause = (pause * 2).min(Duration::from_millis(25));
    }
}

/// A grandchild may hold the pipes open after the child's end: so long is waited for more text. All that the child
/// wrote has come by then.
const GRACE: Duration = Duration::from_secs(10);

/// What a pipe has given so far, and its end.
struct Kept {
    bytes: Arc<Mutex<Vec<u8>>>,
    end: Receiver<()>,
}

fn read_aside(pipe: Option<impl Read + Send + 'static>) -> Kept {
    let (sender, end) = channel();
    let bytes = Arc::new(Mutex::new(Vec::new()));
    if let Some(mut pipe) = pipe {
        let bytes = Arc::clone(&bytes);
        thread::spawn(move || {
            let mut chunk = vec![0; 1 << 16];
            loop {
                match pipe.read(&mut chunk) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // What was read before a broken pipe is still worth showing.
                    Ok(0) | Err(_) => break,
                    Ok(len) => {
                        let read = chunk.get(..len).unwrap_or_default();
                        bytes.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(read);
                    }
                }
            }
            drop(sender);
        });
    }
    Kept { bytes, end }
}

impl Kept {
    /// The text up to the pipe's end, or what there is of it at `until`.
    fn text(&self, until: Instant) -> String {
        // Nothing is ever sent: it waits for the reader to drop its end.
        self.end.recv_timeout(until.saturating_duration_since(Instant::now())).ok();
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Ends everything below `root`: Zig's build runner is a child of Zig's, and outlives a killed parent.
#[cfg(unix)]
fn kill_tree(root: u32) {
    let parents = parents();
    let mut doomed = vec![root];
    let mut next = 0;
    while let Some(&parent) = doomed.get(next) {
        doomed.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(child, _)| *child));
        next += 1;
    }
    doomed.remove(0); // the caller ends the root itself, and collects it
    if !doomed.is_empty() {
        // The shell's own `kill`: slim containers lack the program. Without a shell the grandchildren stay.
        let mut kill = Command::new("/bin/sh");
        kill.args(["-c", "kill -KILL \"$@\"", "sh"]).args(doomed.iter().map(u32::to_string));
        kill.stdout(Stdio::null()).stderr(Stdio::null()).status().ok();
    }
}

#[cfg(windows)]
fn kill_tree(root: u32) {
    Command::new("taskkill").args(["/T", "/F", "/PID", &root.to_string()]).output().ok();
}

#[cfg(not(any(unix, windows)))]
fn kill_tree(_root: u32) {}

/// Every process with its parent, from /proc where there is one (slim containers lack `ps`).
#[cfg(unix)]
fn parents() -> Vec<(u32, u32)> {
    let from_proc: Vec<_> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let child = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            // pid (name, which may hold anything) state ppid …
            let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
            Some((child, parent))
        })
        .collect();
    if !from_proc.is_empty() {
        return from_proc;
    }
    let Ok(listed) = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output() else { return Vec::new() };
    String::from_utf8_lossy(&listed.stdout)
        .lines()
        .filter_map(|line| {
            let mut numbers = line.split_whitespace().map(str::parse);
            Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
        })
        .collect()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Result<Ended, Failure> {
        let words = ["/bin/sh", "-c", script].map(OsString::from);
        let environment = Environment::of_process();
        run(&words, Path::new("/"), &environment, &[("ADDED", "yes".into())], limit)
    }

    #[test]
    fn output_status_and_environment_arrive() {
        let Ok(ended) = shell("echo out $ADDED; echo err >&2; exit 3", Duration::from_secs(60)) else {
            panic!("sh did not run")
        };
        assert_eq!((ended.status.code(), &*ended.stdout, &*ended.stderr), (Some(3), "out yes\n", "err\n"));
    }

    #[test]
    fn more_output_than_a_pipe_holds_does_not_block() {
        let script =
            "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done";
        let Ok(ended) = shell(script, Duration::from_secs(60)) else { panic!("sh did not run") };
        assert_eq!(ended.stdout.len(), 3000 * 41);
    }

    #[test]
    fn what_was_said_is_kept_while_somebody_holds_the_pipe() -> io::Result<()> {
        let (reader, mut writer) = io::pipe()?;
        let kept = read_aside(Some(reader));
        io::Write::write_all(&mut writer, b"0.16.0\n")?;
        // The reader takes its time on a busy machine.
        for _ in 0..1200 {
            if kept.text(Instant::now() + Duration::from_millis(50)) == "0.16.0\n" {
                return Ok(());
            }
        }
        panic!("nothing was kept")
    }

    /// A killed process may stay listed as a zombie until its new parent collects it.
    fn is_running(pid: u32) -> io::Result<bool> {
        if Path::new("/proc/self/stat").exists() {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            return Ok(!stat.is_empty() && !stat.contains(") Z "));
        }
        let listed = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output()?.stdout;
        Ok(!matches!(listed.trim_ascii().first(), None | Some(b'Z')))
    }

    #[test]
    fn a_timeout_ends_the_grandchildren_too() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let pid_file = folder.path().join("pid");
        let script = format!("sleep 1000 & echo $! > '{}'; wait", pid_file.display());
        // On a busy machine the shell may be ended before it has written anything: it gets more time then.
        for limit in [1, 4, 16, 64].map(Duration::from_secs) {
            assert!(matches!(shell(&script, limit), Err(Failure::TimedOut)));
            let written = std::fs::read_to_string(&pid_file).unwrap_or_default();
            let Ok(pid) = written.trim().parse::<u32>() else { continue };
            for _ in 0..3000 {
                if !is_running(pid)? {
                    return Ok(());
                }
                thread::sleep(Duration::from_millis(20));
            }
            panic!("the grandchild still runs")
        }
        panic!("the shell started nothing in a minute")
    }
}
