//! Messages, both ways and between clients, and their outcomes.

use crate::stage::{Stage, uri};
use crate::support::gateway::PATIENCE;

/// The outcome of a message to IRC is the pong behind it: success; RFC 2812 section 3.7.2.
#[test]
fn a_pong_behind_the_message_is_success() {
    let stage = Stage::new();
    let mut alice = stage.join("alice");
    let mut fred = stage.native("im:fred@a.example");
    alice.answers_pings = false;
    fred.message("1", "im:fred@a.example", &uri("alice"), "Yabba, dabba!\n\ndoo");
    assert_eq!(alice.line().unwrap(), ":fred!fred@a.example PRIVMSG alice :Yabba, dabba!");
    assert_eq!(alice.line().unwrap(), ":fred!fred@a.example PRIVMSG alice : ");
    assert_eq!(alice.line().unwrap(), ":fred!fred@a.example PRIVMSG alice :doo");
    let ping = alice.line().unwrap();
    assert!(ping.starts_with("PING :"), "{ping}");
    // A pong for something else is none for this.
    alice.send("PONG :999999");
    alice.send("PONG x");
    assert!(alice.until_quiet().is_empty());
    alice.send(&ping.replace("PING", "PONG"));
    assert!(fred.expect_answer().is("success", ""));
}

/// Gone before the pong: nobody knows, and the number of lines that were out is said.
#[test]
fn who_leaves_before_the_pong_leaves_it_unknown() {
    let stage = Stage::new();
    let mut alice = stage.join("alice");
    let mut fred = stage.native("im:fred@a.example");
    alice.answers_pings = false;
    fred.message("1", "im:fred@a.example", &uri("alice"), "one\ntwo");
    alice.expect("PING");
    drop(alice);
    let answer = fred.expect_answer();
    assert!(answer.is("indeterminant", "timeout") && answer.text.contains("2 of 2 lines"), "{answer:?}");
}

/// RFC 2812 section 5.2, 401: nobody there is failure at once.
#[test]
fn nobody_there_is_failure_at_once() {
    let stage = Stage::new();
    let mut fred = stage.native("im:fred@a.example");
    fred.message("1", "im:fred@a.example", &uri("alice"), "hello?");
    assert!(fred.expect_answer().is("failure", "unreachable"));
    fred.message("2", "im:fred@a.example", "im:irc=irc.demo.example/~23ops@gw.example", "hello?");
    assert!(fred.expect_answer().is("failure", "bad-address"));
    fred.message("3", "im:fred@a.example", "im:irc=other.example/alice@gw.example", "hello?");
    assert!(fred.expect_answer().is("failure", "bad-address"));
    let mut alice = stage.join("alice");
    assert_eq!(alice.ask("PRIVMSG bob :hi"), [":irc.demo.example 401 alice bob :No such nick"]);
}

/// RFC 2812 section 3.3.1: a nick, an address, a URI, a nick in full; one at a time (407); 411, 412, 404.
#[test]
fn targets_are_nicks_and_addresses() {
    let stage = Stage::new();
    let mut alice = stage.join("alice");
    let mut fred = stage.native("im:fred@a.example");
    for target in ["fred@a.example", "im:fred@a.example", "fred", "FRED"] {
        alice.send(&format!("PRIVMSG {target} :to {target}"));
        let frame = fred.next(PATIENCE).unwrap();
        assert_eq!(frame.attribute("source").unwrap(), uri("alice"));
        assert_eq!(frame.body(), format!("to {target}"));
        fred.respond(&frame, "success", "");
        if target == "fred@a.example" {
            // From now on he has a nick.
            fred.message("1", "im:fred@a.example", &uri("alice"), "yes?");
            alice.expect(":fred!fred@a.example PRIVMSG alice :yes?");
            alice.until_quiet();
            assert!(fred.expect_answer().is("success", ""));
        }
    }
    let mut bob = stage.join("bob");
    alice.send("PRIVMSG bob!bob@irc.demo.example :in full");
    bob.expect(":alice!alice@irc.demo.example PRIVMSG bob :in full");
    bob.until_quiet();
    for (line, numeric) in [
        ("PRIVMSG", " 411 "),
        ("PRIVMSG bob", " 412 "),
        ("PRIVMSG bob :", " 412 "),
        ("PRIVMSG bob,fred :x", " 407 "),
        ("PRIVMSG #ops :x", " 404 "),
        ("PRIVMSG $*.example :x", " 404 "),
        ("PRIVMSG im:nonsense :x", " 401 "),
        ("PRIVMSG fred@nowhere.example :x", " 401 "),
    ] {
        let lines = alice.ask_until(line, |lines| !lines.is_empty());
        assert!(lines[0].contains(numeric), "{line}: {lines:?}");
    }
}

