//! Whoever does not play by the rules is refused in SMTP's words, and harms nobody else.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::stage::{BOB, FRED_MAILBOX, HELLO, Stage, hello};
use crate::support::native::Silence;
use crate::support::smtp::Smtp;

/// Longer than a message takes that comes.
const A_WHILE: Duration = Duration::from_millis(300);

/// A connection that is about to send a mail's text.
fn at_data(stage: &Stage) -> Smtp {
    let mut client = stage.client();
    client.must(&format!("MAIL FROM:<{BOB}>"), 250);
    client.must(&format!("RCPT TO:<{FRED_MAILBOX}>"), 250);
    client.must("DATA", 354);
    client
}

#[test]
fn nothing_but_crlf_dot_crlf_ends_a_mail() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    let smuggled = "MAIL FROM:<eve@mail.example>\r\nRCPT TO:<im=fred~40a.example@gw.example>\r\nDATA\r\nSmuggled\r\n.\r\n";
    for end in [
        "\n.\n",
        "\n.\r\n",
        "\r\n.\n",
        "\r.\r",
        "\r.\r\n",
        "\r\n.\r",
        "\r\n.\r\r\n",
        "\n\n.\r\n",
        "\r\n\r.\r\n",
    ] {
        let mut client = at_data(&stage);
        client.write(format!("From: {BOB}\r\n\r\nFirst{end}{smuggled}").as_bytes());
        let reply = client.reply().unwrap();
        assert_eq!((reply.code, reply.lines[0].contains("bare")), (554, true), "{end:?}: {reply:?}");
        assert_eq!(client.reply(), None, "{end:?}: nothing is read behind it");
    }
    assert_eq!(fred.next(A_WHILE), Err(Silence::Time), "neither the mail nor what was hidden in it");
    // What merely looks like it does not end it either, and is not changed.
    let mut client = at_data(&stage);
    client.write(format!("From: {BOB}\r\n\r\n..\r\n...\r\n..x\r\n.\r\n").as_bytes());
    assert_eq!(client.reply().unwrap().code, 250);
    assert_eq!(fred.expect_message().body().trim_start(), ".\r\n..\r\n.x\r\n");
}

#[test]
fn octets_before_their_time_are_nobodys() {
    let stage = Stage::new();
    let mut client = stage.client();
    client.must(&format!("MAIL FROM:<{BOB}>"), 250);
    client.must(&format!("RCPT TO:<{FRED_MAILBOX}>"), 250);
    client.write(b"DATA\r\nFrom: x@mail.example\r\n\r\nx\r\n.\r\n");
    assert_eq!(client.reply().unwrap().code, 554);
    assert_eq!(client.reply(), None);
    // Commands may come together (RFC 2920), up to DATA.
    let mut fred = stage.fred();
    let mut client = stage.client();
    client.write(
        format!("RSET\r\nMAIL FROM:<{BOB}> SIZE=100 BODY=8BITMIME\r\nRCPT TO:<{FRED_MAILBOX}>\r\nDATA\r\n")
            .as_bytes(),
    );
    for code in [250, 250, 250, 354] {
        assert_eq!(client.reply().unwrap().code, code);
    }
    client.write(format!("{}.\r\nQUIT\r\n", HELLO.replace('\n', "\r\n")).as_bytes());
    assert_eq!(client.reply().unwrap().code, 250);
    assert_eq!(client.reply().unwrap().code, 221);
    fred.expect_message();
}

#[test]
fn a_bare_line_end_among_commands_ends_the_connection() {
    let stage = Stage::new();
    for bad in ["NOOP\nNOOP\r\n", "NOOP\rNOOP\r\n"] {
        let mut client = stage.client();
        client.write(bad.as_bytes());
        assert_eq!(client.reply().unwrap().code, 554, "{bad:?}");
        assert_eq!(client.reply(), None, "{bad:?}");
    }
    let mut client = stage.client();
    assert_eq!(client.say("MAIL FROM:<a\0b@mail.example>").code, 501);
    assert_eq!(client.say("MAIL FROM:<\u{fc}@mail.example>").code, 553, "SMTPUTF8 was not asked for");
    assert_eq!(client.say("MAIL FROM:<\u{fc}@mail.example> SMTPUTF8").code, 250);
}

