//! What takes part in a comparison: something that does the work so many times and says how long it took.

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;
use std::time::Instant;

use anyhow::Result;
use engram_kernels::Kernels;

use crate::workers::Worker;

/// What a contender's time stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The kernels that a user gets on this machine.
    Engram,
    /// The portable kernels in the default build. The same bits as [`Role::Engram`].
    Portable,
    /// The portable kernels built with `target-cpu=native`. The same bits again.
    PortableNative,
    /// Another way of Engram's to the same answer. The same bits.
    Variant,
    /// Another library with the same answer, up to rounding.
    Peer,
    /// Another library whose answer is not the same: approximate, or to a question that differs.
    Unlike,
    /// A bound of the machine, such as a plain read of the same bytes.
    Limit,
}

/// Kernels of Engram's that take part.
#[derive(Clone, Copy)]
pub struct Ours {
    pub name: &'static str,
    pub role: Role,
    pub kernels: fn() -> Kernels,
}

/// Those of this process.
pub const OURS: [Ours; 2] = [
    Ours { name: "Engram", role: Role::Engram, kernels: Kernels::best },
    Ours { name: "portable", role: Role::Portable, kernels: Kernels::portable },
];

/// One that takes part.
pub struct Contender {
    pub name: String,
    pub role: Role,
    work: Box<dyn Work>,
}

trait Work {
    /// Does the work so many times; the nanoseconds it took.
    fn call(&mut self, times: u64) -> Result<f64>;
    /// What the last call found.
    fn answer(&mut self) -> Result<Vec<f32>>;
}

impl Contender {
    /// Work in this process: `call` works on `state`, `answer` reads the result there.
    pub fn local<S: 'static>(
        name: impl Into<String>,
        role: Role,
        state: S,
        call: impl FnMut(&mut S) + 'static,
        answer: impl Fn(&S) -> Vec<f32> + 'static,
    ) -> Self {
        Self { name: name.into(), role, work: Box::new(Local { state, call, answer }) }
    }

    /// Work in another process, under the name that it gave itself.
    pub fn remote(name: String, role: Role, worker: Rc<RefCell<Worker>>) -> Self {
        let work = Remote { worker, name: name.clone() };
        Self { name, role, work: Box::new(work) }
    }

    pub fn call(&mut self, times: u64) -> Result<f64> {
        self.work.call(times)
    }

    pub fn answer(&mut self) -> Result<Vec<f32>> {
        self.work.answer()
    }
}

struct Local<S, C, A> {
    state: S,
    call: C,
    answer: A,
}

impl<S, C: FnMut(&mut S), A: Fn(&S) -> Vec<f32>> Work for Local<S, C, A> {
    fn call(&mut self, times: u64) -> Result<f64> {
        let started = Instant::now();
        for _ in 0..times {
            (self.call)(black_box(&mut self.state));
        }
        black_box(&mut self.state);
        Ok(started.elapsed().as_nanos() as f64)
    }

    fn answer(&mut self) -> Result<Vec<f32>> {
        Ok((self.answer)(&self.state))
    }
}

struct Remote {
    worker: Rc<RefCell<Worker>>,
    name: String,
}

impl Work for Remote {
    fn call(&mut self, times: u64) -> Result<f64> {
        self.worker.borrow_mut().call(&self.name, times)
    }

    fn answer(&mut self) -> Result<Vec<f32>> {
        self.worker.borrow_mut().answer(&self.name)
    }
}
