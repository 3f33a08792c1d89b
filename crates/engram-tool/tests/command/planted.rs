//! A vault that others may write to: what they plant where the store has its files is named and left alone.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use crate::sandbox::Sandbox;

const PRECIOUS: &[u8] = b"do not touch this";

/// A vault with one note and a file beside it that must not be touched.
fn vault() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("v/note.md", "# Zebra\n\nA zebra is striped.\n");
    sandbox.write("precious", PRECIOUS);
    sandbox
}

/// Recalls from the vault, which must be refused with the name of what was planted.
#[track_caller]
fn refused(sandbox: &Sandbox, says: &[&str]) {
    sandbox.fails(&["recall", "--vault", "v", "zebra"], 4, says);
    assert_eq!(fs::read(sandbox.path("precious")).unwrap(), PRECIOUS);
}

#[test]
fn links_and_pipes_in_place_of_files_are_refused() {
    for name in ["data.mdb", "lock.mdb", "open.lock", "opening.lock", "generation.lock", ".gitignore"] {
        for target in ["../../precious", "../../missing"] {
            let sandbox = vault();
            fs::create_dir_all(sandbox.path("v/.engram")).unwrap();
            symlink(target, sandbox.path("v/.engram").join(name)).unwrap();
            refused(&sandbox, &[name, "is a symbolic link"]);
            assert!(!sandbox.path("missing").exists());
        }
        let sandbox = vault();
        let planted = sandbox.path("v/.engram").join(name);
        fs::create_dir_all(sandbox.path("v/.engram")).unwrap();
        fs::hard_link(sandbox.path("precious"), &planted).unwrap();
        refused(&sandbox, &[name, "another name"]);
        fs::remove_file(&planted).unwrap();
        assert!(Command::new("mkfifo").arg(&planted).status().unwrap().success());
        refused(&sandbox, &[name, "is not a regular file"]);
        fs::remove_file(&planted).unwrap();
        fs::create_dir(&planted).unwrap();
        refused(&sandbox, &[name, "is not a regular file"]);
    }
}

#[test]
fn the_folder_itself_and_those_of_generations_must_be_real() {
    let sandbox = vault();
    fs::create_dir(sandbox.path("elsewhere")).unwrap();
    symlink("../elsewhere", sandbox.path("v/.engram")).unwrap();
    refused(&sandbox, &["v/.engram is a symbolic link"]);
    assert_eq!(fs::read_dir(sandbox.path("elsewhere")).unwrap().count(), 0);

    let sandbox = vault();
    sandbox.write("v/.engram", PRECIOUS);
    refused(&sandbox, &["v/.engram is not a directory"]);
    assert_eq!(fs::read(sandbox.path("v/.engram")).unwrap(), PRECIOUS);

    let sandbox = vault();
    sandbox.ok(&["recall", "--vault", "v", "zebra"]);
    fs::create_dir(sandbox.path("elsewhere")).unwrap();
    symlink("../../elsewhere", sandbox.path("v/.engram/generation-3")).unwrap();
    refused(&sandbox, &["generation-3 is not a directory"]);
    fs::remove_file(sandbox.path("v/.engram/generation-3")).unwrap();
    fs::create_dir(sandbox.path("v/.engram/generation-3")).unwrap();
    symlink("../../../precious", sandbox.path("v/.engram/generation-3/lock.mdb")).unwrap();
    refused(&sandbox, &["generation-3/lock.mdb is a symbolic link"]);

    // In the working directory nobody named the store either.
    let sandbox = vault();
    fs::create_dir(sandbox.path("elsewhere")).unwrap();
    symlink("elsewhere", sandbox.path(".engram")).unwrap();
    sandbox.fails(&["remember", "text"], 4, &[".engram is a symbolic link"]);
    sandbox.ok(&["remember", "text", "--store", ".engram"]);
}

