//! SIGTERM: what is under way may end, what is left goes on after the next start.

use crate::support::gateway::Site;
use crate::support::native::Client;

const FRED: &str = "im:fred@a.example";
const BARNEY: &str = "im:barney@b.example";

#[test]
fn what_is_under_way_gets_its_answer() {
    let site = Site::new("");
    let mut gateway = site.start();
    let (mut fred, mut barney) =
        (Client::serving(site.port, FRED, false), Client::serving(site.port, BARNEY, false));
    for trans_id in ["1", "2", "3"] {
        fred.message(trans_id, FRED, BARNEY, "hello");
    }
    let frames = [barney.expect_message(), barney.expect_message(), barney.expect_message()];
    gateway.terminate();
    gateway.wait_answer("/ready", |status, answer| status == 503 && answer.contains("stopped"));
    fred.message("4", FRED, BARNEY, "too late");
    assert!(fred.expect_answer().is("failure", "busy"), "nothing new is accepted");
    for frame in &frames {
        barney.respond(frame, "success", "");
        assert!(fred.expect_answer().is("success", ""));
    }
    assert_eq!(fred.rest().pop().expect("a close").attribute("reason").as_deref(), Some("shutdown"));
    drop(barney);
    assert_eq!(gateway.wait().code(), Some(0));
    assert!(!site.path("admin.sock").exists());
}

/// Stops a gateway while a message is with barney, unanswered, and starts the next.
fn stopped_on(remembers: bool) -> (Site, crate::support::native::Frame) {
    let site = Site::new("[limits]\ndrain = \"1s\"\n");
    let mut gateway = site.start();
    let mut barney = Client::serving(site.port, BARNEY, remembers);
    let mut fred = Client::serving(site.port, FRED, false);
    fred.message("1", FRED, BARNEY, "hello");
    let frame = barney.expect_message();
    gateway.terminate();
    assert_eq!(gateway.wait().code(), Some(0), "what is open is in the journal");
    (site, frame)
}

#[test]
fn what_stays_unanswered_goes_on_after_the_next_start() {
    let (site, first) = stopped_on(true);
    let _gateway = site.start();
    let mut barney = Client::serving(site.port, BARNEY, true);
    let again = barney.expect_message();
    assert_eq!((again.trans_id(), &again.content), (first.trans_id(), &first.content));
    barney.respond(&again, "success", "");
    let mut fred = Client::serving(site.port, FRED, false);
    let answer = fred.expect_answer();
    assert!(answer.trans_id == "1" && answer.is("success", ""), "{answer:?}");
}

#[test]
fn what_stays_unanswered_and_cannot_go_on_is_indeterminant() {
    let (site, _) = stopped_on(false);
    let _gateway = site.start();
    let mut barney = Client::serving(site.port, BARNEY, false);
    let mut fred = Client::serving(site.port, FRED, false);
    let answer = fred.expect_answer();
    assert!(answer.trans_id == "1" && answer.is("indeterminant", "timeout"), "{answer:?}");
    fred.message("2", FRED, BARNEY, "next");
    assert_eq!(barney.expect_message().body(), "next", "never sent again");
}

#[test]
fn a_second_signal_ends_the_wait() {
    let site = Site::new("[limits]\ndrain = \"10m\"\n");
    let mut gateway = site.start();
    let (mut fred, mut barney) =
        (Client::serving(site.port, FRED, false), Client::serving(site.port, BARNEY, true));
    fred.message("1", FRED, BARNEY, "hello");
    barney.expect_message();
    gateway.terminate();
    gateway.wait_for("stopping");
    gateway.terminate();
    assert_eq!(gateway.wait().code(), Some(0));
}
