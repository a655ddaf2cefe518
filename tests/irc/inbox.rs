//! The gateway's own inbox, as people on IRC write to it: `/msg gateway ...`.

use base64::Engine as _;

use crate::stage::{Stage, uri};
use crate::support::irc::Irc;
use crate::support::native::Client;

/// What the gateway says by notices (RFC 2812 section 3.3.2: nothing answers them) until it has said this.
fn told(irc: &mut Irc, last: &str) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        let line = irc.expect(":gateway!gateway@gw.example NOTICE alice :");
        let text = line.split_once(" :").unwrap().1.to_owned();
        let is_last = text.contains(last);
        lines.push(text);
        if is_last {
            return lines;
        }
    }
}

/// Help comes in lines, and commands do what they say.
#[test]
fn commands_are_answered_by_notices() {
    let stage = Stage::believing();
    let mut alice = stage.join("alice");
    alice.send("PRIVMSG gateway :help");
    assert!(!told(&mut alice, "show").is_empty());
    alice.until_quiet();
    alice.send("PRIVMSG gateway :whoami");
    told(&mut alice, "irc.demo.example");
    alice.send("PRIVMSG GATEWAY :frobnicate");
    told(&mut alice, "no command");
}

/// What could not be shown is sent whole to whoever it was for: text as it came, everything else for `uudecode`.
#[test]
fn show_sends_the_whole() {
    let stage = Stage::believing();
    let mut alice = stage.join("alice");
    let mut fred = stage.native("im:fred@a.example");
    let picture = [&b"Content-Type: image/png\r\n\r\n"[..], &(0..=255).collect::<Vec<u8>>()].concat();
    let page = b"Content-Type: text/html\r\n\r\n<table>\r\n<tr><td>Hello</td></tr>\r\n</table>";
    for (nth, content) in [&picture[..], page].into_iter().enumerate() {
        let to = uri("alice");
        let xml = format!("<message source='im:fred@a.example' destination='{to}' transID='{nth}'/>");
        fred.try_send("", &xml, content).unwrap();
        let offer = alice.expect("write to gateway: show ");
        let id = offer.rsplit("show ").next().unwrap().trim_end_matches(']').to_owned();
        alice.send(&format!("PRIVMSG gateway :show {id}"));
        if nth == 0 {
            let lines = told(&mut alice, "====");
            assert_eq!(lines[0], "begin-base64 644 message.eml");
            let base64 = lines[1..lines.len() - 1].concat();
            assert_eq!(base64::engine::general_purpose::STANDARD.decode(base64).unwrap(), picture);
        } else {
            assert_eq!(told(&mut alice, "</table>"), ["<table>", "<tr><td>Hello</td></tr>", "</table>"]);
        }
        // It is nobody else's.
        let mut eve = stage.join(&format!("eve{nth}"));
        eve.send(&format!("PRIVMSG gateway :show {id}"));
        eve.expect("Nothing is kept for you");
    }
}

/// RFC 3859 section 3.4: presence that was asked for by a message is told by notices; what a client asks by its own
/// commands is not told twice.
#[test]
fn presence_that_was_asked_for_is_told() {
    let stage = Stage::believing();
    let mut alice = stage.join("alice");
    let mut fred = Client::serving(stage.site.port, "im:fred@a.example pres:fred@a.example", false);
    alice.send("PRIVMSG gateway :subscribe im:fred@a.example");
    told(&mut alice, "(im:fred@a.example) is here");
    let publish = "<publish target='pres:fred@a.example' transID='p'><presence><tuple destination='im:fred@a.example' \
                   status='closed'>asleep</tuple></presence></publish>";
    fred.try_send("", publish, b"").unwrap();
    told(&mut alice, "fred (im:fred@a.example) is not here: asleep");
    alice.send("WHOIS fred@a.example");
    let lines: Vec<String> =
        std::iter::from_fn(|| alice.line()).take_while(|line| !line.contains(" 318 ")).collect();
    // The answer to the command may come behind what it asked for; what it asked for is told once.
    let mut lines = lines.into_iter().chain(alice.until_quiet());
    assert!(lines.all(|line| !line.contains("is here") && !line.contains("is not here")));
}

/// A nick that changes hands is a new person: what was kept for the old one, and what he asked for, is not for the new one.
#[test]
fn what_was_kept_for_a_guest_is_not_for_the_next() {
    let stage = Stage::believing();
    let mut first = stage.join("alice");
    let mut fred = Client::serving(stage.site.port, "im:fred@a.example pres:fred@a.example", false);
    let xml = format!("<message source='im:fred@a.example' destination='{}' transID='1'/>", uri("alice"));
    fred.try_send("", &xml, b"Content-Type: image/png\r\n\r\nx").unwrap();
    let offer = first.expect("write to gateway: show ");
    let id = offer.rsplit("show ").next().unwrap().trim_end_matches(']').to_owned();
    first.send("PRIVMSG gateway :subscribe im:fred@a.example");
    told(&mut first, "is here");
    first.send("QUIT");
    first.end();
    let mut second = stage.join("alice");
    let publish = "<publish target='pres:fred@a.example' transID='p'><presence><tuple destination='im:fred@a.example' \
                   status='closed'>asleep</tuple></presence></publish>";
    fred.try_send("", publish, b"").unwrap();
    // What the old one asked for ends when it is told.
    let until = std::time::Instant::now() + crate::support::gateway::PATIENCE;
    loop {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cpim-gateway"));
        command.args(["subscriptions", &uri("alice"), "--json", "--socket", "admin.sock"]);
        let output = command.current_dir(stage.site.path("")).output().unwrap();
        if !String::from_utf8(output.stdout).unwrap().contains("fred") {
            break;
        }
        assert!(std::time::Instant::now() < until, "it is still subscribed");
        crate::support::gateway::breathe();
    }
    assert!(second.until_quiet().is_empty());
    second.send(&format!("PRIVMSG gateway :show {id}"));
    second.expect("Nothing is kept for you");
    second.send("PRIVMSG gateway :kept");
    second.expect("Nothing is kept for you");
}