/// A folder that is named as a generation and holds nothing is named, in an empty store and in one with memories.
#[test]
fn an_empty_generation_is_refused() {
    let sandbox = vault();
    fs::create_dir_all(sandbox.path("v/.engram/generation-9")).unwrap();
    refused(&sandbox, &["generation-9", "holds no store"]);
    fs::remove_dir(sandbox.path("v/.engram/generation-9")).unwrap();
    sandbox.ok(&["recall", "--vault", "v", "zebra"]);
    fs::create_dir_all(sandbox.path("v/.engram/generation-9")).unwrap();
    refused(&sandbox, &["generation-9", "holds no store"]);
    fs::remove_dir(sandbox.path("v/.engram/generation-9")).unwrap();
    sandbox.ok(&["recall", "--vault", "v", "zebra"]);
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o777
}

#[test]
fn a_store_is_for_its_owner_alone_whatever_the_umask() {
    for umask in ["0", "022", "0777"] {
        let sandbox = vault();
        let shell = |script: String| {
            let program = sandbox.command(&[]).get_program().to_owned();
            let mut command = Command::new("sh");
            command
                .args(["-c", &script])
                .arg(program)
                .current_dir(sandbox.path(""))
                .env_remove("ENGRAM_STORE");
            assert!(command.output().unwrap().status.success(), "{script}");
        };
        shell(format!("umask {umask}; \"$0\" recall --vault v zebra && \"$0\" recall --vault v zebra"));
        shell(format!("umask {umask}; \"$0\" consolidate --compact --store v/.engram"));
        shell(format!("umask {umask}; \"$0\" backup --store v/.engram copy"));
        let mut files = 0;
        for folder in ["v/.engram", "v/.engram/generation-1", "copy"] {
            assert_eq!(mode(&sandbox.path(folder)), 0o700, "{folder}, umask {umask}");
            for entry in fs::read_dir(sandbox.path(folder)).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    assert_eq!(mode(&path), 0o600, "{}, umask {umask}", path.display());
                    files += 1;
                }
            }
        }
        assert!(files >= 9, "{files}");
    }
}

#[test]
fn a_store_that_others_could_read_is_made_private_and_it_is_said() {
    let sandbox = vault();
    sandbox.ok(&["recall", "--vault", "v", "zebra"]);
    let open = |name: &str, mode| {
        fs::set_permissions(sandbox.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    open("v/.engram", 0o755);
    open("v/.engram/data.mdb", 0o644);
    let shared = sandbox.run(&["recall", "--vault", "v", "--shared", "zebra"]);
    assert_eq!((shared.code, shared.err.as_str()), (Some(0), ""));
    assert_eq!((mode(&sandbox.path("v/.engram")), mode(&sandbox.path("v/.engram/data.mdb"))), (0o755, 0o644));
    let said = sandbox.run(&["recall", "--vault", "v", "zebra"]);
    assert!(said.code == Some(0) && said.err.contains("is now private to you"), "{said:?}");
    assert_eq!((mode(&sandbox.path("v/.engram")), mode(&sandbox.path("v/.engram/data.mdb"))), (0o700, 0o600));
    assert_eq!(sandbox.run(&["recall", "--vault", "v", "zebra"]).err, "");
}

#[test]
fn the_store_of_another_user_is_refused_unless_it_is_shared() {
    let sandbox = vault();
    sandbox.ok(&["recall", "--vault", "v", "zebra"]);
    if sandbox.path("v").metadata().unwrap().uid() != 0 {
        return; // Only root can give a file to somebody else.
    }
    let give = |name: &str, user| std::os::unix::fs::chown(sandbox.path(name), Some(user), None).unwrap();
    give("v/.engram", 65_534);
    refused(&sandbox, &[".engram is a folder of another user"]);
    sandbox.ok(&["recall", "--vault", "v", "--shared", "zebra"]);
    give("v/.engram", 0);
    give("v/.engram/lock.mdb", 65_534);
    refused(&sandbox, &["lock.mdb is a file of another user"]);
}
