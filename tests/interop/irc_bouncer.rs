//! ZNC between: before a network that others run, with the gateway as its user; and before the gateway's own network, with a
//! person as its user.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::irc_stage::{ALICE, FRED, Stage, both, watch};
use crate::support::gateway::{PATIENCE, Site, free_port};
use crate::support::irc::Irc;
use crate::support::ircd::{Ircd, NETWORK, Znc};
use crate::support::native::{Client, Frame};

/// A gateway that is the user of a bouncer before a network.
fn behind_it(ircd: Ircd, more: &str) -> (Stage, Znc) {
    let znc = Znc::start(ircd.port);
    let site = Site::new(&format!(
        "[[irc.network]]\nname = \"{NETWORK}\"\nservers = [\"127.0.0.1:{}\"]\ntls = \"plain\"\nnick = \"relay\"\n\
         password_file = \"znc.secret\"\npuppets = 0\nline_penalty = \"1ms\"\npoll = \"1s\"\nsettle = \"1s\"\n{more}",
        znc.port
    ));
    let secret = site.path("znc.secret");
    fs::write(&secret, "gw/test:s3cret").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let gateway = site.start();
    gateway.wait_for("on the network");
    (Stage::of(ircd, site, gateway), znc)
}

/// Issue 5, item 8: messages both ways. ZNC answers pings itself, so that nobody can know whether a message arrived. What it
/// took while the gateway was away it plays back (a batch of `znc.in/playback`), and that is delivered once.
#[test]
fn the_gateway_behind_a_bouncer() {
    both(|kind| {
        let (stage, _znc) = behind_it(Ircd::start(kind, ""), "");
        let (mut fred, mut alice) = (stage.fred(), stage.join("alice"));
        alice.ask_until("ISON relay", |lines| lines.iter().any(|line| line.contains(":relay")));
        fred.message("1", FRED, ALICE, "through a bouncer");
        assert!(alice.expect(" PRIVMSG alice ").ends_with(":<fred@a.example> through a bouncer"));
        assert!(fred.expect_answer().is("indeterminant", ""));
        alice.send("PRIVMSG relay :fred@a.example: and back");
        assert_eq!(fred.expect_message().body(), "and back");
        stage.gateway().terminate();
        let Stage { site, ircd: _ircd, .. } = stage.ended();
        // ZNC must have seen it go before it takes what is written meanwhile for it.
        alice.send("PRIVMSG relay :fred@a.example: while it was away");
        alice.until_quiet();
        let gateway = site.start();
        let mut fred = Client::serving(site.port, FRED, false);
        gateway.wait_for("on the network");
        let content = String::from_utf8(fred.expect_message().content).unwrap();
        assert!(content.ends_with("\r\n\r\nwhile it was away"), "{content}");
        assert!(content.contains("\r\nDateTime: "), "{content}");
    });
}

/// Item 7: a watcher elsewhere follows people of a network through a bouncer, by MONITOR or ISON and what they say of being
/// away.
#[test]
fn people_are_watched_through_a_bouncer() {
    both(|kind| {
        let (stage, _znc) = behind_it(Ircd::start(kind, ""), "[principals]\nsubscribe = \"allow\"\n");
        let mut watching = watch(&stage);
        let mut told = |what: &str| watching(what, "never");
        told("status='closed'");
        let mut alice = stage.join("alice");
        told("status='open'");
        alice.send("AWAY :At lunch");
        told("At lunch");
        alice.send("AWAY");
        told("status='open'/>");
        alice.send("QUIT");
        told("status='closed'");
    });
}

/// Items 2 and 7: a user of the gateway's own network who comes by a bouncer follows somebody elsewhere (MONITOR, ISON) and
/// is followed (AWAY), and nothing is lost while he is away from his bouncer.
#[test]
fn a_person_behind_a_bouncer() {
    let irc = free_port();
    let site = Site::new(&format!(
        "[irc]\nname = \"irc.demo.example\"\n[[irc.listener]]\naddress = \"127.0.0.1:{irc}\"\nguests = \"verified\"\n\
         [principals]\nsubscribe = \"allow\"\nfetch = \"allow\"\n"
    ));
    let _gateway = site.start();
    let znc = Znc::start(irc);
    let attach = || {
        let mut relay = Irc::connect(znc.port);
        relay.send("PASS gw/test:s3cret\r\nNICK relay\r\nUSER relay 0 * :somebody");
        relay.expect(" 001 relay ");
        relay
    };
    let mut relay = attach();
    let mut fred = Client::serving(site.port, &format!("{FRED} pres:fred@a.example"), false);
    let me = "im:irc=irc.demo.example/relay@gw.example";
    let subscribe = format!(
        "<subscribe transID='s' watcher='pres:fred@a.example' target='{}' duration='600'/>",
        me.replacen("im:", "pres:", 1)
    );
    fred.try_send("", &subscribe, b"").unwrap();
    told(&mut fred, "status='open'");
    relay.send("AWAY :At lunch");
    told(&mut fred, "At lunch");
    relay.send("AWAY");
    told(&mut fred, "status='open'/>");

    relay.send("MONITOR + fred@a.example");
    relay.expect(" 730 relay :fred@a.example");
    relay.send("ISON fred@a.example nobody");
    assert!(relay.expect(" 303 relay ").ends_with(":fred@a.example"));
    publish(&mut fred, "closed");
    relay.expect(" 731 relay :fred@a.example");
    publish(&mut fred, "open");
    relay.expect(" 730 relay :fred@a.example");

    fred.message("1", FRED, me, "through a bouncer");
    relay.expect(" PRIVMSG relay :through a bouncer");
    assert!(fred.expect_answer().is("success", ""));
    relay.send("PRIVMSG fred :and back");
    let frame = message(&mut fred);
    assert_eq!((frame.attribute("source").as_deref(), frame.body()), (Some(me), "and back"));
    fred.respond(&frame, "success", "");
    // ZNC hangs up once it has taken leave.
    relay.send("QUIT");
    relay.expect_end();
    fred.message("2", FRED, me, "while he was away");
    assert!(fred.expect_answer().is("success", ""));
    // ZNC puts the time before it, for who does not know server-time.
    let line = attach().expect(" PRIVMSG relay :");
    assert!(line.ends_with(" while he was away"), "{line}");
    drop(znc);
    told(&mut fred, "status='closed'");
}

/// The next message, whatever is told before it.
fn message(client: &mut Client) -> Frame {
    loop {
        let frame = client.next(PATIENCE).expect("a message");
        if frame.element() == "message" {
            return frame;
        }
    }
}

/// Waits for a notification that holds this.
fn told(client: &mut Client, what: &str) {
    loop {
        let frame = client.next(PATIENCE).unwrap_or_else(|_| panic!("never told of {what}"));
        if frame.element() == "notify" && frame.xml.contains(what) {
            return;
        }
    }
}

fn publish(client: &mut Client, status: &str) {
    let xml = format!(
        "<publish target='pres:fred@a.example' transID='p-{status}'><presence>\
         <tuple destination='{FRED}' status='{status}'/></presence></publish>"
    );
    client.try_send("", &xml, b"").unwrap();
}
