//! Presence: observed once for everybody, passed through for each watcher, or none.

use std::time::Duration;

use crate::stage::{FOLDING, adapter, fred, gateway, hears, outcome};
use crate::support::gateway::PATIENCE;
use crate::support::native::{Client, Frame, Open, Silence};

const FRED: &str = "pres:fred@a.example";
const BARNEY: &str = "pres:barney@b.example";
const WILMA: &str = "pres:pepp=example.com/wilma@gw.example";
const GATEWAY: &str = "pres:gateway@gw.example";

/// Long enough for what should not come.
const A_WHILE: Duration = Duration::from_millis(200);

fn subscribe(client: &mut Client, watcher: &str, target: &str, duration: u32) {
    let xml = format!("<subscribe watcher='{watcher}' target='{target}' duration='{duration}' transID='s'/>");
    client.try_send("", &xml, b"").unwrap();
}

fn notify(client: &mut Client, watcher: &str, status: &str) {
    let xml = format!(
        "<notify watcher='{watcher}' target='{WILMA}' transID='n'><presence>\
         <tuple destination='{}' status='{status}'>{status}</tuple></presence></notify>",
        WILMA.replace("pres:", "im:")
    );
    client.try_send("", &xml, b"").unwrap();
}

/// The next notification, of wilma: her status.
fn told(client: &mut Client) -> String {
    let frame = hears(client, "notify");
    assert!(frame.attribute("target").unwrap().to_lowercase().contains("wilma"), "{frame:?}");
    let (_, rest) = frame.xml.split_once("status='").unwrap();
    rest.split('\'').next().unwrap().to_owned()
}

/// The adapter is asked to tell, and says that it will.
fn is_asked(pepp: &mut Client) -> Frame {
    let asked = hears(pepp, "subscribe");
    assert_eq!(asked.attribute("target").unwrap(), WILMA);
    pepp.respond(&asked, "success", "");
    asked
}

#[test]
fn an_observed_presentity_is_asked_for_once_and_told_to_everybody() {
    let (site, gateway) = gateway("");
    let (mut pepp, mut fred) = (adapter(&site, FOLDING, false), fred(&site));
    let mut barney = Client::open(site.port, Open { serves: BARNEY, ..Open::default() });
    subscribe(&mut fred, FRED, "pres:pepp=example.com/WILMA@gw.example", 600);
    assert_eq!(is_asked(&mut pepp).attribute("watcher").unwrap(), GATEWAY);
    notify(&mut pepp, GATEWAY, "open");
    assert_eq!(outcome(&mut fred), "success");
    assert_eq!(told(&mut fred), "open");

    subscribe(&mut barney, BARNEY, WILMA, 600);
    assert_eq!(outcome(&mut barney), "success");
    assert_eq!(told(&mut barney), "open", "known already");
    assert_eq!(pepp.next(A_WHILE), Err(Silence::Time), "nobody asks twice");
    notify(&mut pepp, GATEWAY, "closed");
    assert_eq!((told(&mut fred), told(&mut barney)), ("closed".into(), "closed".into()));

    // One that comes again is asked again, and its word still reaches them.
    drop(pepp);
    gateway.wait_answer("/v1/sessions", |_, sessions| !sessions.contains("pepp:"));
    let mut pepp = adapter(&site, FOLDING, false);
    is_asked(&mut pepp);
    notify(&mut pepp, GATEWAY, "open");
    assert_eq!((told(&mut fred), told(&mut barney)), ("open".into(), "open".into()));

    // Over a restart of the gateway, too.
    drop((fred, barney, pepp));
    gateway.kill();
    let _gateway = site.start();
    let mut pepp = adapter(&site, FOLDING, false);
    is_asked(&mut pepp);
    notify(&mut pepp, GATEWAY, "closed");
    let mut fred = crate::stage::fred(&site);
    assert_eq!(told(&mut fred), "closed");
}

