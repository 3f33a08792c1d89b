//! Work on a second thread, cut so that the results do not depend on whether there is one.

use std::panic::resume_unwind;
use std::sync::mpsc::sync_channel;
use std::thread::{Builder, available_parallelism, scope};

/// Whether there is a second core. On one, threads would only take turns, and each find the caches full of the other's
/// data.
fn has_second_core() -> bool {
    available_parallelism().is_ok_and(|cores| cores.get() > 1)
}

/// Runs `other` on a thread of its own while `own` runs here; one after the other where there is one core, or the
/// system gives no thread.
pub(crate) fn both<A: Send, B>(other: impl Fn() -> A + Sync, own: impl FnOnce() -> B) -> (A, B) {
    let other = &other;
    if !has_second_core() {
        return (other(), own());
    }
    scope(|scope| match Builder::new().spawn_scoped(scope, other) {
        Ok(thread) => {
            let own = own();
            (thread.join().unwrap_or_else(|panic| resume_unwind(panic)), own)
        }
        Err(_) => (other(), own()),
    })
}

/// Gives everything that `make` makes to `take`, in order, and makes it on a thread of its own: up to `ahead` items
/// before they are taken. Where there is one core, or the system gives no thread, each is made when it is taken.
///
/// # Errors
/// The first of `take`; nothing is made or taken after it but what was under way.
pub(crate) fn ahead<T: Send, E>(
    ahead: usize,
    mut make: impl FnMut() -> Option<T> + Send,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    if !has_second_core() {
        return std::iter::from_fn(make).try_for_each(take);
    }
    let taken = scope(|scope| {
        let (sender, receiver) = sync_channel(ahead);
        let make = &mut make;
        let maker = move || {
            while let Some(item) = make() {
                if sender.send(item).is_err() {
                    return; // the taker has met an error
                }
            }
        };
        let thread = Builder::new().spawn_scoped(scope, maker).ok()?;
        let result = receiver.iter().try_for_each(&mut take);
        drop(receiver);
        thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        Some(result)
    });
    match taken {
        Some(result) => result,
        None => std::iter::from_fn(make).try_for_each(take),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_in_order_until_the_first_error() {
        for depth in [0, 1, 7] {
            let mut next = 0..100;
            let mut taken = Vec::new();
            let take = |item| {
                taken.push(item);
                Ok::<_, ()>(())
            };
            ahead(depth, || next.next(), take).unwrap();
            assert_eq!(taken, (0..100).collect::<Vec<_>>());
            let mut next = 0..100;
            assert_eq!(
                ahead(depth, || next.next(), |item| if item < 40 { Ok(()) } else { Err(item) }),
                Err(40)
            );
        }
    }

    #[test]
    fn both_results_come_back() {
        let shared = [1, 2, 3];
        assert_eq!(both(|| shared.iter().sum::<i32>(), || shared.len()), (6, 3));
    }
}
