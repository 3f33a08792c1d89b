//! What happens when there is no memory left: the command ends with a sentence, as in any other failure of the store.
//!
//! Rust would end it with SIGABRT. Changes to a store are transactions, so ending at any moment loses nothing.

#![allow(unsafe_code, reason = "an allocator is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::exit::Exit;

const SENTENCE: &[u8] =
    b"engram: there is not enough memory or address space; close some programs, or allow more \
                          (`ulimit -v`); the store is as the last commit left it\n";

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// The system's allocator, but that it ends the process where it has nothing to give.
struct Allocator;

// SAFETY: every call goes to the system's allocator with the arguments that came, and its answer is given back.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps what the trait asks for.
        given(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        given(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: as above.
        given(unsafe { System.realloc(start, layout, bytes) })
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(start, layout) }
    }
}

/// What the system gave; ends the process if that is nothing.
fn given(start: *mut u8) -> *mut u8 {
    if start.is_null() {
        end();
    }
    start
}

/// Whether a thread has begun to end the process.
static IS_ENDING: AtomicBool = AtomicBool::new(false);

/// Ends the process without taking memory or a lock, which this thread may hold.
#[cold]
fn end() -> ! {
    while IS_ENDING.swap(true, Ordering::AcqRel) {
        // Another thread says it.
        std::thread::sleep(Duration::from_secs(1));
    }
    #[cfg(unix)]
    {
        // SAFETY: these are the start and the length of a text that is never freed.
        unsafe { libc::write(libc::STDERR_FILENO, SENTENCE.as_ptr().cast(), SENTENCE.len()) };
        // SAFETY: ends the process at once, without running anything of it.
        unsafe { libc::_exit(Exit::Store as i32) }
    }
    #[cfg(not(unix))]
    {
        let _ = (SENTENCE, Exit::Store);
        std::process::abort()
    }
}
