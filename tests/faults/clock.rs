//! A clock that jumps, while the gateway runs and between two runs: libfaketime, as Debian packages it.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::support::gateway::{Gateway, Site};
use crate::support::native::Client;

const FRED: &str = "im:fred@a.example";
const BARNEY: &str = "im:barney@b.example";

/// The library to load before others.
///
/// # Panics
/// With `NOT RUN` where it is not installed: a test that cannot be run has not passed.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut candidates = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    candidates
        .find(|path| path.exists())
        .expect("NOT RUN: no libfaketime; on Debian: apt-get install libfaketime")
}

/// Has the clock of the gateways of a site stand so far from ours, at once.
fn set_clock(site: &Site, offset: &str) {
    fs::write(site.path("clock.new"), offset).unwrap();
    fs::rename(site.path("clock.new"), site.path("clock")).unwrap();
}

/// A gateway whose wall clock is the one set; what it measures spans of time with is the machine's own.
fn command(site: &Site) -> Command {
    let mut command = site.command();
    command
        .env("LD_PRELOAD", library())
        .env("FAKETIME_TIMESTAMP_FILE", site.path("clock"))
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    command
}

#[test]
fn while_it_runs() {
    let site = Site::new("");
    set_clock(&site, "+0");
    let gateway = site.start_by(command(&site));
    let (mut fred, mut barney) =
        (Client::serving(site.port, FRED, false), Client::serving(site.port, BARNEY, false));
    for (nth, offset) in ["+1d", "-1d", "+400d", "+0"].into_iter().enumerate() {
        let (under_way, after) = (format!("{nth}a"), format!("{nth}b"));
        fred.message(&under_way, FRED, BARNEY, "before");
        let frame = barney.expect_message();
        set_clock(&site, offset);
        fred.message(&after, FRED, BARNEY, "after");
        let second = barney.expect_message();
        for (frame, trans_id) in [(frame, &under_way), (second, &after)] {
            barney.respond(&frame, "success", "");
            let answer = fred.expect_answer();
            assert!(answer.trans_id == *trans_id && answer.is("success", ""), "{offset}: {answer:?}");
        }
        fred.message(&after, FRED, BARNEY, "after");
        assert!(fred.expect_answer().is("success", ""), "recognised");
    }
    gateway.wait_ready();
    let said = gateway.said();
    let years: HashSet<_> = said.lines().filter_map(|line| line.get(..4)).collect();
    assert!(years.len() > 1, "the clock did not jump: {years:?}");
}

/// Has a message held at a point, and the gateway started again with its clock elsewhere.
fn restarted(offset: &str, point: &str, remembers: bool) -> (Site, Client, Client, Gateway) {
    let site = Site::new("");
    set_clock(&site, "+0");
    let mut held = command(&site);
    held.env("CPIM_FAULT_HOLD", point);
    let gateway = site.start_by(held);
    let barney = Client::serving(site.port, BARNEY, remembers);
    let mut fred = Client::serving(site.port, FRED, false);
    fred.message("1", FRED, BARNEY, "hello");
    gateway.wait_held(point);
    gateway.kill();
    drop((fred, barney));
    set_clock(&site, offset);
    let gateway = site.start_by(command(&site));
    let (fred, barney) =
        (Client::serving(site.port, FRED, false), Client::serving(site.port, BARNEY, remembers));
    (site, fred, barney, gateway)
}

#[test]
fn between_two_runs() {
    for (offset, point, remembers) in
        [("-1d", "accepted", false), ("+1d", "accepted", false), ("-1d", "committed", true)]
    {
        println!("{offset} at {point}");
        let (_site, mut fred, mut barney, _gateway) = restarted(offset, point, remembers);
        let frame = barney.expect_message();
        barney.respond(&frame, "success", "");
        assert!(fred.expect_answer().is("success", ""));
    }
}

#[test]
fn who_has_forgotten_by_then_is_not_sent_it_again() {
    let (_site, mut fred, mut barney, _gateway) = restarted("+1d", "committed", true);
    assert!(fred.expect_answer().is("indeterminant", "timeout"));
    fred.message("2", FRED, BARNEY, "next");
    assert_eq!(barney.expect_message().body(), "next");
}
