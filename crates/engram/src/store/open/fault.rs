//! What happens when a page of a mapped store cannot be read, or there is no memory left: the process ends with a
//! sentence, where it was asked to.
//!
//! A file that is damaged, or on a disk that fails, can make a read of the map a fault, which the system answers with
//! SIGBUS or SIGSEGV. A program that owns its process can have that reported like any other error. Faults elsewhere
//! are left to whoever would have had them.

use std::io;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering};

/// How a handler ends the process.
struct Ending {
    /// What it writes, as pointer and length: set once, never freed.
    sentence: AtomicPtr<u8>,
    bytes: AtomicUsize,
    exit_code: AtomicI32,
}

static ON_FAULT: Ending = Ending::new();
static ON_ABORT: Ending = Ending::new();

impl Ending {
    const fn new() -> Self {
        Self {
            sentence: AtomicPtr::new(std::ptr::null_mut()),
            bytes: AtomicUsize::new(0),
            exit_code: AtomicI32::new(1),
        }
    }

    fn set(&self, sentence: &str, exit_code: i32) {
        let sentence: &'static mut [u8] = Box::leak(format!("{sentence}\n").into_bytes().into());
        self.exit_code.store(exit_code, Ordering::Release);
        self.bytes.store(0, Ordering::Release);
        self.sentence.store(sentence.as_mut_ptr(), Ordering::Release);
        self.bytes.store(sentence.len(), Ordering::Release);
    }

    /// Writes the sentence and ends the process at once; a signal handler may do so at any moment.
    fn end(&self) -> ! {
        let (start, bytes) = (self.sentence.load(Ordering::Acquire), self.bytes.load(Ordering::Acquire));
        // SAFETY: these are the start and the length of a sentence that is never freed, or a length of 0.
        unsafe { libc::write(libc::STDERR_FILENO, start.cast(), bytes) };
        // SAFETY: ends the process at once, without running anything of it.
        unsafe { libc::_exit(self.exit_code.load(Ordering::Acquire)) };
    }
}

/// Where stores were mapped: starts and ends. A process has few open; of more, faults are not reported.
static STARTS: [AtomicUsize; 16] = [const { AtomicUsize::new(0) }; 16];
static ENDS: [AtomicUsize; 16] = [const { AtomicUsize::new(0) }; 16];
/// What was to be done about each signal before.
static BEFORE: [OnceLock<libc::sigaction>; 2] = [const { OnceLock::new() }; 2];
/// Below this address nothing is ever mapped. LMDB comes here from a damaged page that leads to none.
const NOWHERE: usize = 4096;
const SIGNALS: [libc::c_int; 2] = [libc::SIGBUS, libc::SIGSEGV];

/// Notes where a store is mapped.
pub(super) fn add(mapped: &Range<usize>) {
    for (start, end) in STARTS.iter().zip(&ENDS) {
        if start.compare_exchange(0, mapped.start, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            end.store(mapped.end, Ordering::Release);
            return;
        }
    }
}

/// Forgets where a store was mapped.
pub(super) fn remove(mapped: &Range<usize>) {
    for (start, end) in STARTS.iter().zip(&ENDS) {
        if start.load(Ordering::Acquire) == mapped.start {
            end.store(0, Ordering::Release);
            start.store(0, Ordering::Release);
        }
    }
}

/// Ends the process with this exit code, and a sentence on standard error, if a read of a mapped store becomes a fault.
///
/// For programs that own their process; the `engram` command does so. It takes over SIGBUS and SIGSEGV, and leaves faults
/// outside of stores to whoever had these signals before, but for those at the first 4,096 addresses, where LMDB comes from
/// a damaged page that leads nowhere. It also ignores SIGXFSZ, so that writing beyond a limit on the
/// size of files is an error and not the end. A later call changes sentence and code.
///
/// # Errors
/// If the system does not let the process handle these signals.
pub fn exit_on_fault(sentence: &str, exit_code: i32) -> io::Result<()> {
    ON_FAULT.set(sentence, exit_code);
    // SAFETY: ignoring a signal is always sound.
    if unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) } == libc::SIG_ERR {
        return Err(io::Error::last_os_error());
    }
    for (signal, before) in SIGNALS.into_iter().zip(&BEFORE) {
        if before.get().is_some() {
            continue;
        }
        let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_fault;
        // SAFETY: an action of all zeros is a valid one: the default action, an empty mask, no flags.
        let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        action.sa_sigaction = handler as libc::sighandler_t;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        let mut old = MaybeUninit::uninit();
        // SAFETY: both point to actions that live for the call; the handler has the signature that SA_SIGINFO asks for,
        // and does nothing but what a handler may do at any moment (see there).
        if unsafe { libc::sigaction(signal, &raw const action, old.as_mut_ptr()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call has succeeded, so it has written the old action.
        let _ = before.set(unsafe { old.assume_init() });
    }
    Ok(())
}

/// Ends the process with this exit code, and a sentence on standard error, where it would abort: as Rust does when there
/// is no memory left.
///
/// For programs that own their process; the `engram` command does so. Changes to a store are transactions, so ending at
/// any moment loses nothing. A later call changes sentence and code.
///
/// # Errors
/// If the system does not let the process handle the signal.
pub fn exit_on_abort(sentence: &str, exit_code: i32) -> io::Result<()> {
    ON_ABORT.set(sentence, exit_code);
    let handler: extern "C" fn(libc::c_int) = on_abort;
    // SAFETY: the handler has the signature that the call asks for, and does nothing but what a handler may do at any
    // moment (see [`Ending::end`]).
    if unsafe { libc::signal(libc::SIGABRT, handler as libc::sighandler_t) } == libc::SIG_ERR {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

extern "C" fn on_abort(_signal: libc::c_int) {
    ON_ABORT.end();
}

/// Handles a fault. Only reads atomics, writes to a descriptor, ends the process, sets an action, and sends a signal: all of them may be
/// done in a signal handler (signal-safety(7)).
extern "C" fn on_fault(signal: libc::c_int, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    // SAFETY: with SA_SIGINFO the system gives a valid pointer, and nobody else has it.
    let info = unsafe { &*info };
    // SAFETY: for these signals the system sets the address of the fault.
    let address = unsafe { info.si_addr() }.addr();
    let in_store =
        STARTS.iter().zip(&ENDS).any(|(start, end)| {
            (start.load(Ordering::Acquire)..end.load(Ordering::Acquire)).contains(&address)
        }) || (address < NOWHERE && info.si_code > 0);
    if in_store {
        ON_FAULT.end();
    }
    let before = SIGNALS.iter().position(|known| *known == signal).and_then(|at| BEFORE[at].get());
    if let Some(before) = before {
        // SAFETY: sets the action that the system gave. The fault comes again when this returns, and meets that action.
        unsafe { libc::sigaction(signal, before, std::ptr::null_mut()) };
    }
    if info.si_code <= 0 {
        // Somebody sent it, so it does not come again by itself.
        // SAFETY: sends a signal to this thread, which arrives when this returns.
        unsafe { libc::raise(signal) };
    }
}
