//! Decay against `libm` in `f64`.

use engram_kernels::{Curve, apply_decay};
use proptest::prelude::*;

use crate::{Numbers, bits};

/// The distance of `found` from `expected`, in units of the last place of an `f32` there.
fn ulps(found: f32, expected: f64) -> f64 {
    let exponent = ((expected as f32).to_bits() >> 23).max(1) as i32 - 127 - 23;
    (f64::from(found) - expected).abs() / libm::exp2(f64::from(exponent))
}

fn retained(age: f64, stability: f64, curve: Curve) -> f32 {
    apply_decay(&[1.0], &[age], &[stability], curve)[0]
}

#[test]
fn half_life_of_a_given_exponent_is_within_a_quarter_over_one_ulp() {
    // Exponents that are `f32` already, so that only the polynomial errs.
    let exponents: Vec<f32> = (0..=1_260_000u32).map(|i| i as f32 / 10_000.0).collect();
    let ages: Vec<f64> = exponents.iter().map(|&x| f64::from(x)).collect();
    let ones = vec![1.0; ages.len()];
    let found = apply_decay(&vec![1.0; ages.len()], &ages, &ones, Curve::half_life());
    let worst =
        found.iter().zip(&ages).map(|(&found, &age)| ulps(found, libm::exp2(-age))).fold(0.0, f64::max);
    assert!(worst < 1.25, "{worst} ulp"); // measured: 1.14
    // A share of 1 is never exceeded, and whole half-lives are exact.
    assert!(found.iter().all(|&share| share <= 1.0));
    for halvings in 0..=126 {
        assert_eq!(
            f64::from(retained(f64::from(halvings), 1.0, Curve::half_life())),
            libm::exp2(-f64::from(halvings))
        );
    }
}

#[test]
fn every_curve_is_within_its_bound() {
    let mut numbers = Numbers(7);
    let power = Curve::power(0.5).unwrap();
    let steep = Curve::power(3.0).unwrap();
    for _ in 0..200_000 {
        // Lifetimes from 2^-20 to about 2^6, and stabilities of a second to years.
        let lifetimes = libm::exp2(f64::from(numbers.next_signed()) * 13.0 - 7.0)
            * (1.0 + numbers.below(1000) as f64 / 1e3);
        let stability = libm::exp2(13.0 + 13.0 * f64::from(numbers.next_signed()));
        let age = lifetimes * stability;
        let ratio = age / stability;
        // Rounding an exponent of h halvings moves the result by up to h · ln 2 · 2^-24 of itself,
        // which is at most 0.7·h ulp; the logarithm of the power law errs by a few units more.
        let error = |found: f32, expected: f64| {
            // About 2^-126 the one may be dropped to 0 and the other not.
            if expected < 1.0001 * f64::from(f32::MIN_POSITIVE) {
                f64::from(found)
            } else {
                ulps(found, expected)
            }
        };
        let half = error(retained(age, stability, Curve::half_life()), libm::exp2(-ratio));
        assert!(half <= 1.25 + 0.7 * ratio, "{half} ulp at {ratio}");
        let time = error(retained(age, stability, Curve::time_constant()), libm::exp(-ratio));
        assert!(time <= 1.25 + 0.7 * std::f64::consts::LOG2_E * ratio, "{time} ulp at {ratio}");
        for (curve, exponent) in [(power, 0.5), (steep, 3.0)] {
            let expected = libm::pow(1.0 + ratio, -exponent);
            let found = error(retained(age, stability, curve), expected);
            let halvings = -libm::log2(expected);
            assert!(found <= 1.25 + exponent + 3.0 * halvings, "{found} ulp at {ratio}, {halvings} halvings");
        }
    }
}

#[test]
fn every_argument_has_a_result() {
    let curves = [
        Curve::half_life(),
        Curve::time_constant(),
        Curve::power(1.0).unwrap(),
        Curve::power(f32::MAX).unwrap(),
    ];
    let odd = [0.0, -0.0, -1.0, f64::NAN, f64::NEG_INFINITY];
    for curve in curves {
        for not_above_zero in odd {
            // Counts as no age at all, and as a stability that holds nothing.
            assert_eq!(bits(&[retained(not_above_zero, 1.0, curve)]), bits(&[1.0]));
            assert_eq!(bits(&[retained(5.0, not_above_zero, curve)]), bits(&[0.0]));
            assert_eq!(bits(&[retained(0.0, not_above_zero, curve)]), bits(&[0.0]));
        }
        assert_eq!(bits(&[retained(f64::INFINITY, 1.0, curve)]), bits(&[0.0]));
        assert_eq!(retained(5.0, f64::INFINITY, curve), 1.0);
        assert_eq!(bits(&[retained(f64::INFINITY, f64::INFINITY, curve)]), bits(&[0.0]));
        assert_eq!(bits(&[retained(f64::MAX, f64::MIN_POSITIVE, curve)]), bits(&[0.0]));
        assert_eq!(retained(f64::MIN_POSITIVE, f64::MAX, curve), 1.0);
    }
    // The smallest retention that is kept is the smallest normal number.
    assert_eq!(retained(126.0, 1.0, Curve::half_life()), f32::MIN_POSITIVE);
    assert_eq!(bits(&[retained(126.0 + 1e-5, 1.0, Curve::half_life())]), bits(&[0.0]));
    // Strengths are only multiplied.
    let strengths = [f32::NAN, f32::INFINITY, -2.0, 0.0];
    let left = apply_decay(&strengths, &[1.0; 4], &[1.0; 4], Curve::half_life());
    assert_eq!(bits(&left), bits(&[f32::NAN, f32::INFINITY, -1.0, 0.0]));
}

#[test]
fn curves_are_checked() {
    for exponent in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        assert!(Curve::power(exponent).is_err());
    }
}

#[test]
#[should_panic(expected = "2 strengths but 3 ages")]
fn slices_that_do_not_fit() {
    let _ = apply_decay(&[1.0; 2], &[1.0; 3], &[1.0; 2], Curve::half_life());
}

proptest! {
    #[test]
    fn one_by_one_and_together(
        memories in prop::collection::vec((any::<f32>(), any::<f64>(), any::<f64>()), 0..130),
        start in 0usize..16,
        exponent in 0.01f32..10.0,
    ) {
        let memories = &memories[start.min(memories.len())..];
        let strengths: Vec<f32> = memories.iter().map(|m| m.0).collect();
        let ages: Vec<f64> = memories.iter().map(|m| m.1).collect();
        let stabilities: Vec<f64> = memories.iter().map(|m| m.2).collect();
        for curve in [Curve::half_life(), Curve::time_constant(), Curve::power(exponent).unwrap()] {
            let together = apply_decay(&strengths, &ages, &stabilities, curve);
            for (i, &found) in together.iter().enumerate() {
                let alone = apply_decay(&strengths[i..=i], &ages[i..=i], &stabilities[i..=i], curve);
                prop_assert_eq!(bits(&[found]), bits(&alone));
                prop_assert!(found.is_nan() || found.abs() <= strengths[i].abs());
            }
        }
    }
}
