//! The crash table, row by row: an operation is held at each point of its path, and the gateway killed there.

use cpim_gateway::fault::POINTS;

use super::far::{self, Far};
use super::near::{self, Near};
use crate::support::gateway::{Gateway, Site};
use crate::support::native::Answer;

/// The gateways that prove themselves.
const PEERS: &str = r#"
[[peer]]
domain = "gw.b.example"
serves = ["b.example"]
secret_env = "PEER_SECRET"
[[peer]]
domain = "gw.c.example"
serves = ["c.example"]
secret_env = "PEER_SECRET"
"#;

/// What the table has for a crash.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Row {
    /// Nothing was accepted: sent again, it is a new operation.
    Nothing,
    /// Delivered after the restart, by the same transID if it may have been before.
    Delivered,
    /// Never sent again, `indeterminant`.
    Unknown,
    /// The answer was there: it is kept.
    Kept,
}

fn row(point: &str, far_remembers: bool) -> Row {
    match point {
        "received" => Row::Nothing,
        "accepted" | "attempting" => Row::Delivered,
        "committed" | "delivered" | "answered" if far_remembers => Row::Delivered,
        "committed" | "delivered" | "answered" => Row::Unknown,
        "settled" => Row::Kept,
        _ => panic!("{point}: the table has no row for it"),
    }
}

/// Kills the gateway at every point in turn.
fn every_point(from: near::Kind, to: far::Kind, remembers: bool) {
    for point in POINTS {
        println!(
            "{from:?} to {to:?}, which {}, killed at {point}",
            if remembers { "remembers" } else { "does not" }
        );
        let (mut near, mut far) = (Near::new(from), Far::new(to, remembers));
        let site = Site::new(&format!("{PEERS}{}", far.config()));
        let before = until_killed(&site, &mut near, &mut far, point);
        let gateway = site.start();
        far.connect(site.port);
        near.connect(site.port);
        let row = row(point, remembers);
        settled(&gateway, &mut near, &mut far, row, before);
        for_ever(&site, &mut near, &mut far);
        let delivered = far.delivered("first");
        match row {
            Row::Unknown => assert!(delivered <= 1, "delivered {delivered} times"),
            _ => assert_eq!(delivered, 1, "and recognised {} times", far.recognised),
        }
        assert_eq!(gateway.ask("/v1/queue").1, r#"{"operations":[]}"#);
    }
}

/// Sends one message, and kills the gateway when it has come to the point. The transID under which it was seen at
/// the far side by then, if it was.
fn until_killed(site: &Site, near: &mut Near, far: &mut Far, point: &str) -> Option<String> {
    let place = |point| POINTS.iter().position(|name| *name == point).unwrap();
    let is_past = |other| place(point) >= place(other);
    let gateway = site.start_held(point);
    far.connect(site.port);
    near.connect(site.port);
    near.send("1", Far::uri(), "first");
    if is_past("committed") {
        far.session();
    }
    let answered = is_past("answered").then(|| far.take_and_answer());
    gateway.wait_held(point);
    gateway.kill();
    let rest = far.take_rest();
    assert_eq!(near.take_rest(), [], "somebody was told something");
    assert!(is_past("delivered") || rest.is_empty(), "sent before its commit point: {rest:?}");
    assert!(answered.is_none() || rest.is_empty(), "sent twice: {rest:?}");
    answered.or_else(|| rest.into_iter().next()).map(|frame| frame.trans_id())
}

/// What the table says comes after the restart.
fn settled(gateway: &Gateway, near: &mut Near, far: &mut Far, row: Row, before: Option<String>) {
    if row == Row::Nothing {
        assert_eq!(gateway.ask("/v1/operations/1").0, 404, "something was accepted");
        near.send("1", Far::uri(), "first");
    }
    if matches!(row, Row::Nothing | Row::Delivered) {
        let frame = far.take_and_answer();
        assert_eq!(frame.body(), "first");
        assert!(before.is_none_or(|trans_id| trans_id == frame.trans_id()), "another transID: {frame:?}");
        if let Some(id) = near.id() {
            assert_eq!(frame.parameter("id"), Some(id));
        }
    }
    let answer = near.answer("1");
    match row {
        Row::Unknown => assert!(answer.is("indeterminant", "timeout"), "{answer:?}"),
        _ => assert!(answer.is("success", "yes"), "{answer:?}"),
    }
}

/// What is settled stays so: sent again, on this session or another, it gets the same answer, and goes nowhere.
fn for_ever(site: &Site, near: &mut Near, far: &mut Far) {
    near.send("1", Far::uri(), "first");
    near.answer("1");
    near.connect(site.port);
    near.send("1", Far::uri(), "first");
    near.answer("1");
    if near.id().is_some() {
        near.send("other", Far::uri(), "first");
        let refused = near.answer("other");
        assert!(refused.is("failure", "loop"), "the same id to the same destination again: {refused:?}");
    }
    // What is sent next is what comes next: in between, there was nothing.
    near.send("2", Far::uri(), "second");
    assert_eq!(far.take_and_answer().body(), "second");
    assert!(near.answer("2").is("success", ""));
}

#[test]
fn to_an_application_that_remembers() {
    every_point(near::Kind::Application, far::Kind::Application, true);
}

#[test]
fn to_an_application_that_does_not() {
    every_point(near::Kind::Application, far::Kind::Application, false);
}

#[test]
fn to_a_peer_that_connects_and_remembers() {
    every_point(near::Kind::Application, far::Kind::Caller, true);
}

#[test]
fn to_a_peer_that_connects_and_does_not() {
    every_point(near::Kind::Application, far::Kind::Caller, false);
}

#[test]
fn to_a_server_that_remembers() {
    every_point(near::Kind::Application, far::Kind::Server, true);
}

#[test]
fn to_a_server_that_does_not() {
    every_point(near::Kind::Application, far::Kind::Server, false);
}

#[test]
fn from_a_peer_to_an_application_that_remembers() {
    every_point(near::Kind::Peer, far::Kind::Application, true);
}

#[test]
fn from_a_peer_to_a_server_that_does_not() {
    every_point(near::Kind::Peer, far::Kind::Server, false);
}

/// Kills the gateway at a point, and has the receiver stay away until it is too late: the answer.
fn in_vain(point: &str, remembers: bool) -> Answer {
    let (mut near, mut far) =
        (Near::new(near::Kind::Application), Far::new(far::Kind::Application, remembers));
    let site = Site::new("[limits]\nretry_horizon = \"1s\"\nmax_wait = \"1s\"\n");
    until_killed(&site, &mut near, &mut far, point);
    let _gateway = site.start();
    near.connect(site.port);
    let answer = near.answer("1");
    far.connect(site.port);
    for_ever(&site, &mut near, &mut far);
    assert_eq!(far.delivered("first"), 0, "delivered too late");
    answer
}

#[test]
fn who_does_not_come_back_leaves_what_was_sent_indeterminant() {
    let answer = in_vain("committed", true);
    assert!(answer.is("indeterminant", "timeout"), "{answer:?}");
}

#[test]
fn who_does_not_come_back_leaves_what_was_not_sent_unreachable() {
    let answer = in_vain("accepted", false);
    assert!(answer.is("failure", "unreachable"), "{answer:?}");
}
