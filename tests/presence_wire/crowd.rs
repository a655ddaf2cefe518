//! Many operations at once, and a watcher who does not read: others do not notice, and nothing grows without bound.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::someone::{FRED, Someone, WILMA, gateway, outcome, publish};
use crate::support::gateway::PATIENCE;
use crate::support::native::{Client, Open};

const BETTY: &str = "pres:betty@b.example";

/// Pairs of a subscribe and an unsubscribe.
const PAIRS: usize = 10_000;

/// What the gateway may grow by meanwhile, in KiB: less than what is asked of it would take if it were all kept.
const GROWTH_KIB: u64 = 64 * 1_024;

/// States that are published while somebody does not read.
const STATES: usize = 60;

/// Issue: ten thousand subscribe/unsubscribe pairs in a second from one source.
#[test]
fn a_flood_of_pairs_is_refused_with_busy_and_another_watcher_is_served() {
    let (site, gateway) = gateway();
    let mut fred = Someone::serving(&site, &format!("{FRED} im:fred@a.example"));
    let mut wilma = Someone::serving(&site, WILMA);
    wilma.subscribes("600", "");
    assert_eq!(wilma.is_told(), ["im:fred@a.example open"]);
    let before = gateway.resident_kib();

    let mut flood = Client::open(site.port, Open { serves: BETTY, ..Open::default() });
    let writer = flood.writer();
    let writing = std::thread::spawn(move || {
        let mut writer = writer;
        for nth in 0..PAIRS {
            let subscribe =
                format!("<subscribe watcher='{BETTY}' target='{FRED}' duration='60' transID='s{nth}'/>");
            let unsubscribe = format!("<unsubscribe watcher='{BETTY}' target='{FRED}' transID='u{nth}'/>");
            writer.try_send("", &subscribe, b"").unwrap();
            writer.try_send("", &unsubscribe, b"").unwrap();
        }
    });
    let reading = std::thread::spawn(move || {
        let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
        let mut answers = 0;
        while answers < 2 * PAIRS {
            let frame = flood.next(PATIENCE).expect("every one is answered");
            if frame.element() == "response" {
                answers += 1;
                *outcomes.entry(outcome(&frame)).or_default() += 1;
            }
        }
        outcomes
    });
    let mut longest = Duration::ZERO;
    for nth in 0..20 {
        let began = Instant::now();
        let note = format!("change {nth}");
        fred.publishes("open", &note);
        assert_eq!(wilma.is_told(), [format!("im:fred@a.example open {note}")]);
        longest = longest.max(began.elapsed());
    }
    writing.join().unwrap();
    let outcomes = reading.join().unwrap();
    assert!(longest < Duration::from_secs(5), "{longest:?}");
    let allowed = ["success", "failure busy", "failure not-subscribed", "failure already-subscribed"];
    assert!(outcomes.keys().all(|outcome| allowed.contains(&&**outcome)), "{outcomes:?}");
    assert!(outcomes["success"] >= 500, "what one source may ask at once was done: {outcomes:?}");
    assert!(outcomes["failure busy"] > PAIRS, "{outcomes:?}");
    let grown = gateway.resident_kib().saturating_sub(before);
    assert!(grown < GROWTH_KIB, "{grown} KiB");
    assert_eq!(wilma.unsubscribes(), "success", "her own pace is her own");
}

/// "when a watcher is slow, intermediate states may be skipped but the last one never".
#[test]
fn a_slow_watcher_misses_states_between_and_never_the_last() {
    let (site, gateway) = gateway();
    let mut fred = Someone::serving(&site, FRED);
    let mut wilma = Someone::serving(&site, WILMA);
    wilma.subscribes("600", "");
    assert_eq!(wilma.is_told(), ["im:fred@a.example closed"]);
    let before = gateway.resident_kib();
    // More than any buffer on the way takes; she reads nothing of it for now.
    let long = format!("Content-Type: text/plain\r\n\r\n{}", "x".repeat(500_000));
    for nth in 0..STATES {
        let answer = fred.asks(&publish("", "open", &nth.to_string()), long.as_bytes());
        assert_eq!(outcome(&answer), "success");
    }
    let grown = gateway.resident_kib().saturating_sub(before);
    assert!(grown < GROWTH_KIB, "{grown} KiB");
    let mut seen = Vec::new();
    while seen.last() != Some(&(STATES - 1)) {
        let told = wilma.is_told();
        let note = told[0].split(' ').nth(2).expect("a note");
        seen.push(note.parse::<usize>().unwrap());
    }
    assert!(seen.is_sorted(), "in order: {seen:?}");
    assert!(seen.len() < STATES, "some were skipped");
    fred.publishes("closed", "over");
    assert_eq!(wilma.is_told(), ["im:fred@a.example closed over"], "nothing comes twice");
}
