//! How far a long call has come, told to whoever waits for it, who may end it.
//!
//! Only the thread of the caller calls back. A long work runs on a thread of its own meanwhile and keeps a [`Monitor`] up
//! to date, which the caller's thread looks at ten times a second. So callbacks come also while a part of the work, such as
//! a commit of LMDB, can say nothing, and they cost the work nothing.

use std::fmt;
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, scope};
use std::time::Duration;

use crate::error::{Error, Result};

/// How long a watcher hears nothing at most.
const BEAT: Duration = Duration::from_millis(100);
/// Steps of a loop that are counted together, in the mean.
const COUNTED_TOGETHER: u64 = 1024;

/// What a long call is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[non_exhaustive]
pub enum Stage {
    /// Files are read; counted in bytes.
    #[default]
    Reading,
    /// What comes in is compared with what is there.
    Comparing,
    /// The pages of the store's file are checked.
    Checking,
    /// Facts are copied or counted, of which everything else is to be derived; counted in memories.
    Gathering,
    /// Memories are cut into words and names; counted in memories, each twice.
    Analysing,
    /// Words, names and links become rows, vectors and associations; counted in memories, each for every part.
    Associating,
    /// What was derived is written; counted in rows.
    Writing,
    /// A change is brought to the disk.
    Committing,
    /// What is out of use is cleared.
    Clearing,
    /// The store is copied into a new file; counted in bytes.
    Copying,
    /// An embedding model is asked for vectors; counted in memories.
    Embedding,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reading => "reading",
            Self::Comparing => "comparing",
            Self::Checking => "checking the file",
            Self::Gathering => "gathering",
            Self::Analysing => "analysing",
            Self::Associating => "associating",
            Self::Writing => "writing",
            Self::Committing => "committing",
            Self::Clearing => "clearing",
            Self::Copying => "copying",
            Self::Embedding => "embedding",
        })
    }
}

/// How far a long call has come.
///
/// Each stage begins with a report of its own, in which nothing is `done`; `done` does not fall until the next one begins.
/// A call may pass a stage more often than once: an import commits in portions, and a consolidation begins again where
/// others have written meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// How much of the stage is done.
    pub done: u64,
    /// How much there is to do in the stage; 0 where that is not known.
    pub total: u64,
    /// Bytes read by an import or a synchronisation, over all its stages; 0 in other calls.
    pub bytes_done: u64,
    /// Bytes that there are for it to read.
    pub bytes_total: u64,
    /// Memories that it has found so far.
    pub memories: u64,
    /// Memories that have their vectors, where an embedding model makes them, portion by portion behind the reading.
    pub embedded: u64,
}

/// What a progress callback may answer: nothing, or whether the call is to go on.
///
/// ```
/// use std::ops::ControlFlow;
/// use engram::{Engram, Error, NewMemory};
///
/// let folder = tempfile::tempdir()?;
/// let memory = Engram::create(folder.path())?;
/// memory.remember(&NewMemory::new("rogers".parse()?, "Carl Rogers founded person-centred therapy."))?;
/// memory.consolidate_with(&mut |progress| eprintln!("{} {}/{}", progress.stage, progress.done, progress.total))?;
///
/// memory.remember(&NewMemory::new("maslow".parse()?, "Maslow drew a pyramid of needs."))?;
/// let cancelled = memory.consolidate_with(&mut |_| ControlFlow::Break(()));
/// assert!(matches!(cancelled, Err(Error::Cancelled)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Answer: private::Sealed {
    /// The answer as control flow.
    #[doc(hidden)]
    fn flow(self) -> ControlFlow<()>;
}

impl Answer for () {
    fn flow(self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl Answer for ControlFlow<()> {
    fn flow(self) -> ControlFlow<()> {
        self
    }
}

mod private {
    pub trait Sealed {}
    impl Sealed for () {}
    impl Sealed for std::ops::ControlFlow<()> {}
}

/// Whoever is told how far a call has come, and may end it.
pub(crate) type Watcher<'w> = dyn FnMut(Progress) -> ControlFlow<()> + 'w;

/// How far a work has come, kept by the work itself, on any of its threads.
#[derive(Default)]
pub(crate) struct Monitor {
    /// None where nobody watches.
    watched: Option<Watched>,
}

#[derive(Default)]
struct Watched {
    account: Mutex<Account>,
    /// The account has something new for the watcher.
    has_news: Condvar,
    /// The watcher has been told of a stage.
    was_told: Condvar,
}

#[derive(Default)]
struct Account {
    now: Progress,
    has_begun: bool,
    /// The watcher is to be told of the stage before it goes on.
    is_new: bool,
    is_cancelled: bool,
    is_over: bool,
    /// Asked how much of the stage is done, where the work itself cannot tell.
    measure: Option<Box<dyn Fn() -> u64 + Send>>,
}

impl Watched {
    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    fn check(&self) -> Result<()> {
        if self.is_cancelled { Err(Error::Cancelled) } else { Ok(()) }
    }
}

impl Monitor {
    /// That of a work which nobody watches.
    pub(crate) const fn unwatched() -> Self {
        Self { watched: None }
    }

    /// Begins a stage, once the watcher knows.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if the watcher has ended the work.
    pub(crate) fn begin(&self, stage: Stage, total: u64) -> Result<()> {
        self.tell(stage, total);
        self.check()
    }

    /// Begins a stage of a work that cannot be ended any more.
    pub(crate) fn tell(&self, stage: Stage, total: u64) {
        self.tell_measured(stage, total, None);
    }

    /// As [`Monitor::begin`], for a stage that says itself how much of it is done when `measure` is called.
    pub(crate) fn begin_measured(
        &self,
        stage: Stage,
        total: u64,
        measure: impl Fn() -> u64 + Send + 'static,
    ) -> Result<()> {
        self.tell_measured(stage, total, Some(Box::new(measure)));
        self.check()
    }

    fn tell_measured(&self, stage: Stage, total: u64, measure: Option<Box<dyn Fn() -> u64 + Send>>) {
        let Some(watched) = &self.watched else { return };
        let mut account = watched.account();
        account.now = Progress { stage, total, ..Progress::default() };
        account.measure = measure;
        (account.has_begun, account.is_new) = (true, !account.is_cancelled);
        watched.has_news.notify_one();
        while account.is_new {
            account = watched.was_told.wait(account).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Says that so much more of the stage is done.
    pub(crate) fn advance(&self, by: u64) {
        if let Some(watched) = &self.watched {
            let now = &mut watched.account().now;
            now.done = now.done.saturating_add(by).min(now.total);
        }
    }

    /// Whether the work may go on.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if the watcher has ended it.
    pub(crate) fn check(&self) -> Result<()> {
        self.watched.as_ref().map_or(Ok(()), |watched| watched.account().check())
    }

    /// Counts the steps of a loop of `all`, which make up `part` of the stage.
    pub(crate) fn shares(&self, part: u64, all: usize) -> Shares<'_> {
        let all = all.max(1) as u64;
        let together = all.saturating_mul(COUNTED_TOGETHER) / part.max(1);
        Shares { monitor: self, part, all, together, done: 0, due: together, told: 0 }
    }

    /// Counts the steps of a loop.
    pub(crate) fn steps(&self) -> Steps<'_> {
        Steps { monitor: self, pending: 0 }
    }
}

/// Counts the steps of a loop, and tells the monitor now and then.
pub(crate) struct Steps<'m> {
    monitor: &'m Monitor,
    pending: u64,
}

impl Steps<'_> {
    /// Counts one step.
    ///
    /// # Errors
    /// As [`Monitor::check`], at some of the steps.
    pub(crate) fn count(&mut self) -> Result<()> {
        if self.add(1) { self.monitor.check() } else { Ok(()) }
    }