#[test]
fn a_mail_over_the_limits_is_refused_and_the_next_is_taken() {
    let stage =
        Stage::with("", "[smtp.limits]\nmail_octets = \"16 KiB\"\nline_octets = \"1 KiB\"\nrecipients = 3\n");
    let mut fred = stage.fred();
    let mut client = stage.client();
    let reply = client.mail(BOB, FRED_MAILBOX, &format!("{HELLO}{}", "x".repeat(1_025)));
    assert_eq!(reply.code, 554, "{reply:?}");
    let reply = client.mail(BOB, FRED_MAILBOX, &format!("{HELLO}{}", "x\n".repeat(8_192)));
    assert_eq!(reply.code, 552, "{reply:?}");
    assert_eq!(client.say(&format!("MAIL FROM:<{BOB}> SIZE=16385")).code, 552);
    client.must(&format!("MAIL FROM:<{BOB}> SIZE=16384"), 250);
    for (nth, code) in [250, 250, 250, 452].into_iter().enumerate() {
        client.must(&format!("RCPT TO:<im=f{nth}~40a.example@gw.example>"), code);
    }
    client.must("RSET", 250);
    let reply = client.say(&format!("MAIL FROM:<{}@mail.example>", "x".repeat(3_000)));
    assert_eq!(reply.code, 500, "{reply:?}");
    assert_eq!(client.reply(), None);
    let many = "X-Field: x\n".repeat(1_001);
    let mut client = stage.client();
    assert_eq!(client.mail(BOB, FRED_MAILBOX, &format!("{many}{HELLO}")).code, 554);
    assert_eq!(client.mail(BOB, FRED_MAILBOX, HELLO).code, 250);
    fred.expect_message();
    assert_eq!(stage.outgoing.taken().len(), 0);
}

#[test]
fn whoever_floods_is_sent_away_and_nobody_else() {
    let stage = Stage::with("", "[smtp.limits]\nerrors = 5\nconnection_mails = 2\n");
    let mut fred = stage.fred();
    let mut client = stage.client();
    for _ in 0..5 {
        client.must("HAMSTER", 500);
    }
    client.must("HAMSTER", 500);
    assert_eq!(client.reply().unwrap().code, 421);
    assert_eq!(client.reply(), None);
    let mut client = stage.client();
    client.write("NOOP\r\n".repeat(1_000).as_bytes());
    let mut replies = 0;
    while let Some(reply) = client.reply() {
        replies += 1;
        if reply.code == 421 {
            assert_eq!(client.reply(), None);
            break;
        }
    }
    assert!((50..=200).contains(&replies), "{replies}");
    let mut client = stage.client();
    for nth in 0..2 {
        assert_eq!(client.mail(BOB, FRED_MAILBOX, &hello(nth)).code, 250);
        let got = fred.expect_message();
        fred.respond(&got, "success", "");
    }
    client.must(&format!("MAIL FROM:<{BOB}>"), 421);
    // No name is told for the asking.
    let mut client = stage.client();
    for command in ["VRFY fred", "VRFY nobody"] {
        assert_eq!(client.say(command).text(), "252 2.1.5 send, and see");
    }
    client.must("EXPN staff", 502);
}

#[test]
fn one_client_has_its_share_of_connections_and_mails() {
    let stage = Stage::with("", "[smtp.limits]\nclient_connections = 3\nclient_mails = 4\n");
    let mut open: Vec<Smtp> = (0..3).map(|_| stage.client()).collect();
    let mut more = Smtp::open(stage.port);
    let reply = more.reply().unwrap();
    assert_eq!(reply.code, 421, "{reply:?}");
    assert_eq!(more.reply(), None);
    let mut client = open.pop().unwrap();
    let mut codes = Vec::new();
    for _ in 0..5 {
        codes.push(client.say(&format!("MAIL FROM:<{BOB}>")).code);
        client.must("RSET", 250);
    }
    assert_eq!(codes, [250, 250, 250, 250, 450]);
    drop(client);
    // A place that was given back is had by the next.
    let until = Instant::now() + crate::support::gateway::PATIENCE;
    while Smtp::open(stage.port).reply().unwrap().code != 220 {
        assert!(Instant::now() < until);
        crate::support::gateway::breathe();
    }
}

