//! Who has a nick, over comings and goings.

use cpim_irc_proto::Casemapping;

use super::*;

const SETTLE: Duration = Duration::from_secs(30);

struct Stage {
    people: People,
    key: NameKey,
    at: SystemTime,
    now: Instant,
}

impl Stage {
    fn new() -> Self {
        let mut stage = Self {
            people: People::new(SETTLE),
            key: Casemapping::Ascii.key("alice"),
            at: SystemTime::now(),
            now: Instant::now(),
        };
        assert!(stage.people.meet(&stage.key, stage.at, stage.now).0);
        stage
    }

    fn pass(&mut self, seconds: u64) {
        self.at += Duration::from_secs(seconds);
        self.now += Duration::from_secs(seconds);
    }

    fn judge(&self, accepted_before: u64) -> Judgement {
        self.people.judge(&self.key, self.at - Duration::from_secs(accepted_before), self.at)
    }

    fn found(&mut self, account: Option<&str>, signed_on: Option<u64>) -> Option<String> {
        let account = account.map(str::to_owned);
        let found = Found { is_there: true, account, signed_on, ..Found::default() };
        self.people.found(&self.key, &found, false, self.at, self.now).map(|noted| noted.note)
    }

    fn change(&mut self, change: &Change) -> bool {
        self.people.changed(&self.key, change, true, self.at, self.now)
    }

    fn news(&mut self) -> Option<Seen> {
        self.people.news(&self.key, self.now)
    }
}

#[test]
fn what_is_fresh_is_for_whoever_is_there() {
    let mut stage = Stage::new();
    assert_eq!(stage.judge(2), Judgement::Same);
    assert_eq!(stage.judge(60), Judgement::Other, "from before he was met");
    stage.pass(60);
    assert_eq!(stage.judge(60), Judgement::Other, "and nothing is known of him");
    stage.found(None, Some(7));
    assert_eq!(stage.judge(0), Judgement::Same);
}

/// A network without MONITOR that took long to answer: whoever is found came while nobody looked.
#[test]
fn who_signed_on_after_the_first_was_met_is_another() {
    for (after, expected) in [(30, Judgement::Other), (0, Judgement::Same)] {
        let mut stage = Stage::new();
        let met = stage.at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        stage.pass(40);
        stage.found(None, Some(met + after));
        assert_eq!(stage.judge(39), expected);
    }
}

#[test]
fn who_waits_is_asked_for_and_known_again_by_account_or_connection() {
    for (before, after, expected) in [
        ((None, Some(7)), (None, Some(7)), Judgement::Same),
        ((None, Some(7)), (None, Some(8)), Judgement::Other),
        ((Some("Wonder"), Some(7)), (Some("wonder"), Some(8)), Judgement::Same),
        ((Some("wonder"), Some(7)), (Some("other"), Some(7)), Judgement::Other),
        ((None, None), (None, None), Judgement::Other),
    ] {
        let mut stage = Stage::new();
        assert!(stage.found(before.0, before.1).is_some());
        stage.pass(60);
        assert_eq!(stage.judge(55), Judgement::Unclear);
        stage.found(after.0, after.1);
        assert_eq!(stage.judge(55), expected, "{before:?} {after:?}");
    }
}

#[test]
fn a_nick_that_changes_hands_is_a_new_person() {
    let mut stage = Stage::new();
    assert!(stage.change(&Change::Online));
    stage.found(None, Some(7));
    let found = Found { is_there: true, signed_on: Some(7), ..Found::default() };
    stage.people.found(&stage.key, &found, true, stage.at, stage.now);
    stage.pass(100);
    assert_eq!(stage.judge(90), Judgement::Same, "every change would have been told");
    stage.change(&Change::Offline);
    assert!(stage.change(&Change::Online), "who is that?");
    assert_eq!(stage.judge(90), Judgement::Unclear);
    stage.found(None, Some(120));
    assert_eq!(stage.judge(90), Judgement::Other);
    assert_eq!(stage.judge(0), Judgement::Same);
}

#[test]
fn not_even_a_moment_is_left_to_an_heir() {
    let mut stage = Stage::new();
    stage.change(&Change::Online);
    stage.found(None, Some(7));
    stage.pass(100);
    assert_eq!(stage.judge(1), Judgement::Same);
    stage.change(&Change::Offline);
    stage.change(&Change::Online);
    assert_eq!((stage.judge(1), stage.judge(0)), (Judgement::Unclear, Judgement::Unclear));
    stage.pass(1);
    stage.found(None, Some(199));
    assert_eq!(stage.judge(2), Judgement::Other, "accepted a second before he left");
    assert_eq!(stage.judge(0), Judgement::Same);
}

