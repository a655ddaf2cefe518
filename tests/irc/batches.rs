//! Batches that a network sends (IRCv3 batch): what they are about counts as it is, and nothing twice.

use crate::networks::{ALICE, FRED, Played, QUICK, Seat, site};
use crate::support::gateway::PATIENCE;
use crate::support::native::{Client, Frame};

const CAPS: &str = "message-tags batch server-time";

/// A line of alice's to fred, by the relay, with these tags.
fn says(seat: &mut Seat, tags: &str, text: &str) {
    seat.send(&format!("@{tags} :alice!a@h PRIVMSG relay :fred@a.example: {text}"));
}

/// In the middle of the given second, long after any gateway was started here.
fn at(second: u32) -> String {
    format!("time=2100-01-01T00:00:{second:02}.500Z")
}

/// The next message that fred gets.
fn next(fred: &mut Client) -> Frame {
    let frame = fred.expect_message();
    fred.respond(&frame, "success", "");
    frame
}

/// Plays these lines back.
fn play(seat: &mut Seat, kind: &str, lines: &[(&str, &str)]) {
    seat.send(&format!(":s BATCH +p {kind} relay"));
    for (time, text) in lines {
        says(seat, &format!("batch=p;{time}"), text);
    }
    seat.send(":s BATCH -p");
}

/// What a bouncer or a history plays back is delivered where the gateway has missed it, with its own time, and never
/// twice; also over a restart of the gateway.
#[test]
fn what_is_played_back_is_delivered_once_and_with_its_time() {
    let network = Played::new(CAPS, "");
    let site = site(&network, QUICK);
    let mut gateway = site.start();
    let mut relay = network.admit();
    let mut fred = Client::serving(site.port, FRED, false);
    play(&mut relay, "znc.in/playback", &[(&at(1), "before the gateway was ever here")]);
    says(&mut relay, &at(2), "one");
    let frame = next(&mut fred);
    assert_eq!((frame.attribute("source").as_deref(), frame.body()), (Some(ALICE), "one"));
    says(&mut relay, &at(2), "one");
    assert_eq!(next(&mut fred).body(), "one", "written twice is written twice");

    drop(relay);
    let mut relay = network.admit();
    // What it tells of others, and of who was whose, is over.
    relay.send(":s BATCH +q draft/chathistory relay");
    relay.send(&format!("@batch=q;{} :relay!r@h NICK :mallory", at(3)));
    relay.send(&format!("@batch=q;{} :alice!a@h PRIVMSG wilma :fred@a.example: for another", at(3)));
    relay.send(":s BATCH -q");
    let lines = [(&*at(1), "old"), (&at(2), "one"), (&at(3), "two"), (&at(3), "three"), ("x=y", "no time")];
    play(&mut relay, "znc.in/playback", &lines);
    says(&mut relay, &at(4), "four");
    for text in ["two", "three"] {
        let content = String::from_utf8(next(&mut fred).content).unwrap();
        assert!(content.ends_with(&format!("\r\n\r\n{text}")), "{content}");
        assert!(content.contains("\r\nDateTime: 2100-01-01T00:00:03.500Z\r\n"), "{content}");
    }
    assert_eq!(next(&mut fred).body(), "four");

    gateway.terminate();
    assert!(gateway.wait().success());
    gateway = site.start();
    let mut relay = network.admit();
    let mut fred = Client::serving(site.port, FRED, false);
    play(&mut relay, "chathistory", &[(&at(3), "three"), (&at(4), "four"), (&at(5), "five")]);
    assert!(next(&mut fred).content.ends_with(b"five"));
    drop(gateway);
}

/// A split of the network in a batch is damped as any other is; of the batch of an answer, and of any other kind, each line
/// counts as if it stood alone.
#[test]
fn splits_in_batches_are_damped_and_other_batches_are_news() {
    let network = Played::new("message-tags batch away-notify extended-monitor", "MONITOR=10");
    let site = site(&network, QUICK);
    site.edit("settle = \"1s\"", "settle = \"20s\"");
    let gateway = site.start();
    let mut relay = network.admit();
    gateway.wait_for("on the network");
    let mut fred = Client::serving(site.port, FRED, false);
    let mut wilma = Client::serving(site.port, "pres:wilma@a.example", false);
    let target = ALICE.replacen("im:", "pres:", 1);
    let xml =
        format!("<subscribe transID='s' watcher='pres:wilma@a.example' target='{target}' duration='600'/>");
    wilma.try_send("", &xml, b"").unwrap();
    relay.expect("MONITOR + alice");
    relay.send(":s 730 relay :alice!a@h");
    let mut told = |what: &str| {
        loop {
            let frame = wilma.next(PATIENCE).unwrap();
            if frame.element() == "notify" && frame.xml.contains(what) {
                return frame.xml;
            }
            assert!(!frame.xml.contains("closed"), "{}", frame.xml);
        }
    };
    told("open");
    relay.send(":s BATCH +n netsplit a.example b.example");
    relay.send("@batch=n :alice!a@h QUIT :a.example b.example");
    relay.send(":s 731 relay :alice");
    relay.send(":s BATCH -n");
    relay.send(":s BATCH +j netjoin a.example b.example");
    relay.send(":s 730 relay :alice!a@h");
    relay.send(":s BATCH -j");
    relay.send(":s BATCH +x example.org/of-some-kind");
    relay.send("@batch=x :alice!a@h AWAY :back from the split");
    relay.send("@batch=x :alice!a@h PRIVMSG relay :fred@a.example: in a batch");
    relay.send(":s BATCH -x");
    assert!(!told("back from the split").contains("closed"));
    assert_eq!(next(&mut fred).body(), "in a batch");
}
