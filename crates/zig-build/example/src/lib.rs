//! Two functions that are written in Zig, behind a safe face.

mod zig {
    unsafe extern "C" {
        pub(crate) fn example_dot(a: *const f32, b: *const f32, len: usize) -> f32;
        pub(crate) fn example_fill(out: *mut u8, len: usize, value: u8);
    }
}

/// The dot product of two vectors, summed from the first element to the last.
///
/// # Panics
///
/// Where the lengths differ.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "vectors of different lengths");
    // SAFETY: both pointers are valid for reads of `a.len()` values, which is the length of `b` too.
    unsafe { zig::example_dot(a.as_ptr(), b.as_ptr(), a.len()) }
}

/// Sets every byte of `out` to `value`.
pub fn fill(out: &mut [u8], value: u8) {
    // SAFETY: the pointer is valid for writes of `out.len()` bytes.
    unsafe { zig::example_fill(out.as_mut_ptr(), out.len(), value) }
}

/// A function for C programs, so that the shared library has something to export.
#[unsafe(no_mangle)]
pub extern "C" fn rust_sum_of_squares(values: *const f32, len: usize) -> f32 {
    // SAFETY: the caller owns `len` values at `values`, as in any C function of this shape.
    let values = unsafe { std::slice::from_raw_parts(values, len) };
    dot(values, values)
}
