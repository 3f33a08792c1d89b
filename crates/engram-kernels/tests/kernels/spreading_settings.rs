//! What settings of spreading do, and which settings, seeds and shapes are refused.

use engram_kernels::{
    FanExponent, Graph, ParameterError, Patch, Progress, SeedError, SpreadMethod, SpreadParameters,
    SpreadRule, Spreading, spread_activation, spread_activation_batch, spread_activation_batch_into,
};

use crate::spreading::edge;

#[test]
fn thresholds_and_fan_limits() {
    let graph = Graph::from_edges(
        4,
        [edge(0, 2, 1.0), edge(1, 2, 1.0), edge(1, 3, 1.0), edge(1, 0, 1.0), edge(1, 1, 1.0)],
    )
    .unwrap();
    let run = |rule: SpreadParameters| {
        spread_activation(&graph, &[(0, 0.5), (1, 0.5)], &rule.with_retention(0.0).check().unwrap()).unwrap()
    };
    let rule = SpreadParameters::constrained(1.0, 0.5, 1);
    assert_eq!(run(rule), [0.5, 0.5, 1.0, 0.5]);
    assert_eq!(run(rule.with_firing_threshold(0.51, FanExponent::Zero)), [0.0; 4]);
    // With a fan of 4 the threshold is 2 or 4 times as high.
    assert_eq!(run(rule.with_firing_threshold(0.25, FanExponent::Half)), [0.5, 0.5, 1.0, 0.5]);
    assert_eq!(run(rule.with_firing_threshold(0.25, FanExponent::One)), [0.0, 0.0, 0.5, 0.0]);
    assert_eq!(run(rule.with_fan_limit(3)), [0.0, 0.0, 0.5, 0.0]);
    assert_eq!(run(rule.with_fan_limit(4)), [0.5, 0.5, 1.0, 0.5]);
}

#[test]
fn settings_are_checked() {
    let good = SpreadParameters::personalised_page_rank(0.85);
    assert!(good.check().is_ok());
    assert!(SpreadRule::try_from(SpreadParameters::act_r()).is_ok());
    for bad in [f32::NAN, -0.1, 1.1, f32::INFINITY] {
        for rule in [good.with_restart(bad), good.with_retention(bad), good.with_hop_decay(bad)] {
            assert!(matches!(rule.check(), Err(ParameterError::NotAShare { .. })));
        }
    }
    for bad in [f32::NAN, -0.1, f32::INFINITY] {
        for rule in [good.with_tolerance(bad), good.with_firing_threshold(bad, FanExponent::Zero)] {
            assert!(matches!(rule.check(), Err(ParameterError::NotAnAmount { .. })));
        }
    }
    assert_eq!(good.with_tolerance(0.0).check(), Err(ParameterError::NothingStops));
    assert_eq!(good.with_fan_exponent(FanExponent::Half).check(), Err(ParameterError::GrowsWithoutHopLimit));
    let growing = good.with_retention(0.15);
    assert!(matches!(growing.check(), Err(ParameterError::NeverSettles { .. })));
    assert!(growing.with_max_hops(3).check().is_ok());
    assert!(matches!(
        growing.with_max_hops(3).without_max_hops().check(),
        Err(ParameterError::NeverSettles { .. })
    ));
}

#[test]
fn a_batch_with_a_bad_seed_is_refused_whole() {
    let graph = Graph::from_edges(2, [edge(0, 1, 1.0), edge(1, 0, 1.0)]).unwrap();
    let rule = SpreadParameters::act_r().check().unwrap();
    let mut activations = [7.0; 4];
    let refused = spread_activation_batch_into(&graph, &[&[(0, 1.0)], &[(2, 1.0)]], &rule, &mut activations);
    assert_eq!(refused, Err(SeedError::NoSuchNode { node: 2, nodes: 2 }));
    assert_eq!(activations, [7.0; 4]);
    assert_eq!(spread_activation_batch(&graph, &[], &rule), Ok(vec![]));
}

#[test]
#[should_panic(expected = "2 cues of 2 nodes, but room for 3 activations")]
fn a_batch_needs_room_for_every_cue() {
    let graph = Graph::from_edges(2, []).unwrap();
    let rule = SpreadParameters::act_r().check().unwrap();
    let _ = spread_activation_batch_into(&graph, &[&[], &[]], &rule, &mut [0.0; 3]);
}

#[test]
fn seeds_are_checked_and_hops_counted() {
    let graph = Graph::from_edges(2, [edge(0, 1, 1.0), edge(1, 0, 1.0)]).unwrap();
    let rule = SpreadParameters::act_r().with_max_hops(3).check().unwrap();
    let mut spreading = Spreading::new(2);
    assert_eq!(spreading.begin(&rule, &[(2, 1.0)]), Err(SeedError::NoSuchNode { node: 2, nodes: 2 }));
    for activation in [f32::NAN, f32::INFINITY, -1.0] {
        assert!(matches!(spreading.begin(&rule, &[(0, activation)]), Err(SeedError::Activation { .. })));
        assert_eq!(spreading.hop(&[], &Patch::new(0)), Ok(Progress::Done));
        assert!(spreading.active().is_empty());
    }
    spreading.begin(&rule, &[(1, 0.5), (0, 0.0)]).unwrap();
    assert_eq!(spreading.active(), [1]);
    assert_eq!(spreading.hop(&[graph.block()], &Patch::new(2)), Ok(Progress::Continue));
    assert_eq!(spreading.hop_over(&graph, SpreadMethod::Pull), Progress::Continue);
    assert_eq!(spreading.hop(&[graph.block()], &Patch::new(2)), Ok(Progress::Done));
    assert_eq!((spreading.hops(), spreading.edges_traversed()), (3, 4));
    assert_eq!(spreading.activations(), [0.5, 0.0]);
    assert_eq!(spreading.hop(&[graph.block()], &Patch::new(2)), Ok(Progress::Done));
    assert_eq!(spreading.hops(), 3);
}
