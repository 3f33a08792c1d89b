//! `engram export`: everything that was put in, as JSON lines.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use engram::import::Notices;
use serde::Serialize;

use crate::cli::Global;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{self, JsonLines};

const EXAMPLES: &str = "\
Writes one memory a line, with what recalling it has left behind; `engram import FILE` into an empty store gives
the same memories and the same answers. A file appears only when it is complete.

Examples:
  engram export memories.jsonl
  engram export | gzip > memories.jsonl.gz

The answer in JSON, where a FILE is named: {\"memories\", \"file\"}; otherwise the memories themselves.";

/// Writes every memory as JSON lines.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Where to write them [default: standard output]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Serialize)]
struct Exported {
    memories: u64,
    file: String,
}

/// Runs the command.
pub fn run(arguments: &Arguments, global: &Global) -> Outcome {
    let (store, options) = (global.store(), global.options());
    super::report_faults(&store);
    let Some(path) = arguments.file.as_deref().filter(|path| path.as_os_str() != "-") else {
        let report = options.export(&store, &mut JsonLines::new()).map_err(of_store)?;
        return Ok(unreadable(&report.unreadable));
    };
    let report = into_file(path, |out| match options.export(&store, out) {
        Err(engram::Error::Output(error)) => Err(Failure::writing(path, &error)),
        result => result.map_err(of_store),
    })?;
    let file = path.display().to_string();
    if global.json {
        output::json(&Exported { memories: report.memories, file })?;
    } else {
        let mut out = output::plain();
        let memories = output::count(report.memories, "memory", "memories");
        writeln!(out, "{memories} in {}", engram::text::printable_line(&file))?;
        out.flush()?;
    }
    Ok(unreadable(&report.unreadable))
}

/// Whatever keeps the store from being read is the store's fault, and what keeps the answer from being written is not.
fn of_store(error: engram::Error) -> Failure {
    match error {
        engram::Error::Output(error) => error.into(),
        error => Failure::new(Exit::Store, error),
    }
}

/// Tells of memories that a damaged store could not give.
fn unreadable(sentences: &Notices) -> Exit {
    output::notes(sentences, "memories that cannot be read");
    if sentences.is_empty() { Exit::Done } else { Exit::Store }
}

/// Writes a file that appears only when it is complete, in place of one that was there. What is there and no
/// plain file (a device, a pipe) is written to as it is; a link leads to the file that is replaced.
pub fn into_file<R>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&std::fs::File>) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let failed = |error: std::io::Error| Failure::writing(path, &error);
    let there = std::fs::metadata(path).ok();
    if there.as_ref().is_some_and(|there| !there.is_file()) {
        let file = std::fs::OpenOptions::new().write(true).open(path).map_err(failed)?;
        let mut out = BufWriter::with_capacity(1 << 16, &file);
        let result = write(&mut out)?;
        out.flush().map_err(failed)?;
        return Ok(result);
    }
    let target = if there.is_some() { path.canonicalize().map_err(failed)? } else { path.to_owned() };
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.prefix(".engram-").tempfile_in(folder).map_err(failed)?;
    if let Some(there) = there {
        file.as_file().set_permissions(there.permissions()).map_err(failed)?;
    }
    let mut out = BufWriter::with_capacity(1 << 16, file.as_file());
    let result = write(&mut out)?;
    out.flush().map_err(failed)?;
    drop(out);
    file.as_file().sync_all().map_err(failed)?;
    file.persist(&target).map_err(|error| failed(error.error))?;
    Ok(result)
}