    /// Counts some steps; says whether the monitor was told.
    pub(crate) fn add(&mut self, steps: u64) -> bool {
        self.pending += steps;
        let is_enough = self.pending >= COUNTED_TOGETHER;
        if is_enough {
            self.monitor.advance(self.pending);
            self.pending = 0;
        }
        is_enough
    }
}

impl Drop for Steps<'_> {
    fn drop(&mut self) {
        self.monitor.advance(self.pending);
    }
}

/// Counts the steps of a loop that has more or fewer of them than they count in their stage.
pub(crate) struct Shares<'m> {
    monitor: &'m Monitor,
    part: u64,
    all: u64,
    /// Steps between two times that the monitor is told.
    together: u64,
    done: u64,
    due: u64,
    told: u64,
}

impl Shares<'_> {
    /// Counts some steps.
    pub(crate) fn add(&mut self, steps: usize) {
        self.done += steps as u64;
        if self.done >= self.due {
            self.due = self.done + self.together;
            let share = u128::from(self.part) * u128::from(self.done.min(self.all)) / u128::from(self.all);
            self.monitor.advance(share as u64 - self.told);
            self.told = share as u64;
        }
    }
}

impl Drop for Shares<'_> {
    fn drop(&mut self) {
        self.monitor.advance(self.part - self.told);
    }
}

/// Does a work on a thread of its own and tells the watcher how far it has come. Where the system gives no thread, the
/// work is done all the same.
pub(crate) fn watch<R: Send>(
    watcher: &mut Watcher<'_>,
    work: impl FnOnce(&Monitor) -> Result<R> + Send,
) -> Result<R> {
    let monitor = Monitor { watched: Some(Watched::default()) };
    let Some(watched) = &monitor.watched else { return work(&monitor) };
    let mut work = Some(work);
    let begun = scope(|scope| {
        let work = &mut work;
        let thread = Builder::new().spawn_scoped(scope, || {
            let _end = OnDrop(|| watched.end());
            work.take().map(|work| work(&monitor))
        });
        let thread = thread.ok()?;
        // Where the watcher panics, the work is not to wait for it.
        let give_up = OnDrop(|| watched.cancel());
        watched.follow(watcher);
        std::mem::forget(give_up);
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    });
    match (begun, work) {
        (Some(result), _) => result,
        (None, Some(work)) => work(&Monitor::unwatched()),
        (None, None) => Err(Error::Cancelled),
    }
}

impl Watched {
    /// Tells the watcher how far the work is until it is over.
    fn follow(&self, watcher: &mut Watcher<'_>) {
        loop {
            let (mut account, _) = self
                .has_news
                .wait_timeout_while(self.account(), BEAT, |account| !account.is_new && !account.is_over)
                .unwrap_or_else(PoisonError::into_inner);
            if account.is_over {
                return;
            }
            if let Some(measure) = &account.measure {
                let done = measure();
                account.now.done = account.now.done.max(done.min(account.now.total));
            }
            let Account { now, has_begun, is_new, is_cancelled, .. } = *account;
            drop(account);
            if !has_begun || is_cancelled {
                continue;
            }
            let flow = watcher(now);
            let mut account = self.account();
            account.is_cancelled |= flow.is_break();
            if is_new {
                account.is_new = false;
                self.was_told.notify_all();
            }
        }
    }

    fn cancel(&self) {
        let mut account = self.account();
        (account.is_cancelled, account.is_new) = (true, false);
        self.was_told.notify_all();
    }

    fn end(&self) {
        self.account().is_over = true;
        self.has_news.notify_one();
    }
}

/// Does something when it goes, also where a panic unwinds.
struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[cfg(test)]
mod tests;
