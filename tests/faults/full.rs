//! A store that is full: nothing new is accepted, what was accepted is settled, and the gateway lives.

use std::time::{Duration, Instant};

use crate::support::gateway::{PATIENCE, Site, breathe};
use crate::support::native::{Client, Frame};

const FRED: &str = "im:fred@a.example";
const BARNEY: &str = "im:barney@b.example";

/// What came first.
enum Either {
    Left(Frame),
    Right(Frame),
}

/// The next frame of either, which must come.
fn one_of(left: &mut Client, right: &mut Client) -> Either {
    let (until, glance) = (Instant::now() + PATIENCE, Duration::from_millis(10));
    while Instant::now() < until {
        if let Ok(frame) = left.next(glance) {
            return Either::Left(frame);
        }
        if let Ok(frame) = right.next(glance) {
            return Either::Right(frame);
        }
    }
    panic!("nothing came");
}

#[test]
fn refuses_before_acceptance_and_settles_what_it_has() {
    let site = Site::new("");
    site.edit("[store]", "[store]\nmax_octets = \"4 MiB\"");
    let gateway = site.start();
    gateway.wait_ready();
    let (mut fred, mut barney) =
        (Client::serving(site.port, FRED, false), Client::serving(site.port, BARNEY, true));
    let text = "Yabba, dabba! ".repeat(10_000);

    let mut taken = Vec::new();
    let refused = loop {
        fred.message(&taken.len().to_string(), FRED, BARNEY, &text);
        match one_of(&mut barney, &mut fred) {
            Either::Left(frame) => taken.push(frame),
            Either::Right(answer) => break answer,
        }
        assert!(taken.len() < 100, "there is no end to it");
    };
    assert!(taken.len() > 5, "{} taken", taken.len());
    assert_eq!(refused.attribute("status").as_deref(), Some("failure"));
    assert!(refused.text().starts_with("busy: "), "{refused:?}");
    gateway.wait_answer("/ready", |status, answer| status == 503 && answer.contains("store"));
    assert_eq!(gateway.ask("/live").0, 200);
    gateway.wait_for("operations are answered busy");

    // There is room for outcomes.
    for frame in &taken {
        barney.respond(frame, "success", "");
        assert!(fred.expect_answer().is("success", ""));
    }
    drop((fred, barney, gateway));

    // Content goes when its operation is settled, so that there is room again; at the latest after a start.
    let gateway = site.start();
    let (mut fred, mut barney) =
        (Client::serving(site.port, FRED, false), Client::serving(site.port, BARNEY, true));
    let until = Instant::now() + PATIENCE;
    let frame = loop {
        fred.message("again", FRED, BARNEY, &text);
        match one_of(&mut barney, &mut fred) {
            Either::Left(frame) => break frame,
            Either::Right(_) => assert!(Instant::now() < until, "no room:\n{}", gateway.said()),
        }
        breathe();
    };
    barney.respond(&frame, "success", "");
    let answers = std::iter::from_fn(|| fred.next_answer(PATIENCE).ok());
    let answer =
        answers.filter(|answer| answer.trans_id == "again").find(|answer| !answer.is("failure", "busy"));
    assert!(answer.is_some_and(|answer| answer.is("success", "")));
    gateway.wait_ready();
}
