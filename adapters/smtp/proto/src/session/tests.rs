use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// A session, and what it said and asked, with everything accepted but what contains `no`.
struct Stage {
    session: Session,
    now: Instant,
    events: Vec<String>,
    said: String,
}

const OFFERS: Offers = Offers { starttls: true, login: true, login_in_the_clear: false };

fn limits() -> Limits {
    Limits {
        command_octets: 200,
        line_octets: 100,
        mail_octets: 1_000,
        recipients: 2,
        mails: 3,
        errors: 3,
        idle_commands: 8,
        ..Limits::default()
    }
}

impl Stage {
    fn new() -> Self {
        let now = Instant::now();
        let session = Session::new("gw.example", OFFERS, false, limits(), now);
        Self { session, now, events: Vec::new(), said: String::new() }
    }

    fn greeted() -> Self {
        let mut stage = Self::new();
        stage.says("EHLO me.example\r\n");
        stage
    }

    fn receive(&mut self, octets: &[u8]) {
        self.session.receive(octets, self.now);
        while let Some(event) = self.session.poll(self.now) {
            let text = format!("{event:?}");
            match event {
                Event::StartTls => self.session.secured(self.now),
                _ if text.contains("\"no") => {
                    let reply = Reply::fixed(550, "5.1.1", "no");
                    self.session.decide(Decision::Refuse(reply), self.now);
                }
                _ => self.session.decide(Decision::Accept, self.now),
            }
            self.events.push(text);
        }
        self.said.push_str(std::str::from_utf8(&self.session.take_output()).unwrap());
    }

    /// What is replied to this, by the codes.
    fn says(&mut self, text: &str) -> Vec<String> {
        let before = self.said.len();
        self.receive(text.as_bytes());
        let lines =
            self.said.get(before..).unwrap().lines().filter(|line| line.as_bytes().get(3) == Some(&b' '));
        lines.map(|line| line.get(..9).unwrap_or(line).trim_end().to_owned()).collect()
    }
}

fn codes(replies: &[String]) -> Vec<&str> {
    replies.iter().map(|reply| reply.get(..3).unwrap()).collect()
}

