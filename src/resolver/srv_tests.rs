use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn record(priority: u16, weight: u16, target: usize) -> Srv<usize> {
    Srv { priority, weight, port: 5870, target }
}

/// How often each record comes first when every number that can be drawn for it is drawn once.
fn first_picks(weights: &[u16]) -> Vec<u32> {
    let records: Vec<_> = weights.iter().enumerate().map(|(i, weight)| record(0, *weight, i)).collect();
    let sum = weights.iter().map(|weight| u32::from(*weight)).sum();
    let mut picks = vec![0; weights.len()];
    for drawn in 0..=sum {
        let mut first_draw = Some(drawn);
        let ordered = order(records.clone(), &mut |_| first_draw.take().unwrap_or(0));
        picks[ordered[0].target] += 1;
    }
    picks
}

#[test]
fn d01_lower_priorities_come_first() {
    let records = vec![record(20, 65535, 0), record(10, 0, 1), record(20, 0, 2), record(10, 1, 3)];
    for drawn in [0, 1, 65535] {
        let ordered = order(records.clone(), &mut |most| drawn.min(most));
        let priorities: Vec<_> = ordered.iter().map(|record| record.priority).collect();
        assert_eq!(priorities, [10, 10, 20, 20]);
    }
}

#[test]
fn d02_first_pick_odds_are_those_of_the_literal_procedure() {
    // Out of sum + 1 draws.
    assert_eq!(first_picks(&[1, 3]), [2, 3]);
    assert_eq!(first_picks(&[0, 1, 3]), [1, 1, 3]);
    assert_eq!(first_picks(&[0, 10, 30]), [1, 10, 30]);
}

#[test]
fn d02_odds_do_not_depend_on_the_order_received() {
    assert_eq!(first_picks(&[3, 1]), [3, 2]);
    assert_eq!(first_picks(&[30, 0, 10]), [30, 1, 10]);
}

#[test]
fn equal_weights_are_shuffled() {
    let zeros: Vec<_> = (0..3).map(|target| record(0, 0, target)).collect();
    let mut seen = BTreeMap::new();
    for (a, b) in (0..=2).flat_map(|a| (0..=1).map(move |b| (a, b))) {
        let mut script = vec![0, 0, 0, b, a];
        let ordered = order(zeros.clone(), &mut |_| script.pop().unwrap());
        *seen.entry(ordered.iter().map(|record| record.target).collect::<Vec<_>>()).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), 6, "every order once: {seen:?}");
}

#[test]
fn randomness_stays_within_bounds() {
    for most in [0, 1, 2, 5, u32::MAX - 1, u32::MAX] {
        assert!((0..100).all(|_| random(most) <= most));
    }
    let drawn: Vec<_> = (0..200).map(|_| random(2)).collect();
    assert!(
        (0..=2).all(|number| drawn.contains(&number)),
        "each within 200 draws but for one chance in 10^35"
    );
}

fn records() -> impl Strategy<Value = Vec<Srv<usize>>> {
    let weights = prop_oneof![Just(0u16), 0..10u16, any::<u16>()];
    prop::collection::vec((0..4u16, weights), 0..12).prop_map(|all| {
        let numbered = all.into_iter().enumerate();
        numbered.map(|(i, (priority, weight))| record(priority, weight, i)).collect()
    })
}

proptest! {
    #[test]
    fn nothing_is_lost_and_priorities_ascend(records in records(), draws: Vec<u32>) {
        let mut draws = draws.into_iter().cycle();
        let mut wild = 0;
        let ordered = order(records.clone(), &mut |most| {
            let drawn = draws.next().unwrap_or(0);
            wild += 1;
            most.checked_add(1).map_or(drawn, |range| drawn % range)
        });
        prop_assert!(ordered.is_sorted_by_key(|record| record.priority));
        let mut targets: Vec<_> = ordered.iter().map(|record| record.target).collect();
        targets.sort_unstable();
        prop_assert!(targets.into_iter().eq(0..records.len()));
        prop_assert!(wild <= 2 * records.len());
    }

    #[test]
    fn a_source_of_chance_out_of_bounds_does_no_harm(records in records(), drawn: u32) {
        prop_assert_eq!(order(records.clone(), &mut |_| drawn).len(), records.len());
    }

    #[test]
    fn each_record_has_its_weight_in_the_odds_and_the_lightest_one_more(
        weights in prop::collection::btree_set(0..60u16, 1..6)
    ) {
        // Different weights, ascending as a set gives them: the draw of 0 falls to the first.
        let weights: Vec<_> = weights.into_iter().collect();
        let mut expected: Vec<_> = weights.iter().map(|weight| u32::from(*weight)).collect();
        expected[0] += 1;
        prop_assert_eq!(first_picks(&weights), expected);
    }
}
