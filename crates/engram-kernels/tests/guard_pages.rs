//! No kernel reads or writes one byte past the lengths that it is given: this program's allocator puts
//! an inaccessible page on both sides of every allocation, which lies against the one behind it, or
//! the one before it. So whatever a kernel is given, a step too far ends the test.
#![cfg(unix)]
#![allow(unsafe_code, reason = "an allocator is unsafe by nature")]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ptr;

use engram_kernels::{Curve, Kernels, TopK, check};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

/// Maps each allocation by itself, between two guard pages.
struct GuardPages;

#[global_allocator]
static ALLOCATOR: GuardPages = GuardPages;

thread_local! {
    /// Whether allocations end at their guard page; else they begin at one.
    static AT_END: Cell<bool> = const { Cell::new(true) };
}

/// The room between the guards for so many bytes.
fn room(bytes: usize) -> usize {
    bytes.next_multiple_of(rustix::param::page_size())
}

// SAFETY: `alloc` returns memory of its own mapping, aligned to what a page is; `dealloc` unmaps just
// that mapping, which it finds again because a block begins in the first page between the guards.
unsafe impl GlobalAlloc for GuardPages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let page = rustix::param::page_size();
        let room = room(layout.size());
        assert!(layout.align() <= page);
        // SAFETY: a new anonymous mapping touches no memory that anything else owns.
        let mapped = unsafe {
            mmap_anonymous(ptr::null_mut(), room + 2 * page, ProtFlags::empty(), MapFlags::PRIVATE)
        };
        let Ok(mapped) = mapped else { return ptr::null_mut() };
        let inner = mapped.wrapping_byte_add(page);
        // SAFETY: these are whole pages of the mapping above.
        let opened = unsafe { mprotect(inner, room, MprotectFlags::READ | MprotectFlags::WRITE) };
        if opened.is_err() {
            return ptr::null_mut();
        }
        let at_end = room - layout.size().next_multiple_of(layout.align());
        inner.wrapping_byte_add(if AT_END.get() { at_end } else { 0 }).cast()
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let page = rustix::param::page_size();
        let start = block.wrapping_sub(block.addr() % page + page);
        // SAFETY: the mapping that `alloc` made for this block, which nobody uses any more.
        let unmapped = unsafe { munmap(start.cast(), room(layout.size()) + 2 * page) };
        debug_assert!(unmapped.is_ok());
    }
}

/// Runs `test` with all kernels, and with blocks against either guard.
fn each(mut test: impl FnMut(Kernels)) {
    for kernels in Kernels::all() {
        for at_end in [true, false] {
            AT_END.set(at_end);
            test(kernels);
        }
    }
}

const LENGTHS: usize = 260;

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 % 1009) as f32 - 500.0) / 64.0).collect()
}

#[test]
fn similarity() {
    let values = numbers(9 * LENGTHS);
    each(|kernels| {
        for length in 0..=LENGTHS {
            for rows in [0, 1, 2, 3, 4, 5, 9] {
                let (query, block) = (values[..length].to_vec(), values[..rows * length].to_vec());
                let mut scores = vec![7.0; rows];
                kernels.vector_dot_into(&query, &block, &mut scores);
                kernels.vector_norms_into(&block, length, &mut scores);
                kernels.vector_similarity_into(&query, &block, &mut scores);
                assert!(scores.iter().all(|score| score.abs() <= 1.0));
                let (integers, codes) = (vec![-3i16; length], vec![5i8; rows * length]);
                let mut dots = vec![7; rows];
                kernels.vector_dot_i8_into(&integers, &codes, &mut dots);
                assert!(dots.iter().all(|&dot| dot == -15 * length as i32));
                let mut best = TopK::with_kernels(3, kernels);
                best.scan_dot(&query, &block, 0, Some(&[0b1_0110_1101]));
                best.scan_dot(&query, &block, 0, None);
            }
        }
    });
}

/// A block that no cache holds is read ahead of its use, beyond its end too, and has the bits of its parts.
#[test]
fn similarity_of_large_blocks() {
    for length in [101, 768] {
        let rows = (17 << 20) / (size_of::<f32>() * length) + 1;
        let values = numbers(rows * length);
        each(|kernels| {
            let (query, block) = (values[..length].to_vec(), values.clone());
            type Scores = fn(Kernels, &[f32], &[f32], &mut [f32]);
            let functions: [Scores; 3] = [
                |kernels, query, block, scores| kernels.vector_dot_into(query, block, scores),
                |kernels, query, block, scores| kernels.vector_norms_into(block, query.len(), scores),
                |kernels, query, block, scores| kernels.vector_similarity_into(query, block, scores),
            ];
            for function in functions {
                let mut whole = vec![7.0; rows];
                function(kernels, &query, &block, &mut whole);
                for (part, scores) in block.chunks(999 * length).zip(whole.chunks(999)) {
                    let mut again = vec![7.0; scores.len()];
                    function(kernels, &query, part, &mut again);
                    assert!(scores.iter().zip(&again).all(|(a, b)| a.to_bits() == b.to_bits()));
                }
            }
        });
    }
}

#[test]
fn decay() {
    let values = numbers(LENGTHS);
    let Ok(power) = Curve::power(0.5) else { unreachable!("the exponent is good") };
    each(|kernels| {
        for length in 0..=LENGTHS {
            let strengths = values[..length].to_vec();
            let ages: Vec<f64> = strengths.iter().map(|x| f64::from(x.abs())).collect();
            let stabilities = vec![2.5; length];
            let mut results = vec![7.0; length];
            for curve in [Curve::half_life(), Curve::time_constant(), power] {
                kernels.apply_decay_into(&strengths, &ages, &stabilities, curve, &mut results);
            }
        }
    });
}

/// The whole suite for spreading, with graphs of every shape, each of whose arrays is an allocation.
#[test]
fn spreading() {
    each(|kernels| {
        let report = check::check_spreading(kernels);
        assert!(report.passed(), "{report}");
    });
}
