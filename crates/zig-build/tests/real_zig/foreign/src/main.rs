//! Calls both libraries, and says what they give.

use std::ffi::{CStr, c_char, c_int};

unsafe extern "C" {
    fn outer_f(i: c_int) -> c_int;
    fn outer_name(i: c_int) -> *const c_char;
}

fn main() {
    // SAFETY: the C functions take any number from 0 to 2, and the names are static.
    let (number, name) = unsafe { (outer_f(2), CStr::from_ptr(outer_name(2))) };
    println!("{number} {}", name.to_string_lossy());
}

#[test]
fn the_libraries_answer() {
    // SAFETY: the C function takes any number from 0 to 2.
    assert_eq!(unsafe { outer_f(1) }, 4);
}