/// RFC 2812 section 3.3.2: nothing ever answers a notice. Across, it is a message that came about by itself.
#[test]
fn notices_are_never_answered() {
    let stage = Stage::new();
    let mut alice = stage.join("alice");
    let mut bob = stage.join("bob");
    assert!(alice.ask("NOTICE nobody :x").is_empty());
    alice.send("NOTICE nobody@b.example :x");
    alice.send("NOTICE bob :psst");
    bob.expect(":alice!alice@irc.demo.example NOTICE bob :psst");
    bob.until_quiet();
    assert!(alice.until_quiet().is_empty());
}

/// CTCP (modern IRC, "Client-to-Client Protocol"): ACTION is mapped, everything else neither passed on nor answered for somebody else.
#[test]
fn of_ctcp_only_actions_cross() {
    let stage = Stage::new();
    let mut alice = stage.join("alice");
    let mut fred = stage.native("im:fred@a.example");
    alice.send("PRIVMSG fred@a.example :\u{1}ACTION waves\u{1}");
    let frame = fred.next(PATIENCE).unwrap();
    assert_eq!(frame.body(), "/me waves");
    fred.respond(&frame, "success", "");
    fred.message("1", "im:fred@a.example", &uri("alice"), "/me waves back");
    alice.expect("PRIVMSG alice :\u{1}ACTION waves back\u{1}");
    alice.until_quiet();
    assert!(fred.expect_answer().is("success", ""));
    alice.send("PRIVMSG fred@a.example :\u{1}action nods\u{1}");
    let frame = fred.expect_message();
    assert_eq!(frame.body(), "/me nods", "in any case");
    fred.respond(&frame, "success", "");
    let lines = alice.ask("PRIVMSG fred@a.example :\u{1}DCC SEND x 1 2\u{1}");
    assert!(lines[0].contains(" 531 alice fred@a.example :CTCP DCC "), "{lines:?}");
    fred.message("2", "im:fred@a.example", &uri("alice"), "\u{1}DCC SEND x 1 2\u{1}\r\nQUIT :x");
    assert!(!alice.expect("DCC").contains('\u{1}'));
    alice.expect("PRIVMSG alice :QUIT :x");
}

/// RFC 1459 section 2.3: no line is longer than 512 octets, and no character is cut.
#[test]
fn long_text_comes_in_lines_that_fit() {
    let stage = Stage::new();
    let mut alice = stage.join("alice");
    let mut fred = stage.native("im:fred@a.example");
    let text = "€".repeat(700);
    fred.message("1", "im:fred@a.example", &uri("alice"), &text);
    let mut got = String::new();
    while got.len() < text.len() {
        let line = alice.expect("PRIVMSG");
        assert!(line.len() <= 510, "{}", line.len());
        got.push_str(line.split(" :").nth(1).unwrap());
    }
    assert_eq!(got, text);
    alice.until_quiet();
    assert!(fred.expect_answer().is("success", ""));
    // By the real prefix: what fits is one line, and an octet more is two.
    let room = 510 - ":fred!fred@a.example PRIVMSG alice :".len();
    for (nth, octets) in [room, room + 1].into_iter().enumerate() {
        fred.message(&format!("fits-{nth}"), "im:fred@a.example", &uri("alice"), &"x".repeat(octets));
        assert_eq!(alice.expect("PRIVMSG").len(), 510);
        let rest = alice.until_quiet();
        assert_eq!(rest.iter().filter(|line| line.ends_with("PRIVMSG alice :x")).count(), nth, "{rest:?}");
        assert!(fred.expect_answer().is("success", ""));
    }
}

