//! Right histories and wrong ones.

use super::*;

fn certain(begin: Moment, end: Moment, act: Act) -> Operation {
    Operation { span: Span { begin, end }, act, is_certain: true }
}

fn killed(begin: Moment, act: Act) -> Operation {
    Operation { span: Span { begin, end: Moment::MAX }, act, is_certain: false }
}

fn put(begin: Moment, end: Moment, token: Token) -> Operation {
    certain(begin, end, Act::Put(token))
}

fn read(begin: Moment, end: Moment, token: Token) -> Operation {
    certain(begin, end, Act::Read(Some(token)))
}

fn absent(begin: Moment, end: Moment) -> Operation {
    certain(begin, end, Act::Read(None))
}

fn delete(begin: Moment, end: Moment) -> Operation {
    certain(begin, end, Act::Delete)
}

#[track_caller]
fn right(operations: &[Operation]) {
    explain(operations).unwrap();
}

#[track_caller]
fn wrong(operations: &[Operation]) {
    let why = explain(operations).unwrap_err();
    assert!(why.contains("no order of the writes explains"), "{why}");
}

#[test]
fn one_after_another() {
    right(&[
        absent(0, 1),
        put(2, 3, 1),
        read(4, 5, 1),
        put(6, 7, 2),
        read(8, 9, 2),
        delete(10, 11),
        absent(12, 13),
    ]);
    right(&[put(0, 1, 1), certain(2, 3, Act::Replace(2)), read(4, 5, 2)]);
}

#[test]
fn what_overlaps_may_come_in_any_order() {
    let writes = [put(0, 10, 1), put(0, 10, 2), delete(0, 10)];
    for last in [read(20, 21, 1), read(20, 21, 2), absent(20, 21)] {
        right(&[&writes[..], &[last]].concat());
    }
    right(&[&writes[..], &[read(2, 3, 2), read(4, 5, 1), absent(6, 7)]].concat());
    // A long read may see either.
    right(&[put(0, 1, 1), put(5, 6, 2), read(2, 8, 1), read(2, 8, 2)]);
}

#[test]
fn a_lost_write_is_refused() {
    wrong(&[put(0, 1, 1), absent(2, 3)]);
    wrong(&[put(0, 1, 1), put(2, 3, 2), read(4, 5, 1)]);
    wrong(&[put(0, 1, 1), certain(2, 3, Act::Replace(2)), read(4, 5, 1)]);
}

#[test]
fn a_resurrected_memory_is_refused() {
    wrong(&[put(0, 1, 1), delete(2, 3), read(4, 5, 1)]);
    wrong(&[put(0, 1, 1), delete(2, 3), absent(4, 5), read(6, 7, 1)]);
    // An update found something where nothing was.
    wrong(&[put(0, 1, 1), delete(2, 3), certain(4, 5, Act::Replace(2))]);
}

#[test]
fn a_stale_read_is_refused() {
    // Both may be seen while the second is written, but not the first again after it.
    right(&[put(0, 1, 1), put(2, 9, 2), read(3, 4, 1), read(5, 6, 2)]);
    wrong(&[put(0, 1, 1), put(2, 9, 2), read(3, 4, 2), read(5, 6, 1)]);
}

#[test]
fn what_was_never_written_or_not_yet_is_refused() {
    wrong(&[put(0, 1, 1), read(2, 3, 7)]);
    wrong(&[read(0, 1, 1), put(2, 3, 1)]);
    wrong(&[read(0, 1, 1), killed(2, Act::Put(1))]);
}

#[test]
fn a_killed_write_may_have_happened_once() {
    for later in [read(5, 6, 1), read(5, 6, 2)] {
        right(&[put(0, 1, 1), killed(2, Act::Put(2)), later]);
    }
    // It may even come much later, when what it had started has gone on.
    right(&[put(0, 1, 1), killed(2, Act::Put(2)), read(5, 6, 1), read(7, 8, 2)]);
    wrong(&[put(0, 1, 1), killed(2, Act::Put(2)), read(5, 6, 2), read(7, 8, 1)]);
    wrong(&[put(0, 1, 1), killed(2, Act::Put(2)), read(5, 6, 2), delete(7, 8), read(9, 10, 2)]);
}

#[test]
fn a_killed_forget_explains_one_absence() {
    right(&[put(0, 1, 1), killed(2, Act::Delete), absent(4, 5), put(6, 7, 2), read(8, 9, 2)]);
    wrong(&[put(0, 1, 1), killed(2, Act::Delete), absent(4, 5), put(6, 7, 2), absent(8, 9)]);
    wrong(&[put(0, 1, 1), absent(2, 3), killed(4, Act::Delete)]);
}

#[test]
fn an_update_needs_something_to_change() {
    let update = |begin, end, token| certain(begin, end, Act::Replace(token));
    wrong(&[update(0, 1, 1), read(2, 3, 1)]);
    right(&[killed(0, Act::Put(1)), update(2, 3, 2), read(4, 5, 2)]);
    wrong(&[killed(0, Act::Put(1)), update(2, 3, 2), delete(4, 5), update(6, 7, 3)]);
    right(&[put(0, 1, 1), killed(2, Act::Replace(2)), read(4, 5, 2)]);
    wrong(&[killed(2, Act::Replace(2)), read(4, 5, 2)]);
    right(&[killed(0, Act::Put(1)), killed(2, Act::Replace(2)), read(4, 5, 2)]);
}

#[test]
fn a_long_history_is_searched_in_time() {
    let mut operations = vec![put(0, 1, 0)];
    for at in 1..4000 {
        let begin = 10 * at;
        operations.push(put(begin, begin + 8, at));
        operations.push(read(begin + 9, begin + 14, at));
        operations.push(put(begin + 3, begin + 6, 100_000 + at));
        operations.push(killed(begin, Act::Put(200_000 + at)));
        if at % 50 == 0 {
            operations.push(read(begin, begin + 200, at));
        }
    }
    right(&operations);
    operations.push(read(40_100, 40_101, 3998));
    wrong(&operations);
}