#[test]
fn the_gateway_has_its_share_of_connections() {
    let stage = Stage::with("", "[smtp.limits]\nconnections = 2\n");
    let (mut one, two) = (stage.client(), stage.client());
    let mut more = Smtp::open(stage.port);
    assert_eq!(more.reply().unwrap().text(), "421 4.7.0 too many connections");
    assert_eq!(more.reply(), None);
    one.must("NOOP", 250);
    drop(two);
    let until = Instant::now() + crate::support::gateway::PATIENCE;
    while Smtp::open(stage.port).reply().unwrap().code != 220 {
        assert!(Instant::now() < until);
        crate::support::gateway::breathe();
    }
}

#[test]
fn the_memory_for_mails_is_bounded_and_comes_back() {
    let stage = Stage::with("", "[smtp.limits]\nmails_at_once = 1\nopen_mails = 1\n");
    let mut fred = stage.fred();
    let mut one = at_data(&stage);
    let mut other = stage.client();
    other.must(&format!("MAIL FROM:<{BOB}>"), 250);
    other.must(&format!("RCPT TO:<{FRED_MAILBOX}>"), 250);
    other.must("DATA", 452);
    other.must("RSET", 250);
    assert_eq!(one.text(&hello(1)).code, 250);
    // Taken, and its outcome awaited: there is room for no other.
    let got = fred.expect_message();
    let reply = other.mail(BOB, FRED_MAILBOX, &hello(2));
    assert_eq!(reply.code, 451, "{reply:?}");
    fred.respond(&got, "success", "");
    let until = Instant::now() + crate::support::gateway::PATIENCE;
    while other.mail(BOB, FRED_MAILBOX, &hello(2)).code != 250 {
        assert!(Instant::now() < until);
        crate::support::gateway::breathe();
    }
    assert!(fred.expect_message().body().contains("Hello"));
}

#[test]
fn a_mail_that_was_too_large_takes_no_room_any_more() {
    let stage = Stage::with("", "[smtp.limits]\nmails_at_once = 1\nmail_octets = 2000\n");
    let mut fred = stage.fred();
    let mut large = at_data(&stage);
    assert_eq!(large.text(&format!("{HELLO}{}", "x\n".repeat(2_000))).code, 552);
    let mut other = at_data(&stage);
    assert_eq!(other.text(&hello(1)).code, 250);
    assert!(fred.expect_message().body().contains("Hello"));
}

#[test]
fn whoever_has_too_many_recipients_loses_none_of_those_that_are_taken() {
    let stage = Stage::with("", "[smtp.limits]\nrecipients = 2\n");
    let mut fred = stage.fred();
    let mut client = stage.client();
    client.must(&format!("MAIL FROM:<{BOB}>"), 250);
    client.must(&format!("RCPT TO:<{FRED_MAILBOX}>"), 250);
    client.must("RCPT TO:<im=wilma~40a.example@gw.example>", 250);
    for nth in 0..300 {
        client.must(&format!("RCPT TO:<im=u{nth}~40a.example@gw.example>"), 452);
    }
    client.must("DATA", 354);
    assert_eq!(client.text(HELLO).code, 250);
    assert!(fred.expect_message().body().contains("Hello"));
}

