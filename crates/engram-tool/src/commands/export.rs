//! `engram export`: everything that was put in, as JSON lines.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
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
    let engram = super::open(global)?;
    let Some(path) = arguments.file.as_deref().filter(|path| path.as_os_str() != "-") else {
        engram.export(&mut JsonLines::new())?;
        return Ok(Exit::Done);
    };
    let memories = into_file(path, |out| match engram.export(out) {
        Err(engram::Error::Output(error)) => Err(Failure::writing(path, &error)),
        result => Ok(result?),
    })?;
    let file = path.display().to_string();
    if global.json {
        output::json(&Exported { memories, file })?;
    } else {
        let mut out = output::plain();
        let memories = output::count(memories, "memory", "memories");
        writeln!(out, "{memories} in {}", engram::text::printable_line(&file))?;
        out.flush()?;
    }
    Ok(Exit::Done)
}

/// Writes a file that appears only when it is complete, in place of one that was there.
pub fn into_file<R>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&std::fs::File>) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let failed = |error: std::io::Error| Failure::writing(path, &error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.prefix(".engram-").tempfile_in(folder).map_err(failed)?;
    let mut out = BufWriter::with_capacity(1 << 16, file.as_file());
    let result = write(&mut out)?;
    out.flush().map_err(failed)?;
    drop(out);
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(result)
}
