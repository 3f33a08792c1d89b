//! The Zig functions do what their names say.

#[test]
fn dot_is_the_sum_of_products() {
    assert_eq!(zig_build_example::dot(&[], &[]), 0.0);
    assert_eq!(zig_build_example::dot(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]), 32.0);
}

#[test]
fn fill_writes_what_it_was_given_and_nothing_else() {
    let mut bytes = vec![0_u8; 100_000];
    zig_build_example::fill(&mut bytes[1..99_999], 7);
    assert_eq!((bytes[0], bytes[99_999]), (0, 0));
    assert!(bytes[1..99_999].iter().all(|byte| *byte == 7));
}