#[test]
fn octets_that_are_no_text_are_refused_or_arrive_as_they_are() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    for (body, taken) in [(&b"a\0b"[..], true), (b"\xff\xfe\x80", true), (b"a\x7f\x1b[2Jb", true)] {
        let mut client = at_data(&stage);
        client.write(&[format!("From: {BOB}\r\n\r\n").as_bytes(), body, b"\r\n.\r\n"].concat());
        let reply = client.reply().unwrap();
        assert_eq!(reply.code == 250, taken, "{body:?}: {reply:?}");
        let got = fred.expect_message();
        assert!(got.content.windows(body.len()).any(|at| at == body), "{body:?} is not in {got:?}");
        fred.respond(&got, "success", "");
    }
    // In the header there is nothing but text.
    for field in [&b"Subject: a\0b"[..], b"Subject: \xff", b"From: \"\0\" <bob@mail.example>"] {
        let mut client = at_data(&stage);
        client.write(&[field, format!("\r\nFrom: {BOB}\r\n\r\nHello\r\n.\r\n").as_bytes()].concat());
        let reply = client.reply().unwrap();
        assert!(matches!(reply.code, 250 | 550..=554), "{field:?}: {reply:?}");
        if reply.code == 250 {
            let got = fred.expect_message();
            assert!(!got.content.contains(&0), "{got:?}");
            fred.respond(&got, "success", "");
        }
        client.must("NOOP", 250);
    }
}

#[test]
fn slow_senders_are_not_waited_for_for_ever() {
    let stage =
        Stage::with("", "[smtp.limits]\ncommand_time = \"1s\"\nmail_time = \"2s\"\npiece_time = \"1s\"\n");
    let mut silent = stage.client();
    let mut dripping = at_data(&stage);
    let mut stalled = at_data(&stage);
    stalled.write(b"From: x");
    let began = Instant::now();
    for _ in 0..30 {
        dripping.write(b"x");
        std::thread::park_timeout(Duration::from_millis(100));
    }
    for (what, client) in [("silent", &mut silent), ("stalled", &mut stalled), ("dripping", &mut dripping)] {
        let reply = client.reply().unwrap_or_else(|| panic!("{what}: hung up without a word"));
        assert_eq!(reply.code, 421, "{what}: {reply:?}");
        assert_eq!(client.reply(), None, "{what}");
    }
    assert!(began.elapsed() < crate::support::gateway::PATIENCE);
    // Half a greeting, and gone.
    let mut gone = TcpStream::connect(("127.0.0.1", stage.port)).unwrap();
    gone.write_all(b"EHL").unwrap();
    drop(gone);
    stage.client().must("NOOP", 250);
}

#[test]
fn no_field_can_be_smuggled_into_what_is_written() {
    let stage = Stage::new();
    let mut fred = stage.fred();
    // In what a report gives back, and in what an answer takes up.
    let evil = "From: Bob <bob@mail.example>\nSubject: =?utf-8?q?x=0D=0ABcc:_eve@mail.example=0D=0A=0D=0Abody?=\n\
                Message-ID: <a\tb@mail.example>\nIn-Reply-To: <x=0D=0AEvil:1@mail.example>\n\nHello\n";
    let reply = stage.client().mail_to(
        "<\"a\\\"b\"@mail.example> ENVID=x+0D+0AEvil:+20yes",
        &[&format!("<{FRED_MAILBOX}>")],
        evil,
    );
    assert_eq!(reply.code, 501, "an id with a line end is none: {reply:?}");
    let reply = stage.client().mail_to(
        "<bob@mail.example>",
        &[&format!("<{FRED_MAILBOX}> ORCPT=rfc822;x+0AEvil:yes")],
        evil,
    );
    assert_eq!(reply.code, 501, "{reply:?}");
    let reply = stage.client().mail_to("<\"a b\"@mail.example>", &[&format!("<{FRED_MAILBOX}>")], evil);
    assert_eq!(reply.code, 250, "{reply:?}");
    let got = fred.expect_message();
    let content = String::from_utf8_lossy(&got.content).into_owned();
    assert!(!content.lines().any(|line| line.starts_with("Bcc:") || line.starts_with("Evil")), "{content}");
    fred.respond(&got, "failure", "refused:");
    let report = stage.outgoing.one();
    assert_eq!(report.to, ["TO:<\"a b\"@mail.example>"]);
    let header = report.text.split("\n\n").next().unwrap();
    assert!(!header.contains("Bcc") && !report.text.contains("\nBcc:"), "{}", report.text);
}