/// RFC 2812 section 4.1: whoever is away gets the message, and its sender is told (301).
#[test]
fn away_is_told_and_is_no_failure() {
    let stage = Stage::new();
    let mut alice = stage.join("alice");
    let mut bob = stage.join("bob");
    assert!(alice.ask("AWAY :gone fishing")[0].contains(" 306 alice "));
    let mut fred = stage.native("im:fred@a.example");
    fred.message("1", "im:fred@a.example", &uri("alice"), "hello");
    alice.expect("hello");
    alice.until_quiet();
    let answer = fred.expect_answer();
    assert!(answer.is("success", "") && answer.text == "away: gone fishing", "{answer:?}");
    bob.send("PRIVMSG alice :and you?");
    alice.expect("and you?");
    alice.until_quiet();
    assert_eq!(bob.expect(" 301 "), ":irc.demo.example 301 bob alice :gone fishing");
    assert!(alice.ask("AWAY")[0].contains(" 305 alice "));
}

/// What IRC cannot show is shown in its best text form, and the whole is kept and offered.
#[test]
fn what_is_no_text_is_named_and_kept() {
    let stage = Stage::new();
    let mut alice = stage.join("alice");
    let mut fred = stage.native("im:fred@a.example");
    let mut last = 0;
    let mut send = |fred: &mut crate::support::native::Client, entity: &str| {
        last += 1;
        let to = uri("alice");
        let xml = format!("<message source='im:fred@a.example' destination='{to}' transID='{last}'/>");
        fred.try_send("", &xml, entity.replace('\n', "\r\n").as_bytes()).unwrap();
    };
    send(&mut fred, "Content-Type: image/png\nContent-Transfer-Encoding: base64\n\nAAAA");
    let offer = alice.expect("PRIVMSG alice :");
    let size = ":[image/png, 3 octets, kept while you are here. To get it, write to gateway: show ";
    assert!(offer.contains(size), "one line, with the size that the picture has: {offer}");
    send(&mut fred, "Content-Type: text/html\n\n<p>Hello <b>there</b>, <i>you</i></p>");
    alice.expect("PRIVMSG alice :Hello \u{2}there\u{f}, \u{1d}you");
    send(&mut fred, "Content-Type: text/html\n\n<table><tr><td>Hello</td></tr></table>");
    alice.expect("PRIVMSG alice :Hello");
    alice.expect("[text/html, 65 octets, kept while");
    let mixed = "Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: multipart/alternative; boundary=y\n\n\
                 --y\nContent-Type: text/plain\n\nsee this\n--y\nContent-Type: text/html\n\n<p>see <b>this</b></p>\n\
                 --y--\n--x\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=a.pdf\n\n123\n--x--\n";
    send(&mut fred, mixed);
    alice.expect("PRIVMSG alice :see \u{2}this");
    assert!(alice.line().unwrap().contains(" PRIVMSG alice :[a.pdf, application/pdf, 3 octets, kept while "));
    let two = mixed.replace("--x--\n", "--x\nContent-Type: image/gif\n\n12\n--x--\n");
    send(&mut fred, &two);
    alice.expect("PRIVMSG alice :[a.pdf, application/pdf, 3 octets]");
    alice.expect("PRIVMSG alice :[image/gif, 2 octets]");
    alice.expect("PRIVMSG alice :[all of it, kept while you are here. To get it, write to gateway: show ");
    send(&mut fred, "\nwith regards\n\nFred\n\n \n\n");
    alice.expect("PRIVMSG alice :with regards");
    assert!(alice.line().unwrap().ends_with(" PRIVMSG alice : "), "a blank line within is a space");
    assert!(alice.line().unwrap().ends_with(" PRIVMSG alice :Fred"));
    let cpim = "Content-Type: message/cpim\n\nFrom: Fred Flintstone <im:fred@a.example>\nSubject: lunch\n\nContent-Type: text/plain\n\nhungry?";
    send(&mut fred, cpim);
    // Blank lines at the end of the one before it were not sent.
    let line = alice.line().unwrap();
    assert!(line.ends_with(" PRIVMSG alice :[lunch] hungry?"), "{line}");
    alice.send("WHOIS fred");
    assert!(alice.expect(" 311 ").ends_with(" * :Fred Flintstone (im:fred@a.example)"));
}

