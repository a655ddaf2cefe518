//! The inbox and those who come by another gateway, among them that gateway's own inbox.

use std::time::Duration;

use crate::someone::{GATEWAY, Someone};
use crate::support::gateway::Site;
use crate::support::native::{Client, Frame, Open, Silence};

const PEER: &str =
    "[[peer]]\ndomain = \"gw.b.example\"\nserves = [\"b.example\"]\nsecret_env = \"PEER_SECRET\"\n";

/// The gateway `gw.b.example`, played by hand.
struct Peer {
    client: Client,
    last: u32,
}

impl Peer {
    fn new(site: &Site) -> Self {
        let open = Open {
            serves: "gw.b.example b.example",
            domain: "gw.b.example",
            secret: "between gateways",
            ..Open::default()
        };
        Self { client: Client::open(site.port, open), last: 0 }
    }

    /// Sends a message, which is taken.
    fn sends(&mut self, parameters: &str, from: &str, text: &str) {
        self.last += 1;
        self.client.try_message(parameters, &self.last.to_string(), from, GATEWAY, text).unwrap();
    }

    /// The next message, taken; what else comes is passed over.
    fn next_message(&mut self, within: Duration) -> Result<Frame, Silence> {
        loop {
            let frame = self.client.next(within)?;
            if frame.element() == "message" {
                self.client.respond(&frame, "success", "");
                return Ok(frame);
            }
        }
    }
}

#[test]
fn somebody_at_home_elsewhere_commands_as_well_as_he_is_known_there() {
    let site = Site::new(PEER);
    let _gateway = site.start();
    let mut peer = Peer::new(&site);
    let mut said = |auth: &str, text: &str| {
        peer.sends(&format!(" auth={auth}"), "im:barney@b.example", text);
        let frame = peer.next_message(Duration::from_secs(20)).expect("an answer");
        assert_eq!(frame.attribute("destination").as_deref(), Some("im:barney@b.example"));
        crate::someone::text(&frame)
    };
    assert_eq!(said("verified", "whoami"), "You are im:barney@b.example. You are proven to be that.");
    assert!(said("claimed", "whoami").contains("what you change must be confirmed"));
    assert_eq!(said("anonymous", "rules"), "Nobody says who you are, so that only help is for you.");
    assert!(said("anonymous", "help").starts_with("One command a line"));
}

#[test]
fn another_gateways_inbox_is_never_answered() {
    let site = Site::new(PEER);
    let gateway = site.start();
    let mut peer = Peer::new(&site);
    // It says nothing of being automatic, and is known all the same.
    peer.sends("", "im:gateway@gw.b.example", "help");
    peer.sends("", "im:Gateway@b.example", "help");
    peer.sends("", "im:barney@b.example", "whoami");
    let frame = peer.next_message(Duration::from_secs(20)).expect("an answer");
    assert_eq!(frame.attribute("destination").as_deref(), Some("im:barney@b.example"));
    assert_eq!(peer.next_message(Duration::from_millis(300)), Err(Silence::Time));
    let (_, metrics) = gateway.ask("/metrics");
    assert!(metrics.contains("cpim_inbox_silent_total{why=\"automatic\"} 2"), "{metrics}");
    // Nor can anybody have the two talk to each other.
    let mut fred = Someone::new(&site, "fred@a.example");
    assert!(fred.commands("forward gateway@gw.b.example").starts_with("Nothing is changed"));
}
