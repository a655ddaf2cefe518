//! Nothing in flight is lost when an adapter dies, or the gateway, and what was left unanswered is settled truthfully.

use crate::stage::{FRED, WILMA, adapter, fred, gateway, of, outcome};
use crate::support::gateway::PATIENCE;

#[test]
fn one_that_remembers_is_given_again_what_it_left_unanswered() {
    let (site, _gateway) = gateway("");
    let (mut pepp, mut fred) = (adapter(&site, "<adapter/>", true), fred(&site));
    fred.message("1", FRED, WILMA, "one");
    fred.message("2", FRED, WILMA, "two");
    let first = [pepp.expect_message(), pepp.expect_message()];
    drop(pepp);
    let mut pepp = adapter(&site, "<adapter/>", true);
    for before in first {
        let again = pepp.expect_message();
        assert_eq!((again.trans_id(), again.body()), (before.trans_id(), before.body()), "recognisable");
        pepp.respond(&again, "success", "");
        assert_eq!(outcome(&mut fred), "success");
    }
}

#[test]
fn of_one_that_does_not_remember_nobody_can_know() {
    let (site, _gateway) = gateway("");
    let (mut pepp, mut fred) = (adapter(&site, "<adapter/>", false), fred(&site));
    fred.message("1", FRED, WILMA, "one");
    pepp.expect_message();
    drop(pepp);
    assert_eq!(outcome(&mut fred), "indeterminant timeout");
    let mut pepp = adapter(&site, "<adapter/>", false);
    fred.message("2", FRED, WILMA, "two");
    assert_eq!(pepp.expect_message().body(), "two", "the first never comes again");
}

#[test]
fn an_answer_that_could_not_be_given_is_kept_for_its_next_session() {
    let (site, gateway) = gateway("");
    let (mut pepp, mut fred) = (adapter(&site, "<adapter/>", true), fred(&site));
    pepp.message("w1", WILMA, FRED, "are you there?");
    let came = fred.expect_message();
    drop(pepp);
    gateway.wait_answer("/v1/sessions", |_, sessions| !sessions.contains("pepp:"));
    fred.respond(&came, "success", "");
    let mut pepp = adapter(&site, "<adapter/>", true);
    let answer = pepp.expect_answer();
    assert_eq!((answer.trans_id.as_str(), of(&answer).as_str()), ("w1", "success"));
    // And to any retransmission.
    pepp.message("w1", WILMA, FRED, "are you there?");
    let answer = pepp.expect_answer();
    assert_eq!((answer.trans_id.as_str(), of(&answer).as_str()), ("w1", "success"));
    assert!(fred.next(std::time::Duration::from_millis(100)).is_err(), "fred has it once");
}

#[test]
fn the_gateway_may_be_killed_at_any_time() {
    let (site, gateway) = gateway("");
    let (mut pepp, mut fred) = (adapter(&site, "<adapter/>", true), fred(&site));
    // Out: taken by the adapter, not yet answered. In: taken by fred, not yet answered.
    fred.message("1", FRED, WILMA, "out");
    let before = pepp.expect_message();
    pepp.message("w1", WILMA, FRED, "in");
    let in_before = fred.expect_message();
    gateway.kill();
    drop((pepp, fred));
    let gateway = site.start();
    let mut pepp = adapter(&site, "<adapter/>", true);
    // What it asked and what it is asked come in either order.
    let mut frames = [pepp.next(PATIENCE).unwrap(), pepp.next(PATIENCE).unwrap()];
    frames.sort_by_key(|frame| frame.element() != "message");
    let [again, kept] = &frames;
    assert_eq!((again.trans_id(), again.body()), (before.trans_id(), "out"));
    pepp.respond(again, "success", "");
    // Fred does not remember: what he had may have been shown, and never comes again.
    assert_eq!((kept.element(), kept.trans_id().as_str()), ("response", "w1"));
    assert_eq!(kept.attribute("status").as_deref(), Some("indeterminant"));
    assert!(kept.text().starts_with("timeout:"), "{kept:?}");
    let mut fred = crate::stage::fred(&site);
    let answer = fred.next_answer(PATIENCE).unwrap();
    assert_eq!((answer.trans_id.as_str(), of(&answer).as_str()), ("1", "success"), "kept for fred");
    drop((in_before, gateway));
}

#[test]
fn what_was_accepted_waits_for_one_that_is_away() {
    let (site, gateway) = gateway("");
    let (mut pepp, mut fred) = (adapter(&site, "<adapter/>", true), fred(&site));
    fred.message("1", FRED, WILMA, "first");
    let first = pepp.expect_message();
    // It dies with one in its hands and one on its way; the gateway dies with both.
    fred.message("2", FRED, WILMA, "second");
    gateway.wait_answer("/v1/queue", |_, queue| queue.matches("\"id\"").count() == 2);
    drop(pepp);
    gateway.kill();
    let _gateway = site.start();
    let mut pepp = adapter(&site, "<adapter/>", true);
    let again = pepp.expect_message();
    assert_eq!(again.trans_id(), first.trans_id());
    pepp.respond(&again, "success", "");
    let second = pepp.expect_message();
    assert_eq!(second.body(), "second", "in order");
    pepp.respond(&second, "success", "");
}