/// What is longer than anybody reads is shown as it begins, and the whole is kept and offered.
#[test]
fn what_is_too_long_is_begun_and_kept() {
    let stage = Stage::new();
    let mut alice = stage.join("alice");
    let mut fred = stage.native("im:fred@a.example");
    let text: Vec<String> = (1..=300).map(|nth| format!("line {nth}")).collect();
    fred.message("1", "im:fred@a.example", &uri("alice"), &text.join("\r\n"));
    for nth in 1..=20 {
        assert!(alice.line().unwrap().ends_with(&format!(":line {nth}")));
    }
    assert!(alice.line().unwrap().ends_with("PRIVMSG alice :[280 lines more]"));
    assert!(alice.line().unwrap().contains("write to gateway: show "));
    alice.until_quiet();
    assert!(fred.expect_answer().is("success", ""));
}

/// Formatting codes (modern IRC, "Formatting") become HTML beside plain text, and codes again.
#[test]
fn formatting_crosses_as_html_and_as_codes() {
    let stage = Stage::new();
    let mut alice = stage.join("alice");
    let mut bob = stage.join("bob");
    let mut fred = stage.native("im:fred@a.example");
    let typed = "a \u{2}bold\u{2} \u{1d}italic\u{f} \u{3}4red\u{3}";
    alice.send(&format!("PRIVMSG fred@a.example :{typed}"));
    let frame = fred.expect_message();
    let entity = String::from_utf8(frame.content.clone()).unwrap();
    assert!(entity.starts_with("Content-Type: multipart/alternative;"), "{entity}");
    assert!(entity.contains("\r\n\r\na bold italic red\r\n"), "{entity}");
    assert!(
        entity.contains("a <b>bold</b> <i>italic</i> <span style=\"color:#ff0000\">red</span>"),
        "{entity}"
    );
    assert!(!entity.contains(['\u{2}', '\u{3}', '\u{1d}']));
    fred.respond(&frame, "success", "");
    alice.send(&format!("PRIVMSG bob :{typed}"));
    let line = bob.expect("PRIVMSG bob :");
    assert!(line.contains("a \u{2}bold\u{f} \u{1d}italic\u{f} \u{3}04\u{2}\u{2}red"), "{line:?}");
    alice.send("PRIVMSG fred@a.example :plain");
    let frame = fred.expect_message();
    assert!(frame.content.starts_with(b"Content-Type: text/plain"));
    fred.respond(&frame, "success", "");
    bob.until_quiet();
}

/// Two people on IRC write to each other as fast as they can: nothing is lost, and neither holds up the other.
#[test]
fn a_flood_both_ways_loses_nothing() {
    const EACH: usize = 400;
    let stage = Stage::new();
    let (alice, bob) = (stage.join("alice"), stage.join("bob"));
    let sides = [(alice, "bob"), (bob, "alice")].map(|(mut irc, other)| {
        std::thread::spawn(move || {
            for nth in 0..EACH {
                irc.send(&format!("PRIVMSG {other} :{nth}"));
            }
            let mut next = 0;
            while next < EACH {
                let line = irc.line().expect("the connection goes on");
                assert!(line.ends_with(&format!(":{next}")), "{next}: {line}");
                next += 1;
            }
            irc
        })
    });
    for side in sides {
        let mut irc = side.join().unwrap();
        assert!(irc.until_quiet().is_empty(), "nothing failed");
    }
}

/// DESIGN section 4: rules hold for the canonical address, however they are spelled.
#[test]
fn no_spelling_of_a_rule_is_overlooked() {
    let from = |from: &str| format!("[[rule]]\naction = \"deny\"\nfrom = \"{from}\"\n");
    for spelled in [
        "im:irc=irc.demo.example/Alice@gw.example",
        "im:IRCS=irc.demo.example/~61LICE@gw.example",
        "im:alice@irc.gw.example",
    ] {
        let mapping =
            "[[mapping]]\ndomain = \"irc.gw.example\"\nselector = \"irc\"\nprefix = \"irc.demo.example/\"\n";
        let stage = Stage::with_rules(&format!("{mapping}{}", from(spelled)));
        let mut fred = stage.native("im:fred@a.example");
        let (mut alice, mut bob) = (stage.join("alice"), stage.join("bob"));
        alice.send("PRIVMSG fred@a.example :may I?");
        let refused = alice.expect("fred@a.example");
        assert!(refused.contains("531"), "{spelled}: {refused}");
        bob.send("PRIVMSG fred@a.example :and I?");
        let frame = fred.expect_message();
        assert_eq!(frame.body(), "and I?", "{spelled}");
    }
}