#[test]
fn a_mail() {
    let mut stage = Stage::new();
    assert_eq!(codes(&stage.says("EHLO me.example\r\n")), ["220", "250"]);
    for offer in ["PIPELINING", "SIZE 1000", "8BITMIME", "SMTPUTF8", "DSN", "STARTTLS", "ENHANCEDSTATUSCODES"]
    {
        assert!(stage.said.contains(offer), "{offer}");
    }
    assert!(!stage.said.contains("AUTH"), "in the clear nobody is asked for a password");
    let replies = stage
        .says("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@gw.example>\r\nRCPT TO:<no@gw.example>\r\nDATA\r\n");
    assert_eq!(replies, ["250 2.1.0", "250 2.1.5", "550 5.1.1", "354 end w"]);
    assert_eq!(stage.says("Subject: x\r\n\r\n..\r\n.\r\nQUIT\r\n"), ["250 2.0.0", "221 2.0.0"]);
    assert!(stage.session.is_closed());
    assert!(
        stage.events.last().unwrap().contains(r#"octets: b"Subject: x\r\n\r\n.\r\n""#),
        "{:?}",
        stage.events
    );
}

#[test]
fn what_could_smuggle_a_mail_ends_the_connection() {
    for end in ["\n.\r\n", "\r.\r\n", "\n.\n", "\r\n.\n", "\r\n.\rMAIL", "\r\r\n.\r\n"] {
        let mut stage = Stage::greeted();
        stage.says("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@gw.example>\r\nDATA\r\n");
        let hidden =
            format!("x{end}MAIL FROM:<evil@x.example>\r\nRCPT TO:<b@gw.example>\r\nDATA\r\ny\r\n.\r\n");
        assert_eq!(stage.says(&hidden), ["554 5.5.2"], "{end:?}");
        assert!(stage.session.is_closed());
        assert!(!stage.events.iter().any(|event| event.starts_with("Mail(")), "{end:?}");
    }
    for bare in ["NOOP\n", "NOOP\rNOOP\r\n"] {
        let mut stage = Stage::greeted();
        assert_eq!(stage.says(bare), ["554 5.5.2"]);
    }
}

#[test]
fn whoever_does_not_wait_is_refused() {
    let mut stage = Stage::greeted();
    stage.says("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@gw.example>\r\n");
    assert_eq!(stage.says("DATA\r\nhello\r\n.\r\n"), ["554 5.5.0"]);
    assert!(stage.session.is_closed());
    let mut stage = Stage::greeted();
    assert_eq!(stage.says("STARTTLS\r\nMAIL FROM:<evil@x.example>\r\n"), ["554 5.5.0"]);
    assert!(stage.session.is_closed() && stage.events.is_empty());
    // Where DATA is refused, what follows are commands, as with any other.
    let mut stage = Stage::greeted();
    assert_eq!(codes(&stage.says("MAIL FROM:<a@x.example>\r\nDATA\r\nRSET\r\n")), ["250", "554", "250"]);
}

#[test]
fn tls_forgets_what_was_said_before() {
    let mut stage = Stage::greeted();
    stage.says("MAIL FROM:<a@x.example>\r\n");
    assert_eq!(codes(&stage.says("STARTTLS\r\n")), ["220"]);
    assert_eq!(stage.says("RCPT TO:<b@gw.example>\r\n"), ["503 5.5.1"]);
    stage.says("EHLO me.example\r\n");
    assert!(stage.said.ends_with("250-AUTH PLAIN LOGIN\r\n250 ENHANCEDSTATUSCODES\r\n"), "{}", stage.said);
    assert_eq!(codes(&stage.says("STARTTLS\r\n")), ["502"]);
}

#[test]
fn a_login() {
    let mut stage = Stage::greeted();
    assert_eq!(codes(&stage.says("AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n")), ["538"]);
    stage.says("STARTTLS\r\n");
    stage.says("EHLO me.example\r\n");
    assert_eq!(codes(&stage.says("AUTH LOGIN\r\nYWxpY2U=\r\nc2VjcmV0\r\n")), ["334", "334", "235"]);
    assert_eq!(stage.session.user(), Some("alice"));
    assert_eq!(codes(&stage.says("AUTH PLAIN\r\n")), ["503"]);
    let mut stage = Stage::greeted();
    stage.says("STARTTLS\r\n");
    stage.says("EHLO me.example\r\n");
    assert_eq!(codes(&stage.says("AUTH PLAIN\r\n*\r\n")), ["334", "501"]);
    assert_eq!(codes(&stage.says("AUTH X-NONE\r\n")), ["504"]);
    assert!(!format!("{:?}", Login { name: "a".into(), password: "secret".into() }).contains("secret"));
}

#[test]
fn too_much_of_anything_is_refused() {
    let mut stage = Stage::greeted();
    assert_eq!(stage.says("MAIL FROM:<a@x.example> SIZE=1001\r\n"), ["552 5.3.4"]);
    stage.says("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@gw.example>\r\nRCPT TO:<c@gw.example>\r\n");
    assert_eq!(stage.says("RCPT TO:<d@gw.example>\r\n"), ["452 4.5.3"]);
    stage.says("DATA\r\n");
    assert_eq!(stage.says(&format!("{}\r\n.\r\n", "a".repeat(101))), ["554 5.6.0"]);
    assert_eq!(stage.says("BAD\r\n"), ["500 5.5.1"], "what was refused for now was not wrong");
    assert_eq!(stage.says("BAD\r\n"), ["500 5.5.1", "421 4.7.0"], "the fourth that was wrong");
    assert!(stage.session.is_closed());

    // Nor is it asked for ever.
    let mut stage = Stage::greeted();
    stage.says("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@gw.example>\r\nRCPT TO:<c@gw.example>\r\n");
    let mut refused = 0;
    while !stage.session.is_closed() {
        assert_eq!(stage.says("RCPT TO:<d@gw.example>\r\n")[0], "452 4.5.3");
        refused += 1;
    }
    assert!((1_004..=1_008).contains(&refused), "{refused}");

    let mut stage = Stage::greeted();
    assert_eq!(stage.says(&format!("NOOP {}\r\n", "a".repeat(200))), ["500 5.5.2"]);
    assert!(stage.session.is_closed());

    let mut stage = Stage::greeted();
    let replies = stage.says(&"NOOP\r\n".repeat(9));
    assert_eq!(replies.last().map(String::as_str), Some("421 4.7.0"));
    assert_eq!(replies.len(), 8);

    let mut stage = Stage::greeted();
    let mail = "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@gw.example>\r\nDATA\r\n";
    for _ in 0..3 {
        stage.says(mail);
        assert_eq!(stage.says(".\r\n"), ["250 2.0.0"]);
    }
    assert_eq!(stage.says("MAIL FROM:<a@x.example>\r\n"), ["421 4.7.0"]);
}

#[test]
fn whoever_is_slow_is_waited_for_and_no_longer() {
    let mut stage = Stage::greeted();
    let limits = limits();
    stage.now += limits.command_time - Duration::from_secs(1);
    stage.receive(b"NO");
    stage.session.expire(stage.now);
    assert!(!stage.session.is_closed());
    stage.now += Duration::from_secs(1);
    stage.session.expire(stage.now);
    assert!(stage.session.is_closed(), "octets that drip do not make a command");

    let mut stage = Stage::greeted();
    stage.says("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@gw.example>\r\nDATA\r\n");
    let end = stage.now + limits.mail_time;
    while stage.now < end {
        stage.session.expire(stage.now);
        assert!(!stage.session.is_closed());
        stage.receive(b"a");
        stage.now += limits.piece_time / 2;
    }
    stage.session.expire(stage.now);
    assert!(stage.session.is_closed(), "nor a mail");
}

#[test]
fn wrong_commands() {
    for (text, code) in [
        ("MAIL FROM:<a@x.example>", "503"),
        ("EHLO", "501"),
        ("EXPN list", "502"),
        ("BDAT 10 LAST", "502"),
        ("VRFY fred", "252"),
        ("HELP", "214"),
        ("\u{7f}", "501"),
        ("", "500"),
    ] {
        assert_eq!(codes(&Stage::new().says(&format!("{text}\r\n")))[1..], [code], "{text}");
    }
    for (text, code) in [
        ("MAIL FROM:a@x.example", "501"),
        ("MAIL FROM:<\u{fc}@x.example>", "553"),
        ("MAIL FROM:<\u{fc}@x.example> SMTPUTF8", "250"),
        ("MAIL FROM: <a@x.example>", "250"),
        ("MAIL FROM:<>", "250"),
        ("RCPT TO:<b@gw.example>", "503"),
        ("DATA", "503"),
        ("QUIT now", "501"),
    ] {
        assert_eq!(codes(&Stage::greeted().says(&format!("{text}\r\n"))), [code], "{text}");
    }
    assert_eq!(Reply::worded(550, "5.0.0", "a\r\nb\u{fc}").to_string(), "550 5.0.0 a??b?");
}

/// One turn of a client that waits where it has to.
fn turn() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("NOOP\r\n".to_owned()),
        Just("RSET\r\nHELO x\r\n".to_owned()),
        Just("EHLO x\r\nMAIL FROM:<a@x.example> RET=HDRS\r\nRCPT TO:<no@gw.example>\r\n".to_owned()),
        Just("RCPT TO:<b@gw.example> NOTIFY=NEVER\r\nRCPT TO:<c@gw.example>\r\n".to_owned()),
        Just("DATA\r\n".to_owned()),
        "[a-z.]{0,120}\r\n(\\.\r\n)?",
        "(\\.|a|\r\n|\r|\n){0,12}",
    ]
}

proptest! {
    #[test]
    fn however_it_is_cut(turns in prop::collection::vec(turn(), 0..12), cut in 1_usize..7) {
        let (mut once, mut pieces) = (Stage::greeted(), Stage::greeted());
        for turn in &turns {
            once.receive(turn.as_bytes());
            for piece in turn.as_bytes().chunks(cut) {
                pieces.receive(piece);
            }
        }
        prop_assert_eq!(once.said, pieces.said);
        prop_assert_eq!(once.events, pieces.events);
    }

    #[test]
    fn anything_may_come(octets in prop::collection::vec(any::<u8>(), 0..400)) {
        Stage::greeted().receive(&octets);
        let mut stage = Stage::greeted();
        stage.says("MAIL FROM:<a@x.example>\r\nRCPT TO:<b@gw.example>\r\nDATA\r\n");
        stage.receive(&octets);
    }
}
