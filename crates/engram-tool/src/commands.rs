//! The commands: one file each, with its flags and what they do.

pub mod answer;
pub mod backup;
pub mod change;
pub mod consolidate;
pub mod eval;
pub mod export;
pub mod import;
pub mod kernels;
pub mod list;
pub mod recall;
pub mod reembed;
pub mod remember;
pub mod show;
pub mod stats;
pub mod tokens;
pub mod vector;
pub mod verify;

use std::path::Path;

use engram::{Engram, InvalidMemory, MemoryId, Namespace, OpenOptions};

use crate::cli::{Cli, Command, Global};
use crate::exit::{Exit, Failure, Outcome};
use crate::output;

/// Runs a command.
pub fn run(cli: Cli) -> Outcome {
    let global = &cli.global;
    global.apply_color();
    // A wrong ENGRAM_KERNELS is refused here, in a sentence, before anything is computed with other kernels.
    engram_kernels::kernels().map_err(|e| Failure::new(Exit::Usage, e))?;
    match cli.command {
        Command::Recall(arguments) => recall::run(&arguments, global),
        Command::Import(arguments) => import::run(&arguments, global),
        Command::Remember(arguments) => remember::run(arguments, global),
        Command::Update(arguments) => change::update(arguments, global),
        Command::Link(arguments) => change::link(&arguments, global),
        Command::Forget(arguments) => change::forget(&arguments, global),
        Command::Show(arguments) => show::run(&arguments, global),
        Command::List(arguments) => list::run(&arguments, global),
        Command::Stats => stats::run(global),
        Command::Export(arguments) => export::run(&arguments, global),
        Command::Backup(arguments) => backup::run(&arguments, global),
        Command::Consolidate(arguments) => consolidate::run(&arguments, global),
        Command::Reembed(arguments) => reembed::run(&arguments, global),
        Command::Verify(arguments) => verify::run(&arguments, global),
        Command::Eval(arguments) => eval::run(&arguments, global),
        Command::Kernels(arguments) => kernels::run(&arguments, global),
    }
}

/// An id on the command line by which a memory is looked up; one in an older store may hold what is not shown.
fn existing_id(text: &str) -> Result<MemoryId, InvalidMemory> {
    MemoryId::existing(text)
}

/// A namespace on the command line whose memories are looked up.
fn existing_namespace(text: &str) -> Result<Namespace, InvalidMemory> {
    Namespace::existing(text)
}

/// Opens the store that the command line names. Whatever keeps it from opening is the store's fault.
fn open(global: &Global) -> Result<Engram, Failure> {
    opened(&global.options(), global)
}

/// Opens the store that the command line names, or makes it.
fn create(global: &Global) -> Result<Engram, Failure> {
    opened(&global.options().create(true), global)
}

fn opened(options: &OpenOptions, global: &Global) -> Result<Engram, Failure> {
    report_faults(&global.store());
    let engram = options.open(global.store()).map_err(|error| Failure::new(Exit::Store, error))?;
    say_if_made_private(&engram);
    Ok(engram)
}

/// Has the death that a damaged page can cause reported as any other failure of the store.
fn report_faults(store: &Path) {
    #[cfg(unix)]
    {
        let sentence = format!(
            "engram: the store {} is damaged: a page of it cannot be read; restore it from a backup, or save what can be \
             read with `engram export FILE`",
            store.display()
        );
        // Where the system does not allow it, a damaged page ends the command by a signal.
        let _ = engram::exit_on_fault(&sentence, Exit::Store as i32);
    }
    #[cfg(not(unix))]
    let _ = store;
}

/// Says that others could look into the store until now.
fn say_if_made_private(engram: &Engram) {
    if engram.was_made_private() {
        output::note(&format!(
            "{} was open to other users and is now private to you; use --shared for a store that you share on purpose",
            engram.folder().display()
        ));
    }
}