#[test]
fn two_who_came_in_one_second_are_told_apart_by_their_hosts() {
    let of = |mask: &str| Identity { signed_on: Some(7), mask: Some(mask.into()), account: None };
    assert!(of("a@h").is(&of("a@h")) && !of("a@h").is(&of("b@h")));
}

#[test]
fn a_restart_is_survived_by_a_note() {
    let mut stage = Stage::new();
    let note = stage.found(Some("wonder"), Some(7)).unwrap();
    let (identity, since) = Identity::from_note(&note).unwrap();
    let expected = Identity { account: Some("wonder".into()), signed_on: Some(7), mask: None };
    assert_eq!(identity, expected);
    let mut after = Stage::new();
    after.people.recall(&after.key, identity, since);
    after.pass(20);
    assert_eq!(after.judge(15), Judgement::Unclear);
    after.found(Some("wonder"), Some(9));
    assert_eq!(after.judge(15), Judgement::Same);
    for bad in ["", "x", "99999999999999999999999 1 a", "1"] {
        assert!(Identity::from_note(bad).is_none(), "{bad}");
    }
}

#[test]
fn being_gone_is_told_when_it_has_lasted() {
    let mut stage = Stage::new();
    stage.people.observe(&stage.key);
    assert_eq!(stage.news(), None, "nothing is known yet");
    stage.change(&Change::Online);
    assert_eq!((stage.news(), stage.news()), (Some(Seen::Here), None));
    assert!(stage.change(&Change::AwayUntold));
    assert_eq!(stage.news(), Some(Seen::Away(String::new())));
    stage.change(&Change::Away(Some("lunch".into())));
    assert_eq!(stage.news(), Some(Seen::Away("lunch".into())));
    stage.change(&Change::Offline);
    assert_eq!((stage.news(), stage.people.settles()), (None, Some(stage.now + SETTLE)));
    stage.change(&Change::Online);
    assert_eq!((stage.news(), stage.people.settles()), (Some(Seen::Here), None), "a split that healed");
    stage.people.lost_sight(stage.now);
    stage.pass(30);
    assert_eq!(stage.people.settled(stage.now), [stage.key.clone()]);
    assert_eq!((stage.news(), stage.news()), (Some(Seen::Gone), None));
    stage.people.unobserve(&stage.key);
    stage.change(&Change::Online);
    assert_eq!(stage.news(), None);
}

#[test]
fn who_is_not_there_at_first_is_told_at_once() {
    let mut stage = Stage::new();
    stage.people.observe(&stage.key);
    stage.change(&Change::Offline);
    assert_eq!(stage.news(), Some(Seen::Gone));
}

#[test]
fn few_are_kept_in_mind_and_the_observed_always() {
    let mut stage = Stage::new();
    stage.people.observe(&stage.key);
    for nth in 0..KEPT + 10 {
        let key = Casemapping::Ascii.key(&format!("n{nth}"));
        stage.pass(1);
        let (_, forgotten) = stage.people.meet(&key, stage.at, stage.now);
        assert_eq!(forgotten.is_some(), nth >= KEPT);
        assert_ne!(forgotten.as_ref(), Some(&stage.key));
    }
    assert_eq!(stage.people.everybody().count(), KEPT + 1);
}

#[test]
fn what_was_accepted_out_of_sight_is_for_nobody_but_who_was_there_before() {
    let mut stage = Stage::new();
    stage.change(&Change::Online);
    stage.found(None, Some(7));
    stage.pass(10);
    stage.people.lost_sight(stage.now);
    stage.pass(1);
    stage.people.see(stage.at);
    assert_eq!(stage.judge(1), Judgement::Unclear);
    stage.found(None, Some(20));
    assert_eq!(stage.judge(1), Judgement::Other);
    let mut stranger = Stage::new();
    stranger.pass(9);
    stranger.people.see(stranger.at);
    assert_eq!(stranger.judge(9), Judgement::Same, "the gateway was just starting");
    let mut late = Stage::new();
    late.pass(20);
    late.people.see(late.at);
    assert_eq!(late.judge(20), Judgement::Other);
}