#[test]
fn nobody_else_tells_the_presence_of_its_users() {
    let (site, _gateway) = gateway("");
    let (mut pepp, mut fred) = (adapter(&site, FOLDING, false), fred(&site));
    subscribe(&mut fred, FRED, WILMA, 600);
    is_asked(&mut pepp);
    notify(&mut pepp, GATEWAY, "open");
    assert_eq!((outcome(&mut fred), told(&mut fred)), ("success".into(), "open".into()));
    let mut liar = Client::open(site.port, Open { serves: "im:liar@b.example", ..Open::default() });
    notify(&mut liar, GATEWAY, "closed");
    notify(&mut liar, FRED, "closed");
    assert_eq!(fred.next(A_WHILE), Err(Silence::Time));
}

#[test]
fn where_it_passes_through_each_watcher_asks_for_himself() {
    let (site, gateway) = gateway("");
    let claims = "<adapter presence='pass-through'/>";
    let (mut pepp, mut fred) = (adapter(&site, claims, false), fred(&site));
    subscribe(&mut fred, FRED, WILMA, 600);
    let asked = is_asked(&mut pepp);
    assert_eq!(asked.attribute("watcher").unwrap(), FRED);
    assert_eq!(outcome(&mut fred), "success");
    notify(&mut pepp, FRED, "open");
    assert_eq!(told(&mut fred), "open");
    notify(&mut pepp, BARNEY, "open");

    // What it refuses is refused.
    let mut barney = Client::open(site.port, Open { serves: BARNEY, ..Open::default() });
    subscribe(&mut barney, BARNEY, WILMA, 600);
    let asked = hears(&mut pepp, "subscribe");
    pepp.respond(&asked, "failure", "denied: not you");
    assert_eq!(outcome(&mut barney), "failure denied");

    // What it kept is gone with it: fred's subscription is asked for again.
    drop(pepp);
    gateway.wait_answer("/v1/sessions", |_, sessions| !sessions.contains("pepp:"));
    let mut pepp = adapter(&site, claims, false);
    assert_eq!(is_asked(&mut pepp).attribute("watcher").unwrap(), FRED);
    notify(&mut pepp, FRED, "closed");
    assert_eq!(told(&mut fred), "closed");
}

#[test]
fn its_users_watch_others() {
    let (site, _gateway) = gateway("");
    let (mut pepp, mut fred) = (adapter(&site, FOLDING, false), fred(&site));
    subscribe(&mut pepp, WILMA, FRED, 600);
    assert_eq!(outcome(&mut pepp), "success");
    let first = hears(&mut pepp, "notify");
    assert_eq!(first.attribute("watcher").unwrap(), WILMA);
    let xml = "<publish target='pres:fred@a.example' transID='p'><presence>\
               <tuple destination='im:fred@a.example' status='closed'>asleep</tuple></presence></publish>";
    fred.try_send("", xml, b"").unwrap();
    assert_eq!(outcome(&mut fred), "success");
    assert!(hears(&mut pepp, "notify").xml.contains("asleep"));
}

#[test]
fn without_presence_nobody_asks_the_adapter() {
    let (site, gateway) = gateway("");
    // What it observed on an earlier session, it is not asked for on one that claims no presence.
    let (mut pepp, mut fred) = (adapter(&site, FOLDING, false), fred(&site));
    subscribe(&mut fred, FRED, WILMA, 600);
    is_asked(&mut pepp);
    notify(&mut pepp, GATEWAY, "open");
    assert_eq!((outcome(&mut fred), told(&mut fred)), ("success".into(), "open".into()));
    for (trans_id, claims) in [("1", "<adapter/>"), ("2", "<adapter presence='none'/>")] {
        drop(pepp);
        gateway.wait_answer("/v1/sessions", |_, sessions| !sessions.contains("pepp:"));
        pepp = adapter(&site, claims, false);
        for duration in [600, 0] {
            let xml = format!(
                "<subscribe watcher='{BARNEY}' target='{WILMA}' duration='{duration}' transID='s{duration}'/>"
            );
            let mut barney = Client::open(site.port, Open { serves: BARNEY, ..Open::default() });
            barney.try_send("", &xml, b"").unwrap();
            assert_eq!(outcome(&mut barney), "failure unsupported");
        }
        // The first that it hears is this: nothing came before.
        fred.message(trans_id, crate::stage::FRED, crate::stage::WILMA, "Yabba");
        let came = pepp.expect_message();
        pepp.respond(&came, "success", "");
        assert!(fred.next_answer(PATIENCE).unwrap().is("success", ""));
    }
}
